/* SPDX-License-Identifier: MIT */
/** Clauses to probes: places with the same clauses and of the same kind share a program. */
#include "lang/syntax/d/lower.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static bool same_clauses(const struct d_place *a, const struct d_place *b)
{
	return a->row == b->row && a->n_clauses == b->n_clauses &&
	       !memcmp(a->clauses, b->clauses, a->n_clauses * sizeof(*a->clauses));
}

/* Statements of a probe: its clauses, one behind the other. */
static bool make_body(struct d_lower *l, const struct d_place *place, struct ast_probe *probe)
{
	probe->body = d_new(l, AST_BLOCK, probe->pos);
	if (!probe->body)
		return false;
	struct ast **end = &probe->body->u.list.first;
	for (size_t i = 0; i < place->n_clauses; i++) {
		*end = d_lower_clause(l, place->clauses[i]);
		if (*end)
			end = &(*end)->next;
	}
	const char *pred = place->row->pred[l->world];
	if (pred)
		probe->pred = d_snippet(l, probe->pos, pred, NULL);
	if (place->process)
		probe->pred = d_snippet(l, probe->pos, "pid == $_",
					d_new_int(l, probe->pos, (uint64_t)place->process));
	return l->p->r == 0;
}

static bool make_probe(struct d_lower *l, struct d_place *place)
{
	struct ast_probe *probe = parser_new(l->p, struct ast_probe);

	if (!probe)
		return false;
	probe->pos = place->probe->pos;
	struct ast_attach **end = &probe->attach;
	for (struct d_place *p = place; p; p = p->next) {
		if (p->is_done || !same_clauses(p, place) || p->process != place->process)
			continue;
		p->is_done = true;
		*end = d_attach(l, p);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	l->row = place->row;
	if (!make_body(l, place, probe))
		return false;
	*l->p->probes_end = probe;
	l->p->probes_end = &probe->next;
	return true;
}

/* Locks are timed by an event at the begin of a wait. */
static bool make_lock_begin(struct d_lower *l)
{
	static const char *const sets[][2] = {
		{ "@lock_ts[tid]", "nsecs" },
		{ "@lock_flags[tid]", "(uint64)args.flags | 64" },
	};
	static const struct d_row row = {
		.provider = "lockstat",
		.name = "begin",
		.attach = { "rawtracepoint:contention_begin", "tracepoint:lock:contention_begin" },
	};
	struct ast_probe *probe = parser_new(l->p, struct ast_probe);

	if (!probe)
		return false;
	const struct d_probe name = { .pos = { 1, 1, 1 }, .text = "lockstat:::begin" };
	const struct d_place place = { .row = &row,
				       .probe = &name,
				       .attach = row.attach[l->world] };
	probe->pos = name.pos;
	probe->attach = d_attach(l, &place);
	probe->body = d_new(l, AST_BLOCK, probe->pos);
	if (!probe->attach || !probe->body)
		return false;
	struct ast **end = &probe->body->u.list.first;
	for (size_t i = 0; i < MEM_LEN(sets); i++) {
		struct ast *s = d_new(l, AST_ASSIGN, probe->pos);
		if (!s)
			return false;
		s->u.op.a = d_snippet(l, probe->pos, sets[i][0], NULL);
		s->u.op.b = d_snippet(l, probe->pos, sets[i][1], NULL);
		if (!s->u.op.a || !s->u.op.b)
			return false;
		*end = s;
		end = &s->next;
	}
	*l->p->probes_end = probe;
	l->p->probes_end = &probe->next;
	return true;
}

static bool uses_locks(const struct d_lower *l)
{
	for (const struct d_place *p = l->places; p; p = p->next)
		if (!strcmp(p->row->provider, "lockstat"))
			return true;
	return false;
}

int d_lower(struct d_parser *dp)
{
	struct d_lower l = { .dp = dp, .p = &dp->p, .world = dp->opt->world };

	l.places_end = &l.places;
	int r = d_scan(&l);
	if (!r)
		r = d_find_places(&l);
	if (!r && uses_locks(&l) && !make_lock_begin(&l))
		r = l.p->r;
	for (struct d_place *p = l.places; p && !r; p = p->next)
		if (!p->is_done && !make_probe(&l, p))
			r = l.p->r;
	names_fini(&l.typed);
	return r ? r : l.p->r;
}
