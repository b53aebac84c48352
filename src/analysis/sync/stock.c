/* SPDX-License-Identifier: MIT */
/** Messages between sockets, matched by the count of their bytes. */
#include "analysis/sync/stock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/sync/claim.h"
#include "base/mem.h"
#include "base/u64map.h"
#include "model/field.h"

enum {
	STATE_ESTABLISHED = 1, /* linux/tcp_states.h */
	STATE_FIN_WAIT1 = 4,
	STATE_CLOSE = 7,
	STATE_CLOSE_WAIT = 8,
	PROTOCOL_TCP = 6,
	FAMILY_INET6 = 10,
	HEADER_MOST = 32,	/* of TCP with the options that all packets have */
	FLAGS_INTERRUPT = 0x18, /* ftrace's: hard interrupt, softirq */
	QUEUE_MOST = 1 << 16,	/* ends of one connection that wait */
	THREADS_MOST = 1 << 20,
};

enum kind { KIND_UNKNOWN, KIND_NONE, KIND_STATE, KIND_PROBE, KIND_SEND, KIND_XMIT, KIND_AGAIN };

/* Fields by kind of event. */
enum {
	F_SADDR,
	F_DADDR,
	F_SPORT,
	F_DPORT,
	F_SK,
	F_STATE,
	F_PROTOCOL,
	F_FAMILY,
	F_NEXT,
	F_UNACKED,
	N_PLACE
};
enum { F_LEN = F_SK };
enum { F_RET = F_SADDR };
enum { F_TRANSPORT = F_SADDR };

struct class_info {
	uint8_t kind;
	bool tells_sends; /* its trace has sock_send_length */
	struct field_ref f[N_PLACE];
	struct field_ref tid, flags;
};

/* One direction of a connection: from the one to the other. */
struct flow_key {
	uint8_t addr[2][16];
	uint16_t port[2];
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

struct stock {
	struct class_info *classes; /* owned, by class index */
	size_t cap_classes;
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

int stock_new(bool one_clock, struct stock **ret)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for messages");
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
	free(s->classes);
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

/* Which events. */

static const struct {
	const char *name;
	uint8_t kind;
	unsigned need; /* bit per field */
	const char *fields[N_PLACE][2];
} known[] = {
	{ "inet_sock_set_state",
	  KIND_STATE,
	  0x3f,
	  { { "saddr_v6", "saddr" },
	    { "daddr_v6", "daddr" },
	    { "sport" },
	    { "dport" },
	    { "skaddr" },
	    { "newstate" },
	    { "protocol" } } },
	{ "tcp_probe",
	  KIND_PROBE,
	  0x1f,
	  { { "saddr" },
	    { "daddr" },
	    { "sport" },
	    { "dport" },
	    [F_LEN] = { "data_len", "length" },
	    [F_FAMILY] = { "family" },
	    [F_NEXT] = { "snd_nxt" },
	    [F_UNACKED] = { "snd_una" } } },
	{ "sock_send_length",
	  KIND_SEND,
	  1 << F_SK | 1 << F_RET,
	  { [F_RET] = { "ret" }, [F_SK] = { "sk" }, [F_PROTOCOL] = { "protocol" } } },
	{ "net_dev_start_xmit",
	  KIND_XMIT,
	  1 << F_LEN,
	  { [F_LEN] = { "len" }, [F_TRANSPORT] = { "transport_offset" } } },
	{ "tcp_retransmit_skb",
	  KIND_AGAIN,
	  0x0f,
	  { { "saddr_v6", "saddr" }, { "daddr_v6", "daddr" }, { "sport" }, { "dport" } } },
};

/* The event's name without the part that says whose it is. */
static const char *short_name(const struct sonde_event_class *cls)
{
	const char *colon = strrchr(cls->name, ':');

	return colon ? colon + 1 : cls->name;
}

/* Kernels before 6.3 have no such event. */
static bool tells_sends(const struct sonde_trace *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		for (size_t k = 0; k < t->streams[i]->n_events; k++) {
			const struct sonde_event_class *cls = t->streams[i]->events[k];

			if (cls && !strcmp(short_name(cls), "sock_send_length"))
				return true;
		}
	}
	return false;
}

static void resolve(const struct sonde_event_class *cls, struct class_info *c)
{
	const char *name = short_name(cls);

	*c = (struct class_info){ .kind = KIND_NONE };
	for (size_t i = 0; i < MEM_LEN(known); i++) {
		unsigned found = 0;

		if (strcmp(name, known[i].name) != 0)
			continue;
		for (unsigned f = 0; f < N_PLACE; f++) {
			for (unsigned k = 0; k < 2 && known[i].fields[f][k]; k++) {
				if (!(found >> f & 1) &&
				    field_find(cls, SONDE_SCOPE_PAYLOAD, known[i].fields[f][k],
					       &c->f[f]))
					found |= 1u << f;
			}
		}
		if ((found & known[i].need) == known[i].need)
			c->kind = known[i].kind;
	}
	c->tells_sends = c->kind != KIND_NONE && tells_sends(cls->stream_class->trace);
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "common_pid", &c->tid);
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "common_flags", &c->flags);
}

static int class_of(struct stock *s, const struct sonde_event *e, const struct class_info **ret)
{
	const uint32_t i = e->cls->index;

	if (i >= s->cap_classes) {
		const size_t old = s->cap_classes;
		int r = mem_grow(&s->classes, &s->cap_classes, (size_t)i + 1);
		if (r < 0)
			return r;
		memset(s->classes + old, 0, (s->cap_classes - old) * sizeof(*s->classes));
	}
	if (s->classes[i].kind == KIND_UNKNOWN)
		resolve(e->cls, &s->classes[i]);
	*ret = &s->classes[i];
	return 0;
}

static int64_t get(const struct sonde_event *e, const struct field_ref *f, int64_t otherwise)
{
	int64_t v = otherwise;

	(void)field_int(e, f, &v);
	return v;
}

/* Flows. */

/* An address of 4 or 16 bytes, or inside of a sockaddr of 28, as 16: 4 as IPv6 maps them. */
static bool read_addr(const struct sonde_event *e, const struct field_ref *f, int64_t family,
		      uint8_t ret[16])
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	const struct sonde_int *type;
	struct sonde_span s;
	size_t n;

	if (!field_ints(e, f, &s, &type, &n) || type->len != 8)
		return false;
	memcpy(ret, mapped, 16);
	if (n == 4)
		memcpy(ret + 12, s.data, 4);
	else if (n == 16)
		memcpy(ret, s.data, 16);
	else if (n >= 24 && family == FAMILY_INET6)
		memcpy(ret, s.data + 8, 16);
	else if (n >= 8)
		memcpy(ret + 12, s.data + 4, 4);
	return n >= 4;
}

/* The flow from the event's own socket, or (@back) to it. */
static bool read_key(const struct sonde_event *e, const struct class_info *c, bool back,
		     struct flow_key *ret)
{
	const int64_t family = get(e, &c->f[F_FAMILY], 0);

	memset(ret, 0, sizeof(*ret));
	ret->port[back] = (uint16_t)get(e, &c->f[F_SPORT], 0);
	ret->port[!back] = (uint16_t)get(e, &c->f[F_DPORT], 0);
	return read_addr(e, &c->f[F_SADDR], family, ret->addr[back]) &&
	       read_addr(e, &c->f[F_DADDR], family, ret->addr[!back]);
}

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
	for (const uint8_t *p = data; len; p++, len--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h ^ h >> 31;
}

/* The flow of that key; with @make it is made where there is none. 0: there is none. */
static int flow_of(struct stock *s, const struct flow_key *key, bool make, uint32_t *ret)
{
	const uint64_t h = mix(UINT64_C(0xcbf29ce484222325), key, sizeof(*key));

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

static uint64_t sock_key(uint32_t host, int64_t sk)
{
	return (uint64_t)sk ^ (uint64_t)host << 56;
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

static int on_established(struct stock *s, const struct class_info *c, const struct sonde_event *e,
			  uint32_t host, uint64_t sock)
{
	struct flow_key key;
	uint32_t flow;

	for (unsigned back = 0; back < 2; back++) {
		int r = read_key(e, c, back, &key) ? flow_of(s, &key, /* make= */ true, &flow) : 0;
		if (r <= 0)
			return r;
		begin_flow(s, &s->flows[flow], !back, e->ts_ns, host);
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
 * counts begin anew once all has arrived, which the sender hears of by @unacked: before that no
 * more can come.
 */
static void recover(const struct stock *s, struct flow *f, uint32_t next, uint32_t unacked,
		    bool tells_sends)
{
	// What a program handed over may not have been sent yet.
	const bool all_sent = !tells_sends || next - f->start == (uint32_t)f->sent;

	if (!s->one_clock || next != unacked || !all_sent)
		return;
	f->sent = f->received = 0;
	f->out.first = f->out.n = f->in.first = f->in.n = 0;
	f->next = f->start = next;
	f->resent = f->deaf = false;
}

/* What a socket has sent, as it says where a packet comes in for it. */
static int count_sent(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		      uint32_t host, const struct stock_user *user)
{
	const uint32_t next = (uint32_t)get(e, &c->f[F_NEXT], 0);
	const uint32_t unacked = (uint32_t)get(e, &c->f[F_UNACKED], 0);
	struct flow_key key;
	uint32_t flow;

	if ((c->tells_sends && !s->one_clock) || !c->f[F_NEXT].type || !c->f[F_UNACKED].type ||
	    !read_key(e, c, /* back= */ false, &key))
		return 0;
	int r = flow_of(s, &key, /* make= */ false, &flow);
	if (r <= 0)
		return r;
	struct flow *f = &s->flows[flow];
	if (!f->sends || f->broken)
		return 0;
	if (!f->counted)
		f->next = f->start = unacked;
	f->counted = true;
	if (f->resent || f->deaf)
		recover(s, f, next, unacked, c->tells_sends);
	if (c->tells_sends)
		return 0;
	if (f->resent) {
		f->since_ns = e->ts_ns;
		return 0;
	}
	const int32_t bytes = (int32_t)(next - f->next);
	if (bytes > 0) {
		size_t n;
		struct claim_packet *p = claims_since(&s->claims, host, f->since_ns, &n);

		f->next = next;
		r = claim(s, f, p, n, (uint64_t)bytes);
	}
	f->since_ns = e->ts_ns;
	return r < 0 ? r : join(f, user);
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
static int on_closing(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		      uint32_t host, const struct stock_user *user)
{
	const int64_t state = get(e, &c->f[F_STATE], 0);
	const bool back = state == STATE_CLOSE_WAIT;
	struct flow_key key;
	uint32_t flow;
	int r = read_key(e, c, back, &key) ? flow_of(s, &key, /* make= */ false, &flow) : 0;

	if (r <= 0 || (!back && c->tells_sends))
		return r;
	struct flow *f = &s->flows[flow];
	if (state == STATE_FIN_WAIT1)
		return on_sender_close(s, f, host);
	if (back)
		f->receiver_closed = f->receives;
	else
		f->sender_gone = f->sender_closed;
	return settle(s, f, user);
}

static int on_state(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		    uint32_t host, const struct stock_user *user)
{
	const uint64_t sock = sock_key(host, get(e, &c->f[F_SK], 0));

	if (get(e, &c->f[F_PROTOCOL], PROTOCOL_TCP) != PROTOCOL_TCP)
		return 0;
	switch (get(e, &c->f[F_STATE], 0)) {
	case STATE_ESTABLISHED: return on_established(s, c, e, host, sock);
	case STATE_CLOSE: u64map_del(&s->by_sock, sock); return on_closing(s, c, e, host, user);
	case STATE_FIN_WAIT1:
	case STATE_CLOSE_WAIT: return on_closing(s, c, e, host, user);
	default: return 0;
	}
}

/* Data came in. */
static int count_received(struct stock *s, const struct class_info *c, const struct sonde_event *e,
			  uint32_t host, const struct stock_user *user)
{
	const int64_t len = get(e, &c->f[F_LEN], 0);
	struct flow_key key;
	uint32_t flow;
	int r;

	if (len <= 0 || !read_key(e, c, /* back= */ true, &key))
		return 0;
	r = flow_of(s, &key, /* make= */ false, &flow);
	if (r <= 0)
		return r;
	struct flow *f = &s->flows[flow];
	if (!f->receives || f->broken || f->deaf)
		return 0;
	struct waiting w = { .end = { .ts_ns = e->ts_ns, .host = host } };
	f->received += (uint64_t)len;
	w.upto = f->received;
	if (user->value)
		r = user->value(user->arg, TCP_IN, &w.end.value);
	if (r >= 0)
		r = push(s, f, &f->in, w);
	if (r >= 0)
		r = join(f, user);
	return r < 0 ? r : 1;
}

static int on_probe(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		    uint32_t host, const struct stock_user *user)
{
	int r = count_sent(s, c, e, host, user);

	return r < 0 ? r : count_received(s, c, e, host, user);
}

/* Threads. */

static int thread_of(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		     uint32_t host, struct last_xmit **ret)
{
	const int64_t tid = get(e, &c->tid, -1);
	const uint64_t key = (uint64_t)host << 40 ^ (uint64_t)tid;
	uint32_t i;

	if (tid <= 0 || get(e, &c->flags, 0) & FLAGS_INTERRUPT)
		return 0;
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
static int on_packet(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		     uint32_t host, const struct stock_user *user)
{
	const int64_t len = get(e, &c->f[F_LEN], 0) - get(e, &c->f[F_TRANSPORT], 0);
	const int64_t tid = get(e, &c->tid, -1);
	struct claim_packet p = { .end = { .ts_ns = e->ts_ns, .host = host } };
	int r = len > 0 && len <= UINT32_MAX ? claims_note(&s->claims, host, (uint32_t)len) : 0;

	if (r <= 0)
		return r;
	p.len = (uint32_t)len;
	p.who = get(e, &c->flags, 0) & FLAGS_INTERRUPT || tid <= 0
			? UINT64_C(1) << 63 | (uint32_t)e->u.pkt->cpu
			: (uint64_t)tid;
	if (user->value)
		r = user->value(user->arg, TCP_OUT, &p.end.value);
	if (r >= 0)
		r = claims_add(&s->claims, &p);
	return r < 0 ? r : 1;
}

/* Packets with data in them count; where there is none, the first packet since the last send. */
static int on_xmit(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		   uint32_t host, const struct stock_user *user)
{
	const int64_t header = get(e, &c->f[F_TRANSPORT], 0) + HEADER_MOST;
	const bool has_data = get(e, &c->f[F_LEN], 0) > header;
	struct last_xmit *t;
	int r = thread_of(s, c, e, host, &t);

	if (r <= 0 || (t->some && !has_data))
		return r;
	t->some = true;
	t->has_data = has_data;
	t->end = (struct tcp_end){ .ts_ns = e->ts_ns, .host = host };
	if (user->value)
		r = user->value(user->arg, TCP_OUT, &t->end.value);
	return r < 0 ? r : 1;
}

static int on_send(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		   uint32_t host, const struct stock_user *user)
{
	const int64_t ret = get(e, &c->f[F_RET], 0);
	struct last_xmit *t;
	uint32_t flow;

	if (ret <= 0 || get(e, &c->f[F_PROTOCOL], PROTOCOL_TCP) != PROTOCOL_TCP ||
	    !u64map_get(&s->by_sock, sock_key(host, get(e, &c->f[F_SK], 0)), &flow))
		return 0;
	struct flow *f = &s->flows[flow];
	f->sent += (uint64_t)ret;
	if (f->broken || f->resent || !f->sends)
		return 0;
	int r = thread_of(s, c, e, host, &t);
	if (r <= 0 || !t->some)
		return r;
	r = push(s, f, &f->out, (struct waiting){ .upto = f->sent, .end = t->end });
	t->some = false;
	if (r >= 0)
		r = join(f, user);
	return r < 0 ? r : 1;
}

/*
 * Data that is sent again may arrive twice, and would count twice. What was sent before that can
 * be trusted: once as many bytes are there, it had been sent, whichever bytes they are.
 */
static int on_again(struct stock *s, const struct class_info *c, const struct sonde_event *e)
{
	struct flow_key key;
	uint32_t flow;

	if (!read_key(e, c, /* back= */ false, &key))
		return 0;
	const int r = flow_of(s, &key, /* make= */ false, &flow);
	if (r <= 0)
		return r;
	if (s->flows[flow].sends)
		doubt(s, &s->flows[flow], /* sender= */ true);
	return r;
}

int stock_take(struct stock *s, const struct sonde_event *e, uint32_t host,
	       const struct stock_user *user)
{
	const struct class_info *c;
	int r = class_of(s, e, &c);

	if (r < 0)
		return r;
	switch ((enum kind)c->kind) {
	case KIND_STATE: return on_state(s, c, e, host, user);
	case KIND_PROBE: return on_probe(s, c, e, host, user);
	case KIND_SEND: return on_send(s, c, e, host, user);
	case KIND_XMIT:
		return c->tells_sends ? on_xmit(s, c, e, host, user)
				      : on_packet(s, c, e, host, user);
	case KIND_AGAIN: return on_again(s, c, e);
	case KIND_UNKNOWN:
	case KIND_NONE: break;
	}
	return 0;
}
