/* SPDX-License-Identifier: MIT */
/** Precedence climbing over tokens that computes as it goes. */
#include "lang/syntax/const_expr.h"

#include <errno.h>

#include "lang/syntax/lex.h"

enum { DEPTH_MOST = 64 };

struct reader {
	const struct const_env *env;
	const struct token *at, *end;
	struct pos last;
	unsigned depth;
	bool is_idle; /* a branch that is not taken: no division by 0 there */
};

unsigned const_precedence(uint32_t punct)
{
	switch (punct) {
	case '*':
	case '/':
	case '%': return 10;
	case '+':
	case '-': return 9;
	case P_SHL:
	case P_SHR: return 8;
	case '<':
	case '>':
	case P_LE:
	case P_GE: return 7;
	case P_EQ:
	case P_NE: return 6;
	case '&': return 5;
	case '^': return 4;
	case '|': return 3;
	case P_LAND: return 2;
	case P_LOR: return 1;
	default: return 0;
	}
}

static int ternary(struct reader *r, int64_t *ret);

static int fail(struct reader *r, const char *words)
{
	return diag_error(r->env->d, r->at < r->end ? r->at->pos : r->last, "bad-constant", "%s",
			  words);
}

static bool accept(struct reader *r, uint32_t punct)
{
	if (r->at == r->end || r->at->kind != TOK_PUNCT || r->at->punct != punct)
		return false;
	r->last = r->at++->pos;
	return true;
}

static int primary(struct reader *r, int64_t *ret)
{
	if (accept(r, '(')) {
		int res = ternary(r, ret);

		if (res == 0 && !accept(r, ')'))
			return fail(r, "')' is missing");
		return res;
	}
	if (r->at < r->end && r->at->kind == TOK_INT) {
		*ret = (int64_t)r->at->num;
		r->last = r->at++->pos;
		return 0;
	}
	if (r->at < r->end && r->at->kind == TOK_WORD) {
		if (!r->env->lookup(r->env->ctx, r->at->text, ret))
			return diag_error(r->env->d, r->at->pos, "bad-constant",
					  "'%s' is no constant", r->at->text);
		r->last = r->at++->pos;
		return 0;
	}
	return fail(r, "a number is missing");
}

static int unary(struct reader *r, int64_t *ret)
{
	const uint32_t ops[] = { '-', '+', '!', '~' };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!accept(r, ops[i]))
			continue;
		if (++r->depth > DEPTH_MOST)
			return fail(r, "nested too deeply");
		int res = unary(r, ret);
		r->depth--;
		if (ops[i] == '-')
			*ret = (int64_t)(0 - (uint64_t)*ret);
		else if (ops[i] == '!')
			*ret = !*ret;
		else if (ops[i] == '~')
			*ret = ~*ret;
		return res;
	}
	return primary(r, ret);
}

static int divide(struct reader *r, bool is_mod, int64_t a, int64_t b, int64_t *ret)
{
	if (b == 0 && !r->is_idle)
		return fail(r, "division by 0");
	if (b == 0 || b == -1) // the smallest number by -1 does not fit
		*ret = is_mod ? 0 : (int64_t)(0 - (uint64_t)a);
	else
		*ret = is_mod ? a % b : a / b;
	return 0;
}

static int compute(struct reader *r, uint32_t op, int64_t a, int64_t b, int64_t *ret)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;

	switch (op) {
	case '*': *ret = (int64_t)(x * y); break;
	case '/': return divide(r, false, a, b, ret);
	case '%': return divide(r, true, a, b, ret);
	case '+': *ret = (int64_t)(x + y); break;
	case '-': *ret = (int64_t)(x - y); break;
	case P_SHL: *ret = (int64_t)(x << (y & 63)); break;
	case P_SHR: *ret = a >> (y & 63); break;
	case '<': *ret = a < b; break;
	case '>': *ret = a > b; break;
	case P_LE: *ret = a <= b; break;
	case P_GE: *ret = a >= b; break;
	case P_EQ: *ret = a == b; break;
	case P_NE: *ret = a != b; break;
	case '&': *ret = a & b; break;
	case '^': *ret = a ^ b; break;
	case '|': *ret = a | b; break;
	case P_LAND: *ret = a && b; break;
	default: *ret = a || b; break;
	}
	return 0;
}

static int binary(struct reader *r, unsigned least, int64_t *ret)
{
	int res = unary(r, ret);

	while (res == 0 && r->at < r->end && r->at->kind == TOK_PUNCT) {
		uint32_t op = r->at->punct;
		unsigned prec = const_precedence(op);
		int64_t b = 0;

		if (prec == 0 || prec < least)
			break;
		r->last = r->at++->pos;
		bool was_idle = r->is_idle;
		r->is_idle = was_idle || (op == P_LAND && !*ret) || (op == P_LOR && *ret);
		res = binary(r, prec + 1, &b);
		r->is_idle = was_idle;
		if (res == 0)
			res = compute(r, op, *ret, b, ret);
	}
	return res;
}

static int ternary(struct reader *r, int64_t *ret)
{
	int64_t yes = 0, no = 0;

	if (++r->depth > DEPTH_MOST)
		return fail(r, "nested too deeply");
	int res = binary(r, 1, ret);
	if (res == 0 && accept(r, '?')) {
		bool was_idle = r->is_idle, is_true = *ret;

		r->is_idle = was_idle || !is_true;
		res = ternary(r, &yes);
		if (res == 0 && !accept(r, ':'))
			res = fail(r, "':' is missing");
		r->is_idle = was_idle || is_true;
		if (res == 0)
			res = ternary(r, &no);
		r->is_idle = was_idle;
		*ret = is_true ? yes : no;
	}
	r->depth--;
	return res;
}

int const_eval(const struct const_env *env, const struct token *tokens, size_t n, int64_t *ret)
{
	struct reader r = { .env = env, .at = tokens, .end = n ? tokens + n : tokens };
	int64_t value = 0;

	if (n)
		r.last = tokens[0].pos;
	int res = ternary(&r, &value);
	if (res == 0 && r.at < r.end)
		res = fail(&r, "this is no part of a constant");
	if (res == 0)
		*ret = value;
	return res;
}
