/* SPDX-License-Identifier: MIT */
/** Random expressions, and the random numbers and texts in them. */
#include <stdio.h>
#include <string.h>

#include "random_script_gen.h"

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint64_t random_number(uint64_t *state)
{
	const uint64_t r = random_next(state) >> 20;
	static const uint64_t borders[] = {
		0,	   1,	       UINT64_MAX, INT64_MAX,	(uint64_t)INT64_MIN,
		INT32_MAX, 0x80000000, 0xffffffff, 0x100000000, 0x7fff,
		0x8000,	   0xffff,     127,	   128,		255,
		256,	   -128ULL,    -32769ULL,  -2ULL,	7,
	};

	switch (r % 4) {
	case 0: return borders[(r >> 2) % MEM_LEN(borders)];
	case 1: return (r >> 2) % 20;
	case 2: return 0 - (r >> 2) % 20;
	default: return random_next(state) >> ((r >> 2) % 64);
	}
}

void random_text(uint64_t *state, unsigned most, char *ret)
{
	const uint64_t r = random_next(state) >> 13;
	const unsigned n = r % 3 ? (unsigned)(r >> 4) % 5 : (unsigned)(r >> 4) % (most + 1);

	for (unsigned i = 0; i < n && i < most; i++)
		*ret++ = (char)('a' + (random_next(state) >> 25) % 3);
	*ret = '\0';
}

/* --- strings --- */

static void literal_text(struct gen *g)
{
	char text[RANDOM_TEXT_MOST + 1];

	random_text(&g->state, RANDOM_TEXT_MOST, text);
	TEXT("\"%s\"", text);
}

static void str_leaf(struct gen *g)
{
	switch (pick(g, 5)) {
	case 0:
		if (g->n_x) {
			TEXT("$x%u", pick(g, g->n_x));
			return;
		}
		break;
	case 1:
		if (g->n_t) {
			TEXT("$t%u.1", pick(g, g->n_t));
			return;
		}
		break;
	case 2:
		if (g->shape.maps && g->shape.texts && !g->over_map && pick(g, 2))
			TEXT("@t0.1");
		else
			TEXT("@xin[%u]", pick(g, RANDOM_TEXTS));
		return;
	case 3:
		if (g->shape.maps && !g->over_map) {
			TEXT("@x%u", pick(g, 2));
			return;
		}
		break;
	default: break;
	}
	literal_text(g);
}

void random_str(struct gen *g)
{
	if (g->depth >= g->shape.depth) {
		str_leaf(g);
		return;
	}
	g->depth++;
	switch (pick(g, 6)) {
	case 0:
		TEXT("(");
		random_num(g);
		TEXT(" ? ");
		random_str(g);
		TEXT(" : ");
		random_str(g);
		TEXT(")");
		break;
	case 1:
		TEXT("str(");
		str_leaf(g);
		if (pick(g, 2))
			TEXT(", %d)", (int)pick(g, 50) - 2);
		else
			TEXT(", (@in[%u] & 63))", pick(g, RANDOM_NUMS));
		break;
	case 2:
		if (g->shape.maps && !g->over_map) {
			TEXT("@xk[");
			random_num(g);
			TEXT(" & 3]");
			break;
		}
		str_leaf(g);
		break;
	default: str_leaf(g);
	}
	g->depth--;
}

/* --- numbers --- */

static void leaf(struct gen *g)
{
	switch (pick(g, 9)) {
	case 0:
	case 1: {
		const uint64_t n = random_number(&g->state);
		if (pick(g, 3) || n > INT64_MAX)
			TEXT("%llu", (unsigned long long)n);
		else
			TEXT("-%llu", (unsigned long long)n);
		return;
	}
	case 2:
		if (g->n_s) {
			TEXT("$s%u", pick(g, g->n_s));
			return;
		}
		break;
	case 3:
		if (g->n_u) {
			TEXT("$u%u", pick(g, g->n_u));
			return;
		}
		break;
	case 4:
		if (g->n_t) {
			const char part = pick(g, 2) ? '0' : '2';
			if (g->shape.maps && !g->over_map && pick(g, 2))
				TEXT("@tk[%u].%c", pick(g, 2), part);
			else
				TEXT("$t%u.%c", pick(g, g->n_t), part);
			return;
		}
		break;
	case 5:
		if (g->n_range_vars) {
			TEXT("$i%u", g->range_vars[pick(g, g->n_range_vars)]);
			return;
		}
		break;
	case 6:
		if (g->shape.maps && !g->over_map) {
			TEXT("@%c%u", pick(g, 2) ? 's' : 'u', pick(g, 2));
			return;
		}
		break;
	case 7: TEXT("sizeof(%s)", ONE_OF("int8", "uint32", "int64")); return;
	default: break;
	}
	TEXT(pick(g, 3) ? "@in[%u]" : "(uint64)@in[%u]", pick(g, RANDOM_NUMS));
}

void random_element(struct gen *g)
{
	switch (pick(g, 4)) {
	case 0:
		TEXT("@sx[");
		random_str(g);
		break;
	case 1:
		TEXT("@st[");
		random_num(g);
		TEXT(" & 3, ");
		random_str(g);
		break;
	default:
		TEXT("@%ck[", pick(g, 2) ? 's' : 'u');
		random_num(g);
		TEXT(" & 7");
	}
	TEXT("]");
}

static void divided(struct gen *g)
{
	random_num(g);
	TEXT(" %s ", ONE_OF("/", "%"));
	// No constant 0, which the compiler refuses.
	if (pick(g, 2)) {
		TEXT("%u", 1 + pick(g, 40));
	} else {
		TEXT("(@in[%u] + ", pick(g, RANDOM_NUMS));
		random_num(g);
		TEXT(")");
	}
}

static void about_text(struct gen *g)
{
	char text[RANDOM_TEXT_MOST + 1];

	random_text(&g->state, 6, text);
	switch (pick(g, 4)) {
	case 0:
		TEXT("strncmp(");
		random_str(g);
		TEXT(", ");
		random_str(g);
		TEXT(", %u)", pick(g, 20));
		return;
	case 1:
		TEXT("strcontains(");
		random_str(g);
		TEXT(", ");
		if (pick(g, 2))
			TEXT("\"%s\"", text);
		else
			random_str(g);
		TEXT(")");
		return;
	case 2:
		TEXT("len(str(");
		str_leaf(g);
		TEXT("))");
		return;
	default:
		random_str(g);
		TEXT(pick(g, 2) ? " == " : " != ");
		random_str(g);
	}
}

static void about_map(struct gen *g)
{
	if (!g->shape.maps || g->over_map) {
		leaf(g);
		return;
	}
	switch (pick(g, 6)) {
	case 0:
		TEXT("has_key(@sk, ");
		random_num(g);
		TEXT(" & 7)");
		break;
	case 1: TEXT("len(@%ck)", pick(g, 2) ? 's' : 'u'); break;
	case 2:
		if (g->shape.steps) {
			TEXT("@sk[%u]%s", pick(g, 8), ONE_OF("++", "--"));
			break;
		}
		random_element(g);
		break;
	default: random_element(g);
	}
}

static void binary(struct gen *g)
{
	random_num(g);
	TEXT(" %s ", ONE_OF("+", "-", "*", "&", "|", "^", "<<", ">>", "<", "<=", ">",
			    ">=", "==", "!=", "&&", "||"));
	random_num(g);
}

static void step(struct gen *g)
{
	const char *op = ONE_OF("++", "--");
	const unsigned n = g->n_s + g->n_u;

	if (!g->shape.steps || !n) {
		leaf(g);
		return;
	}
	const unsigned i = pick(g, n);
	const char *before = pick(g, 2) ? op : "", *behind = *before ? "" : op;
	if (i < g->n_s)
		TEXT("%s$s%u%s", before, i, behind);
	else
		TEXT("%s$u%u%s", before, i - g->n_s, behind);
}

static void num_inside(struct gen *g)
{
	switch (pick(g, 16)) {
	case 0:
		TEXT("%s", ONE_OF("- ", "!", "~"));
		random_num(g);
		break;
	case 1:
		TEXT("(%s)", ONE_OF("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
				    "uint64"));
		random_num(g);
		break;
	case 2:
		random_num(g);
		TEXT(" ? ");
		random_num(g);
		TEXT(" : ");
		random_num(g);
		break;
	case 3: divided(g); break;
	case 4: step(g); break;
	case 5:
		TEXT("bswap((%s)", ONE_OF("uint8", "uint16", "uint32", "uint64", "int16"));
		random_num(g);
		TEXT(")");
		break;
	case 6: about_map(g); break;
	case 7:
	case 8:
		if (g->shape.texts) {
			about_text(g);
			break;
		}
		binary(g);
		break;
	default: binary(g);
	}
}

void random_num(struct gen *g)
{
	if (g->depth >= g->shape.depth || !pick(g, 6)) {
		leaf(g);
		return;
	}
	g->depth++;
	TEXT("(");
	num_inside(g);
	TEXT(")");
	g->depth--;
}
