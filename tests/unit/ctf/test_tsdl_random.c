/* SPDX-License-Identifier: MIT */
/** Random metadata: what parses prints, and what is printed parses to the same. */
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "ctf/metadata.h"
#include "ctf/tsdl_print.h"
#include "same_trace.h"
#include "test.h"

enum { NAMES = 64, ROUNDS = 400 };

/** Fields that later ones can refer to. */
struct known {
	unsigned lens[NAMES], tags[NAMES]; /* their numbers */
	unsigned n_lens, n_tags;
};

struct gen {
	struct strbuf out;
	uint64_t state;
	unsigned n_names;
};

static unsigned pick(struct gen *g, unsigned n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (unsigned)(g->state >> 33) % n;
}

static const char *one_of(struct gen *g, const char *const *words, unsigned n)
{
	return words[pick(g, n)];
}

#define ONE_OF(g, ...)                                               \
	({                                                           \
		static const char *const words_[] = { __VA_ARGS__ }; \
		one_of((g), words_, MEM_LEN(words_));                \
	})

static void gen_int(struct gen *g, bool is_signed, unsigned size)
{
	strbuf_fmt(&g->out, "integer { size = %u; signed = %d;", size, is_signed);
	strbuf_str(&g->out, ONE_OF(g, "", "", " align = 1;", " align = 8;", " align = 0x20;"));
	strbuf_str(&g->out, ONE_OF(g, "", "", " byte_order = le;", " byte_order = network;"));
	strbuf_str(&g->out, ONE_OF(g, "", " base = x;", " base = octal;", " base = 2;"));
	strbuf_str(&g->out, ONE_OF(g, "", "", " encoding = UTF8;", " encoding = ASCII;"));
	strbuf_str(&g->out, " }");
}

static void gen_scalar(struct gen *g)
{
	switch (pick(g, 6)) {
	case 0: strbuf_str(&g->out, ONE_OF(g, "string", "string { encoding = ASCII; }")); break;
	case 1:
		strbuf_str(&g->out, ONE_OF(g, "floating_point { exp_dig = 8; mant_dig = 24; }",
					   "floating_point { exp_dig = 11; mant_dig = 53; align = "
					   "64; byte_order = be; }"));
		break;
	case 2: strbuf_str(&g->out, ONE_OF(g, "u8", "unsigned long", "struct named")); break;
	case 3: gen_int(g, pick(g, 2), 8); break;
	default: gen_int(g, pick(g, 2), 1 + pick(g, 64)); break;
	}
}

/** The labels of tag N are L0_N and _L1_N. */
static void gen_enum(struct gen *g, unsigned n)
{
	const bool is_signed = pick(g, 2);

	strbuf_str(&g->out, "enum : ");
	gen_int(g, is_signed, 4 + pick(g, 60));
	strbuf_fmt(&g->out, " { L0_%u = %s%u, \"_L1_%u\", more", n, is_signed ? "-" : "",
		   pick(g, 9), n);
	strbuf_str(&g->out, ONE_OF(g, "", " = 20 ... 30", " = 0 ... 255", " = 'c'"));
	strbuf_str(&g->out, ONE_OF(g, " }", ", }"));
}

static void gen_members(struct gen *g, unsigned depth, struct known known);

static void gen_struct(struct gen *g, unsigned depth, struct known known)
{
	strbuf_str(&g->out, "struct { ");
	gen_members(g, depth + 1, known);
	strbuf_str(&g->out, ONE_OF(g, "}", "}", "} align(8)", "} align(64)"));
}

static void gen_variant(struct gen *g, unsigned depth, struct known known)
{
	const unsigned n = known.tags[pick(g, known.n_tags)];

	strbuf_fmt(&g->out, "variant <f%u> { ", n);
	gen_scalar(g);
	strbuf_fmt(&g->out, " L0_%u; ", n);
	gen_struct(g, depth + 1, known);
	strbuf_fmt(&g->out, " _L1_%u; }", n);
}

static void gen_dims(struct gen *g, const struct known *known)
{
	for (unsigned i = pick(g, 4); i > 2; i--)
		strbuf_fmt(&g->out, "[%u]", pick(g, 5));
	if (known->n_lens && !pick(g, 3))
		strbuf_fmt(&g->out, "[f%u]", known->lens[pick(g, known->n_lens)]);
}

static void gen_members(struct gen *g, unsigned depth, struct known known)
{
	for (unsigned n = pick(g, 6); n > 0; n--) {
		const unsigned name = g->n_names++;
		const unsigned kind = pick(g, 10);

		if (kind < 2 && known.n_lens < NAMES) {
			gen_int(g, false, 1 + pick(g, 64));
			known.lens[known.n_lens++] = name;
			strbuf_fmt(&g->out, " f%u; ", name);
			continue;
		}
		if (kind == 2 && known.n_tags < NAMES) {
			gen_enum(g, name);
			known.tags[known.n_tags++] = name;
			strbuf_fmt(&g->out, " f%u; ", name);
			continue;
		}
		if (kind < 5 && known.n_tags && depth < 5)
			gen_variant(g, depth, known);
		else if (kind < 7 && depth < 5)
			gen_struct(g, depth, known);
		else
			gen_scalar(g);
		strbuf_fmt(&g->out, " %sf%u", ONE_OF(g, "", "_", "__"), name);
		gen_dims(g, &known);
		strbuf_str(&g->out, "; ");
	}
}

/** A member that all events of a stream can refer to, and what follows. */
static void gen_root(struct gen *g, const char *setting, struct known *known)
{
	const unsigned name = g->n_names++;

	strbuf_fmt(&g->out, "\t%s := struct { u8 f%u; ", setting, name);
	known->lens[known->n_lens++] = name;
	gen_members(g, 0, *known);
	strbuf_str(&g->out, "};\n");
}

static void gen_trace(struct gen *g)
{
	struct known known = { 0 };

	strbuf_str(&g->out,
		   "typealias integer { size = 8; } := u8;\n"
		   "typealias integer { size = 64; map = clock.c.value; } := unsigned long;\n"
		   "struct named { u8 n; struct { u8 n; u8 x[n]; } y[n]; } align(16);\n"
		   "clock { name = c; freq = 77; offset = 1000; };\n");
	strbuf_fmt(&g->out, "trace { major = 1; minor = 8; byte_order = %s; };\n",
		   ONE_OF(g, "le", "be"));
	strbuf_str(&g->out, "stream {\n");
	gen_root(g, "packet.context", &known);
	strbuf_str(&g->out, "\tevent.header := struct { u8 id; };\n");
	gen_root(g, "event.context", &known);
	strbuf_str(&g->out, "};\n");
	for (int i = 0; i < 3; i++) {
		struct known event = known;

		strbuf_fmt(&g->out, "event { name = \"e%d\"; id = %d;\n", i, i);
		if (i)
			gen_root(g, "context", &event);
		gen_root(g, "fields", &event);
		strbuf_str(&g->out, "};\n");
	}
}

static int again(const struct strbuf *text, struct arena *a, struct strbuf *out)
{
	struct sonde_trace *first = NULL, *second = NULL;

	int r = ctf_metadata_parse(
		"first", (struct sonde_span){ (const uint8_t *)text->data, text->len }, a, &first);
	if (r == 0)
		r = tsdl_print(first, out);
	if (r == 0)
		r = ctf_metadata_parse("second",
				       (struct sonde_span){ (const uint8_t *)out->data, out->len },
				       a, &second);
	if (r < 0) {
		printf("# %s\n", sonde_err_str());
		return r;
	}
	return same_trace(first, second) ? 0 : -1;
}

TEST(parse_of_print_is_the_same)
{
	// A failure names its seed; run it alone with SEED=N.
	const char *only = getenv("SEED");
	const unsigned long from = only ? strtoul(only, NULL, 10) : 1;
	const unsigned long to = only ? from : ROUNDS;

	for (unsigned long seed = from; seed <= to; seed++) {
		struct gen g = { .state = seed * 0x9e3779b97f4a7c15u };
		struct arena a = { 0 };
		struct strbuf out = { 0 };

		gen_trace(&g);
		int r = again(&g.out, &a, &out);
		if (r < 0)
			test_failed(__FILE__, __LINE__, "seed %lu", seed);
		if (r < 0 && only)
			printf("%s\n%s\n", strbuf_text(&g.out), strbuf_text(&out));
		strbuf_fini(&g.out);
		strbuf_fini(&out);
		arena_fini(&a);
	}
}
