/* SPDX-License-Identifier: MIT */
/** TCP packets matched by what both ends see. */
#include "analysis/sync/tcp.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/net/events.h"
#include "base/mem.h"

enum tcp_way tcp_id_of(const struct net_event *ev, struct tcp_id *ret)
{
	if (ev->kind != NET_SEG_OUT && ev->kind != NET_SEG_IN)
		return TCP_NONE;
	*ret = (struct tcp_id){ ev->seq, ev->ack, ev->same_flags, ev->ttl };
	return ev->kind == NET_SEG_OUT ? TCP_OUT : TCP_IN;
}

/* Matching: two generations of tables, so that the oldest can go at once. */

enum { SLOTS_LEAST = 1 << 10, ENDS_MOST = 1 << 18, SAME_MOST = 64 };

enum slot_state { SLOT_FREE, SLOT_WAITS, SLOT_MATCHED, SLOT_GONE };

struct slot {
	struct tcp_id id;
	struct tcp_end end;
	uint8_t state, way;
};

struct generation {
	struct slot *slots;	  /* owned */
	size_t n_slots, used;	  /* those that are not free */
	size_t n_live, n_waiting; /* that wait or were matched; that wait */
};

struct tcp_ends {
	struct generation young, old;
	uint64_t forgotten;
};

int tcp_ends_new(struct tcp_ends **ret)
{
	struct tcp_ends *t = calloc(1, sizeof(*t));

	if (!t)
		return sonde_fail(-ENOMEM, "out of memory for packets");
	*ret = t;
	return 0;
}

void tcp_ends_free(struct tcp_ends *t)
{
	if (!t)
		return;
	free(t->young.slots);
	free(t->old.slots);
	free(t);
}

uint64_t tcp_ends_forgotten(const struct tcp_ends *t)
{
	return t->forgotten;
}

static uint64_t hash(const struct tcp_id *id)
{
	uint64_t h = ((uint64_t)id->seq << 32 | id->ack) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= id->flags;
	h *= UINT64_C(0xc2b2ae3d27d4eb4f);
	return h ^ h >> 29;
}

static struct slot *free_slot(const struct generation *g, const struct tcp_id *id)
{
	for (uint64_t i = hash(id);; i++) {
		struct slot *s = &g->slots[i & (g->n_slots - 1)];

		if (s->state == SLOT_FREE || s->state == SLOT_GONE)
			return s;
	}
}

/* Makes room for one more, without what is gone. */
static int grow(struct generation *g)
{
	struct generation more = { .n_slots = SLOTS_LEAST };

	if (2 * (g->used + 1) <= g->n_slots)
		return 0;
	while (more.n_slots < 3 * (g->n_live + 1))
		more.n_slots *= 2;
	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (!more.slots)
		return sonde_fail(-ENOMEM, "out of memory for packets");
	for (size_t i = 0; i < g->n_slots; i++) {
		if (g->slots[i].state == SLOT_WAITS || g->slots[i].state == SLOT_MATCHED)
			*free_slot(&more, &g->slots[i].id) = g->slots[i];
	}
	more.used = more.n_live = g->n_live;
	more.n_waiting = g->n_waiting;
	free(g->slots);
	*g = more;
	return 0;
}

static int store(struct tcp_ends *t, const struct slot *new)
{
	struct generation *g = &t->young;

	if (g->n_live >= ENDS_MOST) {
		t->forgotten += t->old.n_waiting;
		free(t->old.slots);
		t->old = *g;
		*g = (struct generation){ 0 };
	}
	int r = grow(g);
	if (r < 0)
		return r;
	struct slot *s = free_slot(g, &new->id);
	g->used += s->state == SLOT_FREE;
	*s = *new;
	g->n_live++;
	g->n_waiting += new->state == SLOT_WAITS;
	return 0;
}

/* The next slot of such packets from the @at-th of its row on, which is then moved on; or NULL. */
static struct slot *next_same(const struct generation *g, const struct tcp_id *id, uint64_t *at)
{
	while (g->n_slots) {
		struct slot *s = &g->slots[(hash(id) + (*at)++) & (g->n_slots - 1)];

		if (s->state == SLOT_FREE)
			return NULL;
		if (s->state != SLOT_GONE && s->id.seq == id->seq && s->id.ack == id->ack &&
		    s->id.flags == id->flags)
			return s;
	}
	return NULL;
}

static struct slot *find(const struct generation *g, enum tcp_way way, const struct tcp_id *id)
{
	struct slot *s;
	uint64_t at = 0;

	while ((s = next_same(g, id, &at)) && s->way != way)
		;
	return s;
}

static bool take(struct generation *g, enum tcp_way way, const struct tcp_id *id,
		 struct tcp_end *ret)
{
	struct slot *s = find(g, way, id);

	if (!s)
		return false;
	*ret = s->end;
	s->state = SLOT_GONE;
	g->n_live--;
	g->n_waiting--;
	return true;
}

int tcp_match(struct tcp_ends *t, enum tcp_way way, const struct tcp_id *id,
	      const struct tcp_end *end, struct tcp_end *ret)
{
	const enum tcp_way other = way == TCP_OUT ? TCP_IN : TCP_OUT;

	if (take(&t->young, other, id, ret) || take(&t->old, other, id, ret))
		return 1;
	// A packet that was sent twice: what arrives may be the first.
	if (find(&t->young, way, id) || find(&t->old, way, id))
		return 0;
	return store(t, &(struct slot){ *id, *end, SLOT_WAITS, (uint8_t)way });
}

/* Whether the one is a packet's begin, and the other, on another host, its end. */
static bool fits(const struct slot *a, const struct slot *b)
{
	const struct slot *out = a->way == TCP_OUT ? a : b, *in = a->way == TCP_OUT ? b : a;

	return a->way != b->way && a->end.host != b->end.host && in->id.ttl <= out->id.ttl;
}

/* Hands over what the generation has of such packets. */
static int match_all(struct generation *g, struct slot *new, tcp_match_fn *match, void *arg)
{
	struct slot *s;
	uint64_t at = 0;
	int r = 0;

	while (r >= 0 && (s = next_same(g, &new->id, &at))) {
		if (!fits(s, new))
			continue;
		g->n_waiting -= s->state == SLOT_WAITS;
		s->state = new->state = SLOT_MATCHED;
		r = new->way == TCP_OUT ? match(arg, &new->end, &s->end)
					: match(arg, &s->end, &new->end);
	}
	return r;
}

/* Whether the host has seen such a packet; or too many have. */
static bool is_seen(const struct generation *g, const struct slot *new, unsigned *n)
{
	const struct slot *s;
	uint64_t at = 0;

	while ((s = next_same(g, &new->id, &at))) {
		if (++*n >= SAME_MOST || (s->end.host == new->end.host && s->id.ttl == new->id.ttl))
			return true;
	}
	return false;
}

int tcp_match_hosts(struct tcp_ends *t, enum tcp_way way, const struct tcp_id *id,
		    const struct tcp_end *end, tcp_match_fn *match, void *arg)
{
	struct slot new = { *id, *end, SLOT_WAITS, (uint8_t)way };
	unsigned n = 0;

	if (is_seen(&t->young, &new, &n) || is_seen(&t->old, &new, &n))
		return 0;
	int r = match_all(&t->young, &new, match, arg);
	if (r >= 0)
		r = match_all(&t->old, &new, match, arg);
	return r < 0 ? r : store(t, &new);
}
