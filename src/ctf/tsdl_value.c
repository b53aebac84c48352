/* SPDX-License-Identifier: MIT */
/** Values of settings, each kind with its own words of refusal. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "ctf/tsdl_type.h"

int value_u64(struct build *b, const struct ast_item *it, uint64_t *ret)
{
	const struct ast_expr *e = &it->value;

	if (it->kind != AST_VALUE || e->kind != AST_INT_VALUE)
		return tsdl_error(&b->x->text, it->value.pos ? it->value.pos : it->pos,
				  "'%s' wants an integer", it->path);
	if (e->negative && e->num)
		return tsdl_error(&b->x->text, e->pos, "'%s' must not be negative", it->path);
	*ret = e->num;
	return 0;
}

int value_i64(struct build *b, const struct ast_item *it, int64_t *ret)
{
	const struct ast_expr *e = &it->value;

	if (it->kind == AST_VALUE && e->kind == AST_INT_VALUE && e->negative) {
		*ret = (int64_t)(0 - e->num);
		return 0;
	}
	uint64_t v = 0;
	int r = value_u64(b, it, &v);
	if (r < 0)
		return r;
	if (v > INT64_MAX)
		return tsdl_error(&b->x->text, e->pos, "'%s' does not fit in 63 bits and a sign",
				  it->path);
	*ret = (int64_t)v;
	return 0;
}

int value_str(struct build *b, const struct ast_item *it, const char **ret)
{
	const struct ast_expr *e = &it->value;

	// A character literal is an integer with text.
	if (it->kind != AST_VALUE || !e->str)
		return tsdl_error(&b->x->text, it->value.pos ? it->value.pos : it->pos,
				  "'%s' wants a string", it->path);
	*ret = e->str;
	return 0;
}

int value_bool(struct build *b, const struct ast_item *it, bool *ret)
{
	const struct ast_expr *e = &it->value;

	if (it->kind == AST_VALUE && e->kind == AST_INT_VALUE) {
		*ret = e->num != 0;
		return 0;
	}
	if (it->kind == AST_VALUE && e->kind != AST_INT_VALUE) {
		*ret = !strcasecmp(e->str, "true");
		if (*ret || !strcasecmp(e->str, "false"))
			return 0;
	}
	return tsdl_error(&b->x->text, it->value.pos ? it->value.pos : it->pos,
			  "'%s' wants true or false", it->path);
}

int value_byte_order(struct build *b, const struct ast_item *it, bool *ret_big)
{
	const char *s = NULL;
	int r = value_str(b, it, &s);
	if (r < 0)
		return r;
	if (!strcmp(s, "be") || !strcmp(s, "network"))
		*ret_big = true;
	else if (!strcmp(s, "le"))
		*ret_big = false;
	else if (!strcmp(s, "native"))
		*ret_big = b->trace->big_endian;
	else
		return tsdl_error(&b->x->text, it->value.pos,
				  "byte order '%s', wanted le, be, network or native", s);
	return 0;
}
