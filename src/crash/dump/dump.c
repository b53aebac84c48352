/* SPDX-License-Identifier: MIT */
/** Opening dumps of all formats, and reading what they hold. */
#include "crash/dump/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/format.h"

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
	free(d->names);
	free(d);
}

const struct dump_about *dump_about(const struct dump *d)
{
	return &d->about;
}

/* Names what was found instead: its first bytes, as text where they are. */
static int fail_unknown(const uint8_t *head, size_t n)
{
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
		int r = bytes_open(paths[d->n_files], &d->files[d->n_files]);
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

	for (size_t i = 0; i < n_paths; i++) {
		if (d->files[i]->packing)
			d->about.unpacked = d->files[i]->packing;
		d->about.unpacked_size += d->files[i]->spilled;
		if (!d->about.cut)
			d->about.cut = d->files[i]->cut;
	}
	*ret = sonde_take(d);
	return 0;
}

static int fail_missing(uint64_t pa)
{
	return sonde_fail(-ENODATA, "physical address 0x%" PRIx64 " is not in the dump", pa);
}

int dump_read(struct dump *d, uint64_t pa, void *ret, size_t n)
{
	uint8_t *out = ret;

	while (n) {
		struct place p;

		int r = d->format->find(d, pa, &p);
		if (r < 0)
			return r == -ENODATA ? fail_missing(pa) : r;
		size_t some = p.len < n ? p.len : n;
		r = bytes_read(p.file, p.off, out, some);
		if (r < 0)
			return sonde_wrap(r, "'%s'", p.file->path);
		pa += some;
		out += some;
		n -= some;
		if (n && !pa)
			return fail_missing(pa);
	}
	return 0;
}

int dump_page(struct dump *d, uint64_t pa, struct dump_page *ret)
{
	uint32_t size = d->about.page_size;
	struct place p;

	pa &= ~(uint64_t)(size - 1);
	int r = d->format->find(d, pa, &p);
	if (r < 0)
		return r == -ENODATA ? fail_missing(pa) : r;
	const uint8_t *lent = p.len >= size ? bytes_lend(p.file, p.off, size) : NULL;
	if (lent) {
		*ret = (struct dump_page){ .bytes = lent };
		return 0;
	}
	sonde_auto(mem_freep) uint8_t *copy = malloc(size);
	if (!copy)
		return sonde_fail(-ENOMEM, "out of memory");
	r = dump_read(d, pa, copy, size);
	if (r < 0)
		return r;
	*ret = (struct dump_page){ .bytes = copy, .hold = copy };
	sonde_take(copy);
	return 0;
}

void dump_release(struct dump *d, struct dump_page *p)
{
	(void)d;
	free(p->hold);
	*p = (struct dump_page){ 0 };
}

uint64_t dump_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa)
{
	return d->format->next(d, pa, ret_pa);
}
