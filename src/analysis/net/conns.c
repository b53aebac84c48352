/* SPDX-License-Identifier: MIT */
/** TCP connections out of events: found by socket and by address, counted at the end they are of.
 */
#include "analysis/net/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"

enum { CONNS_MOST = 1 << 20, DEVICES_MOST = 4096 };

/* What the trace of a host can tell. */
struct net_host {
	const struct kernel_host *host;
	unsigned kinds, ranks[2];
};

struct net_conns {
	struct kernel *kernel; /* owned, as all below */
	struct net_reader *reader;
	int64_t from_ns, to_ns; /* the window */
	struct net_conn *conns;
	size_t n_conns, cap_conns;
	struct u64map by_sock, by_ends; /* -> connection */
	struct net_device *devices;
	size_t n_devices, cap_devices;
	struct net_host *hosts;
	size_t n_hosts, cap_hosts;
	uint64_t over;
};

static const struct kernel_watch watch = { .ran = NULL };

void net_conns_free(struct net_conns *s)
{
	if (!s)
		return;
	kernel_free(s->kernel);
	net_reader_free(s->reader);
	free(s->conns);
	free(s->devices);
	free(s->hosts);
	u64map_fini(&s->by_sock);
	u64map_fini(&s->by_ends);
	free(s);
}
SONDE_DEFINE_AUTO(struct net_conns *, net_conns_free)

int net_conns_new(int64_t from_ns, int64_t to_ns, struct net_conns **ret)
{
	sonde_auto(net_conns_freep) struct net_conns *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for connections");
	s->from_ns = from_ns;
	s->to_ns = to_ns;
	int r = net_reader_new(&s->reader);
	if (r >= 0)
		r = kernel_new(&watch, s, from_ns, to_ns, &s->kernel);
	if (r < 0)
		return r;
	*ret = sonde_take(s);
	return 0;
}

/* Finding. */

static const struct net_host *known_host(const struct net_conns *s, const struct kernel_host *h)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (s->hosts[i].host == h)
			return &s->hosts[i];
	}
	return NULL;
}

/* 1: the host of an event; 0: the model has none. */
static int host_of(struct net_conns *s, const struct sonde_event *e, const struct kernel_host **ret)
{
	const struct sonde_trace *trace = e->cls->stream_class->trace;
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(s->kernel, &hosts);
	size_t i = 0;

	while (i < n && hosts[i]->trace != trace)
		i++;
	if (i == n)
		return 0;
	*ret = hosts[i];
	if (known_host(s, hosts[i]))
		return 1;
	struct net_host h = { .host = hosts[i] };
	int r = mem_grow(&s->hosts, &s->cap_hosts, s->n_hosts + 1);
	if (r >= 0)
		r = net_reader_kinds(s->reader, trace, &h.kinds, h.ranks);
	if (r < 0)
		return r;
	s->hosts[s->n_hosts++] = h;
	return 1;
}

static uint64_t sock_key(const struct kernel_host *h, uint64_t sock)
{
	return sock ^ (uint64_t)h->trace->index << 56;
}

static uint64_t ends_key(const struct kernel_host *h, const struct net_event *ev)
{
	uint64_t k = HASH_BEGIN + h->trace->index;

	k = hash_bytes(k, ev->local.addr, sizeof(ev->local.addr));
	k = hash_bytes(k, &ev->local.port, sizeof(ev->local.port));
	k = hash_bytes(k, ev->remote.addr, sizeof(ev->remote.addr));
	return hash_bytes(k, &ev->remote.port, sizeof(ev->remote.port));
}

static bool same_end(const struct net_end *a, const struct net_end *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static struct net_conn *by_sock(const struct net_conns *s, const struct kernel_host *h,
				const struct net_event *ev)
{
	uint32_t i;

	// What was lost may have closed it, and given its place to another.
	if (!ev->has_sock || !u64map_get(&s->by_sock, sock_key(h, ev->sock), &i) ||
	    s->conns[i].gap != h->gap)
		return NULL;
	return &s->conns[i];
}

static struct net_conn *by_ends(const struct net_conns *s, const struct kernel_host *h,
				const struct net_event *ev)
{
	uint32_t i;

	if (!ev->has_ends || !u64map_get(&s->by_ends, ends_key(h, ev), &i))
		return NULL;
	struct net_conn *c = &s->conns[i];
	return c->host == h && c->gap == h->gap && same_end(&c->local, &ev->local) &&
			       same_end(&c->remote, &ev->remote)
		       ? c
		       : NULL;
}

/* A connection gets what the event tells of where it is. */
static int place(struct net_conns *s, struct net_conn *c, const struct net_event *ev)
{
	const uint32_t i = (uint32_t)(c - s->conns);
	uint32_t old;
	int r = 0;

	if (ev->has_sock &&
	    (!u64map_get(&s->by_sock, sock_key(c->host, ev->sock), &old) || old != i))
		r = u64map_put(&s->by_sock, sock_key(c->host, ev->sock), i);
	if (r >= 0 && ev->has_ends && !c->has_ends) {
		c->local = ev->local;
		c->remote = ev->remote;
		c->has_ends = true;
		r = u64map_put(&s->by_ends, ends_key(c->host, ev), i);
	}
	return r;
}

/* 1: a new connection; 0: there are too many. */
static int conn_new(struct net_conns *s, const struct kernel_host *h, int64_t now,
		    struct net_conn **ret)
{
	if (s->n_conns >= CONNS_MOST) {
		s->over++;
		return 0;
	}
	int r = mem_grow(&s->conns, &s->cap_conns, s->n_conns + 1);
	if (r < 0)
		return r;
	struct net_conn *c = &s->conns[s->n_conns++];
	*c = (struct net_conn){
		.host = h,
		.gap = h->gap,
		.first_ns = now,
		.last_ns = now,
		.opened_ns = KERNEL_NO_TIME,
		.established_ns = KERNEL_NO_TIME,
		.closed_ns = KERNEL_NO_TIME,
		.first_sent_ns = KERNEL_NO_TIME,
		.first_received_ns = KERNEL_NO_TIME,
	};
	*ret = c;
	return 1;
}

/* The connection that an event is of, made where it is met first. 1; 0: none. */
static int conn_of(struct net_conns *s, const struct kernel_host *h, const struct net_event *ev,
		   int64_t now, bool is_new, struct net_conn **ret)
{
	struct net_conn *c = is_new ? NULL : by_sock(s, h, ev);
	int r = 1;

	if (!c && !is_new)
		c = by_ends(s, h, ev);
	if (!c)
		r = conn_new(s, h, now, &c);
	if (r > 0)
		r = place(s, c, ev);
	if (r < 0 || !c)
		return r;
	c->last_ns = now;
	c->active |= now >= s->from_ns;
	*ret = c;
	return 1;
}

/* States. */

static void end_state(const struct net_conns *s, struct net_conn *c, int64_t now)
{
	const int64_t begin = c->state_ns > s->from_ns ? c->state_ns : s->from_ns;
	const int64_t end = now < s->to_ns ? now : s->to_ns;

	if (c->state > 0 && c->state < NET_N_STATES && end > begin)
		c->states_ns[c->state] += end - begin;
}

static void set_state(const struct net_conns *s, struct net_conn *c, int32_t state, int64_t now)
{
	end_state(s, c, now);
	if (state == NET_ESTABLISHED && c->established_ns == KERNEL_NO_TIME)
		c->established_ns = now;
	if (state == NET_CLOSE)
		c->closed_ns = now;
	c->state = state;
	c->state_ns = now;
}

static int on_state(struct net_conns *s, const struct kernel_host *h, const struct net_event *ev,
		    int64_t now)
{
	// Sockets that listen are no connections.
	if (ev->new_state == NET_LISTEN ||
	    (ev->old_state == NET_LISTEN && ev->new_state == NET_CLOSE))
		return 0;
	const bool connects = ev->old_state == NET_CLOSE && ev->new_state == NET_SYN_SENT;
	const bool accepts = ev->new_state == NET_SYN_RECV && ev->old_state != NET_SYN_SENT;
	struct net_conn *c = NULL;
	int r = conn_of(s, h, ev, now, connects || accepts, &c);

	if (r <= 0 || !c)
		return r;
	c->connects |= connects;
	c->accepts |= accepts;
	if (connects || accepts) {
		c->opened_ns = now;
	} else if (!c->state) {
		// It was in that state since before the trace, or before it was met.
		c->state = ev->old_state;
		c->state_ns = c->first_ns;
	}
	set_state(s, c, ev->new_state, now);
	return 1;
}

/* Traffic. */

/* Who runs where an event is made, and is no interrupt; NULL: not known. */
static const struct kernel_thread *thread_of(const struct net_conns *s, const struct kernel_host *h,
					     const struct sonde_event *e)
{
	const int32_t cpu = e->u.pkt->cpu;
	int64_t tid;

	switch (net_reader_tid(s->reader, e, &tid)) {
	case 0: return NULL;
	case 1: return kernel_thread_met(s->kernel, h->trace, tid, -1);
	default: break;
	}
	// Where interrupts were not recorded, whoever runs may have been interrupted.
	if (!(kernel_sources(s->kernel) & KERNEL_HAS_SOFTIRQ) || cpu < 0 ||
	    (size_t)cpu >= h->n_cpus || !h->cpus[cpu])
		return NULL;
	const struct kernel_cpu *c = h->cpus[cpu];
	return c->current && c->current->tid && !c->irqs && !c->softirqs ? c->current : NULL;
}

static bool in_window(const struct net_conns *s, int64_t now)
{
	return now >= s->from_ns && now <= s->to_ns;
}

static void note_data(struct net_conn *c, enum net_way way, int64_t now)
{
	int64_t *first = way == NET_OUT ? &c->first_sent_ns : &c->first_received_ns;

	if (*first == KERNEL_NO_TIME)
		*first = now;
}

/* A program sends or receives. */
static void on_call(const struct net_conns *s, struct net_conn *c, const struct net_event *ev,
		    const struct sonde_event *e)
{
	const bool sends = ev->kind == NET_SEND;

	if (!c->thread)
		c->thread = thread_of(s, c->host, e);
	if (ev->bytes > 0)
		note_data(c, sends ? NET_OUT : NET_IN, e->ts_ns);
	if (!in_window(s, e->ts_ns))
		return;
	const int64_t bytes = ev->bytes > 0 ? ev->bytes : 0;
	if (sends) {
		c->sends++;
		c->sent_bytes = ns_after(c->sent_bytes, bytes);
	} else {
		c->receives++;
		c->received_bytes = ns_after(c->received_bytes, bytes);
	}
}

static void on_arrived(const struct net_conns *s, struct net_conn *c, const struct net_event *ev,
		       int64_t now)
{
	if (ev->bytes > 0)
		note_data(c, NET_IN, now);
	if (!in_window(s, now))
		return;
	c->segments_in++;
	if (ev->srtt_us > 0 && ev->srtt_us < INT64_MAX / 1000)
		spread_add(&c->rtt, ev->srtt_us * 1000, now);
	if (ev->bytes > 0)
		c->wire_bytes[NET_IN] = ns_after(c->wire_bytes[NET_IN], ev->bytes);
}

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void on_flags(const struct net_conns *s, struct net_conn *c, const struct net_event *ev,
		     enum net_way way, int64_t now)
{
	if (ev->flags & NET_SYN && c->opened_ns == KERNEL_NO_TIME) {
		const bool answers = ev->flags & NET_ACK;

		c->opened_ns = now;
		c->connects = way == NET_OUT ? !answers : answers;
		c->accepts = !c->connects;
	}
	if (ev->flags & NET_ACK && !(ev->flags & NET_SYN) && c->established_ns == KERNEL_NO_TIME &&
	    c->opened_ns != KERNEL_NO_TIME)
		c->established_ns = now;
	// The handshake's time is the first that is known of the way there and back.
	if (ev->flags & NET_SYN && ev->flags & NET_ACK && way == NET_IN && c->connects &&
	    c->opened_ns != now && in_window(s, now))
		spread_add(&c->rtt, ns_between(c->opened_ns, now), now);
	if (ev->flags & (NET_FIN | NET_RST))
		c->closed_ns = now;
}

/* How many more bytes of what went that way the other end has, as it says. */
static int64_t take_ack(struct net_conn *c, enum net_way way, uint32_t ack)
{
	if (!c->has_acked[way]) {
		c->has_acked[way] = true;
		c->acked[way] = ack;
		return 0;
	}
	if (!before(c->acked[way], ack))
		return 0;
	// The end takes a number, too.
	const bool ends =
		c->has_fin[way] && before(c->fin[way], ack) && !before(c->fin[way], c->acked[way]);
	const int64_t more = (int64_t)(ack - c->acked[way]) - ends;

	c->acked[way] = ack;
	return more > 0 ? more : 0;
}

/* Follows the numbers of a segment. Whether it was there before. */
static bool take_seq(struct net_conn *c, enum net_way way, const struct net_event *ev, int64_t data)
{
	const bool syn = ev->flags & NET_SYN, fin = ev->flags & NET_FIN;
	const uint32_t next = ev->seq + (uint32_t)data + syn + fin;
	const bool again = next != ev->seq && c->has_seq[way] && before(ev->seq, c->seq_next[way]);

	if (!c->has_acked[way]) {
		c->has_acked[way] = true;
		c->acked[way] = ev->seq + syn;
	}
	if (fin) {
		c->has_fin[way] = true;
		c->fin[way] = ev->seq;
	}
	if (!c->has_seq[way] || before(c->seq_next[way], next))
		c->seq_next[way] = next;
	c->has_seq[way] = true;
	return again;
}

static void on_segment(const struct net_conns *s, struct net_conn *c, const struct net_event *ev,
		       const struct sonde_event *e)
{
	const enum net_way way = ev->kind == NET_SEG_OUT ? NET_OUT : NET_IN;
	const enum net_way other = way == NET_OUT ? NET_IN : NET_OUT;
	const int64_t data = ev->bytes >= 0 ? ev->bytes : 0;
	const bool again = take_seq(c, way, ev, data);
	const int64_t acked = ev->flags & NET_ACK ? take_ack(c, other, ev->ack) : 0;

	if (!c->thread && way == NET_OUT)
		c->thread = thread_of(s, c->host, e);
	on_flags(s, c, ev, way, e->ts_ns);
	if (data > 0)
		note_data(c, way, e->ts_ns);
	if (!in_window(s, e->ts_ns))
		return;
	c->knows |= NET_KNOWS_OUT | NET_KNOWS_IN | NET_KNOWS_SENT | NET_KNOWS_RECEIVED;
	c->segments_out += way == NET_OUT;
	c->segments_in += way == NET_IN;
	if (ev->bytes >= 0) {
		c->knows |= NET_KNOWS_AGAIN;
		c->retransmits += again && way == NET_OUT;
		c->wire_bytes[way] = ns_after(c->wire_bytes[way], again ? 0 : data);
	} else if (ev->has_sock) {
		// Its length is not told: what the other end says to have is.
		c->wire_bytes[other] = ns_after(c->wire_bytes[other], acked);
	}
}

static int take(struct net_conns *s, const struct kernel_host *h, const struct net_event *ev,
		const struct sonde_event *e)
{
	const bool syn = ev->has_header && ev->flags & NET_SYN && !(ev->flags & NET_ACK);
	struct net_conn *c;

	if (ev->kind == NET_STATE)
		return on_state(s, h, ev, e->ts_ns);
	if (ev->kind == NET_DELETED) {
		c = by_sock(s, h, ev);
		if (c && c->closed_ns == KERNEL_NO_TIME)
			c->closed_ns = e->ts_ns;
		u64map_del(&s->by_sock, sock_key(h, ev->sock));
		return 0;
	}
	if ((ev->kind == NET_RECEIVE || ev->kind == NET_SEND) && ev->bytes <= 0 &&
	    !by_sock(s, h, ev))
		return 0;
	// A handshake on ports that are used again; one that is sent again is of the same.
	const struct net_conn *old = syn ? by_ends(s, h, ev) : NULL;
	const bool is_new = old && old->closed_ns != KERNEL_NO_TIME;
	c = NULL;
	int r = conn_of(s, h, ev, e->ts_ns, is_new, &c);
	if (r <= 0 || !c)
		return r;
	switch (ev->kind) {
	case NET_ARRIVED: on_arrived(s, c, ev, e->ts_ns); break;
	case NET_SEND:
	case NET_RECEIVE: on_call(s, c, ev, e); break;
	case NET_AGAIN: c->retransmits += in_window(s, e->ts_ns); break;
	case NET_SEG_OUT:
	case NET_SEG_IN: on_segment(s, c, ev, e); break;
	case NET_NAMED:
	case NET_STATE:
	case NET_DELETED:
	case NET_NONE: break;
	}
	return 1;
}

/* Devices. */

static int take_packet(struct net_conns *s, const struct kernel_host *h, const struct net_packet *p)
{
	struct net_device *d = NULL;
	size_t len = p->device.len < NET_DEVICE_MOST - 1 ? p->device.len : NET_DEVICE_MOST - 1;

	for (size_t i = 0; i < s->n_devices && !d; i++) {
		struct net_device *x = &s->devices[i];

		if (x->host == h && !memcmp(x->name, p->device.data, len) && !x->name[len])
			d = x;
	}
	if (!d) {
		if (s->n_devices >= DEVICES_MOST) {
			s->over++;
			return 0;
		}
		int r = mem_grow(&s->devices, &s->cap_devices, s->n_devices + 1);
		if (r < 0)
			return r;
		d = &s->devices[s->n_devices++];
		*d = (struct net_device){ .host = h };
		memcpy(d->name, p->device.data, len);
	}
	d->packets[p->way][p->rank]++;
	d->bytes[p->way][p->rank] = ns_after(d->bytes[p->way][p->rank], p->bytes);
	return 1;
}

static int consume_one(struct net_conns *s, const struct sonde_event *e)
{
	const struct kernel_host *h;
	struct net_event ev;
	struct net_packet p;
	int r = e->cls ? host_of(s, e, &h) : 0;

	if (r <= 0)
		return r;
	r = net_read(s->reader, e, &ev);
	if (r > 0 && (!ev.has_header || ev.has_sock || ev.has_ends))
		r = take(s, h, &ev, e);
	if (r >= 0)
		r = net_read_packet(s->reader, e, &p);
	if (r > 0 && p.device.len && in_window(s, e->ts_ns))
		r = take_packet(s, h, &p);
	return r < 0 ? r : 0;
}

int net_conns_consume(struct net_conns *s, const struct sonde_batch *in)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++) {
		r = kernel_consume(s->kernel, &(struct sonde_batch){ &in->events[i], 1 });
		if (r == 0)
			r = consume_one(s, &in->events[i]);
		if (r < 0)
			return sonde_fail(r, "out of memory for connections");
	}
	return r;
}

/* What programs sent and took is told best by their calls. */
static void settle(struct net_conn *c, unsigned kinds)
{
	if (kinds & 1U << NET_SEND)
		c->knows |= NET_KNOWS_SENT;
	else
		c->sent_bytes = c->wire_bytes[NET_OUT];
	if (kinds & 1U << NET_RECEIVE)
		c->knows |= NET_KNOWS_RECEIVED;
	else
		c->received_bytes = c->wire_bytes[NET_IN];
	if (kinds & 1U << NET_ARRIVED)
		c->knows |= NET_KNOWS_RECEIVED | NET_KNOWS_IN;
	if (kinds & 1U << NET_AGAIN)
		c->knows |= NET_KNOWS_AGAIN;
}

void net_conns_finish(struct net_conns *s)
{
	int64_t begin, end;

	kernel_finish(s->kernel);
	if (kernel_span(s->kernel, &begin, &end) < 0)
		return;
	for (size_t i = 0; i < s->n_conns; i++) {
		struct net_conn *c = &s->conns[i];

		if (c->state != NET_CLOSE) {
			end_state(s, c, end);
			c->active |= c->state != 0;
		}
		settle(c, net_conns_kinds(s, c->host));
	}
}

const struct kernel *net_conns_kernel(const struct net_conns *s)
{
	return s->kernel;
}

size_t net_conns_all(const struct net_conns *s, const struct net_conn **ret)
{
	*ret = s->conns;
	return s->n_conns;
}

size_t net_conns_devices(const struct net_conns *s, const struct net_device **ret)
{
	*ret = s->devices;
	return s->n_devices;
}

unsigned net_conns_kinds(const struct net_conns *s, const struct kernel_host *h)
{
	const struct net_host *known = known_host(s, h);

	return known ? known->kinds : 0;
}

unsigned net_conns_rank(const struct net_conns *s, const struct kernel_host *h, enum net_way way)
{
	const struct net_host *known = known_host(s, h);

	return known ? known->ranks[way] : 0;
}

uint64_t net_conns_over(const struct net_conns *s)
{
	return s->over;
}
