/* SPDX-License-Identifier: MIT */
/** Packets that left hosts, and the rows of them that add up to what a socket sent. */
#include "analysis/sync/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	KEPT_MOST = 4096,  /* packets of a host */
	HEADER_PLAIN = 20, /* of TCP .. */
	HEADER_TIMES = 32, /* .. with the option that most packets have: times */
	SENDERS_MOST = 32, /* of one search */
};

struct claim_host {
	struct claim_packet *all; /* owned, in order of time */
	size_t n, cap;
	bool plain; /* a packet was seen that is too short for times */
};

void claims_fini(struct claims *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->hosts[i].all);
	free(c->hosts);
	*c = (struct claims){ 0 };
}

void claims_forget(struct claims *c, uint32_t host)
{
	if (host < c->n)
		c->hosts[host].n = 0;
}

static int host_of(struct claims *c, uint32_t host, struct claim_host **ret)
{
	if (host >= c->n) {
		int r = mem_grow(&c->hosts, &c->cap, (size_t)host + 1);
		if (r < 0)
			return r;
		memset(c->hosts + c->n, 0, (host + 1 - c->n) * sizeof(*c->hosts));
		c->n = (size_t)host + 1;
	}
	*ret = &c->hosts[host];
	return 0;
}

int claims_note(struct claims *c, uint32_t host, uint32_t len)
{
	struct claim_host *h;
	int r = host_of(c, host, &h);

	if (r < 0)
		return r;
	h->plain |= len < HEADER_TIMES;
	return len > HEADER_PLAIN && (h->plain || len != HEADER_TIMES);
}

int claims_add(struct claims *c, const struct claim_packet *p)
{
	struct claim_host *h;
	int r = host_of(c, p->end.host, &h);

	if (r < 0)
		return r;
	if (h->n == KEPT_MOST) {
		h->n = KEPT_MOST / 2;
		memmove(h->all, h->all + KEPT_MOST - h->n, h->n * sizeof(*h->all));
	}
	r = mem_grow(&h->all, &h->cap, h->n + 1);
	if (r < 0)
		return r;
	h->all[h->n] = *p;
	h->all[h->n++].plain = h->plain;
	return 0;
}

struct claim_packet *claims_since(struct claims *c, uint32_t host, int64_t since_ns, size_t *ret_n)
{
	struct claim_host *h = host < c->n ? &c->hosts[host] : NULL;
	size_t first = h ? h->n : 0;

	while (first && h->all[first - 1].end.ts_ns >= since_ns)
		first--;
	*ret_n = h ? h->n - first : 0;
	// What is so long ago that packets are forgotten, or so much, cannot be told apart.
	if (*ret_n > CLAIM_PACKETS_MOST || (h && !first && h->n >= KEPT_MOST / 2))
		*ret_n = 0;
	return h ? h->all + first : NULL;
}

/* The row that ends with a sender's latest packet. */
struct sender {
	uint64_t who, sum;
	size_t first;
};

static uint64_t data_of(const struct claim_packet *p, uint32_t header)
{
	return p->taken || p->len <= header ? 0 : p->len - header;
}

/* Its place in the table; SENDERS_MOST: there is none for it. */
static size_t sender_of(struct sender *all, size_t *n, uint64_t who, size_t at)
{
	size_t i = 0;

	while (i < *n && all[i].who != who)
		i++;
	if (i == *n && i < SENDERS_MOST)
		all[(*n)++] = (struct sender){ .who = who, .first = at };
	return i;
}

/* Takes packets from the row's begin until it is no longer than @bytes. */
static void shorten(const struct claim_packet *p, uint32_t header, struct sender *s, uint64_t bytes)
{
	while (s->sum > bytes) {
		if (p[s->first].who == s->who)
			s->sum -= data_of(&p[s->first], header);
		s->first++;
	}
	while (s->sum && (p[s->first].who != s->who || !data_of(&p[s->first], header)))
		s->first++;
}

static void fill_row(const struct claim_packet *p, uint32_t header, const struct sender *s,
		     uint64_t bytes, struct claim_row *ret)
{
	uint64_t sum = 0;

	ret->n = 0;
	for (size_t i = s->first; sum < bytes; i++) {
		const uint64_t data = p[i].who == s->who ? data_of(&p[i], header) : 0;

		sum += data;
		if (!data)
			continue;
		ret->at[ret->n] = (uint16_t)i;
		ret->upto[ret->n++] = sum;
	}
}

/* How many rows there are, and the last of them. */
static size_t rows_of(const struct claim_packet *p, size_t n, uint32_t header, uint64_t bytes,
		      struct claim_row *ret)
{
	struct sender all[SENDERS_MOST];
	size_t n_senders = 0, n_rows = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t data = data_of(&p[i], header);
		const size_t k = data ? sender_of(all, &n_senders, p[i].who, i) : 0;

		if (k == SENDERS_MOST)
			return 0;
		if (!data)
			continue;
		all[k].sum += data;
		shorten(p, header, &all[k], bytes);
		if (all[k].sum != bytes)
			continue;
		fill_row(p, header, &all[k], bytes, ret);
		n_rows++;
	}
	return n_rows;
}

bool claim_find(const struct claim_packet *p, size_t n, uint64_t bytes, struct claim_row *ret)
{
	bool plain = false;

	if (!bytes || n > CLAIM_PACKETS_MOST)
		return false;
	for (size_t i = 0; i < n; i++)
		plain |= p[i].plain;
	const size_t n_rows = rows_of(p, n, HEADER_TIMES, bytes, ret);
	if (n_rows || !plain)
		return n_rows == 1;
	return rows_of(p, n, HEADER_PLAIN, bytes, ret) == 1;
}
