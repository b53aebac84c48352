/* SPDX-License-Identifier: MIT */
/** Where memory went: pages (vmstat -s), types of malloc(9) (vmstat -m), tables (pstat -T) and swap
 * (pstat -s). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crash/freebsd/show/show.h"

enum { TYPES_MOST = 1 << 16, DOMAINS_MOST = 64, SWAPS_MOST = 4096 };

static const struct table_column pairs[] = {
	{ "name", "WHAT", TABLE_TEXT },
	{ "value", "COUNT", TABLE_COUNT },
};

/* A member of struct vmmeter is a counter(9), or a number itself. */
static bool meter(struct bsd_show *s, uint64_t at, const struct cmember *m, uint64_t *ret)
{
	struct freebsd_kernel *k = s->k;
	uint64_t v;

	if (m->bit_off % 8 || m->bit_size)
		return false;
	at += m->bit_off / 8;
	if (m->type->kind == CT_PTR)
		return freebsd_pointer(k, at, &v) == 0 && freebsd_counter(k, v, ret);
	return m->type->kind == CT_INT && m->type->size <= 8 &&
	       crash_read_uint(k->core, at, (unsigned)m->type->size, ret) == 0;
}

/* What members of struct vmmeter are called by people; others by their names. */
static const char *const meter_names[][2] = {
	{ "v_swtch", "context switches" },
	{ "v_trap", "traps" },
	{ "v_syscall", "system calls" },
	{ "v_intr", "device interrupts" },
	{ "v_soft", "software interrupts" },
	{ "v_vm_faults", "page faults" },
	{ "v_io_faults", "page faults that needed I/O" },
	{ "v_cow_faults", "pages copied on write" },
	{ "v_zfod", "pages filled with zeros" },
	{ "v_swapin", "swap pager: reads" },
	{ "v_swapout", "swap pager: writes" },
	{ "v_swappgsin", "swap pager: pages read" },
	{ "v_swappgsout", "swap pager: pages written" },
	{ "v_vnodein", "vnode pager: reads" },
	{ "v_vnodeout", "vnode pager: writes" },
	{ "v_vnodepgsin", "vnode pager: pages read" },
	{ "v_vnodepgsout", "vnode pager: pages written" },
	{ "v_pdwakeups", "wakeups of the page daemon" },
	{ "v_pdpages", "pages the page daemon looked at" },
	{ "v_reactivated", "pages made active again" },
	{ "v_forks", "forks" },
	{ "v_vforks", "vforks" },
	{ "v_rforks", "rforks" },
	{ "v_kthreads", "kernel threads made" },
	{ "v_page_size", "bytes of a page" },
	{ "v_page_count", "pages of memory" },
};

static const char *meter_name(const char *name)
{
	for (size_t i = 0; i < MEM_LEN(meter_names); i++) {
		if (!strcmp(meter_names[i][0], name))
			return meter_names[i][1];
	}
	return !strncmp(name, "v_", 2) ? name + 2 : name;
}

/* The sum of a number that each domain of memory has. */
static bool domains(struct bsd_show *s, const char *path, uint64_t *ret)
{
	uint64_t at, n = 1, sum = 0, v, size = kfield_sizeof(s->types, "struct vm_domain");
	struct kfield f;

	if (!size || !freebsd_symbol(s->k, "vm_dom", &at) ||
	    !kfield_find(s->types, "struct vm_domain", path, &f))
		return false;
	(void)freebsd_number(s->k, "vm_ndomains", &n); // one, where there are none
	for (uint64_t i = 0; i < n && i < DOMAINS_MOST; i++) {
		if (!freebsd_field(s->k, at + i * size, &f, &v))
			return false;
		sum += v;
	}
	*ret = sum;
	return true;
}

static void add_pair(struct table *t, const char *name, uint64_t v)
{
	table_str(t, name);
	table_int(t, (int64_t)v);
}

static void add_domains(struct bsd_show *s, struct table *t)
{
	static const char *const queues[][2] = {
		{ "vmd_free_count", "pages free" },
		{ "vmd_pagequeues[0].pq_cnt", "pages inactive" },
		{ "vmd_pagequeues[1].pq_cnt", "pages active" },
		{ "vmd_pagequeues[2].pq_cnt", "pages in the laundry" },
		{ "vmd_pagequeues[3].pq_cnt", "pages that cannot be swapped" },
	};
	uint64_t v;

	for (size_t i = 0; i < MEM_LEN(queues); i++) {
		if (domains(s, queues[i][0], &v))
			add_pair(t, queues[i][1], v);
	}
}

int bsd_vm(struct bsd_show *s)
{
	static const char what[] = "virtual memory (vmstat -s)";
	const struct cmember *members;
	const struct ctype *type;
	struct table t;
	uint64_t at, v;
	size_t n;

	if (!bsd_has_types(s, what))
		return 0;
	if ((!freebsd_symbol(s->k, "vm_cnt", &at) && !freebsd_symbol(s->k, "cnt", &at)) ||
	    ctypes_find(s->types, "struct vmmeter", &type) < 0) {
		bsd_lack(s, what, "the kernel's counters were not found");
		return 0;
	}
	table_init(&t, pairs, MEM_LEN(pairs));
	add_domains(s, &t);
	members = ctype_members(type, &n);
	for (size_t i = 0; i < n; i++) {
		if (meter(s, at, &members[i], &v))
			add_pair(&t, meter_name(members[i].name), v);
	}
	if (!table_rows(&t))
		bsd_lack(s, what, "the counters are not in the dump");
	int r = page_table(&s->page, "vm", "Virtual memory (vmstat -s)", &t);
	table_fini(&t);
	return r;
}

/**
 * Where struct malloc_type leads to its numbers, which each CPU has. A version of its own is in it:
 * modules are built against it, so that it stays as it is.
 */
struct malloc_layout {
	uint64_t version;
	unsigned handle; /* of a pointer to the rest; 0: the rest is inside */
	unsigned stats;	 /* of a pointer to the numbers, in the rest */
};

static const struct malloc_layout malloc_64[] = { { 2020110501, 0, 40 }, { 877983977, 24, 16 } };
static const struct malloc_layout malloc_32[] = { { 2020110501, 0, 24 }, { 877983977, 12, 12 } };

static bool malloc_stats(struct freebsd_kernel *k, uint64_t type, uint64_t *ret)
{
	const struct malloc_layout *l = k->pointer == 8 ? malloc_64 : malloc_32;
	uint64_t version, release;

	// Before FreeBSD 12 the numbers lay in an array.
	if (!freebsd_number(k, "osreldate", &release) || release < 1200000 ||
	    freebsd_pointer(k, type + k->pointer, &version) < 0)
		return false;
	for (size_t i = 0; i < MEM_LEN(malloc_64); i++) {
		if (version != l[i].version)
			continue;
		if (l[i].handle && freebsd_pointer(k, type + l[i].handle, &type) < 0)
			return false;
		return freebsd_pointer(k, type + l[i].stats, ret) == 0;
	}
	return false;
}

/* Bytes and pieces that were given and taken back, and a mask of sizes; each of 64 bits. */
enum { GIVEN, BACK, GIVEN_N, BACK_N, SIZES, NUMBERS };

static bool sum_stats(struct freebsd_kernel *k, uint64_t stats, uint64_t *ret)
{
	unsigned n = freebsd_cpus(k);

	memset(ret, 0, NUMBERS * sizeof(*ret));
	for (unsigned i = 0; i < n; i++) {
		uint64_t at, v[NUMBERS];

		if (!freebsd_has_cpu(k, i))
			continue;
		if (!freebsd_percpu(k, stats, i, &at) ||
		    freebsd_read(k->core, at, v, sizeof(v)) < 0)
			return false;
		for (unsigned j = 0; j < NUMBERS; j++)
			ret[j] = j == SIZES ? ret[j] | v[j] : ret[j] + v[j];
	}
	return n != 0;
}

static bool add_type(struct bsd_show *s, struct table *t, uint64_t type)
{
	uint64_t name, stats, v[NUMBERS];

	if (freebsd_pointer(s->k, type + 2 * s->k->pointer, &name) < 0 ||
	    !malloc_stats(s->k, type, &stats) || !sum_stats(s->k, stats, v))
		return false;
	if (!v[GIVEN_N])
		return true;
	table_str(t, bsd_keep_text(s, name));
	table_int(t, (int64_t)(v[GIVEN_N] - v[BACK_N]));
	table_int(t, (int64_t)(v[GIVEN] - v[BACK]));
	table_int(t, (int64_t)v[GIVEN_N]);
	return true;
}

int bsd_malloc(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "type", "TYPE", TABLE_TEXT },
		{ "in_use", "IN USE", TABLE_COUNT },
		{ "bytes", "MEMORY", TABLE_BYTES },
		{ "requests", "REQUESTS", TABLE_COUNT },
	};
	static const char what[] = "malloc(9) (vmstat -m)";
	struct freebsd_steps steps = { 0 };
	struct table t;
	uint64_t at, lost = 0, n = 0;

	if (!freebsd_symbol(s->k, "kmemstatistics", &at) || freebsd_pointer(s->k, at, &at) < 0) {
		bsd_lack(s, what, "the list of types was not found");
		return 0;
	}
	table_init(&t, columns, MEM_LEN(columns));
	for (; at; n++) {
		if (!freebsd_steps_on(&steps, at) || n >= TYPES_MOST) {
			bsd_lack(s, what, "the list of types is broken");
			break;
		}
		lost += !add_type(s, &t, at);
		if (freebsd_pointer(s->k, at, &at) < 0) {
			bsd_lack(s, what, "the rest of the list is not in the dump");
			break;
		}
	}
	if (lost)
		bsd_lack(s, what,
			 bsd_keep(s,
				  "the numbers of %" PRIu64 " types of %" PRIu64
				  " are not known or not in the dump",
				  lost, n));
	int r = table_sort(&t, "bytes");
	if (r == 0)
		r = page_table(&s->page, "malloc", "Types of malloc(9) (vmstat -m)", &t);
	table_fini(&t);
	return r;
}

int bsd_tables(struct bsd_show *s)
{
	static const char *const names[][5] = {
		{ "open files", "openfiles", NULL, "maxfiles", NULL },
		{ "vnodes", "numvnodes", NULL, "desiredvnodes", "maxvnodes" },
		{ "processes", "nprocs", NULL, "maxproc", NULL },
	};
	static const struct table_column columns[] = {
		{ "name", "TABLE", TABLE_TEXT },
		{ "used", "USED", TABLE_COUNT },
		{ "most", "MOST", TABLE_COUNT },
	};
	struct table t;
	uint64_t v;

	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!freebsd_number(s->k, names[i][1], &v))
			continue;
		add_pair(&t, names[i][0], v);
		if (freebsd_number(s->k, names[i][3], &v) ||
		    (names[i][4] && freebsd_number(s->k, names[i][4], &v)))
			table_int(&t, (int64_t)v);
		else
			table_none(&t);
	}
	if (!table_rows(&t))
		bsd_lack(s, "tables (pstat -T)", "the kernel's numbers were not found");
	int r = page_table(&s->page, "tables", "Tables (pstat -T)", &t);
	table_fini(&t);
	return r;
}

enum { SW_BLOCKS, SW_USED, SW_NEXT, SW_VNODE, SW_RDEV, SW_NAME, SW_FIELDS };

static const struct kfield_want swap_fields[SW_FIELDS] = {
	[SW_BLOCKS] = { "struct swdevt", "sw_nblks" },
	[SW_USED] = { "struct swdevt", "sw_used" },
	[SW_NEXT] = { "struct swdevt", "sw_list.tqe_next" },
	[SW_VNODE] = { "struct swdevt", "sw_vp" },
	[SW_RDEV] = { "struct vnode", "v_rdev|v_un.vu_cdev" },
	[SW_NAME] = { "struct cdev", "si_name" },
};

static const char *swap_name(struct bsd_show *s, const struct kfield *f, uint64_t dev)
{
	uint64_t at;

	if (!freebsd_field(s->k, dev, &f[SW_VNODE], &at) ||
	    !freebsd_field(s->k, at, &f[SW_RDEV], &at) || !at || !f[SW_NAME].type)
		return "?";
	if (f[SW_NAME].type->kind == CT_ARRAY)
		return bsd_keep_text(s, at + f[SW_NAME].off);
	return freebsd_field(s->k, at, &f[SW_NAME], &at) ? bsd_keep_text(s, at) : "?";
}

int bsd_swap(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "device", "SWAP", TABLE_TEXT },
		{ "bytes", "SIZE", TABLE_BYTES },
		{ "used", "USED", TABLE_BYTES },
	};
	static const char what[] = "swap (pstat -s)";
	struct freebsd_steps steps = { 0 };
	struct kfield f[SW_FIELDS];
	uint64_t at, n, used;
	struct table t;

	if (freebsd_number(s->k, "nswapdev", &n) && !n) {
		page_fact(&s->page, "swap_devices", "Swap", "none");
		return 0;
	}
	if (!bsd_has_types(s, what))
		return 0;
	kfield_find_all(s->types, swap_fields, SW_FIELDS, f);
	if (!freebsd_symbol(s->k, "swtailq", &at) || freebsd_pointer(s->k, at, &at) < 0) {
		bsd_lack(s, what, "the list of devices was not found");
		return 0;
	}
	table_init(&t, columns, MEM_LEN(columns));
	while (at) {
		if (!freebsd_steps_on(&steps, at) || steps.n > SWAPS_MOST ||
		    !freebsd_field(s->k, at, &f[SW_BLOCKS], &n) ||
		    !freebsd_field(s->k, at, &f[SW_USED], &used)) {
			bsd_lack(s, what, "the list of devices is broken, or not in the dump");
			break;
		}
		table_str(&t, swap_name(s, f, at));
		table_int(&t, (int64_t)(n * 4096));
		table_int(&t, (int64_t)(used * 4096));
		if (!freebsd_field(s->k, at, &f[SW_NEXT], &at))
			break;
	}
	int r = page_table(&s->page, "swap", "Swap (pstat -s)", &t);
	table_fini(&t);
	return r;
}
