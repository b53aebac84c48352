/* SPDX-License-Identifier: MIT */
/** TCP packets in events: read from LTTng's, and matched by what both ends see. */
#include "analysis/sync/tcp.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/deep.h"
#include "model/field.h"

/* Reading. */

enum kind { KIND_UNKNOWN, KIND_NONE, KIND_SOCKET, KIND_DEVICE };

struct class_info {
	uint8_t kind, way;
	struct field_ref seq, ack, flags;
};

struct tcp_reader {
	struct class_info *classes; /* owned, by class index */
	size_t cap;
	uint64_t *slots; /* owned: for deep_ints() */
	size_t cap_slots;
};

int tcp_reader_new(struct tcp_reader **ret)
{
	struct tcp_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return sonde_fail(-ENOMEM, "out of memory for packets");
	*ret = r;
	return 0;
}

void tcp_reader_free(struct tcp_reader *r)
{
	if (!r)
		return;
	free(r->classes);
	free(r->slots);
	free(r);
}

/* LTTng's: at the socket layer with a patch of their own, at the device since 2.10. */
static const struct {
	const char *name;
	uint8_t kind, way;
} known[] = {
	{ "inet_sock_local_in", KIND_SOCKET, TCP_IN },
	{ "inet_sock_local_out", KIND_SOCKET, TCP_OUT },
	{ "net_if_receive_skb", KIND_DEVICE, TCP_IN },
	{ "net_dev_queue", KIND_DEVICE, TCP_OUT },
};

static void resolve(const struct sonde_event_class *cls, struct class_info *ret)
{
	struct field_ref header;

	*ret = (struct class_info){ .kind = KIND_NONE };
	for (size_t i = 0; i < MEM_LEN(known); i++) {
		if (strcmp(cls->name, known[i].name) != 0)
			continue;
		ret->kind = known[i].kind;
		ret->way = known[i].way;
	}
	if (ret->kind == KIND_SOCKET &&
	    !(field_find_any(cls, "seq", &ret->seq) && field_find_any(cls, "ack_seq", &ret->ack) &&
	      field_find_any(cls, "flags", &ret->flags)))
		ret->kind = KIND_NONE;
	// Others of that name tell of no headers.
	if (ret->kind == KIND_DEVICE && !field_find_any(cls, "network_header", &header))
		ret->kind = KIND_NONE;
}

static int class_of(struct tcp_reader *r, const struct sonde_event *e,
		    const struct class_info **ret)
{
	const uint32_t i = e->cls->index;

	if (i >= r->cap) {
		const size_t old = r->cap;
		int err = mem_grow(&r->classes, &r->cap, (size_t)i + 1);
		if (err < 0)
			return err;
		memset(r->classes + old, 0, (r->cap - old) * sizeof(*r->classes));
	}
	if (r->classes[i].kind == KIND_UNKNOWN)
		resolve(e->cls, &r->classes[i]);
	*ret = &r->classes[i];
	return 0;
}

/* The members of a TCP header, as they come by. */
struct header {
	struct tcp_id id;
	unsigned seen; /* bit per name */
};

static void on_int(void *arg, const char *name, int64_t v)
{
	static const char *const names[] = { "seq",	    "ack_seq",	   "flags",
					     "data_offset", "source_port", "dest_port" };
	struct header *h = arg;
	unsigned i = 0;

	while (i < MEM_LEN(names) && strcmp(names[i], name) != 0)
		i++;
	if (i == MEM_LEN(names))
		return;
	h->seen |= 1u << i;
	switch (i) {
	case 0: h->id.seq = (uint32_t)v; break;
	case 1: h->id.ack = (uint32_t)v; break;
	case 2: h->id.flags |= (uint32_t)v & 0xfff; break;
	case 3: h->id.flags |= (uint32_t)v << 12; break;
	case 4: h->id.ports |= (uint32_t)v << 16; break;
	default: h->id.ports |= (uint32_t)v & 0xffff; break;
	}
}

/* 1: there was a TCP header. */
static int read_header(struct tcp_reader *r, const struct sonde_event *e, struct tcp_id *ret)
{
	struct header h = { .seen = 0 };
	int err = mem_grow(&r->slots, &r->cap_slots,
			   (size_t)e->cls->stream_class->trace->n_slots + 1);

	if (err < 0)
		return err;
	if (!deep_ints(e, r->slots, on_int, &h) || (h.seen & 7) != 7)
		return 0;
	*ret = h.id;
	return 1;
}

int tcp_read(struct tcp_reader *r, const struct sonde_event *e, struct tcp_id *ret)
{
	const struct class_info *c;
	int64_t seq, ack, flags;
	int err = class_of(r, e, &c);

	if (err < 0 || c->kind == KIND_NONE)
		return err < 0 ? err : TCP_NONE;
	if (c->kind == KIND_DEVICE) {
		err = read_header(r, e, ret);
		return err <= 0 ? err : c->way;
	}
	if (!field_int(e, &c->seq, &seq) || !field_int(e, &c->ack, &ack) ||
	    !field_int(e, &c->flags, &flags))
		return TCP_NONE;
	*ret = (struct tcp_id){ (uint32_t)seq, (uint32_t)ack, (uint32_t)flags, 0 };
	return c->way;
}

/* Matching: two generations of tables, so that the oldest can go at once. */

enum { SLOTS_LEAST = 1 << 10, ENDS_MOST = 1 << 18 };

struct slot {
	struct tcp_id id;
	struct tcp_end end;
	uint8_t way; /* TCP_NONE: free */
	bool gone;   /* matched: looked past */
};

struct generation {
	struct slot *slots; /* owned */
	size_t n_slots, used, waiting;
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

static uint64_t hash(const struct tcp_id *id, enum tcp_way way)
{
	uint64_t h = ((uint64_t)id->seq << 32 | id->ack) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= ((uint64_t)id->ports << 32 | id->flags) + way;
	h *= UINT64_C(0xc2b2ae3d27d4eb4f);
	return h ^ h >> 29;
}

/* The slot that holds such an end, or the free one where it would go. */
static struct slot *find(const struct generation *g, const struct tcp_id *id, enum tcp_way way)
{
	for (uint64_t i = hash(id, way);; i++) {
		struct slot *s = &g->slots[i & (g->n_slots - 1)];

		if (s->way == TCP_NONE ||
		    (!s->gone && s->way == way && !memcmp(&s->id, id, sizeof(*id))))
			return s;
	}
}

/* Makes room for one more, without what was matched. */
static int grow(struct generation *g)
{
	struct generation more = { .n_slots = SLOTS_LEAST };

	if (2 * (g->used + 1) <= g->n_slots)
		return 0;
	while (more.n_slots < 3 * (g->waiting + 1))
		more.n_slots *= 2;
	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (!more.slots)
		return sonde_fail(-ENOMEM, "out of memory for packets");
	for (size_t i = 0; i < g->n_slots; i++) {
		if (g->slots[i].way == TCP_NONE || g->slots[i].gone)
			continue;
		*find(&more, &g->slots[i].id, g->slots[i].way) = g->slots[i];
		more.used++;
	}
	more.waiting = more.used;
	free(g->slots);
	*g = more;
	return 0;
}

static bool take(struct generation *g, enum tcp_way way, const struct tcp_id *id,
		 struct tcp_end *ret)
{
	struct slot *s = g->n_slots ? find(g, id, way) : NULL;

	if (!s || s->way == TCP_NONE)
		return false;
	*ret = s->end;
	s->gone = true;
	g->waiting--;
	return true;
}

static bool waits(const struct generation *g, enum tcp_way way, const struct tcp_id *id)
{
	return g->n_slots && find(g, id, way)->way != TCP_NONE;
}

int tcp_match(struct tcp_ends *t, enum tcp_way way, const struct tcp_id *id,
	      const struct tcp_end *end, struct tcp_end *ret)
{
	const enum tcp_way other = way == TCP_OUT ? TCP_IN : TCP_OUT;

	if (take(&t->young, other, id, ret) || take(&t->old, other, id, ret))
		return 1;
	// A packet that was sent twice: what arrives may be the first.
	if (waits(&t->young, way, id) || waits(&t->old, way, id))
		return 0;
	if (t->young.waiting >= ENDS_MOST) {
		t->forgotten += t->old.waiting;
		free(t->old.slots);
		t->old = t->young;
		t->young = (struct generation){ 0 };
	}
	int err = grow(&t->young);
	if (err < 0)
		return err;
	*find(&t->young, id, way) = (struct slot){ .id = *id, .end = *end, .way = (uint8_t)way };
	t->young.used++;
	t->young.waiting++;
	return 0;
}
