/* SPDX-License-Identifier: MIT */
/**
 * Any bytes as a script, compiled against a world that is made up: a few probes of each kind, and a
 * struct that their arguments point to. What has no errors becomes programs.
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/gen/compile.h"
#include "lang/syntax/parse.h"
#include "lang/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct ctype *node_type(struct arena *a)
{
	static const char *const names[] = { "pid", "comm", "next", "bits", "numbers", "" };
	struct ctype *node = ctype_new(a, CT_STRUCT, "node", 64);
	struct ctype *inner = ctype_new(a, CT_UNION, "", 8);
	struct cmember *m = arena_array(a, MEM_LEN(names), sizeof(*m));
	struct cmember *in = arena_array(a, 2, sizeof(*in));

	sonde_check(node && inner && m && in);
	const struct ctype *const types[] = {
		ctype_basic("int"),
		ctype_array(a, ctype_basic("char"), 16),
		ctype_ptr(a, node),
		ctype_basic("unsigned int"),
		ctype_array(a, ctype_basic("short"), 4),
		inner,
	};
	static const uint64_t offs[] = { 0, 32, 192, 259, 288, 384 };
	for (size_t i = 0; i < MEM_LEN(names); i++)
		m[i] = (struct cmember){ .name = names[i], .type = types[i], .bit_off = offs[i] };
	m[3].bit_size = 5;
	in[0] = (struct cmember){ .name = "number", .type = ctype_basic("long") };
	in[1] = (struct cmember){ .name = "byte", .type = ctype_basic("u8") };
	inner->members = in;
	inner->n_members = 2;
	node->members = m;
	node->n_members = MEM_LEN(names);
	inner->done = node->done = true;
	return node;
}

static const struct probe_field *fields(struct arena *a, bool is_record, size_t *ret_n)
{
	const struct ctype *const types[] = {
		ctype_basic("int"),
		ctype_basic("unsigned long"),
		ctype_array(a, ctype_basic("char"), 16),
		ctype_ptr(a, node_type(a)),
		ctype_array(a, ctype_basic("char"), 0),
		ctype_array(a, ctype_basic("int"), 5),
	};
	static const char *const names[] = { "n", "l", "comm", "node", "name", "list" };
	static const uint32_t offs[] = { 8, 16, 24, 40, 48, 52 }, lens[] = { 4, 8, 16, 8, 4, 20 };
	struct probe_field *f = arena_array(a, MEM_LEN(types), sizeof(*f));

	sonde_check(f);
	for (size_t i = 0; i < MEM_LEN(types); i++)
		f[i] = (struct probe_field){
			.name = names[i],
			.type = types[i],
			.off = is_record ? offs[i] : (uint32_t)i,
			.len = is_record ? lens[i] : 8,
			.is_signed = i == 0,
			.place = is_record && i == 4 ? FIELD_DATA_LOC : FIELD_FIXED,
		};
	*ret_n = is_record ? MEM_LEN(types) : 4;
	return f;
}

static const struct {
	const char *name;
	enum probe_args args;
	uint32_t prog_type;
	enum attach_kind kind;
	bool is_return;
} kinds[] = {
	{ "BEGIN", ARGS_NONE, BPF_PROG_TYPE_RAW_TRACEPOINT, ATTACH_NONE, false },
	{ "END", ARGS_NONE, BPF_PROG_TYPE_RAW_TRACEPOINT, ATTACH_NONE, false },
	{ "interval", ARGS_PERF, BPF_PROG_TYPE_PERF_EVENT, ATTACH_PERF, false },
	{ "tracepoint", ARGS_FORMAT, BPF_PROG_TYPE_TRACEPOINT, ATTACH_TRACEPOINT, false },
	{ "rawtracepoint", ARGS_RAW, BPF_PROG_TYPE_RAW_TRACEPOINT, ATTACH_RAW_TP, false },
	{ "fentry", ARGS_TYPED, BPF_PROG_TYPE_TRACING, ATTACH_FENTRY, false },
	{ "kprobe", ARGS_REGS, BPF_PROG_TYPE_KPROBE, ATTACH_KPROBE, false },
	{ "kretprobe", ARGS_REGS, BPF_PROG_TYPE_KPROBE, ATTACH_KRETPROBE, true },
	{ "uprobe", ARGS_REGS, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE, false },
	{ "usdt", ARGS_USDT, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE, false },
};

static const struct usdt_arg markers[] = {
	{ .len = -4, .kind = USDT_CONST, .n = 5 },
	{ .len = 8, .kind = USDT_REG, .reg = 8, .index = -1 },
	{ .len = 2, .kind = USDT_MEM, .reg = 16, .index = -1, .n = -8 },
};

static int made_probes(struct world *w, struct diag *d, struct arena *arena,
		       const struct ast_attach *ap, const struct probe_wants *wants,
		       const struct probe **ret)
{
	(void)w, (void)wants;
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, ap->parts[0]) != 0)
			continue;
		struct probe *p = arena_new(arena, struct probe);

		sonde_check(p);
		p->name = ap->text;
		p->func = kinds[i].args == ARGS_TYPED ? "made" : NULL;
		p->args = kinds[i].args;
		p->is_return = kinds[i].is_return;
		p->prog_type = kinds[i].prog_type;
		p->attach.kind = kinds[i].kind;
		p->attach.path = kinds[i].kind == ATTACH_UPROBE ? "/bin/made" : NULL;
		if (p->args == ARGS_FORMAT || p->args == ARGS_TYPED)
			p->fields = fields(arena, p->args == ARGS_FORMAT, &p->n_fields);
		if (p->args == ARGS_USDT) {
			p->usdt = markers;
			p->n_usdt = MEM_LEN(markers);
		}
		*ret = p;
		return 0;
	}
	return diag_error(d, ap->pos, "unknown-probe", "unknown probe '%s'", ap->text);
}

static struct ctypes *no_types(struct world *w, const char **ret_why)
{
	(void)w;
	*ret_why = "it is made up";
	return NULL;
}

static uint64_t made_address(struct world *w, const char *path, const char *symbol)
{
	(void)w, (void)path;
	return *symbol ? 0xffffffff81000000u : 0;
}

static bool made_helper(struct world *w, int helper)
{
	(void)w;
	return helper != BPF_FUNC_get_func_ip;
}

static void keep(struct world *w)
{
	(void)w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct world_ops ops = {
		.probes = made_probes,
		.types = no_types,
		.address = made_address,
		.has_helper = made_helper,
		.free = keep,
	};
	static const char *const params[] = { "12", "text" };
	const struct compile_options how = { .params = params,
					     .n_params = MEM_LEN(params),
					     .unsafe = true };
	struct world world = { .name = "made", .ops = &ops };
	struct diag d = { .name = "fuzz", .text = (const char *)data, .text_len = len };
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };
	struct script *s = NULL;
	struct strbuf types = { 0 };

	if (parse_bt(&d, &arena, params, MEM_LEN(params), &ast) == 0) {
		int r = compile_script(&d, &world, &ast, &how, &s);

		sonde_check((r == 0) == (s != NULL));
		sonde_check(r != -EINVAL || d.n_errors > 0);
		if (s)
			script_print_types(s, &types);
	}
	script_free(s);
	strbuf_fini(&types);
	diag_fini(&d);
	arena_fini(&arena);
	return 0;
}
