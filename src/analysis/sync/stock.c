/* SPDX-License-Identifier: MIT */
/** Messages between sockets, matched by the count of their bytes. */
#include "analysis/sync/stock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"
#include "model/field.h"

enum {
	STATE_ESTABLISHED = 1, /* linux/tcp_states.h */
	STATE_CLOSE = 7,
	PROTOCOL_TCP = 6,
	FAMILY_INET6 = 10,
	HEADER_MOST = 32,	/* of TCP with the options that all packets have */
	FLAGS_INTERRUPT = 0x18, /* ftrace's: hard interrupt, softirq */
	QUEUE_MOST = 1 << 16,	/* ends of one connection that wait */
	THREADS_MOST = 1 << 20,
};

enum kind { KIND_UNKNOWN, KIND_NONE, KIND_STATE, KIND_PROBE, KIND_SEND, KIND_XMIT, KIND_AGAIN };

/* Fields by kind of event. */
enum { F_SADDR, F_DADDR, F_SPORT, F_DPORT, F_SK, F_STATE, F_PROTOCOL, F_FAMILY, N_PLACE };
enum { F_LEN = F_SK };
enum { F_RET = F_SADDR };
enum { F_TRANSPORT = F_SADDR };

struct class_info {
	uint8_t kind;
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
	bool sends, receives; /* the sender's, the receiver's begin was seen */
	bool broken;
	struct queue out, in;
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
};

int stock_new(struct stock **ret)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for messages");
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
	}
	free(s->flows);
	free(s->classes);
	free(s->threads);
	u64map_fini(&s->by_key);
	u64map_fini(&s->by_sock);
	u64map_fini(&s->by_thread);
	free(s);
}

uint64_t stock_broken(const struct stock *s)
{
	return s->n_broken;
}

static void break_flow(struct stock *s, struct flow *f)
{
	if (!f->broken && (f->sends || f->receives))
		s->n_broken++;
	f->broken = true;
	f->out.first = f->out.n = f->in.first = f->in.n = 0;
}

void stock_gap(struct stock *s)
{
	for (size_t i = 0; i < s->n_flows; i++)
		break_flow(s, &s->flows[i]);
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
	    [F_FAMILY] = { "family" } } },
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

static void resolve(const struct sonde_event_class *cls, struct class_info *c)
{
	const char *colon = strrchr(cls->name, ':');
	const char *name = colon ? colon + 1 : cls->name;

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

/* The begin of a flow at one of its ends. */
static void begin_flow(struct flow *f, bool sender)
{
	if (sender && f->sends) // its ports are used again
		f->receives = false;
	if (!sender && f->receives)
		f->sends = false;
	if (sender) {
		f->sent = 0;
		f->sends = true;
		f->out.first = f->out.n = 0;
	} else {
		f->received = 0;
		f->receives = true;
		f->in.first = f->in.n = 0;
	}
	f->broken = false;
}

static int on_state(struct stock *s, const struct class_info *c, const struct sonde_event *e,
		    uint32_t host)
{
	const uint64_t sock = sock_key(host, get(e, &c->f[F_SK], 0));
	const int64_t state = get(e, &c->f[F_STATE], 0);
	struct flow_key key;
	uint32_t flow;

	if (get(e, &c->f[F_PROTOCOL], PROTOCOL_TCP) != PROTOCOL_TCP)
		return 0;
	if (state == STATE_CLOSE)
		u64map_del(&s->by_sock, sock);
	if (state != STATE_ESTABLISHED)
		return 0;
	for (unsigned back = 0; back < 2; back++) {
		int r = read_key(e, c, back, &key) ? flow_of(s, &key, /* make= */ true, &flow) : 0;
		if (r <= 0)
			return r;
		begin_flow(&s->flows[flow], !back);
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

static int on_probe(struct stock *s, const struct class_info *c, const struct sonde_event *e,
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
	if (!f->receives || f->broken)
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
	if (f->broken || !f->sends)
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

/* Data that is sent again may arrive twice, and would count twice. */
static int on_again(struct stock *s, const struct class_info *c, const struct sonde_event *e)
{
	struct flow_key key;
	uint32_t flow;

	if (!read_key(e, c, /* back= */ false, &key))
		return 0;
	const int r = flow_of(s, &key, /* make= */ false, &flow);
	if (r > 0)
		break_flow(s, &s->flows[flow]);
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
	case KIND_STATE: return on_state(s, c, e, host);
	case KIND_PROBE: return on_probe(s, c, e, host, user);
	case KIND_SEND: return on_send(s, c, e, host, user);
	case KIND_XMIT: return on_xmit(s, c, e, host, user);
	case KIND_AGAIN: return on_again(s, c, e);
	case KIND_UNKNOWN:
	case KIND_NONE: break;
	}
	return 0;
}
