/* SPDX-License-Identifier: MIT */
/** Tests plans, the decode loops and field access on random types against a plain walk. */
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "model/decode.h"
#include "model/field.h"
#include "model/plan.h"
#include "test.h"

enum { SLOTS_MOST = 200, CLASSES = 4, BYTES = 700, EVENTS_MOST = 2000 };

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static struct arena arena;
static uint32_t n_slots;
static uint32_t usable[SLOTS_MOST]; /* slots that every walk has saved by now */
static bool usable_enum[SLOTS_MOST];
static unsigned n_usable;
static bool whole_bytes; /* only what the quick loop takes */
static const struct sonde_clock clock_ns = { .name = "c", .freq = 1000000000 };

static struct sonde_type *new_type(enum sonde_kind kind, uint32_t align, int64_t fixed_len)
{
	struct sonde_type *t = arena_new(&arena, struct sonde_type);

	t->kind = kind;
	t->align = align;
	t->fixed_len = fixed_len;
	return t;
}

static struct sonde_type *new_int(unsigned len, uint32_t align)
{
	struct sonde_type *t = new_type(SONDE_INT, align, len);

	t->u.integer.len = (uint8_t)len;
	t->u.integer.base = 10;
	return t;
}

static struct sonde_member *new_members(size_t n)
{
	struct sonde_member *m = arena_array(&arena, n, sizeof(*m));

	for (size_t i = 0; i < n; i++) {
		char name[16];
		int len = snprintf(name, sizeof(name), "_m%zu", i);

		m[i].name = arena_strndup(&arena, name, (size_t)len);
		m[i].shown = m[i].name + 1;
	}
	return m;
}

static uint64_t up(uint64_t at, uint64_t align)
{
	return (at + align - 1) / align * align;
}

/* Works out align and fixed_len of a structure. */
static void lay_out(struct sonde_type *t)
{
	uint64_t at = 0;
	bool fixed = true;

	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		const struct sonde_type *m = t->u.structure.members[i].type;

		if (m->align > t->align)
			t->align = m->align;
		fixed = fixed && m->fixed_len >= 0;
		at = up(at, m->align) + (uint64_t)(m->fixed_len > 0 ? m->fixed_len : 0);
	}
	t->fixed_len = fixed ? (int64_t)at : -1;
}

static struct sonde_type *random_type(unsigned depth, bool always);

static struct sonde_type *random_struct(unsigned depth, bool always, size_t n)
{
	struct sonde_type *t = new_type(SONDE_STRUCT, below(4) ? 1 : 8u << below(3), 0);
	struct sonde_member *m = new_members(n);

	for (size_t i = 0; i < n; i++)
		m[i].type = random_type(depth + 1, always);
	t->u.structure.members = m;
	t->u.structure.n_members = n;
	lay_out(t);
	return t;
}

static struct sonde_type *random_int(bool always)
{
	static const unsigned lens[] = { 8, 16, 32, 64 };
	bool whole = whole_bytes || below(2);
	bool saves = always && n_slots + 1 < SLOTS_MOST && !below(3);
	unsigned len = whole ? lens[below(4)] : 1 + below(64);
	struct sonde_type *t;

	if (saves && !whole_bytes)
		len = whole ? 8 : 1 + below(3);
	t = new_int(len, whole_bytes ? 8 : 1u << below(6));
	t->u.integer.is_signed = !whole_bytes && !below(3);
	t->u.integer.big_endian = !whole_bytes && below(2);
	if (saves) {
		t->save = ++n_slots;
		usable_enum[n_usable] = t->u.integer.is_signed;
		usable[n_usable++] = t->save;
	}
	return t;
}

static struct sonde_type *random_variant(unsigned depth)
{
	struct sonde_type *t = new_type(SONDE_VARIANT, 1, -1);
	size_t n = 1 + below(3);
	struct sonde_member *options = new_members(n);
	struct sonde_choice *choices = arena_array(&arena, n, sizeof(*choices));
	unsigned tag = below(n_usable);

	for (size_t i = 0; i < n; i++) {
		options[i].type = random_type(depth + 1, false);
		choices[i] =
			(struct sonde_choice){ i * 60 - 100, i * 60 - 41, (uint32_t)(n - 1 - i) };
		if (!usable_enum[tag])
			choices[i] = (struct sonde_choice){ i * 86, i * 86 + 85, (uint32_t)i };
	}
	t->u.variant.options = options;
	t->u.variant.n_options = n;
	t->u.variant.choices = choices;
	t->u.variant.n_choices = n;
	t->u.variant.tag_signed = usable_enum[tag];
	t->ref = usable[tag];
	return t;
}

static struct sonde_type *random_array(unsigned depth, bool sequence)
{
	struct sonde_type *elem = random_type(depth + 1, false);
	struct sonde_type *t = new_type(sequence ? SONDE_SEQUENCE : SONDE_ARRAY, elem->align, -1);

	t->u.array.elem = elem;
	if (sequence) {
		t->ref = usable[below(n_usable)];
		return t;
	}
	t->u.array.n = below(4);
	if (elem->fixed_len >= 0)
		t->fixed_len = t->u.array.n
				       ? (int64_t)((t->u.array.n - 1) *
						   up((uint64_t)elem->fixed_len, elem->align)) +
						 elem->fixed_len
				       : 0;
	return t;
}

static struct sonde_type *random_type(unsigned depth, bool always)
{
	struct sonde_type *t;

	switch (depth > 4 ? below(4) : below(11)) {
	case 3: return new_type(SONDE_STRING, 8, -1);
	case 4:
		t = new_type(SONDE_FLOAT, 8, 64);
		t->u.real.len = 64;
		return t;
	case 5: return random_struct(depth, always, below(4));
	case 6: return random_array(depth, false);
	case 7:
	case 8: return n_usable ? random_array(depth, true) : random_int(always);
	case 9: return n_usable && !whole_bytes ? random_variant(depth) : random_int(always);
	default: return random_int(always);
	}
}

/* A header with an id of few values and a time: plain, LTTng's, or of odd lengths. */
static struct sonde_type *random_header(void)
{
	static const unsigned lens[] = { 8, 16, 32, 64 };
	struct sonde_type *t = new_type(SONDE_STRUCT, 8, 0);
	struct sonde_member *m = new_members(2);
	unsigned kind = below(4);
	size_t id_at = below(2);

	m[id_at].name = m[id_at].shown = "id";
	t->u.structure.members = m;
	t->u.structure.n_members = 2;
	if (kind < 2) {
		struct sonde_type *id =
			new_int(kind ? 1 + below(13) : lens[below(4)], kind ? 1 : 8);
		struct sonde_type *time =
			new_int(kind ? 1 + below(64) : lens[below(4)], kind ? 1 : 8);

		time->u.integer.clock = &clock_ns;
		m[id_at].type = id;
		m[!id_at].type = time;
		id->u.integer.big_endian = time->u.integer.big_endian = below(2);
		t->align = kind ? 1 : 8u << below(3);
		lay_out(t);
		return t;
	}

	// LTTng's compact and large headers.
	const bool compact = kind == 2, big = below(2);
	struct sonde_type *id = new_int(compact ? 5 : 16, compact ? 1 : 8);
	struct sonde_type *time = new_int(compact ? 27 : 32, compact ? 1 : 8);
	struct sonde_type *full_id = new_int(32, 8), *full_time = new_int(64, 8);
	struct sonde_type *v = new_type(SONDE_VARIANT, 1, -1);
	struct sonde_type *small = new_type(SONDE_STRUCT, 1, 0),
			  *full = new_type(SONDE_STRUCT, 1, 0);
	struct sonde_member *options = new_members(2), *in_small = new_members(1),
			    *in_full = new_members(2);
	struct sonde_choice *choices = arena_array(&arena, 2, sizeof(*choices));
	uint64_t top = compact ? 31 : 65535;

	id->u.integer.big_endian = time->u.integer.big_endian = big;
	full_id->u.integer.big_endian = full_time->u.integer.big_endian = big;
	time->u.integer.clock = full_time->u.integer.clock = &clock_ns;
	id->save = v->ref = ++n_slots;
	in_small[0].type = time;
	in_full[0] = (struct sonde_member){ "id", "id", full_id };
	in_full[1].type = full_time;
	small->u.structure.members = in_small;
	small->u.structure.n_members = 1;
	full->u.structure.members = in_full;
	full->u.structure.n_members = 2;
	lay_out(small);
	lay_out(full);
	options[0].type = small;
	options[1].type = full;
	choices[0] = (struct sonde_choice){ 0, top - 1, 0 };
	choices[1] = (struct sonde_choice){ top, top, 1 };
	v->u.variant.options = options;
	v->u.variant.n_options = 2;
	v->u.variant.choices = choices;
	v->u.variant.n_choices = 2;
	m[0] = (struct sonde_member){ "id", "id", id };
	m[1] = (struct sonde_member){ "v", "v", v };
	t->fixed_len = -1;
	t->align = 8u << below(2);
	return t;
}

/* ---- The plain walk. ---- */

struct walk {
	const uint8_t *data;
	uint64_t end;
	uint64_t slots[SLOTS_MOST];
	uint64_t clock, id;
	bool header;
};

static uint64_t read_bits(const struct walk *w, uint64_t at, const struct sonde_int *t)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < t->len; i++) {
		uint64_t bit = at + i;

		if (t->big_endian)
			v = v << 1 | (w->data[bit / 8] >> (7 - bit % 8) & 1);
		else
			v |= (uint64_t)(w->data[bit / 8] >> bit % 8 & 1) << i;
	}
	if (t->is_signed && t->len < 64 && v >> (t->len - 1) & 1)
		v |= ~UINT64_C(0) << t->len;
	return v;
}

static bool walk_type(struct walk *w, const struct sonde_type *t, const char *name, uint64_t *at);

static bool walk_int(struct walk *w, const struct sonde_type *t, const char *name, uint64_t *at)
{
	const unsigned len = t->u.integer.len;

	if (*at + len > w->end)
		return false;
	uint64_t v = read_bits(w, *at, &t->u.integer);
	*at += len;
	if (t->save)
		w->slots[t->save] = v;
	if (w->header && !strcmp(name, "id"))
		w->id = v;
	if (t->u.integer.clock) {
		uint64_t low = len == 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
		uint64_t next = (w->clock & ~low) | v;

		w->clock = next < w->clock && len < 64 ? next + low + 1 : next;
	}
	return true;
}

static bool walk_type(struct walk *w, const struct sonde_type *t, const char *name, uint64_t *at)
{
	*at = up(*at, t->align);
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return walk_int(w, t, name, at);
	case SONDE_FLOAT: *at += t->u.real.len; return *at <= w->end;
	case SONDE_STRING:
		for (;; *at += 8) {
			if (*at + 8 > w->end)
				return false;
			if (!w->data[*at / 8])
				break;
		}
		*at += 8;
		return true;
	case SONDE_STRUCT:
		for (size_t i = 0; i < t->u.structure.n_members; i++) {
			const struct sonde_member *m = &t->u.structure.members[i];

			if (!walk_type(w, m->type, m->shown, at))
				return false;
		}
		return true;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: {
		uint64_t n = t->kind == SONDE_ARRAY ? t->u.array.n : w->slots[t->ref];

		for (uint64_t i = 0; i < n; i++) {
			const uint64_t before = *at;

			if (!walk_type(w, t->u.array.elem, "", at))
				return false;
			if (i && *at == before)
				break; // nor would the next take room
		}
		return true;
	}
	case SONDE_VARIANT:
		for (size_t i = 0; i < t->u.variant.n_choices; i++) {
			const struct sonde_choice *c = &t->u.variant.choices[i];
			uint64_t tag = w->slots[t->ref];
			bool in = t->u.variant.tag_signed ? (int64_t)tag >= (int64_t)c->lo &&
								    (int64_t)tag <= (int64_t)c->hi
							  : tag >= c->lo && tag <= c->hi;

			if (in)
				return walk_type(w, t->u.variant.options[c->option].type, "", at);
		}
		return false;
	}
	return false;
}

/* ---- The comparison. ---- */

static struct sonde_trace trace;
static struct sonde_stream_class sc;
static struct sonde_stream_class *sc_list[1] = { &sc };
static struct sonde_event_class classes[CLASSES];
static struct sonde_event_class *class_list[CLASSES];
static uint8_t bytes[BYTES];
static struct sonde_event events[EVENTS_MOST];
static const uint64_t no_slots[SLOTS_MOST];

static void random_trace(void)
{
	n_slots = 0;
	n_usable = 0;
	whole_bytes = false;
	sc = (struct sonde_stream_class){ .trace = &trace, .clock = &clock_ns };
	sc.event_header = random_header();
	whole_bytes = below(2);
	sc.event_context = below(3) ? NULL : random_struct(0, true, below(4));
	const unsigned shared = n_usable;
	for (unsigned i = 0; i < CLASSES; i++) {
		n_usable = shared;
		classes[i] =
			(struct sonde_event_class){ .stream_class = &sc, .name = "e", .id = i };
		classes[i].context = below(3) ? NULL : random_struct(0, true, below(3));
		classes[i].payload = below(8) ? random_struct(0, true, below(7)) : NULL;
		class_list[i] = &classes[i];
	}
	sc.events = class_list;
	sc.n_events = CLASSES;
	trace = (struct sonde_trace){ .n_slots = n_slots, .streams = sc_list, .n_streams = 1 };
	const unsigned dense = below(12);
	// Zeros and small values are likely, so that ids, lengths and tags often make sense.
	for (unsigned i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(below(16) > dense ? 0 : below(3) ? below(5) : below(256));
}

static bool walk_scope(struct walk *w, const struct sonde_type *t, uint64_t *at,
		       uint64_t *ret_begin)
{
	if (!t) {
		*ret_begin = *at;
		return true;
	}
	*ret_begin = *at = up(*at, t->align);
	return walk_type(w, t, "", at);
}

/* Every top-level integer of @scope, by name, against the plain walk. */
static unsigned wrong_fields(const struct sonde_event *e, enum sonde_scope scope,
			     const struct sonde_type *t, struct walk w, uint64_t at)
{
	unsigned wrong = 0;

	for (size_t i = 0; t && i < t->u.structure.n_members; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];
		const struct sonde_type *type = m->type;
		struct field_ref f;
		int64_t v = 0;

		at = up(at, type->align);
		wrong += !field_find(e->cls, scope, m->name, &f) && type->kind != SONDE_VARIANT;
		bool found = field_int(e, &f, &v);
		if (type->kind == SONDE_INT)
			wrong += !found || (uint64_t)v != read_bits(&w, at, &type->u.integer);
		else
			wrong += found && type->kind != SONDE_VARIANT;
		if (!walk_type(&w, type, m->shown, &at))
			return wrong + 1;
	}
	return wrong;
}

/* Compares event @e with the plain walk from *@at; false: the walk ends there. */
static bool same_event(struct walk *w, const struct sonde_event *e, uint64_t *at, unsigned *wrong)
{
	*at = up(*at, sc.event_header->align);
	if (*at >= w->end)
		return false;
	const uint64_t begin = *at;
	w->header = true;
	bool ok = walk_type(w, sc.event_header, "", at);
	w->header = false;
	if (!ok || w->id >= CLASSES)
		return false;

	const struct sonde_event_class *cls = &classes[w->id];
	const uint64_t time = w->clock;
	struct walk before[3];
	uint64_t mark[3];
	const struct sonde_type *types[] = { sc.event_context, cls->context, cls->payload };

	for (unsigned i = 0; i < 3; i++) {
		before[i] = *w;
		if (!walk_scope(w, types[i], at, &mark[i]))
			return false;
	}
	if (*at > w->end)
		return false; // an alignment led out of the packet
	// Where there is no scope, it begins where the next one does.
	for (unsigned i = 2; i-- > 0;)
		mark[i] = types[i] ? mark[i] : mark[i + 1];
	if (!e) {
		(*wrong)++;
		return false;
	}
	*wrong += e->cls != cls || e->at != begin || e->cycles != time ||
		  begin + e->context != mark[0] || begin + e->event_context != mark[1] ||
		  begin + e->payload != mark[2] || begin + e->end != *at;
	for (unsigned i = 0; i < 3 && !*wrong; i++)
		*wrong += wrong_fields(e, SONDE_SCOPE_STREAM_CONTEXT + i, types[i], before[i],
				       mark[i]);
	return true;
}

/* All events of the bytes, in batches of up to @most. */
static size_t decode_all(const struct plan_header *h, const struct sonde_packet *pkt, size_t most)
{
	struct decode d;
	size_t n = 0, more;
	enum decode_state s;

	decode_init(&d, h);
	d.w.clock = 1000;
	decode_packet(&d, pkt, 0);
	do {
		size_t room = EVENTS_MOST - n < most ? EVENTS_MOST - n : most;

		s = decode_events(&d, events + n, room, &more);
		n += more;
	} while (s == DECODE_MORE && n < EVENTS_MOST);
	return n;
}

TEST(random_types_against_a_plain_walk)
{
	uint64_t n_events = 0;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t begin = seed = round * 7919 + 12345;
		struct plan_header *h = NULL;
		unsigned wrong = 0;

		random_trace();
		if (plan_stream_class(&arena, &trace, &sc, &h) < 0) {
			test_failed(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)begin,
				    sonde_err_str());
			break;
		}
		struct sonde_packet pkt = { .data = bytes,
					    .n_bits = BYTES * 8 - below(9),
					    .slots = no_slots };
		struct walk w = { .data = bytes, .end = pkt.n_bits, .clock = 1000 };
		size_t n = decode_all(h, &pkt, 1 + below(20)), i = 0;
		uint64_t at = 0;

		while (!wrong && i < EVENTS_MOST &&
		       same_event(&w, i < n ? &events[i] : NULL, &at, &wrong))
			i++;
		n_events += n;
		if (wrong || i != n) {
			test_failed(__FILE__, __LINE__, "seed %llu: event %zu of %zu is wrong",
				    (unsigned long long)begin, i, n);
			break;
		}
		arena_fini(&arena);
	}
	arena_fini(&arena);
	printf("# %llu events\n", (unsigned long long)n_events);
	EXPECT(n_events > 20000);
}

TEST(no_allocation_per_event)
{
	struct plan_header *h = NULL;

	seed = 99;
	random_trace();
	EXPECT_EQ(plan_stream_class(&arena, &trace, &sc, &h), 0);
	struct sonde_packet pkt = { .data = bytes, .n_bits = BYTES * 8, .slots = no_slots };
	uint64_t before = test_allocations();
	(void)decode_all(h, &pkt, 64);
	EXPECT_EQ(test_allocations(), before);
	arena_fini(&arena);
}

/* An array of as many elements of no bits as anybody can ask for is passed at once. */
TEST(many_elements_of_no_size)
{
	struct sonde_type *header = new_type(SONDE_STRUCT, 8, 8), *id = new_int(8, 8);
	struct sonde_type *payload = new_type(SONDE_STRUCT, 8, -1), *len = new_int(64, 8);
	struct sonde_type *seq = new_type(SONDE_SEQUENCE, 1, -1);
	struct sonde_type *v = new_type(SONDE_VARIANT, 1, -1);
	struct sonde_member *hm = new_members(1), *pm = new_members(2), *om = new_members(1);
	struct sonde_choice choice = { 0, UINT64_MAX, 0 };
	struct plan_header *h = NULL;

	len->save = 1;
	hm[0] = (struct sonde_member){ "id", "id", id };
	header->u.structure.members = hm;
	header->u.structure.n_members = 1;
	// The option is a structure without members, so the plan cannot know that it has no size.
	om[0].type = new_type(SONDE_STRUCT, 1, 0);
	v->ref = 1;
	v->u.variant.options = om;
	v->u.variant.n_options = 1;
	v->u.variant.choices = &choice;
	v->u.variant.n_choices = 1;
	seq->ref = 1;
	seq->u.array.elem = v;
	pm[0].type = len;
	pm[1].type = seq;
	payload->u.structure.members = pm;
	payload->u.structure.n_members = 2;

	sc = (struct sonde_stream_class){ .trace = &trace, .event_header = header };
	classes[0] =
		(struct sonde_event_class){ .stream_class = &sc, .name = "e", .payload = payload };
	class_list[0] = &classes[0];
	sc.events = class_list;
	sc.n_events = 1;
	trace = (struct sonde_trace){ .n_slots = 1 };
	EXPECT_EQ(plan_stream_class(&arena, &trace, &sc, &h), 0);

	uint8_t data[9] = { 0, 255, 255, 255, 255, 255, 255, 255, 255 };
	struct sonde_packet pkt = { .data = data, .n_bits = 72, .slots = no_slots };
	EXPECT_EQ(decode_all(h, &pkt, 8), 1);
	EXPECT_EQ(events[0].end, 72);

	// Elements of a byte each: there is no room for so many.
	seq->u.array.elem = new_int(8, 8);
	EXPECT_EQ(plan_stream_class(&arena, &trace, &sc, &h), 0);
	EXPECT_EQ(decode_all(h, &pkt, 8), 0);
	arena_fini(&arena);
}

TEST(clock_wraps)
{
	EXPECT_EQ(plan_clock(0x1000000f0, 0xf1, 8), 0x1000000f1);
	EXPECT_EQ(plan_clock(0x1000000f0, 0x01, 8), 0x100000101);
	EXPECT_EQ(plan_clock(0x1000000f0, 0xf0, 8), 0x1000000f0);
	EXPECT_EQ(plan_clock(0x1000000f0, 0x7, 64), 7);
	EXPECT_EQ(plan_clock((1u << 27) - 1, 0, 27), 1u << 27);
}
