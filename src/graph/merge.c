/* SPDX-License-Identifier: MIT */
/**
 * Merges lanes with a tournament of losers (Knuth, TAOCP 5.4.1).
 *
 *          tree[0] winner               Leaves are lanes; each inner node keeps the lane
 *             |                         that lost there, so a new head is replayed along
 *          tree[1] loser                one path of log2(n) nodes. The best of the losers
 *          /        \                   on the winner's path is the runner-up: all of the
 *     tree[2]      tree[3]              winner's events up to its time go out in one run.
 *     /   \        /    \
 *   lane0 lane1  lane2  lane3
 *
 * A lane is asked for its next batch only when no event of its last one is in the batch given out.
 */
#include "graph/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "graph/component.h"
#include "graph/order.h"

struct lane {
	struct sonde_component *c;	      /* borrowed */
	size_t number;			      /* in the component */
	const struct sonde_event *head, *end; /* head == end: ended, or to be refilled */
	bool ended;
};

struct merge {
	struct lane *lanes; /* owned */
	size_t n, cap;
	size_t *tree; /* owned, n nodes; NULL before the first batch */
	bool refill;  /* the winner's batch is used up */
	struct sonde_event out[SONDE_BATCH_MAX];
};

int merge_new(struct merge **ret)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return sonde_fail(-ENOMEM, "out of memory for a merge");
	*ret = m;
	return 0;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	free(m->lanes);
	free(m->tree);
	free(m);
}

int merge_add(struct merge *m, struct sonde_component *c, size_t lane)
{
	int r = mem_grow(&m->lanes, &m->cap, m->n + 1);
	if (r < 0)
		return r;
	m->lanes[m->n++] = (struct lane){ .c = c, .number = lane };
	return 0;
}

static int lane_fill(struct lane *l)
{
	struct sonde_batch b;
	int r = l->c->cls->next(l->c, l->number, &b);

	if (r < 0)
		return r;
	l->ended = !r;
	l->head = r ? b.events : NULL;
	l->end = r ? b.events + b.n : NULL;
	return 0;
}

/* Does lane a's head come before lane b's? An ended lane comes last. */
static bool lane_before(const struct merge *m, size_t a, size_t b)
{
	const struct lane *x = &m->lanes[a], *y = &m->lanes[b];

	if (x->ended || y->ended)
		return x->ended == y->ended ? a < b : y->ended;
	if (x->head->ts_ns != y->head->ts_ns)
		return x->head->ts_ns < y->head->ts_ns;
	int tie = order_tie(x->head, y->head);
	return tie ? tie < 0 : a < b;
}

/* Plays the leaf @i up to the root. While the tree is built, n stands for an empty node. */
static void merge_replay(struct merge *m, size_t i)
{
	size_t winner = i;

	for (size_t node = (i + m->n) / 2; node > 0; node /= 2) {
		size_t other = m->tree[node];

		if (other == m->n) {
			m->tree[node] = winner;
			return;
		}
		if (lane_before(m, other, winner)) {
			m->tree[node] = winner;
			winner = other;
		}
	}
	m->tree[0] = winner;
}

static int merge_start(struct merge *m)
{
	m->tree = calloc(m->n, sizeof(*m->tree));
	if (!m->tree)
		return sonde_fail(-ENOMEM, "out of memory for %zu lanes", m->n);
	for (size_t i = 0; i < m->n; i++) {
		int r = lane_fill(&m->lanes[i]);
		if (r < 0)
			return r;
		m->tree[i] = m->n;
	}
	for (size_t i = 0; i < m->n; i++)
		merge_replay(m, i);
	return 0;
}

/* How many of the winner's events come before every other lane's head. */
static size_t merge_run(const struct merge *m, size_t winner)
{
	const struct lane *l = &m->lanes[winner];
	size_t second = m->n;

	for (size_t node = (winner + m->n) / 2; node > 0; node /= 2) {
		if (second == m->n || lane_before(m, m->tree[node], second))
			second = m->tree[node];
	}
	if (second == m->n || m->lanes[second].ended)
		return (size_t)(l->end - l->head);

	int64_t until = m->lanes[second].head->ts_ns;
	const struct sonde_event *e = l->head + 1; // the winner itself has been compared
	while (e < l->end && e->ts_ns < until)
		e++;
	return (size_t)(e - l->head);
}

/* Two lanes that take turns: which is next cannot be foretold, so nothing branches on it. */
static size_t merge_two(struct merge *m, struct sonde_event *out)
{
	struct lane *x = &m->lanes[0], *y = &m->lanes[1];
	const struct sonde_event *a = x->head, *b = y->head;
	size_t n = 0;

	while (n < SONDE_BATCH_MAX && a < x->end && b < y->end) {
		bool second = b->ts_ns < a->ts_ns;

		if (__builtin_expect(a->ts_ns == b->ts_ns, 0))
			second = order_tie(b, a) < 0;
		out[n++] = *(second ? b : a);
		a += !second;
		b += second;
	}
	x->head = a;
	y->head = b;
	m->refill = a == x->end || b == y->end;
	m->tree[0] = a == x->end ? 0 : 1;
	m->tree[1] = 1 - m->tree[0];
	return n;
}

/* Makes the winner known, with a head. 0: there are no lanes. */
static int merge_ready(struct merge *m)
{
	int r = !m->n || m->tree ? 0 : merge_start(m);

	if (r < 0 || !m->n)
		return r;
	if (m->refill) {
		r = lane_fill(&m->lanes[m->tree[0]]);
		if (r < 0)
			return r;
		merge_replay(m, m->tree[0]);
		m->refill = false;
	}
	return 1;
}

/* The rest of the winner's batch where that is what comes next, as it is; or 0. */
static size_t merge_lend(struct merge *m, const struct sonde_event **ret)
{
	struct lane *l = &m->lanes[m->tree[0]];
	const size_t n = (size_t)(l->end - l->head);

	if (l->ended || merge_run(m, m->tree[0]) < n)
		return 0;
	*ret = l->head;
	l->head = l->end;
	m->refill = true;
	return n;
}

static size_t merge_copy(struct merge *m, struct sonde_event *out)
{
	size_t n = 0;

	while (n < SONDE_BATCH_MAX && !m->refill) {
		struct lane *l = &m->lanes[m->tree[0]];
		if (l->ended)
			break;

		size_t run = merge_run(m, m->tree[0]);
		if (run > SONDE_BATCH_MAX - n)
			run = SONDE_BATCH_MAX - n;
		memcpy(out + n, l->head, run * sizeof(*out));
		n += run;
		l->head += run;
		m->refill = l->head == l->end;
		if (!m->refill)
			merge_replay(m, m->tree[0]);
	}
	return n;
}

static bool are_two(const struct merge *m)
{
	return m->n == 2 && !m->lanes[0].ended && !m->lanes[1].ended;
}

int merge_next(struct merge *m, struct sonde_batch *ret)
{
	struct sonde_batch b = { m->out, 0 };
	int r = merge_ready(m);

	if (r <= 0)
		return r;
	if (are_two(m))
		b.n = merge_two(m, m->out);
	else if ((b.n = merge_lend(m, &b.events)) == 0)
		b.n = merge_copy(m, m->out);
	*ret = b;
	return b.n > 0;
}

int merge_take(struct merge *m, struct sonde_event *room, size_t *ret_n)
{
	size_t n = 0;
	int r = merge_ready(m);

	if (r > 0)
		n = are_two(m) ? merge_two(m, room) : merge_copy(m, room);
	if (r >= 0)
		*ret_n = n;
	return r < 0 ? r : n > 0;
}

int merge_hold(struct merge *m, size_t n)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!m->lanes[i].c->cls->hold)
			return -ENOTSUP;
	}
	for (size_t i = 0; i < m->n; i++) {
		struct sonde_component *c = m->lanes[i].c;
		int r = i && c == m->lanes[i - 1].c ? 0 : c->cls->hold(c, n);
		if (r < 0)
			return r;
	}
	return 0;
}
