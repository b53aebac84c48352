/* SPDX-License-Identifier: MIT */
/** kdump-compressed dumps: what makedumpfile and QEMU's dump-guest-memory write, also in several
 * files. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/format.h"
#include "crash/dump/kdump_header.h"
#include "crash/dump/rank.h"

/*
 *   block 0             header
 *   block 1..           sub-header; behind it VMCOREINFO and notes, where it says
 *   bitmap_blocks       two bitmaps of pages: those of the machine, those of the dump
 *   then                a descriptor for each page of the dump, in order; page data behind them
 *
 * (makedumpfile's IMPLEMENTATION file and diskdump_mod.h.) The descriptor of a page is found by
 * counting the set bits before its own. Of a split dump each file has the descriptors of a range
 * of pages, and the bitmap of all.
 */

enum { DESC = 24 };

/** What one file has. */
struct part {
	struct bytes *file;  /* borrowed */
	uint64_t begin, end; /* pages */
	uint64_t descs;	     /* where its descriptors begin */
	uint64_t skip;	     /* set bits before its first page */
};

struct kdump {
	struct rank rank;
	struct part *parts; /* owned; in order */
	size_t n_parts;
	unsigned shift; /* of the page size */
	uint64_t had; /* where the first file's bitmap of the machine's pages begins; 0: nowhere */
};

static bool kdump_known(const uint8_t *head, size_t n)
{
	return n >= 8 && !memcmp(head, "KDUMP   ", 8);
}

/* Descriptors as they lie in the file. */
struct desc {
	uint64_t off;
	uint32_t size, flags;
	uint64_t page_flags;
};
_Static_assert(sizeof(struct desc) == DESC, "as in the file");

static int method_of(uint32_t flags, enum place_method *ret)
{
	switch (flags & (KDUMP_ZLIB | KDUMP_LZO | KDUMP_SNAPPY | KDUMP_ZSTD)) {
	case 0: *ret = PLACE_RAW; return 0;
	case KDUMP_ZLIB: *ret = PLACE_ZLIB; return 0;
	case KDUMP_LZO: *ret = PLACE_LZO; return 0;
	case KDUMP_SNAPPY: *ret = PLACE_SNAPPY; return 0;
	case KDUMP_ZSTD: *ret = PLACE_ZSTD; return 0;
	default: return -EBADMSG;
	}
}

static const struct part *part_of(const struct kdump *k, uint64_t pfn)
{
	size_t low = 0, high = k->n_parts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pfn < k->parts[mid].begin)
			high = mid;
		else if (pfn >= k->parts[mid].end)
			low = mid + 1;
		else
			return &k->parts[mid];
	}
	return NULL;
}

/* Where the page is, by its descriptor. */
static int place_by(const struct part *p, const struct desc *desc, uint64_t pa, uint32_t page_size,
		    struct place *ret)
{
	enum place_method method = PLACE_RAW;
	uint64_t off = le64toh(desc->off);
	uint32_t size = le32toh(desc->size);

	if (method_of(le32toh(desc->flags), &method) < 0)
		return sonde_fail(-EBADMSG, "page at 0x%" PRIx64 ": flags 0x%x", pa,
				  le32toh(desc->flags));
	if (!size || size > page_size || (method == PLACE_RAW && size != page_size))
		return sonde_fail(-EBADMSG, "page at 0x%" PRIx64 ": %u bytes (%s)", pa, size,
				  method == PLACE_RAW ? "not packed" : "packed");
	if (off > p->file->len || size > p->file->len - off)
		return -ENODATA;
	uint32_t in_page = method == PLACE_RAW ? (uint32_t)(pa & (page_size - 1)) : 0;
	*ret = (struct place){ p->file, off + in_page, size - in_page, method };
	return 0;
}

static int kdump_find(const struct dump *d, uint64_t pa, struct place *ret)
{
	const struct kdump *k = d->format_state;
	uint64_t pfn = pa >> k->shift;

	if (!rank_has(&k->rank, pfn))
		return -ENODATA;
	const struct part *p = part_of(k, pfn);
	if (!p)
		return -ENODATA;

	uint64_t at = p->descs + (rank_before(&k->rank, pfn) - p->skip) * DESC;
	const uint8_t *lent = bytes_lend(p->file, at, DESC);
	struct desc desc;
	if (lent) {
		memcpy(&desc, lent, sizeof(desc));
	} else {
		if (at > p->file->len || p->file->len - at < DESC)
			return -ENODATA;
		int r = bytes_read(p->file, at, &desc, sizeof(desc));
		if (r < 0)
			return r;
	}
	return place_by(p, &desc, pa, d->about.page_size, ret);
}

static uint64_t kdump_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa)
{
	const struct kdump *k = d->format_state;
	uint64_t pfn = pa >> k->shift;

	for (size_t i = 0; i < k->n_parts; i++) {
		const struct part *p = &k->parts[i];

		if (pfn >= p->end)
			continue;
		uint64_t at = rank_next_set(&k->rank, pfn > p->begin ? pfn : p->begin);
		if (at >= p->end)
			continue;
		uint64_t end = rank_next_clear(&k->rank, at);
		end = end < p->end ? end : p->end;
		*ret_pa = at << k->shift > pa ? at << k->shift : pa;
		return (end << k->shift) - *ret_pa;
	}
	return 0;
}

/* Up to 64 pages from @pfn on, a multiple of 64, that the machine had and the dump has not. */
static uint64_t left_out_of(const struct dump *d, uint64_t pfn)
{
	const struct kdump *k = d->format_state;
	const uint64_t at = k->had + pfn / 8, left = k->rank.n_bits - pfn;
	const size_t n = left < 64 ? (size_t)(left + 7) / 8 : 8;
	uint64_t had = 0, has = 0;

	// What is not in a file that was cut is not known.
	if (at > d->files[0]->len || d->files[0]->len - at < n ||
	    bytes_read(d->files[0], at, &had, n) < 0)
		return 0;
	memcpy(&has, k->rank.bits + pfn / 8, n);
	had = le64toh(had & ~has);
	return left < 64 ? had & ((UINT64_C(1) << left) - 1) : had;
}

static bool kdump_left_out(const struct dump *d, uint64_t pa)
{
	const struct kdump *k = d->format_state;
	const uint64_t pfn = pa >> k->shift;

	return k->had && pfn < k->rank.n_bits && left_out_of(d, pfn & ~63ull) >> (pfn & 63) & 1;
}

static uint64_t kdump_count_left_out(const struct dump *d)
{
	const struct kdump *k = d->format_state;
	uint64_t n = 0;

	for (uint64_t pfn = 0; k->had && pfn < k->rank.n_bits; pfn += 64)
		n += (unsigned)__builtin_popcountll(left_out_of(d, pfn));
	return n;
}

static void kdump_close(struct dump *d)
{
	struct kdump *k = d->format_state;

	if (!k)
		return;
	rank_fini(&k->rank);
	free(k->parts);
	free(k);
}

static int by_begin(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* What makes two files parts of one dump. */
static int compare_parts(const struct kdump_header *a, const struct kdump_header *b)
{
	if (!a->split || !b->split)
		return sonde_fail(-EINVAL, "is no part of a split dump");
	if (a->block_size != b->block_size || a->pages != b->pages ||
	    a->bitmap_len != b->bitmap_len || memcmp(a->id, b->id, sizeof(a->id)) != 0)
		return sonde_fail(-EINVAL, "is a part of another dump");
	return 0;
}

static int read_parts(struct dump *d, struct kdump *k, struct kdump_header *ret_first)
{
	k->parts = calloc(d->n_files, sizeof(*k->parts));
	if (!k->parts)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < d->n_files; i++) {
		struct kdump_header h = { 0 };

		int r = kdump_header_read(d->files[i], &h);
		if (r == 0 && i)
			r = compare_parts(ret_first, &h);
		if (r < 0)
			return i ? sonde_wrap(r, "'%s'", d->files[i]->path) : r;
		if (!i)
			*ret_first = h;
		k->parts[i] = (struct part){
			.file = d->files[i], .begin = h.begin, .end = h.end, .descs = h.descs
		};
	}
	k->n_parts = d->n_files;
	qsort(k->parts, k->n_parts, sizeof(*k->parts), by_begin);
	return 0;
}

/* Pages that no file has, since a part is missing, or that two have. */
static int check_parts(struct dump *d, struct kdump *k)
{
	uint64_t had = 0, missing = 0;

	for (size_t i = 0; i < k->n_parts; i++) {
		struct part *p = &k->parts[i];

		p->end = p->end < k->rank.n_bits ? p->end : k->rank.n_bits;
		p->begin = p->begin < p->end ? p->begin : p->end;
		if (p->begin < had)
			return sonde_fail(-EINVAL, "'%s' and '%s' have the same pages",
					  k->parts[i - 1].file->path, p->file->path);
		p->skip = rank_before(&k->rank, p->begin);
		missing += p->skip - rank_before(&k->rank, had);
		had = p->end;
	}
	missing += k->rank.n_set - rank_before(&k->rank, had);
	d->about.pages_held = k->rank.n_set - missing;
	if (!missing)
		return 0;
	return format_say_cut(d,
			      "%" PRIu64 " pages are in files of this split dump that were not "
			      "given",
			      missing);
}

/* The last page of a part that has bytes of its own, not those that pages of zeros share. */
static int last_page(const struct part *p, uint64_t n, uint32_t page_size, struct desc *ret)
{
	enum { MOST = 1 << 16 }; // that many pages of zeros at the end are enough
	uint64_t end = p->descs + n * DESC, least = n > MOST ? n - MOST : 0;

	while (n-- > least) {
		int r = bytes_read(p->file, p->descs + n * DESC, ret, sizeof(*ret));
		if (r < 0)
			return r;
		// What is shared is written first, right behind the descriptors.
		if (le64toh(ret->off) >= end + page_size)
			break;
	}
	return 0;
}

/* A file that ends early: the descriptors, or what the last one points at, would be behind its end.
 */
static int check_ends(struct dump *d, const struct kdump *k)
{
	for (size_t i = 0; i < k->n_parts; i++) {
		const struct part *p = &k->parts[i];
		uint64_t n = rank_before(&k->rank, p->end) - p->skip, there = p->file->len;
		struct desc last = { 0 };

		if (!n)
			continue;
		if (p->descs > there || n > (there - p->descs) / DESC)
			return format_say_cut(d,
					      "'%s' ends at byte %" PRIu64 ", within the list of "
					      "its %" PRIu64 " pages",
					      p->file->path, there, n);
		int r = last_page(p, n, d->about.page_size, &last);
		if (r < 0)
			return r;
		uint64_t off = le64toh(last.off);
		if (off > there || le32toh(last.size) > there - off)
			return format_say_cut(d,
					      "'%s' ends at byte %" PRIu64 ", its last page is "
					      "at %" PRIu64,
					      p->file->path, there, off);
	}
	return 0;
}

static int read_notes(struct dump *d, const struct kdump_header *h)
{
	const struct {
		uint64_t off, size;
		bool is_info;
	} texts[] = { { h->notes, h->notes_size, false }, { h->info, h->info_size, true } };
	struct bytes *f = d->files[0];

	for (size_t i = 0; i < MEM_LEN(texts); i++) {
		const uint8_t *data;

		if (!texts[i].off || !texts[i].size || texts[i].off > f->len ||
		    texts[i].size > f->len - texts[i].off || texts[i].size > KDUMP_MOST_NOTES)
			continue; // a dump can do without
		int r = bytes_keep(f, texts[i].off, texts[i].size, &data);
		if (r == 0 && !texts[i].is_info)
			r = format_add_notes(d, data, texts[i].size);
		else if (r == 0 && !d->about.vmcoreinfo)
			format_take_vmcoreinfo(d, (const char *)data, texts[i].size);
		if (r < 0)
			return r;
	}
	return 0;
}

static int name_format(struct dump *d, const struct kdump_header *h)
{
	enum place_method method = PLACE_RAW;

	if (method_of(h->status, &method) < 0)
		method = PLACE_RAW;
	if (asprintf(&d->name, "kdump (%s%s)",
		     method == PLACE_RAW ? "not packed" : format_method_name(method),
		     h->split ? ", split" : "") < 0) {
		d->name = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	d->about.format = d->name;
	return 0;
}

/* The bitmap of the dump's pages, as far as the file has it, in place. */
static int read_bitmap(struct dump *d, struct kdump *k, const struct kdump_header *h)
{
	struct bytes *f = d->files[0];
	uint64_t there = h->bitmap < f->len ? f->len - h->bitmap : 0;
	uint64_t n = h->pages < h->bitmap_len * 8 ? h->pages : h->bitmap_len * 8;
	const uint8_t *bits;

	if ((n + 7) / 8 > there) {
		n = there * 8;
		int r = format_say_cut(d,
				       "the file ends at byte %" PRIu64
				       ", within the bitmap of its "
				       "pages",
				       f->len);
		if (r < 0)
			return r;
	}
	if (!n)
		return sonde_fail(-EBADMSG, "ends before the bitmap of its pages");
	int r = bytes_keep(f, h->bitmap, (n + 7) / 8, &bits);
	return r < 0 ? r : rank_init(&k->rank, bits, n);
}

/* Where the header does not say it: each machine's registers are a note of another size. */
static int find_arch(struct dump *d, const struct kdump_header *h)
{
	static const struct {
		size_t size;
		enum dump_arch arch;
	} prstatus[] = {
		{ 336, DUMP_X86_64 },
		{ 392, DUMP_AARCH64 },
		{ 376, DUMP_RISCV64 },
		{ 144, DUMP_I386 },
	};

	d->about.arch = h->arch;
	if (h->has_arch)
		return 0;
	for (size_t i = 0; i < d->n_notes; i++) {
		const struct dump_note *n = &d->notes[i];

		for (size_t k = 0; k < MEM_LEN(prstatus); k++) {
			if (n->type != NT_PRSTATUS || n->size != prstatus[k].size ||
			    strcmp(n->name, "CORE") != 0)
				continue;
			d->about.arch = prstatus[k].arch;
			return 0;
		}
	}
	return sonde_fail(-ENOTSUP, "says neither in its header nor in notes of which machine it "
				    "is");
}

static int kdump_open(struct dump *d)
{
	struct kdump *k = calloc(1, sizeof(*k));
	struct kdump_header h = { 0 };

	if (!k)
		return sonde_fail(-ENOMEM, "out of memory");
	d->format_state = k;
	int r = read_parts(d, k, &h);
	if (r < 0)
		return r;
	d->about.page_size = h.block_size;
	if (h.is_linux)
		d->about.system = DUMP_LINUX; // QEMU does not know
	d->about.phys_base_hint = h.phys_base;
	d->about.level = h.level;
	k->had = h.had;
	k->shift = (unsigned)__builtin_ctz(h.block_size);
	r = read_bitmap(d, k, &h);
	if (r == 0)
		r = read_notes(d, &h);
	if (r == 0)
		r = find_arch(d, &h);
	d->about.page_size = h.block_size; // the notes may say otherwise
	if (r == 0)
		r = check_parts(d, k);
	if (r == 0)
		r = check_ends(d, k);
	if (r == 0 && h.status & KDUMP_INCOMPLETE)
		r = format_say_cut(d, "who wrote it had no room for all of it, and says so");
	if (r == 0)
		r = name_format(d, &h);
	if (r < 0)
		return r;
	return 0;
}

const struct dump_format format_kdump = {
	.name = "kdump",
	.known = kdump_known,
	.many_files = true,
	.open = kdump_open,
	.close = kdump_close,
	.find = kdump_find,
	.next = kdump_next,
	.left_out = kdump_left_out,
	.count_left_out = kdump_count_left_out,
};
