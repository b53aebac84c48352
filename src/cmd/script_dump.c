/* SPDX-License-Identifier: MIT */
/** Shows trees, types, programs and places of a script. */
#include "cmd/script_dump.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "lang/engine/engine.h"
#include "lang/gen/compile.h"

const char *const dump_words[] = { "ast", "types", "bytecode", NULL };

static const char *const how[] = {
	[ATTACH_NONE] = "run by sonde",
	[ATTACH_RAW_TP] = "raw tracepoint",
	[ATTACH_TP_BTF] = "tracepoint with types",
	[ATTACH_TRACEPOINT] = "tracepoint by perf",
	[ATTACH_KPROBE] = "kprobe",
	[ATTACH_KRETPROBE] = "kretprobe",
	[ATTACH_FENTRY] = "fentry",
	[ATTACH_FEXIT] = "fexit",
	[ATTACH_UPROBE] = "uprobe",
	[ATTACH_URETPROBE] = "uretprobe",
	[ATTACH_PERF] = "perf event",
	[ATTACH_WATCH] = "hardware breakpoint",
	[ATTACH_ITER] = "iterator",
};

static void add_place(struct strbuf *b, const struct probe *p)
{
	const size_t kind = p->attach.kind;

	strbuf_fmt(b, "%s (%s", p->name, kind < MEM_LEN(how) ? how[kind] : "?");
	if (p->n_syscalls)
		strbuf_fmt(b, ", %zu system call%s", p->n_syscalls, p->n_syscalls == 1 ? "" : "s");
	strbuf_str(b, ")\n");
}

static void add_places(struct strbuf *b, const struct script *s)
{
	const size_t n = engine_places(s);

	strbuf_fmt(b, "%zu place%s by %zu program%s:\n", n, n == 1 ? "" : "s", s->n_progs,
		   s->n_progs == 1 ? "" : "s");
	for (size_t i = 0; i < s->n_progs; i++) {
		const struct probe *first = s->progs[i].probe;

		for (const struct probe *p = first; p; p = p == first ? p->same : p->next)
			add_place(b, p);
	}
}

static void add_names(struct strbuf *b, const struct script *s)
{
	for (size_t i = 0; i < s->n_progs; i++) {
		const struct probe *first = s->progs[i].probe;

		for (const struct probe *p = first; p; p = p == first ? p->same : p->next)
			strbuf_fmt(b, "%s\n", p->name);
	}
}

static void add_programs(struct strbuf *b, const struct script *s)
{
	for (size_t i = 0; i < s->n_progs; i++) {
		const struct script_prog *p = &s->progs[i];

		strbuf_fmt(b, "%s%s: %zu instructions, %zu bytes of stack\n", i ? "\n" : "",
			   p->probe->name, p->code.n_insns, p->code.stack_len);
		bpf_code_print(&p->code, b);
	}
}

int script_dump(struct sonde_out *out, enum dump_kind kind, const struct script_ast *ast,
		const struct script *script)
{
	struct strbuf b = { 0 };

	switch (kind) {
	case DUMP_NONE: break;
	case DUMP_AST: ast_print(ast, &b); break;
	case DUMP_TYPES: script_print_types(script, &b); break;
	case DUMP_BYTECODE: add_programs(&b, script); break;
	case DUMP_PLACES: add_places(&b, script); break;
	case DUMP_NAMES: add_names(&b, script); break;
	}
	int r = strbuf_ok(&b);
	if (!r) {
		out_add(out, strbuf_text(&b), b.len);
		r = out_flush(out);
	}
	strbuf_fini(&b);
	return r;
}
