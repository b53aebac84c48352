/* SPDX-License-Identifier: MIT */
/**
 * Walks page tables. Each level takes (page_bits - 3) bits of the address, the top one what is
 * left:
 *
 *     x86-64, 4 levels    63..48 sign | 47..39 | 38..30 | 29..21 | 20..12 | 11..0
 *
 * Sources: Intel SDM volume 3, chapter 4.5; Arm ARM, chapter D8.
 */
#include "crash/space/tables.h"

#include <errno.h>

#include <sonde/err.h>

enum {
	X86_PRESENT = 1 << 0,
	X86_LARGE = 1 << 7,
	X86_PROTNONE = 1 << 8, /* Linux: held, but nobody may touch it */
	ARM_VALID = 1 << 0,
	ARM_TABLE = 1 << 1, /* a table, or a page at the last level; else a block */
};

#define X86_ADDRESS 0x000ffffffffff000ull

int tables_check(const struct space_layout *l)
{
	bool x86 = l->tables == SPACE_X86_64 && l->page_bits == 12 &&
		   (l->va_bits == 48 || l->va_bits == 57);
	bool arm = l->tables == SPACE_ARM64 &&
		   (l->page_bits == 12 || l->page_bits == 14 || l->page_bits == 16) &&
		   l->va_bits >= 36 && l->va_bits <= 52;

	if (x86 || arm)
		return 0;
	return sonde_fail(-EINVAL, "page tables for addresses of %u bits, pages of %u bits",
			  l->va_bits, l->page_bits);
}

static uint64_t low_bits(unsigned n)
{
	return (1ull << n) - 1;
}

/* Reads one entry: 0 and what it points to; 1: it is a page of 1 << @shift bytes. */
static int x86_entry(const struct space_layout *l, uint64_t e, unsigned shift, uint64_t *ret)
{
	uint64_t bits = X86_ADDRESS & ~l->clear_mask;
	bool last = shift == 12;

	if (last && (e & (X86_PRESENT | X86_PROTNONE)) == X86_PROTNONE)
		e = ~e | X86_PRESENT; // kept inverted, against speculative reads
	if (!(e & X86_PRESENT))
		return -EFAULT;
	*ret = e & bits;
	return last || ((e & X86_LARGE) && shift <= 30);
}

static int arm_entry(const struct space_layout *l, uint64_t e, unsigned shift, uint64_t *ret)
{
	bool last = shift == l->page_bits;
	uint64_t pa = e & low_bits(48) & ~low_bits(l->page_bits);

	// What nobody may touch is held too: a page of mmap(PROT_NONE), or one that is on the move.
	if (!(e & ARM_VALID) && !(e & l->held_mask))
		return -EFAULT;
	if (last && !(e & ARM_TABLE))
		return -EFAULT;
	if (l->pa_52 && l->page_bits == 16)
		pa |= (e >> 12 & 0xf) << 48;
	else if (l->pa_52)
		pa = (e & low_bits(50) & ~low_bits(l->page_bits)) | (e >> 8 & 3) << 50;
	*ret = pa;
	return last || !(e & ARM_TABLE);
}

/* x86-64 wants the bits above to be copies of the highest one; arm64 has a table for each half. */
static bool is_translated(const struct space_layout *l, uint64_t va)
{
	if (l->tables == SPACE_ARM64)
		return va >> l->va_bits == (l->upper ? UINT64_MAX >> l->va_bits : 0);
	uint64_t sign = va >> (l->va_bits - 1);
	return !sign || sign == UINT64_MAX >> (l->va_bits - 1);
}

int tables_walk(struct dump *d, const struct space_layout *l, uint64_t va, uint64_t *ret_pa,
		uint64_t *ret_len)
{
	const unsigned step = l->page_bits - 3;
	unsigned levels = (l->va_bits - l->page_bits + step - 1) / step;
	uint64_t table = l->root;

	if (!is_translated(l, va))
		return -EFAULT;
	va &= low_bits(l->va_bits);
	while (levels--) {
		unsigned shift = l->page_bits + levels * step;
		uint64_t index = va >> shift & low_bits(step), entry;

		int r = dump_read(d, table + index * 8, &entry, sizeof(entry));
		if (r < 0)
			return r;
		r = l->tables == SPACE_X86_64 ? x86_entry(l, entry, shift, &table)
					      : arm_entry(l, entry, shift, &table);
		if (r < 0)
			return r;
		if (r) {
			*ret_pa = (table & ~low_bits(shift)) | (va & low_bits(shift));
			*ret_len = (1ull << shift) - (va & low_bits(shift));
			return 0;
		}
	}
	return -EFAULT;
}
