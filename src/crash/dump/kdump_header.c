/* SPDX-License-Identifier: MIT */
/** The two headers of kdump-compressed files. */
#include "crash/dump/kdump_header.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/err.h>

/*
 * The header is a C struct of the dumped kernel's own compiler: behind the machine's names stands a
 * struct timeval, so that all that follows lies elsewhere on 32 bits. The sub-header is made of
 * longs and 64-bit offsets, likewise, and has grown with each version.
 */
enum { NAMES = 12, NAME = 65, MACHINE = NAMES + 4 * NAME, HEADER = 472, SUB = 120 };

/** Where the fields behind the time are. */
struct layout {
	unsigned time, status, block_size, sub_size, bitmap_blocks, max_mapnr;
};
static const struct layout layout_64 = { 408, 424, 428, 432, 436, 440 };
static const struct layout layout_32 = { 404, 412, 416, 420, 424, 428 };

/** Where the sub-header's fields are; each since a version. */
struct sub_layout {
	unsigned word; /* bytes of a long */
	unsigned split, begin, end, info, info_size, notes, notes_size, begin_64, end_64, pages_64;
};
static const struct sub_layout sub_64 = { 8, 12, 16, 24, 32, 40, 48, 56, 80, 88, 96 };
static const struct sub_layout sub_32 = { 4, 8, 12, 16, 20, 28, 32, 40, 56, 64, 72 };

static uint32_t u32_at(const uint8_t *p, unsigned off)
{
	uint32_t v;

	memcpy(&v, p + off, sizeof(v));
	return le32toh(v);
}

static uint64_t u64_at(const uint8_t *p, unsigned off)
{
	uint64_t v;

	memcpy(&v, p + off, sizeof(v));
	return le64toh(v);
}

static bool is_block_size(uint32_t n)
{
	return n >= 4096 && n <= 65536 && !(n & (n - 1));
}

static int arch_of(const uint8_t *head, struct kdump_header *h)
{
	static const struct {
		const char *name;
		enum dump_arch arch;
	} machines[] = {
		{ "x86_64", DUMP_X86_64 }, { "aarch64", DUMP_AARCH64 }, { "riscv64", DUMP_RISCV64 },
		{ "i686", DUMP_I386 },	   { "i586", DUMP_I386 },	{ "i486", DUMP_I386 },
		{ "i386", DUMP_I386 },
	};
	char name[NAME + 1] = { 0 };

	memcpy(name, head + MACHINE, NAME);
	for (size_t i = 0; i < MEM_LEN(machines); i++) {
		if (!strcmp(name, machines[i].name)) {
			h->arch = machines[i].arch;
			h->has_arch = true;
			return 0;
		}
	}
	if (!strcmp(name, "Unknown"))
		return 0;
	return sonde_fail(-ENOTSUP,
			  "is of a machine '%s'; x86_64, aarch64, riscv64 and i386 can be "
			  "read",
			  name);
}

static void read_sub(const uint8_t *sub, const struct sub_layout *l, struct kdump_header *h)
{
	bool is_64 = l->word == 8;
	uint32_t v = h->version;

	h->phys_base = is_64 ? u64_at(sub, 0) : u32_at(sub, 0);
	if (v >= 1)
		h->level = u32_at(sub, l->word);
	h->end = h->pages;
	if (v >= 2)
		h->split = u32_at(sub, l->split) != 0;
	if (v >= 3) {
		h->info = u64_at(sub, l->info);
		h->info_size = is_64 ? u64_at(sub, l->info_size) : u32_at(sub, l->info_size);
	}
	if (v >= 4) {
		h->notes = u64_at(sub, l->notes);
		h->notes_size = is_64 ? u64_at(sub, l->notes_size) : u32_at(sub, l->notes_size);
	}
	if (v >= 6 && u64_at(sub, l->pages_64))
		h->end = h->pages = u64_at(sub, l->pages_64);
	if (!h->split)
		return;
	h->begin = is_64 ? u64_at(sub, l->begin) : u32_at(sub, l->begin);
	h->end = is_64 ? u64_at(sub, l->end) : u32_at(sub, l->end);
	if (v >= 6) {
		h->begin = u64_at(sub, l->begin_64);
		h->end = u64_at(sub, l->end_64);
	}
}

/* Where bitmap and descriptors are. Dumps without filtering may have one bitmap only. */
static int find_bitmap(const uint8_t *head, const struct layout *l, struct kdump_header *h)
{
	uint64_t size = h->block_size, blocks = u32_at(head, l->bitmap_blocks);
	uint64_t first = (1 + (uint64_t)u32_at(head, l->sub_size)) * size;
	uint64_t of_one = h->pages / (size * 8) + (h->pages % (size * 8) != 0);

	if (!h->pages)
		return sonde_fail(-EBADMSG, "says that its machine has no memory");
	bool two = blocks / 2 >= of_one;
	h->bitmap_len = (two ? blocks / 2 : blocks) * size;
	h->bitmap = first + (two ? h->bitmap_len : 0);
	h->had = two ? first : 0;
	h->descs = first + blocks * size;
	if (!h->bitmap_len)
		return sonde_fail(-EBADMSG, "has no bitmap of its pages");
	return 0;
}

int kdump_header_read(struct bytes *f, struct kdump_header *ret)
{
	uint8_t head[HEADER], sub[SUB];
	struct kdump_header h = { 0 };

	int r = bytes_read(f, 0, head, sizeof(head));
	if (r < 0)
		return sonde_wrap(r, "header");
	if (memcmp(head, "KDUMP   ", 8) != 0)
		return sonde_fail(-EINVAL, "is no kdump file");
	h.version = u32_at(head, 8);
	h.is_linux = !memcmp(head + NAMES, "Linux", 6);
	bool is_64 = is_block_size(u32_at(head, layout_64.block_size));
	const struct layout *l = is_64 ? &layout_64 : &layout_32;
	h.status = u32_at(head, l->status);
	h.block_size = u32_at(head, l->block_size);
	h.pages = u32_at(head, l->max_mapnr);
	memcpy(h.id, head + l->time, is_64 ? 16 : 8);
	if (!is_block_size(h.block_size))
		return sonde_fail(-EBADMSG, "header has blocks of %u bytes, wanted 4096 to 65536",
				  u32_at(head, layout_64.block_size));
	r = arch_of(head, &h);
	if (r < 0)
		return r;
	r = bytes_read(f, h.block_size, sub, sizeof(sub));
	if (r < 0)
		return sonde_wrap(r, "sub-header");
	read_sub(sub, is_64 ? &sub_64 : &sub_32, &h);
	r = find_bitmap(head, l, &h);
	if (r < 0)
		return r;
	*ret = h;
	return 0;
}
