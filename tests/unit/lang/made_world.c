/* SPDX-License-Identifier: MIT */
/** A world for tests: a few probes, types made by hand, symbols with addresses. */
#include "made_world.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/gen/regs.h"
#include "lang/syntax/d/d.h"
#include "lang/syntax/parse.h"
#include "made_types.h"

struct made_world {
	struct world world;
	struct ctypes *types; /* owned */
	bool no_memory;
};

/** What an attach point is asked of. */
struct ask {
	struct made_world *w;
	struct diag *d;
	struct arena *arena;
	const struct ast_attach *ap;
	struct probe *first, **end;
};

/* --- fields --- */

/** A field of a record: its type by a name of C, or as an array of it, or a pointer to it. */
struct made_field {
	const char *name, *type;
	uint32_t off, len;
	uint32_t n; /* of an array; 0: none */
	bool is_ptr, is_user;
	int place;
};

static const struct made_field all_fields[] = {
	{ .name = "u8", .type = "u8", .off = 8, .len = 1 },
	{ .name = "i8", .type = "s8", .off = 9, .len = 1 },
	{ .name = "u16", .type = "u16", .off = 10, .len = 2 },
	{ .name = "i16", .type = "s16", .off = 12, .len = 2 },
	{ .name = "flag", .type = "bool", .off = 14, .len = 1 },
	{ .name = "u32", .type = "u32", .off = 16, .len = 4 },
	{ .name = "i32", .type = "s32", .off = 20, .len = 4 },
	{ .name = "u64", .type = "u64", .off = 24, .len = 8 },
	{ .name = "i64", .type = "s64", .off = 32, .len = 8 },
	{ .name = "comm", .type = "char", .off = 40, .len = 16, .n = 16 },
	{ .name = "mac", .type = "u8", .off = 56, .len = 6, .n = 6 },
	{ .name = "words", .type = "u64", .off = 64, .len = 32, .n = 4 },
	{ .name = "addr4", .type = "u8", .off = 96, .len = 4, .n = 4 },
	{ .name = "addr6", .type = "u8", .off = 100, .len = 16, .n = 16 },
	{ .name = "str", .type = "char", .off = 116, .len = 4, .n = 1, .place = FIELD_DATA_LOC },
	{ .name = "nums", .type = "u32", .off = 120, .len = 4, .n = 1, .place = FIELD_DATA_LOC },
	{ .name = "rel", .type = "char", .off = 124, .len = 4, .n = 1, .place = FIELD_REL_LOC },
	{ .name = "ptr", .type = "void", .off = 128, .len = 8, .is_ptr = true },
	{ .name = "path", .type = "char", .off = 136, .len = 8, .is_ptr = true, .is_user = true },
	{ .name = "task", .type = "struct task_struct", .off = 144, .len = 8, .is_ptr = true },
	{ .name = "state", .type = "enum state", .off = 152, .len = 4 },
	{ .name = "in", .type = "struct inner", .off = 156, .len = 4 },
	{ .name = "odd", .type = "u32", .off = 161, .len = 4 },
};

static const struct made_field one_fields[] = {
	{ .name = "v", .type = "int", .off = 8, .len = 4 },
};
static const struct made_field two_fields[] = {
	{ .name = "v", .type = "char", .off = 16, .len = 8, .n = 8 },
};

static const struct made_field enter_fields[] = {
	{ .name = "__syscall_nr", .type = "int", .off = 8, .len = 4 },
	{ .name = "fd", .type = "unsigned int", .off = 16, .len = 8 },
	{ .name = "buf", .type = "char", .off = 24, .len = 8, .is_ptr = true, .is_user = true },
	{ .name = "count", .type = "size_t", .off = 32, .len = 8 },
};
static const struct made_field exit_fields[] = {
	{ .name = "__syscall_nr", .type = "int", .off = 8, .len = 4 },
	{ .name = "ret", .type = "long", .off = 16, .len = 8 },
};

static const struct made_field iter_fields[] = {
	{ .name = "task", .type = "struct task_struct", .off = 8, .len = 8, .is_ptr = true },
};

/* NULL: out of memory. */
static const struct ctype *type_of(struct ask *a, const struct made_field *f)
{
	const struct ctype *t = ctype_basic(f->type);

	if (!t && !a->w->types) // a struct, and there are no types
		return ctype_basic("u64");
	if (!t && ctypes_find(a->w->types, f->type, &t) < 0)
		return NULL;
	if (f->is_ptr) {
		struct ctype *p = ctype_ptr(a->arena, t);
		if (p)
			p->is_user = f->is_user;
		t = p;
	} else if (f->n) {
		t = ctype_array(a->arena, t, f->place == FIELD_FIXED ? f->n : 0);
	}
	return t;
}

static int set_fields(struct ask *a, struct probe *p, const struct made_field *from, size_t n)
{
	struct probe_field *fields = arena_array(a->arena, n, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct ctype *t = type_of(a, &from[i]);
		if (!t)
			return -ENOMEM;
		fields[i] = (struct probe_field){
			.name = from[i].name,
			.type = t,
			.off = from[i].off,
			.len = from[i].len,
			.is_signed = t->is_signed,
		};
		fields[i].place = from[i].place == FIELD_DATA_LOC  ? FIELD_DATA_LOC
				  : from[i].place == FIELD_REL_LOC ? FIELD_REL_LOC
								   : FIELD_FIXED;
	}
	p->fields = fields;
	p->n_fields = n;
	return 0;
}

/* --- probes --- */

static int add(struct ask *a, const struct probe *p)
{
	struct probe *copy = arena_new(a->arena, struct probe);

	if (!copy)
		return -ENOMEM;
	*copy = *p;
	copy->name = arena_strndup(a->arena, a->ap->text, strlen(a->ap->text));
	if (!copy->name)
		return -ENOMEM;
	*a->end = copy;
	a->end = (struct probe **)&copy->next;
	return 0;
}

static const char *part(const struct ask *a, size_t i)
{
	return i < a->ap->n_parts ? a->ap->parts[i] : "";
}

static int unknown(struct ask *a)
{
	return diag_error(a->d, a->ap->pos, "unknown-probe", "there is no '%s'", a->ap->text);
}

static int find_begin(struct ask *a)
{
	struct probe p = { .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT };

	return add(a, &p);
}

static int find_syscall(struct ask *a, bool is_exit)
{
	static const uint32_t few[] = { 3 }, many[] = { 1, 2, 3, 64, 300, 5000 };
	struct probe p = {
		.args = ARGS_SYSCALL,
		.is_syscall_exit = is_exit,
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.attach = { .kind = ATTACH_RAW_TP, .name = is_exit ? "sys_exit" : "sys_enter" },
		.syscalls = is_exit ? many : few,
		.n_syscalls = is_exit ? MEM_LEN(many) : MEM_LEN(few),
	};
	int r = is_exit ? set_fields(a, &p, exit_fields, MEM_LEN(exit_fields))
			: set_fields(a, &p, enter_fields, MEM_LEN(enter_fields));

	return r < 0 ? r : add(a, &p);
}

static int find_tracepoint(struct ask *a)
{
	static const struct {
		const char *name;
		const struct made_field *fields;
		size_t n;
	} records[] = {
		{ "all", all_fields, MEM_LEN(all_fields) },
		{ "one", one_fields, MEM_LEN(one_fields) },
		{ "two", two_fields, MEM_LEN(two_fields) },
		{ "none", NULL, 0 },
	};
	struct probe p = {
		.args = ARGS_FORMAT,
		.prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.attach = { .kind = ATTACH_TRACEPOINT, .group = "made" },
	};

	if (!strcmp(part(a, 1), "syscalls") && !strncmp(part(a, 2), "sys_", 4))
		return find_syscall(a, !strncmp(part(a, 2), "sys_exit", 8));
	int r = 0;
	for (size_t i = 0; i < MEM_LEN(records); i++) {
		const bool both = !strcmp(part(a, 2), "*") && i > 0 && i < 3; // one, two
		if (!both && strcmp(part(a, 2), records[i].name) != 0)
			continue;
		r = set_fields(a, &p, records[i].fields, records[i].n);
		if (!r)
			r = add(a, &p);
		if (r < 0)
			return r;
	}
	return a->first ? 0 : unknown(a);
}

/* Arguments of a function by their names; @from: the first parameter that counts. */
static int proto_fields(struct ask *a, struct probe *p, const char *func)
{
	size_t n = 0;

	if (!a->w->types || ctypes_func(a->w->types, func, &p->proto) < 0)
		return 0;
	const struct cmember *m = ctype_members(p->proto, &n);
	struct probe_field *f = arena_array(a->arena, n ? n : 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (m[i].type->kind != CT_FLOAT)
			f[p->n_fields++] =
				(struct probe_field){ .name = m[i].name,
						      .type = m[i].type,
						      .off = (uint32_t)i,
						      .len = (uint32_t)m[i].type->size,
						      .is_signed = m[i].type->is_signed };
	p->fields = f;
	return 0;
}

static int find_raw(struct ask *a)
{
	const bool typed = !strcmp(part(a, 1), "typed");
	struct probe p = {
		.args = typed ? ARGS_TYPED : ARGS_RAW,
		.prog_type = typed ? BPF_PROG_TYPE_TRACING : BPF_PROG_TYPE_RAW_TRACEPOINT,
		.attach = { .kind = typed ? ATTACH_TP_BTF : ATTACH_RAW_TP, .name = "made" },
	};
	int r = typed ? proto_fields(a, &p, "made_open") : 0;

	return r < 0 ? r : add(a, &p);
}

static int find_kernel(struct ask *a, bool typed, bool is_return)
{
	if (!strcmp(part(a, 1), "missing"))
		return diag_error(a->d, a->ap->pos, "unknown-function", "no function 'missing'");
	struct probe p = {
		.func = part(a, 1),
		.args = typed ? ARGS_TYPED : ARGS_REGS,
		.is_return = is_return,
		.prog_type = typed ? BPF_PROG_TYPE_TRACING : BPF_PROG_TYPE_KPROBE,
		.attach = { .kind = typed	? (is_return ? ATTACH_FEXIT : ATTACH_FENTRY)
				    : is_return ? ATTACH_KRETPROBE
						: ATTACH_KPROBE,
			    .name = part(a, 1) },
	};
	int r = is_return && !typed ? 0 : proto_fields(a, &p, part(a, 1));

	return r < 0 ? r : add(a, &p);
}

static int find_user(struct ask *a, bool is_return)
{
	struct probe p = {
		.func = part(a, 2),
		.args = ARGS_REGS,
		.is_return = is_return,
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.attach = { .kind = is_return ? ATTACH_URETPROBE : ATTACH_UPROBE,
			    .path = part(a, 1) },
	};

	if (!strcmp(part(a, 2), "*"))
		p.func = NULL; // asked at run time
	return add(a, &p);
}

static int find_usdt(struct ask *a)
{
	static const struct usdt_arg args[] = {
		{ .len = 4, .kind = USDT_CONST, .n = 42 },
		{ .len = -4, .kind = USDT_REG, .reg = 80, .index = -1 },
		{ .len = 8, .kind = USDT_MEM, .reg = 80, .index = 88, .scale = 8, .n = -16 },
		{ .kind = USDT_UNKNOWN },
	};
	struct probe p = {
		.args = ARGS_USDT,
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.attach = { .kind = ATTACH_UPROBE, .path = part(a, 1) },
		.usdt = args,
		.n_usdt = MEM_LEN(args),
	};

	return add(a, &p);
}

static int find_perf(struct ask *a, int cpu)
{
	struct probe p = {
		.args = ARGS_PERF,
		.prog_type = BPF_PROG_TYPE_PERF_EVENT,
		.attach = { .kind = ATTACH_PERF,
			    .cpu = cpu,
			    .pid = -1,
			    .perf_type = PERF_TYPE_SOFTWARE,
			    .perf_config = PERF_COUNT_SW_CPU_CLOCK,
			    .period = 1000000 },
	};

	return add(a, &p);
}

static int find_iter(struct ask *a)
{
	struct probe p = {
		.args = ARGS_ITER,
		.prog_type = BPF_PROG_TYPE_TRACING,
		.attach_type = BPF_TRACE_ITER,
		.attach = { .kind = ATTACH_ITER },
	};
	int r = set_fields(a, &p, iter_fields, MEM_LEN(iter_fields));

	return r < 0 ? r : add(a, &p);
}

static int find(struct ask *a)
{
	const char *kind = part(a, 0);

	if (!strcmp(kind, "BEGIN") || !strcmp(kind, "END"))
		return find_begin(a);
	if (!strcmp(kind, "tracepoint"))
		return find_tracepoint(a);
	if (!strcmp(kind, "rawtracepoint"))
		return find_raw(a);
	if (!strcmp(kind, "kprobe") || !strcmp(kind, "kretprobe"))
		return find_kernel(a, /* typed= */ false, kind[1] == 'r');
	if (!strcmp(kind, "fentry") || !strcmp(kind, "fexit"))
		return find_kernel(a, /* typed= */ true, kind[1] == 'e' && kind[2] == 'x');
	if (!strcmp(kind, "uprobe") || !strcmp(kind, "uretprobe"))
		return find_user(a, kind[1] == 'r');
	if (!strcmp(kind, "usdt"))
		return find_usdt(a);
	if (!strcmp(kind, "interval"))
		return find_perf(a, 0);
	if (!strcmp(kind, "profile") || !strcmp(kind, "software") || !strcmp(kind, "hardware"))
		return find_perf(a, -1);
	return strcmp(kind, "iter") ? unknown(a) : find_iter(a);
}

static int probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
		  const struct probe_wants *wants, const struct probe **ret)
{
	struct ask a = { (struct made_world *)w, d, arena, ap, NULL, &a.first };

	(void)wants;
	int r = find(&a);
	*ret = a.first;
	return r < 0 ? r : 0;
}

static struct ctypes *types(struct world *w, const char **ret_why)
{
	struct made_world *made = (struct made_world *)w;

	if (!made->types)
		*ret_why = "there are none in this world";
	return made->types;
}

static const char *lacks(struct world *w, const struct probe *at, const char *builtin)
{
	(void)at;
	if (!strcmp(builtin, "memory"))
		return ((struct made_world *)w)->no_memory ? "it is not made" : NULL;
	return strcmp(builtin, "numaid") && strcmp(builtin, "cgroup_path") ? NULL
									   : "it is not made";
}

void made_world_forget_memory(struct world *w)
{
	((struct made_world *)w)->no_memory = true;
}

static uint64_t address(struct world *w, const char *path, const char *symbol)
{
	(void)w;
	if (path)
		return strcmp(symbol, "main") ? 0 : 0x401000;
	return strcmp(symbol, "made_open") ? 0 : 0xffffffff81000000;
}

static bool has_helper(struct world *w, int helper)
{
	(void)w;
	(void)helper;
	return true;
}

static uint32_t kfunc(struct world *w, const char *name)
{
	(void)w;
	(void)name;
	return 0;
}

static void made_free(struct world *w)
{
	struct made_world *made = (struct made_world *)w;

	ctypes_free(made->types);
	free(made);
}

static const struct world_ops ops = { .probes = probes,
				      .types = types,
				      .lacks = lacks,
				      .address = address,
				      .has_helper = has_helper,
				      .kfunc = kfunc,
				      .free = made_free };

int made_world_new(bool has_types, struct world **ret)
{
	struct made_world *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory");
	w->world = (struct world){ .name = "made", .ops = &ops };
	int r = has_types ? made_types_new(&w->types) : 0;
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = &w->world;
	return 0;
}

/* --- scripts --- */

void made_compile(struct made *m, struct world *w, const char *text,
		  const struct compile_options *opt)
{
	static const struct compile_options none;

	if (!opt)
		opt = &none;
	*m = (struct made){ .diag = { .name = "t.bt", .text = text, .text_len = strlen(text) } };
	m->r = parse_bt(&m->diag, &m->arena, opt->params, opt->n_params, &m->ast);
	if (!m->r)
		m->r = compile_script(&m->diag, w, &m->ast, opt, &m->script);
}

void made_compile_d(struct made *m, struct world *w, const char *text,
		    const struct compile_options *opt)
{
	static const struct d_option destructive = { "destructive", NULL };
	const struct d_options d = {
		.params = opt->params,
		.n_params = opt->n_params,
		.script_name = "t.bt",
		.target = opt->pid,
		.program = opt->pid ? "/bin/made" : NULL,
		.options = &destructive,
		.n_options = opt->unsafe,
	};

	*m = (struct made){ .diag = { .name = "t.bt", .text = text, .text_len = strlen(text) } };
	m->r = parse_d(&m->diag, &m->arena, &d, &m->ast);
	if (!m->r)
		m->r = compile_script(&m->diag, w, &m->ast, opt, &m->script);
}

void made_fini(struct made *m)
{
	script_free(m->script);
	diag_fini(&m->diag);
	arena_fini(&m->arena);
}
