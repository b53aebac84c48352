/* SPDX-License-Identifier: MIT */
/** Tests how events of emit() are described, and how their records are copied. */
#include "record/script_event.h"

#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/writer.h"
#include "sym/ctype.h"
#include "test.h"

enum { FIELDS_AT = 36, ROOM = 1 << 16 };

/** What a description needs, and what it gave. */
struct made {
	struct arena arena;
	struct describe d;
	struct sonde_stream_class *sc;
	struct script_class all[8];
	size_t n;
	struct strbuf text;
};

static void made_init(struct made *m)
{
	static const uint8_t uuid[16] = { 1 };

	*m = (struct made){ 0 };
	m->d.arena = &m->arena;
	describe_trace(&m->d, uuid);
	m->sc = script_describe(&m->d);
}

static void made_fini(struct made *m)
{
	for (size_t i = 0; i < m->n; i++)
		strbuf_fini(&m->all[i].shape);
	strbuf_fini(&m->text);
	arena_fini(&m->arena);
}

static int add_site(struct made *m, const struct site *s, struct script_plan *ret)
{
	struct script_class c;
	bool is_new = false;

	int r = script_describe_event(&m->d, m->sc, s, m->all, m->n, ret, &c, &is_new);
	if (!r && is_new && m->n < MEM_LEN(m->all))
		m->all[m->n++] = c;
	else
		strbuf_fini(&c.shape);
	return r;
}

/* A site with one field "f" of type @t behind the head. */
#define ONE(name, t)                                                                      \
	(struct site)                                                                     \
	{                                                                                 \
		.kind = SITE_EMIT, .fmt = (name), .n_args = 1,                            \
		.args = (const struct type_field[]){ { (t), sizeof(struct emit_head) } }, \
		.fields = (const char *const[]){ "f" },                                   \
	}

/* Two frames, whatever the stack is. */
static size_t two_frames(void *arg, const struct type *t, const struct stack_value *v,
			 uint64_t *ret)
{
	(void)arg;
	(void)t;
	ret[0] = v->id;
	ret[1] = 0x77;
	return 2;
}

/* Packs one value of @t as the only field; how many bytes it has from FIELDS_AT on. */
static size_t pack_one(const struct type *t, const void *value, size_t len, uint8_t *ret)
{
	static uint8_t payload[sizeof(struct emit_head) + 4096], room[ROOM];
	struct emit_head head = { .cpu = 1, .pid = 10, .tid = 11, .comm = "who" };
	struct script_plan plan;
	struct printer printer = { 0 };
	struct made m;

	made_init(&m);
	const struct site s = ONE("e", t);
	EXPECT_EQ(add_site(&m, &s, &plan), 0);
	memset(payload, 0, sizeof(payload));
	memcpy(payload, &head, sizeof(head));
	memcpy(payload + sizeof(head), value, len);
	memset(room, 0xee, sizeof(room));
	const struct script_pack how = { .printer = &printer,
					 .text = &m.text,
					 .stack = two_frames };
	const size_t n = script_pack(&plan, &how, 0x1122334455667788, payload, room);
	EXPECT(n <= plan.most);
	EXPECT_EQ(room[n], 0xee);
	EXPECT(!memcmp(room + 12, &(const uint32_t[]){ 10, 11 }, 8));
	EXPECT(!memcmp(room + 20, "who\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
	memcpy(ret, room + FIELDS_AT, n - FIELDS_AT);
	script_plan_fini(&plan);
	made_fini(&m);
	return n - FIELDS_AT;
}

TEST(numbers_lie_at_their_alignment)
{
	uint8_t got[64];
	const uint64_t v = 0x8182838485868788;

	EXPECT_EQ(pack_one(type_int(1, false), &v, 1, got), 1);
	EXPECT_EQ(got[0], ((const uint8_t *)&v)[0]);
	EXPECT_EQ(pack_one(type_int(4, true), &v, 4, got), 4);
	EXPECT(!memcmp(got, &v, 4));
	// 36 is no multiple of 8.
	EXPECT_EQ(pack_one(type_int(8, true), &v, 8, got), 12);
	EXPECT(!memcmp(got, "\0\0\0\0", 4) && !memcmp(got + 4, &v, 8));
}

TEST(texts_end_with_their_zero)
{
	const struct type t = { .kind = TYPE_STR, .size = 8, .align = 8 };
	uint8_t got[64];

	EXPECT_EQ(pack_one(&t, "ab\0xyz", 6, got), 3);
	EXPECT(!memcmp(got, "ab", 3));
	EXPECT_EQ(pack_one(&t, "", 1, got), 1);
	EXPECT_EQ(pack_one(&t, "12345678", 8, got), 9); // no 0 among the bytes that there are
	EXPECT(!memcmp(got, "12345678", 9));
}

TEST(a_buffer_is_no_longer_than_its_room)
{
	const struct type t = { .kind = TYPE_BUF, .size = 12, .align = 8 };
	uint8_t value[12] = { 3, 0, 0, 0, 'a', 'b', 'c', 'd' };
	const uint32_t much = 0xffffffff;
	uint8_t got[64];

	EXPECT_EQ(pack_one(&t, value, sizeof(value), got), 4 + 3);
	EXPECT(!memcmp(got + 4, "abc", 3));
	memcpy(value, &much, sizeof(much));
	EXPECT_EQ(pack_one(&t, value, sizeof(value), got), 4 + 8);
}

TEST(a_stack_has_as_many_frames_as_were_asked_for)
{
	struct type t = { .kind = TYPE_KSTACK, .size = 16, .align = 8, .stack_depth = STACK_MOST };
	const struct stack_value v = { .id = 5 };
	uint64_t frames[2];
	uint8_t got[64];

	EXPECT_EQ(pack_one(&t, &v, sizeof(v), got), 4 + 4 + 4 + 16);
	memcpy(frames, got + 12, sizeof(frames));
	EXPECT_EQ(frames[0], 5);
	EXPECT_EQ(frames[1], 0x77);
	t.stack_depth = 1;
	EXPECT_EQ(pack_one(&t, &v, sizeof(v), got), 4 + 4 + 4 + 8);
}

TEST(bit_fields_become_numbers)
{
	const struct ctype *u32 = ctype_basic("uint32_t"), *i32 = ctype_basic("int");
	const struct cmember members[] = {
		{ .name = "low", .type = u32, .bit_off = 0, .bit_size = 3 },
		{ .name = "", .type = u32, .bit_off = 3, .bit_size = 2 },
		{ .name = "sign", .type = i32, .bit_off = 5, .bit_size = 4 },
		{ .name = "rest", .type = u32, .bit_off = 9, .bit_size = 23 },
	};
	const struct ctype c = { .kind = CT_STRUCT,
				 .size = 4,
				 .name = "s",
				 .members = members,
				 .n_members = MEM_LEN(members),
				 .done = true };
	const struct type t = { .kind = TYPE_RECORD, .size = 4, .align = 8, .c = &c };
	const uint32_t value = 5 | 0xdU << 5 | 0x123456U << 9;
	uint8_t got[64];
	int32_t out[3];

	EXPECT_EQ(pack_one(&t, &value, sizeof(value), got), 12);
	memcpy(out, got, sizeof(out));
	EXPECT_EQ(out[0], 5);
	EXPECT_EQ(out[1], -3);
	EXPECT_EQ(out[2], 0x123456);
}

TEST(equal_events_are_one_class_and_others_are_told)
{
	const struct type small = { .kind = TYPE_STR, .size = 8, .align = 8 };
	const struct type large = { .kind = TYPE_STR, .size = 64, .align = 8 };
	const struct site sites[] = { ONE("a", &small), ONE("a", &large), ONE("b", &small),
				      ONE("a", &type_u32) };
	struct script_plan plans[4] = { 0 };
	struct made m;

	made_init(&m);
	EXPECT_EQ(add_site(&m, &sites[0], &plans[0]), 0);
	EXPECT_EQ(add_site(&m, &sites[1], &plans[1]), 0);
	EXPECT_EQ(add_site(&m, &sites[2], &plans[2]), 0);
	EXPECT_EQ(m.n, 2);
	EXPECT_EQ(m.sc->n_events, 2);
	EXPECT_EQ(plans[1].id, plans[0].id);
	EXPECT(plans[2].id != plans[0].id);
	EXPECT(plans[1].most > plans[0].most);
	EXPECT_EQ(add_site(&m, &sites[3], &plans[3]), -EEXIST);
	EXPECT_STR(sonde_err_str(), "event 'a' has other fields in another script");
	for (size_t i = 0; i < MEM_LEN(plans); i++)
		script_plan_fini(&plans[i]);
	made_fini(&m);
}

TEST(an_event_fits_into_a_packet)
{
	const struct type t = { .kind = TYPE_BUF, .size = WRITER_PACKET_USUAL, .align = 8 };
	const struct site s = ONE("e", &t);
	struct script_plan plan = { 0 };
	struct made m;

	made_init(&m);
	EXPECT_EQ(add_site(&m, &s, &plan), -E2BIG);
	script_plan_fini(&plan);
	made_fini(&m);
}

static int describe_all(void)
{
	const struct type text = { .kind = TYPE_STR, .size = 8, .align = 8 };
	const struct type stack = { .kind = TYPE_USTACK, .size = 16, .align = 8 };
	const struct type_field parts[] = { { &text, 0 }, { &stack, 8 } };
	const struct type tuple = {
		.kind = TYPE_TUPLE, .size = 24, .align = 8, .n = 2, .fields = parts
	};
	const struct site s = ONE("e", &tuple);
	struct script_plan plan = { 0 };
	struct made m;

	made_init(&m);
	const int r = add_site(&m, &s, &plan);
	script_plan_fini(&plan);
	made_fini(&m);
	return r;
}

TEST(out_of_memory_is_told)
{
	test_oom(describe_all);
}
