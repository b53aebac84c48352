/* SPDX-License-Identifier: MIT */
/**
 * Memory for entries, at hand on each CPU before the first event asks for it.
 *
 * The kernel gives a map that is not allocated ahead one large element for each CPU, and gets more
 * when interrupts are allowed again: a timer's or a scheduler's event that makes several entries
 * would lose all but one. Once an element was taken there are some ten of them.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "bpf/cpus.h"
#include "bpf/map.h"

struct warming {
	struct bpf_maps *maps;
	size_t map;
	const void *key, *val;
	cpu_set_t *set;
	size_t set_len;
};

static int warm_cpu(void *arg, unsigned cpu)
{
	struct warming *w = arg;

	CPU_ZERO_S(w->set_len, w->set);
	CPU_SET_S(cpu, w->set_len, w->set);
	// A CPU that is not ours has to do with what it has.
	if (sched_setaffinity(0, w->set_len, w->set) < 0)
		return 0;
	int r = bpf_maps_update(w->maps, w->map, w->key, w->val);
	return r < 0 ? r : bpf_maps_delete(w->maps, w->map, w->key);
}

int bpf_maps_warm(struct bpf_maps *m, size_t map, const void *key, const void *val)
{
	const size_t len = CPU_ALLOC_SIZE(CPUS_MOST);
	cpu_set_t *own = CPU_ALLOC(CPUS_MOST);
	struct warming w = { m, map, key, val, CPU_ALLOC(CPUS_MOST), len };

	int r = own && w.set ? 0 : sonde_fail(-ENOMEM, "out of memory for a set of CPUs");
	if (!r && sched_getaffinity(0, len, own) == 0) {
		r = cpus_each_online(warm_cpu, &w);
		(void)sched_setaffinity(0, len, own); // CPUs that went away meanwhile: any will do
	}
	CPU_FREE(own);
	CPU_FREE(w.set);
	return r;
}
