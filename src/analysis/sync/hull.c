/* SPDX-License-Identifier: MIT */
/**
 * Convex hulls of messages between two hosts, and the lines between them.
 *
 * A message is a point: x is its time on the reference host, y that on the other. The true line
 * y = alpha x + beta lies below all messages that the reference sent (they arrive later than now)
 * and above all that it received:
 *
 *      y |      s   s        s: sent by the reference       Lmax touches a received one on
 *        |   s     . Lmax    r: received by it              the left and a sent one on the
 *        | s   . '  __ Lmin                                 right; Lmin the other way round.
 *        |  . '_-'                                          The line taken is their mean.
 *        |_-' r   r
 *        +------------- x
 *
 * M. Jabbarifar, M. Dagenais, A. Shameli-Sendi, "Streaming Mode Incremental Clock
 * Synchronization"; A. Duda and others, "Estimating global time in distributed systems" (1987).
 *
 * The incremental search follows the messages in order and may stop at a line that a later look at
 * all of them would improve on. So its lines are replaced by the exact ones, where such exist.
 */
#include "analysis/sync/hull.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum {
	POINTS_MOST = 1 << 17, /* of one way; then those that are no corners go */
	FAR_BITS = 61,	       /* products of such differences fit into 128 bits */
};

/* A bound of the line: from a point of one way to one of the other. */
struct bound {
	const struct hull_point *start, *end; /* NULL: not known */
};

void hull_fini(struct hull *h)
{
	free(h->way[0].all);
	free(h->way[1].all);
	*h = (struct hull){ 0 };
}

const char *hull_quality_name(enum hull_quality q)
{
	static const char *const names[] = {
		[HULL_ABSENT] = "absent",	    [HULL_INCOMPLETE] = "incomplete",
		[HULL_APPROXIMATE] = "approximate", [HULL_ACCURATE] = "accurate",
		[HULL_FAILED] = "failed",
	};

	return names[q];
}

bool hull_is_usable(enum hull_quality q)
{
	return q >= HULL_APPROXIMATE;
}

/* Above 0: p, a, b turn to the left; below 0: to the right. */
static __int128 cross(const struct hull_point *p, const struct hull_point *a,
		      const struct hull_point *b)
{
	return (__int128)(a->ref - p->ref) * (b->other - p->other) -
	       (__int128)(a->other - p->other) * (b->ref - p->ref);
}

/* 1 for messages that the reference received: they bound the line from below; else -1. */
static int side(unsigned way)
{
	return way == HULL_RECEIVED ? 1 : -1;
}

static int compare(const void *a, const void *b)
{
	const struct hull_point *p = a, *q = b;

	if (p->ref != q->ref)
		return p->ref < q->ref ? -1 : 1;
	return p->other < q->other ? -1 : p->other > q->other;
}

/* Puts @p behind the corners @all, and takes those away that are none any more. */
static size_t add_corner(struct hull_point *all, size_t n, struct hull_point p, int inv)
{
	// Of two at one time only the tighter one bounds anything.
	if (n && all[n - 1].ref == p.ref) {
		if ((p.other - all[n - 1].other) * inv < 0)
			return n;
		n--;
	}
	while (n >= 2 && cross(&p, &all[n - 2], &all[n - 1]) * inv > 0)
		n--;
	all[n++] = p;
	return n;
}

/* Keeps the corners only; the points must be sorted. */
static size_t reduce(struct hull_point *all, size_t n, int inv)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k = add_corner(all, k, all[i], inv);
	return k;
}

static void sort(struct hull_points *p)
{
	if (p->n)
		qsort(p->all, p->n, sizeof(*p->all), compare);
}

int hull_add(struct hull *h, unsigned way, int64_t ref_ns, int64_t other_ns)
{
	struct hull_points *w = &h->way[way];
	const int64_t far = INT64_C(1) << FAR_BITS;

	if (!h->n_matches) {
		h->ref_ns = ref_ns;
		h->other_ns = other_ns;
	}
	h->n_matches++;
	struct hull_point p;
	if (__builtin_sub_overflow(ref_ns, h->ref_ns, &p.ref) ||
	    __builtin_sub_overflow(other_ns, h->other_ns, &p.other) || p.ref <= -far ||
	    p.ref >= far || p.other <= -far || p.other >= far) {
		h->n_far++;
		return 0;
	}
	if (w->n >= POINTS_MOST && w->n >= w->limit) {
		sort(w);
		w->n = reduce(w->all, w->n, side(way));
		w->limit = 2 * w->n;
	}
	int r = mem_grow(&w->all, &w->cap, w->n + 1);
	if (r < 0)
		return r;
	w->all[w->n++] = p;
	return 0;
}

/* The incremental search. */

struct search {
	const struct hull *h;
	struct hull_points list[2]; /* owned arrays: points that bound the line */
	struct bound line[2];	    /* by the way of its end */
	struct hull_line *out;
};

/* The point's copy in a list, or -1. Lists are sorted by time. */
static ptrdiff_t find(const struct hull_points *list, const struct hull_point *p)
{
	size_t lo = 0, hi = list->n;

	while (p && lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const int c = compare(&list->all[mid], p);

		if (!c)
			return (ptrdiff_t)mid;
		lo = c < 0 ? mid + 1 : lo;
		hi = c < 0 ? hi : mid;
	}
	return -1;
}

/* A point outside of the lists, which lives as long as the hull. */
static const struct hull_point *lasting(const struct hull *h, unsigned way,
					const struct hull_point *p)
{
	return &h->way[way].all[find(&h->way[way], p)];
}

/* Slides the start of a line along the list of the other way while that tightens it. */
static void slide(struct search *s, unsigned way)
{
	const unsigned opposite = !way;
	const struct hull_points *list = &s->list[opposite];
	struct bound *l = &s->line[way];
	const struct hull_point *at = NULL;
	ptrdiff_t known = find(list, l->start);

	for (size_t i = known < 0 ? 0 : (size_t)known; i + 1 < list->n; i++) {
		const struct hull_point *next = &list->all[i + 1];

		at = &list->all[i];
		if (cross(at, next, l->end) * side(way) <= 0) {
			l->start = lasting(s->h, opposite, at);
			break;
		}
		if (next->ref >= l->end->ref) {
			l->start = NULL;
			break;
		}
	}
	if (!l->start && at)
		l->start = lasting(s->h, opposite, at);
	if (l->start && l->start->ref > l->end->ref)
		l->start = NULL;
}

static struct decimal slope_of(struct bound l)
{
	if (!l.start || !l.end || l.start->ref == l.end->ref)
		return decimal_int(1);
	return decimal_div(decimal_int(l.end->other - l.start->other),
			   decimal_int(l.end->ref - l.start->ref));
}

/* Where the line of that slope through its end is at the reference's 0. */
static struct decimal intercept(const struct hull *h, struct bound l, struct decimal slope)
{
	const struct decimal x = decimal_int(h->ref_ns + l.end->ref);
	const struct decimal y = decimal_int(h->other_ns + l.end->other);

	return decimal_add(y, decimal_neg(decimal_mul(slope, x)));
}

/* The mean of the two bounds, turned round: from the other host's time to the reference's. */
static void take_mean(const struct hull *h, const struct bound line[2], struct hull_line *out)
{
	const struct decimal most = slope_of(line[HULL_SENT]),
			     least = slope_of(line[HULL_RECEIVED]);
	const struct decimal one = decimal_int(1), two = decimal_int(2);
	const struct decimal alpha = decimal_div(decimal_add(most, least), two);
	const struct decimal beta =
		decimal_div(decimal_add(intercept(h, line[HULL_SENT], most),
					intercept(h, line[HULL_RECEIVED], least)),
			    two);

	if (!alpha.coef || alpha.neg)
		return;
	out->slope = decimal_div(one, alpha);
	out->offset_ns = decimal_div(decimal_neg(beta), alpha);
	out->width = decimal_add(most, decimal_neg(least));
}

static void take_line(const struct hull *h, const struct bound line[2], struct hull_line *out)
{
	const struct bound *max = &line[HULL_SENT], *min = &line[HULL_RECEIVED];

	if (out->quality == HULL_FAILED)
		return;
	if (!max->start && !min->start) {
		out->quality = HULL_INCOMPLETE;
		return;
	}
	if (!max->start || !min->start)
		out->quality = HULL_APPROXIMATE;
	else if (decimal_cmp(slope_of(*max), slope_of(*min)) > 0)
		out->quality = HULL_ACCURATE;
	else
		out->quality = HULL_FAILED;
	if (out->quality != HULL_FAILED)
		take_mean(h, line, out);
}

static void take_point(struct search *s, unsigned way, const struct hull_point *p)
{
	const int inv = side(way);
	struct bound *l = &s->line[way], *other = &s->line[!way];
	const bool tightens = !l->start || !l->end || cross(p, l->start, l->end) * inv > 0;

	if (tightens) {
		struct hull_points *list = &s->list[way];

		s->out->n_accurate++;
		while (list->n >= 2 &&
		       cross(p, &list->all[list->n - 2], &list->all[list->n - 1]) * inv > 0)
			list->n--;
		list->all[list->n++] = *p;
		l->end = p;
	}
	slide(s, way);
	if (other->end && find(&s->list[way], other->start) < 0)
		slide(s, !way);
	if (tightens)
		take_line(s->h, s->line, s->out);
}

static int search_lines(const struct hull *h, struct hull_line *out)
{
	struct search s = { .h = h, .out = out };
	size_t at[2] = { 0, 0 };
	int r = mem_grow(&s.list[0].all, &s.list[0].cap, h->way[0].n + 1);

	if (r >= 0)
		r = mem_grow(&s.list[1].all, &s.list[1].cap, h->way[1].n + 1);
	while (r >= 0 && (at[0] < h->way[0].n || at[1] < h->way[1].n)) {
		const struct hull_point *p[2];
		unsigned way;

		for (way = 0; way < 2; way++)
			p[way] = at[way] < h->way[way].n ? &h->way[way].all[at[way]] : NULL;
		way = !p[0] || (p[1] && compare(p[1], p[0]) < 0);
		at[way]++;
		take_point(&s, way, p[way]);
	}
	out->n_sent = s.list[HULL_SENT].n;
	out->n_received = s.list[HULL_RECEIVED].n;
	free(s.list[0].all);
	free(s.list[1].all);
	return r;
}

/* The exact lines. */

/* Whether b is a better start (or, with @fixed_end false, end) than a for the line with @fixed. */
static bool tighter(const struct hull_point *fixed, const struct hull_point *a,
		    const struct hull_point *b, int inv)
{
	return cross(fixed, a, b) * inv > 0;
}

/* The point of @list on the given side of @fixed that bounds the slope most; NULL: none. */
static const struct hull_point *best(const struct hull_points *list, const struct hull_point *fixed,
				     bool left, int inv)
{
	const struct hull_point *b = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct hull_point *p = &list->all[i];

		if (left ? p->ref >= fixed->ref : p->ref <= fixed->ref)
			continue;
		if (!b || tighter(fixed, b, p, inv))
			b = p;
	}
	return b;
}

/*
 * The bound whose end is of @way: largest slope for HULL_SENT, smallest for HULL_RECEIVED, of all
 * pairs with a start left of the end. Going from best end to best start and back comes to it, if a
 * line fits at all. No pair: both stay NULL.
 */
static struct bound tangent(const struct hull_points corners[2], unsigned way)
{
	const int inv = side(way);
	const struct hull_points *starts = &corners[!way], *ends = &corners[way];
	struct bound l = { starts->n ? &starts->all[0] : NULL, NULL };

	while (l.start) {
		const struct hull_point *end = best(ends, l.start, /* left= */ false, inv);
		if (!end)
			return (struct bound){ NULL, NULL };
		const struct hull_point *start = best(starts, end, /* left= */ true, inv);
		const bool done = start == l.start && end == l.end;

		l = (struct bound){ start, end };
		if (done)
			break;
	}
	return l;
}

/* Whether all messages are on the right side of the line. */
static bool fits(const struct hull_points corners[2], struct bound l)
{
	for (unsigned way = 0; way < 2; way++) {
		for (size_t i = 0; i < corners[way].n; i++) {
			if (cross(&corners[way].all[i], l.start, l.end) * side(way) > 0)
				return false;
		}
	}
	return true;
}

/* Replaces the lines that were found by the exact ones, if any line fits all messages. */
static void refine(const struct hull *h, const struct hull_points corners[2], struct hull_line *out)
{
	struct bound line[2];

	for (unsigned way = 0; way < 2; way++) {
		line[way] = tangent(corners, way);
		if (line[way].start && !fits(corners, line[way])) {
			if (hull_is_usable(out->quality))
				out->quality = HULL_FAILED;
			return;
		}
	}
	if (!line[0].start || !line[1].start)
		return;
	const uint64_t n_accurate = out->n_accurate;
	struct hull_line exact = *out;

	exact.quality = HULL_ABSENT;
	take_line(h, line, &exact);
	if (exact.quality != HULL_ACCURATE)
		return;
	*out = exact;
	out->n_accurate = n_accurate;
}

int hull_solve(struct hull *h, struct hull_line *ret)
{
	struct hull_line out = { .quality = HULL_ABSENT, .slope = decimal_int(1) };
	struct hull_points corners[2] = { { 0 } };
	int r = 0;

	if (h->way[0].n || h->way[1].n)
		out.quality = HULL_INCOMPLETE;
	for (unsigned way = 0; way < 2 && r >= 0; way++) {
		sort(&h->way[way]);
		r = mem_grow(&corners[way].all, &corners[way].cap, h->way[way].n + 1);
		if (r < 0)
			break;
		if (h->way[way].n)
			memcpy(corners[way].all, h->way[way].all,
			       h->way[way].n * sizeof(*corners->all));
		corners[way].n = reduce(corners[way].all, h->way[way].n, side(way));
	}
	if (r >= 0)
		r = search_lines(h, &out);
	if (r >= 0)
		refine(h, corners, &out);
	for (unsigned way = 0; way < 2; way++)
		free(corners[way].all);
	if (r >= 0)
		*ret = out;
	return r;
}
