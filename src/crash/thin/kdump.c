/* SPDX-License-Identifier: MIT */
/** A thin dump as makedumpfile would write it: kdump-compressed, with zlib where it is there. */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/kdump_header.h"
#include "crash/thin/file.h"
#include "crash/thin/pack.h"

/* For the layout see dump/kdump.c. Both bitmaps are the same: no more is known of the machine. */

enum {
	NAME = 65, /* of each of uname's names */
	SUB = 104,
	DESC = 24,
	VERSION = 6,
	PAGES_MOST = 1 << 30, /* of the machine: bitmaps of 256 MiB, most of it holes */
};

struct head {
	char magic[8];
	uint32_t version;
	char names[6][NAME];
	uint8_t pad[6];
	uint64_t time[2];
	uint32_t status, block_size, sub_size, bitmap_blocks, max_page, all_blocks, device_blocks,
		written, cpu, n_cpus;
};
_Static_assert(offsetof(struct head, status) == 424 && offsetof(struct head, n_cpus) == 460,
	       "as in the file");

struct sub {
	uint64_t phys_base;
	uint32_t level, split;
	uint64_t begin, end;
	uint64_t info, info_size, notes, notes_size, erased, erased_size;
	uint64_t begin_64, end_64, pages_64;
};
_Static_assert(sizeof(struct sub) == SUB, "as in the file");

struct desc {
	uint64_t off;
	uint32_t size, flags;
	uint64_t page_flags;
};
_Static_assert(sizeof(struct desc) == DESC, "as in the file");

static bool can(const struct thin_file *f)
{
	const struct dump_about *a = dump_about(f->dump);

	if (a->system == DUMP_FREEBSD || (a->arch != DUMP_X86_64 && a->arch != DUMP_AARCH64))
		return false;
	for (size_t i = 0; i < f->n_pages; i++) {
		uint64_t pa = f->pages[i] * f->page_size, at = pa, len = 0;

		// Only whole pages are held; what follows one another may be told in pieces.
		while (at < pa + f->page_size) {
			uint64_t from = at;

			len = dump_next(f->dump, at, &at);
			if (!len || at != from)
				return false;
			at += len;
		}
	}
	return f->n_pages && f->pages[f->n_pages - 1] < PAGES_MOST;
}

/* Puts a page behind what is there, and tells where in @ret. */
static int put_page(struct thin_file *f, const struct thin_packed *page, struct desc *ret)
{
	*ret = (struct desc){ .off = htole64(f->len),
			      .size = htole32(page->len),
			      .flags = htole32(page->is_packed ? KDUMP_ZLIB : 0) };
	return thin_put(f, f->len, page->bytes, page->len);
}

/* All pages of zeros share one. */
static int put_pages(struct thin_file *f, struct thin_packer *packer, struct desc *descs)
{
	struct thin_packed page = { 0 };
	struct desc zero = { 0 };

	int r = thin_packer_zero(packer, &page);
	if (r == 0)
		r = put_page(f, &page, &zero);
	for (size_t i = 0; r == 0 && i < f->n_pages; i++) {
		r = thin_packer_next(packer, &page);
		if (r == 0 && page.is_zero)
			descs[i] = zero;
		else if (r == 0)
			r = put_page(f, &page, &descs[i]);
	}
	return r;
}

/* Both bitmaps, a block at a time where any bit is set. */
static int put_bitmaps(struct thin_file *f, uint64_t off, uint64_t len)
{
	sonde_auto(mem_freep) uint8_t *block = calloc(1, f->page_size);
	const uint64_t bits = (uint64_t)f->page_size * 8;
	int r = 0;

	if (!block)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < f->n_pages;) {
		uint64_t which = f->pages[i] / bits;

		memset(block, 0, f->page_size);
		for (; i < f->n_pages && f->pages[i] / bits == which; i++)
			block[f->pages[i] % bits / 8] |= (uint8_t)(1u << f->pages[i] % 8);
		r = thin_put(f, off + which * f->page_size, block, f->page_size);
		if (r == 0)
			r = thin_put(f, off + len + which * f->page_size, block, f->page_size);
	}
	return r;
}

/* What stands behind "\n@key=" in VMCOREINFO. */
static const char *info_of(const struct dump_about *a, const char *key, size_t *ret_len)
{
	const char *p = a->vmcoreinfo, *end = p ? p + a->vmcoreinfo_size : NULL;
	size_t n = strlen(key);

	while (p && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		if ((size_t)(stop - p) > n && !memcmp(p, key, n)) {
			*ret_len = (size_t)(stop - p) - n;
			return p + n;
		}
		p = stop + 1;
	}
	return NULL;
}

static void fill_names(const struct dump_about *a, struct head *h)
{
	const char *machine = a->arch == DUMP_X86_64 ? "x86_64" : "aarch64";
	size_t len = 0;
	const char *release = info_of(a, "OSRELEASE=", &len);

	memcpy(h->names[0], "Linux", sizeof("Linux"));
	if (release)
		memcpy(h->names[2], release, len < NAME ? len : NAME - 1);
	memcpy(h->names[4], machine, strlen(machine));
}

static uint64_t phys_base(const struct dump_about *a)
{
	char text[32];
	size_t len = 0;
	const char *n = info_of(a, "NUMBER(phys_base)=", &len);

	if (!n || len >= sizeof(text))
		return a->phys_base_hint;
	memcpy(text, n, len);
	text[len] = '\0';
	return (uint64_t)strtoll(text, NULL, 10);
}

/* Where VMCOREINFO's text lies within the notes. */
static void find_info(const struct strbuf *notes, struct sub *sub)
{
	size_t off = 0;
	Elf64_Nhdr h;

	for (; notes->len - off >= sizeof(h); off += (h.n_descsz + 3) & ~3u) {
		memcpy(&h, notes->data + off, sizeof(h));
		const char *name = notes->data + off + sizeof(h);
		off += sizeof(h) + ((h.n_namesz + 3) & ~3u);
		if (strcmp(name, "VMCOREINFO") != 0)
			continue;
		sub->info = htole64(sub->notes + off);
		sub->info_size = htole64(h.n_descsz);
	}
}

static uint32_t count_cpus(const struct dump_about *a)
{
	uint32_t n = 0;

	for (size_t i = 0; i < a->n_notes; i++)
		n += !strcmp(a->notes[i].name, "CORE") && a->notes[i].type == NT_PRSTATUS;
	return n;
}

static int put_heads(struct thin_file *f, const struct strbuf *notes, struct head *h)
{
	const struct dump_about *a = dump_about(f->dump);
	uint64_t max = f->pages[f->n_pages - 1] + 1;
	struct sub sub = { .phys_base = htole64(phys_base(a)),
			   .level = htole32(31),
			   .notes = htole64(f->page_size + SUB),
			   .notes_size = htole64(notes->len),
			   .end_64 = htole64(max),
			   .pages_64 = htole64(max) };

	memcpy(h->magic, "KDUMP   ", sizeof(h->magic));
	fill_names(a, h);
	find_info(notes, &sub);
	h->version = htole32(VERSION);
	h->block_size = htole32(f->page_size);
	h->max_page = htole32((uint32_t)max);
	h->n_cpus = htole32(count_cpus(a));
	int r = thin_put(f, 0, h, sizeof(*h));
	if (r == 0)
		r = thin_put(f, f->page_size, &sub, sizeof(sub));
	if (r == 0)
		r = thin_put(f, f->page_size + SUB, notes->data, notes->len);
	return r;
}

static int put_all(struct thin_file *f, const struct strbuf *notes, struct desc *descs)
{
	const uint64_t size = f->page_size, bits = size * 8;
	uint64_t subs = (SUB + notes->len + size - 1) / size;
	uint64_t blocks = (f->pages[f->n_pages - 1] + bits) / bits; // of one bitmap
	uint64_t bitmap = (1 + subs) * size, at = bitmap + 2 * blocks * size;
	struct head h = { .sub_size = htole32((uint32_t)subs),
			  .bitmap_blocks = htole32((uint32_t)(2 * blocks)) };
	sonde_auto(thin_packer_freep) struct thin_packer *packer = NULL;

	int r = thin_packer_new(f, &packer);
	if (r < 0)
		return r;
	h.status = htole32(thin_packer_packs(packer) ? KDUMP_ZLIB : 0);
	r = put_heads(f, notes, &h);
	if (r == 0)
		r = put_bitmaps(f, bitmap, blocks * size);
	if (r < 0)
		return r;
	f->len = at + f->n_pages * DESC;
	r = put_pages(f, packer, descs);
	return r < 0 ? r : thin_put(f, at, descs, f->n_pages * DESC);
}

static int write_kdump(struct thin_file *f)
{
	struct strbuf notes = { 0 };
	sonde_auto(mem_freep) struct desc *descs = calloc(f->n_pages, sizeof(*descs));

	int r = thin_notes(f->dump, &notes);
	if (r == 0 && !descs)
		r = sonde_fail(-ENOMEM, "out of memory");
	if (r == 0)
		r = put_all(f, &notes, descs);
	strbuf_fini(&notes);
	return r;
}

const struct thin_format thin_kdump = {
	.name = "kdump",
	.can = can,
	.write = write_kdump,
};
