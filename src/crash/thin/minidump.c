/* SPDX-License-Identifier: MIT */
/** A thin FreeBSD minidump: of the same version, with fewer bits in its bitmap. */
#include "crash/dump/minidump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/format.h"
#include "crash/thin/file.h"

enum { PAGE = 4096 };

static bool can(const struct thin_file *f)
{
	return dump_is_minidump(f->dump);
}

/* Puts a part at a page's begin, and its padding behind it. */
static int put_part(struct thin_file *f, const uint8_t *data, uint64_t len)
{
	uint64_t end = (f->len + len + PAGE - 1) & ~(uint64_t)(PAGE - 1);

	int r = len ? thin_put(f, f->len, data, len) : 0;
	f->len = end;
	return r;
}

static int put_head(struct thin_file *f, const struct minidump_parts *p)
{
	uint8_t head[PAGE];
	char words[PAGE - MINIDUMP_ORIGIN - sizeof(DUMP_THIN_NOTE)];
	uint32_t len = (uint32_t)(p->asked_messages ? p->messages_len : 0);

	memcpy(head, p->head, PAGE);
	memcpy(head + MINIDUMP_MESSAGES_LEN, &len, sizeof(len));
	dump_describe(f->dump, words, sizeof(words));
	memset(head + MINIDUMP_ORIGIN, 0, PAGE - MINIDUMP_ORIGIN);
	memcpy(head + MINIDUMP_ORIGIN, DUMP_THIN_NOTE, sizeof(DUMP_THIN_NOTE));
	memcpy(head + MINIDUMP_ORIGIN + sizeof(DUMP_THIN_NOTE), words, strlen(words));
	return put_part(f, head, PAGE);
}

static int put_bitmap(struct thin_file *f, const struct minidump_parts *p)
{
	sonde_auto(mem_freep) uint8_t *bits = calloc(1, p->bits_len + 1);
	uint64_t bit = 0;

	if (!bits)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < f->n_pages; i++) {
		if (minidump_bit(f->dump, f->pages[i] * PAGE, &bit) && bit / 8 < p->bits_len)
			bits[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return put_part(f, bits, p->bits_len);
}

/* The last page of a dump whose file was cut may be there in part: it is the last here too. */
static int put_page(struct thin_file *f, uint64_t pa)
{
	uint8_t bytes[PAGE];
	uint64_t at = pa, len = dump_next(f->dump, pa, &at);

	if (!len || at != pa)
		return sonde_fail(-ENODATA, "a page that was read is gone");
	int r = dump_read(f->dump, pa, bytes, PAGE);
	if (r == 0)
		return thin_put(f, f->len, bytes, PAGE);
	size_t n = 0;
	while (n < PAGE && dump_read(f->dump, pa + n, bytes + n, 1) == 0)
		n++;
	return thin_put(f, f->len, bytes, n);
}

static int write_minidump(struct thin_file *f)
{
	struct minidump_parts p;

	minidump_parts(f->dump, &p);
	int r = put_head(f, &p);
	if (r == 0)
		r = put_part(f, p.messages, p.asked_messages ? p.messages_len : 0);
	if (r == 0)
		r = put_part(f, p.ranges, p.ranges_len);
	if (r == 0)
		r = put_bitmap(f, &p);
	if (r == 0)
		r = put_part(f, p.map, p.map_len);
	for (size_t i = 0; r == 0 && i < f->n_pages; i++)
		r = put_page(f, f->pages[i] * PAGE);
	return r;
}

const struct thin_format thin_minidump = {
	.name = "FreeBSD minidump",
	.can = can,
	.write = write_minidump,
};
