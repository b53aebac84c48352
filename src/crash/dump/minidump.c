/* SPDX-License-Identifier: MIT */
/** FreeBSD's minidumps: a bitmap of the pages that follow, in its order. */
#include "crash/dump/minidump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/format.h"
#include "crash/dump/rank.h"

/*
 * Little-endian; each part begins at a multiple of 4,096 bytes:
 *
 *   header | message buffer | ranges of memory (newest) | bitmap | page map | pages
 *
 * Bit n of the bitmap is physical page n, or, where the ranges are told, the n-th page of them. The
 * page map has an entry for each 4 KiB from the lowest kernel address on; on amd64, from its second
 * version, one for each 2 MiB that leads to a page table among the pages.
 * Source: FreeBSD, sys/<arch>/include/minidump.h and sys/<arch>/<arch>/minidump_machdep.c.
 */

enum { PAGE = 4096, TABLE_SPAN = 2 << 20, RANGES_MOST = PAGE, TABLES_MOST = 1 << 18 };

/** How one architecture's page map entry names a page. */
struct entry_form {
	unsigned size;	  /* bytes */
	uint64_t present; /* these bits all set: a page */
	uint64_t frame;	  /* the bits of the physical address ... */
	unsigned shift;	  /* ... shifted left by so many */
};

static const struct entry_form form_x86_64 = { 8, 1, 0x000ffffffffff000, 0 };
static const struct entry_form form_arm64 = { 8, 3, 0x0000fffffffff000, 0 };
static const struct entry_form form_riscv = { 8, 1, 0x003ffffffffffc00, 2 };
static const struct entry_form form_i386 = { 4, 1, 0xfffff000, 0 };
static const struct entry_form form_pae = { 8, 1, 0x000ffffffffff000, 0 };

/** Where the header has its fields; 0: nowhere. */
struct layout {
	const char *name; /* as in the magic */
	enum dump_arch arch;
	const struct entry_form *form;
	unsigned newest; /* version, the first to tell the ranges */
	uint8_t kernbase, kernbase_size;
	uint8_t dmapphys, dmapbase, dmapend, availsize, pae;
	uint8_t tables_from; /* version from which the map leads to page tables; 0: never */
};

static const struct layout layouts[] = {
	{ "amd64", DUMP_X86_64, &form_x86_64, 3, 40, 8, 0, 48, 56, 64, 0, 2 },
	{ "arm64", DUMP_AARCH64, &form_arm64, 2, 40, 8, 48, 56, 64, 72, 0, 0 },
	{ "riscv", DUMP_RISCV64, &form_riscv, 2, 40, 8, 48, 56, 64, 72, 0, 0 },
	{ "i386", DUMP_I386, &form_i386, 2, 40, 4, 0, 0, 0, 48, 44, 0 },
};

/** Physical memory that bits stand for, one a page; in order. */
struct range {
	uint64_t first_page, n_pages, first_bit;
};

struct minidump {
	const struct layout *layout;
	const struct entry_form *form;
	struct bytes *file;
	uint32_t version;
	uint64_t kernbase, dmapphys, dmapbase, dmapend;
	struct minidump_parts parts; /* lent by the file */
	struct range *ranges;	     /* owned */
	size_t n_ranges;
	struct rank rank;
	uint64_t pages_off;
	/* Of each entry of the map, the page of the file that its page table is; 0: not asked yet,
	 * or nowhere. Owned. Written by any thread, to what any other would write. */
	uint32_t *tables;
	uint64_t n_tables; /* 0: not kept */
	const uint8_t *(*lend)(const struct minidump *m, uint64_t va, uint64_t *ret_len);
};

static const char magic[] = "minidump FreeBSD/";

static bool minidump_known(const uint8_t *head, size_t n)
{
	return n >= sizeof(magic) && !memcmp(head, magic, sizeof(magic) - 1);
}

bool dump_is_minidump(const struct dump *d)
{
	return d->format == &format_minidump;
}

static uint64_t number(const uint8_t *head, unsigned off, unsigned size)
{
	uint64_t n = 0;

	if (off)
		memcpy(&n, head + off, size);
	return n;
}

static int find_layout(const uint8_t *head, const struct layout **ret)
{
	const char *name = (const char *)head + sizeof(magic) - 1;
	size_t len = strnlen(name, 24 - (sizeof(magic) - 1));

	for (size_t i = 0; i < MEM_LEN(layouts); i++) {
		if (strlen(layouts[i].name) == len && !memcmp(layouts[i].name, name, len)) {
			*ret = &layouts[i];
			return 0;
		}
	}
	return sonde_fail(-ENOTSUP,
			  "FreeBSD minidump of '%.*s', wanted amd64, arm64, riscv or i386",
			  (int)len, name);
}

/** A part in front of the pages: moves *@off behind it. Its bytes stay until the close. */
static int take_part(struct minidump *m, const char *what, uint64_t len, uint64_t *off,
		     const uint8_t **ret)
{
	uint64_t padded = (len + PAGE - 1) & ~(uint64_t)(PAGE - 1);

	if (*off > m->file->len || len > m->file->len - *off)
		return sonde_fail(-EBADMSG,
				  "the file of %" PRIu64 " bytes ends within its %s of %" PRIu64
				  " bytes at %" PRIu64,
				  m->file->len, what, len, *off);
	if (len) {
		int r = bytes_keep(m->file, *off, len, ret);
		if (r < 0)
			return sonde_wrap(r, "%s", what);
	}
	*off += padded;
	return 0;
}

static int add_range(struct minidump *m, uint64_t start, uint64_t end)
{
	const struct range *last = m->n_ranges ? &m->ranges[m->n_ranges - 1] : NULL;
	struct range r = { .first_page = start / PAGE };

	if (end < start || (last && r.first_page < last->first_page + last->n_pages))
		return sonde_fail(-EBADMSG,
				  "ranges of memory: 0x%" PRIx64 " to 0x%" PRIx64
				  " is out of order",
				  start, end);
	r.n_pages = end / PAGE + (end % PAGE != 0) - r.first_page;
	r.first_bit = last ? last->first_bit + last->n_pages : 0;
	m->ranges[m->n_ranges++] = r;
	return 0;
}

/** @avail: pairs of begin and end, the last of which ends at 0. */
static int read_ranges(struct minidump *m, const uint8_t *avail, uint64_t len)
{
	size_t most = len / 16 < RANGES_MOST ? len / 16 : RANGES_MOST;

	m->ranges = calloc(most + 1, sizeof(*m->ranges));
	if (!m->ranges)
		return sonde_fail(-ENOMEM, "out of memory");
	if (!len)
		return add_range(m, 0, (uint64_t)1 << 56);
	for (size_t i = 0; i < most; i++) {
		uint64_t start, end;

		memcpy(&start, avail + 16 * i, 8);
		memcpy(&end, avail + 16 * i + 8, 8);
		if (!end)
			return 0;
		int r = add_range(m, start, end);
		if (r < 0)
			return r;
	}
	return len / 16 > RANGES_MOST
		       ? sonde_fail(-EBADMSG, "more than %d ranges of memory", RANGES_MOST)
		       : 0;
}

static int read_parts(struct minidump *m, const uint8_t *head)
{
	const struct layout *l = m->layout;
	uint64_t off = PAGE;
	struct minidump_parts *p = &m->parts;

	p->ranges_len = m->version >= l->newest ? number(head, l->availsize, 4) : 0;
	p->bits_len = number(head, 32, 4);
	p->messages_len = number(head, MINIDUMP_MESSAGES_LEN, 4);
	p->map_len = number(head, 36, 4);
	int r = take_part(m, "message buffer", p->messages_len, &off, &p->messages);
	if (r == 0)
		r = take_part(m, "ranges of memory", p->ranges_len, &off, &p->ranges);
	if (r == 0)
		r = take_part(m, "bitmap of pages", p->bits_len, &off, &p->bits);
	if (r == 0)
		r = take_part(m, "page map", p->map_len, &off, &p->map);
	if (r == 0)
		r = read_ranges(m, p->ranges, p->ranges_len);
	if (r == 0)
		r = rank_init(&m->rank, p->bits, p->bits_len * 8);
	m->pages_off = off;
	return r;
}

static int describe(struct dump *d, const struct minidump *m)
{
	uint64_t want = m->rank.n_set * PAGE;
	uint64_t there = m->file->len > m->pages_off ? m->file->len - m->pages_off : 0;

	if (asprintf(&d->name, "FreeBSD minidump v%" PRIu32, m->version) < 0) {
		d->name = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	d->about.format = d->name;
	d->about.system = DUMP_FREEBSD;
	d->about.arch = m->layout->arch;
	d->about.page_size = PAGE;
	d->about.pages_held = want < there ? m->rank.n_set : there / PAGE;
	if (there >= want)
		return 0;
	return format_say_cut(d, "the file ends %" PRIu64 " bytes before its memory does",
			      want - there);
}

/* A thinned dump says what it was where others have zeros. */
static void take_origin(struct dump *d, const struct minidump *m)
{
	const char *mark = (const char *)m->parts.head + MINIDUMP_ORIGIN;
	const char *text = mark + sizeof(DUMP_THIN_NOTE);

	if (!memcmp(mark, DUMP_THIN_NOTE, sizeof(DUMP_THIN_NOTE)) && !m->parts.head[PAGE - 1])
		d->about.origin = text;
}

/** The last range that begins at or before @page; NULL: none. */
RANK_INLINE const struct range *range_of(const struct minidump *m, uint64_t page)
{
	const struct range *r = m->ranges;

	// Without a branch on what is found, which would be mispredicted at random addresses.
	for (size_t n = m->n_ranges; n > 1; n -= n / 2)
		r += r[n / 2].first_page <= page ? n / 2 : 0;
	return m->n_ranges && r->first_page <= page ? r : NULL;
}

/* The bit of the page that has @pa; false: none stands for it. */
RANK_INLINE bool bit_of(const struct minidump *m, uint64_t pa, uint64_t *ret)
{
	uint64_t page = pa / PAGE;
	const struct range *r = range_of(m, page);

	if (!r || page - r->first_page >= r->n_pages)
		return false;
	*ret = r->first_bit + (page - r->first_page);
	return true;
}

/*
 * Kernel memory by a page table whose place is known: three loads that wait for one another, the
 * entry, the bitmap (and beside it the count), and the caller's own. Few instructions and no branch
 * that depends on what is read, so that the processor is at the next reads while it waits; thus
 * nothing is done here that the slow way does as well.
 */
RANK_INLINE const uint8_t *lend_by_table(const struct minidump *m, uint64_t va, uint64_t *ret_len)
{
	const uint64_t off = va - m->kernbase, i = off / TABLE_SPAN;
	uint64_t e, bit;

	if (i >= m->n_tables)
		return NULL;
	const uint64_t table = __atomic_load_n(&m->tables[i], __ATOMIC_RELAXED);
	if (!table)
		return NULL;
	memcpy(&e, m->file->map + table * PAGE + off / PAGE % 512 * 8, sizeof(e));
	if (!(e & 1) || !bit_of(m, e & form_x86_64.frame, &bit) || !rank_has(&m->rank, bit))
		return NULL;
	const uint64_t at = m->pages_off + rank_before_here(&m->rank, bit) * PAGE;
	if (at > m->file->len - PAGE) // which has its table, a page
		return NULL;
	*ret_len = PAGE - va % PAGE;
	return m->file->map + at + va % PAGE;
}

static const uint8_t *lend_plain(const struct minidump *m, uint64_t va, uint64_t *ret_len)
{
	return lend_by_table(m, va, ret_len);
}

#if defined(__x86_64__) || defined(__i386__)
__attribute__((target("popcnt"))) static const uint8_t *lend_fast(const struct minidump *m,
								  uint64_t va, uint64_t *ret_len)
{
	return lend_by_table(m, va, ret_len);
}
#endif

/* Room for the places of page tables, where the map leads to such; of real dumps a few KiB. */
static int make_tables(struct minidump *m)
{
	const uint64_t n = m->parts.map_len / 8;

	m->lend = lend_plain;
#if defined(__x86_64__) || defined(__i386__)
	if (__builtin_cpu_supports("popcnt"))
		m->lend = lend_fast;
#endif
	if (!m->layout->tables_from || m->version < m->layout->tables_from || !m->file->map ||
	    m->kernbase % TABLE_SPAN || n > TABLES_MOST)
		return 0;
	// The direct map comes first, where they overlap.
	if (m->dmapend > m->kernbase &&
	    (m->dmapbase < m->kernbase || m->dmapbase - m->kernbase < n * TABLE_SPAN))
		return 0;
	m->tables = calloc(n + 1, sizeof(*m->tables));
	if (!m->tables)
		return sonde_fail(-ENOMEM, "out of memory");
	m->n_tables = n;
	return 0;
}

static int minidump_open(struct dump *d)
{
	struct minidump *m = calloc(1, sizeof(*m));
	uint8_t head[128];

	if (!m)
		return sonde_fail(-ENOMEM, "out of memory");
	d->format_state = m;
	m->file = d->files[0];
	if (m->file->len < PAGE)
		return sonde_fail(-EBADMSG, "ends within its header");
	int r = bytes_read(m->file, 0, head, sizeof(head));
	if (r < 0)
		return r;
	r = find_layout(head, &m->layout);
	if (r < 0)
		return r;
	const struct layout *l = m->layout;
	m->version = (uint32_t)number(head, 24, 4);
	if (!m->version || m->version > l->newest)
		return sonde_fail(-ENOTSUP,
				  "FreeBSD minidump of %s, version %" PRIu32 ", wanted 1 to %u",
				  l->name, m->version, l->newest);
	m->form = number(head, l->pae, 4) ? &form_pae : l->form;
	m->kernbase = number(head, l->kernbase, l->kernbase_size);
	m->dmapphys = number(head, l->dmapphys, 8);
	m->dmapbase = number(head, l->dmapbase, 8);
	m->dmapend = number(head, l->dmapend, 8);
	r = bytes_keep(m->file, 0, PAGE, &m->parts.head);
	if (r == 0)
		r = read_parts(m, head);
	if (r == 0)
		r = make_tables(m);
	if (r == 0)
		take_origin(d, m);
	return r < 0 ? r : describe(d, m);
}

static void minidump_close(struct dump *d)
{
	struct minidump *m = d->format_state;

	if (m) {
		free(m->ranges);
		free(m->tables);
		rank_fini(&m->rank);
	}
	free(m);
}

bool minidump_bit(const struct dump *d, uint64_t pa, uint64_t *ret)
{
	return bit_of(d->format_state, pa, ret);
}

/* Where in the file the byte at @pa is; 0: nowhere. */
static inline uint64_t offset_of(const struct minidump *m, uint64_t pa)
{
	uint64_t bit = 0;

	if (!bit_of(m, pa, &bit) || !rank_has(&m->rank, bit))
		return 0;
	uint64_t off = m->pages_off + rank_before(&m->rank, bit) * PAGE + pa % PAGE;
	return off < m->file->len ? off : 0;
}

static int minidump_find(const struct dump *d, uint64_t pa, struct place *ret)
{
	const struct minidump *m = d->format_state;
	uint64_t off = offset_of(m, pa);

	if (!off)
		return -ENODATA;
	uint64_t there = m->file->len - off, left = PAGE - pa % PAGE;
	*ret = (struct place){ .file = m->file, .off = off, .len = there < left ? there : left };
	return 0;
}

static uint64_t minidump_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa)
{
	const struct minidump *m = d->format_state;
	uint64_t page = pa / PAGE;
	const struct range *r = range_of(m, page), *end = m->ranges + m->n_ranges;

	for (r = r ? r : m->ranges; r < end; r++) {
		uint64_t from = page > r->first_page ? page - r->first_page : 0;

		if (from >= r->n_pages)
			continue;
		uint64_t last = r->first_bit + r->n_pages;
		uint64_t bit = rank_next_set(&m->rank, r->first_bit + from);
		if (bit >= last || bit >= m->rank.n_bits)
			continue;
		uint64_t stop = rank_next_clear(&m->rank, bit);
		uint64_t at = (r->first_page + (bit - r->first_bit)) * PAGE;
		stop = stop < last ? stop : last;
		*ret_pa = pa > at ? pa : at;
		return at + (stop - bit) * PAGE - *ret_pa;
	}
	return 0;
}

const struct dump_format format_minidump = {
	.name = "FreeBSD minidump",
	.known = minidump_known,
	.open = minidump_open,
	.close = minidump_close,
	.find = minidump_find,
	.next = minidump_next,
};

/* Entry @i of the page map; 0 is no page. */
static uint64_t map_entry(const struct minidump *m, uint64_t i)
{
	uint64_t e = 0;

	if (i < m->parts.map_len / m->form->size)
		memcpy(&e, m->parts.map + i * m->form->size, m->form->size);
	return e;
}

static inline __attribute__((always_inline)) int address(const struct dump *d, uint64_t va,
							 uint64_t *ret_pa, uint64_t *ret_len)
{
	const struct minidump *m = d->format_state;
	const struct entry_form *f = m->form;

	if (va >= m->dmapbase && va < m->dmapend) {
		*ret_pa = va - m->dmapbase + m->dmapphys;
		*ret_len = m->dmapend - va;
		return 0;
	}
	if (va < m->kernbase)
		return -EFAULT;
	uint64_t off = va - m->kernbase, e;
	if (m->layout->tables_from && m->version >= m->layout->tables_from) {
		uint64_t table = map_entry(m, off / TABLE_SPAN);

		if (!(table & 1))
			return -EFAULT;
		if (table & 0x80) {
			*ret_pa = (table & 0x000fffffffe00000) | (va & (TABLE_SPAN - 1));
			*ret_len = TABLE_SPAN - (va & (TABLE_SPAN - 1));
			return 0;
		}
		uint64_t at = offset_of(m, (table & f->frame) | (va / PAGE % 512 * 8));
		if (!at || m->file->len - at < 8)
			return -ENODATA;
		if (d->touched)
			format_note_read(d, table & f->frame, PAGE);
		const uint8_t *lent = bytes_lend(m->file, at, 8);
		int r = lent ? 0 : bytes_read(m->file, at, &e, 8);
		if (r < 0)
			return r;
		if (lent)
			memcpy(&e, lent, 8);
	} else {
		e = map_entry(m, off / PAGE);
	}
	if ((e & f->present) != f->present)
		return -EFAULT;
	*ret_pa = ((e & f->frame) << f->shift) | (va & (PAGE - 1));
	*ret_len = PAGE - (va & (PAGE - 1));
	return 0;
}

int minidump_address(struct dump *d, uint64_t va, uint64_t *ret_pa, uint64_t *ret_len)
{
	int r = address(d, va, ret_pa, ret_len);

	return r == -ENODATA
		       ? sonde_fail(r, "the page table of 0x%" PRIx64 " is not in the dump", va)
		       : r;
}

/* By both steps. It keeps where the page table lies, if that is whole. Not within what is fast. */
static __attribute__((noinline)) const uint8_t *lend_slowly(const struct dump *d, uint64_t va,
							    uint64_t *ret_len)
{
	const struct minidump *m = d->format_state;
	uint64_t pa, len, i = (va - m->kernbase) / TABLE_SPAN;

	if (address(d, va, &pa, &len) < 0)
		return NULL;
	uint64_t off = offset_of(m, pa), left = PAGE - pa % PAGE;
	if (!off || m->file->len - off < left)
		return NULL;
	if (i < m->n_tables) {
		uint64_t table = map_entry(m, i), at = offset_of(m, table & m->form->frame);

		if (!(table & 0x80) && at && m->file->len - at >= PAGE && at / PAGE <= UINT32_MAX)
			__atomic_store_n(&m->tables[i], (uint32_t)(at / PAGE), __ATOMIC_RELAXED);
	}
	*ret_len = len < left ? len : left;
	return bytes_lend(m->file, off, left);
}

const uint8_t *minidump_lend(struct dump *d, uint64_t va, uint64_t *ret_len)
{
	const struct minidump *m = d->format_state;

	// What is read is noted by who reads, not by who lends.
	if (__builtin_expect(d->touched != NULL, 0))
		return NULL;
	const uint8_t *there = m->lend(m, va, ret_len);
	return __builtin_expect(there != NULL, 1) ? there : lend_slowly(d, va, ret_len);
}

const char *minidump_messages(const struct dump *d, size_t *ret_len)
{
	struct minidump *m = d->format_state;

	*ret_len = m->parts.messages_len;
	__atomic_store_n(&m->parts.asked_messages, true, __ATOMIC_RELAXED);
	return (const char *)m->parts.messages;
}

void minidump_parts(const struct dump *d, struct minidump_parts *ret)
{
	*ret = ((const struct minidump *)d->format_state)->parts;
}

uint64_t minidump_kernbase(const struct dump *d)
{
	const struct minidump *m = d->format_state;

	return m->kernbase;
}
