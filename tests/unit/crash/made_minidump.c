/* SPDX-License-Identifier: MIT */
/** FreeBSD minidumps of memory that is made up, of all architectures and versions. */
#include "made_minidump.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/** A page that is dumped. */
struct page {
	uint64_t pa;
	const uint8_t *bytes; /* NULL: made up */
};

static void put32(struct made_file *f, uint64_t off, uint32_t v)
{
	made_put(f, off, &v, sizeof(v));
}

static void put64(struct made_file *f, uint64_t off, uint64_t v)
{
	made_put(f, off, &v, sizeof(v));
}

static void pad(struct made_file *f)
{
	uint64_t padded = (f->len + MADE_PAGE - 1) & -(uint64_t)MADE_PAGE;

	if (padded > f->len)
		made_put(f, padded - 1, "", 1);
}

static bool tells_ranges(const struct made_minidump *how)
{
	return how->version >= (strcmp(how->arch, "amd64") ? 2 : 3);
}

static size_t list_pages(const struct made_memory *m, const struct made_minidump *how,
			 struct page **ret)
{
	struct page *pages = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		for (uint64_t at = 0; at < m->ranges[i].len; at += MADE_PAGE) {
			pages = realloc(pages, (n + 1) * sizeof(*pages));
			sonde_check(pages);
			pages[n++] = (struct page){ .pa = m->ranges[i].pa + at };
		}
	}
	for (size_t i = 0; i < how->n_tables; i++) {
		pages = realloc(pages, (n + 1) * sizeof(*pages));
		sonde_check(pages);
		pages[n++] = (struct page){ how->tables[i].pa, how->tables[i].bytes };
	}
	*ret = pages;
	return n;
}

/* Ranges of memory that pages lie in: a new one where there is a gap of 16 pages or more; odd ends.
 */
static void put_ranges(struct made_file *f, const struct page *pages, size_t n)
{
	uint64_t start = n ? pages[0].pa + 100 : 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && pages[i + 1].pa - pages[i].pa < (uint64_t)16 * MADE_PAGE)
			continue;
		put64(f, f->len, start);
		put64(f, f->len, pages[i].pa + MADE_PAGE + 5);
		start = i + 1 < n ? pages[i + 1].pa : 0;
	}
	put64(f, f->len, 0);
	put64(f, f->len, 0);
}

/* The bit of @pa, counted the slow way over the ranges at @avail; 0: by its number. */
static uint64_t bit_of(const struct made_file *f, uint64_t avail, uint64_t pa)
{
	uint64_t bit = 0, start, end;

	if (!avail)
		return pa / MADE_PAGE;
	for (;; avail += 16) {
		memcpy(&start, f->data + avail, 8);
		memcpy(&end, f->data + avail + 8, 8);
		sonde_check(end);
		uint64_t first = start / MADE_PAGE, last = (end + MADE_PAGE - 1) / MADE_PAGE;
		if (pa / MADE_PAGE >= first && pa / MADE_PAGE < last)
			return bit + pa / MADE_PAGE - first;
		bit += last - first;
	}
}

static void put_bitmap(struct made_file *f, uint64_t avail, const struct page *pages, size_t n)
{
	uint64_t at = f->len, bits = n ? bit_of(f, avail, pages[n - 1].pa) + 1 : 0;

	if (bits)
		made_put(f, at + (bits + 63) / 64 * 8 - 1, "", 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t bit = bit_of(f, avail, pages[i].pa);

		f->data[at + bit / 8] |= (uint8_t)(1 << bit % 8);
	}
}

static void put_header(struct made_file *f, const struct made_minidump *how)
{
	static const char magic[] = "minidump FreeBSD/";

	made_put(f, 0, magic, sizeof(magic) - 1);
	made_put(f, sizeof(magic) - 1, how->arch, strlen(how->arch));
	put32(f, 24, how->version);
	put32(f, 28, how->messages ? (uint32_t)strlen(how->messages) + 64 : 0);
	put32(f, 36, how->map_len);
	if (!strcmp(how->arch, "i386")) {
		put32(f, 40, (uint32_t)how->kernbase);
		put32(f, 44, how->pae);
		return;
	}
	unsigned at = 40;
	put64(f, at, how->kernbase);
	if (strcmp(how->arch, "amd64") != 0)
		put64(f, at += 8, how->dmapphys);
	put64(f, at + 8, how->dmapbase);
	put64(f, at + 16, how->dmapend);
}

void made_minidump(struct made_memory *m, const struct made_minidump *how, struct made_file *ret)
{
	unsigned avail_field = !strcmp(how->arch, "amd64")  ? 64
			       : !strcmp(how->arch, "i386") ? 48
							    : 72;
	uint64_t avail = 0, bits;
	struct page *pages;
	size_t n = list_pages(m, how, &pages);

	*ret = (struct made_file){ 0 };
	put_header(ret, how);
	pad(ret);
	if (how->messages) {
		made_put(ret, ret->len, how->messages, strlen(how->messages));
		made_put(ret, ret->len + 63, "", 1);
		pad(ret);
	}
	if (tells_ranges(how)) {
		avail = ret->len;
		put_ranges(ret, pages, n);
		put32(ret, avail_field, (uint32_t)(ret->len - avail));
		pad(ret);
	}
	bits = ret->len;
	put_bitmap(ret, avail, pages, n);
	put32(ret, 32, (uint32_t)(ret->len - bits));
	pad(ret);
	made_put(ret, ret->len, how->map, how->map_len);
	pad(ret);
	for (size_t i = 0; i < n; i++) {
		uint8_t made[MADE_PAGE];

		made_fill(m, pages[i].pa, made, sizeof(made));
		made_put(ret, ret->len, pages[i].bytes ? pages[i].bytes : made, MADE_PAGE);
	}
	free(pages);
}
