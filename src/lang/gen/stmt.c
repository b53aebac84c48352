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

static void place_var(struct gen *g, struct var *v, struct home *h)
{
	const uint32_t len = (v->type->size + 7) & ~7U;

	if (!type_in_memory(v->type) && !v->in_memory) {
		h->kind = HOME_REG;
		h->val = fn_reg(g->f);
	} else if (!type_in_memory(v->type)) {
		h->kind = HOME_FRAME;
		(void)gen_frame(g);
		h->off = g->frame_len;
		g->frame_len += 8;
		if (g->frame_len > FRAME_LEN)
			(void)diag_error(g->diag, v->pos, "too-many-variables",
					 "more than %d variables are shared with loops",
					 (FRAME_LEN - FRAME_VARS) / 8);
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
	switch (h->kind) {
	case HOME_SLOT: fn_zero(g->f, h->val, 0, len, 8); break;
	case HOME_SCRATCH: fn_zero(g->f, gen_scratch_at(g, h->off), 0, len, 8); break;
	case HOME_FRAME: gen_frame_store(g, h->off, val_imm(0)); break;
	default: break;
	}
}

struct home *gen_home(struct gen *g, struct var *v)
{
	struct home *h = v->home;

	if (h && h->kind != HOME_NONE)
		return h;
	if (!h)
		h = arena_new(g->arena, struct home);
	if (!h) {
		static struct home none;
		g->failed = true;
		none = (struct home){ HOME_SLOT, val_imm(0), 0, 0 };
		return &none;
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
		if (!v->used || !v->type || v->loop > 0)
			continue;
		zero_var(g, v, gen_home(g, v));
	}
}

static void set_var(struct gen *g, struct var *v, struct ast *value)
{
	struct home *h = gen_home(g, v);

	if (type_in_memory(v->type)) {
		struct val base = h->kind == HOME_SLOT ? h->val : gen_scratch_at(g, h->off);
		gen_into(g, value, base, 0, v->type, /* pad= */ true);
		return;
	}
	struct val x = gen_scalar(g, value);
	if (h->kind == HOME_REG)
		fn_mov(g->f, h->val, x);
	else
		gen_frame_store(g, h->off, x);
}

static void change_var(struct gen *g, struct var *v, enum op op, struct ast *value)
{
	struct home *h = gen_home(g, v);
	struct val x = gen_scalar(g, value);
	struct val old =
		h->kind == HOME_REG ? h->val : fn_load(g->f, 8, false, gen_frame(g), h->off);

	if (v->type->kind == TYPE_PTR && v->type->c && v->type->c->size > 1)
		x = fn_op(g->f, FN_MUL, x, val_imm((int64_t)v->type->c->size));
	const bool is_signed = v->type->is_signed && value->type->is_signed;
	struct val now = gen_arith(g, op, old, x, op == OP_SHR ? v->type->is_signed : is_signed);
	if (h->kind == HOME_REG)
		fn_mov(g->f, h->val, now);
	else
		gen_frame_store(g, h->off, now);
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
		change_var(g, v, s->u.op.op, s->u.op.b);
}

static void declare(struct gen *g, struct ast *s)
{
	struct var *v = (struct var *)s->note;

	if (!v->type)
		return;
	if (s->u.decl.init)
		set_var(g, v, s->u.decl.init);
	else if (gen_home(g, v)->kind == HOME_REG)
		fn_mov(g->f, gen_home(g, v)->val, val_imm(0));
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
}

static void block(struct gen *g, struct ast *list)
{
	for (struct ast *s = list; s; s = s->next)
		gen_stmt(g, s);
}

static void unroll(struct gen *g, struct ast *s)
{
	for (int64_t i = 0; i < s->note_n && g->n_stmts <= STMTS_MOST; i++)
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
	default: break;
	}
}
