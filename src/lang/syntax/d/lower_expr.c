/* SPDX-License-Identifier: MIT */
/** Expressions of D as the language has them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/d/lower.h"

enum { INLINE_DEPTH_MOST = 32 };

struct ast *d_new(struct d_lower *l, enum ast_kind kind, struct pos pos)
{
	return parser_ast(l->p, kind, pos);
}

struct ast *d_new_name(struct d_lower *l, struct pos pos, const char *name)
{
	struct ast *a = d_new(l, AST_NAME, pos);

	if (a)
		a->u.name = name;
	return a;
}

struct ast *d_new_int(struct d_lower *l, struct pos pos, uint64_t n)
{
	struct ast *a = d_new(l, AST_INT, pos);

	if (a)
		a->u.num = n;
	return a;
}

struct ast *d_new_call(struct d_lower *l, struct pos pos, const char *name, struct ast *args)
{
	struct ast *a = d_new(l, AST_CALL, pos);

	if (!a)
		return NULL;
	a->u.call.name = name;
	a->u.call.args = args;
	for (; args; args = args->next)
		a->u.call.n_args++;
	return a;
}

static struct ast *op_new(struct d_lower *l, enum ast_kind kind, struct pos pos, enum op op,
			  struct ast *a, struct ast *b)
{
	struct ast *x = a ? d_new(l, kind, pos) : NULL;

	if (!x)
		return NULL;
	x->u.op.op = op;
	x->u.op.a = a;
	x->u.op.b = b;
	return x;
}

/* Other names that D's own library has for C's types. */
const struct ast_type *d_lower_type(struct d_lower *l, const struct ast_type *t)
{
	static const struct {
		const char *name, *same;
	} others[] = {
		{ "uchar_t", "unsigned char" },
		{ "ushort_t", "unsigned short" },
		{ "uint_t", "unsigned int" },
		{ "ulong_t", "unsigned long" },
		{ "longlong_t", "long long" },
		{ "u_longlong_t", "unsigned long long" },
		{ "hrtime_t", "long long" },
		{ "pid_t", "int" },
		{ "id_t", "int" },
		{ "processorid_t", "int" },
		{ "uid_t", "unsigned int" },
		{ "gid_t", "unsigned int" },
		{ "dev_t", "unsigned long" },
		{ "off_t", "long" },
		{ "time_t", "long" },
		{ "ssize_t", "long" },
		{ "uintptr_t", "unsigned long" },
		{ "intptr_t", "long" },
		{ "user_addr_t", "unsigned long" },
		{ "kthread_t", "struct task_struct" },
		{ "proc_t", "struct task_struct" },
	};

	for (size_t i = 0; t->name && i < MEM_LEN(others); i++) {
		if (strcmp(others[i].name, t->name) != 0)
			continue;
		struct ast_type *ret = parser_new(l->p, struct ast_type);
		if (ret) {
			*ret = *t;
			ret->name = others[i].same;
		}
		return ret;
	}
	return t;
}

bool d_is_integer(const struct ast_type *t)
{
	static const char *const words[] = { "char",   "short", "int",	  "long",  "unsigned",
					     "signed", "uint",	"size_t", "_Bool", "bool" };

	for (size_t i = 0; i < MEM_LEN(words) && !t->n_ptrs && !t->n_dims; i++)
		if (!strncmp(t->name, words[i], strlen(words[i])))
			return true;
	return false;
}

static bool is_scope(const struct ast *x, const char *scope)
{
	return x->kind == AST_MEMBER && x->u.member.arrow && x->u.member.x->kind == AST_NAME &&
	       !strcmp(x->u.member.x->u.name, scope);
}

static bool is_global(const struct d_lower *l, const char *name)
{
	int64_t one;

	return names_get(&l->dp->tree.globals, name, &one);
}

bool d_is_variable(const struct d_lower *l, const struct ast *x)
{
	if (x->kind == AST_INDEX)
		x = x->u.op.a;
	if (x->kind == AST_NAME)
		return is_global(l, x->u.name);
	return is_scope(x, "self") || is_scope(x, "this");
}

const char *d_map_name(struct d_lower *l, const struct ast *x)
{
	if (x->kind == AST_INDEX)
		x = x->u.op.a;
	if (x->kind == AST_NAME)
		return d_joined(l->p, ".", "", x->u.name);
	return is_scope(x, "self") ? d_joined(l->p, ".self->", "", x->u.member.name) : NULL;
}

const char *d_variable_path(struct d_lower *l, const struct ast *x)
{
	if (x->kind == AST_INDEX)
		x = x->u.op.a;
	if (x->kind == AST_NAME)
		return x->u.name;
	return d_joined(l->p, is_scope(x, "self") ? "self" : "this", "->", x->u.member.name);
}

const struct ast_type *d_declared(struct d_lower *l, const struct ast *x)
{
	const char *path = d_variable_path(l, x);
	int64_t type;

	return path && names_get(&l->dp->tree.types, path, &type)
		       ? d_lower_type(l, (const struct ast_type *)(intptr_t)type)
		       : NULL;
}

struct ast *d_faulting(struct d_lower *l, struct ast *x)
{
	if (x) {
		x->may_fault = true;
		l->may_fault = true;
	}
	return x;
}

bool d_is_set_whole(struct d_lower *l, const struct ast *x)
{
	const char *path = d_variable_path(l, x);
	int64_t how;

	return path && names_get(&l->set, path, &how) && how == 2;
}

/* this->a[2] of "this int a[5]": each element is a variable of its own. NULL: told, or it is none.
 */
static struct ast *local_element(struct d_lower *l, const struct ast *x)
{
	const char *name = x->u.op.a->u.member.name;
	const struct ast *i = x->u.op.b;
	char text[24];

	if (i->kind != AST_INT || i->next) {
		d_error(l, x->pos, "D_ARR_LOCAL",
			"the index of 'this->%s' must be a number that is written there", name);
		return NULL;
	}
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)i->u.num);
	struct ast *v = d_new(l, AST_VAR, x->pos);
	if (v)
		v->u.name = d_joined(l->p, name, ".", text);
	return v && v->u.name ? v : NULL;
}

static bool is_local_array(struct d_lower *l, const struct ast *x)
{
	const struct ast_type *t =
		x->kind == AST_INDEX && is_scope(x->u.op.a, "this") ? d_declared(l, x) : NULL;

	return t && t->n_dims;
}

/* Whether it is declared, and nothing sets it. */
static bool is_never_set(struct d_lower *l, const struct ast *x)
{
	const char *path = d_variable_path(l, x);
	int64_t ignored;

	return path && d_declared(l, x) && !names_get(&l->set, path, &ignored);
}

/* Such a variable: 0, or "". */
static struct ast *never_set(struct d_lower *l, const struct ast *x)
{
	const struct ast_type *t = d_declared(l, x);
	struct ast *zero = d_new_int(l, x->pos, 0);

	if (!strcmp(t->name, "string") && !t->n_ptrs) {
		struct ast *text = d_new(l, AST_STR, x->pos);
		if (text)
			text->u.str.data = "";
		return text;
	}
	struct ast *y = d_new(l, AST_CAST, x->pos);
	if (!y || t->n_dims || (!t->n_ptrs && !d_is_integer(t)))
		return zero;
	y->u.cast.type = t;
	y->u.cast.x = zero;
	return y;
}

struct ast *d_lower_variable(struct d_lower *l, const struct ast *x)
{
	const struct ast *base = x->kind == AST_INDEX ? x->u.op.a : x;
	struct ast *keys = NULL;

	if (d_record_is(l->dp, base)) {
		d_error(l, x->pos, "D_OP_SOU", "a struct has a value only in its members");
		return NULL;
	}
	if (is_never_set(l, x))
		return never_set(l, x);
	if (is_local_array(l, x))
		return local_element(l, x);
	if (is_scope(base, "this")) {
		if (x->kind == AST_INDEX) {
			d_error(l, x->pos, "D_ARR_LOCAL", "'this->%s' cannot be an array",
				base->u.member.name);
			return NULL;
		}
		struct ast *v = d_new(l, AST_VAR, x->pos);
		if (v)
			v->u.name = x->u.member.name;
		return v;
	}
	if (x->kind == AST_INDEX && !d_lower_list(l, x->u.op.b, &keys))
		return NULL;
	if (is_scope(base, "self")) {
		struct ast *tid = d_thread(l, x->pos);
		if (!tid)
			return NULL;
		tid->next = keys;
		keys = tid;
	}
	struct ast *m = d_new(l, AST_MAP, x->pos);
	if (!m)
		return NULL;
	m->u.map.name = d_map_name(l, x);
	m->u.map.keys = keys;
	return m->u.map.name ? m : NULL;
}

bool d_lower_list(struct d_lower *l, const struct ast *x, struct ast **ret)
{
	struct ast **end = ret;
	bool fine = true;

	*ret = NULL;
	for (; x; x = x->next) {
		struct ast *y = d_lower_expr(l, x);
		if (!y) {
			fine = false;
			continue;
		}
		*end = y;
		end = &y->next;
	}
	return fine;
}

static const struct d_inline *find_inline(const struct d_lower *l, const char *name)
{
	for (const struct d_inline *in = l->dp->tree.inlines; in; in = in->next)
		if (!strcmp(in->name, name))
			return in;
	return NULL;
}

/* `x, mod`x: the value of a variable of the kernel, whose type nobody tells. */
static struct ast *symbol(struct d_lower *l, const struct ast *x)
{
	const char *name = strrchr(x->u.name, '`') + 1;
	struct ast *text = d_new(l, AST_STR, x->pos);

	if (!text)
		return NULL;
	text->u.str.data = name;
	text->u.str.len = strlen(name);
	return d_snippet(l, x->pos, "*(int64 *)kaddr($_)", text);
}

static struct ast *name(struct d_lower *l, const struct ast *x)
{
	bool known;

	if (strchr(x->u.name, '`'))
		return symbol(l, x);
	if (is_global(l, x->u.name))
		return d_lower_variable(l, x);
	const struct d_inline *in = find_inline(l, x->u.name);
	if (in) {
		if (l->inline_depth >= INLINE_DEPTH_MOST) {
			d_error(l, x->pos, "too-deep", "'%s' goes through itself", x->u.name);
			return NULL;
		}
		l->inline_depth++;
		struct ast *y = d_lower_expr(l, in->value);
		l->inline_depth--;
		return y;
	}
	struct ast *y = d_builtin(l, x, &known);
	return known ? y : d_copy(l, x); // a constant, as the checker may know
}

/* args[N] of the table: NULL: told, or it is none (*@ret_row then is NULL). */
static const struct d_arg *row_arg(struct d_lower *l, const struct ast *x)
{
	const struct ast *i = x->u.op.b;

	if (i->kind != AST_INT || i->next) {
		d_error(l, x->pos, "D_ARGS_TYPE", "the index of args[] must be a number");
		return NULL;
	}
	if (i->u.num >= MEM_LEN(l->row->args) || !l->row->args[i->u.num].type) {
		d_error(l, x->pos, "D_ARGS_IDX", "this probe has no args[%llu]",
			(unsigned long long)i->u.num);
		return NULL;
	}
	const struct d_arg *a = &l->row->args[i->u.num];
	if (!a->expr[l->world]) {
		d_error(l, x->pos, "not-here", "args[%llu] of this probe cannot be had here",
			(unsigned long long)i->u.num);
		return NULL;
	}
	return a;
}

static bool is_args(const struct ast *x)
{
	return x->kind == AST_INDEX && x->u.op.a->kind == AST_NAME &&
	       !strcmp(x->u.op.a->u.name, "args");
}

/* args[N] of a function or marker: by its place among the typed arguments. */
struct ast *d_typed_arg(struct d_lower *l, struct pos pos, unsigned n)
{
	const char text[2] = { '#', (char)('0' + n) };
	struct ast *m = d_new(l, AST_MEMBER, pos);

	if (!m)
		return NULL;
	m->u.member.x = d_new_name(l, pos, "args");
	m->u.member.name = arena_strndup(l->p->arena, text, sizeof(text));
	if (!m->u.member.x || !m->u.member.name)
		l->p->r = -ENOMEM;
	return l->p->r ? NULL : m;
}

static struct ast *typed_arg(struct d_lower *l, const struct ast *x)
{
	const struct ast *i = x->u.op.b;

	if (i->kind == AST_INT && !i->next && i->u.num <= 9)
		return d_typed_arg(l, x->pos, (unsigned)i->u.num);
	d_error(l, x->pos, "D_ARGS_IDX", "the index of args[] must be 0 to 9");
	return NULL;
}

static struct ast *args(struct d_lower *l, const struct ast *x)
{
	struct ast plain = *x;

	switch (l->row->how) {
	case D_HOW_TABLE: {
		const struct d_arg *a = row_arg(l, x);
		return a ? d_snippet(l, x->pos, a->expr[l->world], NULL) : NULL;
	}
	case D_HOW_FBT_ENTRY: return typed_arg(l, x);
	case D_HOW_FBT_RETURN:
		if (x->u.op.b->kind == AST_INT && x->u.op.b->u.num == 1)
			return d_snippet(l, x->pos, "retval", NULL);
		break;
	case D_HOW_SYSCALL_ENTRY:
	case D_HOW_SYSCALL_RETURN:
	case D_HOW_PID_ENTRY:
	case D_HOW_PID_RETURN:
	case D_HOW_USDT:
		if (x->u.op.b->kind == AST_INT && x->u.op.b->u.num < 10) {
			static const char *const texts[] = {
				"arg0", "arg1", "arg2", "arg3", "arg4",
				"arg5", "arg6", "arg7", "arg8", "arg9"
			};
			bool known;
			plain.kind = AST_NAME;
			plain.u.name = texts[x->u.op.b->u.num];
			return d_builtin(l, &plain, &known);
		}
		break;
	default: break;
	}
	d_error(l, x->pos, "D_ARGS_NONE", "this probe has no such args[]");
	return NULL;
}

static struct ast *index_of(struct d_lower *l, const struct ast *x)
{
	if (is_args(x))
		return args(l, x);
	if (x->u.op.a->kind == AST_NAME && !strcmp(x->u.op.a->u.name, "uregs"))
		return d_user_register(l, x);
	if (is_local_array(l, x) ||
	    (d_is_variable(l, x) && !is_scope(x->u.op.a, "this") && !d_is_set_whole(l, x)))
		return d_lower_variable(l, x);
	if (x->u.op.b->next) {
		d_error(l, x->pos, "D_ARR_BADREF", "an array in memory has one index");
		return NULL;
	}
	struct ast *a = d_lower_expr(l, x->u.op.a), *b = d_lower_expr(l, x->u.op.b);
	return b ? d_faulting(l, op_new(l, AST_INDEX, x->pos, OP_NONE, a, b)) : NULL;
}

/* What a translated value is made of. */
struct translated {
	const char *type, *from;
	struct ast *subject;
};

static bool translated_task(struct d_lower *l, struct pos pos, const char *type,
			    struct translated *ret)
{
	const char *task = d_task(l);

	ret->type = type;
	ret->from = task			   ? "task"
		    : !l->row			   ? "current"
		    : l->row->about == D_NEXT	   ? "next"
		    : l->row->about == D_NEW_IMAGE ? "image"
						   : "current";
	ret->subject = task ? d_snippet(l, pos, task, NULL) : NULL;
	return true;
}

/* fds[N].x: the file of the thread's own table. */
static bool translated_fd(struct d_lower *l, const struct ast *x, struct translated *ret)
{
	struct ast *fd = d_lower_expr(l, x->u.op.b);

	if (!fd)
		return true;
	if (l->world == D_RECORDED) {
		d_error(l, x->pos, "not-here", "fds[] cannot be had from a trace");
		return true;
	}
	ret->type = "fileinfo_t";
	ret->from = "file";
	ret->subject = d_snippet(l, x->pos, "curtask->files->fdt->fd[$_]", fd);
	return true;
}

static bool translated_arg(struct d_lower *l, const struct ast *x, struct translated *ret)
{
	if (l->row->how != D_HOW_TABLE)
		return false;
	const struct d_arg *a = row_arg(l, x);
	if (!a)
		return true;
	if (!a->from[l->world])
		return false;
	ret->type = a->type;
	ret->from = a->from[l->world];
	ret->subject = d_snippet(l, x->pos, a->expr[l->world], NULL);
	return true;
}

/* xlate <psinfo_t *>(curthread) */
static bool translated_xlate(struct d_lower *l, const struct ast *x, struct translated *ret)
{
	const struct ast_type *t = x->note;
	const char *type = d_translated_type(t->name);

	if (!type || x->u.call.n_args != 1) {
		d_error(l, x->pos, "D_XLATE_NONE", "there is no translator to '%s'", t->name);
		return true;
	}
	ret->type = type;
	ret->from = !strcmp(type, "fileinfo_t")				       ? "file"
		    : !strcmp(type, "bufinfo_t") || !strcmp(type, "devinfo_t") ? "request"
									       : "task";
	ret->subject = d_lower_expr(l, x->u.call.args);
	return true;
}

/* Whether @x is a value of a translated type; its @subject may be NULL where that was told. */
static bool translated(struct d_lower *l, const struct ast *x, struct translated *ret)
{
	*ret = (struct translated){ 0 };
	if (x->kind == AST_UNARY && x->u.op.op == OP_DEREF)
		x = x->u.op.a;
	if (x->kind == AST_NAME && !strcmp(x->u.name, "curpsinfo"))
		return translated_task(l, x->pos, "psinfo_t", ret);
	if (x->kind == AST_NAME && !strcmp(x->u.name, "curlwpsinfo"))
		return translated_task(l, x->pos, "lwpsinfo_t", ret);
	if (x->kind == AST_CALL && !strcmp(x->u.call.name, "xlate"))
		return translated_xlate(l, x, ret);
	if (x->kind == AST_NAME && !strcmp(x->u.name, "curcpu")) {
		*ret = (struct translated){ .type = "cpuinfo_t", .from = "here" };
		return true;
	}
	if (x->kind != AST_INDEX || x->u.op.a->kind != AST_NAME || is_global(l, x->u.op.a->u.name))
		return false;
	if (!strcmp(x->u.op.a->u.name, "fds"))
		return translated_fd(l, x, ret);
	return is_args(x) && translated_arg(l, x, ret);
}

static struct ast *member(struct d_lower *l, const struct ast *x)
{
	struct translated t;

	if (d_is_variable(l, x))
		return d_lower_variable(l, x);
	if (translated(l, x->u.member.x, &t))
		return t.type ? d_translate(l, x->pos, t.type, t.from, t.subject, x->u.member.name)
			      : NULL;
	struct ast *of = d_lower_expr(l, x->u.member.x),
		   *y = of ? d_new(l, AST_MEMBER, x->pos) : NULL;
	if (!y)
		return NULL;
	y->u.member = x->u.member;
	y->u.member.x = of;
	return d_faulting(l, y);
}

/* a = b inside of an expression: done before the statement, where that is the same. */
static struct ast *assignment(struct d_lower *l, const struct ast *x)
{
	if (l->is_conditional || !l->pre) {
		d_error(l, x->pos, "not-supported",
			"an assignment inside of a condition is not supported; it can be a "
			"statement before it");
		return NULL;
	}
	if (!d_is_variable(l, x->u.op.a)) {
		d_error(l, x->u.op.a->pos, "D_OP_LVAL", "only variables can be set");
		return NULL;
	}
	struct ast *value = d_lower_expr(l, x->u.op.b);
	struct ast *target = value ? d_lower_variable(l, x->u.op.a) : NULL;
	struct ast *s = op_new(l, AST_ASSIGN, x->pos, x->u.op.op, target, value);
	if (!s)
		return NULL;
	while (*l->pre)
		l->pre = &(*l->pre)->next;
	*l->pre = s;
	return d_lower_variable(l, x->u.op.a);
}

static struct ast *lower_conditional(struct d_lower *l, const struct ast *x)
{
	const bool was = l->is_conditional;

	l->is_conditional = true;
	struct ast *y = d_lower_expr(l, x);
	l->is_conditional = was;
	return y;
}

static bool is_probe_name(const struct ast *x)
{
	return x->kind == AST_NAME && !strncmp(x->u.name, "probe", 5) &&
	       (!strcmp(x->u.name + 5, "prov") || !strcmp(x->u.name + 5, "mod") ||
		!strcmp(x->u.name + 5, "func") || !strcmp(x->u.name + 5, "name"));
}

struct ast *d_lower_text(struct d_lower *l, const struct ast *x)
{
	struct ast *y = d_lower_expr(l, x);

	return y && is_probe_name(x) ? d_new_call(l, x->pos, "stringof", y) : y;
}

static struct ast *binary(struct d_lower *l, const struct ast *x)
{
	const bool logic = x->u.op.op == OP_LAND || x->u.op.op == OP_LOR;
	// With a text the names of probes are compared as they are, by their numbers.
	const bool plain = x->u.op.a->kind == AST_STR || x->u.op.b->kind == AST_STR;
	struct ast *a = plain ? d_lower_expr(l, x->u.op.a) : d_lower_text(l, x->u.op.a);
	struct ast *b = logic	? lower_conditional(l, x->u.op.b)
			: plain ? d_lower_expr(l, x->u.op.b)
				: d_lower_text(l, x->u.op.b);

	if (!a || !b)
		return NULL;
	const bool divides = x->u.op.op == OP_DIV || x->u.op.op == OP_MOD;
	if ((int)x->u.op.op != D_OP_LXOR) {
		struct ast *y = op_new(l, AST_BINARY, x->pos, x->u.op.op, a, b);
		return divides && b->kind != AST_INT ? d_faulting(l, y) : y;
	}
	// a ^^ b: !a != !b
	a = op_new(l, AST_UNARY, x->pos, OP_NOT, a, NULL);
	b = op_new(l, AST_UNARY, x->pos, OP_NOT, b, NULL);
	return b ? op_new(l, AST_BINARY, x->pos, OP_NE, a, b) : NULL;
}

static struct ast *unary(struct d_lower *l, const struct ast *x)
{
	if (x->u.op.op >= OP_PRE_INC && !d_is_variable(l, x->u.op.a)) {
		d_error(l, x->u.op.a->pos, "D_OP_LVAL", "only variables can be stepped");
		return NULL;
	}
	// &x of what is behind a pointer is the pointer's own matter: &p->x stays with the checker.
	struct ast *y = op_new(l, AST_UNARY, x->pos, x->u.op.op, d_lower_expr(l, x->u.op.a), NULL);
	return x->u.op.op == OP_DEREF ? d_faulting(l, y) : y;
}

static struct ast *ternary(struct d_lower *l, const struct ast *x)
{
	struct ast *c = d_lower_expr(l, x->u.cond.cond);
	struct ast *yes = lower_conditional(l, x->u.cond.yes);
	struct ast *no = lower_conditional(l, x->u.cond.no);
	struct ast *y = c && yes && no ? d_new(l, AST_TERNARY, x->pos) : NULL;

	if (!y)
		return NULL;
	y->u.cond.cond = c;
	y->u.cond.yes = yes;
	y->u.cond.no = no;
	return y;
}

static struct ast *cast(struct d_lower *l, const struct ast *x)
{
	struct ast *of = x->u.cast.x ? d_lower_expr(l, x->u.cast.x) : NULL;
	struct ast *y = of || !x->u.cast.x ? d_new(l, x->kind, x->pos) : NULL;

	if (!y)
		return NULL;
	y->u.cast = x->u.cast;
	y->u.cast.x = of;
	if (x->u.cast.type)
		y->u.cast.type = d_lower_type(l, x->u.cast.type);
	// (string)x is what stringof(x) is.
	if (x->kind == AST_CAST && x->u.cast.type && !strcmp(x->u.cast.type->name, "string") &&
	    !x->u.cast.type->n_ptrs)
		return d_new_call(l, x->pos, "stringof", of);
	return y;
}

/* a, b as a value: all but the last for their effect. */
static struct ast *comma(struct d_lower *l, const struct ast *x)
{
	struct ast *last = NULL;

	for (const struct ast *e = x->u.list.first; e; e = e->next) {
		last = d_lower_expr(l, e);
		if (!last)
			return NULL;
	}
	return last;
}

struct ast *d_lower_expr(struct d_lower *l, const struct ast *x)
{
	if (l->p->r)
		return NULL;
	switch (x->kind) {
	case AST_NAME: return name(l, x);
	case AST_MEMBER: return member(l, x);
	case AST_INDEX: return index_of(l, x);
	case AST_ASSIGN: return assignment(l, x);
	case AST_BINARY: return binary(l, x);
	case AST_UNARY: return unary(l, x);
	case AST_TERNARY: return ternary(l, x);
	case AST_CAST:
	case AST_SIZEOF:
	case AST_OFFSETOF: return cast(l, x);
	case AST_CALL: return d_lower_call(l, x);
	case AST_TUPLE: return comma(l, x);
	case AST_MAP:
		d_error(l, x->pos, "D_AGG_NULL", "the aggregation '@%s' is no value",
			x->u.map.name);
		return NULL;
	default: return d_copy(l, x);
	}
}
