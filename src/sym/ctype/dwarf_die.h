/* SPDX-License-Identifier: MIT */
/** Entries of DWARF (DIEs) by number, and their attributes as plain values. */
#ifndef SYM_CTYPE_DWARF_DIE_H
#define SYM_CTYPE_DWARF_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/** The number of an entry: its offset, and in the highest bits which section and file it is of. */
uint64_t dwarf_die_id(Dwarf *dw, Dwarf_Die *die);

/** The entry of that number; false: there is none. */
bool dwarf_die_of(Dwarf *dw, uint64_t id, Dwarf_Die *ret);

/** Its name, "" where it has none; lent by the file. */
const char *dwarf_die_name(Dwarf_Die *die);

/** An attribute of its own or of what it stands for; false: there is none of that kind. */
bool dwarf_die_number(Dwarf_Die *die, unsigned attr, uint64_t *ret);
bool dwarf_die_signed(Dwarf_Die *die, unsigned attr, int64_t *ret);
bool dwarf_die_flag(Dwarf_Die *die, unsigned attr);
bool dwarf_die_has(Dwarf_Die *die, unsigned attr);
const char *dwarf_die_text(Dwarf_Die *die, unsigned attr);
bool dwarf_die_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *ret);

/** Calls @f for each child until it returns other than 0, which is returned. */
int dwarf_die_children(Dwarf_Die *die, int (*f)(void *arg, Dwarf_Die *child), void *arg);

#endif
