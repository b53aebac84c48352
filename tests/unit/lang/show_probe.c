/* SPDX-License-Identifier: MIT */
/** Places as text. */
#include "show_probe.h"

#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "lang/syntax/diag.h"
#include "test.h"

enum { PARTS_MOST = 6 };

/* A header, no types, and the empty string. */
static const struct {
	struct btf_header head;
	char strings[1];
} empty_btf = {
	.head = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(struct btf_header),
		.str_len = 1,
	},
};

static const char *const arg_words[] = {
	[ARGS_NONE] = "none",	[ARGS_FORMAT] = "format",   [ARGS_RAW] = "raw",
	[ARGS_TYPED] = "typed", [ARGS_SYSCALL] = "syscall", [ARGS_REGS] = "regs",
	[ARGS_USDT] = "usdt",	[ARGS_PERF] = "perf",	    [ARGS_ITER] = "iter",
};

static const char *prog_word(uint32_t type)
{
	switch (type) {
	case BPF_PROG_TYPE_RAW_TRACEPOINT: return "raw_tracepoint";
	case BPF_PROG_TYPE_TRACEPOINT: return "tracepoint";
	case BPF_PROG_TYPE_PERF_EVENT: return "perf_event";
	case BPF_PROG_TYPE_KPROBE: return "kprobe";
	case BPF_PROG_TYPE_TRACING: return "tracing";
	default: return "?";
	}
}

static void show_way(const struct attach_spec *a, struct strbuf *ret)
{
	switch (a->kind) {
	case ATTACH_NONE: strbuf_str(ret, "run once"); break;
	case ATTACH_RAW_TP: strbuf_fmt(ret, "raw_tp %s", a->name); break;
	case ATTACH_TP_BTF: strbuf_fmt(ret, "tp_btf %s", a->name); break;
	case ATTACH_TRACEPOINT: strbuf_fmt(ret, "perf %s:%s", a->group, a->name); break;
	case ATTACH_KPROBE:
		strbuf_fmt(ret, "kprobe %s+%llu", a->name, (unsigned long long)a->off);
		break;
	case ATTACH_KRETPROBE: strbuf_fmt(ret, "kretprobe %s", a->name); break;
	case ATTACH_FENTRY: strbuf_fmt(ret, "fentry %s", a->name); break;
	case ATTACH_FEXIT: strbuf_fmt(ret, "fexit %s", a->name); break;
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE:
		strbuf_fmt(ret, "%s %s", a->kind == ATTACH_UPROBE ? "uprobe" : "uretprobe",
			   a->path);
		if (a->ref_ctr_off)
			strbuf_str(ret, " with a semaphore");
		break;
	case ATTACH_PERF:
		strbuf_fmt(ret, "perf %u:%llu %s %llu", a->perf_type,
			   (unsigned long long)a->perf_config, a->freq ? "freq" : "period",
			   (unsigned long long)(a->freq ? a->freq : a->period));
		break;
	case ATTACH_WATCH:
		strbuf_fmt(ret, "watch %llx:%u:%s", (unsigned long long)a->addr, a->len, a->mode);
		break;
	case ATTACH_ITER: strbuf_str(ret, "iterator"); break;
	}
	if (a->cpu >= 0)
		strbuf_str(ret, " on one cpu");
	if (a->pid >= 0)
		strbuf_str(ret, " of one process");
}

static void show_field(const struct probe_field *f, struct strbuf *ret)
{
	static const char *const places[] = { "", " by data_loc", " by rel_loc" };

	strbuf_str(ret, "\t");
	ctype_print(f->type, ret);
	strbuf_fmt(ret, " %s at %u, %u bytes%s%s\n", f->name, f->off, f->len,
		   f->is_signed ? " signed" : "", places[f->place]);
}

static void show_probe(const struct probe *p, const char *before, bool fields, struct strbuf *ret)
{
	strbuf_fmt(ret, "%s%s: %s%s%s, %s, ", before, p->name, arg_words[p->args],
		   p->is_return ? " return" : "", p->is_syscall_exit ? " exit" : "",
		   prog_word(p->prog_type));
	show_way(&p->attach, ret);
	for (size_t i = 0; i < p->n_syscalls; i++) {
		strbuf_fmt(ret, "%s%u", i ? " " : ", calls ", p->syscalls[i]);
		if (p->syscall_names)
			strbuf_fmt(ret, " %s", p->syscall_names[i]);
	}
	if (p->n_usdt)
		strbuf_fmt(ret, ", %zu arguments", p->n_usdt);
	strbuf_str(ret, "\n");
	for (size_t i = 0; fields && i < p->n_fields; i++)
		show_field(&p->fields[i], ret);
}

/* The last message's words and tag, without its place. */
static void show_error(const struct diag *d, struct strbuf *ret)
{
	static const char head[] = "error: ";
	const char *text = strbuf_text(&d->out), *at = strstr(text, head);

	at = at ? at + sizeof(head) - 1 : text;
	strbuf_add(ret, at, strcspn(at, "\n"));
}

static void resolve(struct world *w, const char *attach, const struct probe_wants *wants,
		    struct strbuf *ret)
{
	struct arena arena = { 0 };
	const struct probe *first = NULL;
	const char *parts[PARTS_MOST];
	struct diag d = { .name = "t", .text = attach, .text_len = strlen(attach) };
	size_t n = 0;
	char *copy = strdup(attach), *at = copy;

	while (at && n < PARTS_MOST)
		parts[n++] = strsep(&at, ":");
	const struct ast_attach ap = { .text = attach, .parts = parts, .n_parts = n };
	int r = copy ? w->ops->probes(w, &d, &arena, &ap, wants, &first) : -1;
	EXPECT(r == 0 || d.n_errors == 1);
	if (r < 0)
		show_error(&d, ret);
	for (const struct probe *p = r < 0 ? NULL : first; p; p = p->next) {
		show_probe(p, "", !wants || wants->fields, ret);
		for (const struct probe *s = p->same; s; s = s->next)
			show_probe(s, "+ ", false, ret);
	}
	diag_fini(&d);
	arena_fini(&arena);
	free(copy);
}

char *show_attach(const struct live_options *opt, const char *attach,
		  const struct probe_wants *wants)
{
	struct live_options o = *opt;
	struct ctypes *none = NULL;
	struct world *w = NULL;
	struct strbuf text = { 0 };

	if (!o.types)
		EXPECT_EQ(ctypes_open_btf(&empty_btf, sizeof(empty_btf.head) + 1, &none), 0);
	if (!o.types)
		o.types = none;
	EXPECT_EQ(live_world_new(&o, &w), 0);
	if (w)
		resolve(w, attach, wants, &text);
	world_free(w);
	ctypes_free(none);
	if (text.failed)
		strbuf_fini(&text);
	return text.data ? text.data : strdup("");
}
