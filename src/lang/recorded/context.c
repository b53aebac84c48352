/* SPDX-License-Identifier: MIT */
/** Finds expressions that ask the running system, and names fields for them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"
#include "lang/recorded/context.h"
#include "lang/syntax/ast_walk.h"
#include "lang/syntax/print.h"

/*
 * An expression is written out by itself: variables that are set once are replaced by what they are
 * set to. What has others in it, or maps, is no one's to tell before the script runs.
 */
enum { VARS_MOST = 256, NODES_MOST = 256, NAME_MOST = 100, OWN_NAME_MOST = 120 };

/* A variable that has one value, which is known by itself. */
struct alias {
	const char *name;
	const struct ast *is;
};

struct finding {
	struct arena *arena;
	const struct ast_probe *probe;
	struct script_ast *ast;
	struct alias aliases[VARS_MOST];
	size_t n_aliases;
	unsigned nodes; /* of the copy that is made */
	const struct ast_context *outer;
	bool no_memory;
};

/* --- what an expression is about --- */

enum about {
	ABOUT_MUCH, /* of maps, variables, what changes: not by itself */
	ABOUT_NONE, /* numbers, or what events tell */
	ABOUT_ARGS, /* args, the name alone */
	ABOUT_ARG,  /* an argument by name, which is a field of most events */
	ABOUT_SYSTEM,
};

static enum about more(enum about a, enum about b)
{
	if (a == ABOUT_MUCH || b == ABOUT_MUCH || a == ABOUT_ARGS || b == ABOUT_ARGS)
		return ABOUT_MUCH;
	return a > b ? a : b;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/* A number with a name, that needs no kernel to be known. */
static bool is_constant(const struct finding *f, const char *name)
{
	int64_t n;

	for (const struct ast_def *d = f->ast->defs; d; d = d->next)
		for (const struct ast_field *e = d->kind == AST_DEF_ENUM ? d->fields : NULL; e;
		     e = e->next)
			if (!strcmp(e->name, name))
				return true;
	return f->ast->d || constant_find(name, &n);
}

static enum about about_name(const struct finding *f, const char *name)
{
	static const char *const given[] = { "pid", "tid", "cpu", "comm", NULL };
	static const char *const asked[] = { "uid",	"gid",	  "username", "cgroup", "ppid",
					     "pcomm",	"numaid", "jiffies",  "func",	"retval",
					     "curtask", "ctx",	  "probe",    "ncpus",	NULL };
	int64_t n;
	const struct builtin *b = builtin_find(name, /* is_d= */ true, &n);

	if (!b)
		return is_constant(f, name) ? ABOUT_NONE : ABOUT_SYSTEM;
	if (is_one_of(name, given))
		return ABOUT_NONE;
	if (b->id == B_ARGS)
		return ABOUT_ARGS;
	return b->id == B_ARG || b->id == B_SARG || is_one_of(name, asked) ? ABOUT_SYSTEM
									   : ABOUT_MUCH;
}

static enum about about_call(const struct ast *x, enum about args)
{
	/* of a value; of memory at an address; of the system, whatever the arguments */
	static const char *const plain[] = { "kptr", "uptr", "bswap", NULL };
	static const char *const reads[] = { "str", "buf", "path", "cgroup_path", NULL };
	static const char *const asks[] = { "reg",  "kaddr", "uaddr", "cgroupid",
					    "ppid", "nsecs", NULL };

	if (args == ABOUT_MUCH)
		return args;
	if (is_one_of(x->u.call.name, plain))
		return args;
	if (is_one_of(x->u.call.name, reads))
		return args;
	return is_one_of(x->u.call.name, asks) ? ABOUT_SYSTEM : ABOUT_MUCH;
}

static struct ast *copy(struct finding *f, const struct ast *x, enum about *ret);

static struct ast *copy_list(struct finding *f, const struct ast *x, enum about *ret)
{
	struct ast *first = NULL, **last = &first;

	*ret = ABOUT_NONE;
	for (; x && *ret != ABOUT_MUCH; x = x->next) {
		enum about one;

		*last = copy(f, x, &one);
		*ret = *last ? more(*ret, one) : ABOUT_MUCH;
		if (*last)
			last = &(*last)->next;
	}
	return first;
}

static struct ast *copy_of_var(struct finding *f, const struct ast *x, enum about *ret)
{
	for (size_t i = f->n_aliases; i-- > 0;)
		if (!strcmp(f->aliases[i].name, x->u.name))
			return copy(f, f->aliases[i].is, ret);
	*ret = ABOUT_MUCH;
	return NULL;
}

/* A member or an element of what is there already, or a read of memory. */
static enum about about_part(enum about of)
{
	return of == ABOUT_ARGS ? ABOUT_ARG : of == ABOUT_MUCH ? of : ABOUT_SYSTEM;
}

/* A type of what lies in memory, of which traces know nothing. */
static bool is_of_memory(const struct ast_type *t)
{
	return t->n_ptrs || !strncmp(t->name, "struct ", 7) || !strncmp(t->name, "union ", 6);
}

static void copy_op(struct finding *f, const struct ast *x, struct ast *to, enum about *ret)
{
	enum about b = ABOUT_NONE;

	to->u.op.a = copy(f, x->u.op.a, ret);
	if (x->kind == AST_UNARY) {
		if (x->u.op.op == OP_DEREF)
			*ret = *ret == ABOUT_ARGS ? ABOUT_MUCH : about_part(*ret);
		else if (x->u.op.op == OP_ADDR || x->u.op.op >= OP_PRE_INC)
			*ret = ABOUT_MUCH;
		return;
	}
	to->u.op.b = copy(f, x->u.op.b, &b);
	// An element of a text that events tell is one that they tell.
	const bool reads = x->kind == AST_INDEX && *ret > ABOUT_NONE;
	*ret = more(*ret, b);
	if (reads && *ret != ABOUT_MUCH)
		*ret = ABOUT_SYSTEM;
}

static void copy_parts(struct finding *f, const struct ast *x, struct ast *to, enum about *ret)
{
	enum about of = ABOUT_NONE;

	switch (x->kind) {
	case AST_CALL:
		to->u.call.args = copy_list(f, x->u.call.args, &of);
		*ret = x->u.call.names ? ABOUT_MUCH : about_call(x, of);
		break;
	case AST_UNARY:
	case AST_BINARY:
	case AST_INDEX: copy_op(f, x, to, ret); break;
	case AST_CAST:
		to->u.cast.x = copy(f, x->u.cast.x, &of);
		*ret = is_of_memory(x->u.cast.type) ? about_part(of) : of;
		break;
	case AST_MEMBER:
		to->u.member.x = copy(f, x->u.member.x, &of);
		to->u.member.arrow = false; // both mean the same
		*ret = about_part(of);
		break;
	case AST_TERNARY: {
		enum about yes, no;
		to->u.cond.cond = copy(f, x->u.cond.cond, &of);
		to->u.cond.yes = copy(f, x->u.cond.yes, &yes);
		to->u.cond.no = copy(f, x->u.cond.no, &no);
		*ret = more(of, more(yes, no));
		break;
	}
	default: *ret = ABOUT_MUCH; break;
	}
}

/* @x with variables replaced; NULL where that cannot be, or there is no memory. */
static struct ast *copy(struct finding *f, const struct ast *x, enum about *ret)
{
	*ret = ABOUT_MUCH;
	if (!x || ++f->nodes > NODES_MOST)
		return NULL;
	if (x->kind == AST_VAR)
		return copy_of_var(f, x, ret);
	struct ast *to = arena_new(f->arena, struct ast);
	if (!to) {
		f->no_memory = true;
		return NULL;
	}
	*to = *x;
	to->next = NULL;
	if (x->kind == AST_INT || x->kind == AST_STR)
		*ret = ABOUT_NONE;
	else if (x->kind == AST_SIZEOF || x->kind == AST_OFFSETOF)
		*ret = x->u.cast.type ? ABOUT_NONE : ABOUT_MUCH;
	else if (x->kind == AST_NAME)
		*ret = about_name(f, x->u.name);
	else
		copy_parts(f, x, to, ret);
	return *ret == ABOUT_MUCH ? NULL : to;
}

/* --- names --- */

static uint32_t hash_of(const char *s)
{
	uint32_t h = 2166136261U; // FNV-1a

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return h;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* "curtask.real_parent.pid" is context_curtask__real_parent__pid; others get a number behind. */
static const char *field_name(struct finding *f, const char *text)
{
	char name[sizeof(CONTEXT_PREFIX) + NAME_MOST + 16];
	size_t n = 0;
	bool is_short = true;

	for (const char *p = text; *p; p++) {
		is_short = is_short && (is_word(*p) || *p == '.') && n + 2 < NAME_MOST;
		if (n + 2 >= NAME_MOST)
			break;
		if (is_word(*p))
			name[n++] = *p;
		else if (*p == '.')
			name[n++] = '_', name[n++] = '_';
		else if (n && name[n - 1] != '_')
			name[n++] = '_';
	}
	name[n] = '\0';
	struct strbuf s = { 0 };
	strbuf_fmt(&s, CONTEXT_PREFIX "%s", name);
	if (!is_short)
		strbuf_fmt(&s, "_%08x", hash_of(text));
	const char *ret = s.failed ? NULL : arena_strndup(f->arena, strbuf_text(&s), s.len);
	strbuf_fini(&s);
	f->no_memory = f->no_memory || !ret;
	return ret;
}

const char *recorded_own_name(struct arena *arena, const struct ast_attach *ap)
{
	struct strbuf s = { 0 };
	const char *ret = NULL;

	for (size_t i = 0; i < ap->n_parts; i++) {
		strbuf_str(&s, i ? ":" : "");
		strbuf_str(&s, ap->parts[i]);
	}
	for (size_t i = 0; !s.failed && i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == '"' || s.data[i] == '\\')
			s.data[i] = '_';
	if (!s.failed && s.len > OWN_NAME_MOST) {
		const uint32_t hash = hash_of(s.data);
		s.len = OWN_NAME_MOST;
		strbuf_fmt(&s, "_%08x", hash);
	}
	if (!s.failed)
		ret = arena_strndup(arena, strbuf_text(&s), s.len);
	strbuf_fini(&s);
	return ret;
}

/* --- notes in the tree --- */

static struct ast *made(struct finding *f, enum ast_kind kind, struct pos pos)
{
	struct ast *x = arena_new(f->arena, struct ast);

	f->no_memory = f->no_memory || !x;
	if (x)
		*x = (struct ast){ .kind = kind, .pos = pos, .height = 1 };
	return x;
}

/* args.NAME; of bytes, buf(args.NAME). */
static struct ast *field_of(struct finding *f, const struct ast *x, const char *name)
{
	struct ast *args = made(f, AST_NAME, x->pos), *m = made(f, AST_MEMBER, x->pos);

	if (!args || !m || !name)
		return NULL;
	args->u.name = "args";
	m->u.member.x = args;
	m->u.member.name = name;
	if (x->kind != AST_CALL || strcmp(x->u.call.name, "buf") != 0)
		return m;
	struct ast *call = made(f, AST_CALL, x->pos);
	if (call) {
		call->u.call.name = "buf";
		call->u.call.args = m;
		call->u.call.n_args = 1;
	}
	return call;
}

static const char *text_of(struct finding *f, const struct ast *x, bool is_text)
{
	struct strbuf s = { 0 };
	struct printer p = { .out = &s };
	const char *ret = NULL;

	strbuf_str(&s, is_text ? "str(" : "");
	print_expr(&p, x);
	strbuf_str(&s, is_text ? ")" : "");
	ast_print_fini(&p);
	if (!s.failed)
		ret = arena_strndup(f->arena, strbuf_text(&s), s.len);
	strbuf_fini(&s);
	f->no_memory = f->no_memory || !ret;
	return ret;
}

static void note(struct finding *f, struct ast *x, const struct ast *by_itself, enum about about,
		 bool is_text)
{
	struct ast_context *k = arena_new(f->arena, struct ast_context);
	struct ast *own = arena_new(f->arena, struct ast);

	if (!k || !own) {
		f->no_memory = true;
		return;
	}
	*own = *x;
	k->text = text_of(f, by_itself, is_text);
	k->name = k->text ? field_name(f, k->text) : NULL;
	k->own = own;
	k->outer = f->outer;
	k->field = field_of(f, x, k->name);
	k->is_plain = about == ABOUT_ARG || !strcmp(k->text ? k->text : "", "probe");
	// An element of an argument may lie in the event itself.
	const struct ast *of = by_itself->kind == AST_INDEX    ? by_itself->u.op.a
			       : by_itself->kind == AST_MEMBER ? by_itself->u.member.x
							       : NULL;
	if (of && of->kind == AST_MEMBER && of->u.member.x->kind == AST_NAME)
		k->arg = !strcmp(of->u.member.x->u.name, "args") ? of->u.member.name : NULL;
	if (k->name && k->field)
		x->context = k;
}

/* Whether it has a value that was read somewhere, rather than calculated from such. */
static bool is_read(const struct ast *x)
{
	switch (x->kind) {
	case AST_NAME: return strcmp(x->u.name, "ctx") != 0;
	case AST_MEMBER:
	case AST_INDEX: return true;
	case AST_CAST: return is_of_memory(x->u.cast.type);
	case AST_UNARY: return x->u.op.op == OP_DEREF;
	case AST_CALL: return true;
	default: return false;
	}
}

static void look_at(struct finding *f, struct ast *x, bool is_text)
{
	enum about about;

	if (x->context || (!is_text && !is_read(x)))
		return;
	f->nodes = 0;
	const struct ast *by_itself = copy(f, x, &about);
	if (by_itself && about >= ABOUT_ARG && (is_read(by_itself) || is_text))
		note(f, x, by_itself, about, is_text);
}

static void visit(struct finding *f, struct ast *x);

static void visit_list(struct finding *f, struct ast *x)
{
	for (; x; x = x->next)
		visit(f, x);
}

/* --- variables that are set once --- */

struct counting {
	const char *name;
	unsigned n;
};

static bool count_writes(void *arg, const struct ast *x)
{
	struct counting *c = arg;
	const struct ast *to = NULL;
	const char *name = NULL;

	if (x->kind == AST_ASSIGN || (x->kind == AST_UNARY && x->u.op.op >= OP_PRE_INC))
		to = x->u.op.a;
	if (to && to->kind == AST_VAR)
		name = to->u.name;
	else if (x->kind == AST_DECL)
		name = x->u.decl.name;
	else if (x->kind == AST_FOR)
		name = x->u.foreach.var;
	c->n += name && !strcmp(name, c->name);
	if (x->kind == AST_FOR && x->u.foreach.var2)
		c->n += !strcmp(x->u.foreach.var2, c->name);
	return false;
}

static void add_alias(struct finding *f, const char *name, const struct ast *is)
{
	struct counting c = { .name = name };
	enum about about;

	(void)ast_walk(f->probe->body, count_writes, &c);
	f->nodes = 0;
	if (c.n != 1 || f->n_aliases == VARS_MOST)
		return;
	// What it is made of may have other values later.
	const struct ast *by_itself = copy(f, is, &about);
	if (by_itself)
		f->aliases[f->n_aliases++] = (struct alias){ name, by_itself };
}

/* --- the way through the tree --- */

struct reading {
	const char *name;
	bool is_read;
};

/* str(@x[...]) */
static bool is_text_read(void *arg, const struct ast *x)
{
	struct reading *r = arg;
	const struct ast *a =
		x->kind == AST_CALL && !strcmp(x->u.call.name, "str") ? x->u.call.args : NULL;

	r->is_read = r->is_read || (a && a->kind == AST_MAP && !strcmp(a->u.map.name, r->name));
	return r->is_read;
}

/* Whether the addresses that are kept in a map are those of texts. */
static bool has_texts(const struct finding *f, const char *map)
{
	struct reading r = { .name = map };

	for (const struct ast_probe *p = f->ast->probes; p; p = p->next)
		if (ast_walk(p->pred, is_text_read, &r) || ast_walk(p->body, is_text_read, &r))
			return true;
	return false;
}

static void visit_assign(struct finding *f, struct ast *x)
{
	struct ast *to = x->u.op.a, *from = x->u.op.b;

	if (to->kind == AST_MAP) {
		visit_list(f, to->u.map.keys);
		if (x->u.op.op == OP_NONE && has_texts(f, to->u.map.name))
			look_at(f, from, /* is_text= */ true);
	}
	visit(f, from);
	if (to->kind == AST_VAR && x->u.op.op == OP_NONE)
		add_alias(f, to->u.name, from);
}

static void visit_block(struct finding *f, struct ast *first)
{
	const size_t n = f->n_aliases;

	visit_list(f, first);
	f->n_aliases = n;
}

static void visit_stmt(struct finding *f, struct ast *x)
{
	switch (x->kind) {
	case AST_DECL:
		visit(f, x->u.decl.init);
		if (x->u.decl.init && !x->u.decl.type)
			add_alias(f, x->u.decl.name, x->u.decl.init);
		break;
	case AST_IF:
	case AST_TERNARY:
		visit(f, x->u.cond.cond);
		visit(f, x->u.cond.yes);
		visit(f, x->u.cond.no);
		break;
	case AST_WHILE:
	case AST_UNROLL:
		visit(f, x->u.loop.cond);
		visit(f, x->u.loop.body);
		break;
	case AST_FOR:
		visit(f, x->u.foreach.begin);
		visit(f, x->u.foreach.end);
		visit(f, x->u.foreach.body);
		break;
	case AST_CLAUSE:
		visit(f, x->u.clause.pred);
		visit_block(f, x->u.clause.first);
		break;
	case AST_BLOCK: visit_block(f, x->u.list.first); break;
	case AST_TUPLE: visit_list(f, x->u.list.first); break;
	default: break;
	}
}

/* Some functions have words as arguments, which are no names of anything. */
static void visit_args(struct finding *f, struct ast *x)
{
	static const char *const with_words[] = { "kstack", "ustack", "nsecs", NULL };
	const bool has_words = is_one_of(x->u.call.name, with_words);

	for (struct ast *a = x->u.call.args; a; a = a->next)
		if (!has_words || a->kind != AST_NAME)
			visit(f, a);
}

static void visit_parts(struct finding *f, struct ast *x)
{
	switch (x->kind) {
	case AST_MAP: visit_list(f, x->u.map.keys); break;
	case AST_CALL: visit_args(f, x); break;
	case AST_UNARY:
	case AST_EXPR:
	case AST_RETURN: visit(f, x->u.op.a); break;
	case AST_ASSIGN: visit_assign(f, x); break;
	case AST_BINARY:
	case AST_INDEX:
		visit(f, x->u.op.a);
		visit(f, x->u.op.b);
		break;
	case AST_CAST: visit(f, x->u.cast.x); break;
	case AST_MEMBER: visit(f, x->u.member.x); break;
	default: visit_stmt(f, x);
	}
}

static void visit(struct finding *f, struct ast *x)
{
	if (!x || f->no_memory)
		return;
	if (x->kind < AST_EXPR)
		look_at(f, x, /* is_text= */ false);
	const struct ast_context *outer = f->outer;
	f->outer = x->context ? x->context : outer;
	visit_parts(f, x);
	f->outer = outer;
}

int recorded_context(struct arena *arena, struct script_ast *ast)
{
	struct finding *f = arena_new(arena, struct finding);

	if (!f)
		return sonde_fail(-ENOMEM, "out of memory");
	*f = (struct finding){ .arena = arena, .ast = ast };
	for (struct ast_probe *p = ast->probes; p; p = p->next) {
		f->probe = p;
		f->n_aliases = 0;
		visit(f, p->pred);
		visit(f, p->body);
	}
	return f->no_memory ? sonde_fail(-ENOMEM, "out of memory") : 0;
}
