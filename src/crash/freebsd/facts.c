/* SPDX-License-Identifier: MIT */
/** Reads global variables by their symbols alone, and counters of each CPU. */
#include "crash/freebsd/facts.h"

#include <string.h>

enum {
	STEPS_MOST = 1 << 24,
	CPUS_MOST = 4096,
	PAGE = 4096,
	PERCPU_PAGES_SINCE = 1200000,
	PERCPU_DISTANCE_SINCE = 1300000
};

bool freebsd_number(struct freebsd_kernel *k, const char *name, uint64_t *ret)
{
	const struct bsd_symbol *s = bsd_symbols_named(&k->syms, name);

	if (!s || (s->size != 1 && s->size != 2 && s->size != 4 && s->size != 8))
		return false;
	return crash_read_uint(k->core, s->start, (unsigned)s->size, ret) == 0;
}

bool freebsd_number_of(struct freebsd_kernel *k, const char *const *names, uint64_t *ret)
{
	for (; *names; names++) {
		if (freebsd_number(k, *names, ret))
			return true;
	}
	return false;
}

bool freebsd_text(struct freebsd_kernel *k, const char *name, char *ret, size_t cap)
{
	uint64_t at;

	return freebsd_symbol(k, name, &at) && crash_read_text(k->core, at, ret, cap) > 0;
}

bool freebsd_text_at(struct freebsd_kernel *k, const char *name, char *ret, size_t cap)
{
	uint64_t at;

	return freebsd_symbol(k, name, &at) && freebsd_pointer(k, at, &at) == 0 && at &&
	       crash_read_text(k->core, at, ret, cap) > 0;
}

bool freebsd_array(struct freebsd_kernel *k, const char *name, uint64_t *ret)
{
	const struct bsd_symbol *s = bsd_symbols_named(&k->syms, name);

	if (!s)
		return false;
	*ret = s->start;
	return s->size != k->pointer || (freebsd_pointer(k, s->start, ret) == 0 && *ret);
}

bool freebsd_field(struct freebsd_kernel *k, uint64_t va, const struct kfield *f, uint64_t *ret)
{
	uint8_t bytes[8];

	if (!f->type || !f->size || f->size > sizeof(bytes) || !va)
		return false;
	if (freebsd_read(k->core, va + f->off, bytes, f->size) < 0)
		return false;
	*ret = kfield_number(f, bytes);
	return true;
}

bool freebsd_spend(struct freebsd_kernel *k)
{
	return k->spent < STEPS_MOST && ++k->spent;
}

unsigned freebsd_cpus(struct freebsd_kernel *k)
{
	uint64_t n;

	if (freebsd_number(k, "mp_maxid", &n) && n < CPUS_MOST)
		return (unsigned)n + 1;
	return freebsd_number(k, "mp_ncpus", &n) && n && n <= CPUS_MOST ? (unsigned)n : 0;
}

bool freebsd_has_cpu(struct freebsd_kernel *k, unsigned cpu)
{
	const struct bsd_symbol *s = bsd_symbols_named(&k->syms, "all_cpus");
	uint64_t byte;

	if (!s || s->size * 8 <= cpu || crash_read_uint(k->core, s->start + cpu / 8, 1, &byte) < 0)
		return true;
	return byte >> cpu % 8 & 1;
}

/*
 * Since FreeBSD 12 each CPU has a page of what all have, before that as many bytes as its struct
 * pcpu. On amd64, since 13, it is told by the distance from the first CPU's struct, __pcpu.
 */
bool freebsd_percpu(struct freebsd_kernel *k, uint64_t at, unsigned cpu, uint64_t *ret)
{
	uint64_t version, base = 0, step = PAGE;

	if (!at || !freebsd_spend(k) || !freebsd_number(k, "osreldate", &version))
		return false;
	if (version < PERCPU_PAGES_SINCE)
		step = kfield_sizeof(k->core->system->types(k->core, NULL), "struct pcpu");
	if (version >= PERCPU_DISTANCE_SINCE && k->core->about->arch == DUMP_X86_64 &&
	    !freebsd_array(k, "__pcpu", &base))
		return false;
	if (!step || step > (1 << 20))
		return false;
	*ret = base + at + cpu * step;
	return true;
}

bool freebsd_counter(struct freebsd_kernel *k, uint64_t at, uint64_t *ret)
{
	unsigned n = freebsd_cpus(k);
	uint64_t sum = 0, va, v;

	for (unsigned i = 0; i < n; i++) {
		if (!freebsd_has_cpu(k, i))
			continue;
		if (!freebsd_percpu(k, at, i, &va) || crash_read_uint(k->core, va, 8, &v) < 0)
			return false;
		sum += v;
	}
	*ret = sum;
	return n != 0;
}

bool freebsd_field_sum(struct freebsd_kernel *k, uint64_t va, const struct kfield *f, uint64_t *ret)
{
	uint64_t v;

	if (!freebsd_field(k, va, f, &v) || (f->type->kind == CT_PTR && !freebsd_counter(k, v, &v)))
		return false;
	*ret = v;
	return true;
}

bool freebsd_time(struct freebsd_kernel *k, uint64_t *ret)
{
	return freebsd_number(k, "time_second", ret);
}

bool freebsd_uptime(struct freebsd_kernel *k, uint64_t *ret)
{
	return freebsd_number(k, "time_uptime", ret);
}

bool freebsd_steps_on(struct freebsd_steps *s, uint64_t member)
{
	if (member == s->seen)
		return false;
	if (++s->n >= s->next_power) {
		s->seen = member;
		s->next_power = 2 * s->n;
	}
	return true;
}
