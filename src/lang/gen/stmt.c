/* SPDX-License-Identifier: MIT */
/** Statements, and where variables live. */
#include <linux/bpf.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/arith.h"
#include "lang/gen/gen.h"

enum { VAR_ON_STACK = 64, STACK_FOR_VARS = 200, STMTS_MOST = 10000 };

static bool on_stack(struct gen *g, uint32_t len)
{
	return len <= VAR_ON_STACK && fn_slots_len(g->f) + len <= STACK_FOR_VARS;
}

struct home gen_shared(struct gen *g)
{
	struct home h = { .kind = HOME_SCRATCH, .off = g->scratch_len, .fn = fn_index(g->f) };

	(void)gen_scratch(g, 8);
	return h;
}

struct val gen_home_load(struct gen *g, const struct home *h)
{
	switch (h->kind) {
	case HOME_SCRATCH: return fn_load(g->f, 8, false, gen_scratch_at(g, h->off), 0);
	default: return h->val;
	}
}

void gen_home_store(struct gen *g, const struct home *h, struct val v)
{
	switch (h->kind) {
	case HOME_SCRATCH: fn_store(g->f, 8, gen_scratch_at(g, h->off), 0, v); break;
	default: fn_mov(g->f, h->val, v);
	}
}

struct val gen_narrow(struct gen *g, const struct var *v, struct val x)
{
	return v->narrow ? fn_extend(g->f, x, v->narrow->size, v->narrow->is_signed) : x;
}

static void place_var(struct gen *g, struct var *v, struct home *h)
{
	const uint32_t len = (v->type->size + 7) & ~7U;

	if (!type_in_memory(v->type) && !v->in_memory) {
		h->kind = HOME_REG;
		h->val = fn_reg(g->f);
	} else if (!type_in_memory(v->type)) {
		*h = gen_shared(g);
	} else if (!v->in_memory && on_stack(g, len)) {
		h->kind = HOME_SLOT;
		h->val = fn_slot(g->f, len);
	} else {
		h->kind = HOME_SCRATCH;
		h->off = g->scratch_len;
		(void)gen_scratch(g, len);
	}
}

/* What no statement sets as a whole before it is read begins as zeros. */
static void zero_var(struct gen *g, const struct var *v, const struct home *h)
{
	const uint32_t len = (v->type->size + 7) & ~7U;

	if (v->set_first)
		return;
	if (!type_in_memory(v->type))
		gen_home_store(g, h, val_imm(0));
	else if (h->kind == HOME_SLOT)
		fn_zero(g->f, h->val, 0, len, 8);
	else
		fn_zero(g->f, gen_scratch_at(g, h->off), 0, len, 8);
}

struct home *gen_home(struct gen *g, struct var *v)
{
	struct home *h = v->home;
	const bool is_local = h && (h->kind == HOME_REG || h->kind == HOME_SLOT);

	// The body of a loop inside of 'unroll' becomes several functions.
	if (h && (!is_local || h->fn == fn_index(g->f)))
		return h;
	if (!h)
		h = arena_new(g->arena, struct home);
	if (!h) {
		g->failed = true;
		g->nowhere = (struct home){ .kind = HOME_SLOT, .val = fn_slot(g->f, 8) };
		return &g->nowhere;
	}
	v->home = h;
	h->fn = fn_index(g->f);
	place_var(g, v, h);
	return h;
}

/* Variables that live longer than a loop's body are zeroed before the first statement. */
void gen_prepare_vars(struct gen *g)
{
	for (struct var *v = g->check->vars; v; v = v->next) {
		v->home = NULL;
		const bool is_inner = v->loop > 0 && (v->declared || !v->in_memory);
		if (!v->used || !v->type || is_inner)
			continue;
		zero_var(g, v, gen_home(g, v));
	}
}

static void set_var(struct gen *g, struct var *v, struct ast *value)
{
	struct home *h = gen_home(g, v);

	if (!type_in_memory(v->type)) {
		gen_home_store(g, h, gen_narrow(g, v, gen_scalar(g, value)));
		return;
	}
	struct val base = h->kind == HOME_SLOT ? h->val : gen_scratch_at(g, h->off);
	if (!gen_reads(value, v)) {
		gen_into(g, value, base, 0, v->type, /* pad= */ true);
		return;
	}
	// $t = ($t.1, $t.0): what is read must stay until all is made.
	struct val temp = gen_mem(g, value, v->type);
	fn_copy(g->f, base, 0, temp, 0, v->type->size, 8);
}

int64_t gen_step_of(const struct type *t)
{
	return t->kind == TYPE_PTR && t->c && t->c->size ? (int64_t)t->c->size : 1;
}

static void change_var(struct gen *g, struct ast *s)
{
	struct var *v = (struct var *)s->u.op.a->note;
	const struct home *h = gen_home(g, v);
	const enum op op = s->u.op.op;
	struct val x = gen_scalar(g, s->u.op.b), old = gen_home_load(g, h);
	const int64_t by = gen_step_of(v->type);

	if (by != 1)
		x = fn_op(g->f, FN_MUL, x, val_imm(by));
	x = gen_arith(g, op, old, x, op == OP_SHR ? v->type->is_signed : s->note_n != 0);
	gen_home_store(g, h, gen_narrow(g, v, x));
}

static void assign(struct gen *g, struct ast *s)
{
	if (s->u.op.a->kind == AST_MAP) {
		g->flipped = NULL; // what comes now belongs to the new buffer
		gen_map_assign(g, s);
		return;
	}
	struct var *v = (struct var *)s->u.op.a->note;
	if (s->u.op.op == OP_NONE)
		set_var(g, v, s->u.op.b);
	else
		change_var(g, s);
}

static void declare(struct gen *g, struct ast *s)
{
	struct var *v = (struct var *)s->note;

	if (!v->type)
		return;
	if (s->u.decl.init)
		set_var(g, v, s->u.decl.init);
	else
		zero_var(g, v, gen_home(g, v));
}

void gen_call_stmt(struct gen *g, struct ast *x)
{
	const struct func *f = x->kind == AST_CALL ? x->note : NULL;

	if (!f) {
		(void)gen_scalar(g, x);
		return;
	}
	if (f->id == F_SIGNAL) {
		struct val n = x->note_n >= 0 ? val_imm(x->note_n) : gen_scalar(g, x->u.call.args);
		FN_CALL(g->f, BPF_FUNC_send_signal, n);
	} else if (f->id == F_DELETE && x->u.call.args->u.map.keys) {
		(void)gen_map_delete(g, x->u.call.args->note, x->u.call.args->u.map.keys, false);
	} else if (f->no_value) {
		gen_output_call(g, x);
	} else if (x->type && type_in_memory(x->type)) {
		(void)gen_mem(g, x, x->type); // for its effects, if it has any
	} else {
		(void)gen_call_scalar(g, x);
	}
}

static void expression(struct gen *g, struct ast *x)
{
	const bool is_step = x->kind == AST_UNARY && x->u.op.op >= OP_PRE_INC;

	if (is_step && x->u.op.a->kind == AST_MAP) {
		g->flipped = NULL;
		gen_map_step(g, x, NULL);
	} else if (x->kind == AST_CALL) {
		gen_call_stmt(g, x);
	} else if (x->type && x->type->kind == TYPE_NONE) {
		(void)gen_scalar(g, x);
	} else if (x->type && type_in_memory(x->type)) {
		(void)gen_place(g, x);
	} else if (x->type) {
		(void)gen_scalar(g, x);
	}
}

static void if_stmt(struct gen *g, struct ast *s)
{
	int l_end = fn_label(g->f);

	for (; s; s = s->u.cond.no) {
		if (s->kind != AST_IF) {
			gen_stmt(g, s);
			break;
		}
		int l_no = fn_label(g->f);
		gen_branch(g, s->u.cond.cond, l_no);
		gen_stmt(g, s->u.cond.yes);
		if (s->u.cond.no)
			fn_jump(g->f, l_end);
		fn_place(g->f, l_no);
		g->flipped = NULL;
	}
	fn_place(g->f, l_end);
	g->flipped = NULL;
}

static void block(struct gen *g, struct ast *list)
{
	for (struct ast *s = list; s; s = s->next)
		gen_stmt(g, s);
}

static void unroll(struct gen *g, struct ast *s)
{
	for (int64_t i = 0; i < s->note_n && g->n_stmts <= STMTS_MOST && !unit_failed(g->unit); i++)
		gen_stmt(g, s->u.loop.body);
}

void gen_stmt(struct gen *g, struct ast *s)
{
	if (++g->n_stmts > STMTS_MOST) { // by unroll within unroll
		if (g->n_stmts == STMTS_MOST + 1)
			(void)diag_error(g->diag, s->pos, "too-large",
					 "more than %d statements with all rounds of 'unroll'",
					 STMTS_MOST);
		return;
	}
	fn_line(g->f, s->pos.line, s->pos.col);
	switch (s->kind) {
	case AST_EXPR: expression(g, s->u.op.a); break;
	case AST_ASSIGN: assign(g, s); break;
	case AST_DECL: declare(g, s); break;
	case AST_IF: if_stmt(g, s); break;
	case AST_WHILE: gen_while(g, s); break;
	case AST_UNROLL: unroll(g, s); break;
	case AST_FOR: gen_for(g, s); break;
	case AST_BREAK: fn_jump(g->f, g->loop->l_break); break;
	case AST_CONTINUE: fn_jump(g->f, g->loop->l_continue); break;
	case AST_RETURN: gen_leave(g); break;
	case AST_BLOCK: block(g, s->u.list.first); break;
	case AST_CLAUSE: gen_clause(g, s); break;
	default: break;
	}
}
