/* SPDX-License-Identifier: MIT */
/** Stacks and times as text. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fmt.h"
#include "lang/out/printer.h"
#include "lang/out/value.h"
#include "sym/lines/lines.h"

static void add_frame(struct printer *p, const struct type *t, uint32_t pid, uint64_t addr,
		      struct strbuf *ret)
{
	const struct names *const names = p->names;

	if (t->kind == TYPE_KSTACK)
		names->ksym(names->arg, addr, true, ret);
	else
		names->usym(names->arg, pid, addr, true, t->stack_mode == STACK_PERF, ret);
}

size_t stack_lines(const struct printer *p, const struct type *t, uint64_t addr,
		   const struct line_frame **ret)
{
	const struct names *const names = p->names;

	return names->lines && t->kind == TYPE_KSTACK && t->stack_mode != STACK_RAW
		       ? names->lines(names->arg, addr, ret)
		       : 0;
}

void stack_add_source(const struct line_frame *l, struct strbuf *ret)
{
	if (l->file)
		strbuf_fmt(ret, " (%s:%u)", l->file, l->line);
}

void stack_add_inlined(const struct line_frame *l, struct strbuf *ret)
{
	strbuf_str(ret, l->function ? l->function : "?");
	stack_add_source(l, ret);
	strbuf_str(ret, " (inlined)\n");
}

/* What stands before a frame's name. */
static void add_head(const struct type *t, uint64_t addr, unsigned indent, struct strbuf *ret)
{
	char text[FMT_MOST];
	const size_t len = (size_t)(fmt_hex(text, addr) - text);

	if (t->stack_mode == STACK_BPFTRACE) {
		strbuf_add(ret, "        ", indent < 8 ? indent : 8);
		return;
	}
	strbuf_add(ret, "\t", t->stack_mode == STACK_PERF);
	strbuf_add(ret, text, len);
	strbuf_add(ret, " ", t->stack_mode == STACK_PERF);
}

/* A frame, and before it, as frames of their own, what was put inline there. */
static void add_lines(struct printer *p, const struct type *t, uint32_t pid, uint64_t addr,
		      unsigned indent, struct strbuf *ret)
{
	const struct line_frame *l = NULL;
	const size_t n = stack_lines(p, t, addr, &l);

	for (size_t i = 0; i + 1 < n; i++) {
		add_head(t, addr, indent, ret);
		stack_add_inlined(&l[i], ret);
	}
	add_head(t, addr, indent, ret);
	if (t->stack_mode != STACK_RAW)
		add_frame(p, t, pid, addr, ret);
	if (n)
		stack_add_source(&l[n - 1], ret);
	strbuf_add(ret, "\n", 1);
}

/* Some kernels have one more function between a raw tracepoint and the programs on it. */
static bool is_call_of_program(struct printer *p, const struct type *t, uint64_t addr)
{
	static const char name[] = "__bpf_trace_";
	struct strbuf text = { 0 };

	if (t->kind != TYPE_KSTACK)
		return false;
	p->names->ksym(p->names->arg, addr, true, &text);
	const bool is = !strncmp(strbuf_text(&text), name, sizeof(name) - 1);
	strbuf_fini(&text);
	return is;
}

void stack_add(struct printer *p, const struct type *t, const uint8_t *bytes, unsigned indent,
	       struct strbuf *ret)
{
	uint64_t frames[STACK_MOST];
	struct stack_value v = { 0 };

	if (p->script && p->script->d) {
		d_stack_add(p, t, bytes, ret);
		return;
	}

	memcpy(&v, bytes, t->size < sizeof(v) ? t->size : sizeof(v));
	if (!v.id)
		return;
	size_t n = p->names->stack(p->names->arg, v.id, frames);
	if (n > STACK_MOST)
		n = STACK_MOST;
	if (t->stack_depth && n > t->stack_depth)
		n = t->stack_depth;
	if (v.n && n > v.n)
		n = v.n;
	if (!n)
		return;

	strbuf_add(ret, "\n", 1);
	for (size_t i = is_call_of_program(p, t, frames[0]); i < n && frames[i]; i++)
		add_lines(p, t, v.pid, frames[i], indent, ret);
}

enum { TIME_FMT_MOST = 512, TIME_MOST = 1024 };

/* @fmt with the microseconds put in for each %f. False: it is too long. */
static bool put_micros(const char *fmt, unsigned us, char *ret)
{
	const char *const end = ret + (TIME_FMT_MOST - FMT_MOST);

	while (*fmt) {
		if (ret >= end)
			return false;
		if (fmt[0] != '%' || !fmt[1]) {
			*ret++ = *fmt++;
		} else if (fmt[1] == 'f') {
			ret = fmt_u64_pad(ret, us, 6);
			fmt += 2;
		} else {
			*ret++ = *fmt++;
			*ret++ = *fmt++;
		}
	}
	*ret = '\0';
	return true;
}

/* Through a pointer, as compilers want to see the formats of strftime(), and this is a script's. */
static size_t (*const format_time)(char *, size_t, const char *, const struct tm *) = strftime;

void time_add(struct printer *p, const char *fmt, uint64_t mono_ns, struct strbuf *ret)
{
	const int64_t billion = 1000000000;
	const int64_t ns = p->names->wall(p->names->arg, mono_ns);
	const int64_t rest = ((ns % billion) + billion) % billion;
	const time_t s = (time_t)((ns - rest) / billion);
	char with_us[TIME_FMT_MOST], text[TIME_MOST];
	struct tm tm;

	if (!fmt || !*fmt)
		return;
	if (!localtime_r(&s, &tm) || !put_micros(fmt, (unsigned)(rest / 1000), with_us)) {
		strbuf_str(ret, "(?)");
		return;
	}
	const size_t len = format_time(text, sizeof(text), with_us, &tm);
	if (len)
		strbuf_add(ret, text, len);
	else
		strbuf_str(ret, "(?)"); // as bpftrace has it
}
