/* SPDX-License-Identifier: MIT */
/** Look-ups in a trace's description, and clocks. */
#include <sonde/type.h>

#include <string.h>

#include "model/clock_map.h"

const struct sonde_member *sonde_type_member(const struct sonde_type *t, const char *name)
{
	if (!t || t->kind != SONDE_STRUCT)
		return NULL;
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];

		if (!strcmp(m->shown, name) || !strcmp(m->name, name))
			return m;
	}
	return NULL;
}

const struct sonde_env *sonde_trace_env(const struct sonde_trace *t, const char *name)
{
	for (size_t i = 0; i < t->n_env; i++) {
		if (!strcmp(t->env[i].name, name))
			return &t->env[i];
	}
	return NULL;
}

enum { GIGA = 1000000000 };

/*
 * Cycles in ns, rounded down; for frequencies other than 1 GHz with the precision of a double.
 * That is how babeltrace2 computes it, and so it is the time that people know an event by: behind
 * 2^53 ns (104 days) it may differ from the exact one by a few ns.
 */
static __int128 cycles_to_ns(uint64_t cycles, uint64_t freq)
{
	if (freq == GIGA)
		return cycles;
	double ns = 1e9 * (double)cycles / (double)freq;
	return ns >= 0x1p64 ? (__int128)1 << 64 : (__int128)(uint64_t)ns;
}

int64_t sonde_clock_ns(const struct sonde_clock *clock, uint64_t cycles)
{
	const uint64_t offset_s = clock->offset / clock->freq;
	__int128 ns = ((__int128)clock->offset_s + offset_s) * GIGA;

	ns += cycles_to_ns(clock->offset % clock->freq, clock->freq);
	ns += cycles_to_ns(cycles, clock->freq);
	if (ns > INT64_MAX)
		return INT64_MAX;
	if (ns < INT64_MIN)
		return INT64_MIN;
	return clock->map ? clock_map_ns(clock->map, (int64_t)ns) : (int64_t)ns;
}
