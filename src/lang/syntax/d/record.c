/* SPDX-License-Identifier: MIT */
/**
 * Variables that are structs of the script. Each of their members is a variable of its own, named
 * "x.member": members come and go, and are typed, as other variables do.
 */
#include <errno.h>
#include <string.h>

#include "lang/syntax/d/tree.h"

enum { NESTED_MOST = 8, MEMBERS_MOST = 256 };

enum { IS_MEMBER = 1, IS_RECORD };

/* Declares all members of one variable. */
struct declaring {
	struct d_parser *dp;
	bool is_global;
	unsigned n;
};

const char *d_joined(struct parser *p, const char *a, const char *between, const char *b)
{
	const size_t na = strlen(a), n = strlen(between), nb = strlen(b);
	char *ret = parser_alloc(p, na + n + nb + 1);

	if (ret) {
		memcpy(ret, a, na);
		memcpy(ret + na, between, n);
		memcpy(ret + na + n, b, nb);
	}
	return ret;
}

static const struct ast_def *def_named(const struct parser *p, enum ast_def_kind kind,
				       const char *name)
{
	for (const struct ast_def *def = p->s->defs; def; def = def->next)
		if (def->kind == kind && !strcmp(def->name, name))
			return def;
	return NULL;
}

/* The struct that the type is, as the script defines it. NULL: it is none. */
static const struct ast_def *struct_of(const struct parser *p, const struct ast_type *t,
				       const struct ast_def *nameless)
{
	for (unsigned i = 0; i < NESTED_MOST && !t->n_ptrs && !t->n_dims; i++) {
		if (nameless)
			return nameless->kind == AST_DEF_STRUCT ? nameless : NULL;
		if (!strncmp(t->name, "struct ", 7))
			return def_named(p, AST_DEF_STRUCT, t->name + 7);
		const struct ast_def *def = def_named(p, AST_DEF_TYPEDEF, t->name);
		if (!def)
			return NULL;
		nameless = def->fields->def;
		t = def->fields->type;
	}
	return NULL;
}

static bool declare(struct declaring *d, const char *name, const struct ast_type *t,
		    const struct ast_def *nameless, unsigned depth);

static bool declare_members(struct declaring *d, const char *name, const struct ast_def *def,
			    unsigned depth)
{
	struct parser *p = &d->dp->p;

	for (const struct ast_field *f = def->fields; f; f = f->next) {
		// What is inside of a nameless struct is a member of the outer one.
		const char *inner = *f->name ? d_joined(p, name, ".", f->name) : name;
		if (!inner)
			return false;
		if (!*f->name && f->def && f->def->kind == AST_DEF_STRUCT) {
			if (!depth || !declare_members(d, name, f->def, depth - 1))
				return false;
		} else if (*f->name && !declare(d, inner, f->type, f->def, depth)) {
			return false;
		}
	}
	return true;
}

static bool declare(struct declaring *d, const char *name, const struct ast_type *t,
		    const struct ast_def *nameless, unsigned depth)
{
	struct parser *p = &d->dp->p;
	const struct ast_def *def = struct_of(p, t, nameless);

	if (def && (!depth || d->n++ >= MEMBERS_MOST)) {
		diag_error(p->d, t->pos, "too-large", "a variable has at most %d members",
			   MEMBERS_MOST);
		return false;
	}
	if (!parser_ok(p, names_put(&d->dp->tree.records, name, def ? IS_RECORD : IS_MEMBER)))
		return false;
	if (def)
		return declare_members(d, name, def, depth - 1);
	if (!d_declare(d->dp, name, t))
		return false;
	return !d->is_global || parser_ok(p, names_put(&d->dp->tree.globals, name, 1));
}

bool d_record_declare(struct d_parser *dp, const char *scope, const char *name,
		      const struct ast_type *t)
{
	struct declaring d = { .dp = dp, .is_global = !*scope };

	if (!struct_of(&dp->p, t, NULL))
		return true;
	name = d_joined(&dp->p, scope, "", name);
	return name && declare(&d, name, t, NULL, NESTED_MOST);
}

/* Where the variable's name is kept: NULL: @x is none that may be a struct. */
static const char **name_of(struct ast *x, const char **ret_scope)
{
	if (x->kind == AST_INDEX)
		x = x->u.op.a;
	*ret_scope = "";
	if (x->kind == AST_NAME)
		return &x->u.name;
	if (x->kind != AST_MEMBER || !x->u.member.arrow || x->u.member.x->kind != AST_NAME)
		return NULL;
	const char *of = x->u.member.x->u.name;
	*ret_scope = !strcmp(of, "self") ? "self->" : "this->";
	return !strcmp(of, "self") || !strcmp(of, "this") ? &x->u.member.name : NULL;
}

static bool is_record(struct d_parser *dp, struct ast *x, const char ***ret_name,
		      const char **ret_scope)
{
	int64_t what;

	*ret_name = name_of(x, ret_scope);
	if (!*ret_name || !dp->tree.records.n)
		return false;
	const char *path = d_joined(&dp->p, *ret_scope, "", **ret_name);
	return path && names_get(&dp->tree.records, path, &what) && what == IS_RECORD;
}

bool d_record_is(struct d_parser *dp, const struct ast *x)
{
	const char **name, *scope;

	return is_record(dp, (struct ast *)x, &name, &scope);
}

bool d_record_member(struct d_parser *dp, struct ast *x, struct pos pos, const char *member,
		     bool *ret_is)
{
	struct parser *p = &dp->p;
	const char **name, *scope;
	int64_t what;

	*ret_is = is_record(dp, x, &name, &scope);
	if (!*ret_is)
		return p->r == 0;
	const char *whole = d_joined(p, *name, ".", member);
	const char *path = whole ? d_joined(p, scope, "", whole) : NULL;
	if (!path)
		return false;
	if (!names_get(&dp->tree.records, path, &what)) {
		diag_error(p->d, pos, "unknown-field", "'%s%s' has no member '%s'", scope, *name,
			   member);
		return false;
	}
	*name = whole;
	return true;
}
