/* SPDX-License-Identifier: MIT */
/** Hosts, the messages of each pair of them, and the tree that leads all to one reference. */
#include "analysis/sync/sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/net/events.h"
#include "analysis/sync/stock.h"
#include "analysis/sync/tcp.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/u64map.h"
#include "model/host.h"

enum { NAME_MOST = 4400 };

struct pair {
	uint32_t a, b; /* numbers of hosts as they were met, a < b */
	struct hull hull;
	struct hull_line line;
};

struct host {
	const char *key, *name, *path; /* the arena's */
};

struct sync {
	struct arena arena;
	struct net_reader *reader;
	struct tcp_ends *ends;
	struct stock *stock;
	struct host *hosts; /* owned, as they were met */
	size_t n_hosts, cap_hosts;
	uint32_t *by_trace; /* owned: number of the host + 1, by the trace's index */
	size_t cap_traces;
	struct pair *pairs; /* owned */
	size_t n_pairs, cap_pairs;
	struct u64map by_hosts; /* number of the pair */
	uint64_t n_packets;
	struct sync_host *solved; /* owned */
};

void sync_free(struct sync *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_pairs; i++)
		hull_fini(&s->pairs[i].hull);
	net_reader_free(s->reader);
	tcp_ends_free(s->ends);
	stock_free(s->stock);
	free(s->hosts);
	free(s->by_trace);
	free(s->pairs);
	u64map_fini(&s->by_hosts);
	free(s->solved);
	arena_fini(&s->arena);
	free(s);
}
SONDE_DEFINE_AUTO(struct sync *, sync_free)

int sync_new(struct sync **ret)
{
	sonde_auto(sync_freep) struct sync *s = calloc(1, sizeof(*s));
	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for clocks");

	int r = net_reader_new(&s->reader);
	if (r >= 0)
		r = tcp_ends_new(&s->ends);
	if (r >= 0)
		r = stock_new(s->reader, /* one_clock= */ false, &s->stock);
	if (r < 0)
		return r;
	*ret = sonde_take(s);
	return 0;
}

uint64_t sync_packets(const struct sync *s)
{
	return s->n_packets;
}

uint64_t sync_forgotten(const struct sync *s)
{
	return tcp_ends_forgotten(s->ends);
}

uint64_t sync_broken(const struct sync *s)
{
	return stock_broken(s->stock);
}

/* Events. */

static int add_host(struct sync *s, const struct sonde_trace *t, uint32_t *ret)
{
	char key[HOST_KEY_MOST];

	host_key(t, key);
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (!strcmp(s->hosts[i].key, key)) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	if (s->n_hosts == SYNC_HOSTS_MOST)
		return sonde_fail(-E2BIG, "more than %d hosts", SYNC_HOSTS_MOST);
	int r = mem_grow(&s->hosts, &s->cap_hosts, s->n_hosts + 1);
	if (r < 0)
		return r;
	struct host *h = &s->hosts[s->n_hosts];
	const char *name = host_name(t), *path = t->path ? t->path : "";
	h->key = arena_strndup(&s->arena, key, strlen(key));
	h->name = arena_strndup(&s->arena, name, strlen(name));
	h->path = arena_strndup(&s->arena, path, strlen(path));
	if (!h->key || !h->name || !h->path)
		return sonde_fail(-ENOMEM, "out of memory for clocks");
	*ret = (uint32_t)s->n_hosts++;
	return 0;
}

static int host_of(struct sync *s, const struct sonde_trace *t, uint32_t *ret)
{
	if (t->index >= s->cap_traces) {
		const size_t old = s->cap_traces;
		int r = mem_grow(&s->by_trace, &s->cap_traces, (size_t)t->index + 1);
		if (r < 0)
			return r;
		memset(s->by_trace + old, 0, (s->cap_traces - old) * sizeof(*s->by_trace));
	}
	if (!s->by_trace[t->index]) {
		uint32_t host = 0;
		int r = add_host(s, t, &host);
		if (r < 0)
			return r;
		s->by_trace[t->index] = host + 1;
	}
	*ret = s->by_trace[t->index] - 1;
	return 0;
}

/* The pair of two hosts: made at its first message. */
static int pair_of(struct sync *s, uint32_t a, uint32_t b, struct pair **ret)
{
	const uint64_t key = (uint64_t)a << 32 | b;
	uint32_t i;

	if (u64map_get(&s->by_hosts, key, &i)) {
		*ret = &s->pairs[i];
		return 0;
	}
	int r = mem_grow(&s->pairs, &s->cap_pairs, s->n_pairs + 1);
	if (r >= 0)
		r = u64map_put(&s->by_hosts, key, (uint32_t)s->n_pairs);
	if (r < 0)
		return r;
	s->pairs[s->n_pairs] = (struct pair){ .a = a, .b = b };
	*ret = &s->pairs[s->n_pairs++];
	return 0;
}

/* Host a of a pair is the reference of their line if its key sorts first. */
static bool turned(const struct sync *s, const struct pair *p)
{
	return strcmp(s->hosts[p->a].key, s->hosts[p->b].key) > 0;
}

static int take_message(struct sync *s, const struct tcp_end *from, const struct tcp_end *to)
{
	const bool up = from->host < to->host;
	struct pair *p;

	if (from->host == to->host)
		return 0;
	int r = pair_of(s, up ? from->host : to->host, up ? to->host : from->host, &p);
	if (r < 0)
		return r;
	const bool by_ref = up != turned(s, p);
	return hull_add(&p->hull, by_ref ? HULL_SENT : HULL_RECEIVED,
			by_ref ? from->ts_ns : to->ts_ns, by_ref ? to->ts_ns : from->ts_ns);
}

static int on_message(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	return take_message(arg, from, to);
}

/* Where time runs backwards nothing is missing. */
static int take_gap(struct sync *s, const struct sonde_gap *gap)
{
	uint32_t host = STOCK_ANY_HOST;
	int r = 0;

	if (gap->kind == SONDE_GAP_BACKWARD)
		return 0;
	if (gap->stream && gap->stream->cls && gap->stream->cls->clock)
		r = host_of(s, gap->stream->cls->trace, &host);
	stock_gap(s->stock, host);
	return r;
}

static int consume_one(struct sync *s, const struct sonde_event *e)
{
	const struct stock_user user = { .match = on_message, .arg = s };
	struct tcp_end end = { .ts_ns = e->ts_ns };
	struct net_event ev;
	struct tcp_id id;

	if (!e->cls)
		return take_gap(s, e->u.gap);
	if (!e->cls->stream_class->clock)
		return 0;
	int r = host_of(s, e->cls->stream_class->trace, &end.host);
	if (r < 0)
		return r;
	r = net_read(s->reader, e, &ev);
	if (r < 0)
		return r;
	const enum tcp_way way = tcp_id_of(&ev, &id);
	if (way == TCP_NONE) {
		r = stock_take(s->stock, e, &ev, end.host, &user);
		s->n_packets += r > 0;
		return r;
	}
	s->n_packets++;
	return tcp_match_hosts(s->ends, way, &id, &end, on_message, s);
}

int sync_consume(struct sync *s, const struct sonde_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		int r = consume_one(s, &b->events[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The tree. */

/* Whether line @a is better than @b. */
static bool better(const struct pair *a, const struct pair *b)
{
	static const int rank[] = {
		[HULL_ACCURATE] = 3, [HULL_APPROXIMATE] = 2, [HULL_FAILED] = 1
	};

	if (a->line.quality != b->line.quality)
		return rank[a->line.quality] > rank[b->line.quality];
	const int c = decimal_cmp(a->line.width, b->line.width);
	return c ? c < 0 : a->hull.n_matches > b->hull.n_matches;
}

/* Adds the host @child, which the line of @p leads to @parent. */
static void attach(struct sync_host *child, const struct sync_host *parent, size_t parent_at,
		   const struct pair *p, bool child_is_ref)
{
	struct decimal slope = p->line.slope, offset = p->line.offset_ns;

	if (child_is_ref) {
		offset = decimal_neg(decimal_div(offset, slope));
		slope = decimal_div(decimal_int(1), slope);
	}
	child->line = p->line;
	child->via = parent_at;
	child->synced = true;
	child->n_matches = p->hull.n_matches;
	child->quality = p->line.quality;
	if (parent->is_reference) {
		child->slope = slope;
		child->offset_ns = offset;
		return;
	}
	child->slope = decimal_mul(parent->slope, slope);
	child->offset_ns = decimal_add(decimal_mul(parent->slope, offset), parent->offset_ns);
	if (parent->quality == HULL_FAILED ||
	    (parent->quality == HULL_APPROXIMATE && child->quality == HULL_ACCURATE))
		child->quality = parent->quality;
}

/* Which place each host has once they are sorted. */
static void sort_hosts(const struct sync *s, size_t *place)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		place[i] = 0;
		for (size_t k = 0; k < s->n_hosts; k++)
			place[i] += strcmp(s->hosts[k].key, s->hosts[i].key) < 0;
	}
}

/* Gives each host the number of the first of those that packets lead to from it. */
static void find_groups(const struct sync *s, const size_t *place, size_t *group)
{
	bool changed = true;

	for (size_t i = 0; i < s->n_hosts; i++)
		group[i] = i;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < s->n_pairs; i++) {
			const struct pair *p = &s->pairs[i];
			size_t *a = &group[place[p->a]], *b = &group[place[p->b]];

			if (!hull_is_usable(p->line.quality) || *a == *b)
				continue;
			*a = *b = *a < *b ? *a : *b;
			changed = true;
		}
	}
}

/* The first host of the largest group: one that no packets lead to would leave all others alone. */
static size_t find_reference(const struct sync *s, const size_t *place)
{
	size_t group[SYNC_HOSTS_MOST], best = 0, most = 0;

	find_groups(s, place, group);
	for (size_t i = 0; i < s->n_hosts; i++) {
		size_t n = 0;

		for (size_t k = 0; k < s->n_hosts; k++)
			n += group[k] == i;
		if (n > most) {
			most = n;
			best = i;
		}
	}
	return best;
}

/* Lets the tree grow from the reference by the best line that leads out of it. */
static void grow_tree(struct sync *s, const size_t *place)
{
	for (;;) {
		const struct pair *best = NULL;

		for (size_t i = 0; i < s->n_pairs; i++) {
			const struct pair *p = &s->pairs[i];

			if (hull_is_usable(p->line.quality) &&
			    s->solved[place[p->a]].synced != s->solved[place[p->b]].synced &&
			    (!best || better(p, best)))
				best = p;
		}
		if (!best)
			return;
		const bool a_in = s->solved[place[best->a]].synced;
		const size_t parent = place[a_in ? best->a : best->b];
		const size_t child = place[a_in ? best->b : best->a];

		attach(&s->solved[child], &s->solved[parent], parent, best, child < parent);
	}
}

/* The worst that is known of a host outside of the tree. */
static void count_outside(struct sync *s, const size_t *place)
{
	for (size_t i = 0; i < s->n_pairs; i++) {
		const struct pair *p = &s->pairs[i];

		for (unsigned k = 0; k < 2; k++) {
			struct sync_host *h = &s->solved[place[k ? p->b : p->a]];

			if (h->synced)
				continue;
			h->n_matches += p->hull.n_matches;
			if (p->line.quality == HULL_INCOMPLETE)
				h->quality = HULL_INCOMPLETE;
		}
	}
}

static int name_hosts(struct sync *s, const size_t *place)
{
	char text[NAME_MOST];

	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct host *h = &s->hosts[i];
		unsigned same = 0;

		for (size_t k = 0; k < s->n_hosts; k++)
			same += !strcmp(s->hosts[k].name, h->name);
		(void)snprintf(text, sizeof(text), same > 1 ? "%s (%s)" : "%s", h->name, h->path);
		s->solved[place[i]].name = arena_strndup(&s->arena, text, strlen(text));
		if (!s->solved[place[i]].name)
			return sonde_fail(-ENOMEM, "out of memory for names");
	}
	return 0;
}

int sync_solve(struct sync *s, struct sync_hosts *ret)
{
	size_t place[SYNC_HOSTS_MOST];
	int r = 0;

	if (!s->n_hosts)
		return sonde_fail(-ENODATA, "there are no events with times");
	for (size_t i = 0; i < s->n_pairs && r >= 0; i++)
		r = hull_solve(&s->pairs[i].hull, &s->pairs[i].line);
	if (r < 0)
		return r;
	free(s->solved);
	s->solved = calloc(s->n_hosts, sizeof(*s->solved));
	if (!s->solved)
		return sonde_fail(-ENOMEM, "out of memory for clocks");
	sort_hosts(s, place);
	const size_t reference = find_reference(s, place);
	for (size_t i = 0; i < s->n_hosts; i++)
		s->solved[place[i]] = (struct sync_host){
			.key = s->hosts[i].key,
			.is_reference = place[i] == reference,
			.synced = place[i] == reference,
			.via = place[i],
			.n_alone = stock_alone(s->stock, (uint32_t)i),
			.slope = decimal_int(1),
		};
	r = name_hosts(s, place);
	if (r < 0)
		return r;
	grow_tree(s, place);
	count_outside(s, place);
	*ret = (struct sync_hosts){ s->solved, s->n_hosts, &s->solved[reference] };
	return 0;
}
