/* SPDX-License-Identifier: MIT */
/** Short texts in bt as trees: what names and members of D mean is written so in tables. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/syntax/d/lower.h"
#include "lang/syntax/parse.h"

struct copy {
	struct d_lower *l;
	const struct ast *subject; /* in place of $_; NULL: stays */
	const struct pos *pos;	   /* NULL: as it is */
	unsigned depth;
};

static struct ast *copy(struct copy *c, const struct ast *x);

static struct ast *copy_list(struct copy *c, const struct ast *x)
{
	struct ast *first = NULL, **end = &first;

	for (; x; x = x->next) {
		*end = copy(c, x);
		if (!*end)
			return NULL;
		end = &(*end)->next;
	}
	return first;
}

static void copy_parts(struct copy *c, const struct ast *x, struct ast *a)
{
	switch (x->kind) {
	case AST_MAP: a->u.map.keys = copy_list(c, x->u.map.keys); break;
	case AST_CALL: a->u.call.args = copy_list(c, x->u.call.args); break;
	case AST_UNARY:
	case AST_BINARY:
	case AST_INDEX:
		a->u.op.a = copy_list(c, x->u.op.a);
		a->u.op.b = copy_list(c, x->u.op.b);
		break;
	case AST_TERNARY:
		a->u.cond.cond = copy_list(c, x->u.cond.cond);
		a->u.cond.yes = copy_list(c, x->u.cond.yes);
		a->u.cond.no = copy_list(c, x->u.cond.no);
		break;
	case AST_CAST:
	case AST_SIZEOF:
	case AST_OFFSETOF: a->u.cast.x = copy_list(c, x->u.cast.x); break;
	case AST_MEMBER: a->u.member.x = copy_list(c, x->u.member.x); break;
	case AST_TUPLE: a->u.list.first = copy_list(c, x->u.list.first); break;
	default: break;
	}
}

/* Maps of these texts are nobody's but theirs. */
static const char *hidden(struct copy *c, const char *name)
{
	const size_t len = strlen(name);
	char *ret = parser_alloc(c->l->p, len + 2);

	if (ret) {
		ret[0] = '.';
		memcpy(ret + 1, name, len + 1);
	}
	return ret;
}

static struct ast *copy(struct copy *c, const struct ast *x)
{
	struct parser *p = c->l->p;

	if (c->depth > PARSE_HEIGHT_MOST || p->r)
		return NULL;
	if (c->subject && x->kind == AST_VAR && !strcmp(x->u.name, "_")) {
		struct copy plain = { .l = c->l, .depth = c->depth + 1 };
		return copy(&plain, c->subject);
	}
	struct ast *a = parser_new(p, struct ast);
	if (!a)
		return NULL;
	*a = *x;
	a->next = NULL;
	if (c->pos)
		a->pos = *c->pos;
	if (c->pos && a->kind == AST_MAP)
		a->u.map.name = hidden(c, x->u.map.name);
	c->depth++;
	copy_parts(c, x, a);
	c->depth--;
	return p->r ? NULL : a;
}

struct ast *d_copy(struct d_lower *l, const struct ast *x)
{
	return copy(&(struct copy){ .l = l }, x);
}

struct ast *d_snippet(struct d_lower *l, struct pos pos, const char *text,
		      const struct ast *subject)
{
	struct diag d = { .name = "D", .text = text, .text_len = strlen(text) };
	struct ast *x = NULL;

	int r = parse_bt_expr(&d, l->p->arena, &x);
	if (r == -EINVAL)
		d_error(l, pos, "syntax", "%s", strbuf_text(&d.out)); // a table is wrong
	diag_fini(&d);
	if (r < 0) {
		if (r == -ENOMEM)
			l->p->r = r;
		return NULL;
	}
	return copy(&(struct copy){ .l = l, .subject = subject, .pos = &pos }, x);
}
