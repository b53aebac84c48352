/* SPDX-License-Identifier: MIT */
/** Interrupts: names and counts, as vmstat -i shows them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/freebsd/show/show.h"

enum { NAMES_MOST = 1 << 20 };

/* Bytes of all counters, and of all names: told by a number, or by the arrays themselves. */
static bool find_sizes(struct freebsd_kernel *k, uint64_t *ret_counts, uint64_t *ret_names)
{
	const struct bsd_symbol *c = bsd_symbols_named(&k->syms, "intrcnt");
	const struct bsd_symbol *n = bsd_symbols_named(&k->syms, "intrnames");

	if (freebsd_number(k, "sintrcnt", ret_counts) && freebsd_number(k, "sintrnames", ret_names))
		return true;
	if (!c || !n || c->size <= k->pointer || n->size <= k->pointer)
		return false;
	*ret_counts = c->size;
	*ret_names = n->size;
	return true;
}

/* Names are filled up with blanks. */
static const char *trimmed(struct bsd_show *s, const char *name, size_t len)
{
	while (len && name[len - 1] == ' ')
		len--;
	return bsd_keep(s, "%.*s", (int)len, name);
}

static void add_rows(struct bsd_show *s, struct table *t, const char *names, size_t n_names,
		     const uint8_t *counts, size_t n_counts)
{
	uint64_t up = 0;
	size_t at = 0;

	(void)freebsd_uptime(s->k, &up); // no rate then
	for (size_t i = 0; i < n_counts && at < n_names; i++) {
		size_t len = strnlen(names + at, n_names - at);
		uint64_t v = 0;

		memcpy(&v, counts + i * s->k->pointer, s->k->pointer);
		if (len && v) {
			table_str(t, trimmed(s, names + at, len));
			table_int(t, (int64_t)v);
			if (up)
				table_real(t, (double)v / (double)up);
			else
				table_none(t);
		}
		at += len + 1;
	}
}

int bsd_interrupts(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "interrupt", "INTERRUPT", TABLE_TEXT },
		{ "count", "COUNT", TABLE_COUNT },
		{ "rate", "RATE", TABLE_RATE },
	};
	static const char what[] = "interrupts (vmstat -i)";
	struct freebsd_kernel *k = s->k;
	uint64_t counts, names, n_counts, n_names;
	struct table t;

	if (!find_sizes(k, &n_counts, &n_names) || !freebsd_array(k, "intrcnt", &counts) ||
	    !freebsd_array(k, "intrnames", &names)) {
		bsd_lack(s, what, "the kernel's counters were not found");
		return 0;
	}
	if (n_names > NAMES_MOST || n_counts > NAMES_MOST) {
		bsd_lack(s, what, "the number of its counters cannot be");
		return 0;
	}
	sonde_auto(mem_freep) uint8_t *bytes = malloc(n_counts + n_names + 1);
	if (!bytes)
		return sonde_fail(-ENOMEM, "out of memory");
	if (freebsd_read(k->core, counts, bytes, n_counts) < 0 ||
	    freebsd_read(k->core, names, bytes + n_counts, n_names) < 0) {
		bsd_lack(s, what, "the counters are not in the dump");
		return 0;
	}
	table_init(&t, columns, MEM_LEN(columns));
	add_rows(s, &t, (const char *)bytes + n_counts, n_names, bytes, n_counts / k->pointer);
	int r = page_table(&s->page, "interrupts", "Interrupts (vmstat -i)", &t);
	table_fini(&t);
	return r;
}
