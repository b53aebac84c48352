/* SPDX-License-Identifier: MIT */
/** Expressions whose value is a number, and branches on them. */
#include <linux/bpf.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/arith.h"
#include "lang/gen/gen.h"

static enum fn_cond cond_of(enum op op, bool is_signed)
{
	switch (op) {
	case OP_EQ: return FN_EQ;
	case OP_NE: return FN_NE;
	case OP_LT: return is_signed ? FN_SLT : FN_LT;
	case OP_LE: return is_signed ? FN_SLE : FN_LE;
	case OP_GT: return is_signed ? FN_SGT : FN_GT;
	default: return is_signed ? FN_SGE : FN_GE;
	}
}

static enum op opposite(enum op op)
{
	switch (op) {
	case OP_EQ: return OP_NE;
	case OP_NE: return OP_EQ;
	case OP_LT: return OP_GE;
	case OP_LE: return OP_GT;
	case OP_GT: return OP_LE;
	default: return OP_LT;
	}
}

static bool is_compare(const struct ast *x)
{
	return x->kind == AST_BINARY && x->u.op.op >= OP_EQ && x->u.op.op <= OP_GE;
}

static bool is_text(const struct ast *x)
{
	return x->type && x->type->kind == TYPE_STR;
}

/* Compared by all of its bytes. */
static bool is_bytes(const struct ast *x)
{
	return is_text(x) || (x->type && type_in_memory(x->type) && x->type->size > 8);
}

static struct val copy(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

/* The left operand, in a variable that the right one does not change. */
static struct val first_of(struct gen *g, struct ast *x)
{
	struct val a = gen_scalar(g, x->u.op.a);

	return a.kind == VAL_REG && gen_changes(x->u.op.b) ? copy(g, a) : a;
}

/* In D: the name of the probe, and a text that it is compared with. */
static bool compares_name(const struct gen *g, const struct ast *x, struct ast **ret_name,
			  struct ast **ret_text)
{
	size_t len;
	struct ast *a = x->u.op.a, *b = x->u.op.b;

	if (!g->script->d || !is_compare(x) || !a->type || !b->type)
		return false;
	const bool is_first = a->type->kind == TYPE_PROBE;
	*ret_name = is_first ? a : b;
	*ret_text = is_first ? b : a;
	return (*ret_name)->type->kind == TYPE_PROBE && check_text(g->check, *ret_text, &len);
}

/* Names are numbers, and so is the text then. */
static void branch_name(struct gen *g, const struct ast *x, struct ast *name, struct ast *text,
			int l_no)
{
	size_t len = 0;
	const char *s = check_text(g->check, text, &len);
	struct val v = gen_scalar(g, name);

	fn_if(g->f, x->u.op.op == OP_EQ ? FN_NE : FN_EQ, v, val_imm(gen_name(g, s, len)), l_no);
}

static void branch_logic(struct gen *g, struct ast *x, int l_no)
{
	if (x->u.op.op == OP_LAND) {
		gen_branch(g, x->u.op.a, l_no);
		gen_branch(g, x->u.op.b, l_no);
		return;
	}
	int l_second = fn_label(g->f), l_yes = fn_label(g->f);
	gen_branch(g, x->u.op.a, l_second);
	fn_jump(g->f, l_yes);
	fn_place(g->f, l_second);
	gen_branch(g, x->u.op.b, l_no);
	fn_place(g->f, l_yes);
}

static void branch_memory(struct gen *g, struct ast *x, int l_no)
{
	// A string is true where it is not empty; other values in memory by their first bytes.
	struct place p = gen_place(g, x);
	const struct type t = { .kind = TYPE_INT,
				.size = is_text(x)	     ? 1
					: x->type->size >= 8 ? 8
							     : 1 };

	fn_if(g->f, FN_EQ, gen_load_place(g, &p, &t), val_imm(0), l_no);
}

void gen_branch(struct gen *g, struct ast *x, int l_no)
{
	struct ast *name, *text;

	if (compares_name(g, x, &name, &text))
		branch_name(g, x, name, text, l_no);
	else if (x->kind == AST_UNARY && x->u.op.op == OP_NOT) {
		int l_go = fn_label(g->f);
		gen_branch(g, x->u.op.a, l_go); // false: goes on
		fn_jump(g->f, l_no);
		fn_place(g->f, l_go);
	} else if (x->kind == AST_BINARY && (x->u.op.op == OP_LAND || x->u.op.op == OP_LOR)) {
		branch_logic(g, x, l_no);
	} else if (is_compare(x) && !is_bytes(x->u.op.a)) {
		struct val a = first_of(g, x), b = gen_scalar(g, x->u.op.b);
		fn_if(g->f, cond_of(opposite(x->u.op.op), x->note_n != 0), a, b, l_no);
	} else if (type_in_memory(x->type)) {
		branch_memory(g, x, l_no);
	} else {
		fn_if(g->f, FN_EQ, gen_scalar(g, x), val_imm(0), l_no);
	}
}

/* Can be had at once, without memory that may be missing and without effects. */
static bool is_plain(const struct ast *x)
{
	switch (x->kind) {
	case AST_INT:
	case AST_SIZEOF: return true;
	case AST_VAR: return type_is_number(x->type);
	case AST_UNARY:
		return x->u.op.op < OP_PRE_INC && x->u.op.op != OP_DEREF && is_plain(x->u.op.a);
	case AST_BINARY: return is_plain(x->u.op.a) && is_plain(x->u.op.b);
	case AST_CAST: return is_plain(x->u.cast.x);
	default: return false;
	}
}

/* 1 or 0; by a branch only where something must be left out. */
static struct val truth(struct gen *g, struct ast *x)
{
	const enum op op = x->u.op.op;
	const bool logic = x->kind == AST_BINARY && (op == OP_LAND || op == OP_LOR);

	if (is_compare(x) && !is_bytes(x->u.op.a)) {
		struct val a = first_of(g, x), b = gen_scalar(g, x->u.op.b);
		return gen_compare(g, op, a, b, x->note_n != 0);
	}
	if (x->kind == AST_UNARY && op == OP_NOT && !type_in_memory(x->u.op.a->type))
		return fn_op(g->f, FN_XOR, gen_not_zero(g, gen_scalar(g, x->u.op.a)), val_imm(1));
	if (logic && is_plain(x->u.op.b) && !type_in_memory(x->u.op.a->type)) {
		struct val a = gen_not_zero(g, gen_scalar(g, x->u.op.a));
		struct val b = gen_not_zero(g, gen_scalar(g, x->u.op.b));
		return fn_op(g->f, op == OP_LAND ? FN_AND : FN_OR, a, b);
	}
	struct val r = fn_reg(g->f);
	int l_no = fn_label(g->f);

	fn_mov(g->f, r, val_imm(0));
	gen_branch(g, x, l_no);
	fn_mov(g->f, r, val_imm(1));
	fn_place(g->f, l_no);
	return r;
}

static struct val scaled(struct gen *g, struct val n, const struct type *ptr)
{
	const uint64_t size = ptr->c && ptr->c->size ? ptr->c->size : 1;

	return size == 1 ? n : fn_op(g->f, FN_MUL, n, val_imm((int64_t)size));
}

static struct val binary(struct gen *g, struct ast *x)
{
	const enum op op = x->u.op.op;
	const struct type *a_type = x->u.op.a->type, *b_type = x->u.op.b->type;

	struct ast *name, *text;
	if (compares_name(g, x, &name, &text)) {
		struct val r = copy(g, val_imm(0));
		int l_no = fn_label(g->f);
		branch_name(g, x, name, text, l_no);
		fn_mov(g->f, r, val_imm(1));
		fn_place(g->f, l_no);
		return r;
	}
	if (is_compare(x) && is_bytes(x->u.op.a)) {
		if (op != OP_EQ && op != OP_NE)
			return gen_compare(g, op, gen_str_order(g, x->u.op.a, x->u.op.b),
					   val_imm(0), /* is_signed= */ true);
		struct val eq = gen_str_equal(g, x->u.op.a, x->u.op.b, UINT32_MAX);
		return op == OP_EQ ? eq : fn_op(g->f, FN_XOR, eq, val_imm(1));
	}
	if (is_compare(x) || op == OP_LAND || op == OP_LOR)
		return truth(g, x);
	struct val a = first_of(g, x);
	struct val b = gen_scalar(g, x->u.op.b);
	if (x->type->kind == TYPE_PTR && a_type->kind == TYPE_PTR)
		b = scaled(g, b, a_type);
	else if (x->type->kind == TYPE_PTR && b_type->kind == TYPE_PTR)
		a = scaled(g, a, b_type);
	if (op == OP_DIV || op == OP_MOD)
		gen_fault_if_zero(g, b);
	return gen_arith(g, op, a, b, op == OP_SHR ? a_type->is_signed : x->note_n != 0);
}

static struct val ternary(struct gen *g, struct ast *x)
{
	struct val r = fn_reg(g->f);
	int l_no = fn_label(g->f), l_end = fn_label(g->f);
	const bool no_value = x->type->kind == TYPE_NONE;

	gen_branch(g, x->u.cond.cond, l_no);
	struct flipped *before = g->flipped;
	if (no_value)
		gen_call_stmt(g, x->u.cond.yes);
	else
		fn_mov(g->f, r, gen_scalar(g, x->u.cond.yes));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_no);
	g->flipped = before;
	if (no_value)
		gen_call_stmt(g, x->u.cond.no);
	else
		fn_mov(g->f, r, gen_scalar(g, x->u.cond.no));
	fn_place(g->f, l_end);
	g->flipped = NULL;
	return no_value ? val_imm(0) : r;
}

/* ++ and --; also of variables shared with loops. */
static struct val step(struct gen *g, struct ast *x)
{
	const enum op op = x->u.op.op;
	const bool down = op == OP_PRE_DEC || op == OP_POST_DEC;
	const bool before = op == OP_PRE_INC || op == OP_PRE_DEC;
	struct ast *a = x->u.op.a;
	struct val old = val_imm(0);

	if (a->kind == AST_MAP) {
		gen_map_step(g, x, &old);
		return old;
	}
	const int64_t by = gen_step_of(a->type);
	old = copy(g, gen_scalar(g, a));
	struct var *v = (struct var *)a->note;
	struct val now = fn_op(g->f, down ? FN_SUB : FN_ADD, old, val_imm(by));
	now = gen_narrow(g, v, now);
	gen_home_store(g, gen_home(g, v), now);
	return before ? now : old;
}

/*
 * The verifier lets nobody calculate with pointers that it knows by type and that may be NULL.
 * After this it sees a number, which is read through helpers like any other address.
 */
static struct val plain_number(struct gen *g, struct val v)
{
	return fn_neg(g->f, fn_neg(g->f, v));
}

static struct val unary(struct gen *g, struct ast *x)
{
	switch (x->u.op.op) {
	case OP_NOT: return truth(g, x);
	case OP_NEG: return fn_neg(g->f, gen_scalar(g, x->u.op.a));
	case OP_INV: {
		struct val v = fn_not(g->f, gen_scalar(g, x->u.op.a));
		return x->type->size < 8 ? fn_extend(g->f, v, x->type->size, x->type->is_signed)
					 : v;
	}
	case OP_DEREF: {
		struct place p = gen_place(g, x);
		return gen_load_place(g, &p, x->type);
	}
	case OP_ADDR: {
		struct place p = gen_place(g, x->u.op.a);
		return fn_op(g->f, FN_ADD, plain_number(g, p.base), val_imm(p.off));
	}
	default: return step(g, x);
	}
}

static struct val variable(struct gen *g, struct ast *x)
{
	return gen_home_load(g, gen_home(g, (struct var *)x->note));
}

static struct val member(struct gen *g, struct ast *x)
{
	const struct type *of = x->u.member.x->type;
	struct place p = gen_place(g, x);

	if (ast_is_part(x))
		return p.base;
	if (of->kind == TYPE_PTR && of->is_ctx) {
		const struct probe_field *f = x->note;
		if (x->type->kind == TYPE_PTR &&
		    (g->point->args == ARGS_TYPED || g->point->args == ARGS_ITER))
			return plain_number(g, gen_load_place(g, &p, x->type));
		return f->place != FIELD_FIXED ? p.base : gen_load_place(g, &p, x->type);
	}
	if (of->kind == TYPE_TUPLE)
		return gen_load_place(g, &p, x->type);
	const struct cmember *m = x->note;
	return m->bit_size ? gen_load_bits(g, &p, m, x->type) : gen_load_place(g, &p, x->type);
}

static struct val cast(struct gen *g, struct ast *x)
{
	const struct type *from = x->u.cast.x->type;

	if (type_in_memory(from)) { // bytes of an array as a number
		struct place p = gen_place(g, x->u.cast.x);
		struct type t = *x->type;
		t.size = from->size <= t.size ? from->size : t.size;
		return gen_load_place(g, &p, &t);
	}
	struct val v = gen_scalar(g, x->u.cast.x);
	if (x->type->kind != TYPE_INT || x->type->size == 8 ||
	    (from->kind == TYPE_INT && from->size == x->type->size &&
	     from->is_signed == x->type->is_signed))
		return v;
	return fn_extend(g->f, v, x->type->size, x->type->is_signed);
}

static struct val scalar(struct gen *g, struct ast *x)
{
	struct place p;

	switch (x->kind) {
	case AST_VAR: return variable(g, x);
	case AST_MAP: return gen_map_read(g, x);
	case AST_NAME: return gen_builtin(g, x);
	case AST_CALL: return gen_call_scalar(g, x);
	case AST_UNARY: return unary(g, x);
	case AST_BINARY: return binary(g, x);
	case AST_TERNARY: return ternary(g, x);
	case AST_CAST: return cast(g, x);
	case AST_MEMBER: return member(g, x);
	case AST_INDEX:
		p = gen_place(g, x);
		return ast_is_part(x) ? p.base : gen_load_place(g, &p, x->type);
	default: return val_imm(0);
	}
}

struct val gen_scalar(struct gen *g, struct ast *x)
{
	int64_t n;

	if (check_const(g->check, x, &n))
		return val_imm(n);
	const bool was = g->may_fault;
	g->may_fault = x->may_fault;
	struct val v = scalar(g, x);
	g->may_fault = was;
	return v;
}
