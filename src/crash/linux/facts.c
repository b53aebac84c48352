/* SPDX-License-Identifier: MIT */
/** Finds facts in the kernel's variables. */
#include "crash/linux/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S ((uint64_t)1000000000)

enum { YEAR_1990 = 631152000, TEXT_MOST = 65 };

bool linux_uts(struct linux_kernel *k, const char *field, char *ret, size_t cap)
{
	struct kfield name, part;
	uint64_t at;

	if (!linux_symbol(k, "init_uts_ns", &at) ||
	    !kfield_find(k->types, "struct uts_namespace", "name", &name) ||
	    !kfield_find(k->types, "struct new_utsname", field, &part))
		return false;
	return space_string(&k->mem, at + name.off + part.off, ret,
			    cap < TEXT_MOST ? cap : TEXT_MOST) > 0;
}

/*
 * The struct timekeeper: behind a sequence counter, in a struct that had no name until 6.13. Since
 * 6.17 it is the first one of several.
 */
static bool timekeeper(struct linux_kernel *k, uint64_t *ret)
{
	struct kfield f;
	uint64_t at, size = kfield_sizeof(k->types, "seqcount_raw_spinlock_t");

	if (!linux_symbol(k, "tk_core", &at) && !linux_symbol(k, "timekeeper_data", &at))
		return false;
	if (kfield_find(k->types, "struct tk_data", "timekeeper", &f))
		*ret = at + f.off;
	else
		*ret = at + ((size ? size : 4) + 7) / 8 * 8;
	return true;
}

static bool timekeeper_field(struct linux_kernel *k, const char *path, uint64_t *ret)
{
	struct kfield f;
	uint64_t tk;

	return timekeeper(k, &tk) && kfield_find(k->types, "struct timekeeper", path, &f) &&
	       !linux_read_field(k, tk, &f, ret);
}

bool linux_time(struct linux_kernel *k, uint64_t *ret)
{
	uint64_t s;

	if (timekeeper_field(k, "xtime_sec", &s) && s > YEAR_1990 && s < UINT32_MAX) {
		*ret = s;
		return true;
	}
	return vmcoreinfo_value(&k->info, "CRASHTIME", 10, ret);
}

static int keep_time(void *arg, const struct crash_message *m)
{
	*(uint64_t *)arg = m->ns;
	return 0;
}

bool linux_uptime_ns(struct linux_kernel *k, uint64_t *ret)
{
	uint64_t s, offset, last = 0;

	if (timekeeper_field(k, "xtime_sec", &s) && s > YEAR_1990 && s < UINT32_MAX &&
	    timekeeper_field(k, "wall_to_monotonic.tv_sec", &offset) && s + offset < UINT32_MAX) {
		*ret = (s + offset) * NS_PER_S;
		return true;
	}
	int r = linux_log(k->core, keep_time, &last);
	k->core->ran_out |= r == -ENOMEM;
	if (r < 0 || !last)
		return false;
	*ret = last;
	return true;
}

bool linux_cpu_clock(struct linux_kernel *k, size_t cpu, uint64_t *ret)
{
	struct kfield f;
	uint64_t rq;

	return k->cpus[cpu].has_memory && linux_symbol(k, "runqueues", &rq) &&
	       kfield_find(k->types, "struct rq", "clock", &f) &&
	       !linux_read_field(k, rq + k->cpus[cpu].offset, &f, ret);
}

bool linux_pages_of(struct linux_kernel *k, const char *enumerator, int64_t *ret)
{
	static const struct {
		const char *type, *symbol;
	} sums[] = { { "enum zone_stat_item", "vm_zone_stat" },
		     { "enum node_stat_item", "vm_node_stat" } };
	const struct ctype *t;
	uint64_t at, v;

	for (size_t i = 0; i < MEM_LEN(sums); i++) {
		size_t n;

		if (!k->types || ctypes_find(k->types, sums[i].type, &t) < 0 ||
		    !linux_symbol(k, sums[i].symbol, &at))
			continue;
		const struct cmember *m = ctype_members(t, &n);
		for (size_t e = 0; e < n; e++) {
			if (strcmp(m[e].name, enumerator) != 0 || m[e].value < 0)
				continue;
			if (linux_read_u64(k, at + (uint64_t)m[e].value * 8, &v) < 0)
				return false;
			*ret = (int64_t)v > 0 ? (int64_t)v : 0; // sums may lag behind
			return true;
		}
	}
	return false;
}

bool linux_pages_total(struct linux_kernel *k, uint64_t *ret)
{
	return !linux_global(k, "_totalram_pages", 8, ret) ||
	       !linux_global(k, "totalram_pages", 8, ret);
}
