/* SPDX-License-Identifier: MIT */
/**
 * Structs as a script reads them, against the C compiler: one definition is both, C and a part of
 * the script. Its values lie in this process, which the program runs in, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "made_run.h"
#include "made_world.h"
#include "random_script.h"
#include "test.h"

/* Defines types here, and the text of them. */
#define BOTH(...)    \
	__VA_ARGS__; \
	static const char types_text[] = #__VA_ARGS__ ";\n"

typedef int8_t s8;
typedef uint8_t u8;
typedef int16_t s16;
typedef uint16_t u16;
typedef int32_t s32;
typedef uint32_t u32;
typedef int64_t s64;
typedef uint64_t u64;

/* It takes these for calls of functions. */
/* clang-format off */
BOTH(
	enum level { LOW = -1, MIDDLE, HIGH = 1000 };
	enum plain { ZERO, ONE };
	enum huge { TINY, TITAN = 1099511627776 };
	struct inner {
		s16 a;
		u8 b[3];
		struct { u32 c; s8 d; } deep;
	};
	union both { u64 whole; u32 half[2]; s8 byte; };
	struct packed {
		u8 a : 4;
		u64 b : 61;
		u64 c : 3;
		s32 d : 31;
		s64 h : 63;
		u16 e;
		u64 f;
	} __attribute__((packed));
	struct all {
		s8 i8;
		u8 u8_;
		s16 i16;
		u16 u16_;
		s32 i32;
		u32 u32_;
		s64 i64;
		u64 u64_;
		char c;
		long l;
		unsigned long long ull;
		short int si;
		s32 b1 : 3, b2 : 7, b3 : 22;
		u32 b4 : 1, b5 : 31;
		s64 b6 : 40;
		u64 b7 : 24, b8 : 33;
		u8 b9 : 5;
		u32 : 0;
		u32 b10 : 9;
		u8 bytes[5];
		s16 shorts[3];
		u32 square[2][3];
		struct inner in;
		struct inner list[2];
		union both un;
		union { s32 x; u16 y; };
		enum level level;
		enum plain plain;
		enum huge huge;
		struct packed pack;
		struct all *next;
		u8 *where;
		char text[12];
		u64 end;
	}
);

/* What both sides evaluate: members of the struct at p, or in a map. */
#define FIELDS(F) \
	F(i8) F(u8_) F(i16) F(u16_) F(i32) F(u32_) F(i64) F(u64_) F(l) F(ull) F(si) F(b1) F(b2) \
	F(b3) F(b4) F(b5) F(b6) F(b7) F(b8) F(b9) F(b10) F(bytes[0]) F(bytes[4]) F(shorts[1]) \
	F(shorts[2]) F(square[0][2]) F(square[1][0]) F(square[1][2]) F(in.a) F(in.b[2]) \
	F(in.deep.c) F(in.deep.d) F(list[0].a) F(list[1].b[1]) F(list[1].deep.d) F(un.whole) \
	F(un.half[1]) F(un.byte) F(x) F(y) F(level) F(plain) F(huge) F(pack.a) F(pack.b) \
	F(pack.c) F(pack.d) F(pack.e) F(pack.f) F(pack.h) F(end) F(text[3])

/* And through pointers. */
#define FAR(F) \
	F(next->i16) F(next->next->b7) F(next->in.deep.c) F(next->list[1].a) F(next->where[2]) \
	F(where[0]) F(where[5]) F(next->pack.b) F(next->square[1][1])
/* clang-format on */

static uint64_t state;

static void fill(struct all *s, struct all *next, uint8_t *where)
{
	for (size_t i = 0; i < sizeof(*s); i++)
		((uint8_t *)s)[i] = (uint8_t)(random_next(&state) >> 21);
	s->next = next;
	s->where = where;
}

static void add(struct strbuf *text, unsigned *n, const char *from, const char *field)
{
	strbuf_fmt(text, "@r[%u] = %s%s;\n", (*n)++, from, field);
}

static void script_text(struct strbuf *text, const struct all *s)
{
	unsigned n = 0;

	strbuf_str(text, types_text);
	strbuf_fmt(text, "BEGIN {\n@r[0] = (int64)0;\n$p = (struct all *)uptr(%" PRIu64 ");\n",
		   (uint64_t)(uintptr_t)s);
	strbuf_str(text, "@copy = *$p;\n@copies[1] = *$p;\n");
#define ADD(field) add(text, &n, "$p->", #field);
	FIELDS(ADD)
	FAR(ADD)
#undef ADD
#define ADD(field) add(text, &n, "@copy.", #field);
	FIELDS(ADD)
#undef ADD
#define ADD(field) add(text, &n, "@copies[1].", #field);
	FIELDS(ADD)
#undef ADD
	// Indexes that are not known before.
	strbuf_str(text, "for ($i : 0..3) {\n");
	strbuf_fmt(text, "@r[%u + $i] = $p->bytes[$i] + @copy.bytes[$i];\n", n);
	strbuf_fmt(text, "@r[%u + $i] = $p->square[1][$i] ^ @copies[1].square[$i & 1][$i];\n",
		   n + 3);
	strbuf_fmt(text, "@r[%u + $i] = $p->next->list[$i & 1].b[$i];\n}\n", n + 6);
	strbuf_str(text, "@text[0] = $p->text;\n@text[1] = @copy.text;\n"
			 "@same = $p->text == @copies[1].text;\n"
			 "@sum = ($p + 1) - $p;\n@q = ($p + 2);\n");
	strbuf_str(text,
		   "@size[0] = sizeof(struct all); @size[1] = offsetof(struct all, end);\n"
		   "@size[2] = sizeof(struct packed); @size[3] = offsetof(struct all, in.deep.d);\n"
		   "@size[4] = sizeof(union both); @size[5] = offsetof(struct all, y);\n}\n");
}

static uint64_t got(const struct made_run *run, const char *name, uint64_t key)
{
	const struct script_map *m = made_run_map(run, name);
	uint64_t v = 0xdeadbeef;

	EXPECT(m);
	if (m && bpf_maps_lookup(run->maps, (size_t)m->bpf_map, &key, &v) < 0)
		test_failed(__FILE__, __LINE__, "@%s[%" PRIu64 "] is not there", name, key);
	return v;
}

static void check(const struct made_run *run, unsigned *n, const char *what, int64_t want)
{
	const int64_t is = (int64_t)got(run, "r", (*n)++);

	if (is != want)
		test_failed(__FILE__, __LINE__, "%s is %" PRId64 ", wanted %" PRId64, what, is,
			    want);
}

static void check_far(const struct made_run *run, unsigned *n, const struct all *s)
{
#define CHECK(field) check(run, n, "->" #field, (int64_t)s->field);
	FAR(CHECK)
#undef CHECK
}

static void check_near(const struct made_run *run, unsigned *n, const struct all *s)
{
#define CHECK(field) check(run, n, #field, (int64_t)s->field);
	FIELDS(CHECK)
#undef CHECK
}

static void check_indexes(const struct made_run *run, unsigned *n, const struct all *s)
{
	for (int i = 0; i < 3; i++)
		check(run, n, "bytes[$i] twice", s->bytes[i] + s->bytes[i]);
	for (int i = 0; i < 3; i++)
		check(run, n, "square[][$i]", s->square[1][i] ^ s->square[i & 1][i]);
	for (int i = 0; i < 3; i++)
		check(run, n, "list[].b[$i]", s->next->list[i & 1].b[i]);
}

static void check_texts(const struct made_run *run, const struct all *s)
{
	const struct script_map *m = made_run_map(run, "text");
	char want[16] = "", is[64];

	memcpy(want, s->text, strnlen(s->text, sizeof(s->text)));
	for (uint64_t key = 0; key < 2; key++) {
		memset(is, 1, sizeof(is));
		EXPECT_EQ(bpf_maps_lookup(run->maps, (size_t)m->bpf_map, &key, is), 0);
		EXPECT_EQ(m->val->size, sizeof(want));
		EXPECT(!memcmp(is, want, sizeof(want)));
	}
}

static void check_all(const struct made_run *run, const struct all *s)
{
	static const uint64_t sizes[] = {
		sizeof(struct all),    offsetof(struct all, end),
		sizeof(struct packed), offsetof(struct all, in.deep.d),
		sizeof(union both),    offsetof(struct all, y),
	};
	unsigned n = 0;

	check_near(run, &n, s);
	check_far(run, &n, s);
	check_near(run, &n, s);
	check_near(run, &n, s);
	check_indexes(run, &n, s);
	check_texts(run, s);
	for (uint64_t i = 0; i < MEM_LEN(sizes); i++)
		EXPECT_EQ(got(run, "size", i), sizes[i]);
}

TEST(members)
{
	sonde_auto(world_freep) struct world *w = NULL;
	struct strbuf text = { 0 };
	struct made_run run = { 0 };
	struct all s[3];
	uint8_t where[8];
	struct made m;

	if (!made_run_can()) {
		test_skip("no right to load programs");
		return;
	}
	state = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t)time(NULL);
	printf("# seed %" PRIu64 "\n", state);
	state = state * 0x9E3779B97F4A7C15 + 1;
	for (int i = 0; i < 3; i++)
		fill(&s[i], &s[(i + 1) % 3], where);
	for (size_t i = 0; i < sizeof(where); i++)
		where[i] = (uint8_t)(random_next(&state) >> 21);
	EXPECT_EQ(made_world_new(false, &w), 0);
	script_text(&text, s);
	made_compile(&m, w, strbuf_text(&text), NULL);
	int r = m.r ? m.r : made_run_load(&run, m.script);
	if (!r)
		r = made_run_once(&run);
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%s%s%s\n%s", strbuf_text(&m.diag.out),
			    sonde_err_str(), strbuf_text(&run.log), strbuf_text(&text));
	else
		check_all(&run, s);
	made_run_fini(&run);
	made_fini(&m);
	strbuf_fini(&text);
}
