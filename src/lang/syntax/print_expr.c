/* SPDX-License-Identifier: MIT */
/** Expressions as text, with as few parentheses as parse back to the same tree. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/syntax/print.h"

/* How tightly an expression binds; binary operators lie between. */
enum { BIND_TERNARY, BIND_LOR, BIND_UNARY = 11, BIND_POSTFIX, BIND_PRIMARY };

struct print_level {
	const struct ast *x;
	bool has_parens; /* around what is on its left */
};

static const struct {
	const char *text;
	int bind;
} ops[] = {
	[OP_MUL] = { "*", 10 },
	[OP_DIV] = { "/", 10 },
	[OP_MOD] = { "%", 10 },
	[OP_ADD] = { "+", 9 },
	[OP_SUB] = { "-", 9 },
	[OP_SHL] = { "<<", 8 },
	[OP_SHR] = { ">>", 8 },
	[OP_LT] = { "<", 7 },
	[OP_GT] = { ">", 7 },
	[OP_LE] = { "<=", 7 },
	[OP_GE] = { ">=", 7 },
	[OP_EQ] = { "==", 6 },
	[OP_NE] = { "!=", 6 },
	[OP_AND] = { "&", 5 },
	[OP_XOR] = { "^", 4 },
	[OP_OR] = { "|", 3 },
	[OP_LAND] = { "&&", 2 },
	[OP_LOR] = { "||", BIND_LOR },
	[OP_NEG] = { "-", BIND_UNARY },
	[OP_NOT] = { "!", BIND_UNARY },
	[OP_INV] = { "~", BIND_UNARY },
	[OP_DEREF] = { "*", BIND_UNARY },
	[OP_ADDR] = { "&", BIND_UNARY },
	[OP_PRE_INC] = { "++", BIND_UNARY },
	[OP_PRE_DEC] = { "--", BIND_UNARY },
	[OP_POST_INC] = { "++", BIND_POSTFIX },
	[OP_POST_DEC] = { "--", BIND_POSTFIX },
};

void ast_print_fini(struct printer *p)
{
	free(p->levels);
}

static int bind_of(const struct ast *x)
{
	switch (x->kind) {
	case AST_TERNARY: return BIND_TERNARY;
	case AST_CAST: return BIND_UNARY;
	case AST_MEMBER:
	case AST_INDEX: return BIND_POSTFIX;
	case AST_UNARY:
	case AST_BINARY: return ops[x->u.op.op].bind;
	default: return BIND_PRIMARY;
	}
}

void print_string(struct printer *p, const char *data, size_t len)
{
	static const char escapes[][2] = {
		{ '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }, { '"', '"' }, { '\\', '\\' }
	};

	strbuf_str(p->out, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		size_t k = 0;

		while (k < MEM_LEN(escapes) && escapes[k][0] != data[i])
			k++;
		if (k < MEM_LEN(escapes))
			strbuf_fmt(p->out, "\\%c", escapes[k][1]);
		else if (c < ' ' || c == 0x7f)
			strbuf_fmt(p->out, "\\x%02x", c);
		else
			strbuf_add(p->out, &data[i], 1);
	}
	strbuf_str(p->out, "\"");
}

void print_dims(struct printer *p, const struct ast_type *t)
{
	for (unsigned i = 0; i < t->n_dims; i++) {
		if (t->dims[i])
			strbuf_fmt(p->out, "[%" PRIu64 "]", t->dims[i]);
		else
			strbuf_str(p->out, "[]");
	}
}

void print_type(struct printer *p, const struct ast_type *t)
{
	strbuf_str(p->out, t->name);
	for (unsigned i = 0; i < t->n_ptrs; i++)
		strbuf_str(p->out, i ? "*" : " *");
}

static void print_list(struct printer *p, const struct ast *x)
{
	for (const struct ast *i = x; i; i = i->next) {
		if (i != x)
			strbuf_str(p->out, ", ");
		print_expr(p, i);
	}
}

/* Those of emit() have names, but for the first. */
static void print_args(struct printer *p, const struct ast *x, const struct ast_arg_name *name)
{
	for (const struct ast *i = x; i; i = i->next) {
		if (i != x)
			strbuf_str(p->out, ", ");
		if (i != x && name) {
			strbuf_fmt(p->out, "%s = ", name->name);
			name = name->next;
		}
		print_expr(p, i);
	}
}

static void print_bound(struct printer *p, const struct ast *x, int least)
{
	bool has_parens = bind_of(x) < least;

	strbuf_str(p->out, has_parens ? "(" : "");
	print_expr(p, x);
	strbuf_str(p->out, has_parens ? ")" : "");
}

static void print_full_type(struct printer *p, const struct ast_type *t)
{
	print_type(p, t);
	print_dims(p, t);
}

static void print_size_of(struct printer *p, const struct ast *x)
{
	strbuf_str(p->out, x->kind == AST_SIZEOF ? "sizeof(" : "offsetof(");
	if (x->u.cast.type)
		print_full_type(p, x->u.cast.type);
	else
		print_expr(p, x->u.cast.x);
	if (x->kind == AST_OFFSETOF)
		strbuf_fmt(p->out, ", %s", x->u.cast.field);
	strbuf_str(p->out, ")");
}

/* Operators before their operand. "- -x" and "& &x" would be other tokens without parentheses. */
static void print_prefix(struct printer *p, const struct ast *x)
{
	const struct ast *a = x->u.op.a;
	const char *text = ops[x->u.op.op].text;
	sonde_check(a);
	bool is_clash = a->kind == AST_UNARY && bind_of(a) == BIND_UNARY &&
			ops[a->u.op.op].text[0] == *text && strchr("-&+", *text);

	strbuf_str(p->out, text);
	print_bound(p, a, is_clash ? BIND_POSTFIX : BIND_UNARY);
}

static void print_name(struct printer *p, const char *sigil, const char *name)
{
	strbuf_str(p->out, sigil);
	strbuf_str(p->out, name);
}

/* What has nothing on its left. */
static void print_leaf(struct printer *p, const struct ast *x)
{
	switch (x->kind) {
	case AST_INT: strbuf_fmt(p->out, "%" PRIu64, x->u.num); break;
	case AST_STR: print_string(p, x->u.str.data, x->u.str.len); break;
	case AST_NAME: print_name(p, "", x->u.name); break;
	case AST_VAR: print_name(p, "$", x->u.name); break;
	case AST_POSITIONAL:
		if (x->u.num)
			strbuf_fmt(p->out, "$%" PRIu64, x->u.num);
		else
			strbuf_str(p->out, "$#");
		break;
	case AST_MAP:
		print_name(p, "@", x->u.map.name);
		if (x->u.map.keys) {
			strbuf_str(p->out, "[");
			print_list(p, x->u.map.keys);
			strbuf_str(p->out, "]");
		}
		break;
	case AST_CALL:
		print_name(p, "", x->u.call.name);
		strbuf_str(p->out, "(");
		print_args(p, x->u.call.args, x->u.call.names);
		strbuf_str(p->out, ")");
		break;
	case AST_TUPLE:
		strbuf_str(p->out, "(");
		print_list(p, x->u.list.first);
		strbuf_str(p->out, x->u.list.first->next ? ")" : ",)");
		break;
	case AST_SIZEOF:
	case AST_OFFSETOF: print_size_of(p, x); break;
	case AST_CAST:
		strbuf_str(p->out, "(");
		print_full_type(p, x->u.cast.type);
		strbuf_str(p->out, ")");
		// "(foo)-1" may be a difference: only what surely begins a value stands alone.
		print_bound(p, x->u.cast.x, BIND_POSTFIX);
		break;
	default: print_prefix(p, x); break;
	}
}

/* The operand that is printed first; *@ret_least: what binds less gets parentheses. */
static const struct ast *left_of(const struct ast *x, int *ret_least)
{
	*ret_least = BIND_POSTFIX;
	switch (x->kind) {
	case AST_TERNARY: *ret_least = BIND_LOR; return x->u.cond.cond;
	case AST_MEMBER: return x->u.member.x;
	case AST_INDEX:
		// "@x[1]" is a map with a key, "(@x)[1]" an element of its value.
		if (x->u.op.a->kind == AST_MAP && !x->u.op.a->u.map.keys)
			*ret_least = BIND_PRIMARY + 1;
		return x->u.op.a;
	case AST_BINARY: *ret_least = bind_of(x); return x->u.op.a;
	case AST_UNARY: return bind_of(x) == BIND_POSTFIX ? x->u.op.a : NULL;
	default: return NULL;
	}
}

/* What comes behind the left operand. */
static void print_rest(struct printer *p, const struct ast *x)
{
	switch (x->kind) {
	case AST_TERNARY:
		strbuf_str(p->out, " ? ");
		print_expr(p, x->u.cond.yes);
		strbuf_str(p->out, " : ");
		print_expr(p, x->u.cond.no);
		break;
	case AST_MEMBER: print_name(p, x->u.member.arrow ? "->" : ".", x->u.member.name); break;
	case AST_INDEX:
		strbuf_str(p->out, "[");
		print_expr(p, x->u.op.b);
		strbuf_str(p->out, "]");
		break;
	case AST_BINARY:
		strbuf_fmt(p->out, " %s ", ops[x->u.op.op].text);
		print_bound(p, x->u.op.b, bind_of(x) + 1);
		break;
	default: strbuf_str(p->out, ops[x->u.op.op].text); break;
	}
}

void print_expr(struct printer *p, const struct ast *x)
{
	size_t bottom = p->n;
	int least;

	for (const struct ast *left; (left = left_of(x, &least)); x = left) {
		if (mem_grow(&p->levels, &p->cap, p->n + 1) < 0) {
			p->out->failed = true;
			p->n = bottom;
			return;
		}
		bool has_parens = bind_of(left) < least;

		p->levels[p->n++] = (struct print_level){ .x = x, .has_parens = has_parens };
		strbuf_str(p->out, has_parens ? "(" : "");
	}
	print_leaf(p, x);
	while (p->n > bottom) {
		struct print_level level = p->levels[--p->n];

		strbuf_str(p->out, level.has_parens ? ")" : "");
		print_rest(p, level.x);
	}
}
