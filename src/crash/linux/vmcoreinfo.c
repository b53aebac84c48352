/* SPDX-License-Identifier: MIT */
/** Finds VMCOREINFO, and lines in it. */
#include "crash/linux/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/touched.h"

#define FIRST_LINE "OSRELEASE="

enum { TEXT_MOST = 1 << 16, PAGE_LEAST = 4096 };

/*
 * A machine's memory has more pages than can be unpacked while somebody waits. So of each no more
 * than its first letters are, and those come first that take as much room in the file as the text
 * does, which is 2 to 4 KiB long: with zlib a third of it.
 */
static const struct {
	uint64_t least, most;
} sizes[] = { { 1000, 1500 }, { 600, 2200 }, { 1, UINT64_MAX } };

void vmcoreinfo_fini(struct vmcoreinfo *v)
{
	free(v->owned);
	*v = (struct vmcoreinfo){ 0 };
}

/* The kernel's own page begins with the first line; others may hold copies of the text. */
static bool is_text(const uint8_t *page, size_t size)
{
	size_t len = sizeof(FIRST_LINE) - 1;

	if (memcmp(page, FIRST_LINE, len) != 0)
		return false;
	size_t n = strnlen((const char *)page, size);
	return memmem(page, n, "\nPAGESIZE=", 10) && memmem(page, n, "\nSYMBOL(", 8);
}

/* A page of the dump may be several of the kernel's. */
static const uint8_t *text_in(const uint8_t *page, size_t size, size_t *ret_size)
{
	for (size_t off = 0; off < size; off += PAGE_LEAST) {
		*ret_size = size - off;
		if (is_text(page + off, size - off))
			return page + off;
	}
	return NULL;
}

static int keep(const uint8_t *page, size_t size, struct vmcoreinfo *ret)
{
	size_t n = strnlen((const char *)page, size);
	char *copy = malloc(n + 1);

	if (!copy)
		return sonde_fail(-ENOMEM, "VMCOREINFO: out of memory");
	memcpy(copy, page, n);
	copy[n] = '\0';
	*ret = (struct vmcoreinfo){ .text = copy, .len = n, .owned = copy };
	return 0;
}

/* Takes the text out of the page at @pa. -ENOENT: it has none, or cannot be read. */
static int take(struct dump *d, uint64_t pa, struct vmcoreinfo *ret)
{
	const size_t size = dump_about(d)->page_size;
	struct dump_page page;
	size_t left = 0;

	if (dump_page(d, pa, &page) < 0)
		return -ENOENT;
	const uint8_t *found = text_in(page.bytes, size, &left);
	int r = found ? keep(found, left, ret) : -ENOENT;
	dump_release(d, &page);
	return r;
}

/* Which of the sizes a page has; one that is not packed costs nothing to look at. */
static size_t size_class(uint64_t len, size_t page_size)
{
	size_t i = 0;

	while (len != page_size && (len < sizes[i].least || len > sizes[i].most))
		i++;
	return i;
}

/* Whether the text may lie in the page, as far as that costs little. */
static bool may_have(struct dump *d, uint64_t pa, size_t class)
{
	const size_t size = dump_about(d)->page_size;
	char begin[sizeof(FIRST_LINE) - 1];
	uint64_t len = dump_packed(d, pa);

	if (!len || size_class(len, size) != class)
		return false;
	if (size > PAGE_LEAST)
		return true;
	return dump_begin(d, pa, begin, sizeof(begin)) == 0 &&
	       !memcmp(begin, FIRST_LINE, sizeof(begin));
}

/* Looks at the begin of the pages that the dump holds. */
static int search(struct dump *d, size_t class, struct vmcoreinfo *ret, uint64_t *ret_pa)
{
	const size_t size = dump_about(d)->page_size;
	uint64_t at = 0, len;

	while ((len = dump_next(d, at, &at)) != 0) {
		uint64_t end = at + len < at ? UINT64_MAX - size : at + len;

		for (at = (at + size - 1) & ~(uint64_t)(size - 1); at < end; at += size) {
			int r = may_have(d, at, class) ? take(d, at, ret) : -ENOENT;

			if (r != -ENOENT) {
				*ret_pa = at;
				return r;
			}
		}
		if (at < end)
			break;
	}
	return -ENOENT;
}

static int find_in_memory(struct dump *d, uint64_t *at, struct vmcoreinfo *ret)
{
	int r = *at ? take(d, *at, ret) : -ENOENT;

	for (size_t class = 0; r == -ENOENT && class < MEM_LEN(sizes); class ++)
		r = search(d, class, ret, at);
	return r;
}

int vmcoreinfo_find(struct dump *d, uint64_t *at, struct vmcoreinfo *ret)
{
	const struct dump_about *about = dump_about(d);

	if (about->vmcoreinfo && about->vmcoreinfo_size) {
		size_t len =
			about->vmcoreinfo_size < TEXT_MOST ? about->vmcoreinfo_size : TEXT_MOST;

		*ret = (struct vmcoreinfo){ .text = about->vmcoreinfo,
					    .len = strnlen(about->vmcoreinfo, len) };
		return 0;
	}
	// All pages are looked at: only the one that has it is wanted.
	struct touched *watch = dump_watched(d);
	dump_watch(d, NULL);
	int r = find_in_memory(d, at, ret);
	dump_watch(d, watch);
	if (r == 0 && watch)
		touched_add(watch, *at, 1);
	if (r == -ENOENT)
		return sonde_fail(r, "no VMCOREINFO, neither as a note nor in its memory");
	return r;
}

bool vmcoreinfo_get(const struct vmcoreinfo *v, const char *kind, const char *name,
		    const char **ret, size_t *ret_len)
{
	char key[128];
	int len = kind ? snprintf(key, sizeof(key), "%s(%s)=", kind, name)
		       : snprintf(key, sizeof(key), "%s=", name);
	const char *at = v->text, *end = v->text + v->len;

	if (len < 0 || (size_t)len >= sizeof(key))
		return false;
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *stop = nl ? nl : end;

		if (stop - at >= len && !memcmp(at, key, (size_t)len)) {
			*ret = at + len;
			*ret_len = (size_t)(stop - at - len);
			return true;
		}
		at = stop + 1;
	}
	return false;
}

/* A whole number and nothing else. */
static bool parse(const char *text, size_t len, int base, uint64_t *ret)
{
	char copy[32], *end;

	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	uint64_t v = strtoull(copy, &end, base);
	if (errno || *end || end == copy)
		return false;
	*ret = v;
	return true;
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *v, const char *name, uint64_t *ret)
{
	const char *text;
	size_t len;

	return vmcoreinfo_get(v, "SYMBOL", name, &text, &len) && parse(text, len, 16, ret);
}

bool vmcoreinfo_number(const struct vmcoreinfo *v, const char *name, int64_t *ret)
{
	const char *text;
	size_t len;
	uint64_t n;

	if (!vmcoreinfo_get(v, "NUMBER", name, &text, &len))
		return false;
	bool hex = len > 2 && text[0] == '0' && text[1] == 'x';
	if (!parse(text, len, hex ? 16 : 10, &n))
		return false;
	*ret = (int64_t)n;
	return true;
}

bool vmcoreinfo_value(const struct vmcoreinfo *v, const char *name, int base, uint64_t *ret)
{
	const char *text;
	size_t len;

	return vmcoreinfo_get(v, NULL, name, &text, &len) && parse(text, len, base, ret);
}

bool vmcoreinfo_text(const struct vmcoreinfo *v, const char *name, char *ret, size_t cap)
{
	const char *text;
	size_t len;

	if (!vmcoreinfo_get(v, NULL, name, &text, &len))
		return false;
	if (len >= cap)
		len = cap - 1;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}
