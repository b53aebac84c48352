/* SPDX-License-Identifier: MIT */
/** kdump-compressed and flattened files of memory that is made up. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#ifdef HAVE_GZIP
#include <zlib.h>
#endif
#ifdef TEST_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef TEST_SNAPPY
#include <snappy-c.h>
#endif

#include "base/check.h"
#include "crash/dump/kdump_header.h"
#include "made_memory.h"

enum { ROOM = 2 * MADE_PAGE, DESC = 24 };

unsigned made_can_pack(unsigned flags)
{
	unsigned can = KDUMP_ZSTD;

#ifdef HAVE_GZIP
	can |= KDUMP_ZLIB;
#endif
#ifdef TEST_LZO
	can |= KDUMP_LZO;
#endif
#ifdef TEST_SNAPPY
	can |= KDUMP_SNAPPY;
#endif
	return flags & can;
}

static size_t pack_page(unsigned flag, const uint8_t *page, uint8_t *ret)
{
	size_t n = 0;

	if (flag == KDUMP_ZSTD)
		n = ZSTD_compress(ret, ROOM, page, MADE_PAGE, 1);
#ifdef HAVE_GZIP
	uLongf zlib_len = ROOM;
	if (flag == KDUMP_ZLIB && compress2(ret, &zlib_len, page, MADE_PAGE, 1) == Z_OK)
		n = zlib_len;
#endif
#ifdef TEST_LZO
	lzo_uint lzo_len = ROOM;
	if (flag == KDUMP_LZO) {
		void *work = calloc(1, LZO1X_1_MEM_COMPRESS);

		sonde_check(lzo_init() == LZO_E_OK);
		if (lzo1x_1_compress(page, MADE_PAGE, ret, &lzo_len, work) == LZO_E_OK)
			n = lzo_len;
		free(work);
	}
#endif
#ifdef TEST_SNAPPY
	size_t snappy_len = ROOM;
	if (flag == KDUMP_SNAPPY &&
	    snappy_compress((const char *)page, MADE_PAGE, (char *)ret, &snappy_len) == SNAPPY_OK)
		n = snappy_len;
#endif
	return n && n < MADE_PAGE ? n : 0;
}

static void put32(struct made_file *f, uint64_t off, uint64_t v)
{
	uint32_t le = htole32((uint32_t)v);

	made_put(f, off, &le, sizeof(le));
}

static void put64(struct made_file *f, uint64_t off, uint64_t v)
{
	v = htole64(v);
	made_put(f, off, &v, sizeof(v));
}

/** What all parts share. */
struct plan {
	const struct made_kdump_how *how;
	uint64_t pages, blocks; /* of the machine; of the bitmaps */
};

static void put_header(struct made_file *f, const struct plan *p)
{
	bool is_32 = p->how->is_32;
	unsigned at = is_32 ? 412 : 424;

	made_put(f, 0, "KDUMP   ", 8);
	put32(f, 8, p->how->version);
	made_put(f, 12, "Linux", 6);
	made_put(f, 12 + 4 * 65, is_32 ? "i686\0" : "x86_64", 6);
	put32(f, is_32 ? 404 : 408, 1700000000);
	put32(f, at, p->how->flags);
	put32(f, at + 4, MADE_PAGE);
	put32(f, at + 8, 2); // blocks of the sub-header
	put32(f, at + 12, p->blocks);
	// Since version 6 the number that counts is the 64-bit one.
	put32(f, at + 16, p->how->version >= 6 ? UINT32_MAX : p->pages);
	made_put(f, 3 * MADE_PAGE - 1, "", 1);
}

static void put_long(struct made_file *f, const struct plan *p, unsigned off_32, unsigned off_64,
		     uint64_t v)
{
	if (p->how->is_32)
		put32(f, MADE_PAGE + off_32, v);
	else
		put64(f, MADE_PAGE + off_64, v);
}

static void put_sub(struct made_file *f, const struct plan *p, uint64_t begin, uint64_t end)
{
	const struct made_kdump_how *how = p->how;
	uint64_t sub = MADE_PAGE, at = 2 * MADE_PAGE;
	bool is_32 = how->is_32;

	put_long(f, p, 0, 0, 0x1234000);
	put32(f, sub + (is_32 ? 4 : 8), 31);
	if (how->version >= 2 && how->parts) {
		put32(f, sub + (is_32 ? 8 : 12), 1);
		put_long(f, p, 12, 16, how->version >= 6 ? 0 : begin);
		put_long(f, p, 16, 24, how->version >= 6 ? 0 : end);
	}
	if (how->version >= 3 && how->vmcoreinfo) {
		put64(f, sub + (is_32 ? 20 : 32), at);
		put_long(f, p, 28, 40, strlen(how->vmcoreinfo));
		made_put(f, at, how->vmcoreinfo, strlen(how->vmcoreinfo));
		at += strlen(how->vmcoreinfo);
	}
	if (how->version >= 4 && how->notes) {
		put64(f, sub + (is_32 ? 32 : 48), at);
		put_long(f, p, 40, 56, how->notes_size);
		made_put(f, at, how->notes, how->notes_size);
	}
	if (how->version >= 6) {
		put64(f, sub + (is_32 ? 56 : 80), begin);
		put64(f, sub + (is_32 ? 64 : 88), end);
		put64(f, sub + (is_32 ? 72 : 96), p->pages);
	}
}

static void put_bitmaps(struct made_memory *m, struct made_file *f, const struct plan *p)
{
	uint64_t first = 3 * MADE_PAGE, half = p->blocks / 2 * MADE_PAGE;

	made_put(f, first + p->blocks * MADE_PAGE - 1, "", 1);
	if (p->how->one_bitmap)
		half = 0;
	for (uint64_t pfn = 0; pfn < p->pages; pfn++) {
		uint8_t *byte = f->data + first + pfn / 8, bit = (uint8_t)(1 << pfn % 8);

		if (half && pfn % 3)
			*byte |= bit; // the machine has pages that the dump has not
		if (made_has(m, pfn * MADE_PAGE))
			byte[half] |= bit;
	}
}

static void put_page(struct made_memory *m, struct made_file *f, const struct plan *p, uint64_t pfn,
		     uint64_t desc)
{
	static const uint8_t zeros[MADE_PAGE];
	uint8_t page[MADE_PAGE], packed[ROOM];
	unsigned flag = 1U << made_random(m, 6);

	made_fill(m, pfn * MADE_PAGE, page, sizeof(page));
	flag &= made_can_pack(p->how->flags);
	// The first descriptor's page is the one that pages of zeros share.
	bool zero = !memcmp(page, zeros, sizeof(page));
	uint64_t at = f->len;
	size_t n = 0;
	if (zero) {
		at = 3 * MADE_PAGE + p->blocks * MADE_PAGE;
		memcpy(packed, page, sizeof(page));
		flag = 0;
	} else {
		n = flag ? pack_page(flag, page, packed) : 0;
	}
	put64(f, desc, at);
	put32(f, desc + 8, n ? n : MADE_PAGE);
	put32(f, desc + 12, n ? flag : 0);
	if (!zero)
		made_put(f, at, n ? packed : page, n ? n : MADE_PAGE);
}

/* A page of zeros stands where the descriptors begin in the format; here they are behind it. */
static void put_pages(struct made_memory *m, struct made_file *f, const struct plan *p,
		      uint64_t begin, uint64_t end)
{
	uint64_t descs = f->len, n = 0;

	for (uint64_t pfn = begin; pfn < end; pfn++)
		n += made_has(m, pfn * MADE_PAGE);
	if (!n)
		return;
	made_put(f, descs + n * DESC - 1, "", 1);
	uint64_t zeros = f->len;
	made_put(f, zeros + MADE_PAGE - 1, "", 1);
	for (uint64_t pfn = begin, i = 0; pfn < end; pfn++) {
		if (!made_has(m, pfn * MADE_PAGE))
			continue;
		uint64_t desc = descs + i++ * DESC;

		put_page(m, f, p, pfn, desc);
		uint64_t at;
		memcpy(&at, f->data + desc, sizeof(at));
		if (le64toh(at) == descs)
			put64(f, desc, zeros);
	}
}

void made_kdump(struct made_memory *m, const struct made_kdump_how *how, struct made_file *ret)
{
	unsigned parts = how->parts ? how->parts : 1;
	struct plan p = { .how = how };

	for (size_t i = 0; i < m->n; i++) {
		uint64_t end = (m->ranges[i].pa + m->ranges[i].len) / MADE_PAGE;

		p.pages = end > p.pages ? end : p.pages;
	}
	p.pages += made_random(m, 100);
	p.blocks = (p.pages + 8 * MADE_PAGE - 1) / (8 * MADE_PAGE) * (how->one_bitmap ? 1 : 2);
	for (unsigned i = 0; i < parts; i++) {
		uint64_t begin = p.pages * i / parts, end = p.pages * (i + 1) / parts;

		ret[i] = (struct made_file){ 0 };
		put_header(&ret[i], &p);
		put_sub(&ret[i], &p, begin, end);
		put_bitmaps(m, &ret[i], &p);
		put_pages(m, &ret[i], &p, begin, end);
	}
}
