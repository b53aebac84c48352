/* SPDX-License-Identifier: MIT */
/** Reads virtual memory of a dump, through a small cache of pages. */
#include "crash/space/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/space/tables.h"

int space_init(struct space *s, struct dump *d, const struct space_layout *layout)
{
	uint32_t size = dump_about(d)->page_size;

	if (size < 4096 || size > 1 << 16 || size & (size - 1))
		return sonde_fail(-EINVAL, "pages of %u bytes", size);
	int r = tables_check(layout);
	if (r < 0)
		return r;
	struct space_slot *cache = calloc(SPACE_CACHE, sizeof(*cache));
	if (!cache)
		return sonde_fail(-ENOMEM, "address space: out of memory");
	const unsigned bits = (unsigned)__builtin_ctz(size);
	*s = (struct space){
		.dump = d,
		.layout = *layout,
		.page_bits = bits < layout->page_bits ? bits : layout->page_bits,
		.dump_bits = bits,
		.n_slots = SPACE_CACHE,
		.cache = cache,
	};
	return 0;
}

void space_fini(struct space *s)
{
	for (size_t i = 0; s->cache && i < SPACE_CACHE; i++) {
		if (s->cache[i].page)
			dump_release(s->dump, &s->cache[i].held);
	}
	free(s->cache);
	*s = (struct space){ 0 };
}

void space_add_linear(struct space *s, uint64_t start, uint64_t end, uint64_t pa)
{
	if (s->n_linear < SPACE_LINEARS)
		s->linear[s->n_linear++] = (struct space_linear){ start, end, pa };
}

int space_translate(struct space *s, uint64_t va, uint64_t *ret_pa, uint64_t *ret_len)
{
	int r = tables_walk(s->dump, &s->layout, va, ret_pa, ret_len);

	for (unsigned i = 0; r < 0 && i < s->n_linear; i++) {
		const struct space_linear *l = &s->linear[i];

		if (va < l->start || va >= l->end)
			continue;
		*ret_pa = l->pa + (va - l->start);
		*ret_len = l->end - va;
		return 0;
	}
	return r;
}

/* Lends the page at @pa, which the dump may have as a part of a larger one. */
static int page_of_dump(struct space *s, uint64_t pa, struct dump_page *held, const uint8_t **ret)
{
	const uint64_t dump_size = 1ull << s->dump_bits, size = 1ull << s->page_bits;

	int r = dump_page(s->dump, pa & ~(dump_size - 1), held);
	if (r < 0 || !held->bytes)
		return r < 0 ? r : -ENODATA;
	*ret = held->bytes + (pa & (dump_size - 1) & ~(size - 1));
	return 0;
}

/* The dump is packed, as its first page tells. */
static void use_fewer(struct space *s)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		if (s->cache[i].page)
			dump_release(s->dump, &s->cache[i].held);
		s->cache[i].page = 0;
	}
	s->n_slots = SPACE_UNPACKED >> s->dump_bits;
}

static struct space_slot *slot_of(struct space *s, uint64_t number)
{
	return &s->cache[(number ^ number >> 10) & (s->n_slots - 1)];
}

/* The page that @va lies in. */
static int page_at(struct space *s, uint64_t va, const uint8_t **ret)
{
	uint64_t number = va >> s->page_bits, pa = 0, len;
	struct space_slot *slot = slot_of(s, number);

	if (slot->page == number + 1) {
		*ret = slot->bytes;
		return 0;
	}
	struct dump_page page = { 0 };
	int r = space_translate(s, va, &pa, &len);
	if (!r)
		r = page_of_dump(s, pa, &page, ret);
	if (r)
		return r;
	if (page.hold && s->n_slots == SPACE_CACHE) {
		use_fewer(s);
		slot = slot_of(s, number);
	}
	if (slot->page)
		dump_release(s->dump, &slot->held);
	*slot = (struct space_slot){ .page = number + 1, .bytes = *ret, .held = page };
	return 0;
}

/* Of a page that the dump has only a part of, as where its file was cut. */
static int copy_part(struct space *s, uint64_t va, void *ret, size_t n)
{
	uint64_t pa = 0, len;

	int r = space_translate(s, va, &pa, &len);
	return r < 0 ? r : dump_read(s->dump, pa, ret, n);
}

/* Copies up to the end of the page; returns how many bytes. */
static int copy_some(struct space *s, uint64_t va, void *ret, size_t n, size_t *ret_n)
{
	const size_t size = (size_t)1 << s->page_bits, off = va & (size - 1);
	const uint8_t *bytes = NULL;

	*ret_n = n < size - off ? n : size - off;
	int r = page_at(s, va, &bytes);
	if (r)
		return r == -ENODATA ? copy_part(s, va, ret, *ret_n) : r;
	memcpy(ret, bytes + off, *ret_n);
	return 0;
}

int space_read(struct space *s, uint64_t va, void *ret, size_t n)
{
	uint8_t *to = ret;
	size_t got = 0;

	if (n && va + (n - 1) < va)
		return -EFAULT;
	for (; n; n -= got, va += got, to += got) {
		int r = copy_some(s, va, to, n, &got);
		if (r < 0)
			return r;
	}
	return 0;
}

size_t space_read_some(struct space *s, uint64_t va, void *ret, size_t n)
{
	size_t done = 0, got = 0;

	while (done < n && va + done >= va &&
	       !copy_some(s, va + done, (uint8_t *)ret + done, n - done, &got))
		done += got;
	return done;
}

int space_string(struct space *s, uint64_t va, char *ret, size_t cap)
{
	size_t done = 0, got = 0;

	while (done < cap - 1) {
		int r = copy_some(s, va + done, ret + done, cap - 1 - done, &got);
		if (r < 0 && !done)
			return r;
		if (r < 0)
			break;
		size_t len = strnlen(ret + done, got);
		done += len;
		if (len < got)
			break;
	}
	ret[done] = '\0';
	return (int)done;
}

/* Where all of @n bytes lie behind one another in the mapped dump, or NULL. */
static const uint8_t *in_place(struct space *s, uint64_t va, size_t n)
{
	const uint8_t *first = NULL;
	const uint64_t size = 1ull << s->page_bits;
	struct dump_page page = { 0 };
	uint64_t pa = 0, left = 0, at = va & ~(size - 1);

	for (size_t i = 0; at < va + n; at += size, left -= size, pa += size, i++) {
		if (left < size && space_translate(s, at, &pa, &left) < 0)
			return NULL;
		const uint8_t *bytes = NULL;
		if (page_of_dump(s, pa, &page, &bytes) < 0)
			return NULL;
		bytes = page.hold ? NULL : bytes;
		dump_release(s->dump, &page);
		if (!bytes || (first && bytes != first + i * size))
			return NULL;
		if (!first)
			first = bytes;
	}
	return first ? first + (va & (size - 1)) : NULL;
}

int space_lend(struct space *s, uint64_t va, size_t n, struct space_bytes *ret)
{
	if (!n || va + (n - 1) < va)
		return -EFAULT;
	const uint8_t *there = in_place(s, va, n);
	if (there) {
		*ret = (struct space_bytes){ .data = there, .len = n };
		return 0;
	}
	sonde_auto(mem_freep) uint8_t *copy = malloc(n);
	if (!copy)
		return sonde_fail(-ENOMEM, "%zu bytes of a dump: out of memory", n);
	int r = space_read(s, va, copy, n);
	if (r < 0)
		return r;
	ret->data = copy;
	ret->len = n;
	ret->owned = sonde_take(copy);
	return 0;
}

int space_lend_in_place(struct space *s, uint64_t va, size_t n, struct space_bytes *ret)
{
	const uint64_t size = 1ull << s->page_bits;
	uint64_t pa = 0, left = 0, at = va & ~(size - 1);

	if (!n || va + (n - 1) < va)
		return -EFAULT;
	*ret = (struct space_bytes){ .data = in_place(s, va, n), .len = n };
	for (; !ret->data && at <= va + (n - 1); at += size, left -= size, pa += size) {
		int r = left < size ? space_translate(s, at, &pa, &left) : 0;

		if (r == 0 && !dump_packed(s->dump, pa))
			r = -ENODATA;
		if (r < 0)
			return r;
		if (at + size < at)
			break;
	}
	return 0;
}

void space_give_back(struct space_bytes *b)
{
	free(b->owned);
	*b = (struct space_bytes){ 0 };
}
