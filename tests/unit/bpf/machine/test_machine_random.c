/* SPDX-License-Identifier: MIT */
/** Random functions do in the machine, interpreted and compiled, what they do by hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/fn.h"
#include "bpf/machine.h"
#include "bpf/machine/state.h"
#include "fn_random.h"
#include "test.h"

enum { RUNS = 400 };

static const struct machine_ops no_ops;

static const struct bpf_map_spec specs[] = {
	{ .name = "result",
	  .type = BPF_MAP_TYPE_ARRAY,
	  .key_len = 4,
	  .val_len = sizeof(struct random_result),
	  .max_entries = 1 },
	{ .name = "element",
	  .type = BPF_MAP_TYPE_ARRAY,
	  .key_len = 4,
	  .val_len = 8,
	  .max_entries = 1 },
};

static void print_code(const struct bpf_code *c)
{
	struct strbuf b = { 0 };

	bpf_code_print(c, &b);
	printf("%s", strbuf_text(&b));
	strbuf_fini(&b);
}

static void compare(const struct random_fn *r, struct machine *m, struct machine_prog *p,
		    uint64_t seed, const char *how)
{
	uint64_t state = ~seed, inputs[RANDOM_INPUTS];
	struct random_result want, got;

	for (unsigned n = 0; n < 4; n++) {
		for (unsigned i = 0; i < RANDOM_INPUTS; i++)
			inputs[i] = random_next(&state) >> (n * 20 % 64);
		random_fn_eval(r, inputs, &want);
		machine_map_clear(m, 0);
		machine_map_clear(m, 1);
		if (machine_run(p, inputs) != 0 || machine_cut_off(m))
			test_failed(__FILE__, __LINE__, "seed %llu, %s: ended",
				    (unsigned long long)seed, how);
		memcpy(&got, machine_map_value(m, 0), sizeof(got));
		memcpy(&got.element, machine_map_value(m, 1), sizeof(got.element));
		if (memcmp(&want, &got, sizeof(want)))
			test_failed(__FILE__, __LINE__, "seed %llu, input %u, %s: another result",
				    (unsigned long long)seed, n, how);
	}
}

/* Returns 1 if the machine took it, 0 if its frame is too large. */
static int try(uint64_t seed)
{
	static struct random_fn r;
	sonde_auto(unit_freep) struct unit *u = NULL;
	sonde_auto(machine_freep) struct machine *m = NULL;
	sonde_auto(strbuf_fini) struct strbuf log = { 0 };
	sonde_auto(bpf_code_fini) struct bpf_code c = { 0 };

	if (unit_new(&u) < 0)
		return -ENOMEM;
	random_fn_make(&r, seed);
	random_fn_build(&r, unit_fn(u, 1));
	int err = unit_finish(u, &c);
	if (err < 0)
		return err == -E2BIG ? 0 : err;
	err = machine_new(specs, MEM_LEN(specs), &no_ops, NULL, &m);
	if (err < 0)
		return err;
	for (int how = MACHINE_JIT; how <= MACHINE_INTERPRETER; how++) {
		sonde_auto(machine_prog_freep) struct machine_prog *p = NULL;

		err = machine_load(m, &c, RANDOM_INPUTS * 8, (enum machine_how)how, &log, &p);
		if (err < 0) {
			print_code(&c);
			test_failed(__FILE__, __LINE__, "seed %llu: %s\n%s",
				    (unsigned long long)seed, sonde_err_str(), strbuf_text(&log));
			return err;
		}
		compare(&r, m, p, seed, how == MACHINE_JIT ? "compiled" : "interpreted");
	}
	EXPECT_EQ(m->faults, 0);
	return 1;
}

TEST(random_functions_do_the_same_in_the_machine)
{
	const char *given = getenv("FN_SEED"), *runs = getenv("FN_RUNS");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	const unsigned long n = runs ? strtoul(runs, NULL, 0) : given ? 1 : RUNS;
	unsigned taken = 0;

	for (unsigned long i = 0; i < n; i++) {
		int r = try(seed + i);

		EXPECT(r >= 0);
		taken += r > 0;
	}
	printf("# the machine took %u of %lu\n", taken, n);
	EXPECT(taken >= n / 2);
}
