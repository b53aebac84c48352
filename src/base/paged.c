/* SPDX-License-Identifier: MIT */
/** Bytes that come page by page: memory is taken for what was looked at alone. */
#include "base/paged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

enum { SHIFT = 12, SIZE = 1 << SHIFT };

struct paged {
	struct paged_from from;
	uint8_t *map; /* owned; the bytes begin as far in the first page as they do at home */
	size_t map_len, n_pages;
	uint8_t *here; /* owned: of each page, whether it has come */
	int err;
};

void paged_free(struct paged *p)
{
	if (!p)
		return;
	if (p->map)
		munmap(p->map, p->map_len);
	free(p->here);
	free(p);
}

int paged_new(const struct paged_from *from, struct paged **ret)
{
	sonde_auto(paged_freep) struct paged *p = calloc(1, sizeof(*p));
	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	p->from = *from;
	p->from.in_page %= SIZE;
	if (!mem_add(from->len, 2ul * SIZE, &p->map_len))
		return sonde_fail(-ENOMEM, "out of memory");
	p->n_pages = p->map_len >> SHIFT;
	p->here = calloc(p->n_pages, 1);
	void *map = mmap(NULL, p->map_len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->map = map == MAP_FAILED ? NULL : map;
	if (!p->here || !p->map)
		return sonde_fail(-ENOMEM, "out of memory");
	// Large pages would take memory for what nobody looked at. It works with them too.
	(void)madvise(p->map, p->map_len, MADV_NOHUGEPAGE);
	*ret = sonde_take(p);
	return 0;
}

uint8_t *paged_bytes(const struct paged *p)
{
	return p->map + p->from.in_page;
}

static bool load(struct paged *p, size_t page)
{
	const size_t skew = p->from.in_page, from = page << SHIFT;
	const size_t off = from < skew ? 0 : from - skew;
	size_t end = from + SIZE - skew;

	end = end < p->from.len ? end : p->from.len;
	int r = off < end ? p->from.read(p->from.arg, off, paged_bytes(p) + off, end - off) : 0;
	if (r < 0 && p->err != -ENOMEM)
		p->err = r;
	p->here[page] = r == 0;
	return r == 0;
}

bool paged_want(struct paged *p, size_t off, size_t n)
{
	const size_t len = p->from.len;

	if (off >= len || !n)
		return true;
	n = n < len - off ? n : len - off;
	const size_t last = (p->from.in_page + off + n - 1) >> SHIFT;
	for (size_t i = (p->from.in_page + off) >> SHIFT; i <= last; i++) {
		if (!p->here[i] && !load(p, i))
			return false;
	}
	return true;
}

bool paged_want_text(struct paged *p, size_t off)
{
	while (off < p->from.len) {
		size_t n = SIZE - ((p->from.in_page + off) & (SIZE - 1));

		n = n < p->from.len - off ? n : p->from.len - off;
		if (!paged_want(p, off, n))
			return false;
		if (memchr(paged_bytes(p) + off, 0, n))
			return true;
		off += n;
	}
	return true;
}

int paged_failed(const struct paged *p)
{
	return p->err;
}

void paged_forget(struct paged *p)
{
	// Where it fails the memory stays, with the same bytes in it.
	if (madvise(p->map, p->map_len, MADV_DONTNEED) == 0)
		memset(p->here, 0, p->n_pages);
}
