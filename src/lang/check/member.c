/* SPDX-License-Identifier: MIT */
/** Names, members and elements: built-ins, enumerators, fields of arguments and of C types. */
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"

/* The nearest of the built-ins' names, or NULL. */
static const char *near_builtin(const char *name)
{
	const char *best = NULL;
	unsigned best_distance = NEAR_NOT;

	for (const struct builtin *b = builtin_all; b->name; b++) {
		if (builtin_is_of_d(b))
			continue;
		const char *full = b->id == B_ARG ? "arg0" : b->id == B_SARG ? "sarg0" : b->name;
		const unsigned d = near_distance(name, full);
		if (d < best_distance) {
			best_distance = d;
			best = full;
		}
	}
	return best;
}

static bool regs_given(const struct probe *p)
{
	return p->args == ARGS_REGS || p->args == ARGS_USDT || p->args == ARGS_PERF;
}

static void check_arg(struct check *c, struct ast *x)
{
	const struct probe *p = c->point;
	const int64_t n = x->note_n;

	x->type = &type_u64;
	if (p->args == ARGS_USDT && (uint64_t)n >= p->n_usdt)
		check_error(c, x->pos, "no-argument", "'%s' has %zu arguments, no '%s'", p->name,
			    p->n_usdt, x->u.name);
	if (p->args == ARGS_USDT && (uint64_t)n < p->n_usdt) {
		const struct usdt_arg *a = &p->usdt[n];
		const unsigned len = (unsigned)(a->len < 0 ? -a->len : a->len);
		if (a->kind == USDT_UNKNOWN || !len || len > 8 || (len & (len - 1)))
			check_error(c, x->pos, "no-argument",
				    "'%s' keeps '%s' where no probe can read it", p->name,
				    x->u.name);
		else
			x->type = type_int(len, a->len < 0);
	}
	if ((p->args == ARGS_RAW || p->args == ARGS_TYPED) && n < 12)
		return;
	if (c->ast->d && p->args == ARGS_SYSCALL && !p->is_syscall_exit && n < 6)
		return;
	if (p->is_return || (p->args != ARGS_REGS && p->args != ARGS_USDT))
		check_error(c, x->pos, "no-argument", "'%s' gives no '%s'", p->name, x->u.name);
	else if (n > 5 && p->args == ARGS_REGS)
		check_error(c, x->pos, "no-argument",
			    "'%s' is not in a register; 'sarg%lld' reads it from the stack",
			    x->u.name, (long long)n - 6);
}

static void check_retval(struct check *c, struct ast *x)
{
	const struct probe *p = c->point;

	x->type = &type_u64;
	if (!p->is_return && !p->is_syscall_exit) {
		check_error(c, x->pos, "no-retval",
			    "'%s' gives no 'retval'; only the return of a function does", p->name);
		return;
	}
	if (p->proto && p->args == ARGS_TYPED) {
		const struct type *t = check_of_c(c, ctype_elem(p->proto), check_in_user(c));
		if (t && type_is_number(t))
			x->type = t;
	}
}

static void check_curtask(struct check *c, struct ast *x)
{
	const struct ctype *task;

	x->type = &type_u64;
	if (!check_find_ctype(c, "struct task_struct", &task))
		return;
	struct type *t = type_new(c->arena, TYPE_PTR, 8, 8);
	if (t)
		t->c = task;
	x->type = check_made(c, t);
}

static void check_stack(struct check *c, struct ast *x, enum type_kind kind)
{
	struct type *t = type_new(c->arena, kind, sizeof(struct stack_value), 8);

	if (t) {
		t->stack_depth = STACK_MOST;
		t->stack_mode = c->stack_mode;
	}
	x->type = check_made(c, t);
}

static void check_func_name(struct check *c, struct ast *x)
{
	const struct probe *p = c->point;

	if (p->func) {
		x->type = check_made(c, type_str(c->arena, ((uint32_t)strlen(p->func) + 8) & ~7U));
		return;
	}
	if (!regs_given(p) && p->args != ARGS_TYPED) {
		check_error(c, x->pos, "no-function", "'%s' is no function's probe", p->name);
		x->type = NULL;
		return;
	}
	const bool user = check_in_user(c);
	x->type = check_made(c, type_new(c->arena, user ? TYPE_USYM : TYPE_KSYM,
					 user ? sizeof(struct usym_value) : 8, 8));
}

static void check_builtin(struct check *c, struct ast *x, const struct builtin *b)
{
	const char *why = check_lacks(c, b->name);

	x->note = b;
	x->type = b->type;
	if (why)
		check_error(c, x->pos, "not-here", "'%s' cannot be had: %s", x->u.name, why);
	switch (b->id) {
	case B_COMM:
	case B_PCOMM: x->type = check_made(c, type_str(c->arena, 16)); break;
	case B_USERNAME: x->type = check_made(c, type_new(c->arena, TYPE_USER, 8, 8)); break;
	case B_PROBE: x->type = check_made(c, type_new(c->arena, TYPE_PROBE, 8, 8)); break;
	case B_KSTACK: check_stack(c, x, TYPE_KSTACK); break;
	case B_USTACK: check_stack(c, x, TYPE_USTACK); break;
	case B_ARG: check_arg(c, x); break;
	case B_SARG:
		if (!regs_given(c->point) || c->point->is_return)
			check_error(c, x->pos, "no-argument", "'%s' gives no '%s'", c->point->name,
				    x->u.name);
		break;
	case B_RETVAL: check_retval(c, x); break;
	case B_PROBEPROV:
	case B_PROBEMOD:
	case B_PROBEFUNC:
	case B_PROBENAME:
		x->note_n = b->id - B_PROBEPROV;
		x->type = check_made(c, type_new(c->arena, TYPE_PROBE, 8, 8));
		break;
	case B_CALLER: x->type = check_made(c, type_new(c->arena, TYPE_KSYM, 8, 8)); break;
	case B_UCALLER:
		x->type =
			check_made(c, type_new(c->arena, TYPE_USYM, sizeof(struct usym_value), 8));
		break;
	case B_FUNC: check_func_name(c, x); break;
	case B_CURTASK: check_curtask(c, x); break;
	case B_ARGS:
	case B_CTX: {
		struct type *t = type_new(c->arena, TYPE_PTR, 8, 8);
		if (t) {
			// An iterator's context is a struct of pointers to what it shows.
			t->is_ctx = b->id == B_ARGS || c->point->args == ARGS_ITER;
			t->c = ctype_basic("void");
		}
		x->type = check_made(c, t);
		break;
	}
	default: break;
	}
}

void check_name(struct check *c, struct ast *x)
{
	int64_t n = 0;
	const struct builtin *b = builtin_find(x->u.name, c->ast->d != NULL, &n);

	x->note = NULL;
	x->note_n = n;
	if (b) {
		check_builtin(c, x, b);
		return;
	}
	x->type = &type_i64;
	for (const struct ast_def *d = c->ast->defs; d; d = d->next)
		for (const struct ast_field *f = d->kind == AST_DEF_ENUM ? d->fields : NULL; f;
		     f = f->next)
			if (!strcmp(f->name, x->u.name)) {
				x->note_n = f->value;
				return;
			}
	if (constant_find(x->u.name, &x->note_n))
		return;
	if (c->point->types && ctypes_enumerator(c->point->types, x->u.name, &x->note_n))
		return;
	struct ctypes *db = check_kernel_types(c);
	if (db && ctypes_enumerator(db, x->u.name, &x->note_n))
		return;
	x->type = NULL;
	const char *near = c->ast->d ? NULL : near_builtin(x->u.name); // D has other names
	if (near)
		check_error(c, x->pos, "unknown-name", "unknown name '%s'; did you mean '%s'?",
			    x->u.name, near);
	else
		check_error(c, x->pos, "unknown-name", "unknown name '%s'", x->u.name);
}

/* What has no fixed place is a string, or known by the address of its first element. */
static const struct type *type_of_field(struct check *c, const struct probe_field *f)
{
	const bool is_call = f->place == FIELD_CALL || f->place == FIELD_PART;
	if (f->place == FIELD_FIXED || (is_call && (f->type->kind != CT_ARRAY || f->type->n)))
		return check_of_c(c, f->type, f->type->is_user || check_in_user(c));
	const struct ctype *elem = f->type->kind == CT_ARRAY ? ctype_elem(f->type) : NULL;
	if (elem && elem->kind == CT_INT && elem->is_char)
		return check_made(c, type_str(c->arena, (c->max_strlen + 7) & ~7U));
	struct type *t = type_new(c->arena, TYPE_PTR, 8, 8);
	if (t)
		t->c = f->type->kind == CT_ARRAY || f->type->kind == CT_PTR ? ctype_elem(f->type)
									    : f->type;
	return check_made(c, t);
}

static bool is_parameter(const struct probe *p, const char *name)
{
	size_t n = 0;
	const struct cmember *m = p->proto ? ctype_members(p->proto, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(m[i].name, name))
			return true;
	return false;
}

/* args.#N, which D's front end writes for args[N]: by its place, behind the number of the call. */
static bool check_args_place(struct check *c, struct ast *x)
{
	const struct probe *p = c->point;
	size_t n = (size_t)(x->u.member.name[1] - '0');
	bool are_named = false;

	for (size_t i = 0; i < p->n_fields; i++) { // where they are not fields of their own
		are_named = are_named || p->fields[i].name[0] == '#';
		if (!strcmp(p->fields[i].name, x->u.member.name)) {
			x->note = &p->fields[i];
			x->type = type_of_field(c, x->note);
			return true;
		}
	}
	if (p->n_fields && (!strcmp(p->fields[0].name, "__syscall_nr") ||
			    !strcmp(p->fields[0].name, "id") || !strcmp(p->fields[0].name, "nr")))
		n++;
	if (are_named || n >= p->n_fields) {
		check_error(c, x->pos, "no-argument", "'%s' has no args[%c]", p->name,
			    x->u.member.name[1]);
		return false;
	}
	x->note = &p->fields[n];
	x->type = type_of_field(c, x->note);
	return true;
}

/* args.x: a field of the probe's record, or an argument by name. */
static void check_args_field(struct check *c, struct ast *x)
{
	const struct probe *p = c->point;
	const char *near = NULL;
	unsigned best = NEAR_NOT;

	if (x->u.member.name[0] == '#') {
		x->type = NULL;
		(void)check_args_place(c, x); // told
		return;
	}
	for (size_t i = 0; i < p->n_fields; i++) {
		const struct probe_field *f = &p->fields[i];

		if (!strcmp(f->name, x->u.member.name)) {
			x->note = f;
			x->part = f->has_parts ? f : NULL;
			x->type = type_of_field(c, f);
			return;
		}
		const unsigned d = near_distance(x->u.member.name, f->name);
		if (d < best) {
			best = d;
			near = f->name;
		}
	}
	x->type = NULL;
	if (is_parameter(p, x->u.member.name))
		check_error(c, x->pos, "no-argument",
			    "'%s' is an argument of '%s', but no script can read it where it is",
			    x->u.member.name, p->name);
	else if (!p->n_fields)
		check_error(c, x->pos, "no-arguments",
			    "nothing is known of the arguments of '%s'%s%s", p->name,
			    p->no_args ? ": " : "", p->no_args ? p->no_args : "");
	else if (near)
		check_error(c, x->pos, "unknown-field",
			    "'%s' has no argument '%s'; did you mean '%s'?", p->name,
			    x->u.member.name, near);
	else
		check_error(c, x->pos, "unknown-field", "'%s' has no argument '%s'", p->name,
			    x->u.member.name);
}

static void check_tuple_field(struct check *c, struct ast *x, const struct type *t)
{
	const char *name = x->u.member.name;
	size_t n = 0;

	for (const char *p = name; *p >= '0' && *p <= '9' && n < 1000; p++)
		n = 10 * n + (size_t)(*p - '0');
	if (*name < '0' || *name > '9' || n >= t->n) {
		check_error(c, x->pos, "unknown-field", "a tuple of %u has no part '%s'", t->n,
			    name);
		return;
	}
	x->note = &t->fields[n];
	x->type = t->fields[n].type;
}

static void check_record_field(struct check *c, struct ast *x, const struct type *t)
{
	struct cmember *m = arena_new(c->arena, struct cmember);

	if (!m) {
		c->no_memory = true;
		return;
	}
	if (t->kind == TYPE_PTR && !check_memory(c, x->pos))
		return;
	const struct ctype *ct = t->c;
	const struct ctype *full;
	char tag[128];
	if (ct->is_forward && ct->name &&
	    snprintf(tag, sizeof(tag), "%s %s", ct->kind == CT_UNION ? "union" : "struct",
		     ct->name) < (int)sizeof(tag) &&
	    check_find_ctype(c, tag, &full))
		ct = full;
	if (ctype_member(ct, x->u.member.name, m)) {
		x->note = m;
		x->type = check_of_c(c, m->type, t->is_user);
		return;
	}
	const char *near = ctype_member_near(ct, x->u.member.name);
	struct strbuf words = { 0 };
	ctype_print(ct, &words);
	if (ct->kind != CT_STRUCT && ct->kind != CT_UNION)
		check_error(c, x->pos, "no-struct", "'%s' has no fields, so no '%s'",
			    strbuf_text(&words), x->u.member.name);
	else if (ct->is_forward)
		check_error(c, x->pos, "unknown-field",
			    "of '%s' only the name is known here, and no field '%s'",
			    strbuf_text(&words), x->u.member.name);
	else if (near)
		check_error(c, x->pos, "unknown-field",
			    "'%s' has no field '%s'; did you mean '%s'?", strbuf_text(&words),
			    x->u.member.name, near);
	else
		check_error(c, x->pos, "unknown-field", "'%s' has no field '%s'",
			    strbuf_text(&words), x->u.member.name);
	strbuf_fini(&words);
}

/* A member or an element (NULL) of a field that has such. False: it has none. */
static bool check_part(struct check *c, struct ast *x, const struct ast *of, const char *member)
{
	const char *why = NULL;

	if (!of->part || !of->part->has_parts)
		return false;
	x->part = c->world->ops->part(c->world, c->arena, of->part, member, &why);
	if (!x->part && !why)
		c->no_memory = true;
	else if (!x->part)
		check_error(c, x->pos, member ? "unknown-field" : "bad-operand", "%s", why);
	else
		x->type = type_of_field(c, x->part);
	return true;
}

void check_member(struct check *c, struct ast *x)
{
	c->ctx_fine = true;
	const struct type *t = check_expr(c, x->u.member.x);

	x->type = NULL;
	x->note = NULL;
	x->part = NULL;
	if (!t || check_part(c, x, x->u.member.x, x->u.member.name))
		return;
	if (t->kind == TYPE_PTR && t->is_ctx)
		check_args_field(c, x);
	else if (t->kind == TYPE_TUPLE)
		check_tuple_field(c, x, t);
	else if (t->kind == TYPE_PTR || t->kind == TYPE_RECORD)
		check_record_field(c, x, t);
	else
		check_error(c, x->pos, "no-struct",
			    "this has no fields, so no '%s'; a cast makes it a struct",
			    x->u.member.name);
}

void check_index(struct check *c, struct ast *x)
{
	const struct type *t = check_expr(c, x->u.op.a), *i = check_expr(c, x->u.op.b);
	int64_t n;

	x->type = NULL;
	x->part = NULL;
	if (i && i->kind != TYPE_INT)
		check_error(c, x->u.op.b->pos, "bad-index", "an index must be a number");
	if (t && t->kind == TYPE_ARRAY && t->n && check_const(c, x->u.op.b, &n) &&
	    (n < 0 || n >= t->n))
		check_error(c, x->u.op.b->pos, "bad-index",
			    "index %lld is outside of the array's %u elements", (long long)n, t->n);
	if (!t || check_part(c, x, x->u.op.a, NULL))
		return;
	if (t->kind == TYPE_ARRAY) {
		x->type = t->elem;
	} else if (t->kind == TYPE_PTR && !t->is_ctx && t->c->kind != CT_VOID) {
		(void)check_memory(c, x->pos); // told
		x->type = check_of_c(c, t->c, t->is_user);
	} else if (t->kind == TYPE_STR) {
		x->type = type_int(1, true);
		if (check_const(c, x->u.op.b, &n) && (n < 0 || n >= t->size))
			check_error(c, x->u.op.b->pos, "bad-index",
				    "index %lld is outside of the string's %u bytes", (long long)n,
				    t->size);
	} else {
		check_error(c, x->pos, "bad-operand", "this has no elements");
	}
}
