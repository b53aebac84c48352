/* SPDX-License-Identifier: MIT */
/** Look-ups in a trace's description, and clocks. */
#include <sonde/type.h>

#include <string.h>

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

int64_t sonde_clock_ns(const struct sonde_clock *clock, uint64_t cycles)
{
	const int64_t giga = 1000000000;
	__int128 ns = (__int128)cycles + clock->offset;

	if (clock->freq != (uint64_t)giga) {
		// Whole seconds apart: 128 bits hold any remainder times 1e9.
		__int128 s = ns / clock->freq;
		ns = s * giga + (ns % clock->freq) * giga / clock->freq;
	}
	ns += (__int128)clock->offset_s * giga;
	if (ns > INT64_MAX)
		return INT64_MAX;
	return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}
