/* SPDX-License-Identifier: MIT */
/** Tests metadata text into descriptions: what types become, packets, limits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "ctf/metadata.h"
#include "test.h"

#define TRACE "trace { major = 1; minor = 8; byte_order = be; };\n"
#define U8    "typealias integer { size = 8; } := u8;\n"

static const char small[] =
	"/* CTF 1.8 */\n" U8
	"clock { name = c; freq = 1000; offset = 2500; offset_s = 7; };\n" TRACE
	"stream { event.header := struct { u8 id; integer { size = 27; } timestamp; }; };\n"
	"event { name = \"e\"; id = 5; fields := struct {\n"
	"	u8 __len; u8 _x[__len];\n"
	"	enum : u8 { A = 1 ... 3, B } tag;\n"
	"	variant <tag> { string A; u8 B[3]; } v;\n"
	"}; };\n";

static int parse(const char *s, size_t len, struct arena *a, struct sonde_trace **ret)
{
	return ctf_metadata_parse("m", (struct sonde_span){ (const uint8_t *)s, len }, a, ret);
}

static int parse_small(void)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;
	int r = parse(small, sizeof(small) - 1, &a, &t);

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

	EXPECT_EQ(parse(small, sizeof(small) - 1, &a, &t), 0);
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

/** What one member `x` of an event's fields becomes. */
static const struct {
	const char *members; /* `x` is looked at */
	enum sonde_kind kind;
	uint32_t align;
	int64_t fixed_len;
	int base;
	bool is_text;
} kinds[] = {
	{ "u8 x;", SONDE_INT, 8, 8, 10, false },
	{ "integer { size = 5; } x;", SONDE_INT, 1, 5, 10, false },
	{ "integer { size = 0x40; align = 32; base = x; } x;", SONDE_INT, 32, 64, 16, false },
	{ "integer { size = 010; base = binary; signed = TRUE; } x;", SONDE_INT, 8, 8, 2, false },
	{ "typealias integer { size = 64; base = o; } := void *; void *x;", SONDE_INT, 8, 64, 16,
	  false },
	{ "typealias u8 := const unsigned thing; const unsigned thing x;", SONDE_INT, 8, 8, 10,
	  false },
	{ "const u8 x;", SONDE_INT, 8, 8, 10, false },
	{ "typedef u8 a, b[4]; b x;", SONDE_ARRAY, 8, 32, 0, false },
	{ "floating_point { exp_dig = 8; mant_dig = 24; } x;", SONDE_FLOAT, 8, 32, 0, false },
	{ "floating_point { exp_dig = 11; mant_dig = 53; align = 64; } x;", SONDE_FLOAT, 64, 64, 0,
	  false },
	{ "string x;", SONDE_STRING, 8, -1, 0, false },
	{ "string { encoding = ASCII; } x;", SONDE_STRING, 8, -1, 0, false },
	{ "u8 x[3];", SONDE_ARRAY, 8, 24, 0, false },
	{ "integer { size = 8; align = 16; } x[3];", SONDE_ARRAY, 16, 40, 0, false },
	{ "integer { size = 8; align = 16; } x[0];", SONDE_ARRAY, 16, 0, 0, false },
	{ "u8 x[2][3];", SONDE_ARRAY, 8, 48, 0, false },
	{ "u8 x[env.n];", SONDE_ARRAY, 8, 40, 0, false },
	{ "integer { size = 8; encoding = UTF8; } x[3];", SONDE_ARRAY, 8, 24, 0, true },
	{ "integer { size = 8; encoding = ASCII; signed = 1; } x[3];", SONDE_ARRAY, 8, 24, 0,
	  true },
	{ "integer { size = 8; align = 1; encoding = UTF8; } x[3];", SONDE_ARRAY, 1, 24, 0, false },
	{ "u8 n; integer { size = 8; encoding = UTF8; } x[n];", SONDE_SEQUENCE, 8, -1, 0, true },
	{ "struct { u8 a; integer { size = 32; align = 32; } b; } x;", SONDE_STRUCT, 32, 64, 0,
	  false },
	{ "struct { u8 a; } align(16) x;", SONDE_STRUCT, 16, 8, 0, false },
	{ "struct { } x;", SONDE_STRUCT, 1, 0, 0, false },
	{ "struct { u8 a; string b; } x;", SONDE_STRUCT, 8, -1, 0, false },
	{ "struct s { u8 a; }; struct s x[2];", SONDE_ARRAY, 8, 16, 0, false },
	{ "enum e : u8 { A } y; enum e x;", SONDE_ENUM, 8, 8, 10, false },
	{ "typealias integer { size = 16; } := int; enum { A } x;", SONDE_ENUM, 8, 16, 10, false },
	{ "variant v { u8 A; }; enum : u8 { A } t; variant v <t> x;", SONDE_VARIANT, 1, -1, 0,
	  false },
	{ "struct { integer { size = 32; align = 32; } u8; } u; u8 x;", SONDE_INT, 8, 8, 10,
	  false },
};

TEST(types)
{
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		struct arena a = { 0 };
		struct strbuf text = { 0 };
		struct sonde_trace *t = NULL;

		strbuf_fmt(&text,
			   "env { n = 5; };\n" TRACE U8
			   "event { name = e; fields := struct { %s }; };",
			   kinds[i].members);
		int r = parse(text.data, text.len, &a, &t);
		EXPECT_EQ(r, 0);
		if (r < 0) {
			printf("# %s\n", sonde_err_str());
			arena_fini(&a);
			strbuf_fini(&text);
			continue;
		}
		const struct sonde_member *x =
			sonde_type_member(t->streams[0]->events[0]->payload, "x");
		if (x->type->kind != kinds[i].kind || x->type->align != kinds[i].align ||
		    x->type->fixed_len != kinds[i].fixed_len)
			test_failed(__FILE__, __LINE__, "'%s': kind %d align %u len %lld",
				    kinds[i].members, x->type->kind, x->type->align,
				    (long long)x->type->fixed_len);
		if (kinds[i].base)
			EXPECT_EQ(x->type->u.integer.base, kinds[i].base);
		if (x->type->kind == SONDE_ARRAY || x->type->kind == SONDE_SEQUENCE)
			EXPECT_EQ(x->type->u.array.is_text, kinds[i].is_text);
		arena_fini(&a);
		strbuf_fini(&text);
	}
}

TEST(labels)
{
	static const char text[] =
		TRACE U8 "event { name = e; fields := struct {\n"
			 "	enum : integer { size = 8; signed = true; } {\n"
			 "		A = -3 ... 3, B, \"C D\" = 9, _F, A = 'c', } t;\n"
			 "	variant <t> { u8 B; u8 _A; string F; u8 none; } v; }; };";
	static const struct {
		const char *label;
		int64_t lo, hi;
	} wanted[] = {
		{ "A", -3, 3 }, { "B", 4, 4 }, { "C D", 9, 9 }, { "_F", 10, 10 }, { "A", 99, 99 }
	};
	static const struct {
		int64_t lo;
		uint32_t option;
	} choices[] = { { -3, 1 }, { 4, 0 }, { 10, 2 }, { 99, 1 } };
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(parse(text, sizeof(text) - 1, &a, &t), 0);
	const struct sonde_member *m = t->streams[0]->events[0]->payload->u.structure.members;
	EXPECT_EQ(m[0].type->u.enumeration.n_maps, MEM_LEN(wanted));
	for (size_t i = 0; i < MEM_LEN(wanted); i++) {
		EXPECT_STR(m[0].type->u.enumeration.maps[i].label, wanted[i].label);
		EXPECT_EQ(m[0].type->u.enumeration.maps[i].lo, wanted[i].lo);
		EXPECT_EQ(m[0].type->u.enumeration.maps[i].hi, wanted[i].hi);
	}
	EXPECT(m[1].type->u.variant.tag_signed);
	EXPECT_EQ(m[1].type->u.variant.n_choices, MEM_LEN(choices));
	for (size_t i = 0; i < MEM_LEN(choices); i++) {
		EXPECT_EQ(m[1].type->u.variant.choices[i].lo, choices[i].lo);
		EXPECT_EQ(m[1].type->u.variant.choices[i].option, choices[i].option);
	}
	arena_fini(&a);
}

TEST(slots_of_events_overlap)
{
	static const char text[] = TRACE U8
		"stream { event.header := struct { u8 id; u8 n; }; };\n"
		"event { name = a; id = 0; fields := struct { u8 k; u8 x[k]; u8 l; u8 y[l]; }; };\n"
		"event { name = b; id = 1; fields := struct { u8 k; u8 x[k]; u8 y[n]; }; };\n";
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(parse(text, sizeof(text) - 1, &a, &t), 0);
	const struct sonde_stream_class *s = t->streams[0];
	// The header's slot is the first, those of either event come behind it.
	EXPECT_EQ(t->n_slots, 3);
	EXPECT_EQ(sonde_type_member(s->event_header, "n")->type->save, 1);
	EXPECT_EQ(sonde_type_member(s->events[0]->payload, "k")->type->save, 2);
	EXPECT_EQ(sonde_type_member(s->events[0]->payload, "y")->type->ref, 3);
	EXPECT_EQ(sonde_type_member(s->events[1]->payload, "x")->type->ref, 2);
	EXPECT_EQ(sonde_type_member(s->events[1]->payload, "y")->type->ref, 1);
	arena_fini(&a);
}

TEST(clocks_of_lttng_count_from_the_epoch)
{
	static const char text[] = "clock { name = monotonic; };\nclock { name = other; };\n"
				   "env { tracer_name = \"lttng-ust\"; };\n" TRACE;
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(parse(text, sizeof(text) - 1, &a, &t), 0);
	EXPECT(t->clocks[0]->is_unix && !t->clocks[1]->is_unix);
	EXPECT_EQ(t->clocks[1]->freq, 1000000000);
	arena_fini(&a);
}

TEST(timestamps_without_a_clock_get_one)
{
	static const char text[] =
		TRACE U8 "stream { event.header := struct { u8 timestamp; }; };\n"
			 "event { name = a; };";
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(parse(text, sizeof(text) - 1, &a, &t), 0);
	EXPECT_EQ(t->n_clocks, 1);
	EXPECT_STR(t->clocks[0]->name, "default");
	EXPECT(t->streams[0]->clock == t->clocks[0]);
	arena_fini(&a);
}

/** A metadata packet of @text, with 5 bytes of padding. */
static void add_packet(struct strbuf *b, const char *text, bool big_endian, uint8_t compression)
{
	const uint32_t content = (uint32_t)(37 + strlen(text)) * 8;
	const uint32_t fields[] = { 0x75D11D57, content, content + 40 };
	uint8_t h[37] = { 0 };
	static const uint8_t at[] = { 0, 24, 28 };

	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 4; k++)
			h[at[i] + k] = (uint8_t)(fields[i] >> (big_endian ? 24 - 8 * k : 8 * k));
	}
	h[32] = compression;
	h[35] = 1;
	h[36] = 8;
	strbuf_add(b, h, sizeof(h));
	strbuf_str(b, text);
	strbuf_add(b, "\0\0\0\0\0", 5);
}

TEST(packets)
{
	for (int big = 0; big <= 1; big++) {
		struct arena a = { 0 };
		struct strbuf b = { 0 };
		struct sonde_trace *t = NULL;

		// A word may go on in the next packet.
		add_packet(&b, "trace { major = 1; mi", big, 0);
		add_packet(&b, "nor = 8; byte_order = le; };", big, 0);
		EXPECT_EQ(parse(b.data, b.len, &a, &t), 0);
		EXPECT_EQ(parse(b.data, b.len - 3, &a, &t), 0);
		EXPECT_EQ(parse(b.data, b.len - 6, &a, &t), -EBADMSG);
		EXPECT_STR(sonde_err_str(),
			   "m: metadata packet at byte 63: content of 65 bytes, 64 are left");
		EXPECT_EQ(parse(b.data, 90, &a, &t), -EBADMSG);
		b.data[63] ^= 1;
		EXPECT_EQ(parse(b.data, b.len, &a, &t), -EBADMSG);
		EXPECT(strstr(sonde_err_str(), "m: metadata packet at byte 63: magic 0x"));
		b.data[63] ^= 1;
		b.data[63 + 5] ^= 1;
		EXPECT_EQ(parse(b.data, b.len, &a, &t), -EBADMSG);
		EXPECT_STR(sonde_err_str(), "m: metadata packet at byte 63: uuid is not that of "
					    "the first packet");
		b.len = 0;
		add_packet(&b, "x", big, 1);
		EXPECT_EQ(parse(b.data, b.len, &a, &t), -EBADMSG);
		EXPECT_STR(sonde_err_str(),
			   "m: metadata packet at byte 0: compression scheme 1 is not supported");
		strbuf_fini(&b);
		arena_fini(&a);
	}
}

TEST(line_ends)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;
	static const char crlf[] = "/* CTF 1.8 */\r\ntrace {\r\n\tmajor = 1;\r\n\tminor = 8;\r\n"
				   "\tbyte_order = le; // end\r\n};\r\n";

	EXPECT_EQ(parse(crlf, sizeof(crlf) - 1, &a, &t), 0);
	arena_fini(&a);
}

/** @n times @part between @before and @after; '#' is its number from 0, '$' from 1. */
static int parse_many(const char *before, const char *part, size_t n, const char *after)
{
	struct arena a = { 0 };
	struct strbuf b = { 0 };
	struct sonde_trace *t = NULL;

	strbuf_str(&b, TRACE U8);
	strbuf_str(&b, before);
	for (size_t i = 0; i < n; i++) {
		for (const char *p = part; *p; p++) {
			if (*p == '#' || *p == '$')
				strbuf_fmt(&b, "%zu", i + (*p == '$'));
			else
				strbuf_add(&b, p, 1);
		}
	}
	strbuf_str(&b, after);
	int r = parse(b.data, b.len, &a, &t);
	strbuf_fini(&b);
	arena_fini(&a);
	return r;
}

TEST(limits)
{
	static const struct {
		const char *before, *part;
		size_t n;
		const char *after, *words;
	} cases[] = {
		{ "event { name = e; fields := struct {", "u8 x#;", 4096, "}; };", NULL },
		{ "event { name = e; fields := struct {", "u8 x#;", 4097, "}; };",
		  "more than 4096 members" },
		{ "event { name = e; fields := ", "struct {", 64, "", "'{' without its '}'" },
		{ "event { name = e; fields := ", "struct {", 65, "",
		  "types nest more than 64 deep" },
		{ "event { name = e; fields := struct { u8 x", "[1]", 60, "; }; };", NULL },
		{ "event { name = e; fields := struct { u8 x", "[1]", 65, "; }; };",
		  "more than 64 dimensions" },
		{ "struct s0 { u8 a; };", "struct s$ { struct s# a; struct s# b; };", 25,
		  "event { name = e; fields := struct s25; };",
		  "the trace has more than 1048576 field types" },
		{ "struct s0 { u8 a; };", "struct s$ { struct s# a[65536]; };", 10,
		  "event { name = e; fields := struct s10; };",
		  "array of 65536 elements is too long" },
		// Nothing is built of these, but each place would look at all of them.
		{ "struct s0 {", "string;", 20000,
		  "}; struct s1 { struct s0 a[1], b, c, d; }; struct s2 { struct s1 a, b, c, d; };"
		  "struct s3 { struct s2 a, b, c, d; }; struct s4 { struct s3 a, b, c, d; };"
		  "struct s5 { struct s4 a, b, c, d; }; struct s6 { struct s5 a, b, c, d; };"
		  "event { name = e; fields := struct s6; };",
		  "too much to describe" },
		{ "", "clock { name = c#; };", 257, "", "too many clocks" },
		{ "event { name = e; fields := struct {", "u8 n#; u8 x#[n#];", 2000, "}; };",
		  NULL },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		int r = parse_many(cases[i].before, cases[i].part, cases[i].n, cases[i].after);

		EXPECT_EQ(r, cases[i].words ? -EBADMSG : 0);
		if (r < 0 && (!cases[i].words || !strstr(sonde_err_str(), cases[i].words)))
			test_failed(__FILE__, __LINE__, "case %zu: %s", i, sonde_err_str());
	}
}

TEST(too_long_a_text)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;
	const struct sonde_span all = { (const uint8_t *)"", ((size_t)64 << 20) + 1 };

	EXPECT_EQ(ctf_metadata_parse("m", all, &a, &t), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "m: 67108865 bytes of metadata, most are 67108864");
	arena_fini(&a);
}
