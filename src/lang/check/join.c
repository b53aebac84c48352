/* SPDX-License-Identifier: MIT */
/** join() over events of a trace: the texts of an array are fields of their own, argv_0, argv_1 ...
 */
#include <stdio.h>
#include <string.h>

#include "lang/check/check.h"

static struct ast *node(struct check *c, enum ast_kind kind, struct pos pos)
{
	struct ast *x = arena_new(c->arena, struct ast);

	if (!x) {
		c->no_memory = true;
		return NULL;
	}
	x->kind = kind;
	x->pos = pos;
	x->height = 2;
	return x;
}

/* args.NAME */
static struct ast *field(struct check *c, const char *name, struct pos pos)
{
	struct ast *args = node(c, AST_NAME, pos), *x = node(c, AST_MEMBER, pos);

	if (!args || !x)
		return NULL;
	args->u.name = "args";
	x->u.member.x = args;
	x->u.member.name = name;
	return x;
}

static bool has_field(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (!strcmp(p->fields[i].name, name))
			return true;
	return false;
}

/* The list of the fields that @array's texts are; NULL: there are none, or no memory. */
static struct ast *parts_of(struct check *c, const char *array, struct pos pos)
{
	struct ast *first = NULL, **end = &first;
	char name[128];

	for (unsigned i = 0; i < JOIN_MOST; i++) {
		const int len = snprintf(name, sizeof(name), "%s_%u", array, i);
		if (len < 0 || (size_t)len >= sizeof(name) || !has_field(c->point, name))
			break;
		const char *copy = arena_strndup(c->arena, name, (size_t)len);
		*end = copy ? field(c, copy, pos) : NULL;
		if (!*end) {
			c->no_memory = true;
			return NULL;
		}
		end = &(*end)->next;
	}
	return first;
}

void check_join_parts(struct check *c, struct ast *x)
{
	struct ast *array = x->u.call.args;
	const uint32_t most = c->max_strlen;

	x->type = &type_none;
	if (array->kind == AST_MEMBER && array->u.member.x->kind == AST_NAME &&
	    !strcmp(array->u.member.x->u.name, "args")) {
		struct ast *parts = parts_of(c, array->u.member.name, array->pos);
		if (parts) {
			array->kind = AST_TUPLE;
			array->u.list.first = parts;
		}
	}
	if (array->kind != AST_TUPLE) {
		check_error(c, array->pos, "not-here",
			    "join() cannot read here: a trace has the address, not what was there");
		return;
	}
	c->max_strlen = STR_LEN_MOST; // as join() itself has it
	for (struct ast *a = array->u.list.first; a; a = a->next)
		(void)check_expr(c, a); // told there
	c->max_strlen = most;
	array->type = &type_none;
}
