/* SPDX-License-Identifier: MIT */
/** The values of expressions, reckoned from the tree: as C does, but in 64 bits. */
#include "reference_expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { STR_MOST = 64 }; /* max_strlen */

/* --- types of numbers --- */

static const struct ref_type s64 = { 8, true }, u64 = { 8, false };

static struct ref_type type_named(const char *name)
{
	const bool is_signed = name[0] == 'i';
	const char *bits = name + (is_signed ? 3 : 4);

	return (struct ref_type){ (unsigned)strtoul(bits, NULL, 10) / 8, is_signed };
}

static struct ref_type type_of_name(const char *name)
{
	return name[0] == 'u' ? u64 : s64;
}

/* A part of $t..; the generator casts the parts of what a map gives to a loop. */
static struct ref_type type_of_part(const struct ast *x)
{
	return x->u.member.name[0] == '2' ? u64 : s64;
}

/* A value that is known before the script runs. */
static bool constant(const struct ast *x, int64_t *ret);

static bool constant_binary(const struct ast *x, int64_t *ret)
{
	int64_t a, b;

	if (x->u.op.op > OP_SHR || !constant(x->u.op.a, &a) || !constant(x->u.op.b, &b))
		return false;
	const bool is_signed = ref_both_signed(x->u.op.a, x->u.op.b);
	if ((x->u.op.op == OP_DIV || x->u.op.op == OP_MOD) &&
	    (!b || (is_signed && b == -1 && a == INT64_MIN)))
		return false;
	*ret = (int64_t)ref_arith(x->u.op.op, (uint64_t)a, (uint64_t)b, ref_type_of(x->u.op.a),
				  is_signed);
	return true;
}

static bool constant(const struct ast *x, int64_t *ret)
{
	switch (x->kind) {
	case AST_INT: *ret = (int64_t)x->u.num; return true;
	case AST_SIZEOF: *ret = type_named(x->u.cast.type->name).size; return true;
	case AST_UNARY:
		if (x->u.op.op != OP_NEG || !constant(x->u.op.a, ret))
			return false;
		*ret = (int64_t)(0 - (uint64_t)*ret);
		return true;
	case AST_BINARY: return constant_binary(x, ret);
	default: return false;
	}
}

/* A constant that is not negative takes the sign of what it meets. */
static bool is_free(const struct ast *x)
{
	int64_t n;

	return constant(x, &n) && n >= 0;
}

bool ref_both_signed(const struct ast *a, const struct ast *b)
{
	if (is_free(a) != is_free(b))
		return ref_type_of(is_free(a) ? b : a).is_signed;
	return ref_type_of(a).is_signed && ref_type_of(b).is_signed;
}

static struct ref_type type_of_ternary(const struct ast *x)
{
	const struct ref_type a = ref_type_of(x->u.cond.yes), b = ref_type_of(x->u.cond.no);

	if (a.is_signed == b.is_signed)
		return a.size >= b.size ? a : b;
	return (struct ref_type){ 8, is_free(x->u.cond.yes) ? b.is_signed : a.is_signed };
}

static struct ref_type type_of_binary(const struct ast *x)
{
	if (x->u.op.op >= OP_LAND)
		return s64;
	if (x->u.op.op == OP_SHL || x->u.op.op == OP_SHR)
		return (struct ref_type){ 8, ref_type_of(x->u.op.a).is_signed };
	return ref_both_signed(x->u.op.a, x->u.op.b) ? s64 : u64;
}

static struct ref_type type_of_unary(const struct ast *x)
{
	switch (x->u.op.op) {
	case OP_NOT:
	case OP_NEG: return s64;
	default: return ref_type_of(x->u.op.a);
	}
}

struct ref_type ref_type_of(const struct ast *x)
{
	switch (x->kind) {
	case AST_INT: return x->u.num > INT64_MAX ? u64 : s64;
	case AST_VAR: return type_of_name(x->u.name);
	case AST_MAP: return type_of_name(x->u.map.name);
	case AST_SIZEOF: return u64;
	case AST_CAST: return type_named(x->u.cast.type->name);
	case AST_UNARY: return type_of_unary(x);
	case AST_BINARY: return type_of_binary(x);
	case AST_TERNARY: return type_of_ternary(x);
	case AST_MEMBER: return type_of_part(x);
	case AST_CALL:
		if (!strcmp(x->u.call.name, "bswap"))
			return (struct ref_type){ ref_type_of(x->u.call.args).size, false };
		return strcmp(x->u.call.name, "strncmp") ? s64 : u64;
	default: return s64;
	}
}

/* --- numbers --- */

static uint64_t cut(uint64_t n, struct ref_type t)
{
	const unsigned shift = 64 - 8 * t.size;

	if (!shift)
		return n;
	n <<= shift;
	return t.is_signed ? (uint64_t)((int64_t)n >> shift) : n >> shift;
}

static uint64_t divide(enum op op, uint64_t a, uint64_t b, bool is_signed)
{
	if (!b)
		return op == OP_DIV ? 0 : a;
	if (!is_signed)
		return op == OP_DIV ? a / b : a % b;
	if ((int64_t)b == -1) // the one quotient that does not fit is itself
		return op == OP_DIV ? 0 - a : 0;
	return (uint64_t)(op == OP_DIV ? (int64_t)a / (int64_t)b : (int64_t)a % (int64_t)b);
}

uint64_t ref_arith(enum op op, uint64_t a, uint64_t b, struct ref_type left, bool is_signed)
{
	switch (op) {
	case OP_ADD: return a + b;
	case OP_SUB: return a - b;
	case OP_MUL: return a * b;
	case OP_DIV:
	case OP_MOD: return divide(op, a, b, is_signed);
	case OP_AND: return a & b;
	case OP_OR: return a | b;
	case OP_XOR: return a ^ b;
	case OP_SHL: return a << (b & 63);
	default: return left.is_signed ? (uint64_t)((int64_t)a >> (b & 63)) : a >> (b & 63);
	}
}

static bool compare(enum op op, uint64_t a, uint64_t b, bool is_signed)
{
	const bool less = is_signed ? (int64_t)a < (int64_t)b : a < b;

	switch (op) {
	case OP_EQ: return a == b;
	case OP_NE: return a != b;
	case OP_LT: return less;
	case OP_LE: return less || a == b;
	case OP_GT: return !less && a != b;
	default: return !less;
	}
}

/* --- expressions --- */

bool ref_truth(struct reference *r, const struct ast *x)
{
	const struct ref_value v = ref_eval(r, x);

	return v.kind == REF_STR ? v.text[0] != '\0' : v.num != 0;
}

struct ref_value ref_tuple(struct reference *r, const struct ast *list)
{
	struct ref_value *parts = ref_alloc(r, REF_PARTS_MOST * sizeof(*parts));
	unsigned n = 0;

	for (const struct ast *x = list; x && n < REF_PARTS_MOST; x = x->next)
		parts[n++] = ref_eval(r, x);
	return (struct ref_value){ .kind = REF_TUPLE, .parts = parts, .n_parts = n };
}

static struct ref_value binary(struct reference *r, const struct ast *x)
{
	const enum op op = x->u.op.op;

	if (op == OP_LAND)
		return ref_num(ref_truth(r, x->u.op.a) && ref_truth(r, x->u.op.b));
	if (op == OP_LOR)
		return ref_num(ref_truth(r, x->u.op.a) || ref_truth(r, x->u.op.b));
	const struct ref_value a = ref_eval(r, x->u.op.a), b = ref_eval(r, x->u.op.b);
	if (a.kind != REF_NUM)
		return ref_num(ref_same(&a, &b) == (op == OP_EQ));
	const bool is_signed = ref_both_signed(x->u.op.a, x->u.op.b);
	if (op >= OP_EQ)
		return ref_num(compare(op, a.num, b.num, is_signed));
	return ref_num(ref_arith(op, a.num, b.num, ref_type_of(x->u.op.a), is_signed));
}

static struct ref_value step(struct reference *r, const struct ast *x)
{
	const enum op op = x->u.op.op;
	const struct ast *a = x->u.op.a;
	const bool is_map = a->kind == AST_MAP;
	const struct ref_value key = is_map ? ref_key(r, a->u.map.keys) : (struct ref_value){ 0 };
	const uint64_t old =
		is_map ? ref_map_read(r, a->u.map.name, &key).num : ref_var_read(r, a->u.name).num;
	const uint64_t now = op == OP_PRE_INC || op == OP_POST_INC ? old + 1 : old - 1;

	if (is_map)
		reference_set(r, a->u.map.name, key, ref_num(now));
	else
		ref_var_write(r, a->u.name, ref_num(now));
	return ref_num(op == OP_PRE_INC || op == OP_PRE_DEC ? now : old);
}

static struct ref_value unary(struct reference *r, const struct ast *x)
{
	if (x->u.op.op >= OP_PRE_INC)
		return step(r, x);
	if (x->u.op.op == OP_NOT)
		return ref_num(!ref_truth(r, x->u.op.a));
	const uint64_t n = ref_eval(r, x->u.op.a).num;
	if (x->u.op.op == OP_NEG)
		return ref_num(0 - n);
	return ref_num(cut(~n, ref_type_of(x->u.op.a)));
}

/* --- functions --- */

static const struct ast *arg(const struct ast *x, unsigned i)
{
	const struct ast *a = x->u.call.args;

	while (i-- > 0)
		a = a->next;
	return a;
}

/* str(text, n): at most n bytes; what is more than can be is all. */
static struct ref_value cut_text(struct reference *r, const struct ast *x)
{
	const struct ref_value text = ref_eval(r, arg(x, 0));
	const size_t len = strlen(text.text);
	const uint64_t n = arg(x, 0)->next ? ref_eval(r, arg(x, 1)).num : len;
	char *copy = ref_alloc(r, len + 1);

	// -1 and one for the 0 byte is no room at all; so is a constant below 0.
	int64_t known;
	size_t keep = n < len ? (size_t)n : len;
	if (n == UINT64_MAX || (arg(x, 0)->next && constant(arg(x, 1), &known) && known < 0))
		keep = 0;
	if (keep > STR_MOST - 1)
		keep = STR_MOST - 1;
	memcpy(copy, text.text, keep);
	return ref_str(copy);
}

static uint64_t swapped(uint64_t n, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | ((n >> (8 * i)) & 0xff);
	return v;
}

static uint64_t count_keys(struct reference *r, const char *name)
{
	uint64_t n = 0;

	for (const struct ref_entry *e = reference_map(r, name)->entries; e; e = e->next)
		n += !e->deleted;
	return n;
}

static struct ref_value text_call(struct reference *r, const struct ast *x)
{
	const char *name = x->u.call.name;
	const struct ref_value a = ref_eval(r, arg(x, 0)), b = ref_eval(r, arg(x, 1));

	if (!strcmp(name, "strcontains"))
		return ref_num(strstr(a.text, b.text) != NULL);
	return ref_num(strncmp(a.text, b.text, ref_eval(r, arg(x, 2)).num) != 0);
}

static struct ref_value call(struct reference *r, const struct ast *x)
{
	const char *name = x->u.call.name;
	const struct ast *a = arg(x, 0);

	if (!strcmp(name, "bswap"))
		return ref_num(swapped(ref_eval(r, a).num, ref_type_of(a).size));
	if (!strcmp(name, "str"))
		return cut_text(r, x);
	if (!strcmp(name, "strncmp") || !strcmp(name, "strcontains"))
		return text_call(r, x);
	if (!strcmp(name, "len") && a->kind == AST_MAP && !a->u.map.keys && a->u.map.name[0] != 'x')
		return ref_num(count_keys(r, a->u.map.name));
	if (!strcmp(name, "len") || !strcmp(name, "strlen"))
		return ref_num(strlen(ref_eval(r, a).text));
	if (a->kind != AST_MAP) {
		r->broken = true;
		return ref_num(0);
	}
	const struct ref_value key = ref_key(r, a->u.map.keys);
	if (!strcmp(name, "has_key"))
		return ref_num(reference_find(reference_map(r, a->u.map.name), &key) != NULL);
	(void)ref_map_delete(r, a->u.map.name, &key); // it gives 1, whether or not
	return ref_num(1);
}

static struct ref_value member(struct reference *r, const struct ast *x)
{
	const struct ref_value t = ref_eval(r, x->u.member.x);
	const unsigned i = (unsigned)strtoul(x->u.member.name, NULL, 10);

	if (t.kind == REF_TUPLE && i < t.n_parts)
		return t.parts[i];
	r->broken = true;
	return ref_num(0);
}

struct ref_value ref_eval(struct reference *r, const struct ast *x)
{
	struct ref_value key;

	switch (x->kind) {
	case AST_INT: return ref_num(x->u.num);
	case AST_STR: return ref_str(x->u.str.data);
	case AST_VAR: return ref_var_read(r, x->u.name);
	case AST_MAP: key = ref_key(r, x->u.map.keys); return ref_map_read(r, x->u.map.name, &key);
	case AST_SIZEOF: return ref_num(type_named(x->u.cast.type->name).size);
	case AST_UNARY: return unary(r, x);
	case AST_BINARY: return binary(r, x);
	case AST_TERNARY:
		return ref_eval(r, ref_truth(r, x->u.cond.cond) ? x->u.cond.yes : x->u.cond.no);
	case AST_CAST:
		return ref_num(cut(ref_eval(r, x->u.cast.x).num, type_named(x->u.cast.type->name)));
	case AST_TUPLE: return ref_tuple(r, x->u.list.first);
	case AST_MEMBER: return member(r, x);
	case AST_CALL: return call(r, x);
	default: r->broken = true; return ref_num(0);
	}
}
