/* SPDX-License-Identifier: MIT */
/**
 * Clauses of D. What a clause prints goes out as one record, so that nothing of another CPU comes
 * between:
 *
 *	record_head | u32 CPU, u32 name | record_head, payload of the first action | ...
 *
 * It is made in memory for each CPU. Actions that were not come to have a head with ts_ns 0.
 *
 * A world whose reader acts on a record before the program goes on gets them one by one, those of
 * the clause's line around them.
 */
#include <linux/bpf.h>
#include <string.h>

#include "base/mem.h"
#include "lang/check/builtin.h"
#include "lang/gen/gen.h"

enum {
	HEAD = sizeof(struct record_head),
	OFF_CPU = HEAD,
	OFF_NAME = HEAD + 4,
	PARTS = HEAD + 8,
	CLAUSE_MOST = 32 << 10,
	CLAUSE_SLOTS = 4, /* as many as there are areas of scratch memory */
};

static void clause_map(struct gen *g)
{
	const struct bpf_map_spec s = {
		.name = "clause",
		.type = BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_len = 4,
		.max_entries = g->shares_cpu ? CLAUSE_SLOTS : 1,
		.inner = -1,
	};

	if (g->clause_map >= 0)
		return;
	g->clause_map = gen_bpf_map(g, &s); // its length is set at the end
	if (g->shares_cpu)
		(void)gen_scratch(g, 8); // whose area is the clause's, too
}

struct val gen_clause_part(struct gen *g, int site)
{
	struct clause *c = g->clause;
	const uint32_t off = c->len;

	if (mem_grow(&c->parts, &c->cap_parts, c->n_parts + 1) < 0) {
		g->failed = true;
		return g->clause_mem;
	}
	c->parts[c->n_parts++] = (struct site_part){ (uint32_t)site, off - HEAD };
	c->len += HEAD + g->script->sites[site].payload_len;
	struct val r = fn_reg(g->f);
	fn_mov(g->f, r, g->clause_mem);
	fn_op_to(g->f, FN_ADD, r, val_imm(off));
	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), val_imm(1));
	fn_mov(g->f, c->some, val_imm(1));
	return r;
}

void gen_clause_exit(struct gen *g, struct ast *status)
{
	struct val v = status ? gen_scalar(g, status) : val_imm(0);

	// All goes silent when the clause has ended.
	fn_store(g->f, 4, val_map_value(GLOBALS_MAP, 0),
		 offsetof(struct script_globals, exit_status), v);
	fn_mov(g->f, g->clause->exits, val_imm(1));
}

/* Actions among the statements, and whether exit() is one. */
static unsigned count_actions(const struct ast *x, bool *ret_exits)
{
	unsigned n = 0;

	for (; x; x = x->next) {
		const struct ast *e = x->kind == AST_EXPR ? x->u.op.a : NULL;

		if (x->kind == AST_IF) {
			n += count_actions(x->u.cond.yes, ret_exits);
			n += count_actions(x->u.cond.no, ret_exits);
		} else if (x->kind == AST_BLOCK) {
			n += count_actions(x->u.list.first, ret_exits);
		} else if (e && e->kind == AST_CALL && e->note) {
			const struct func *f = e->note;
			n += f->no_value && f->id != F_SIGNAL && f->id < F_SPECULATION;
			*ret_exits = *ret_exits || f->id == F_EXIT;
		}
	}
	return n;
}

/* The index of the name that a clause's line begins with. */
static struct val name_of(struct gen *g, const struct ast *s)
{
	static const char error[] = "dtrace:::ERROR";

	return s->u.clause.is_error ? val_imm(gen_name(g, error, sizeof(error) - 1))
				    : gen_place_part(g, 4);
}

/* The record goes out, if there is anything in it. */
static void send_clause(struct gen *g, struct clause *c, int site, const struct ast *ast)
{
	const bool has_line = ast->u.clause.has_line;
	struct site *s = &g->script->sites[site];
	struct site_part *parts = arena_array(g->arena, c->n_parts + 1, sizeof(*parts));
	int l_nothing = fn_label(g->f);

	if (!parts) {
		g->failed = true;
		return;
	}
	if (c->n_parts)
		memcpy(parts, c->parts, c->n_parts * sizeof(*parts));
	s->is_whole = true;
	s->parts = parts;
	s->n_parts = (uint32_t)c->n_parts;
	s->payload_len = c->len - HEAD;
	if (!has_line)
		fn_if(g->f, FN_EQ, c->some, val_imm(0), l_nothing);
	const struct val mem = g->clause_mem;
	struct val cpu = FN_CALL0(g->f, BPF_FUNC_get_smp_processor_id);
	fn_store(g->f, 4, mem, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, mem, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, mem, offsetof(struct record_head, ts_ns),
		 c->speculates ? c->spec : val_imm(0));
	fn_store(g->f, 4, mem, OFF_CPU, cpu);
	fn_store(g->f, 4, mem, OFF_NAME, has_line ? name_of(g, ast) : val_imm(0));
	struct val r = FN_CALL(g->f, BPF_FUNC_ringbuf_output, val_map(RING_MAP), mem,
			       val_imm(c->len), val_imm(0));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_nothing);
	gen_count_lost(g, site);
	fn_place(g->f, l_nothing);
}

static int new_site(struct gen *g, enum site_kind kind, const struct ast *s)
{
	const int site = gen_site(g, kind, NULL);

	if (site < 0)
		return site;
	g->script->sites[site].pos = s->pos;
	g->script->sites[site].name = "a clause";
	g->script->sites[site].has_line = s->u.clause.has_line;
	return site;
}

static void statements(struct gen *g, struct clause *c, struct ast *s)
{
	g->clause = c;
	for (struct ast *x = s->u.clause.first; x; x = x->next)
		gen_stmt(g, x);
	g->clause = NULL;
}

/* exit() of a clause, once it has ended. */
static void leave(struct gen *g, const struct clause *c)
{
	int l_stays = fn_label(g->f);

	fn_if(g->f, FN_EQ, c->exits, val_imm(0), l_stays);
	fn_store(g->f, 4, val_map_value(GLOBALS_MAP, 0), offsetof(struct script_globals, exiting),
		 val_imm(1));
	gen_leave(g);
	fn_place(g->f, l_stays);
}

/* The begin or the end of a line, as a record of its own. */
static void send_mark(struct gen *g, enum site_kind kind, const struct ast *s)
{
	int l_none = fn_label(g->f);
	const int site = new_site(g, kind, s);
	const uint32_t len = kind == SITE_CLAUSE ? PARTS - HEAD : 0;

	if (site < 0)
		return;
	g->script->sites[site].payload_len = len;
	struct val cpu = FN_CALL0(g->f, BPF_FUNC_get_smp_processor_id);
	struct val name = name_of(g, s);
	struct val r = FN_CALL(g->f, BPF_FUNC_ringbuf_reserve, val_map(RING_MAP),
			       val_imm(HEAD + len), val_imm(0));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_none);
	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, r, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), val_imm(0));
	if (len) {
		fn_store(g->f, 4, r, OFF_CPU, cpu);
		fn_store(g->f, 4, r, OFF_NAME, name);
	}
	FN_CALL(g->f, BPF_FUNC_ringbuf_submit, r, val_imm(0));
	fn_place(g->f, l_none);
}

static void one_by_one(struct gen *g, struct ast *s)
{
	struct clause c = { .exits = fn_reg(g->f), .is_split = true };

	fn_mov(g->f, c.exits, val_imm(0));
	if (s->u.clause.has_line)
		send_mark(g, SITE_CLAUSE, s);
	statements(g, &c, s);
	if (s->u.clause.has_line)
		send_mark(g, SITE_CLAUSE_END, s);
	leave(g, &c);
}

/* Statements whose records are put together. */
static void together(struct gen *g, struct ast *s)
{
	struct clause c = { .len = PARTS, .some = fn_reg(g->f), .exits = fn_reg(g->f) };
	int l_clear = fn_label(g->f), l_go = fn_label(g->f), l_sent = fn_label(g->f);
	const int site = new_site(g, SITE_CLAUSE, s);

	if (site < 0)
		return;
	clause_map(g);
	if (s->u.clause.speculates) {
		c.speculates = true;
		c.spec = fn_reg(g->f);
		c.l_none = fn_label(g->f);
		fn_mov(g->f, c.spec, val_imm(0));
	}
	fn_mov(g->f, c.some, val_imm(0));
	fn_mov(g->f, c.exits, val_imm(0));
	// Which actions there are is known behind them.
	fn_jump(g->f, l_clear);
	fn_place(g->f, l_go);
	statements(g, &c, s);
	send_clause(g, &c, site, s);
	fn_jump(g->f, l_sent);
	fn_place(g->f, l_clear);
	for (size_t i = 0; i < c.n_parts; i++)
		fn_store(g->f, 8, g->clause_mem,
			 HEAD + c.parts[i].off + (int64_t)offsetof(struct record_head, ts_ns),
			 val_imm(0));
	fn_jump(g->f, l_go);
	fn_place(g->f, l_sent);
	leave(g, &c);
	if (c.speculates)
		fn_place(g->f, c.l_none);
	if (c.len > CLAUSE_MOST)
		(void)diag_error(g->diag, s->pos, "too-large",
				 "this clause prints %u bytes; the most is %d", c.len, CLAUSE_MOST);
	if (c.len > g->clause_len)
		g->clause_len = (c.len + 7) & ~7U;
	free(c.parts);
}

/* --- faults --- */

static void fault(struct gen *g, int64_t kind, struct val addr)
{
	fn_mov(g->f, g->fault_kind, val_imm(kind));
	fn_mov(g->f, g->fault_addr, addr);
	if (g->fault->label < 0)
		g->fault->label = fn_label(g->f);
	fn_jump(g->f, g->fault->label);
}

void gen_fault_if_failed(struct gen *g, struct val got, struct val addr)
{
	if (!g->fault || !g->may_fault || g->in_callback)
		return;
	const int l_fine = fn_label(g->f);
	fn_if(g->f, FN_SGE, got, val_imm(0), l_fine);
	fault(g, FAULT_ADDRESS, addr);
	fn_place(g->f, l_fine);
}

void gen_fault_if_zero(struct gen *g, struct val divisor)
{
	if (!g->fault || !g->may_fault || g->in_callback || divisor.kind == VAL_IMM)
		return;
	const int l_fine = fn_label(g->f);
	fn_if(g->f, FN_NE, divisor, val_imm(0), l_fine);
	fault(g, FAULT_DIVISION, val_imm(0));
	fn_place(g->f, l_fine);
}

/* What comes of a fault: nothing of the clause is printed, but this. */
static void send_fault(struct gen *g, const struct ast *s)
{
	const int l_lost = fn_label(g->f), l_sent = fn_label(g->f);
	const int site = new_site(g, SITE_FAULT, s);

	if (site < 0)
		return;
	g->script->sites[site].payload_len = sizeof(struct fault_record);
	struct val name = gen_place_part(g, 4);
	struct val r = FN_CALL(g->f, BPF_FUNC_ringbuf_reserve, val_map(RING_MAP),
			       val_imm(HEAD + (int64_t)sizeof(struct fault_record)), val_imm(0));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_lost);
	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, r, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), val_imm(0));
	fn_store(g->f, 4, r, HEAD + offsetof(struct fault_record, name), name);
	fn_store(g->f, 4, r, HEAD + offsetof(struct fault_record, id), val_imm(s->u.clause.id));
	fn_store(g->f, 8, r, HEAD + offsetof(struct fault_record, kind), g->fault_kind);
	fn_store(g->f, 8, r, HEAD + offsetof(struct fault_record, addr), g->fault_addr);
	FN_CALL(g->f, BPF_FUNC_ringbuf_submit, r, val_imm(0));
	fn_jump(g->f, l_sent);
	fn_place(g->f, l_lost);
	gen_count_lost(g, site);
	fn_place(g->f, l_sent);
}

static void body(struct gen *g, struct ast *s, int l_end)
{
	bool exits = false;
	const unsigned n = count_actions(s->u.clause.first, &exits);

	if (s->u.clause.pred)
		gen_branch(g, s->u.clause.pred, l_end);
	// A record that was reserved would have to be given back by a fault.
	if (s->u.clause.has_line || n > 1 || exits || (n && g->fault) || s->u.clause.speculates) {
		// What is speculated has nothing that the reader must do at once.
		if (g->check->world->is_synchronous && !s->u.clause.speculates)
			one_by_one(g, s);
		else
			together(g, s);
	} else {
		for (struct ast *x = s->u.clause.first; x; x = x->next)
			gen_stmt(g, x);
	}
}

void gen_clause(struct gen *g, struct ast *s)
{
	const int l_end = fn_label(g->f);
	const bool has_error = s->next && s->next->kind == AST_CLAUSE && s->next->u.clause.is_error;
	struct fault fault = { -1 };

	g->flipped = NULL;
	if (s->u.clause.is_error) {
		fn_if(g->f, FN_EQ, g->fault_kind, val_imm(0), l_end);
	} else if (has_error) {
		fn_mov(g->f, g->fault_kind, val_imm(0));
		fn_mov(g->f, g->fault_addr, val_imm(0));
	}
	if (s->u.clause.may_fault && !s->u.clause.is_error && !g->check->world->is_synchronous)
		g->fault = &fault;
	body(g, s, l_end);
	g->fault = NULL;
	if (fault.label >= 0) {
		fn_jump(g->f, l_end);
		fn_place(g->f, fault.label);
		send_fault(g, s);
	}
	fn_place(g->f, l_end);
	g->flipped = NULL;
}
