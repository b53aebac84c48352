/* SPDX-License-Identifier: MIT */
/**
 * Random scripts: what their programs leave in the maps, run by the kernel, is what a reference
 * evaluator gets from the tree.
 *
 * SEED=N in the environment begins with that seed, RUNS=N makes that many scripts of each shape.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "made_run.h"
#include "made_world.h"
#include "random_script.h"
#include "reference.h"
#include "test.h"

enum { ROOM = 4096, SHOWN = 3000 };

/* --- values as they lie in maps --- */

/* False: it does not fit. */
static bool lay_out(const struct type *t, const struct ref_value *v, uint8_t *ret)
{
	switch (t->kind) {
	case TYPE_INT:
		if (v->kind != REF_NUM || t->size != 8)
			return false;
		memcpy(ret, &v->num, 8);
		return true;
	case TYPE_STR:
		if (v->kind != REF_STR || strlen(v->text) > t->size)
			return false;
		memset(ret, 0, t->size);
		memcpy(ret, v->text, strlen(v->text));
		return true;
	case TYPE_TUPLE:
		memset(ret, 0, t->size);
		for (unsigned i = 0; i < t->n; i++)
			if (v->n_parts != t->n ||
			    !lay_out(t->fields[i].type, &v->parts[i], ret + t->fields[i].off))
				return false;
		return true;
	default: return false;
	}
}

/* --- one run --- */

struct one {
	struct made made;
	struct made_run run;
	struct reference ref;
	struct arena arena;
};

static int put(struct one *o, const char *name, struct ref_value key, struct ref_value val)
{
	uint8_t k[ROOM], v[ROOM];
	const struct script_map *m = made_run_map(&o->run, name);

	if (!m) // nothing reads it
		return 0;
	if (!lay_out(m->key, &key, k) || !lay_out(m->val, &val, v))
		return sonde_fail(-EINVAL, "input '%s' does not fit", name);
	reference_set(&o->ref, name, key, val);
	return bpf_maps_update(o->run.maps, (size_t)m->bpf_map, k, v);
}

static int put_inputs(struct one *o, uint64_t seed)
{
	uint64_t state = seed ^ 0x5DEECE66D;
	int r = 0;

	for (unsigned i = 0; i < RANDOM_NUMS && !r; i++)
		r = put(o, "in", ref_num(i), ref_num(random_number(&state)));
	for (unsigned i = 0; i < RANDOM_TEXTS && !r; i++) {
		char *text = arena_alloc(&o->arena, RANDOM_TEXT_MOST + 1);
		random_text(&state, RANDOM_TEXT_MOST, text);
		r = put(o, "xin", ref_num(i), ref_str(text));
	}
	return r;
}

static void show(const struct type *t, const uint8_t *p)
{
	uint64_t n;

	if (t->kind == TYPE_STR) {
		printf("\"%.*s\"", (int)t->size, (const char *)p);
	} else if (t->kind == TYPE_TUPLE) {
		for (unsigned i = 0; i < t->n; i++) {
			printf("%s", i ? ", " : "");
			show(t->fields[i].type, p + t->fields[i].off);
		}
	} else if (t->kind == TYPE_INT) {
		memcpy(&n, p, 8);
		printf("%" PRId64, (int64_t)n);
	}
}

static bool check_entry(const struct one *o, const struct script_map *m, const struct ref_entry *e)
{
	uint8_t key[ROOM], want[ROOM], got[ROOM];
	static const uint32_t zero;
	const bool scalar = m->store == STORE_SCALAR;
	uint8_t *val = got + (scalar ? 8 : 0);

	memset(got, 0, sizeof(got));
	if (!scalar && !lay_out(m->key, &e->key, key))
		return false;
	if (!lay_out(m->val, &e->val, want))
		return false;
	int r = bpf_maps_lookup(o->run.maps, (size_t)m->bpf_map, scalar ? (void *)&zero : key, got);
	if (!r && !memcmp(val, want, m->val->size))
		return true;
	printf("# @%s[", m->name);
	if (!scalar)
		show(m->key, key);
	printf("] = ");
	if (r < 0)
		printf("nothing");
	else
		show(m->val, val);
	printf(", wanted ");
	show(m->val, want);
	printf("\n");
	return false;
}

static int count(void *arg, const void *key, const void *val)
{
	(void)key;
	(void)val;
	++*(size_t *)arg;
	return 0;
}

/* Whether all maps are as the reference has them, and hold no more. */
static bool check_maps(const struct one *o)
{
	bool fine = true;

	for (const struct ref_map *rm = o->ref.maps; rm; rm = rm->next) {
		const struct script_map *m = made_run_map(&o->run, rm->name);
		size_t want = 0, got = 0;

		for (const struct ref_entry *e = rm->entries; e && m; e = e->next) {
			want += !e->deleted;
			if (!e->deleted)
				fine = check_entry(o, m, e) && fine;
		}
		if (!m || m->store != STORE_HASH)
			continue;
		if (bpf_maps_each(o->run.maps, (size_t)m->bpf_map, count, &got) < 0 ||
		    got != want) {
			printf("# @%s has %zu keys, wanted %zu\n", m->name, got, want);
			fine = false;
		}
	}
	return fine;
}

/* 1: as wanted; 0: not; -E2BIG: the script was too large for a program. */
static int run_one(struct one *o, struct world *w, const char *text, uint64_t seed)
{
	made_compile(&o->made, w, text, NULL);
	if (o->made.r < 0) {
		printf("# %s%s\n", strbuf_text(&o->made.diag.out), sonde_err_str());
		return o->made.r == -E2BIG ? -E2BIG : 0;
	}
	int r = made_run_load(&o->run, o->made.script);
	if (r == -E2BIG) // the kernel walks through a million instructions at most
		return r;
	if (!r)
		r = put_inputs(o, seed);
	if (!r)
		r = made_run_once(&o->run);
	if (r < 0) {
		const char *log = strbuf_text(&o->run.log);
		const size_t len = strlen(log);
		printf("# line %u: %s\n%s\n", o->run.line, sonde_err_str(),
		       len > SHOWN ? log + len - SHOWN : log);
		return 0;
	}
	reference_run(&o->ref, &o->made.ast);
	if (o->ref.broken) {
		printf("# the reference does not know this\n");
		return 0;
	}
	return check_maps(o);
}

static int run_seed(struct world *w, const struct random_shape *shape, uint64_t seed)
{
	struct one o = { 0 };
	struct strbuf text = { 0 };

	o.ref.arena = &o.arena;
	random_script_text(seed, shape, &text);
	const int r = run_one(&o, w, strbuf_text(&text), seed);
	if (r <= 0)
		printf("# seed %" PRIu64 ":\n%s\n", seed, strbuf_text(&text));
	made_run_fini(&o.run);
	made_fini(&o.made);
	arena_fini(&o.arena);
	strbuf_fini(&text);
	return r;
}

static uint64_t env_number(const char *name, uint64_t without)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : without;
}

/* SCRIPT=FILE: that text with the inputs of SEED, to look closer at a failure. */
TEST(one_script)
{
	sonde_auto(world_freep) struct world *w = NULL;
	const char *path = getenv("SCRIPT");
	static char text[1 << 16];
	struct one o = { 0 };

	FILE *f = path ? fopen(path, "r") : NULL;
	if (!f) {
		test_skip("only with SCRIPT=FILE");
		return;
	}
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	EXPECT_EQ(made_world_new(false, &w), 0);
	o.ref.arena = &o.arena;
	EXPECT_EQ(run_one(&o, w, text, env_number("SEED", 1)), 1);
	made_run_fini(&o.run);
	made_fini(&o.made);
	arena_fini(&o.arena);
}

static void run_shape(const struct random_shape *shape, unsigned runs)
{
	sonde_auto(world_freep) struct world *w = NULL;
	const uint64_t seed = env_number("SEED", (uint64_t)time(NULL) * 1000);
	unsigned n_large = 0;

	if (!made_run_can()) {
		test_skip("no right to load programs");
		return;
	}
	runs = (unsigned)env_number("RUNS", runs);
	EXPECT_EQ(made_world_new(false, &w), 0);
	printf("# seeds from %" PRIu64 " on\n", seed);
	for (unsigned i = 0; i < runs && w; i++) {
		const int r = run_seed(w, shape, seed + i);
		n_large += r == -E2BIG;
		EXPECT(r != 0);
		if (!r)
			break;
	}
	EXPECT(n_large <= 1 + runs / 100);
}

TEST(numbers)
{
	run_shape(&(struct random_shape){ .results = 60, .depth = 5, .steps = true }, 25);
}

TEST(texts)
{
	run_shape(&(struct random_shape){ .results = 20, .depth = 3, .texts = true }, 15);
}

TEST(maps)
{
	run_shape(
		&(struct random_shape){
			.results = 20, .depth = 3, .maps = true, .texts = true, .steps = true },
		15);
}

TEST(statements)
{
	run_shape(&(struct random_shape){ .results = 12, .depth = 2, .nest = 4, .steps = true },
		  25);
}

TEST(all)
{
	run_shape(&(struct random_shape){ .results = 12,
					  .depth = 3,
					  .nest = 3,
					  .texts = true,
					  .maps = true,
					  .steps = true },
		  25);
}
