/* SPDX-License-Identifier: MIT */
/** Random trees, of the shapes that a script can have. */
#include "random_ast.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct gen {
	struct arena *arena;
	uint64_t state;
	unsigned depth;
};

enum { DEPTH = 6 };

static unsigned pick(struct gen *g, unsigned n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (unsigned)(g->state >> 33) % n;
}

static void *alloc(struct gen *g, size_t len)
{
	void *p = arena_alloc(g->arena, len);

	if (!p)
		abort();
	return p;
}

#define ONE_OF(g, ...)                                               \
	({                                                           \
		static const char *const words_[] = { __VA_ARGS__ }; \
		words_[pick((g), MEM_LEN(words_))];                  \
	})

static struct ast *node(struct gen *g, enum ast_kind kind)
{
	struct ast *a = alloc(g, sizeof(*a));

	a->kind = kind;
	return a;
}

static const char *name(struct gen *g)
{
	return ONE_OF(g, "pid", "x", "_y1", "TCP_CLOSE", "int8", "size_t", "e5", "for1", "u64x");
}

static const struct ast_type *type(struct gen *g)
{
	struct ast_type *t = alloc(g, sizeof(*t));

	t->name = ONE_OF(g, "struct sock", "uint64", "int8", "string", "unsigned long long", "foo",
			 "size_t", "union u", "enum e", "char", "short");
	t->n_ptrs = pick(g, 3);
	t->n_dims = pick(g, 4) ? 0 : 1 + pick(g, 4);
	for (unsigned i = 0; i < t->n_dims; i++)
		t->dims[i] = pick(g, 3) * pick(g, 1000);
	return t;
}

static struct ast *expr(struct gen *g);

static struct ast *list(struct gen *g, unsigned n)
{
	struct ast *first = NULL, **end = &first;

	for (; n; n--) {
		*end = expr(g);
		end = &(*end)->next;
	}
	return first;
}

static struct ast *literal(struct gen *g)
{
	struct ast *a;

	switch (pick(g, 4)) {
	case 0:
		a = node(g, AST_INT);
		a->u.num = g->state >> pick(g, 64);
		return a;
	case 1: {
		unsigned len = pick(g, 6);
		char *text = alloc(g, len + 1);

		for (unsigned i = 0; i < len; i++)
			text[i] = (char)pick(g, 256);
		a = node(g, AST_STR);
		a->u.str.data = text;
		a->u.str.len = len;
		return a;
	}
	case 2:
		a = node(g, AST_POSITIONAL);
		a->u.num = pick(g, 12);
		return a;
	default:
		a = node(g, AST_NAME);
		a->u.name = name(g);
		return a;
	}
}

static struct ast *target(struct gen *g)
{
	struct ast *a = node(g, pick(g, 2) ? AST_VAR : AST_MAP);

	if (a->kind == AST_VAR) {
		a->u.name = name(g);
		return a;
	}
	a->u.map.name = pick(g, 3) ? name(g) : "";
	a->u.map.keys = list(g, pick(g, 3));
	return a;
}

static struct ast *operation(struct gen *g)
{
	static const enum op steps[] = { OP_PRE_INC, OP_PRE_DEC, OP_POST_INC, OP_POST_DEC };
	static const enum op unaries[] = { OP_NEG, OP_NOT, OP_INV, OP_DEREF, OP_ADDR };
	struct ast *a;

	switch (pick(g, 5)) {
	case 0:
		a = node(g, AST_UNARY);
		a->u.op.op = steps[pick(g, MEM_LEN(steps))];
		a->u.op.a = target(g);
		return a;
	case 1:
		a = node(g, AST_UNARY);
		a->u.op.op = unaries[pick(g, MEM_LEN(unaries))];
		a->u.op.a = expr(g);
		return a;
	case 2:
		a = node(g, AST_TERNARY);
		a->u.cond.cond = expr(g);
		a->u.cond.yes = expr(g);
		a->u.cond.no = expr(g);
		return a;
	default:
		a = node(g, AST_BINARY);
		a->u.op.op = (enum op)(OP_ADD + pick(g, OP_GE - OP_ADD + 1));
		a->u.op.a = expr(g);
		a->u.op.b = expr(g);
		return a;
	}
}

static struct ast *access_to(struct gen *g)
{
	struct ast *a;

	switch (pick(g, 4)) {
	case 0:
		a = node(g, AST_INDEX);
		a->u.op.a = expr(g);
		a->u.op.b = expr(g);
		return a;
	case 1:
		a = node(g, AST_CAST);
		a->u.cast.type = type(g);
		a->u.cast.x = expr(g);
		return a;
	default:
		a = node(g, AST_MEMBER);
		a->u.member.x = expr(g);
		a->u.member.arrow = pick(g, 2);
		a->u.member.name = !a->u.member.arrow && pick(g, 2) ? ONE_OF(g, "0", "1", "12")
								    : ONE_OF(g, "a", "class", "if");
		return a;
	}
}

static struct ast *several(struct gen *g)
{
	struct ast *a;

	switch (pick(g, 4)) {
	case 0:
		a = node(g, AST_TUPLE);
		a->u.list.first = list(g, 1 + pick(g, 3));
		return a;
	case 1:
		a = node(g, AST_SIZEOF);
		// What is no known type's name is read as an expression.
		a->u.cast.type = pick(g, 2) ? type(g) : NULL;
		if (a->u.cast.type && !strcmp(a->u.cast.type->name, "foo"))
			a->u.cast.type = NULL;
		if (!a->u.cast.type)
			a->u.cast.x = target(g);
		return a;
	case 2:
		a = node(g, AST_OFFSETOF);
		a->u.cast.x = target(g);
		a->u.cast.field = ONE_OF(g, "a", "a.b.c");
		return a;
	default:
		a = node(g, AST_CALL);
		a->u.call.name = ONE_OF(g, "printf", "count", "kstack");
		a->u.call.n_args = pick(g, 4);
		a->u.call.args = list(g, (unsigned)a->u.call.n_args);
		return a;
	}
}

static struct ast *expr(struct gen *g)
{
	struct ast *a;

	if (g->depth >= DEPTH)
		return literal(g);
	g->depth++;
	switch (pick(g, 8)) {
	case 0: a = literal(g); break;
	case 1: a = target(g); break;
	case 2:
	case 3: a = access_to(g); break;
	case 4: a = several(g); break;
	default: a = operation(g); break;
	}
	g->depth--;
	return a;
}

static struct ast *block(struct gen *g);

static struct ast *branch(struct gen *g)
{
	struct ast *a = node(g, AST_IF);

	a->u.cond.cond = expr(g);
	a->u.cond.yes = block(g);
	if (pick(g, 2))
		a->u.cond.no = pick(g, 2) ? branch(g) : block(g);
	return a;
}

static struct ast *loop(struct gen *g)
{
	struct ast *a = node(g, pick(g, 2) ? AST_FOR : (pick(g, 2) ? AST_WHILE : AST_UNROLL));

	if (a->kind != AST_FOR) {
		a->u.loop.cond = expr(g);
		a->u.loop.body = block(g);
		return a;
	}
	a->u.foreach.var = name(g);
	if (pick(g, 2)) {
		a->u.foreach.map = node(g, AST_MAP);
		a->u.foreach.map->u.map.name = name(g);
		a->u.foreach.var2 = pick(g, 2) ? name(g) : NULL;
	} else {
		a->u.foreach.begin = expr(g);
		a->u.foreach.end = expr(g);
	}
	a->u.foreach.body = block(g);
	return a;
}

static struct ast *plain(struct gen *g)
{
	static const enum op ops[] = { OP_NONE, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD,
				       OP_AND,	OP_OR,	OP_XOR, OP_SHL, OP_SHR };
	struct ast *a;

	switch (pick(g, 6)) {
	case 0: return node(g, pick(g, 2) ? AST_BREAK : AST_CONTINUE);
	case 1:
		a = node(g, AST_RETURN);
		a->u.op.a = pick(g, 2) ? expr(g) : NULL;
		return a;
	case 2:
		a = node(g, AST_DECL);
		a->u.decl.name = name(g);
		a->u.decl.type = pick(g, 2) ? type(g) : NULL;
		a->u.decl.init = pick(g, 2) ? expr(g) : NULL;
		return a;
	case 3:
		a = node(g, AST_ASSIGN);
		a->u.op.op = ops[pick(g, MEM_LEN(ops))];
		a->u.op.a = target(g);
		a->u.op.b = expr(g);
		return a;
	default:
		a = node(g, AST_EXPR);
		a->u.op.a = expr(g);
		return a;
	}
}

static struct ast *block(struct gen *g)
{
	struct ast *a = node(g, AST_BLOCK), **end = &a->u.list.first;

	g->depth++;
	for (unsigned n = g->depth > DEPTH ? 0 : pick(g, 4); n; n--) {
		unsigned kind = pick(g, 6);

		*end = kind == 0   ? branch(g)
		       : kind == 1 ? loop(g)
		       : kind == 2 ? block(g)
				   : plain(g);
		end = &(*end)->next;
	}
	g->depth--;
	return a;
}

static struct ast_attach *attach(struct gen *g)
{
	static const char *const kprobe[] = { "kprobe", "vfs_*" }, *const begin[] = { "BEGIN" },
				 *const uprobe[] = { "uprobe", "/bin/x", "a::b(int)" };
	struct ast_attach *a = alloc(g, sizeof(*a));

	switch (pick(g, 3)) {
	case 0:
		a->text = "kprobe:vfs_*";
		a->parts = kprobe;
		a->n_parts = 2;
		break;
	case 1:
		a->text = "uprobe:/bin/x:\"a::b(int)\"";
		a->parts = uprobe;
		a->n_parts = 3;
		break;
	default:
		a->text = "BEGIN";
		a->parts = begin;
		a->n_parts = 1;
		break;
	}
	return a;
}

static struct ast_def *def(struct gen *g, enum ast_def_kind kind, const char *named);

static struct ast_field *field(struct gen *g, enum ast_def_kind owner)
{
	struct ast_field *f = alloc(g, sizeof(*f));
	struct ast_type *t;

	f->name = name(g);
	if (owner == AST_DEF_ENUM) {
		f->value = (int64_t)(g->state >> pick(g, 64));
		return f;
	}
	f->type = type(g);
	if (owner != AST_DEF_TYPEDEF && pick(g, 5) == 0 && f->type->n_dims == 0) {
		f->bits = 1 + pick(g, 32);
	} else if (g->depth < DEPTH && pick(g, 4) == 0) {
		enum ast_def_kind kind = pick(g, 2) ? AST_DEF_STRUCT : AST_DEF_UNION;

		t = alloc(g, sizeof(*t));
		*t = *f->type;
		t->name = kind == AST_DEF_STRUCT ? "struct" : "union";
		f->type = t;
		f->def = def(g, kind, "");
		if (pick(g, 2) && owner != AST_DEF_TYPEDEF && t->n_dims == 0 && t->n_ptrs == 0)
			f->name = "";
	}
	return f;
}

static struct ast_def *def(struct gen *g, enum ast_def_kind kind, const char *named)
{
	struct ast_def *d = alloc(g, sizeof(*d));
	struct ast_field **end = &d->fields;

	g->depth++;
	d->kind = kind;
	d->name = named;
	d->packed = kind != AST_DEF_TYPEDEF && kind != AST_DEF_ENUM && pick(g, 4) == 0;
	for (unsigned n = kind == AST_DEF_TYPEDEF ? 1 : 1 + pick(g, 4); n; n--) {
		*end = field(g, kind);
		end = &(*end)->next;
	}
	if (kind == AST_DEF_TYPEDEF)
		d->fields->name = "";
	g->depth--;
	return d;
}

static void settings(struct gen *g, struct script_ast *s)
{
	struct ast_setting **end = &s->settings;

	for (unsigned n = pick(g, 3); n; n--) {
		*end = alloc(g, sizeof(**end));
		(*end)->name = ONE_OF(g, "max_strlen", "stack_mode");
		(*end)->value = ONE_OF(g, "128", "-1", "perf", "", "a b", "0", "007", "1k",
				       "99999999999999999999", "\"\n");
		end = &(*end)->next;
	}
}

static struct gen start(struct arena *arena, uint64_t seed)
{
	struct gen g = { .arena = arena, .state = seed * 0x9e3779b97f4a7c15u + 1 };

	for (unsigned i = 0; i < 8; i++)
		(void)pick(&g, 2); // the first ones are alike
	return g;
}

struct ast *random_expr(struct arena *arena, uint64_t seed)
{
	struct gen g = start(arena, seed);

	return expr(&g);
}

void random_script(struct arena *arena, uint64_t seed, struct script_ast *ret)
{
	struct gen g = start(arena, seed);
	struct ast_def **defs = &ret->defs;
	struct ast_probe **probes = &ret->probes;

	settings(&g, ret);
	for (unsigned n = pick(&g, 4); n; n--) {
		*defs = def(&g, (enum ast_def_kind)pick(&g, AST_DEF_TYPEDEF + 1), name(&g));
		defs = &(*defs)->next;
	}
	if (pick(&g, 3) == 0) {
		ret->maps = alloc(&g, sizeof(*ret->maps));
		*ret->maps = (struct ast_map_decl){ .name = name(&g),
						    .kind = "hash",
						    .max_entries = 1 + pick(&g, 9999) };
		ret->includes = alloc(&g, sizeof(*ret->includes));
		ret->includes->path = "linux/sched.h";
	}
	for (unsigned n = 1 + pick(&g, 3); n; n--) {
		struct ast_probe *p = alloc(&g, sizeof(*p));

		p->attach = attach(&g);
		p->attach->next = pick(&g, 2) ? attach(&g) : NULL;
		p->pred = pick(&g, 2) ? expr(&g) : NULL;
		p->body = block(&g);
		*probes = p;
		probes = &p->next;
	}
}
