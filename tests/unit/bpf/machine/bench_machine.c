/* SPDX-License-Identifier: MIT */
/** What one run of a script's program costs, compiled and interpreted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/machine.h"
#include "lang/made_world.h"

enum { CTX_LEN = 256, EVENTS = 4096, ROUNDS = 500 };

static const struct {
	const char *name, *script;
} cases[] = {
	{ "nothing", "tracepoint:made:all / args.u8 == 255 && args.u16 == 255 / { @ = count(); }" },
	{ "count", "tracepoint:made:all { @ = count(); }" },
	{ "count by id", "tracepoint:made:all { @[args.i32] = count(); }" },
	{ "count by comm", "tracepoint:made:all { @[comm] = count(); }" },
	{ "count by text", "tracepoint:made:all { @[args.comm] = count(); }" },
	{ "time since",
	  "tracepoint:made:all { @d[tid] = sum(nsecs - @t[tid]); @t[tid] = nsecs; }" },
	{ "hist by cpu", "tracepoint:made:all { @[cpu] = hist(args.u64); }" },
	{ "printf", "tracepoint:made:all { printf(\"%s %d\\n\", comm, args.i32); }" },
	{ "loop of 20", "tracepoint:made:all { for ($i : 0..20) { @ = sum($i); } }" },
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void on_record(void *arg, const void *data, size_t len)
{
	(void)data;
	*(uint64_t *)arg += len;
}

/* Nanoseconds for one run; below 0: it failed. */
static double measure(const struct script *s, enum machine_how how, unsigned rounds)
{
	static uint8_t ctx[EVENTS][CTX_LEN];
	static const struct machine_ops ops = { .record = on_record };
	uint64_t sum = 0, best = UINT64_MAX;
	sonde_auto(machine_freep) struct machine *m = NULL;
	sonde_auto(machine_prog_freep) struct machine_prog *p = NULL;

	if (machine_new(s->bpf_maps, s->n_bpf_maps, &ops, &sum, &m) < 0 ||
	    machine_load(m, &s->progs[0].code, CTX_LEN, how, NULL, &p) < 0)
		return -1;
	for (uint32_t i = 0; i < EVENTS; i++) {
		const uint32_t id = i * 2654435761U >> 20;
		memcpy(ctx[i] + 20, &id, sizeof(id));
		memcpy(ctx[i] + 24, &(uint64_t){ (uint64_t)id * id }, 8);
		snprintf((char *)ctx[i] + 40, 16, "task-%u", id % 200);
	}
	struct machine_now *now = machine_now(m);
	for (unsigned r = 0; r < rounds; r++) {
		const uint64_t begin = now_ns();

		for (uint32_t i = 0; i < EVENTS; i++) {
			memcpy(now->comm, ctx[i] + 40, 16);
			now->pid_tgid = ctx[i][20];
			now->cpu = i & 3;
			now->ts_ns += 100;
			now->mem = ctx[i];
			now->mem_len = CTX_LEN;
			(void)machine_run(p, ctx[i]); // the result of a script's program is 0
		}
		const uint64_t took = now_ns() - begin;
		best = took < best ? took : best;
	}
	return (double)best / EVENTS;
}

int main(void)
{
	struct world *w = NULL;
	int bad = 0;

	if (made_world_new(true, &w) < 0)
		return 1;
	w->is_synchronous = true;
	printf("%-16s %10s %12s %7s\n", "script", "compiled", "interpreted", "times");
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct made made;

		made_compile(&made, w, cases[i].script, NULL);
		const double a = made.script ? measure(made.script, MACHINE_JIT, ROUNDS) : -1;
		const double b =
			made.script ? measure(made.script, MACHINE_INTERPRETER, ROUNDS / 10) : -1;
		bad += a < 0 || b < 0;
		printf("%-16s %7.1f ns %9.1f ns %7.1f\n", cases[i].name, a, b, b / a);
		made_fini(&made);
	}
	world_free(w);
	return bad;
}
