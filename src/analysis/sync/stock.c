/* SPDX-License-Identifier: MIT */
/** Messages between sockets, matched by the count of their bytes. */
#include "analysis/sync/stock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/net/events.h"
#include "analysis/sync/claim.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/u64map.h"

enum {
	HEADER_MOST = 32,     /* of TCP with the options that all packets have */
	QUEUE_MOST = 1 << 16, /* ends of one connection that wait */
	THREADS_MOST = 1 << 20,
};

/* One direction of a connection: from the one to the other. */
struct flow_key {
	struct net_end end[2];
};

/* An end that waits for the other; @upto: of all bytes, with this one's. */
struct waiting {
	uint64_t upto;
	struct tcp_end end;
};

struct queue {
	struct waiting *all; /* owned */
	size_t first, n, cap;
};

struct flow {
	struct flow_key key;
	uint64_t sent, received;
	uint32_t sender, receiver; /* the hosts that @sends and @receives are of */
	bool sends, receives;	   /* the sender's, the receiver's begin was seen */
	bool broken;
	bool reused; /* another one has the same ports: broken for good */
	struct queue out, in;
	/* Where nothing tells of sends: */
	bool counted;	  /* @next and @start are known */
	uint32_t next;	  /* the sequence number behind @sent */
	uint32_t start;	  /* that of the first byte in @sent */
	int64_t since_ns; /* when it was the next to be sent */
	/* What was sent between that and the sender's end; the sender closed, is no more. */
	struct claim_packet *tail; /* owned */
	size_t n_tail;
	bool sender_closed, sender_gone, receiver_closed;
	bool resent; /* data was sent again, or that was not told: sends are not counted any more */
	bool deaf;   /* that something arrived may not have been told: nor is that */
};

/* What a thread sent last. */
struct last_xmit {
	struct tcp_end end;
	bool some, has_data;
};

/* An event, as it is worked on. */
struct seen {
	const struct sonde_event *e;
	const struct net_event *ev;
	uint32_t host;
	const struct stock_user *user;
};

struct stock {
	struct net_reader *reader;		  /* borrowed */
	struct u64map by_key, by_sock, by_thread; /* flows, flows, threads */
	struct flow *flows;			  /* owned */
	size_t n_flows, cap_flows;
	struct last_xmit *threads; /* owned */
	size_t n_threads, cap_threads;
	uint64_t n_broken;
	struct claims claims; /* what left hosts that do not tell of sends */
	struct claim_row row; /* of the search at hand */
	bool one_clock;
};

int stock_new(struct net_reader *reader, bool one_clock, struct stock **ret)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for messages");
	s->reader = reader;
	s->one_clock = one_clock;
	*ret = s;
	return 0;
}

void stock_free(struct stock *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_flows; i++) {
		free(s->flows[i].out.all);
		free(s->flows[i].in.all);
		free(s->flows[i].tail);
	}
	free(s->flows);
	free(s->threads);
	u64map_fini(&s->by_key);
	u64map_fini(&s->by_sock);
	u64map_fini(&s->by_thread);
	claims_fini(&s->claims);
	free(s);
}

uint64_t stock_broken(const struct stock *s)
{
	return s->n_broken;
}

uint64_t stock_alone(const struct stock *s, uint32_t host)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_flows; i++) {
		const struct flow *f = &s->flows[i];

		n += f->sends && f->sent && f->sender == host && !f->receives;
	}
	return n;
}

static void break_flow(struct stock *s, struct flow *f)
{
	if (!f->broken && (f->sends || f->receives))
		s->n_broken++;
	f->broken = true;
	f->out.first = f->out.n = f->in.first = f->in.n = 0;
	f->n_tail = 0;
}

/* From now on nothing counts that the sender sends, or that the receiver gets. */
static void doubt(struct stock *s, struct flow *f, bool sender)
{
	if (!f->broken && !f->resent && !f->deaf)
		s->n_broken++;
	if (sender)
		f->resent = true;
	else
		f->deaf = true;
}

void stock_gap(struct stock *s, uint32_t host)
{
	for (uint32_t i = 0; i < s->claims.n; i++) {
		if (i == host || host == STOCK_ANY_HOST)
			claims_forget(&s->claims, i);
	}
	for (size_t i = 0; i < s->n_flows; i++) {
		struct flow *f = &s->flows[i];

		if (f->sends && (f->sender == host || host == STOCK_ANY_HOST))
			doubt(s, f, /* sender= */ true);
		if (f->receives && (f->receiver == host || host == STOCK_ANY_HOST))
			doubt(s, f, /* sender= */ false);
	}
}

/* Flows. */

/* The flow from the event's own socket, or (@back) to it. */
static struct flow_key key_of(const struct net_event *ev, bool back)
{
	return (struct flow_key){ { back ? ev->remote : ev->local,
				    back ? ev->local : ev->remote } };
}

/* The flow of that key; with @make it is made where there is none. 0: there is none. */
static int flow_of(struct stock *s, const struct flow_key *key, bool make, uint32_t *ret)
{
	const uint64_t h = hash_bytes(HASH_BEGIN, key, sizeof(*key));

	if (u64map_get(&s->by_key, h, ret))
		return !memcmp(&s->flows[*ret].key, key, sizeof(*key));
	if (!make)
		return 0;
	int r = mem_grow(&s->flows, &s->cap_flows, s->n_flows + 1);
	if (r >= 0)
		r = u64map_put(&s->by_key, h, (uint32_t)s->n_flows);
	if (r < 0)
		return r;
	s->flows[s->n_flows] = (struct flow){ .key = *key };
	*ret = (uint32_t)s->n_flows++;
	return 1;
}

/* That of the event's own socket, or (@back) the one to it. */
static int find_flow(struct stock *s, const struct net_event *ev, bool back, bool make,
		     uint32_t *ret)
{
	const struct flow_key key = key_of(ev, back);

	return ev->has_ends ? flow_of(s, &key, make, ret) : 0;
}

static uint64_t sock_key(uint32_t host, uint64_t sock)
{
	return sock ^ (uint64_t)host << 56;
}

/* Nothing is known of the sender's (or receiver's) end any more. */
static void forget_end(struct flow *f, bool sender)
{
	if (sender) {
		f->sent = 0;
		f->sends = f->counted = f->resent = false;
		f->sender_closed = f->sender_gone = false;
		f->out.first = f->out.n = f->n_tail = 0;
	} else {
		f->received = 0;
		f->receives = f->receiver_closed = f->deaf = false;
		f->in.first = f->in.n = 0;
	}
}

/*
 * The begin of a flow at one of its ends. Where its ports are used again, the other end's begin is
 * another one's; which one's, times of different clocks do not tell.
 */
static void begin_flow(struct stock *s, struct flow *f, bool sender, int64_t ts_ns, uint32_t host)
{
	const bool again = sender ? f->sends : f->receives;

	if (f->reused)
		return;
	if (again && !s->one_clock) {
		break_flow(s, f);
		f->reused = true;
		return;
	}
	if (again)
		forget_end(f, !sender);
	forget_end(f, sender);
	if (sender) {
		f->sends = true;
		f->sender = host;
		f->since_ns = ts_ns;
	} else {
		f->receives = true;
		f->receiver = host;
	}
	f->broken = false;
}

static int on_established(struct stock *s, const struct seen *n, uint64_t sock)
{
	uint32_t flow;

	for (unsigned back = 0; back < 2; back++) {
		int r = find_flow(s, n->ev, back, /* make= */ true, &flow);
		if (r <= 0)
			return r;
		begin_flow(s, &s->flows[flow], !back, n->e->ts_ns, n->host);
		if (!back)
			r = u64map_put(&s->by_sock, sock, flow);
		if (r < 0)
			return r;
	}
	return 1;
}

/* Waiting ends. */

static int push(struct stock *s, struct flow *f, struct queue *q, struct waiting w)
{
	if (q->n - q->first >= QUEUE_MOST) {
		break_flow(s, f);
		return 0;
	}
	if (q->first > q->n / 2) {
		memmove(q->all, q->all + q->first, (q->n - q->first) * sizeof(*q->all));
		q->n -= q->first;
		q->first = 0;
	}
	int r = mem_grow(&q->all, &q->cap, q->n + 1);
	if (r >= 0)
		q->all[q->n++] = w;
	return r;
}

/* Joins the sends that have arrived with the receptions that completed them. */
static int join(struct flow *f, const struct stock_user *user)
{
	int r = 0;

	while (r >= 0 && f->out.first < f->out.n && f->in.first < f->in.n) {
		const struct waiting *out = &f->out.all[f->out.first];
		const struct waiting *in = &f->in.all[f->in.first];

		if (in->upto < out->upto) {
			f->in.first++;
			continue;
		}
		f->out.first++;
		r = user->match(user->arg, &out->end, &in->end);
	}
	return r;
}

/* Sends that no event tells of. */

/* The socket of @f sent that many bytes more; they are in these packets, if that can be told. */
static int claim(struct stock *s, struct flow *f, struct claim_packet *p, size_t n, uint64_t bytes)
{
	const uint64_t before = f->sent;
	int r = 0;

	f->sent += bytes;
	if (!claim_find(p, n, bytes, &s->row))
		return 0;
	for (size_t i = 0; i < s->row.n && r >= 0 && !f->broken; i++) {
		struct claim_packet *packet = &p[s->row.at[i]];

		packet->taken = true;
		r = push(s, f, &f->out,
			 (struct waiting){ .upto = before + s->row.upto[i], .end = packet->end });
	}
	return r;
}

/*
 * Data was sent again, and some may have arrived twice, or something was not told. On one clock
 * counts begin anew once all has arrived, which the sender hears of by what is not acknowledged:
 * before that no more can come.
 */
static void recover(const struct stock *s, struct flow *f, const struct net_event *ev)
{
	// What a program handed over may not have been sent yet.
	const bool all_sent = !ev->tells_sends || ev->next - f->start == (uint32_t)f->sent;

	if (!s->one_clock || ev->next != ev->unacked || !all_sent)
		return;
	f->sent = f->received = 0;
	f->out.first = f->out.n = f->in.first = f->in.n = 0;
	f->next = f->start = ev->next;
	f->resent = f->deaf = false;
}

/* What a socket has sent, as it says where a packet comes in for it. */
static int count_sent(struct stock *s, const struct seen *n)
{
	const struct net_event *ev = n->ev;
	uint32_t flow;

	if ((ev->tells_sends && !s->one_clock) || !ev->has_next)
		return 0;
	int r = find_flow(s, ev, /* back= */ false, /* make= */ false, &flow);
	if (r <= 0)
		return r;
	struct flow *f = &s->flows[flow];
	if (!f->sends || f->broken)
		return 0;
	if (!f->counted)
		f->next = f->start = ev->unacked;
	f->counted = true;
	if (f->resent || f->deaf)
		recover(s, f, ev);
	if (ev->tells_sends)
		return 0;
	if (f->resent) {
		f->since_ns = n->e->ts_ns;
		return 0;
	}
	const int32_t bytes = (int32_t)(ev->next - f->next);
	if (bytes > 0) {
		size_t n_packets;
		struct claim_packet *p = claims_since(&s->claims, n->host, f->since_ns, &n_packets);

		f->next = ev->next;
		r = claim(s, f, p, n_packets, (uint64_t)bytes);
	}
	f->since_ns = n->e->ts_ns;
	return r < 0 ? r : join(f, n->user);
}

/*
 * Both ends are closed: what was sent last is what arrived, and no count tells of it. The sender
 * must be gone, so that it sends nothing again.
 */
static int settle(struct stock *s, struct flow *f, const struct stock_user *user)
{
	const size_t n = f->n_tail;

	if (!f->sender_gone || !f->receiver_closed || f->broken || f->resent || f->deaf ||
	    f->received <= f->sent)
		return 0;
	f->n_tail = 0;
	const int r = claim(s, f, f->tail, n, f->received - f->sent);
	return r < 0 ? r : join(f, user);
}

/* The sender closes: from now on no event counts what it sent. */
static int on_sender_close(struct stock *s, struct flow *f, uint32_t host)
{
	size_t n;
	const struct claim_packet *p = claims_since(&s->claims, host, f->since_ns, &n);

	if (!f->sends || f->broken || f->resent || f->sender_closed)
		return 0;
	if (n && !f->tail)
		f->tail = calloc(CLAIM_PACKETS_MOST, sizeof(*f->tail));
	if (n && !f->tail)
		return sonde_fail(-ENOMEM, "out of memory for messages");
	if (n)
		memcpy(f->tail, p, n * sizeof(*p));
	f->n_tail = n;
	f->sender_closed = true;
	return 0;
}

/* A socket sends no more, has got all, or is gone. */
static int on_closing(struct stock *s, const struct seen *n)
{
	const struct net_event *ev = n->ev;
	const bool back = ev->new_state == NET_CLOSE_WAIT;
	uint32_t flow;
	int r = find_flow(s, ev, back, /* make= */ false, &flow);

	if (r <= 0 || (!back && ev->tells_sends))
		return r;
	struct flow *f = &s->flows[flow];
	if (ev->new_state == NET_FIN_WAIT1)
		return on_sender_close(s, f, n->host);
	if (back)
		f->receiver_closed = f->receives;
	else
		f->sender_gone = f->sender_closed;
	return settle(s, f, n->user);
}

static int on_state(struct stock *s, const struct seen *n)
{
	const uint64_t sock = sock_key(n->host, n->ev->sock);

	switch (n->ev->new_state) {
	case NET_ESTABLISHED: return on_established(s, n, sock);
	case NET_CLOSE: u64map_del(&s->by_sock, sock); return on_closing(s, n);
	case NET_FIN_WAIT1:
	case NET_CLOSE_WAIT: return on_closing(s, n);
	default: return 0;
	}
}

/* What goes with an event, where the user has something. */
static int value_of(const struct stock_user *user, enum tcp_way way, uint32_t *ret)
{
	return user->value ? user->value(user->arg, way, ret) : 0;
}

/* Data came in. */
static int count_received(struct stock *s, const struct seen *n)
{
	struct waiting w = { .end = { .ts_ns = n->e->ts_ns, .host = n->host } };
	uint32_t flow;

	if (n->ev->bytes <= 0)
		return 0;
	int r = find_flow(s, n->ev, /* back= */ true, /* make= */ false, &flow);
	if (r <= 0)
		return r;
	struct flow *f = &s->flows[flow];
	if (!f->receives || f->broken || f->deaf)
		return 0;
	f->received += (uint64_t)n->ev->bytes;
	w.upto = f->received;
	r = value_of(n->user, TCP_IN, &w.end.value);
	if (r >= 0)
		r = push(s, f, &f->in, w);
	if (r >= 0)
		r = join(f, n->user);
	return r < 0 ? r : 1;
}

static int on_arrived(struct stock *s, const struct seen *n)
{
	int r = count_sent(s, n);

	return r < 0 ? r : count_received(s, n);
}

/* Threads. */

static int thread_of(struct stock *s, const struct seen *n, struct last_xmit **ret)
{
	int64_t tid;
	uint32_t i;

	if (net_reader_tid(s->reader, n->e, &tid) <= 0 || tid <= 0)
		return 0;
	const uint64_t key = (uint64_t)n->host << 40 ^ (uint64_t)tid;
	if (!u64map_get(&s->by_thread, key, &i)) {
		if (s->n_threads == THREADS_MOST)
			return 0;
		int r = mem_grow(&s->threads, &s->cap_threads, s->n_threads + 1);
		if (r >= 0)
			r = u64map_put(&s->by_thread, key, (uint32_t)s->n_threads);
		if (r < 0)
			return r;
		i = (uint32_t)s->n_threads++;
		s->threads[i] = (struct last_xmit){ .some = false };
	}
	*ret = &s->threads[i];
	return 1;
}

/* A packet that may be of any socket: which one, its counts will tell. */
static int on_packet(struct stock *s, const struct seen *n, int64_t len)
{
	struct claim_packet p = { .end = { .ts_ns = n->e->ts_ns, .host = n->host } };
	int64_t tid = -1;
	int r = len > 0 && len <= UINT32_MAX ? claims_note(&s->claims, n->host, (uint32_t)len) : 0;

	if (r <= 0)
		return r;
	p.len = (uint32_t)len;
	p.who = net_reader_tid(s->reader, n->e, &tid) == 0 || tid <= 0
			? UINT64_C(1) << 63 | (uint32_t)n->e->u.pkt->cpu
			: (uint64_t)tid;
	r = value_of(n->user, TCP_OUT, &p.end.value);
	if (r >= 0)
		r = claims_add(&s->claims, &p);
	return r < 0 ? r : 1;
}

/* Packets with data in them count; where there is none, the first packet since the last send. */
static int on_xmit(struct stock *s, const struct seen *n, int64_t len)
{
	const bool has_data = len > HEADER_MOST;
	struct last_xmit *t;
	int r = thread_of(s, n, &t);

	if (r <= 0 || (t->some && !has_data))
		return r;
	t->some = true;
	t->has_data = has_data;
	t->end = (struct tcp_end){ .ts_ns = n->e->ts_ns, .host = n->host };
	r = value_of(n->user, TCP_OUT, &t->end.value);
	return r < 0 ? r : 1;
}

static int on_send(struct stock *s, const struct seen *n)
{
	struct last_xmit *t;
	uint32_t flow;

	if (n->ev->bytes <= 0 || !u64map_get(&s->by_sock, sock_key(n->host, n->ev->sock), &flow))
		return 0;
	struct flow *f = &s->flows[flow];
	f->sent += (uint64_t)n->ev->bytes;
	if (f->broken || f->resent || !f->sends)
		return 0;
	int r = thread_of(s, n, &t);
	if (r <= 0 || !t->some)
		return r;
	r = push(s, f, &f->out, (struct waiting){ .upto = f->sent, .end = t->end });
	t->some = false;
	if (r >= 0)
		r = join(f, n->user);
	return r < 0 ? r : 1;
}

/*
 * Data that is sent again may arrive twice, and would count twice. What was sent before that can
 * be trusted: once as many bytes are there, it had been sent, whichever bytes they are.
 */
static int on_again(struct stock *s, const struct seen *n)
{
	uint32_t flow;
	const int r = find_flow(s, n->ev, /* back= */ false, /* make= */ false, &flow);

	if (r > 0 && s->flows[flow].sends)
		doubt(s, &s->flows[flow], /* sender= */ true);
	return r;
}

/* A packet that leaves; others are the same ones, seen elsewhere. */
static int take_packet(struct stock *s, const struct seen *n)
{
	struct net_packet p;
	const int r = net_read_packet(s->reader, n->e, &p);

	if (r <= 0 || p.transport < 0)
		return r < 0 ? r : 0;
	const int64_t len = p.bytes - p.transport;
	return p.tells_sends ? on_xmit(s, n, len) : on_packet(s, n, len);
}

int stock_take(struct stock *s, const struct sonde_event *e, const struct net_event *ev,
	       uint32_t host, const struct stock_user *user)
{
	const struct seen n = { e, ev, host, user };

	switch (ev->kind) {
	case NET_STATE: return on_state(s, &n);
	case NET_ARRIVED: return on_arrived(s, &n);
	case NET_SEND: return on_send(s, &n);
	case NET_AGAIN: return on_again(s, &n);
	case NET_NONE: return take_packet(s, &n);
	default: return 0;
	}
}
