/* SPDX-License-Identifier: MIT */
/** emit(): an event with its time, its CPU and its thread into the ring. */
#include <linux/bpf.h>

#include "lang/gen/gen.h"

enum { HEAD = sizeof(struct record_head), FIELDS = HEAD + sizeof(struct emit_head) };

enum { FIELDS_MOST = 63 };

/* What is made before there is a record. */
struct early {
	struct val now, cpu, ids;
	struct val values[FIELDS_MOST];
};

static struct val kept(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

/* The counter of this CPU's losses. */
static struct val lost_here(struct gen *g, struct val cpu)
{
	struct val i = fn_op(g->f, FN_AND, cpu, val_imm(g->script->n_emit_cpus - 1));

	return fn_op(g->f, FN_ADD, val_map_value(GLOBALS_MAP, g->script->emit_lost_off),
		     fn_op(g->f, FN_LSH, i, val_imm(3)));
}

static void name_fields(struct gen *g, int site, const struct ast *x)
{
	const size_t n = x->u.call.n_args - 1;
	const char **names = arena_array(g->arena, n ? n : 1, sizeof(*names));
	size_t i = 0;

	if (!names) {
		g->failed = true;
		return;
	}
	for (const struct ast_arg_name *a = x->u.call.names; a && i < n; a = a->next)
		names[i++] = a->name;
	g->script->sites[site].fields = names;
}

static void fill_head(struct gen *g, struct val r, int site, const struct early *e)
{
	const size_t at = HEAD;

	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, r, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), e->now);
	fn_store(g->f, 4, r, at + offsetof(struct emit_head, cpu), e->cpu);
	fn_store(g->f, 4, r, at + offsetof(struct emit_head, pid),
		 fn_op(g->f, FN_RSH, e->ids, val_imm(32)));
	fn_store(g->f, 4, r, at + offsetof(struct emit_head, tid), e->ids);
	fn_store(g->f, 4, r, at + offsetof(struct emit_head, pad), val_imm(0));
	// Read behind the reservation: those that this CPU loses later come later in the ring.
	fn_store(g->f, 8, r, at + offsetof(struct emit_head, lost),
		 fn_load(g->f, 8, false, lost_here(g, e->cpu), 0));
	FN_CALL(g->f, BPF_FUNC_get_current_comm,
		fn_op(g->f, FN_ADD, r, val_imm(at + offsetof(struct emit_head, comm))),
		val_imm(sizeof(((struct emit_head *)0)->comm)));
}

static void fill_fields(struct gen *g, struct val r, int site, const struct early *e,
			struct ast *args)
{
	uint32_t i = 0;

	for (struct ast *a = args; a && i < FIELDS_MOST; a = a->next, i++) {
		const int64_t off = HEAD + g->script->sites[site].args[i].off;

		if (gen_comes_first(a))
			fn_copy(g->f, r, off, e->values[i], 0, a->type->size, 8);
		else
			gen_into(g, a, r, off, a->type, /* pad= */ false);
	}
}

void gen_emit(struct gen *g, struct ast *x)
{
	const int site = gen_site(g, SITE_EMIT, x);
	int l_lost = fn_label(g->f), l_end = fn_label(g->f);
	struct ast *args = x->u.call.args->next;
	const struct type *types[FIELDS_MOST];
	struct early e;
	uint32_t n = 0;
	size_t len;

	if (site < 0)
		return;
	for (struct ast *a = args; a && n < FIELDS_MOST; a = a->next)
		types[n++] = a->type;
	gen_lay_out(g, site, sizeof(struct emit_head), types, n);
	name_fields(g, site, x);
	g->script->sites[site].fmt = check_text(g->check, x->u.call.args, &len);
	if (g->failed)
		return;
	if (x->u.call.when && emit_has_process(g->point))
		gen_branch(g, x->u.call.when, l_end);
	// The time is that of the place, not of the record, which may have to wait for its room.
	e.now = FN_CALL0(g->f, BPF_FUNC_ktime_get_ns);
	e.cpu = fn_extend(g->f, FN_CALL0(g->f, BPF_FUNC_get_smp_processor_id), 4, false);
	e.ids = FN_CALL0(g->f, BPF_FUNC_get_current_pid_tgid);
	n = 0;
	for (struct ast *a = args; a && n < FIELDS_MOST; a = a->next, n++)
		if (gen_comes_first(a))
			e.values[n] = gen_mem(g, a, a->type);
	const uint32_t room = HEAD + g->script->sites[site].payload_len;
	struct val r = kept(g, FN_CALL(g->f, BPF_FUNC_ringbuf_reserve, val_map(RING_MAP),
				       val_imm(room), val_imm(0)));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_lost);
	fill_head(g, r, site, &e);
	fill_fields(g, r, site, &e, args);
	FN_CALL(g->f, BPF_FUNC_ringbuf_submit, r, val_imm(0));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_lost);
	gen_count_lost(g, site);
	(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, lost_here(g, e.cpu), 0, val_imm(1), false);
	fn_place(g->f, l_end);
}
