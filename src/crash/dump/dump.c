/* SPDX-License-Identifier: MIT */
/** Opening dumps of all formats, and reading what they hold. */
#include "crash/dump/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/format.h"
#include "crash/dump/layers.h"
#include "crash/dump/page_cache.h"
#include "crash/dump/touched.h"

enum { MOST_FILES = 1024, HEAD = 64 };

void dump_close(struct dump *d)
{
	if (!d)
		return;
	if (d->format)
		d->format->close(d);
	for (size_t i = 0; i < d->n_files; i++)
		bytes_close(d->files[i]);
	free(d->files);
	free(d->notes);
	free(d->name);
	free(d->cut);
	page_cache_free(d->cache);
	free(d);
}

const struct dump_about *dump_about(const struct dump *d)
{
	return &d->about;
}

/** What is a dump, but not one that can be read. */
static const struct {
	const char *name;
	uint8_t magic[8];
	size_t n_magic;
} others[] = {
	{ "a Windows crash dump", "PAGE", 4 },
	{ "an LKCD dump", { 0xfd, 0x23, 0x8f, 0x61, 0x73, 0x01, 0x19, 0xa8 }, 8 },
	{ "a diskdump of before kdump", "DISKDUMP", 8 },
	{ "a LiME dump", "EMiL", 4 },
	{ "a saved QEMU machine", "QEVM", 4 },
	{ "a saved libvirt machine", "LibvirtQ", 8 },
	{ "a VMware snapshot", { 0xd0, 0xbe, 0xd2, 0xbe }, 4 },
	{ "a VMware snapshot", { 0xd1, 0xba, 0xd1, 0xba }, 4 },
	{ "a VMware snapshot", { 0xd2, 0xbe, 0xd2, 0xbe }, 4 },
	{ "a VMware snapshot", { 0xd3, 0xbe, 0xd2, 0xbe }, 4 },
	{ "an s390 dump", { 0xa8, 0x19, 0x01, 0x73, 0x61, 0x8f, 0x23, 0xfd }, 8 },
	{ "packed with lz4", { 0x04, 0x22, 0x4d, 0x18 }, 4 },
	{ "packed with lzop", { 0x89, 'L', 'Z', 'O', 0 }, 5 },
	{ "a zip archive", { 'P', 'K', 3, 4 }, 4 },
};

/* Names what was found instead: its first bytes, as text where they are. */
static int fail_unknown(const uint8_t *head, size_t n)
{
	for (size_t i = 0; i < MEM_LEN(others); i++) {
		if (n >= others[i].n_magic && !memcmp(head, others[i].magic, others[i].n_magic))
			return sonde_fail(
				-ENOTSUP,
				"is %s, which cannot be read (ELF, kdump and FreeBSD minidumps "
				"can, also packed with gzip, bzip2, xz or zstd)",
				others[i].name);
	}

	char text[3 * 16 + 1];
	size_t len = 0;

	for (size_t i = 0; i < n && i < 16; i++) {
		int c = head[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					c > ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
		if (len > sizeof(text) - 5)
			break;
	}
	return sonde_fail(-EINVAL, "is no dump that is known here: begins with '%s'", text);
}

static int find_format(struct dump *d)
{
	uint8_t head[HEAD];
	struct bytes *f = d->files[0];
	size_t n = f->len < sizeof(head) ? f->len : sizeof(head);

	int r = bytes_read(f, 0, head, n);
	if (r < 0)
		return r;
	for (size_t i = 0; dump_formats[i]; i++) {
		if (!dump_formats[i]->known(head, n))
			continue;
		d->format = dump_formats[i];
		if (d->n_files > 1 && !d->format->many_files)
			return sonde_fail(-EINVAL, "is a whole dump (%s); %zu files were given",
					  d->format->name, d->n_files);
		return d->format->open(d);
	}
	return fail_unknown(head, n);
}

static int open_files(struct dump *d, const char *const *paths, size_t n)
{
	d->files = calloc(n, sizeof(struct bytes *));
	if (!d->files)
		return sonde_fail(-ENOMEM, "out of memory");
	for (; d->n_files < n; d->n_files++) {
		int r = layers_open(paths[d->n_files], &d->files[d->n_files]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What its files say of how they were packed, and whether they are whole. */
static int tell_files(struct dump *d)
{
	for (size_t i = 0; i < d->n_files; i++) {
		const struct bytes *f = d->files[i];

		if (f->packing)
			d->about.unpacked = f->packing;
		d->about.unpacked_size += f->spilled;
		d->about.live |= f->live;
		if (f->device)
			d->about.device = f->device;
		if (!f->cut)
			continue;
		// That is why whatever else is missing.
		free(d->cut);
		d->cut = NULL;
		int r = format_say_cut(d, "%s", f->cut);
		if (r < 0)
			return r;
	}
	return 0;
}

int dump_open(const char *const *paths, size_t n_paths, struct dump **ret)
{
	if (!n_paths || n_paths > MOST_FILES)
		return sonde_fail(-EINVAL, "%zu files, wanted 1 to %d", n_paths, MOST_FILES);
	sonde_auto(dump_closep) struct dump *d = calloc(1, sizeof(*d));
	if (!d)
		return sonde_fail(-ENOMEM, "out of memory");

	d->about.page_size = 4096;
	int r = open_files(d, paths, n_paths);
	if (r < 0)
		return r;
	r = find_format(d);
	if (r < 0)
		return sonde_wrap(r, "'%s'", paths[0]);

	r = tell_files(d);
	if (r == 0)
		r = page_cache_new(d->about.page_size, &d->cache);
	if (r < 0)
		return r;
	*ret = sonde_take(d);
	return 0;
}

int format_say_cut(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	if (d->cut)
		return 0;
	va_start(ap, fmt);
	int n = vasprintf(&d->cut, fmt, ap);
	va_end(ap);
	if (n < 0) {
		d->cut = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	d->about.cut = d->cut;
	return 0;
}

const char *format_method_name(enum place_method method)
{
	static const char *const names[] = { "none", "zlib", "lzo", "snappy", "zstd" };

	return names[method];
}

bool dump_left_out(const struct dump *d, uint64_t pa)
{
	struct place p;

	return d->format->left_out && d->format->find(d, pa, &p) == -ENODATA &&
	       d->format->left_out(d, pa);
}

uint64_t dump_count_left_out(const struct dump *d)
{
	return d->format->count_left_out ? d->format->count_left_out(d) : 0;
}

void dump_describe(const struct dump *d, char *ret, size_t cap)
{
	const struct dump_about *a = &d->about;
	const uint64_t left_out = a->origin ? 0 : dump_count_left_out(d);
	char more[96] = "", level[32] = "";

	if (left_out && a->level)
		(void)snprintf(level, sizeof(level), " (level %u)", a->level);
	if (left_out)
		(void)snprintf(more, sizeof(more),
			       "; %" PRIu64 " more were left out when it was written%s", left_out,
			       level);
	if (a->origin)
		(void)snprintf(ret, cap, "%s", a->origin);
	else
		(void)snprintf(ret, cap, "%s, %" PRIu64 " pages%s%s%s%s", a->format, a->pages_held,
			       more, a->live ? "; live: values may change while they are read" : "",
			       a->cut ? "; " : "", a->cut ? a->cut : "");
}

void dump_watch(struct dump *d, struct touched *t)
{
	d->touched = t;
}

struct touched *dump_watched(const struct dump *d)
{
	return d->touched;
}

void format_note_read(const struct dump *d, uint64_t pa, uint64_t len)
{
	if (__builtin_expect(d->touched != NULL, 0))
		touched_add(d->touched, pa, len);
}

static int fail_missing(const struct dump *d, uint64_t pa)
{
	return sonde_fail(-ENODATA, "physical address 0x%" PRIx64 " %s", pa,
			  dump_left_out(d, pa) ? "was left out when the dump was written"
					       : "is not in the dump");
}

/* Of the packed page at @p that @pa lies in, at most @n bytes from there on. */
static int read_packed(struct dump *d, const struct place *p, uint64_t pa, uint8_t *ret, size_t *n)
{
	size_t skip = pa & (d->about.page_size - 1), most = d->about.page_size - skip;
	struct page_held *held;

	int r = page_cache_get(d->cache, p, &held);
	if (r < 0)
		return sonde_wrap(r, "'%s': page at 0x%" PRIx64, p->file->path, pa - skip);
	*n = *n < most ? *n : most;
	memcpy(ret, held->bytes + skip, *n);
	page_cache_drop(d->cache, held);
	return 0;
}

static int read_raw(const struct place *p, uint8_t *ret, size_t *n)
{
	*n = *n < p->len ? *n : p->len;
	int r = bytes_read(p->file, p->off, ret, *n);
	return r < 0 ? sonde_wrap(r, "'%s'", p->file->path) : 0;
}

/* Where @pa lies; words wherever that fails. */
static int find(const struct dump *d, uint64_t pa, struct place *ret)
{
	int r = d->format->find(d, pa, ret);

	return r == -ENODATA ? fail_missing(d, pa) : r;
}

int dump_read(struct dump *d, uint64_t pa, void *ret, size_t n)
{
	uint8_t *out = ret;

	while (n) {
		size_t some = n;
		struct place p;

		int r = find(d, pa, &p);
		if (r == 0)
			r = p.method == PLACE_RAW ? read_raw(&p, out, &some)
						  : read_packed(d, &p, pa, out, &some);
		if (r < 0)
			return r;
		format_note_read(d, pa, some);
		pa += some;
		out += some;
		n -= some;
		if (n && !pa)
			return fail_missing(d, pa);
	}
	return 0;
}

/* A page that lies in pieces, or in a file that cannot lend. */
static int page_in_pieces(struct dump *d, uint64_t pa, struct dump_page *ret)
{
	struct page_held *h;

	int r = page_cache_own(d->cache, &h);
	if (r < 0)
		return r;
	r = dump_read(d, pa, h->bytes, d->about.page_size);
	if (r < 0) {
		page_cache_drop(d->cache, h);
		return r;
	}
	*ret = (struct dump_page){ .bytes = h->bytes, .hold = h };
	return 0;
}

int dump_page(struct dump *d, uint64_t pa, struct dump_page *ret)
{
	uint32_t size = d->about.page_size;
	struct page_held *held;
	struct place p;

	pa &= ~(uint64_t)(size - 1);
	int r = find(d, pa, &p);
	if (r < 0)
		return r;
	if (p.method == PLACE_RAW) {
		const uint8_t *lent = p.len >= size ? bytes_lend(p.file, p.off, size) : NULL;
		if (!lent)
			return page_in_pieces(d, pa, ret);
		format_note_read(d, pa, size);
		*ret = (struct dump_page){ .bytes = lent };
		return 0;
	}
	r = page_cache_get(d->cache, &p, &held);
	if (r < 0)
		return sonde_wrap(r, "'%s': page at 0x%" PRIx64, p.file->path, pa);
	format_note_read(d, pa, size);
	*ret = (struct dump_page){ .bytes = held->bytes, .hold = held };
	return 0;
}

int dump_begin(struct dump *d, uint64_t pa, void *ret, size_t n)
{
	struct dump_page page;
	struct place p;

	pa &= ~(uint64_t)(d->about.page_size - 1);
	int r = find(d, pa, &p);
	if (r < 0)
		return r;
	if (p.method != PLACE_RAW && page_cache_begin(d->cache, &p, ret, n)) {
		format_note_read(d, pa, d->about.page_size);
		return 0;
	}
	r = dump_page(d, pa, &page);
	if (r < 0)
		return r;
	memcpy(ret, page.bytes, n);
	dump_release(d, &page);
	return 0;
}

uint64_t dump_packed(const struct dump *d, uint64_t pa)
{
	struct place p;

	if (d->format->find(d, pa & ~(uint64_t)(d->about.page_size - 1), &p) < 0)
		return 0;
	return p.method == PLACE_RAW ? d->about.page_size : p.len;
}

void dump_release(struct dump *d, struct dump_page *p)
{
	if (p->hold)
		page_cache_drop(d->cache, p->hold);
	*p = (struct dump_page){ 0 };
}

uint64_t dump_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa)
{
	return d->format->next(d, pa, ret_pa);
}
