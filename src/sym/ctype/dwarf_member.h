/* SPDX-License-Identifier: MIT */
/** Where members of DWARF's structs lie. */
#ifndef SYM_CTYPE_DWARF_MEMBER_H
#define SYM_CTYPE_DWARF_MEMBER_H

#include <stdbool.h>

#include "sym/ctype.h"
#include "sym/libdw.h"

/** Whether the child of a struct is a member in each of its objects. */
bool dwarf_is_member(Dwarf_Die *die);

/** Fills the place in @ret. False: it has no fixed place. */
bool dwarf_member_place(Dwarf_Die *die, struct cmember *ret);

/** Elements of one dimension of an array; 0: not known. */
uint64_t dwarf_dimension(Dwarf_Die *subrange);

#endif
