/* SPDX-License-Identifier: MIT */
/** Counters that the kernel or the CPU keeps, and watched memory. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/live/number.h"
#include "lang/live/probes.h"

/* A counter, and how many of its events make one of ours where the script does not say it. */
struct counter {
	const char *name, *other;
	uint64_t config, count;
};

static const struct counter software[] = {
	{ "alignment-faults", NULL, PERF_COUNT_SW_ALIGNMENT_FAULTS, 1 },
	{ "bpf-output", NULL, PERF_COUNT_SW_BPF_OUTPUT, 1 },
	{ "context-switches", "cs", PERF_COUNT_SW_CONTEXT_SWITCHES, 1000 },
	{ "cpu-clock", "cpu", PERF_COUNT_SW_CPU_CLOCK, 1000000 },
	{ "cpu-migrations", NULL, PERF_COUNT_SW_CPU_MIGRATIONS, 1 },
	{ "dummy", NULL, PERF_COUNT_SW_DUMMY, 1 },
	{ "emulation-faults", NULL, PERF_COUNT_SW_EMULATION_FAULTS, 1 },
	{ "major-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1 },
	{ "minor-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MIN, 100 },
	{ "page-faults", "faults", PERF_COUNT_SW_PAGE_FAULTS, 100 },
	{ "task-clock", NULL, PERF_COUNT_SW_TASK_CLOCK, 1000000 },
	{ NULL, NULL, 0, 0 },
};

static const struct counter hardware[] = {
	{ "backend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, 1000000 },
	{ "branch-instructions", "branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 100000 },
	{ "branch-misses", NULL, PERF_COUNT_HW_BRANCH_MISSES, 100000 },
	{ "bus-cycles", NULL, PERF_COUNT_HW_BUS_CYCLES, 100000 },
	{ "cache-misses", NULL, PERF_COUNT_HW_CACHE_MISSES, 1000000 },
	{ "cache-references", NULL, PERF_COUNT_HW_CACHE_REFERENCES, 1000000 },
	{ "cpu-cycles", "cycles", PERF_COUNT_HW_CPU_CYCLES, 1000000 },
	{ "frontend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, 1000000 },
	{ "instructions", NULL, PERF_COUNT_HW_INSTRUCTIONS, 1000000 },
	{ "ref-cycles", NULL, PERF_COUNT_HW_REF_CPU_CYCLES, 1000000 },
	{ NULL, NULL, 0, 0 },
};

/* Asks the kernel itself, with a counter that is never started. */
static bool cpu_counts(uint64_t config)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_HARDWARE,
		.config = config,
		.sample_period = 1000000,
		.disabled = 1,
	};
	sonde_auto(mem_closep) int fd =
		(int)syscall(SYS_perf_event_open, &attr, getpid(), -1, -1, PERF_FLAG_FD_CLOEXEC);

	// What is merely not permitted is told when the probe is attached.
	return fd >= 0 || (errno != ENOENT && errno != ENODEV && errno != EOPNOTSUPP);
}

static const struct counter *counter_find(const struct counter *c, const char *name)
{
	for (; c->name; c++) {
		if (!strcmp(c->name, name) || (c->other && !strcmp(c->other, name)))
			return c;
	}
	return NULL;
}

static int unknown_counter(struct lookup *l, const struct counter *c)
{
	struct nearest n = { .word = l->ap->parts[1] };

	for (; c->name; c++) {
		nearest_see(&n, c->name);
		if (c->other)
			nearest_see(&n, c->other);
	}
	return lookup_error(l, "unknown-event", "no %s event '%s'%s", l->provider->name,
			    l->ap->parts[1], nearest_words(&n));
}

static int find_counter(struct lookup *l, const struct counter *all, uint32_t type)
{
	const struct ast_attach *ap = l->ap;
	const struct counter *c = counter_find(all, ap->parts[1]);
	const char *end = "";

	if (!c)
		return unknown_counter(l, all);
	uint64_t count = c->count;
	if (ap->n_parts == 3 && *ap->parts[2] &&
	    (!number_read(ap->parts[2], &count, &end) || *end || !count || count > INT64_MAX))
		return lookup_error(l, "bad-attach-point", "'%s' is no count of events, in %s",
				    ap->parts[2], l->provider->usage);
	if (type == PERF_TYPE_HARDWARE && !cpu_counts(c->config))
		return lookup_error(l, "no-counter",
				    "this CPU (a virtual one?) does not count '%s'", c->name);
	const char *name =
		ap->n_parts == 3
			? lookup_text(l, "%s:%s:%s", l->provider->name, ap->parts[1], ap->parts[2])
			: lookup_text(l, "%s:%s", l->provider->name, ap->parts[1]);
	if (!name)
		return -ENOMEM;
	return lookup_add(l, &(struct probe){
				     .name = name,
				     .args = ARGS_PERF,
				     .prog_type = BPF_PROG_TYPE_PERF_EVENT,
				     .attach = {
					     .kind = ATTACH_PERF,
					     .pid = l->live->opt.pid > 0 ? l->live->opt.pid : -1,
					     .cpu = -1,
					     .perf_type = type,
					     .perf_config = c->config,
					     .period = count,
				     },
			     });
}

int find_software(struct lookup *l)
{
	return find_counter(l, software, PERF_TYPE_SOFTWARE);
}

int find_hardware(struct lookup *l)
{
	return find_counter(l, hardware, PERF_TYPE_HARDWARE);
}

int list_software(struct listing *l)
{
	int r = 0;

	for (const struct counter *c = software; c->name && !r; c++)
		r = listing_give(l, c->name, NULL, NULL);
	return r;
}

int list_hardware(struct listing *l)
{
	int r = 0;
	size_t n = 0;

	for (const struct counter *c = hardware; c->name && !r; c++) {
		const bool counted = cpu_counts(c->config);
		n += counted;
		r = counted ? listing_give(l, c->name, NULL, NULL) : 0;
	}
	return r || n ? r : sonde_fail(-ENOTSUP, "this CPU (a virtual one?) counts no events");
}

/* "r", "w" and "x" in the order in which the kernel's names have them; NULL: makes no sense. */
static const char *watch_mode(const char *text)
{
	static const struct {
		const char *text, *mode;
	} modes[] = {
		{ "r", "r" }, { "w", "w" }, { "rw", "rw" }, { "wr", "rw" }, { "x", "x" },
	};

	for (size_t i = 0; i < MEM_LEN(modes); i++) {
		if (!strcmp(modes[i].text, text))
			return modes[i].mode;
	}
	return NULL;
}

int find_watchpoint(struct lookup *l)
{
	const struct ast_attach *ap = l->ap;
	const char *mode = watch_mode(ap->parts[3]), *end;
	uint64_t addr, len;

	if (!number_read(ap->parts[1], &addr, &end))
		addr = live_address(&l->live->world, NULL, ap->parts[1]);
	else if (*end)
		addr = 0;
	if (!addr)
		return lookup_error(l, "bad-attach-point",
				    "'%s' is no address and no symbol of the kernel; places inside "
				    "of functions cannot be watched",
				    ap->parts[1]);
	if (!number_read(ap->parts[2], &len, &end) || *end || !len || len > 8 || (len & (len - 1)))
		return lookup_error(l, "bad-attach-point",
				    "'%s' bytes cannot be watched: 1, 2, 4 or 8 can", ap->parts[2]);
	if (addr % len && strcmp(mode ? mode : "", "x") != 0) // code begins anywhere
		return lookup_error(l, "bad-attach-point", "'%s' is no multiple of %s",
				    ap->parts[1], ap->parts[2]);
	if (!mode)
		return lookup_error(l, "bad-attach-point",
				    "'%s' is no way to watch: r, w, rw and x are", ap->parts[3]);
	const char *name = lookup_text(l, "watchpoint:%s:%s:%s", ap->parts[1], ap->parts[2], mode);
	if (!name)
		return -ENOMEM;
	return lookup_add(l, &(struct probe){
				     .name = name,
				     .args = ARGS_PERF,
				     .prog_type = BPF_PROG_TYPE_PERF_EVENT,
				     .attach = {
					     .kind = ATTACH_WATCH,
					     .pid = l->live->opt.pid > 0 ? l->live->opt.pid : -1,
					     .cpu = -1,
					     .addr = addr,
					     .len = (uint32_t)len,
					     .mode = mode,
				     },
			     });
}
