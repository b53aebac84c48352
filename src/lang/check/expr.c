/* SPDX-License-Identifier: MIT */
/** Expressions: the type of each, and the values that are known before the script runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/check/check.h"

bool check_in_user(const struct check *c)
{
	switch (c->point->attach.kind) {
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE: return true;
	default: return false;
	}
}

/* A positional parameter's text; NULL: it was not given. */
static const char *param(const struct check *c, uint64_t n)
{
	return n >= 1 && n <= c->opt->n_params ? c->opt->params[n - 1] : NULL;
}

static bool param_number(const struct check *c, const struct ast *x, int64_t *ret)
{
	const char *text = x->u.num ? param(c, x->u.num) : NULL;
	char *end;

	if (!x->u.num)
		*ret = (int64_t)c->opt->n_params;
	if (!text) {
		if (x->u.num)
			*ret = 0;
		return true;
	}
	errno = 0;
	const long long v =
		*text == '-' ? strtoll(text, &end, 0) : (long long)strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return false;
	*ret = v;
	return true;
}

const char *check_text(const struct check *c, const struct ast *x, size_t *ret_len)
{
	const struct func *f = x->kind == AST_CALL ? x->note : NULL;

	// str($1) is $1.
	if (f && f->id == F_STR && x->u.call.args->kind == AST_POSITIONAL && !x->u.call.args->next)
		x = x->u.call.args;
	if (x->kind == AST_STR) {
		*ret_len = x->u.str.len;
		return x->u.str.data;
	}
	if (x->kind == AST_POSITIONAL && x->u.num) {
		const char *text = param(c, x->u.num);

		*ret_len = text ? strlen(text) : 0;
		return text ? text : "";
	}
	return NULL;
}

static bool const_division(enum op op, int64_t a, int64_t b, bool is_signed, int64_t *ret)
{
	const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;

	if (!b || (is_signed && b == -1 && a == INT64_MIN))
		return false;
	if (op == OP_DIV)
		*ret = is_signed ? a / b : (int64_t)(ua / ub);
	else
		*ret = is_signed ? a % b : (int64_t)(ua % ub);
	return true;
}

/* In D a number is shown as wide as C would calculate it. */
static const struct type *wider_shown(const struct type *a, const struct type *b)
{
	const unsigned x = a->shown ? a->shown : a->size, y = b->shown ? b->shown : b->size;

	return type_shown(x > 4 || y > 4 ? 8 : 4, a->is_signed);
}

/* @x's operands are checked, so that their signs are known. */
static bool const_binary(const struct ast *x, int64_t a, int64_t b, int64_t *ret)
{
	const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
	const struct type *left = x->u.op.a->type;

	switch (x->u.op.op) {
	case OP_ADD: *ret = (int64_t)(ua + ub); return true;
	case OP_SUB: *ret = (int64_t)(ua - ub); return true;
	case OP_MUL: *ret = (int64_t)(ua * ub); return true;
	case OP_DIV:
	case OP_MOD: return const_division(x->u.op.op, a, b, x->note_n != 0, ret);
	case OP_AND: *ret = a & b; return true;
	case OP_OR: *ret = a | b; return true;
	case OP_XOR: *ret = a ^ b; return true;
	case OP_SHL: *ret = (int64_t)(ua << (ub & 63)); return true;
	case OP_SHR:
		*ret = left && left->is_signed ? a >> (ub & 63) : (int64_t)(ua >> (ub & 63));
		return true;
	default: return false;
	}
}

bool check_const(const struct check *c, const struct ast *x, int64_t *ret)
{
	int64_t a, b;

	switch (x->kind) {
	case AST_INT: *ret = (int64_t)x->u.num; return true;
	case AST_POSITIONAL: return param_number(c, x, ret);
	case AST_NAME:
		if (x->note || !x->type)
			return false;
		*ret = x->note_n;
		return true;
	case AST_SIZEOF:
	case AST_OFFSETOF: *ret = x->note_n; return x->type != NULL;
	case AST_UNARY:
		if (x->u.op.op != OP_NEG || !check_const(c, x->u.op.a, &a))
			return false;
		*ret = (int64_t)(0 - (uint64_t)a);
		return true;
	case AST_BINARY:
		return check_const(c, x->u.op.a, &a) && check_const(c, x->u.op.b, &b) &&
		       const_binary(x, a, b, ret);
	default: return false;
	}
}

static void check_positional(struct check *c, struct ast *x)
{
	int64_t n;
	size_t len = 0;

	x->note_n = 0;
	if (param_number(c, x, &n)) {
		x->type = &type_i64;
		return;
	}
	(void)check_text(c, x, &len); // it is a text then
	x->type = check_made(c, type_str(c->arena, (uint32_t)(len + 1)));
}

static void check_var(struct check *c, struct ast *x)
{
	struct var *v = check_var_find(c, x->u.name);

	if (!v && c->ast->d)
		v = check_var_elsewhere(c, x->u.name, x->pos);
	if (!v) {
		check_error(c, x->pos, "undefined-variable", "'$%s' is used before it is set",
			    x->u.name);
		x->type = NULL;
		return;
	}
	v->set_first = v->set_first && v->type;
	x->note = v;
	x->type = v->type;
	if (!v->type && !c->diag->n_errors)
		check_error(c, x->pos, "unknown-type", "nothing tells of which type '$%s' is",
			    x->u.name);
}

static void check_map_value(struct check *c, struct ast *x)
{
	struct map_info *m = check_map_keys(c, x);

	if (!m)
		return;
	m->read = true;
	check_map_known(c, m, x->pos);
	x->type = m->val;
	if (m->val && type_is_agg(m->val) && m->val->kind > TYPE_MAX && m->val->kind != TYPE_AVG) {
		check_error(c, x->pos, "bad-operand", "the aggregation '@%s' is no number",
			    m->name);
		x->type = NULL;
	} else if (m->val && type_is_agg(m->val)) {
		x->type = m->val->kind == TYPE_COUNT ? &type_u64 : type_int(8, m->val->is_signed);
	}
}

static bool is_compare(enum op op)
{
	return op >= OP_EQ && op <= OP_GE;
}

static void check_str_compare(struct check *c, struct ast *x, const struct type *a,
			      const struct type *b)
{
	const bool has_order = c->ast->d && a->kind == TYPE_STR && b->kind == TYPE_STR;

	if (x->u.op.op != OP_EQ && x->u.op.op != OP_NE && !has_order)
		check_error(c, x->pos, "bad-operand", "strings can only be compared by == and !=");
	else if (a->kind != b->kind)
		check_error(c, x->pos, "type-mismatch", "a string is compared with something else");
	x->type = &type_i64;
}

bool check_both_signed(const struct check *c, const struct ast *x, const struct type *a,
		       const struct type *b)
{
	int64_t n;
	// A literal >= 0 is of either kind.
	const bool free_a = check_const(c, x->u.op.a, &n) && n >= 0;
	const bool free_b = check_const(c, x->u.op.b, &n) && n >= 0;

	if (free_a && !free_b)
		return b->is_signed;
	if (free_b && !free_a)
		return a->is_signed;
	return a->is_signed && b->is_signed;
}

static void check_numbers(struct check *c, struct ast *x, const struct type *a,
			  const struct type *b)
{
	const enum op op = x->u.op.op;
	const bool is_signed = check_both_signed(c, x, a, b);
	int64_t n;

	x->note_n = is_signed;
	if (is_compare(op) || op == OP_LAND || op == OP_LOR) {
		x->type = c->ast->d ? type_shown(4, true) : &type_i64;
		return;
	}
	if ((op == OP_DIV || op == OP_MOD) && check_const(c, x->u.op.b, &n) && n == 0)
		check_error(c, x->u.op.b->pos, "division-by-zero", "division by 0");
	if (op == OP_ADD && a->kind == TYPE_PTR && b->kind == TYPE_INT)
		x->type = a;
	else if (op == OP_ADD && b->kind == TYPE_PTR && a->kind == TYPE_INT)
		x->type = b;
	else if (op == OP_SUB && a->kind == TYPE_PTR && b->kind == TYPE_INT)
		x->type = a;
	else if (op == OP_SHL || op == OP_SHR)
		x->type = type_int(8, a->is_signed);
	else
		x->type = type_int(8, is_signed);
	if (c->ast->d && x->type->kind == TYPE_INT) {
		const bool sign = x->type->is_signed;
		const struct type *wide = op == OP_SHL || op == OP_SHR ? a : wider_shown(a, b);
		x->type = type_shown(wide->shown > 4 || (!wide->shown && wide->size > 4) ? 8 : 4,
				     sign);
	}
}

/* A string that is, or is not, NULL: whether it is empty. */
static bool compare_null(struct check *c, struct ast *x, struct ast *text, const struct ast *null)
{
	int64_t n;

	if (!check_const(c, null, &n) || n || text->type->kind != TYPE_STR)
		return false;
	struct ast *inner = text;
	if (x->u.op.op == OP_NE) {
		inner = arena_new(c->arena, struct ast);
		if (!inner) {
			c->no_memory = true;
			return false;
		}
		*inner = (struct ast){ .kind = AST_UNARY, .pos = x->pos, .type = &type_i64 };
		inner->u.op.op = OP_NOT;
		inner->u.op.a = text;
	}
	text->next = NULL;
	x->kind = AST_UNARY;
	x->u.op.op = OP_NOT;
	x->u.op.a = inner;
	x->u.op.b = NULL;
	x->type = &type_i64;
	return true;
}

/* What D compares besides: the names of a probe with texts, strings with NULL. */
static bool check_d_compare(struct check *c, struct ast *x, const struct type *a,
			    const struct type *b)
{
	size_t len;

	if (x->u.op.op != OP_EQ && x->u.op.op != OP_NE)
		return false;
	if ((a->kind == TYPE_PROBE && check_text(c, x->u.op.b, &len)) ||
	    (b->kind == TYPE_PROBE && check_text(c, x->u.op.a, &len))) {
		x->type = type_shown(4, true);
		return true;
	}
	return compare_null(c, x, x->u.op.a, x->u.op.b) || compare_null(c, x, x->u.op.b, x->u.op.a);
}

/* Of an operation with a number whose type nothing tells: as the other one is. */
static const struct type *guess_number(const struct type *other)
{
	return other && other->kind == TYPE_INT ? type_int(8, other->is_signed) : &type_i64;
}

static void check_binary(struct check *c, struct ast *x)
{
	const struct type *a = check_expr(c, x->u.op.a), *b = check_expr(c, x->u.op.b);
	const bool logic = x->u.op.op == OP_LAND || x->u.op.op == OP_LOR;

	x->type = NULL;
	if (!a || !b) {
		// Comparisons are numbers whatever they compare.
		if (is_compare(x->u.op.op) || logic)
			x->type = &type_i64;
		else if (c->guesses)
			x->type = guess_number(a ? a : b);
		return;
	}
	if (c->ast->d && !logic && check_d_compare(c, x, a, b))
		return;
	if ((a->kind == TYPE_STR || b->kind == TYPE_STR) && !logic) {
		check_str_compare(c, x, a, b);
		return;
	}
	if ((x->u.op.op == OP_EQ || x->u.op.op == OP_NE) && a->size > 8 && type_same(a, b)) {
		x->type = &type_i64; // tuples, addresses: all of their bytes
		return;
	}
	const bool fine_a = logic ? type_has_truth(a) : type_is_scalar(a);
	const bool fine_b = logic ? type_has_truth(b) : type_is_scalar(b);
	if (!fine_a || !fine_b) {
		struct strbuf words = { 0 };
		type_print(fine_a ? b : a, &words);
		check_error(c, (fine_a ? x->u.op.b : x->u.op.a)->pos, "bad-operand",
			    "%s cannot be calculated with", strbuf_text(&words));
		strbuf_fini(&words);
		return;
	}
	check_numbers(c, x, a, b);
}

/* ++ and -- on a variable or map. */
static void check_step(struct check *c, struct ast *x)
{
	struct ast *a = x->u.op.a;

	if (a->kind == AST_MAP) {
		struct map_info *m = check_map_keys(c, a);
		if (!m)
			return;
		m->written = m->stepped = m->read = true;
		if (m->val && !type_is_number(m->val))
			check_error(c, a->pos, "bad-operand", "'@%s' is no number", m->name);
		else if (!m->val)
			check_map_val(c, m, &type_i64, x->pos);
		a->type = m->val;
	} else if (a->kind == AST_VAR) {
		check_var(c, a);
		if (a->type && !type_is_number(a->type))
			check_error(c, a->pos, "bad-operand", "'$%s' is no number", a->u.name);
		else if (a->type && a->type->kind == TYPE_INT && a->note)
			check_var_type(c, (struct var *)(uintptr_t)a->note, a->type,
				       x->pos); // it may outgrow its size
	} else {
		check_error(c, x->pos, "bad-operand", "only variables and maps can be stepped");
	}
	x->type = a->type && type_is_number(a->type) ? a->type : NULL;
}

static void check_deref(struct check *c, struct ast *x, const struct type *t)
{
	(void)check_memory(c, x->pos); // told
	if (t->kind == TYPE_PTR && ctype_elem(t->c)->kind == CT_VOID && t->c->kind == CT_VOID)
		check_error(c, x->pos, "bad-operand", "a pointer to void cannot be followed");
	else if (t->kind == TYPE_PTR)
		x->type = check_of_c(c, t->c, t->is_user);
	else if (t->kind == TYPE_INT)
		x->type = &type_u64;
	else
		check_error(c, x->pos, "bad-operand", "only pointers can be followed");
}

const struct ctype *check_in_memory(const struct ast *x, bool *ret_user)
{
	const struct ast *base = x->kind == AST_MEMBER ? x->u.member.x : x->u.op.a;
	const bool follows = x->kind == AST_UNARY && x->u.op.op == OP_DEREF;
	const struct cmember *m = x->kind == AST_MEMBER ? x->note : NULL;

	if ((x->kind != AST_MEMBER && x->kind != AST_INDEX && !follows) || x->part || !base->type ||
	    base->type->is_ctx)
		return NULL;
	const bool by_pointer = base->type->kind == TYPE_PTR;
	const struct ctype *of = by_pointer ? base->type->c : check_in_memory(base, ret_user);
	if (!of || (x->kind == AST_MEMBER && (!m || m->bit_size)))
		return NULL;
	if (by_pointer)
		*ret_user = base->type->is_user;
	return m ? m->type : by_pointer ? of : ctype_elem(of);
}

/* &p->x, &p[3], &p->array[2]: of what is behind a pointer. */
static void check_address(struct check *c, struct ast *x)
{
	bool is_user = false;
	const struct ctype *of = check_in_memory(x->u.op.a, &is_user);
	const struct ctype *ptr = of ? ctype_ptr(c->arena, of) : NULL;

	if (!of)
		check_error(c, x->pos, "not-supported",
			    "only of what is behind a pointer can the address be taken");
	else if (!ptr)
		c->no_memory = true;
	else
		x->type = check_of_c(c, ptr, is_user);
}

static void check_unary(struct check *c, struct ast *x)
{
	if (x->u.op.op >= OP_PRE_INC) {
		check_step(c, x);
		return;
	}
	const struct type *t = check_expr(c, x->u.op.a);
	x->type = NULL;
	if (x->u.op.op == OP_NOT)
		x->type = &type_i64;
	if (!t)
		return;
	if (x->u.op.op == OP_DEREF) {
		check_deref(c, x, t);
		return;
	}
	if (x->u.op.op == OP_ADDR) {
		check_address(c, x);
		return;
	}
	if (c->ast->d && x->u.op.op == OP_NOT && type_has_truth(t))
		return;
	if (!type_is_number(t)) {
		check_error(c, x->u.op.a->pos, "bad-operand", "this is no number");
		return;
	}
	if (x->u.op.op == OP_NEG)
		x->type = &type_i64;
	else if (x->u.op.op == OP_INV)
		x->type = type_int(t->kind == TYPE_PTR ? 8 : t->size, t->is_signed);
}

static void check_ternary(struct check *c, struct ast *x)
{
	const struct type *cond = check_expr(c, x->u.cond.cond);
	if (cond && !type_has_truth(cond))
		check_error(c, x->u.cond.cond->pos, "bad-condition",
			    "a condition must be a number");
	const struct type *a = check_expr(c, x->u.cond.yes), *b = check_expr(c, x->u.cond.no);

	x->type = a ? a : b;
	if (!a || !b)
		return;
	if (a->kind == TYPE_NONE || b->kind == TYPE_NONE) {
		x->type = &type_none;
		return;
	}
	x->type = check_join(c, a, b);
	if (x->type && x->type->kind == TYPE_PROBE && c->ast->d)
		x->type = check_made(c, type_str(c->arena, PROBE_NAME_SIZE));
	if (x->type && x->type->kind == TYPE_INT && a->is_signed != b->is_signed) {
		int64_t n;
		const bool free_a = check_const(c, x->u.cond.yes, &n) && n >= 0;
		x->type = type_int(8, free_a ? b->is_signed : a->is_signed);
	}
	if (!x->type)
		check_error(c, x->pos, "type-mismatch", "both sides of ':' must be of one type");
}

static void check_cast(struct check *c, struct ast *x)
{
	const struct type *from = check_expr(c, x->u.cast.x);
	const bool user = from && from->kind == TYPE_PTR ? from->is_user : check_in_user(c);
	const struct type *to = check_type_name(c, x->u.cast.type, user);

	x->type = to;
	if (!to || !from)
		return;
	const bool from_number = type_is_scalar(from);
	const bool to_number = type_is_number(to);
	const bool bytes_to_array =
		to->kind == TYPE_ARRAY && ((from_number && to->size && to->size <= 8) ||
					   (from->kind == TYPE_ARRAY && from->size == to->size));
	if (to->kind == TYPE_RECORD && from_number) {
		// The older dialect says (struct x)ptr and means a pointer.
		struct type *p = type_new(c->arena, TYPE_PTR, 8, 8);
		x->type = check_made(c, p);
		if (p) {
			p->c = to->c;
			p->is_user = user;
		}
		return;
	}
	if (from->kind == TYPE_ARRAY && to_number && from->size && from->size <= 8)
		return;
	if (from->kind == TYPE_STR && to->kind == TYPE_STR)
		return;
	if (!(from_number && to_number) && !bytes_to_array && !type_same(from, to)) {
		struct strbuf a = { 0 }, b = { 0 };
		type_print(from, &a);
		type_print(to, &b);
		check_error(c, x->pos, "bad-cast", "%s cannot be made %s", strbuf_text(&a),
			    strbuf_text(&b));
		strbuf_fini(&a);
		strbuf_fini(&b);
		x->type = NULL;
	}
}

static void check_tuple(struct check *c, struct ast *x)
{
	const struct type *elems[64];
	uint32_t n = 0;
	bool known = true;

	for (struct ast *e = x->u.list.first; e; e = e->next) {
		const struct type *t = check_expr(c, e);
		if (n == MEM_LEN(elems)) {
			check_error(c, e->pos, "too-large", "more than 64 parts in a tuple");
			break;
		}
		if (t && !type_is_value(t)) {
			check_error(c, e->pos, "no-value", "this has no value");
			t = NULL;
		}
		elems[n] = t ? check_kept(c, t) : NULL;
		known = known && elems[n++];
	}
	x->type = known ? check_made(c, type_tuple(c->arena, elems, n)) : NULL;
}

static const struct ctype *ctype_of(const struct type *t)
{
	return t->kind == TYPE_RECORD || t->kind == TYPE_ARRAY ? t->c : NULL;
}

static void check_sizeof(struct check *c, struct ast *x)
{
	x->type = &type_u64;
	x->note_n = 0;
	if (x->u.cast.type) {
		const struct ctype *ct = check_ctype_name(c, x->u.cast.type);
		x->note_n = ct ? (int64_t)ct->size : 0;
		return;
	}
	const struct type *t = check_expr(c, x->u.cast.x);
	x->note_n = t ? t->size : 0;
}

static void check_offsetof(struct check *c, struct ast *x)
{
	const struct ctype *ct = NULL;
	char name[256];

	x->type = &type_u64;
	x->note_n = 0;
	if (x->u.cast.type) {
		ct = check_ctype_name(c, x->u.cast.type);
	} else {
		const struct type *t = check_expr(c, x->u.cast.x);
		ct = t ? ctype_of(t) : NULL;
		if (t && !ct)
			check_error(c, x->u.cast.x->pos, "no-struct", "this has no fields");
	}
	uint64_t bits = 0;
	for (const char *at = x->u.cast.field; ct && *at;) {
		const size_t len = strcspn(at, ".");
		struct cmember m;

		if (len >= sizeof(name))
			break;
		memcpy(name, at, len);
		name[len] = '\0';
		if (!ctype_member(ct, name, &m)) {
			check_error(c, x->pos, "unknown-field", "'%s' has no field '%s'", ct->name,
				    name);
			return;
		}
		bits += m.bit_off;
		ct = m.type;
		at += len + (at[len] == '.');
	}
	x->note_n = (int64_t)(bits / 8);
}

static void check_other(struct check *c, struct ast *x)
{
	switch (x->kind) {
	case AST_TERNARY: check_ternary(c, x); break;
	case AST_CAST: check_cast(c, x); break;
	case AST_MEMBER: check_member(c, x); break;
	case AST_INDEX: check_index(c, x); break;
	case AST_TUPLE: check_tuple(c, x); break;
	case AST_SIZEOF: check_sizeof(c, x); break;
	case AST_OFFSETOF: check_offsetof(c, x); break;
	default: check_error(c, x->pos, "bad-expression", "this is no value"); x->type = NULL;
	}
}

static void check_kind(struct check *c, struct ast *x)
{
	switch (x->kind) {
	case AST_INT:
		x->type = x->u.num > INT64_MAX ? &type_u64 : &type_i64;
		if (c->ast->d && x->u.num <= INT32_MAX)
			x->type = type_shown(4, true);
		break;
	case AST_STR:
		if (!x->type)
			x->type = check_made(c, type_str(c->arena, (uint32_t)(x->u.str.len + 1)));
		break;
	case AST_POSITIONAL: check_positional(c, x); break;
	case AST_NAME: check_name(c, x); break;
	case AST_VAR: check_var(c, x); break;
	case AST_MAP: check_map_value(c, x); break;
	case AST_CALL: check_call(c, x, /* to_map= */ false); break;
	case AST_UNARY: check_unary(c, x); break;
	case AST_BINARY: check_binary(c, x); break;
	default: check_other(c, x);
	}
}

static bool has_field(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (!strcmp(p->fields[i].name, name))
			return true;
	return false;
}

/* Makes @x what it is for this place: what the script says, or the event's field that tells it. */
static void choose_context(struct check *c, struct ast *x)
{
	const struct ast_context *k = x->context;
	const struct ast *is = has_field(c->point, k->name) ? k->field : k->own;

	x->kind = is->kind;
	x->u = is->u;
	x->type = NULL;
	x->note = NULL;
	x->note_n = 0;
	x->part = NULL;
}

const struct type *check_expr(struct check *c, struct ast *x)
{
	if (c->nest >= CHECK_DEPTH_MOST) {
		check_error(c, x->pos, "too-deep", "an expression of more than %d terms",
			    CHECK_DEPTH_MOST);
		x->type = NULL;
		return NULL;
	}
	const bool ctx_fine = c->ctx_fine;
	c->nest++;
	c->ctx_fine = false;
	if (x->context)
		choose_context(c, x);
	check_kind(c, x);
	c->nest--;
	if (x->type && x->type->is_ctx && !ctx_fine) {
		check_error(c, x->pos, "no-value", "'%s' is no value; its fields are: %s.NAME",
			    x->u.name, x->u.name);
		x->type = NULL;
	}
	// What is not known when all are is a mistake, and most likely one that was told.
	if (!x->type && !c->diag->n_errors)
		check_error(c, x->pos, "unknown-type", "nothing tells of which type this is");
	return x->type;
}
