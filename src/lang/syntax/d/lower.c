/* SPDX-License-Identifier: MIT */
/** Clauses to probes: places with the same clauses and of the same kind share a program. */
#include "lang/syntax/d/lower.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

bool d_is_new_error(struct d_lower *l, struct pos pos)
{
	const uint64_t key = (uint64_t)pos.line << 32 | pos.col;
	uint32_t ignored;

	if (u64map_get(&l->told, key, &ignored))
		return false;
	const int r = u64map_put(&l->told, key, 1);
	if (r < 0)
		l->p->r = r;
	return !r;
}

static bool same_clauses(const struct d_place *a, const struct d_place *b)
{
	return a->row == b->row && a->n_clauses == b->n_clauses &&
	       !memcmp(a->clauses, b->clauses, a->n_clauses * sizeof(*a->clauses));
}

/* The clauses of dtrace:::ERROR at the end of a list: they run where @faulted has ended early. */
static struct ast **add_error(struct d_lower *l, const struct d_clause *faulted, struct ast **end)
{
	const struct d_row *row = l->row;

	if (l->has_error && l->p->d->n_errors) // each mistake is told once
		return end;
	l->row = l->error->row;
	l->faulted = faulted;
	l->has_error = true;
	for (size_t i = 0; i < l->error->n_clauses; i++) {
		*end = d_lower_clause(l, l->error->clauses[i]);
		if (!*end)
			continue;
		(*end)->u.clause.is_error = true;
		end = &(*end)->next;
	}
	l->row = row;
	return end;
}

/* Statements of a probe: its clauses, one behind the other. */
static bool make_body(struct d_lower *l, const struct d_place *place, struct ast_probe *probe)
{
	probe->body = d_new(l, AST_BLOCK, probe->pos);
	if (!probe->body)
		return false;
	struct ast **end = &probe->body->u.list.first;
	for (size_t i = 0; i < place->n_clauses; i++) {
		struct ast *s = d_lower_clause(l, place->clauses[i]);
		if (!s)
			continue;
		*end = s;
		end = &s->next;
		// At least once, so that the checker sees it.
		if (l->error && (s->u.clause.may_fault || !l->has_error))
			end = add_error(l, place->clauses[i], end);
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

/* A probe that the script does not name. */
static struct ast_probe *hidden_probe(struct d_lower *l, const struct d_place *place)
{
	struct ast_probe *probe = parser_new(l->p, struct ast_probe);

	if (!probe)
		return NULL;
	probe->pos = place->probe->pos;
	probe->attach = d_attach(l, place);
	probe->body = d_new(l, AST_BLOCK, probe->pos);
	if (!probe->attach || !probe->body)
		return NULL;
	probe->attach->d = NULL;
	*l->p->probes_end = probe;
	l->p->probes_end = &probe->next;
	return probe;
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
	const struct d_probe name = { .pos = { 1, 1, 1 }, .text = "lockstat:::begin" };
	const struct d_place place = { .row = &row,
				       .probe = &name,
				       .attach = row.attach[l->world] };
	struct ast_probe *probe = hidden_probe(l, &place);

	if (!probe)
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
	return true;
}

/* Values of threads go with them. */
static bool make_free(struct d_lower *l)
{
	static const struct d_row row = {
		.provider = "sched",
		.name = "free",
		.attach = { "rawtracepoint:sched_process_free" },
	};
	const struct d_probe name = { .pos = { 1, 1, 1 }, .text = "sched:::free" };
	const struct d_place place = { .row = &row, .probe = &name, .attach = row.attach[0] };
	struct ast_probe *probe = hidden_probe(l, &place);

	if (!probe)
		return false;
	struct ast **end = &probe->body->u.list.first;
	for (size_t i = 0; i < l->own.n; i++) {
		struct ast *s = d_new(l, AST_EXPR, name.pos), *m = d_new(l, AST_MAP, name.pos);
		if (!s || !m)
			return false;
		m->u.map.name = l->own.entries[i].name;
		m->u.map.keys = d_snippet(l, name.pos, "(uint64)args.p", NULL);
		s->u.op.a = d_new_call(l, name.pos, "delete", m);
		if (!m->u.map.keys || !s->u.op.a)
			return false;
		*end = s;
		end = &s->next;
	}
	return true;
}

/* Looks for what needs probes of its own. */
static bool look_at_rows(struct d_lower *l)
{
	bool locks = false;

	for (const struct d_place *p = l->places; p; p = p->next) {
		l->has_next = l->has_next || p->row->about == D_NEXT;
		locks = locks || !strcmp(p->row->provider, "lockstat");
	}
	return (!locks || make_lock_begin(l)) &&
	       (!l->has_next || l->world == D_RECORDED || !l->own.n || make_free(l));
}

int d_lower(struct d_parser *dp)
{
	struct d_lower l = { .dp = dp, .p = &dp->p, .world = dp->opt->world };

	l.places_end = &l.places;
	int r = d_scan(&l);
	if (!r)
		r = d_find_places(&l);
	if (!r && !look_at_rows(&l))
		r = l.p->r;
	for (struct d_place *p = l.places; p; p = p->next)
		if (p->row->how == D_HOW_ERROR) {
			p->is_done = true;
			l.error = p;
			dp->d.n_error_clauses = (uint32_t)p->n_clauses;
		}
	for (struct d_place *p = l.places; p && !r; p = p->next)
		if (!p->is_done && !make_probe(&l, p))
			r = l.p->r;
	names_fini(&l.typed);
	names_fini(&l.own);
	names_fini(&l.set);
	u64map_fini(&l.told);
	return r ? r : l.p->r;
}
