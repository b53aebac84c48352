/* SPDX-License-Identifier: MIT */
/**
 * The bounded backward walk (F. Giraldeau, M. Dagenais, "Wait analysis of distributed systems using
 * kernel tracing", IEEE TPDS 2016).
 *
 *    client  ====#..............wait..............#====     The wait ends when a vertical edge
 *                 \                              /          comes in. From its source the walk
 *    server        #..wait..#======#====#=======#           goes back along the server's chain,
 *                           ^                               and the same for waits that it meets
 *    disk        ===========#                               there, until the wait's own begin.
 *
 * A worker of the kernel does work for many: where it begins with an item of its queue, the walk
 * goes on with who put it there.
 *
 * A wait inside of a wait is a frame of an explicit stack: chains of waits may be long. Frames
 * cover times that do not overlap, so each edge is visited once, but for dead ends: there the walk
 * takes up another cause that it passed by, each at most once.
 */
#include "analysis/path/walk.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"

/* A step back: along the horizontal edge to @vertex, or along its vertical one. */
struct back {
	uint32_t vertex;
	bool vertical;
};

/* A wait that is being resolved. */
struct frame {
	uint32_t at;	  /* where the walk is, or EXEC_NONE */
	int64_t bound_ns; /* where it ends */
	size_t others;	  /* of walk.others when it began */
};

/* Another cause that the walk passed by. */
struct other {
	uint32_t vertex;
	size_t n_backs; /* the path was so long then */
};

struct walk {
	const struct exec_graph *g;
	struct path *path;
	struct back *backs; /* the path of one wait, from its end */
	struct frame *frames;
	struct other *others;
	size_t n_backs, n_frames, n_others;
	struct spill backs_mem, frames_mem, others_mem, passed_mem;
	uint32_t *passed; /* by vertex: number of the wait that looked at its cause last */
	uint32_t wait;	  /* number of the one at the top */
	uint32_t n_visits;
};

void path_fini(struct path *p)
{
	spill_fini(&p->steps_mem);
	*p = (struct path){ 0 };
}

/* Once in a while what was read is given back: graphs of long traces are larger than memory. */
static void note_visit(struct walk *w)
{
	enum { AT_ONCE = 1 << 12 };

	if (++w->n_visits % AT_ONCE)
		return;
	spill_trim(&w->g->vertices_mem);
	spill_trim(&w->passed_mem);
	spill_trim(&w->backs_mem);
	spill_trim(&w->others_mem);
	spill_trim(&w->path->steps_mem);
}

static bool is_wait(enum exec_type t)
{
	return t == EXEC_BLOCKED || t == EXEC_NETWORK;
}

static int add_back(struct walk *w, uint32_t vertex, bool vertical)
{
	int r = spill_room(&w->backs_mem, &w->backs, w->n_backs + 1);

	if (r >= 0)
		w->backs[w->n_backs++] = (struct back){ vertex, vertical };
	return r;
}

/* Begins with the wait that ends at @vertex, which has a cause. */
static int add_frame(struct walk *w, uint32_t vertex, int64_t bound_ns)
{
	const struct exec_vertex *v = &w->g->vertices[vertex];
	const int64_t begin_ns = w->g->vertices[v->prev].ts_ns;
	int r = spill_room(&w->frames_mem, &w->frames, w->n_frames + 1);

	if (r < 0)
		return r;
	w->frames[w->n_frames++] = (struct frame){
		.at = v->cause,
		.bound_ns = bound_ns > begin_ns ? bound_ns : begin_ns,
		.others = w->n_others,
	};
	return add_back(w, vertex, /* vertical= */ true);
}

static int note_other(struct walk *w, uint32_t vertex)
{
	if (w->passed[vertex] == w->wait)
		return 0;
	w->passed[vertex] = w->wait;
	int r = spill_room(&w->others_mem, &w->others, w->n_others + 1);
	if (r >= 0)
		w->others[w->n_others++] = (struct other){ vertex, w->n_backs };
	return r;
}

/* One step of the frame at the top; it is not at its bound yet. */
static int step_back(struct walk *w)
{
	struct frame *f = &w->frames[w->n_frames - 1];
	const uint32_t at = f->at;
	const struct exec_vertex *v = &w->g->vertices[at];
	const bool has_cause = v->cause != EXEC_NONE, has_edge = v->prev != EXEC_NONE;
	const bool waited = has_edge && is_wait(v->type);
	int r = 0;

	if (has_cause && w->g->vertices[v->cause].ts_ns <= f->bound_ns) {
		f->at = EXEC_NONE; // the cause lies before the wait
		return add_back(w, at, /* vertical= */ true);
	}
	if (has_cause && v->begins && w->passed[at] != w->wait) {
		w->passed[at] = w->wait;
		f->at = v->cause;
		return add_back(w, at, /* vertical= */ true);
	}
	if (has_cause && !waited)
		r = note_other(w, at);
	if (r < 0)
		return r;
	if (has_edge) {
		f->at = v->prev;
		// Threads that wake each other at one time would never come to an end.
		if (!waited || !has_cause || w->passed[at] == w->wait)
			return add_back(w, at, /* vertical= */ false);
		w->passed[at] = w->wait;
		return add_frame(w, at, f->bound_ns);
	}
	if (w->n_others == f->others) {
		f->at = EXEC_NONE;
		return 0;
	}
	const struct other o = w->others[--w->n_others];
	w->n_backs = o.n_backs;
	f->at = w->g->vertices[o.vertex].cause;
	return add_back(w, o.vertex, /* vertical= */ true);
}

/* Fills w->backs with what happened during the wait that ends at @vertex. */
static int resolve(struct walk *w, uint32_t vertex, int64_t bound_ns)
{
	w->n_backs = w->n_frames = w->n_others = 0;
	w->wait++;
	int r = add_frame(w, vertex, bound_ns);
	while (r >= 0 && w->n_frames) {
		const struct frame *f = &w->frames[w->n_frames - 1];

		note_visit(w);
		if (f->at != EXEC_NONE && w->g->vertices[f->at].ts_ns > f->bound_ns) {
			r = step_back(w);
			continue;
		}
		w->n_others = f->others;
		w->n_frames--;
	}
	return r;
}

/* Writing the path, forwards. */

static int add_step(struct path *p, struct path_step s)
{
	int r = spill_room(&p->steps_mem, &p->steps, p->n + 1);
	if (r < 0)
		return r;
	p->steps[p->n++] = s;
	if (s.from == EXEC_NONE)
		p->segments_ns += s.end_ns - s.begin_ns;
	else
		p->hops_ns += s.end_ns - s.begin_ns;
	return 0;
}

/* Where the path has come to. */
struct place {
	uint32_t worker;
	int64_t ts_ns;
};

static int hop(struct path *p, struct place *at, uint32_t worker, int64_t ts_ns,
	       enum exec_type type)
{
	if (worker == at->worker && ts_ns <= at->ts_ns)
		return 0;
	const struct path_step s = {
		.begin_ns = at->ts_ns,
		.end_ns = ts_ns > at->ts_ns ? ts_ns : at->ts_ns,
		.worker = worker,
		.from = at->worker,
		.type = type,
	};

	*at = (struct place){ worker, s.end_ns };
	return add_step(p, s);
}

/* A segment of the worker that the path has come to, up to @ts_ns; unknown without an @edge. */
static int segment(struct path *p, struct place *at, int64_t ts_ns, const struct exec_vertex *edge)
{
	if (ts_ns <= at->ts_ns)
		return 0;
	const struct path_step s = {
		.begin_ns = at->ts_ns,
		.end_ns = ts_ns,
		.worker = at->worker,
		.from = EXEC_NONE,
		.label = edge ? edge->label : 0,
		.call = edge ? edge->call : 0,
		.type = edge ? edge->type : EXEC_UNKNOWN,
	};

	at->ts_ns = ts_ns;
	return add_step(p, s);
}

/* The horizontal edge to @vertex, cut to [what is done, @end_ns]. */
static int horizontal(const struct walk *w, struct place *at, uint32_t vertex, int64_t end_ns)
{
	const struct exec_vertex *v = &w->g->vertices[vertex];
	const int64_t begin_ns = w->g->vertices[v->prev].ts_ns;
	const int64_t to_ns = v->ts_ns < end_ns ? v->ts_ns : end_ns;
	int r = 0;

	if (to_ns <= at->ts_ns)
		return 0;
	if (v->worker != at->worker)
		r = hop(w->path, at, v->worker, at->ts_ns, EXEC_DEFAULT);
	if (r >= 0)
		r = segment(w->path, at, begin_ns < to_ns ? begin_ns : to_ns, NULL);
	return r < 0 ? r : segment(w->path, at, to_ns, v);
}

/* What w->backs holds, up to the wait's end @end_ns. */
static int write_wait(struct walk *w, struct place *at, int64_t end_ns)
{
	int r = 0;

	for (size_t i = w->n_backs; i-- > 0 && r >= 0;) {
		note_visit(w);
		const struct exec_vertex *v = &w->g->vertices[w->backs[i].vertex];
		const struct exec_vertex *from =
			v->cause != EXEC_NONE ? &w->g->vertices[v->cause] : NULL;

		if (!w->backs[i].vertical) {
			r = horizontal(w, at, w->backs[i].vertex, end_ns);
			continue;
		}
		// The cause's own time before it sent is not known where its chain began later.
		if (from && from->worker != at->worker && from->ts_ns > at->ts_ns)
			r = hop(w->path, at, from->worker, at->ts_ns, EXEC_DEFAULT);
		if (r >= 0 && from && from->worker == at->worker)
			r = segment(w->path, at, from->ts_ns, NULL);
		if (r >= 0)
			r = hop(w->path, at, v->worker, v->ts_ns, v->cause_type);
	}
	return r;
}

/* The edge to @vertex of the path's own worker. */
static int take_edge(struct walk *w, struct place *at, uint32_t vertex, int64_t end_ns)
{
	const struct exec_vertex *v = &w->g->vertices[vertex];
	const struct place home = { v->worker, v->ts_ns };

	// A wait that ends behind the path's end may have any cause.
	if (!is_wait(v->type) || v->cause == EXEC_NONE || v->ts_ns > end_ns)
		return horizontal(w, at, vertex, end_ns);
	int r = resolve(w, vertex, at->ts_ns);
	if (r >= 0)
		r = write_wait(w, at, home.ts_ns);
	return r < 0 ? r : hop(w->path, at, home.worker, home.ts_ns, EXEC_DEFAULT);
}

static int walk_worker(struct walk *w, uint32_t worker, int64_t begin_ns, int64_t end_ns)
{
	const struct exec_graph *g = w->g;
	uint32_t v = g->workers[worker].first;
	struct path *p = w->path;

	if (v == EXEC_NONE || g->vertices[v].ts_ns > end_ns ||
	    g->vertices[g->workers[worker].last].ts_ns < begin_ns)
		return sonde_fail(-ENODATA, "nothing is known of it in that time");
	p->begin_ns = g->vertices[v].ts_ns > begin_ns ? g->vertices[v].ts_ns : begin_ns;

	struct place at = { worker, p->begin_ns };
	int r = 0;
	for (v = g->vertices[v].next; v != EXEC_NONE && at.ts_ns < end_ns && r >= 0;
	     v = g->vertices[v].next) {
		note_visit(w);
		if (g->vertices[v].ts_ns > at.ts_ns)
			r = take_edge(w, &at, v, end_ns);
	}
	p->end_ns = at.ts_ns;
	return r;
}

int path_find(const struct exec_graph *g, uint32_t worker, int64_t begin_ns, int64_t end_ns,
	      struct path *ret)
{
	struct path p = { 0 };
	struct walk w = { .g = g, .path = &p };

	int r = spill_room(&w.passed_mem, &w.passed, g->n_vertices + 1);
	if (r >= 0)
		r = walk_worker(&w, worker, begin_ns, end_ns);
	spill_fini(&w.passed_mem);
	spill_fini(&w.backs_mem);
	spill_fini(&w.frames_mem);
	spill_fini(&w.others_mem);
	if (r < 0) {
		path_fini(&p);
		return r;
	}
	*ret = p;
	return 0;
}

/* Ends a path there, if it does not end before; not before its begin. */
static void path_cut(struct path *p, int64_t end_ns)
{
	if (end_ns < p->begin_ns)
		end_ns = p->begin_ns;
	while (p->n && p->steps[p->n - 1].end_ns > end_ns) {
		struct path_step *s = &p->steps[p->n - 1];
		const int64_t cut = s->end_ns - (s->begin_ns < end_ns ? end_ns : s->begin_ns);

		*(s->from == EXEC_NONE ? &p->segments_ns : &p->hops_ns) -= cut;
		s->end_ns -= cut;
		p->n -= s->begin_ns >= end_ns;
		p->end_ns = end_ns;
	}
	// Hops that took no time lead to what is not shown any more.
	while (p->n && p->end_ns == end_ns && p->steps[p->n - 1].begin_ns == end_ns)
		p->n--;
}

/* When what the worker is in the middle of at that time ends. */
static int64_t wait_end(const struct exec_graph *g, uint32_t worker, int64_t at_ns)
{
	uint32_t v = g->workers[worker].first;

	while (v != EXEC_NONE && g->vertices[v].ts_ns < at_ns)
		v = g->vertices[v].next;
	return v == EXEC_NONE ? INT64_MAX : g->vertices[v].ts_ns;
}

int path_find_within(const struct exec_graph *g, uint32_t worker, int64_t begin_ns, int64_t end_ns,
		     struct path *ret)
{
	const int r = path_find(g, worker, begin_ns, wait_end(g, worker, end_ns), ret);

	if (r >= 0)
		path_cut(ret, end_ns);
	return r;
}

bool path_adds_up(const struct path *p)
{
	enum { AT_ONCE = 1 << 16 };
	int64_t at = p->begin_ns, segments = 0, hops = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct path_step *s = &p->steps[i];
		const uint32_t from = s->from == EXEC_NONE ? s->worker : s->from;

		if (s->begin_ns != at || s->end_ns < at || (i && p->steps[i - 1].worker != from))
			return false;
		if (i % AT_ONCE == AT_ONCE - 1)
			spill_trim(&p->steps_mem);
		at = s->end_ns;
		if (s->from == EXEC_NONE)
			segments += s->end_ns - s->begin_ns;
		else
			hops += s->end_ns - s->begin_ns;
	}
	return at == p->end_ns && segments == p->segments_ns && hops == p->hops_ns &&
	       segments + hops == p->end_ns - p->begin_ns;
}
