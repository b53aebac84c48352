/* SPDX-License-Identifier: MIT */
/** Whether what a script finds depends on the order of its events. */
#include <string.h>

#include "base/mem.h"
#include "lang/recorded/recorded.h"
#include "lang/syntax/ast_walk.h"

/* What an event's own place in the trace decides, and nothing that came before. */
static const char *const names[] = { "nsecs", "elapsed", "pid",	 "tid", "comm",
				     "cpu",   "probe",	 "args", "uid", "gid" };
static const char *const functions[] = { "str",	  "strlen",   "strncmp", "strcontains", "buf",
					 "bswap", "strerror", "kptr",	 "uptr",	"ntop",
					 "pton",  "macaddr",  "nsecs" };
/* Aggregations: a value more is the same before and behind another one. */
static const char *const aggregations[] = { "count", "sum",   "avg",  "min",
					    "max",   "stats", "hist", "lhist" };

static bool is_in(const char *const *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i], name))
			return true;
	return false;
}

struct look {
	const struct ast *map, *call; /* of the aggregation whose parts come next */
};

static bool is_call_fine(const struct look *l, const struct ast *x)
{
	return is_in(functions, MEM_LEN(functions), x->u.call.name) ||
	       (x == l->call && is_in(aggregations, MEM_LEN(aggregations), x->u.call.name));
}

/* True: it is, or nobody can say. */
static bool depends(void *arg, const struct ast *x)
{
	struct look *l = arg;

	switch (x->kind) {
	case AST_ASSIGN:
		if (x->u.op.a->kind != AST_MAP)
			return false;
		l->map = x->u.op.a;
		l->call = x->u.op.b;
		return x->u.op.op != OP_NONE || l->call->kind != AST_CALL ||
		       !is_in(aggregations, MEM_LEN(aggregations), l->call->u.call.name);
	case AST_MAP: return x != l->map;
	case AST_CALL: return !is_call_fine(l, x);
	case AST_NAME: return !is_in(names, MEM_LEN(names), x->u.name);
	case AST_FOR: return x->u.foreach.map != NULL;
	case AST_CLAUSE: return true;
	default: return false;
	}
}

static bool is_at_ends(const struct ast_attach *ap)
{
	static const char *const ends[] = { "BEGIN", "begin", "END", "end" };

	return is_in(ends, MEM_LEN(ends), ap->parts[0]);
}

static bool is_tick(const struct ast_attach *ap)
{
	return !strcmp(ap->parts[0], "interval") || !strcmp(ap->parts[0], "i");
}

static bool is_probe_fine(const struct ast_probe *p)
{
	struct look l = { NULL, NULL };
	bool at_ends = true;

	for (const struct ast_attach *ap = p->attach; ap; ap = ap->next) {
		at_ends = at_ends && is_at_ends(ap);
		if (is_tick(ap))
			return false;
	}
	return at_ends || !(ast_walk(p->pred, depends, &l) || ast_walk(p->body, depends, &l));
}

/* Not what is shown by what other events told, or kept by the number of its place in a table. */
static bool is_plain(const struct type *t)
{
	switch (t->kind) {
	case TYPE_NONE:
	case TYPE_INT:
	case TYPE_STR:
	case TYPE_BUF:
	case TYPE_INET:
	case TYPE_MAC:
	case TYPE_PROBE:
	case TYPE_ERRNO: return true;
	case TYPE_TUPLE:
		for (uint32_t i = 0; i < t->n; i++)
			if (!is_plain(t->fields[i].type))
				return false;
		return true;
	default: return false;
	}
}

static bool is_map_fine(const struct script_map *m)
{
	const bool is_aggregation = m->store == STORE_PERCPU || m->store == STORE_PERCPU_HASH;

	return !is_aggregation || (is_plain(m->key) && m->n_epochs == 1);
}

bool recorded_is_order_free(const struct script_ast *ast, const struct script *s)
{
	if (ast->d)
		return false;
	for (const struct ast_map_decl *m = ast->maps; m; m = m->next)
		if (strstr(m->kind, "lru"))
			return false;
	for (size_t i = 0; i < s->n_maps; i++)
		if (!is_map_fine(&s->maps[i]))
			return false;
	for (const struct ast_probe *p = ast->probes; p; p = p->next)
		if (!is_probe_fine(p))
			return false;
	return true;
}
