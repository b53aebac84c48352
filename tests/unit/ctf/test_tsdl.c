/* SPDX-License-Identifier: MIT */
/** Tests metadata text into descriptions. */
#include <errno.h>

#include <sonde/err.h>

#include "ctf/metadata.h"
#include "test.h"

static const char small[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; } := uint8_t;\n"
	"clock { name = c; freq = 1000; offset = 2500; offset_s = 7; };\n"
	"trace { major = 1; minor = 8; byte_order = be; };\n"
	"stream { event.header := struct { uint8_t id; integer { size = 27; } timestamp; }; };\n"
	"event { name = \"e\"; id = 5; fields := struct {\n"
	"	uint8_t __len; uint8_t _x[__len];\n"
	"	enum : uint8_t { A = 1 ... 3, B } tag;\n"
	"	variant <tag> { string A; uint8_t B[3]; } v;\n"
	"}; };\n";

static int parse_small(void)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;
	int r = ctf_metadata_parse(
		"m", (struct sonde_span){ (const uint8_t *)small, sizeof(small) - 1 }, &a, &t);

	if (r == 0 && (t->n_streams != 1 || t->streams[0]->n_events != 1 || t->n_slots != 2))
		r = -EINVAL;
	arena_fini(&a);
	return r;
}

TEST(small_text)
{
	EXPECT_EQ(parse_small(), 0);
	test_oom(parse_small);
}

TEST(clock_and_references)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(ctf_metadata_parse(
			  "m", (struct sonde_span){ (const uint8_t *)small, sizeof(small) - 1 }, &a,
			  &t),
		  0);
	const struct sonde_stream_class *s = t->streams[0];
	EXPECT(s->clock == t->clocks[0]);
	EXPECT_EQ(s->clock->offset_s, 9);
	EXPECT_EQ(s->clock->offset, 500);
	const struct sonde_type *p = s->events[0]->payload;
	EXPECT_EQ(p->u.structure.n_members, 4);
	const struct sonde_member *m = p->u.structure.members;
	EXPECT_STR(m[0].shown, "_len");
	EXPECT_EQ(m[0].type->save, 1);
	EXPECT_EQ(m[1].type->ref, 1);
	EXPECT_EQ(m[2].type->save, 2);
	EXPECT_EQ(m[3].type->ref, 2);
	EXPECT_EQ(m[3].type->u.variant.n_choices, 2);
	EXPECT_EQ(m[3].type->u.variant.choices[1].lo, 4);
	EXPECT_EQ(m[3].type->u.variant.options[1].type->fixed_len, 24);
	arena_fini(&a);
}
