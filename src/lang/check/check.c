/* SPDX-License-Identifier: MIT */
/** What is known of maps and variables, and checking a whole probe. */
#include "lang/check/check.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

enum { MAPS_MOST = 500, VARS_MOST = 2000, VAR_ROUNDS = 500 };

int check_init(struct check *c, struct diag *d, struct arena *a, struct world *w,
	       struct script_ast *ast, const struct compile_options *opt)
{
	*c = (struct check){ .diag = d, .arena = a, .world = w, .opt = opt, .ast = ast };
	c->max_strlen = opt->max_strlen ? opt->max_strlen : STR_LEN;
	c->max_map_keys = opt->max_map_keys ? opt->max_map_keys : MAP_KEYS_USUAL;
	return 0;
}

void check_fini(struct check *c)
{
	free(c->own);
	c->own = NULL;
}

const struct type *check_made(struct check *c, const struct type *t)
{
	if (!t)
		c->no_memory = true;
	return t;
}

struct map_info *check_map(struct check *c, const char *name)
{
	struct map_info **at = &c->maps;

	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->name, name))
			return *at;
	if (c->n_maps >= MAPS_MOST) {
		check_error(c, c->probe->pos, "too-many-maps", "more than %d maps", MAPS_MOST);
		return NULL;
	}
	struct map_info *m = arena_new(c->arena, struct map_info);
	if (!m) {
		c->no_memory = true;
		return NULL;
	}
	m->name = name;
	m->index = (uint32_t)c->n_maps++;
	for (const struct ast_map_decl *d = c->ast->maps; d; d = d->next)
		if (!strcmp(d->name, name))
			m->decl = d;
	*at = m;
	return m;
}

static bool join_fields(struct check *c, const struct type *a, const struct type *b,
			const struct type **ret)
{
	const struct type *elems[64];

	if (a->n != b->n || a->n > MEM_LEN(elems))
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		elems[i] = check_join(c, a->fields[i].type, b->fields[i].type);
		if (!elems[i])
			return false;
	}
	*ret = check_made(c, type_tuple(c->arena, elems, a->n));
	return *ret != NULL;
}

/* Names of probes are numbers, where they meet no other strings. */
static const struct type *name_as_string(struct check *c)
{
	return check_made(c, type_str(c->arena, PROBE_NAME_SIZE));
}

const struct type *check_join(struct check *c, const struct type *a, const struct type *b)
{
	const struct type *both = NULL;

	if (type_same(a, b))
		return a->kind == TYPE_INT && b->shown > a->shown ? b : a;
	if (a->kind == TYPE_PROBE && b->kind == TYPE_STR)
		return b->size >= PROBE_NAME_SIZE ? b : name_as_string(c);
	if (b->kind == TYPE_PROBE && a->kind == TYPE_STR)
		return check_join(c, b, a);
	if (type_is_number(a) && type_is_number(b)) {
		if (a->kind != b->kind)
			return a->kind == TYPE_PTR ? a : b;
		if (a->kind == TYPE_PTR || a->size >= b->size)
			return a;
		return a->is_signed == b->is_signed ? b : type_int(b->size, a->is_signed);
	}
	if (a->kind != b->kind)
		return NULL;
	switch (a->kind) {
	case TYPE_STR:
	case TYPE_BUF: return a->size >= b->size ? a : b;
	case TYPE_TUPLE: return join_fields(c, a, b, &both) ? both : NULL;
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
	case TYPE_STDDEV:
	case TYPE_STATS: return a; // they differ in their sign
	default: return NULL;
	}
}

const struct type *check_kept(struct check *c, const struct type *t)
{
	if (t->kind == TYPE_INT && c->ast->d)
		return type_shown(t->shown ? t->shown : t->size, t->is_signed);
	if (t->kind == TYPE_INT && t->c && t->size < 8) { // an enumeration, with its names
		struct type *wide = type_new(c->arena, TYPE_INT, 8, 8);
		if (wide) {
			wide->is_signed = t->is_signed;
			wide->c = t->c;
		}
		return check_made(c, wide);
	}
	if (t->kind == TYPE_INT)
		return t->c ? t : type_int(8, t->is_signed);
	if (t->kind == TYPE_STR && t->size % 8) {
		struct type *whole = type_str(c->arena, (t->size + 7) & ~7U);
		return check_made(c, whole);
	}
	return t;
}

/* As @t is kept in a variable, or as a map's value: D's names of probes are strings there. */
static const struct type *kept_value(struct check *c, const struct type *t)
{
	return t->kind == TYPE_PROBE && c->ast->d ? name_as_string(c) : check_kept(c, t);
}

static void tell_mismatch(struct check *c, struct pos pos, const char *what, const char *name,
			  const struct type *was, const struct type *is)
{
	struct strbuf a = { 0 }, b = { 0 };

	type_print(was, &a);
	type_print(is, &b);
	check_error(c, pos, "type-mismatch", "%s%s is %s elsewhere, but %s here", what, name,
		    strbuf_text(&a), strbuf_text(&b));
	strbuf_fini(&a);
	strbuf_fini(&b);
}

/* A type that is now known better, which *@changed notes; false: it does not fit. */
static bool widen(struct check *c, const struct type **known, const struct type *t, bool *changed)
{
	const struct type *wider = *known ? check_join(c, *known, t) : t;

	if (!wider)
		return false;
	if (!*known || !type_same(*known, wider) || wider->shown != (*known)->shown) {
		*known = wider;
		*changed = true;
	}
	return true;
}

void check_map_val(struct check *c, struct map_info *m, const struct type *t, struct pos pos)
{
	if (!type_is_value(t)) {
		check_error(c, pos, "no-value", "this has no value that map '@%s' could hold",
			    m->name);
		return;
	}
	const struct type *kept = kept_value(c, t);
	if (!kept)
		return;
	if (!m->val)
		m->val_pos = pos;
	if (!widen(c, &m->val, kept, &c->changed))
		tell_mismatch(c, pos, "the value of @", m->name, m->val, kept);
}

void check_map_known(struct check *c, const struct map_info *m, struct pos pos)
{
	if (!m->val && c->is_partial)
		return; // what is set may be in probes that are not there, as was told
	if (!m->val && !m->written)
		check_error(c, pos, "undefined-map", "'@%s' is never set", m->name);
	else if (!m->val && !c->diag->n_errors)
		check_error(c, pos, "unknown-type", "nothing tells of which type '@%s' is",
			    m->name);
}

static bool is_tid(const struct ast *k)
{
	return k && !k->next && k->kind == AST_NAME && !strcmp(k->u.name, "tid");
}

/* The type of all keys together; NULL: not known so far. */
static const struct type *keys_type(struct check *c, struct ast *keys)
{
	const struct type *elems[64];
	uint32_t n = 0;
	bool known = true;

	for (struct ast *k = keys; k; k = k->next) {
		const struct type *t = check_expr(c, k);

		if (n == MEM_LEN(elems)) {
			check_error(c, k->pos, "too-many-keys", "more than 64 keys");
			return NULL;
		}
		if (t && (!type_is_value(t) || type_is_agg(t))) {
			check_error(c, k->pos, "bad-key", "this has no value that could be a key");
			t = NULL;
		}
		elems[n] = t ? check_kept(c, t) : NULL;
		known = known && elems[n++];
	}
	if (!known)
		return NULL;
	return n == 1 ? elems[0] : check_made(c, type_tuple(c->arena, elems, n));
}

struct map_info *check_map_keys(struct check *c, struct ast *x)
{
	struct map_info *m = check_map(c, x->u.map.name);

	if (!m)
		return NULL;
	x->note = m;
	if (!is_tid(x->u.map.keys))
		m->other_key = true;
	const struct type *t = x->u.map.keys ? keys_type(c, x->u.map.keys) : &type_none;
	if (!t)
		return m;
	if (!m->key)
		m->key_pos = x->pos;
	const bool fits =
		(m->key == NULL || (m->key->kind == TYPE_NONE) == (t->kind == TYPE_NONE)) &&
		widen(c, &m->key, t, &c->changed);
	if (!fits && (t->kind == TYPE_NONE || m->key->kind == TYPE_NONE))
		check_error(c, x->pos, "key-mismatch", "map '@%s' is used with and without keys",
			    m->name);
	else if (!fits)
		tell_mismatch(c, x->pos, "the key of @", m->name, m->key, t);
	return m;
}

struct var *check_var_find(struct check *c, const char *name)
{
	struct var *found = NULL;

	for (struct var *v = c->vars; v; v = v->next)
		if (v->used && !v->gone && !strcmp(v->name, name))
			found = v;
	if (found && found->loop != c->loop && !found->in_memory) {
		found->in_memory = true;
		c->vars_changed = true;
	}
	// Nobody knows whether that loop's body runs before.
	if (found && found->loop != c->loop && found->loop)
		found->set_first = false;
	return found;
}

struct var *check_var_add(struct check *c, const char *name, struct pos pos)
{
	struct var **at = &c->vars;
	size_t n = 0;

	// Variables of the round before come again in the same order, and keep their types.
	while (*at && (*at)->used) {
		at = &(*at)->next;
		n++;
	}
	if (n >= VARS_MOST) {
		check_error(c, pos, "too-many-variables", "more than %d variables in one probe",
			    VARS_MOST);
		return NULL;
	}
	if (!*at || strcmp((*at)->name, name) != 0) {
		struct var *v = arena_new(c->arena, struct var);
		if (!v) {
			c->no_memory = true;
			return NULL;
		}
		v->name = name;
		*at = v;
	}
	struct var *v = *at;
	v->pos = pos;
	v->used = true;
	v->gone = false;
	v->depth = 0;
	v->loop = c->loop;
	return v;
}

static struct shared_var *shared_var(struct check *c, const char *name)
{
	for (struct shared_var *s = c->shared; s; s = s->next)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static void share_var(struct check *c, const struct var *v)
{
	struct shared_var *s = shared_var(c, v->name);

	if (!s) {
		s = arena_new(c->arena, struct shared_var);
		if (!s) {
			c->no_memory = true;
			return;
		}
		*s = (struct shared_var){ .name = v->name, .next = c->shared };
		c->shared = s;
	}
	const struct type *both = s->type ? check_join(c, s->type, v->type) : v->type;
	if (!both || (s->type && type_same(s->type, both)))
		return; // it does not fit, which is told elsewhere, or is nothing new
	s->type = both;
	c->changed = true;
}

struct var *check_var_elsewhere(struct check *c, const char *name, struct pos pos)
{
	const struct shared_var *s = shared_var(c, name);
	struct var *v = s && s->type ? check_var_add(c, name, pos) : NULL;

	if (v)
		v->type = s->type;
	return v;
}

void check_var_type(struct check *c, struct var *v, const struct type *t, struct pos pos)
{
	if (!type_is_value(t) || type_is_agg(t)) {
		check_error(c, pos, "no-value", "this has no value that '$%s' could hold", v->name);
		return;
	}
	const struct type *kept = kept_value(c, t);
	if (kept && !widen(c, &v->type, kept, &c->vars_changed))
		tell_mismatch(c, pos, "the variable $", v->name, v->type, kept);
	if (c->ast->d && v->type)
		share_var(c, v);
}

void check_var_narrow(struct check *c, struct var *v, const struct type *t, struct pos pos)
{
	if (t->kind != TYPE_INT || t->c || v->declared || c->ast->d ||
	    (v->type && !type_same(v->type, t)))
		check_var_type(c, v, t, pos);
	else
		(void)widen(c, &v->type, t, &c->vars_changed); // it is the first, or the same
}

static void check_once(struct check *c, const struct ast_probe *p)
{
	for (struct var *v = c->vars; v; v = v->next)
		v->used = false;
	c->depth = c->body_depth = 0;
	c->loops = c->loop = c->n_loops = 0;
	if (p->pred) {
		const struct type *t = check_expr(c, p->pred);
		if (t && !type_has_truth(t))
			check_error(c, p->pred->pos, "bad-predicate",
				    "a predicate must be a number");
	}
	check_stmt(c, p->body);
}

void check_probe(struct check *c, const struct ast_probe *p, const struct probe *point)
{
	const bool quiet = c->quiet, changed = c->changed;
	bool any = false, again = true;

	c->probe = p;
	c->point = point;
	c->vars = NULL;
	c->in_begin = !strcmp(point->name, "BEGIN");
	c->in_end = !strcmp(point->name, "END");
	c->quiet = true;
	for (unsigned i = 0; again && i < VAR_ROUNDS && !c->no_memory; i++) {
		c->changed = c->vars_changed = false;
		check_once(c, p);
		any = any || c->changed;
		again = c->changed || c->vars_changed;
	}
	c->quiet = quiet;
	c->changed = changed || any;
	if (!c->quiet && !c->no_memory)
		check_once(c, p);
	if (again && !c->diag->n_errors)
		check_error(c, p->pos, "too-complex", "the types of variables do not settle");
}

const char *check_lacks(const struct check *c, const char *name)
{
	const struct world_ops *ops = c->world->ops;

	return ops->lacks ? ops->lacks(c->world, c->point, name) : NULL;
}

bool check_memory(struct check *c, struct pos pos)
{
	const char *why = check_lacks(c, "memory");

	if (why)
		check_error(c, pos, "not-here", "what is at this address cannot be had: %s", why);
	return !why;
}

struct ctypes *check_kernel_types(struct check *c)
{
	if (!c->kernel_tried) {
		c->kernel_tried = true;
		c->kernel =
			c->world->ops->types ? c->world->ops->types(c->world, &c->types_why) : NULL;
	}
	return c->kernel;
}
