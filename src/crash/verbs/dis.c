/* SPDX-License-Identifier: MIT */
/** sonde crash CORE dis: code as it was in memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "crash/debug/debug.h"
#include "crash/dis/dis.h"
#include "crash/verbs/all.h"

enum { LEN_USUAL = 64, LEN_MOST = 1 << 20, PAGE = 4096, BYTES_SHOWN = 8 };

struct listing {
	struct crash_run *run;
	struct dis *dis;   /* owned */
	struct json *json; /* NULL: text */
	uint64_t start, len;
	uint64_t mark;		       /* an address that was asked for; 0: none */
	struct crash_stack stack;      /* whose places are marked too */
	const struct line_frame *line; /* the one shown last */
	size_t line_depth;
	uint64_t missing;
	uint64_t symbol; /* where the one begins whose name was shown last */
};

static bool is_marked(const struct listing *l, uint64_t addr, unsigned len)
{
	if (l->mark && l->mark - addr < len)
		return true;
	for (size_t i = 0; i < l->stack.n; i++) {
		if (l->stack.frames[i].pc - addr < len)
			return true;
	}
	return false;
}

static void put_symbol(struct sonde_out *o, struct crash_core *c, uint64_t addr)
{
	struct crash_symbol s;

	if (!c->system->symbol_at(c, addr, &s))
		return;
	out_fmt(o, " <%s", s.name);
	if (addr != s.start)
		out_fmt(o, "+0x%" PRIx64, addr - s.start);
	out_str(o, s.module ? " [" : ">");
	if (s.module)
		out_fmt(o, "%s]>", s.module);
}

static bool same_lines(const struct line_frame *a, size_t n, const struct line_frame *b, size_t m)
{
	bool same = n == m;

	for (size_t i = 0; same && i < n; i++)
		same = a[i].line == b[i].line && a[i].file == b[i].file;
	return same;
}

/* The lines that the code is of, where they are not those of the code before. */
static void put_lines(struct listing *l, uint64_t addr, const struct crash_symbol *s)
{
	const struct line_frame *f = NULL;
	struct sonde_out *o = l->run->out;

	size_t n = crash_debug_at(l->run->core, s->module, addr, &f);
	if (!n || same_lines(f, n, l->line, l->line_depth))
		return;
	l->line = f;
	l->line_depth = n;
	for (size_t i = 0; i < n; i++) {
		if (f[i].file)
			out_fmt(o, "%s%s:%u", i ? " < " : "", f[i].file, f[i].line);
		if (f[i].is_inlined && f[i].function)
			out_fmt(o, " (%s)", f[i].function);
	}
	out_str(o, "\n");
}

static void print_insn(struct listing *l, uint64_t addr, const uint8_t *bytes,
		       const struct dis_insn *i, const struct crash_symbol *s)
{
	struct sonde_out *o = l->run->out;
	char hex[3 * DIS_INSN_MOST + 1] = "", off[24] = "";

	if (s->name && (l->symbol != s->start || addr == l->start)) {
		l->symbol = s->start;
		out_fmt(o, "%s%s%s%s:\n", s->name, s->module ? " [" : "",
			s->module ? s->module : "", s->module ? "]" : "");
	}
	if (l->run->args->lines && s->name)
		put_lines(l, addr, s);
	for (unsigned b = 0; b < i->len && b < DIS_INSN_MOST; b++)
		(void)snprintf(hex + 3 * b, 4, "%02x ", bytes[b]);
	if (s->name)
		(void)snprintf(off, sizeof(off), "<+0x%" PRIx64 ">", addr - s->start);
	const char *blank = strchr(i->text, ' ');
	int word = blank ? (int)(blank - i->text) : (int)strlen(i->text);
	out_fmt(o, "%s 0x%016" PRIx64 " %-8s %-*s %-7.*s%s",
		is_marked(l, addr, i->len) ? "=>" : "  ", addr, off, 3 * BYTES_SHOWN, hex, word,
		i->text, blank ? blank : "");
	if (i->has_target)
		put_symbol(o, l->run->core, i->target);
	out_str(o, "\n");
}

static void json_addr(struct json *j, const char *name, uint64_t addr)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	json_str(j, name, text);
}

static void json_insn(struct listing *l, uint64_t addr, const uint8_t *bytes,
		      const struct dis_insn *i, const struct crash_symbol *s)
{
	struct crash_core *c = l->run->core;
	const struct line_frame *f = NULL;
	char hex[2 * DIS_INSN_MOST + 1] = "";
	struct crash_symbol to;

	for (unsigned b = 0; b < i->len && b < DIS_INSN_MOST; b++)
		(void)snprintf(hex + 2 * b, 3, "%02x", bytes[b]);
	json_object(l->json, NULL);
	json_addr(l->json, "addr", addr);
	if (s->name) {
		json_str(l->json, "symbol", s->name);
		json_uint(l->json, "offset", addr - s->start);
	}
	json_str(l->json, "bytes", hex);
	json_str(l->json, "text", i->text);
	if (i->has_target) {
		json_addr(l->json, "target", i->target);
		if (c->system->symbol_at(c, i->target, &to)) {
			json_str(l->json, "target_symbol", to.name);
			json_uint(l->json, "target_offset", i->target - to.start);
		}
	}
	if (l->run->args->lines && s->name && crash_debug_at(c, s->module, addr, &f) && f->file) {
		json_str(l->json, "file", f->file);
		json_uint(l->json, "line", f->line);
	}
	if (is_marked(l, addr, i->len))
		json_bool(l->json, "at", true);
	json_end_object(l->json);
}

/* How many bytes from @addr on are in the dump. */
static size_t get(struct crash_core *c, uint64_t addr, uint8_t *ret, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t some = PAGE - (size_t)((addr + done) % PAGE);

		some = some < n - done ? some : n - done;
		if (c->system->read(c, addr + done, ret + done, some) < 0)
			break;
		done += some;
	}
	return done;
}

static void show(struct listing *l)
{
	struct crash_core *c = l->run->core;
	uint64_t end = l->start + l->len, addr = l->start;

	while (addr < end) {
		uint8_t bytes[DIS_INSN_MOST];
		struct dis_insn insn;
		struct crash_symbol s = { 0 };

		size_t want = end - addr < sizeof(bytes) ? (size_t)(end - addr) : sizeof(bytes);
		size_t n = get(c, addr, bytes, want);
		if (!n) {
			uint64_t next = (addr | (PAGE - 1)) + 1;

			l->missing += (next && next < end ? next : end) - addr;
			addr = next && next < end ? next : end;
			continue;
		}
		dis_next(l->dis, bytes, n, addr, &insn);
		if (!c->system->symbol_at(c, addr, &s))
			s = (struct crash_symbol){ 0 };
		if (l->json)
			json_insn(l, addr, bytes, &insn, &s);
		else
			print_insn(l, addr, bytes, &insn, &s);
		addr += insn.len;
	}
}

/* The function that @addr is in, as a whole. */
static void whole(struct listing *l, uint64_t addr)
{
	struct crash_core *c = l->run->core;
	struct crash_symbol s;

	l->start = addr;
	l->len = LEN_USUAL;
	if (!c->system->symbol_at(c, addr, &s))
		return;
	l->start = s.start;
	l->len = s.size ? s.size : addr - s.start + LEN_USUAL;
	l->mark = addr != s.start ? addr : 0;
}

/* "ADDR+LEN": with a number before it. */
static bool with_len(const char *text, uint64_t *ret_addr, uint64_t *ret_len)
{
	char *plus, *end;

	errno = 0;
	*ret_addr = strtoull(text, &plus, 0);
	if (errno || plus == text || *plus != '+')
		return false;
	*ret_len = strtoull(plus + 1, &end, 0);
	return !errno && end != plus + 1 && !*end;
}

static int take_place(struct listing *l)
{
	struct crash_run *r = l->run;
	uint64_t addr = 0;

	if (r->argc > 2 || (!r->argc && !l->stack.n))
		return sonde_fail(-EINVAL,
				  "dis wants a function or an address, and how many bytes");
	if (!r->argc) {
		whole(l, l->stack.frames[0].pc);
		l->mark = 0;
		return 0;
	}
	if (r->argc == 1 && with_len(r->argv[0], &l->start, &l->len))
		return 0;
	int err = crash_address(r->core, r->argv[0], &addr);
	if (err < 0)
		return err;
	if (r->argc == 1) {
		whole(l, addr);
		return 0;
	}
	l->start = addr;
	return crash_address(r->core, r->argv[1], &l->len);
}

static int take_stack(struct listing *l)
{
	struct crash_run *r = l->run;
	struct crash_tasks tasks = { 0 };
	bool found = false;

	if (!r->args->n_pids)
		return 0;
	int err = r->core->system->tasks(r->core, &tasks);
	for (size_t i = 0; !err && i < tasks.n && !found; i++) {
		if (tasks.all[i].tid != r->args->pids[0])
			continue;
		found = true;
		err = r->core->system->stack(r->core, &tasks.all[i], &l->stack);
	}
	crash_tasks_fini(&tasks);
	if (!err && !found)
		return sonde_fail(-ESRCH, "there is no task %lld", (long long)r->args->pids[0]);
	return err;
}

static int list(struct listing *l)
{
	struct json j;

	if (!l->len || l->len > LEN_MOST || l->start + l->len < l->start)
		return sonde_fail(-EINVAL, "%" PRIu64 " bytes; 1 .. %d can be shown", l->len,
				  LEN_MOST);
	int r = dis_open(l->run->core->about->arch, &l->dis);
	if (r < 0)
		return r;
	if (l->run->args->format == CRASH_JSON) {
		json_init(&j, l->run->out);
		json_array(&j, NULL);
		l->json = &j;
	}
	show(l);
	bool is_json = l->json;
	if (is_json)
		json_end_array(&j);
	l->json = NULL;
	if (l->missing == l->len)
		return sonde_fail(-ENODATA, "the code at 0x%" PRIx64 " is not in the dump",
				  l->start);
	if (l->missing)
		l->run->note("some of it is not in the dump");
	if (l->run->args->lines && crash_debug_problem(l->run->core))
		l->run->note(crash_debug_problem(l->run->core));
	else if (l->run->args->lines && !l->line && !is_json)
		l->run->note("no source lines are known: no debug file was found");
	return 0;
}

static int run(struct crash_run *r)
{
	struct listing l = { .run = r };

	int err = take_stack(&l);
	if (!err)
		err = take_place(&l);
	if (!err)
		err = list(&l);
	dis_close(l.dis);
	crash_stack_fini(&l.stack);
	return err;
}

const struct crash_verb crash_dis = {
	.name = "dis",
	.args = "FUNCTION|ADDR[+LEN] [LEN]",
	.summary = "Code as it was in memory; with --lines source lines too",
	.run = run,
};
