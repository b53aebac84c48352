/* SPDX-License-Identifier: MIT */
/** Reads entries with libdw. */
#include "sym/ctype/dwarf_die.h"

#include <dwarf.h>
#include <stddef.h>

#define IN_TYPES (1ull << 63) /* of .debug_types */
#define IN_ALT	 (1ull << 62) /* of the file that several programs share */

uint64_t dwarf_die_id(Dwarf *dw, Dwarf_Die *die)
{
	Dwarf_Half version = 0;
	uint8_t unit = 0;
	uint64_t id = dwarf_dieoffset(die) & ~(IN_TYPES | IN_ALT);

	if (dwarf_cu_info(die->cu, &version, &unit, NULL, NULL, NULL, NULL, NULL) == 0 &&
	    version < 5 && unit == DW_UT_type)
		id |= IN_TYPES;
	return dwarf_cu_getdwarf(die->cu) == dw ? id : id | IN_ALT;
}

bool dwarf_die_of(Dwarf *dw, uint64_t id, Dwarf_Die *ret)
{
	uint64_t off = id & ~(IN_TYPES | IN_ALT);

	if (id & IN_ALT)
		dw = dwarf_getalt(dw);
	if (!dw)
		return false;
	return id & IN_TYPES ? dwarf_offdie_types(dw, off, ret) : dwarf_offdie(dw, off, ret);
}

const char *dwarf_die_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "";
}

bool dwarf_die_number(Dwarf_Die *die, unsigned attr, uint64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!dwarf_attr_integrate(die, attr, &a) || dwarf_formudata(&a, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool dwarf_die_signed(Dwarf_Die *die, unsigned attr, int64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Sword v;

	if (!dwarf_attr_integrate(die, attr, &a) || dwarf_formsdata(&a, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool dwarf_die_flag(Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;
	bool flag = false;

	// Only its own: what a definition completes is a declaration.
	return dwarf_attr(die, attr, &a) && dwarf_formflag(&a, &flag) == 0 && flag;
}

bool dwarf_die_has(Dwarf_Die *die, unsigned attr)
{
	return dwarf_hasattr(die, attr) != 0;
}

const char *dwarf_die_text(Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;

	return dwarf_attr_integrate(die, attr, &a) ? dwarf_formstring(&a) : NULL;
}

bool dwarf_die_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *ret)
{
	Dwarf_Attribute a;

	return dwarf_attr_integrate(die, attr, &a) && dwarf_formref_die(&a, ret);
}

int dwarf_die_children(Dwarf_Die *die, int (*f)(void *arg, Dwarf_Die *child), void *arg)
{
	Dwarf_Die child;
	int r = 0;

	if (dwarf_child(die, &child) != 0)
		return 0;
	do
		r = f(arg, &child);
	while (!r && dwarf_siblingof(&child, &child) == 0);
	return r;
}
