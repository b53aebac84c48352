/* SPDX-License-Identifier: MIT */
/** Random scripts: each name's first letter tells its type, as reference.h says. */
#include "random_script.h"

#include <stdio.h>
#include <string.h>

#include "random_script_gen.h"

static void block(struct gen *g, unsigned n);

static void set_number(struct gen *g, bool is_signed)
{
	unsigned *n = is_signed ? &g->n_s : &g->n_u;
	const unsigned i = pick(g, *n < VARS_MOST ? *n + 1 : *n);

	TEXT(is_signed ? "$s%u = (int64)" : "$u%u = (uint64)", i);
	random_num(g);
	*n += i == *n;
}

static void set_text(struct gen *g)
{
	const unsigned i = pick(g, g->n_x < VARS_MOST ? g->n_x + 1 : g->n_x);

	TEXT("$x%u = ", i);
	random_str(g);
	g->n_x += i == g->n_x;
}

static void tuple(struct gen *g)
{
	TEXT("((int64)");
	random_num(g);
	TEXT(", ");
	random_str(g);
	TEXT(", (uint64)");
	random_num(g);
	TEXT(")");
}

/* Tuples whose texts have different room, copied to each other. */
static void set_tuple(struct gen *g)
{
	const unsigned i = pick(g, g->n_t < 2 ? g->n_t + 1 : g->n_t);
	const bool maps = g->shape.maps && !g->over_map;

	if (maps && g->n_t && pick(g, 2)) {
		TEXT(pick(g, 2) ? "@t0 = " : "@tk[%u] = ", pick(g, 2));
		if (pick(g, 2))
			TEXT("$t%u", pick(g, g->n_t));
		else
			tuple(g);
		return;
	}
	TEXT("$t%u = ", i);
	if (maps && !pick(g, 3))
		TEXT(pick(g, 2) ? "@t0" : "@tk[%u]", pick(g, 2));
	else if (g->n_t && !pick(g, 3))
		TEXT("$t%u", pick(g, g->n_t));
	else
		tuple(g);
	g->n_t += i == g->n_t;
}

static void set_var(struct gen *g)
{
	const unsigned way = pick(g, 4);

	if (way == 0)
		set_number(g, /* is_signed= */ false);
	else if (way == 1 && g->shape.texts)
		set_text(g);
	else if (way == 2 && g->shape.texts)
		set_tuple(g);
	else
		set_number(g, /* is_signed= */ true);
	TEXT(";\n");
}

static void change(struct gen *g)
{
	const bool is_map = g->shape.maps && pick(g, 2);

	if (is_map && pick(g, 2))
		random_element(g);
	else if (is_map)
		TEXT("@%c%u", pick(g, 2) ? 's' : 'u', pick(g, 2));
	else if (g->n_u && pick(g, 2))
		TEXT("$u%u", pick(g, g->n_u));
	else if (g->n_s)
		TEXT("$s%u", pick(g, g->n_s));
	else
		TEXT("@s0");
	if (!pick(g, 3)) {
		TEXT("%s;\n", ONE_OF("++", "--"));
		return;
	}
	TEXT(" %s ",
	     ONE_OF("=", "=", "+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=", "/=", "%="));
	TEXT("(@in[%u] + ", pick(g, RANDOM_NUMS));
	random_num(g);
	TEXT(");\n");
}

static void set_map(struct gen *g)
{
	switch (pick(g, 6)) {
	case 0:
		TEXT("delete(@%ck[", pick(g, 2) ? 's' : 'u');
		random_num(g);
		TEXT(" & 7]);\n");
		return;
	case 1: TEXT("delete(@s%u);\n", pick(g, 2)); return;
	case 2:
		if (g->shape.texts) {
			TEXT("@x%u = ", pick(g, 2));
			break;
		}
		change(g);
		return;
	case 3:
		if (g->shape.texts) {
			TEXT("@xk[%u] = ", pick(g, 4));
			break;
		}
		change(g);
		return;
	default: change(g); return;
	}
	random_str(g);
	TEXT(";\n");
}

static void result(struct gen *g)
{
	if (g->shape.texts && !pick(g, 3)) {
		TEXT("@xr[%u] = ", g->n_texts++);
		random_str(g);
	} else {
		TEXT("@r[%u] = ", g->n_results++);
		random_num(g);
	}
	TEXT(";\n");
}

static void while_loop(struct gen *g)
{
	const unsigned c = g->n_counters++;

	TEXT("$sc%u = 0;\nwhile ($sc%u < %u", c, c, 1 + pick(g, 4));
	if (pick(g, 2)) {
		TEXT(" && ");
		random_num(g);
	}
	TEXT(") {\n$sc%u++;\n", c);
	g->loops++;
	block(g, 3);
	g->loops--;
	TEXT("}\n");
}

static void range_loop(struct gen *g)
{
	const unsigned i = g->n_ranges++;

	TEXT("for ($i%u : %u..%u) {\n", i, pick(g, 3), pick(g, 5));
	g->range_vars[g->n_range_vars++] = i;
	g->loops++;
	block(g, 3);
	g->loops--;
	g->n_range_vars--;
	TEXT("}\n");
}

/* What it does gives the same in any order. */
static void map_loop(struct gen *g)
{
	const char kind = pick(g, 2) ? 's' : 'u';
	const unsigned i = g->n_ranges++;
	const bool outer = g->over_map;

	g->over_map = true;
	if (pick(g, 2))
		TEXT("for ($ki%u : @%ck) {\n$sum = $ki%u.0 * 3 ^ (int64)$ki%u.1;\n", i, kind, i, i);
	else
		TEXT("for (($k%u, $v%u) : @%ck) {\n$sum = $k%u * 3 ^ (int64)$v%u;\n", i, i, kind, i,
		     i);
	TEXT("@sum += $sum + (");
	const bool steps = g->shape.steps;
	g->shape.steps = false;
	random_num(g);
	g->shape.steps = steps;
	TEXT(");\n}\n");
	g->over_map = outer;
}

static void if_chain(struct gen *g)
{
	TEXT("if (");
	random_num(g);
	TEXT(") {\n");
	block(g, 3);
	while (!pick(g, 3)) {
		TEXT("} else if (");
		random_num(g);
		TEXT(") {\n");
		block(g, 2);
	}
	if (pick(g, 2)) {
		TEXT("} else {\n");
		block(g, 3);
	}
	TEXT("}\n");
}

static void leave(struct gen *g)
{
	if (!g->loops)
		return;
	TEXT("if (");
	random_num(g);
	TEXT(") { %s; }\n", pick(g, 20) ? ONE_OF("break", "continue") : "return");
}

static void local(struct gen *g)
{
	const unsigned i = g->n_counters++;

	if (pick(g, 2))
		TEXT("let $sl%u;\n", i);
	else
		TEXT("let $sl%u = (int64)@in[%u];\n", i, pick(g, RANDOM_NUMS));
	TEXT("if (");
	random_num(g);
	TEXT(") { $sl%u = (int64)", i);
	random_num(g);
	TEXT("; }\n@r[%u] = $sl%u;\n", g->n_results++, i);
}

static void statement(struct gen *g)
{
	const bool nests = g->nest < g->shape.nest;

	switch (pick(g, nests ? 16 : 8)) {
	case 0:
	case 1:
	case 2: result(g); return;
	case 3:
	case 4: set_var(g); return;
	case 5: change(g); return;
	case 6:
		if (g->shape.maps)
			set_map(g);
		return;
	case 7: leave(g); return;
	default: break;
	}
	g->nest++;
	const bool loops = g->loops < LOOPS_MOST;
	switch (pick(g, 8)) {
	case 0:
		if (loops)
			while_loop(g);
		break;
	case 1:
	case 2:
		if (loops)
			range_loop(g);
		break;
	case 3:
		TEXT("unroll (%u) {\n", 1 + pick(g, 3));
		block(g, 2);
		TEXT("}\n");
		break;
	case 4:
		if (loops && g->shape.maps)
			map_loop(g);
		break;
	case 5: local(g); break;
	default: if_chain(g);
	}
	g->nest--;
}

static void block(struct gen *g, unsigned n)
{
	for (unsigned i = 1 + pick(g, n); i > 0; i--)
		statement(g);
}

/* Never true: it only tells the types of what is read before it is set. */
static void types(struct gen *g)
{
	TEXT("if (@in[100] == 12345) {\n@in[0] = (int64)0;\n@r[0] = (int64)0;\n"
	     "@xin[0] = \"%0*d\";\n@sum = (int64)0;\n",
	     RANDOM_TEXT_MOST, 0);
	for (unsigned i = 0; i < 2; i++)
		TEXT("@s%u = (int64)0;\n@u%u = (uint64)0;\n@x%u = \"\";\n", i, i, i);
	TEXT("@sk[0] = (int64)0;\n@uk[0] = (uint64)0;\n@sx[\"\"] = (int64)0;\n"
	     "@st[0, \"\"] = (int64)0;\n@xk[0] = \"\";\n@xr[0] = \"\";\n"
	     "@t0 = ((int64)0, \"\", (uint64)0);\n@tk[0] = ((int64)0, \"\", (uint64)0);\n}\n");
}

void random_script_text(uint64_t seed, const struct random_shape *shape, struct strbuf *ret)
{
	struct gen all = { .out = ret, .shape = *shape, .state = seed * 0x9E3779B97F4A7C15 + 1 };
	struct gen *g = &all;

	for (int i = 0; i < 8; i++)
		(void)random_next(&g->state);
	TEXT("BEGIN {\n");
	types(g);
	while (g->n_results + g->n_texts < shape->results)
		statement(g);
	for (unsigned i = 0; i < g->n_s; i++)
		TEXT("@r[%u] = $s%u;\n", g->n_results++, i);
	for (unsigned i = 0; i < g->n_u; i++)
		TEXT("@r[%u] = $u%u;\n", g->n_results++, i);
	for (unsigned i = 0; i < g->n_x; i++)
		TEXT("@xr[%u] = $x%u;\n", g->n_texts++, i);
	TEXT("}\n");
}
