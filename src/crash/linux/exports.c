/* SPDX-License-Identifier: MIT */
/**
 * Finds __ksymtab and BTF in the kernel's data by their shape. An entry of __ksymtab, since 4.19:
 *
 *     value       4 bytes: the symbol's address, from where these lie
 *     name        4 bytes: the address of its name, from where these lie
 *     namespace   4 bytes, since 5.4
 *
 * Entries are in the order of their names, as the kernel itself looks for them by halves. A second
 * table, of those for modules under the GPL alone, lies beside it. One name that all kernels export
 * is looked for, then who points to it, then how far entries reach from there.
 */
#include "crash/linux/exports.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum {
	CHUNK = 1 << 16,
	NAME_MOST = 128,
	HITS_MOST = 16,
	ENTRIES_MOST = 1 << 18,
	ENTRIES_LEAST = 16, /* of a table that was found by chance none has so many */
	BTF_HEAD = 24,
	BTF_LEAST = 1 << 14, /* bytes: a kernel's types are megabytes */
	BTF_MOST = 1 << 28,
};

#define IMAGE_MOST (1ull << 29) /* bytes of a kernel's code and data */

static const char anchor[] = "\0init_task"; /* with its 0s */

/* Calls @f with all that there is of the image, until it returns not 0: a chunk, with as many bytes
 * behind it as @more says. */
static int scan(struct space *mem, uint64_t from, size_t more,
		int (*f)(void *arg, uint64_t va, const uint8_t *b, size_t n), void *arg)
{
	sonde_auto(mem_freep) uint8_t *b = malloc(CHUNK + more);
	uint64_t at = from & ~(uint64_t)(CHUNK - 1);
	int r = 0;

	if (!b)
		return sonde_fail(-ENOMEM, "symbols: out of memory");
	for (uint64_t end = at + IMAGE_MOST; !r && at < end; at += CHUNK) {
		size_t n = space_read_some(mem, at, b, CHUNK + more);

		r = n ? f(arg, at, b, n) : 0;
	}
	return r;
}

struct search {
	struct space *mem;
	uint64_t names[HITS_MOST], entries[HITS_MOST]; /* where the name lies; who points to it */
	unsigned n_names, n_entries;
};

static int find_names(void *arg, uint64_t va, const uint8_t *b, size_t n)
{
	struct search *s = arg;
	const uint8_t *hit = b, *end = b + n;

	while (s->n_names < HITS_MOST &&
	       (hit = memmem(hit, (size_t)(end - hit), anchor, sizeof(anchor)))) {
		// The bytes behind a chunk are the next one's first.
		if (hit < b + CHUNK)
			s->names[s->n_names++] = va + (size_t)(hit - b) + 1;
		hit++;
	}
	return 0;
}

static uint64_t pointed_by(uint64_t at, const uint8_t *b)
{
	int32_t off;

	memcpy(&off, b, sizeof(off));
	return at + (uint64_t)(int64_t)off;
}

static int find_entries(void *arg, uint64_t va, const uint8_t *b, size_t n)
{
	struct search *s = arg;

	n = n < CHUNK ? n : CHUNK;
	for (size_t at = 0; at + 4 <= n && s->n_entries < HITS_MOST; at += 4) {
		const uint64_t to = pointed_by(va + at, b + at);

		for (unsigned i = 0; i < s->n_names; i++) {
			if (to == s->names[i] && s->n_entries < HITS_MOST)
				s->entries[s->n_entries++] = va + at - 4;
		}
	}
	return 0;
}

/* The entry at @va; false: it is none. */
static bool entry_at(struct space *mem, uint64_t va, char name[NAME_MOST], uint64_t *ret)
{
	uint8_t b[8];

	if (space_read(mem, va, b, sizeof(b)) < 0 ||
	    space_string(mem, pointed_by(va + 4, b + 4), name, NAME_MOST) <= 0)
		return false;
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.' && *c != '$')
			return false;
	}
	*ret = pointed_by(va, b);
	return true;
}

/* How many entries there are from @va on, that one included, in steps of @step bytes. */
static uint32_t count(struct space *mem, uint64_t va, int64_t step, uint64_t *ret_last)
{
	char a[NAME_MOST], b[NAME_MOST];
	uint64_t value;
	uint32_t n = 0;

	for (*a = '\0'; n < ENTRIES_MOST && entry_at(mem, va, b, &value); va += (uint64_t)step) {
		// Some are exported twice, from two files.
		if (n && (step > 0 ? strcmp(a, b) > 0 : strcmp(a, b) < 0))
			break;
		memcpy(a, b, sizeof(a));
		*ret_last = va;
		n++;
	}
	return n;
}

/* The table that has an entry at @va. False: so few that it is none. */
static bool table_around(struct space *mem, uint64_t va, unsigned len, struct exports_table *ret)
{
	uint64_t first, last;

	if (!count(mem, va, -(int64_t)len, &first))
		return false;
	struct exports_table t = { first, count(mem, first, len, &last) };
	if (t.n < ENTRIES_LEAST)
		return false;
	*ret = t;
	return true;
}

/* Tables of their own section, and each begins at a multiple of 4 or 8. */
static void find_others(struct space *mem, struct exports *e)
{
	const struct exports_table known = e->tables[0];
	const uint64_t end = known.start + (uint64_t)known.n * e->entry_len;

	for (unsigned gap = 0; gap <= 4; gap += 4) {
		const uint64_t around[] = { end + gap, known.start - gap - e->entry_len };

		for (size_t i = 0; i < MEM_LEN(around); i++) {
			if (e->n_tables < EXPORTS_TABLES &&
			    table_around(mem, around[i], e->entry_len, &e->tables[e->n_tables]))
				e->n_tables++;
		}
	}
}

int exports_search(struct space *mem, uint64_t from, struct exports *ret)
{
	static const unsigned lens[] = { 12, 8 };
	struct search s = { .mem = mem };

	int r = scan(mem, from, sizeof(anchor), find_names, &s);
	if (!r && s.n_names)
		r = scan(mem, from, 0, find_entries, &s);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < s.n_entries * MEM_LEN(lens); i++) {
		struct exports e = { .entry_len = lens[i % MEM_LEN(lens)], .n_tables = 1 };

		if (!table_around(mem, s.entries[i / MEM_LEN(lens)], e.entry_len, &e.tables[0]))
			continue;
		find_others(mem, &e);
		*ret = e;
		return 0;
	}
	return -ENOENT;
}

static bool named_in(const struct exports_table *t, unsigned len, struct space *mem,
		     const char *name, uint64_t *ret)
{
	uint32_t lo = 0, hi = t->n;
	char there[NAME_MOST];
	uint64_t value;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (!entry_at(mem, t->start + (uint64_t)mid * len, there, &value))
			return false;
		int order = strcmp(name, there);
		if (!order) {
			*ret = value;
			return true;
		}
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool exports_named(const struct exports *e, struct space *mem, const char *name, uint64_t *ret)
{
	for (unsigned i = 0; i < e->n_tables; i++) {
		if (named_in(&e->tables[i], e->entry_len, mem, name, ret))
			return true;
	}
	return false;
}

int exports_each(const struct exports *e, struct space *mem,
		 int (*f)(void *arg, const char *name, uint64_t addr), void *arg)
{
	char name[NAME_MOST];
	uint64_t value;
	int r = 0;

	for (unsigned t = 0; t < e->n_tables; t++) {
		for (uint32_t i = 0; !r && i < e->tables[t].n; i++) {
			uint64_t at = e->tables[t].start + (uint64_t)i * e->entry_len;

			if (entry_at(mem, at, name, &value))
				r = f(arg, name, value);
		}
	}
	return r;
}

struct btf_place {
	uint64_t start, len;
};

/* Magic, version 1, no flags, the head's length; types and strings follow it, and one another. */
static int find_btf(void *arg, uint64_t va, const uint8_t *b, size_t n)
{
	static const uint8_t head[12] = { 0x9f, 0xeb, 1, 0, BTF_HEAD };
	struct btf_place *p = arg;
	const uint8_t *hit = b, *end = b + n;

	while ((hit = memmem(hit, (size_t)(end - hit), head, sizeof(head)))) {
		uint32_t rest[3]; /* the length of types, where strings begin, their length */

		if ((size_t)(end - hit) < BTF_HEAD)
			break;
		memcpy(rest, hit + sizeof(head), sizeof(rest));
		uint64_t len = (uint64_t)BTF_HEAD + rest[1] + rest[2];
		if (rest[0] == rest[1] && len >= BTF_LEAST && len <= BTF_MOST) {
			*p = (struct btf_place){ va + (size_t)(hit - b), len };
			return 1;
		}
		hit++;
	}
	return 0;
}

int btf_search(struct space *mem, uint64_t from, uint64_t *ret_start, uint64_t *ret_stop)
{
	struct btf_place p = { .start = 0 };

	int r = scan(mem, from, BTF_HEAD, find_btf, &p);
	if (r <= 0)
		return r ? r : -ENOENT;
	*ret_start = p.start;
	*ret_stop = p.start + p.len;
	return 0;
}
