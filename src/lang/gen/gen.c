/* SPDX-License-Identifier: MIT */
/** One program: its memory, its begin and end, and the tables that it shares with the others. */
#include "lang/gen/gen.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/gen/regs.h"

enum {
	TEMP_ON_STACK = 64,
	STACK_FOR_TEMPS = 256,
	SCRATCH_MOST = 32 << 10,
	SITES_MOST = 100000,
	SCRATCH_SLOTS = 4,
	TICK_LEAST = 1000000,
};

int gen_bpf_map(struct gen *g, const struct bpf_map_spec *spec)
{
	struct script *s = g->script;

	if (mem_grow(&s->bpf_maps, &g->cap_bpf_maps, s->n_bpf_maps + 1) < 0) {
		g->failed = true;
		return -1;
	}
	s->bpf_maps[s->n_bpf_maps] = *spec;
	return (int)s->n_bpf_maps++;
}

int gen_site(struct gen *g, enum site_kind kind, const struct ast *call)
{
	struct script *s = g->script;

	if (s->n_sites >= SITES_MOST || mem_grow(&s->sites, &g->cap_sites, s->n_sites + 1) < 0) {
		g->failed = true;
		return -1;
	}
	const enum attach_kind at = g->point ? g->point->attach.kind : ATTACH_NONE;
	if (kind != SITE_EXIT && kind != SITE_LOST_MAP && kind != SITE_LOST_MEMORY &&
	    at != ATTACH_NONE &&
	    !(at == ATTACH_PERF && g->point->attach.cpu >= 0)) // intervals tick on one CPU
		g->busy = true;
	struct site *site = &s->sites[s->n_sites];
	*site = (struct site){ .kind = kind, .map = -1, .name = "" };
	if (call && call->kind == AST_CALL) {
		site->name = call->u.call.name;
		site->pos = call->pos;
	}
	return (int)s->n_sites++;
}

int64_t gen_rodata(struct gen *g, const void *data, size_t len)
{
	static const char zeros[8];

	strbuf_add(&g->rodata, zeros, (8 - g->rodata.len % 8) % 8);
	const size_t off = g->rodata.len;
	strbuf_add(&g->rodata, data, len);
	return (int64_t)off;
}

static int rodata_map(struct gen *g)
{
	if (g->rodata_map < 0) {
		const struct bpf_map_spec s = {
			.name = "rodata",
			.type = BPF_MAP_TYPE_ARRAY,
			.key_len = 4,
			.max_entries = 1,
			.inner = -1,
		};
		g->rodata_map = gen_bpf_map(g, &s); // its length is set at the end
	}
	return g->rodata_map;
}

struct val gen_rodata_at(struct gen *g, int64_t off)
{
	return val_map_value(rodata_map(g), off);
}

struct val gen_rodata_val(struct gen *g, const void *data, size_t len)
{
	return gen_rodata_at(g, gen_rodata(g, data, len));
}

struct val gen_zeros(struct gen *g, uint32_t len)
{
	static const char zeros[4096];

	len = (len + 7) & ~7U;
	if (g->zeros_off >= 0 && g->zeros_len >= len)
		return val_map_value(rodata_map(g), g->zeros_off);
	g->zeros_len = len;
	g->zeros_off = (int)gen_rodata(g, zeros, 0);
	for (uint32_t done = 0; done < len;) {
		const uint32_t n =
			len - done < sizeof(zeros) ? len - done : (uint32_t)sizeof(zeros);
		strbuf_add(&g->rodata, zeros, n);
		done += n;
	}
	return val_map_value(rodata_map(g), g->zeros_off);
}

struct val gen_frame(struct gen *g)
{
	if (!g->has_frame) {
		g->has_frame = true;
		g->frame = fn_slot(g->f, FRAME_LEN);
	}
	return g->frame;
}

struct val gen_ctx(struct gen *g)
{
	return g->in_callback ? fn_load(g->f, 8, false, g->frame, FRAME_CTX) : g->ctx;
}

struct val gen_scratch_at(struct gen *g, int64_t off)
{
	struct val base =
		g->in_callback ? fn_load(g->f, 8, false, g->frame, FRAME_SCRATCH) : g->scratch;

	return off ? fn_op(g->f, FN_ADD, base, val_imm(off)) : base;
}

struct val gen_scratch(struct gen *g, uint32_t len)
{
	const int64_t off = g->scratch_len;

	if (g->scratch_map < 0) {
		const struct bpf_map_spec s = {
			.name = "scratch",
			.type = BPF_MAP_TYPE_PERCPU_ARRAY,
			.key_len = 4,
			.max_entries = g->shares_cpu ? SCRATCH_SLOTS : 1,
			.inner = -1,
		};
		g->scratch_map = gen_bpf_map(g, &s);
	}
	g->scratch_len += (len + 7) & ~7U;
	return gen_scratch_at(g, off);
}

struct val gen_temp(struct gen *g, uint32_t len)
{
	const uint32_t whole = (len + 7) & ~7U;

	if (whole <= TEMP_ON_STACK &&
	    fn_slots_len(g->f) + whole <= (g->in_callback ? 64 : STACK_FOR_TEMPS))
		return fn_slot(g->f, whole ? whole : 8);
	return gen_scratch(g, whole);
}

void gen_leave(struct gen *g)
{
	if (g->in_callback) {
		fn_store(g->f, 8, g->frame, FRAME_LEAVE, val_imm(1));
		fn_jump(g->f, g->loop->l_break);
	} else {
		fn_jump(g->f, g->l_exit);
	}
}

void gen_count(struct gen *g, size_t off)
{
	(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, val_map_value(GLOBALS_MAP, 0), (int64_t)off,
			gen_times(g), false);
}

void gen_count_lost(struct gen *g, int site)
{
	if (site >= 0)
		gen_count(g, g->script->lost_off + 8 * (size_t)site);
}

/* --- a program's begin --- */

/* An iterator calls once more behind its last object, without one. */
static void skip_last(struct gen *g, int l_exit)
{
	const struct probe *p = g->point;

	for (size_t i = 0; p->args == ARGS_ITER && i < p->n_fields; i++)
		if (p->fields[i].type->kind == CT_PTR && strcmp(p->fields[i].name, "meta") != 0)
			fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, g->ctx, p->fields[i].off),
			      val_imm(0), l_exit);
}

/*
 * Programs that may be preempted have SCRATCH_SLOTS areas for each CPU, whose first word says
 * whether somebody is in there.
 */
static void take_slot(struct gen *g, struct val key)
{
	int l_got = fn_label(g->f);

	for (int i = 0; i < SCRATCH_SLOTS; i++) {
		int l_next = fn_label(g->f);
		fn_store(g->f, 4, key, 0, val_imm(i));
		struct val p =
			FN_CALL(g->f, BPF_FUNC_map_lookup_elem, val_map(g->scratch_map), key);
		fn_if(g->f, FN_EQ, p, val_imm(0), g->l_out);
		fn_mov(g->f, g->scratch, p);
		struct val busy = fn_atomic(g->f, FN_ATOMIC_XCHG, 8, p, 0, val_imm(1), true);
		fn_if(g->f, FN_EQ, busy, val_imm(0), l_got);
		fn_place(g->f, l_next);
	}
	gen_count(g, offsetof(struct script_globals, nested));
	fn_jump(g->f, g->l_out);
	fn_place(g->f, l_got);
}

/* The memory for records of clauses, in the area that @key says. */
static void clause_memory(struct gen *g, struct val key)
{
	if (g->clause_map < 0)
		return;
	struct val p = FN_CALL(g->f, BPF_FUNC_map_lookup_elem, val_map(g->clause_map), key);
	fn_if(g->f, FN_EQ, p, val_imm(0), g->l_out);
	fn_mov(g->f, g->clause_mem, p);
}

static void scratch_memory(struct gen *g)
{
	if (g->scratch_map < 0 && g->clause_map < 0)
		return;
	struct val key = fn_slot(g->f, 8);
	if (g->shares_cpu) {
		take_slot(g, key);
		clause_memory(g, key);
		return;
	}
	fn_store(g->f, 4, key, 0, val_imm(0));
	clause_memory(g, key);
	if (g->scratch_map < 0)
		return;
	struct val p = FN_CALL(g->f, BPF_FUNC_map_lookup_elem, val_map(g->scratch_map), key);
	fn_if(g->f, FN_EQ, p, val_imm(0), g->l_out);
	fn_mov(g->f, g->scratch, p);
}

/* The period of a clock on one CPU that several may share; 0: it is none, or too short. */
static uint64_t tick_ns(const struct gen *g)
{
	const struct attach_spec *a = &g->point->attach;

	if (a->kind != ATTACH_PERF || a->cpu < 0 || g->script->n_ticks >= TICKS_MOST)
		return 0;
	const uint64_t ns = a->freq ? 1000000000 / a->freq : a->period;
	return ns >= TICK_LEAST ? ns : 0;
}

/*
 * Goes to @l_late if another CPU's clock was here in this period. Periods are counted from an
 * eighth before the first event, so that a clock that is a bit early or nearly one period late is
 * still taken for what it is.
 */
static void once_a_period(struct gen *g, uint64_t ns, uint32_t index, int l_late)
{
	const int64_t at = offsetof(struct script_globals, ticks) +
			   (int64_t)(index * sizeof(struct tick_state));
	const struct val state = val_map_value(GLOBALS_MAP, at);
	int l_on = fn_label(g->f);

	struct val now = FN_CALL0(g->f, BPF_FUNC_ktime_get_ns);
	struct val base = fn_load(g->f, 8, false, state, offsetof(struct tick_state, base_ns));
	fn_if(g->f, FN_NE, base, val_imm(0), l_on);
	struct val first = fn_op(g->f, FN_SUB, now, val_imm((int64_t)(ns / 8)));
	fn_mov(g->f, base, first);
	struct val was =
		fn_cmpxchg(g->f, 8, state, offsetof(struct tick_state, base_ns), val_imm(0), first);
	fn_if(g->f, FN_EQ, was, val_imm(0), l_on);
	fn_mov(g->f, base, was);
	fn_place(g->f, l_on);
	struct val n = fn_op(g->f, FN_DIV, fn_op(g->f, FN_SUB, now, base), val_imm((int64_t)ns));
	n = fn_op(g->f, FN_ADD, n, val_imm(1));
	struct val last = fn_load(g->f, 8, false, state, offsetof(struct tick_state, last));
	fn_if(g->f, FN_LE, n, last, l_late);
	was = fn_cmpxchg(g->f, 8, state, offsetof(struct tick_state, last), last, n);
	fn_if(g->f, FN_NE, was, last, l_late);
}

static void prologue(struct gen *g, int l_prologue, int l_body)
{
	const bool always = !strcmp(g->point->name, "END");

	fn_place(g->f, l_prologue);
	if (!always) {
		struct val exiting = fn_load(g->f, 4, false, val_map_value(GLOBALS_MAP, 0),
					     offsetof(struct script_globals, exiting));
		fn_if(g->f, FN_NE, exiting, val_imm(0), g->l_out);
	}
	if (tick_ns(g))
		once_a_period(g, tick_ns(g), g->script->n_ticks, g->l_out);
	gen_filter_syscalls(g, g->l_out);
	skip_last(g, g->l_out);
	scratch_memory(g);
	gen_forget_task_values(g);
	if (g->strtok.is_used) {
		fn_store(g->f, 1, g->scratch, g->strtok.text, val_imm(0));
		fn_store(g->f, 8, g->scratch, g->strtok.pos.off, val_imm(0));
	}
	if (g->has_frame) {
		fn_store(g->f, 8, g->frame, FRAME_CTX, g->ctx);
		if (g->scratch_map >= 0)
			fn_store(g->f, 8, g->frame, FRAME_SCRATCH, g->scratch);
		fn_store(g->f, 8, g->frame, FRAME_LEAVE, val_imm(0));
	}
	fn_jump(g->f, l_body);
}

static void begin(struct gen *g, const struct ast_probe *p, const struct probe *point)
{
	g->f = unit_fn(g->unit, 1);
	g->probe = p;
	g->point = point;
	g->call_table = -1;
	for (size_t i = 0; i < MEM_LEN(g->part_tables); i++)
		g->part_tables[i] = -1;
	g->ctx = fn_arg(g->f, 0);
	g->scratch = fn_reg(g->f);
	g->scratch_map = -1;
	g->clause_map = -1;
	g->clause_len = 0;
	g->clause = NULL;
	g->clause_mem = fn_reg(g->f);
	g->fault = NULL;
	g->may_fault = false;
	g->fault_kind = fn_reg(g->f);
	g->fault_addr = fn_reg(g->f);
	g->has_frame = false;
	g->in_callback = false;
	g->loop = NULL;
	g->flipped = NULL;
	g->task_values = NULL;
	g->n_stmts = 0;
	// Which call it is differs from one event of all calls to the next.
	g->repeats = !point->nr_field && gen_may_repeat(g, p);
	g->strtok = (struct strtok_state){ 0 };
	g->l_exit = fn_label(g->f);
	g->l_out = fn_label(g->f);
	g->shares_cpu = point->attach.kind == ATTACH_UPROBE ||
			point->attach.kind == ATTACH_URETPROBE || point->attach.kind == ATTACH_ITER;
	g->scratch_len = g->shares_cpu ? 8 : 0;
}

/* FNV-1a. */
static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = 0xCBF29CE484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001B3;
	return h;
}

/* Its index, or -1. */
static int find_name(const struct gen *g, const char *text, size_t len, uint64_t hash)
{
	uint32_t i;

	if (!u64map_get(&g->by_names, hash, &i) || strncmp(g->names[i], text, len) != 0 ||
	    g->names[i][len])
		return -1;
	return (int)i;
}

static int add_name(struct gen *g, const char *name, uint64_t hash)
{
	struct script *s = g->script;

	if (mem_grow(&g->names, &g->cap_names, s->n_probe_names + 1) < 0 ||
	    u64map_put(&g->by_names, hash, (uint32_t)s->n_probe_names) < 0)
		return -ENOMEM;
	g->names[s->n_probe_names] = name;
	return (int)s->n_probe_names++;
}

int gen_probe_name(struct gen *g, const char *name)
{
	const uint64_t hash = hash_text(name, strlen(name));
	const int i = find_name(g, name, strlen(name), hash);

	return i >= 0 ? i : add_name(g, name, hash);
}

/* A name as the kernel takes it. */
static const char *kernel_name(struct gen *g, const struct probe *p)
{
	const char *from = strrchr(p->name, ':') ? strrchr(p->name, ':') + 1 : p->name;
	char *name = arena_strndup(g->arena, from, strlen(from) > 15 ? 15 : strlen(from));

	for (char *c = name; c && *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9'))
			*c = '_';
	return name;
}

int gen_name(struct gen *g, const char *text, size_t len)
{
	const uint64_t hash = hash_text(text, len);
	const int i = find_name(g, text, len, hash);
	if (i >= 0)
		return i;
	const char *copy = arena_strndup(g->arena, text, len);
	const int r = copy ? add_name(g, copy, hash) : -ENOMEM;
	if (r < 0)
		g->failed = true;
	return r < 0 ? -1 : r;
}

int gen_program(struct gen *g, const struct ast_probe *p, const struct ast_attach *ap,
		const struct probe *point)
{
	struct script *s = g->script;
	int r = unit_new(&g->unit);

	if (r < 0)
		return r;
	r = gen_probe_name(g, point->name);
	if (r < 0)
		return r;
	g->probe_name = (uint32_t)r;
	g->attach = ap;
	begin(g, p, point);
	int l_prologue = fn_label(g->f), l_body = fn_label(g->f);
	fn_jump(g->f, l_prologue);
	fn_place(g->f, l_body);
	gen_prepare_vars(g);
	if (p->pred)
		gen_branch(g, p->pred, g->l_exit);
	gen_stmt(g, p->body);
	fn_place(g->f, g->l_exit);
	if (g->scratch_map >= 0 && g->shares_cpu)
		fn_store(g->f, 8, g->scratch, 0, val_imm(0));
	fn_place(g->f, g->l_out);
	fn_exit(g->f, val_imm(0));
	prologue(g, l_prologue, l_body);
	if (g->scratch_len > SCRATCH_MOST)
		return diag_error(g->diag, p->pos, "too-large",
				  "this probe needs %u bytes of memory; the most is %d",
				  g->scratch_len, SCRATCH_MOST);
	if (g->scratch_map >= 0)
		s->bpf_maps[g->scratch_map].val_len = g->scratch_len;
	if (g->clause_map >= 0)
		s->bpf_maps[g->clause_map].val_len = g->clause_len;
	r = g->failed ? -ENOMEM : mem_grow(&s->progs, &s->cap_progs, s->n_progs + 1);
	if (r < 0)
		return r;
	struct script_prog *prog = &s->progs[s->n_progs];
	*prog = (struct script_prog){ .name = kernel_name(g, point),
				      .probe = point,
				      .attach = ap,
				      .is_tick = tick_ns(g) != 0,
				      .repeats = g->repeats };
	s->n_ticks += prog->is_tick;
	r = unit_finish(g->unit, &prog->code);
	if (r == -E2BIG)
		return diag_error(g->diag, p->pos, "too-large",
				  "this probe's program is too large: %s", sonde_err_str());
	if (r < 0)
		return sonde_wrap(r, "probe '%s'", point->name);
	s->n_progs++;
	return prog->name ? 0 : -ENOMEM;
}
