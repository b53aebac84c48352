/* SPDX-License-Identifier: MIT */
/** Programs that can run once for several events, as those bring them nothing new. */
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/gen.h"
#include "lang/syntax/ast_walk.h"

/* What a run may ask for: what is compared from one event to the next, and nothing else. */
static const char *const names[] = { "pid", "tid", "comm", "cpu", "probe" };
static const char *const functions[] = { "strncmp", "strlen", "strcontains" };

static bool is_in(const char *const *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i], name))
			return true;
	return false;
}

struct look {
	const struct gen *g;
	const struct ast *map, *call; /* of the count() whose parts come next */
};

/* Of a table that forgets keys, when they were last seen counts. */
static bool forgets(const struct gen *g, const struct script_map *m)
{
	const uint32_t type = g->script->bpf_maps[m->bpf_map].type;

	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_count(const struct gen *g, const struct ast *x)
{
	const struct ast *map = x->u.op.a, *call = x->u.op.b;

	if (x->u.op.op != OP_NONE || call->kind != AST_CALL ||
	    strcmp(call->u.call.name, "count") != 0 || call->u.call.args)
		return false;
	const struct script_map *m = gen_map((struct gen *)(uintptr_t)g, map->note);
	return m->val->kind == TYPE_COUNT && m->n_epochs == 1 && !forgets(g, m);
}

/* True: it may do something else for the second event. */
static bool differs(void *arg, const struct ast *x)
{
	struct look *l = arg;

	switch (x->kind) {
	case AST_ASSIGN:
		if (x->u.op.a->kind == AST_VAR)
			return false;
		l->map = x->u.op.a;
		l->call = x->u.op.b;
		return l->map->kind != AST_MAP || !is_count(l->g, x);
	case AST_MAP: return x != l->map;
	case AST_CALL: return x != l->call && !is_in(functions, MEM_LEN(functions), x->u.call.name);
	case AST_NAME: return !is_in(names, MEM_LEN(names), x->u.name);
	case AST_UNARY: return x->u.op.op == OP_DEREF || x->u.op.op == OP_ADDR;
	case AST_INT:
	case AST_STR:
	case AST_VAR:
	case AST_POSITIONAL:
	case AST_BINARY:
	case AST_TERNARY:
	case AST_TUPLE:
	case AST_EXPR:
	case AST_DECL:
	case AST_IF:
	case AST_RETURN:
	case AST_BLOCK: return false;
	default: return true;
	}
}

bool gen_may_repeat(const struct gen *g, const struct ast_probe *p)
{
	struct look l = { .g = g };

	return g->check->world->repeats && !g->script->d && !ast_walk(p->pred, differs, &l) &&
	       !ast_walk(p->body, differs, &l);
}

struct val gen_times(struct gen *g)
{
	return g->repeats ? fn_load(g->f, 8, false, val_map_value(GLOBALS_MAP, 0),
				    offsetof(struct script_globals, times))
			  : val_imm(1);
}
