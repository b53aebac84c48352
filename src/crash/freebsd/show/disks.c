/* SPDX-License-Identifier: MIT */
/** What terminals, disks and CPUs did since boot: iostat. */
#include <inttypes.h>
#include <string.h>

#include "crash/freebsd/show/show.h"

enum { DEVICES_MOST = 1 << 16, CPU_STATES = 5, NAME_MOST = 64 };

static const char *const cpu_states[CPU_STATES] = { "user", "nice", "system", "interrupts",
						    "idle" };
static const char what_cpus[] = "CPU times (iostat)", what[] = "disks (iostat)";

/* Ticks of all CPUs: old kernels have a sum of them, others a struct for each. */
static bool sum_ticks(struct bsd_show *s, uint64_t *ret)
{
	const struct bsd_symbol *all = bsd_symbols_named(&s->k->syms, "cpuid_to_pcpu");
	unsigned n = freebsd_cpus(s->k), pointer = s->k->pointer;
	uint64_t at, ticks[CPU_STATES] = { 0 };
	struct kfield f;

	memset(ret, 0, CPU_STATES * sizeof(*ret));
	if (freebsd_symbol(s->k, "cp_time", &at)) {
		for (unsigned i = 0; i < CPU_STATES; i++) {
			if (freebsd_pointer(s->k, at + i * pointer, &ret[i]) < 0)
				return false;
		}
		return true;
	}
	if (!all || !kfield_find(s->types, "struct pcpu", "pc_cp_time", &f))
		return false;
	for (unsigned i = 0; i < n && i < all->size / pointer; i++) {
		if (!freebsd_has_cpu(s->k, i))
			continue;
		if (!freebsd_spend(s->k) ||
		    freebsd_pointer(s->k, all->start + i * pointer, &at) < 0)
			return false;
		for (unsigned j = 0; j < CPU_STATES; j++) {
			if (freebsd_pointer(s->k, at + f.off + j * pointer, &ticks[j]) < 0)
				return false;
			ret[j] += ticks[j];
		}
	}
	return n != 0;
}

static int show_cpus(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "state", "CPUS WERE IN", TABLE_TEXT },
		{ "ticks", "TICKS", TABLE_COUNT },
		{ "share", "SHARE", TABLE_PERCENT },
	};
	uint64_t ticks[CPU_STATES];
	double all = 0;
	struct table t;

	if (!sum_ticks(s, ticks)) {
		bsd_lack(s, what_cpus, "they were not found, or are not in the dump");
		return 0;
	}
	for (unsigned i = 0; i < CPU_STATES; i++)
		all += (double)ticks[i];
	table_init(&t, columns, MEM_LEN(columns));
	for (unsigned i = 0; i < CPU_STATES; i++) {
		table_str(&t, cpu_states[i]);
		table_int(&t, (int64_t)ticks[i]);
		table_real(&t, all > 0 ? 100 * (double)ticks[i] / all : 0);
	}
	int r = page_table(&s->page, "cpu_times", "CPU times (iostat)", &t);
	table_fini(&t);
	return r;
}

enum { NEXT, NAME, UNIT, READ, WRITTEN, READS, WRITES, BUSY_S, BUSY_FRACTION, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[NEXT] = { "struct devstat", "dev_links.stqe_next" },
	[NAME] = { "struct devstat", "device_name" },
	[UNIT] = { "struct devstat", "unit_number" },
	[READ] = { "struct devstat", "bytes[1]" },
	[WRITTEN] = { "struct devstat", "bytes[2]" },
	[READS] = { "struct devstat", "operations[1]" },
	[WRITES] = { "struct devstat", "operations[2]" },
	[BUSY_S] = { "struct devstat", "busy_time.sec" },
	[BUSY_FRACTION] = { "struct devstat", "busy_time.frac" },
};

/* False: it is not in the dump. */
static bool add_device(struct bsd_show *s, struct table *t, const struct kfield *f, uint64_t at)
{
	uint64_t v[FIELDS];

	for (unsigned i = UNIT; i < FIELDS; i++) {
		if (!freebsd_field(s->k, at, &f[i], &v[i]))
			return false;
	}
	table_str(t,
		  bsd_keep(s, "%s%" PRId32, bsd_keep_text(s, at + f[NAME].off), (int32_t)v[UNIT]));
	for (unsigned i = READS; i <= WRITES; i++) {
		table_int(t, (int64_t)v[i]);
		table_int(t, (int64_t)v[i - READS + READ]);
	}
	// A part of a second is told in 2^-64 of one.
	if (v[BUSY_S] < INT64_MAX / 1000000000 - 1)
		table_int(t, (int64_t)(v[BUSY_S] * 1000000000 +
				       ((v[BUSY_FRACTION] >> 32) * 1000000000 >> 32)));
	else
		table_none(t);
	return true;
}

static int show_devices(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "device", "DEVICE", TABLE_TEXT },   { "reads", "READS", TABLE_COUNT },
		{ "read_bytes", "OF", TABLE_BYTES },  { "writes", "WRITES", TABLE_COUNT },
		{ "write_bytes", "OF", TABLE_BYTES }, { "busy_ns", "BUSY", TABLE_NS },
	};
	struct freebsd_steps steps = { 0 };
	struct kfield f[FIELDS];
	struct table t;
	uint64_t at;

	kfield_find_all(s->types, wanted, FIELDS, f);
	if (!freebsd_symbol(s->k, "device_statq", &at) || freebsd_pointer(s->k, at, &at) < 0) {
		bsd_lack(s, what, "the list of devices was not found");
		return 0;
	}
	table_init(&t, columns, MEM_LEN(columns));
	while (at) {
		if (!freebsd_steps_on(&steps, at) || steps.n > DEVICES_MOST ||
		    !add_device(s, &t, f, at) || !freebsd_field(s->k, at, &f[NEXT], &at)) {
			bsd_lack(s, what,
				 "the list of devices goes round, is too long, or not in the dump");
			break;
		}
	}
	int r = page_table(&s->page, "disks", "Disks (iostat)", &t);
	table_fini(&t);
	return r;
}

int bsd_disks(struct bsd_show *s)
{
	uint64_t in, out;

	if (!bsd_has_types(s, what))
		return 0;
	if (freebsd_number(s->k, "tty_nin", &in) && freebsd_number(s->k, "tty_nout", &out))
		page_fact_fmt(&s->page, "terminals", "Terminals",
			      "%" PRIu64 " characters came in, %" PRIu64 " went out", in, out);
	int r = show_cpus(s);
	return r < 0 ? r : show_devices(s);
}
