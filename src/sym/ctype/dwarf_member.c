/* SPDX-License-Identifier: MIT */
/** Reads places of members in the ways that DWARF 2 to 5 tell them. */
#include "sym/ctype/dwarf_member.h"

#include <dwarf.h>

#include "sym/ctype/dwarf_die.h"

bool dwarf_is_member(Dwarf_Die *die)
{
	int tag = libdw()->dwarf_tag(die);

	// Static members of classes are declared, and defined elsewhere.
	if (tag == DW_TAG_member)
		return !dwarf_die_flag(die, DW_AT_external) &&
		       !dwarf_die_flag(die, DW_AT_declaration);
	return tag == DW_TAG_inheritance;
}

/* Bytes from the begin of the struct: a number, or the one operation that adds one. */
static bool byte_off(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Op *ops;
	size_t n;

	*ret = 0;
	if (!libdw()->dwarf_attr(die, DW_AT_data_member_location, &a))
		return true;
	if (dwarf_die_number(die, DW_AT_data_member_location, ret))
		return true;
	if (libdw()->dwarf_getlocation(&a, &ops, &n) != 0 || n != 1 ||
	    ops[0].atom != DW_OP_plus_uconst)
		return false; // a virtual base
	*ret = ops[0].number;
	return true;
}

/* Bytes of the unit that DW_AT_bit_offset counts from the end of. */
static uint64_t unit_len(Dwarf_Die *die)
{
	Dwarf_Die type;
	Dwarf_Word len = 0;
	uint64_t own;

	if (dwarf_die_number(die, DW_AT_byte_size, &own))
		return own;
	if (dwarf_die_ref(die, DW_AT_type, &type) &&
	    libdw()->dwarf_aggregate_size(&type, &len) == 0)
		return len;
	return 0;
}

bool dwarf_member_place(Dwarf_Die *die, struct cmember *ret)
{
	uint64_t off, bits = 0, bit_off = 0;

	if (!byte_off(die, &off) || off > UINT64_MAX / 8)
		return false;
	ret->bit_off = off * 8;
	ret->bit_size = 0;
	if (!dwarf_die_number(die, DW_AT_bit_size, &bits) || !bits || bits > 128)
		return true;
	ret->bit_size = (uint32_t)bits;
	if (dwarf_die_number(die, DW_AT_data_bit_offset, &bit_off)) {
		ret->bit_off = bit_off;
	} else if (dwarf_die_number(die, DW_AT_bit_offset, &bit_off)) {
		// Counted from the highest bit, also where bytes begin with the lowest.
		uint64_t unit = unit_len(die) * 8;

		if (bit_off > unit || bits > unit - bit_off)
			return false;
		ret->bit_off += unit - bit_off - bits;
	}
	return true;
}

uint64_t dwarf_dimension(Dwarf_Die *subrange)
{
	uint64_t n = 0, lower = 0;

	if (dwarf_die_number(subrange, DW_AT_count, &n))
		return n;
	// Without an end, or one of -1, the array is open.
	if (!dwarf_die_number(subrange, DW_AT_upper_bound, &n) || n >= INT64_MAX)
		return 0;
	(void)dwarf_die_number(subrange, DW_AT_lower_bound, &lower);
	return n >= lower ? n - lower + 1 : 0;
}
