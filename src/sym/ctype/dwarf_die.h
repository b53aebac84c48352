/* SPDX-License-Identifier: MIT */
/** Entries of DWARF (DIEs) by number, and their attributes as plain values. */
#ifndef SYM_CTYPE_DWARF_DIE_H
#define SYM_CTYPE_DWARF_DIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "sym/libdw.h"

enum { DWARF_SECTIONS_MOST = 32 };

/** A file's DWARF, with what it shares with others. */
struct dwarf_file {
	Dwarf *dw; /* owned */
	/** Its sections: libdw does not look whether a text ends inside of them. */
	struct {
		const char *begin, *end;
	} sections[DWARF_SECTIONS_MOST];
	size_t n_sections;
};

/**
 * Of the DWARF of @elf, which must outlive it. -EBADMSG: it makes no sense; -ENOTSUP: no libdw.
 * @path is for messages.
 */
SONDE_MUST_CHECK int dwarf_file_open(Elf *elf, const char *path, struct dwarf_file *ret);
void dwarf_file_fini(struct dwarf_file *f);

/** The number of an entry: its offset, and in the highest bits which section and file it is of. */
uint64_t dwarf_die_id(const struct dwarf_file *f, Dwarf_Die *die);

/** The entry of that number; false: there is none. */
bool dwarf_die_of(const struct dwarf_file *f, uint64_t id, Dwarf_Die *ret);

/** Its name, "" where it has none; lent by the file. */
const char *dwarf_die_name(const struct dwarf_file *f, Dwarf_Die *die);
const char *dwarf_die_text(const struct dwarf_file *f, Dwarf_Die *die, unsigned attr);

/** An attribute of its own or of what it stands for; false: there is none of that kind. */
bool dwarf_die_number(Dwarf_Die *die, unsigned attr, uint64_t *ret);
bool dwarf_die_signed(Dwarf_Die *die, unsigned attr, int64_t *ret);
bool dwarf_die_flag(Dwarf_Die *die, unsigned attr);
bool dwarf_die_has(Dwarf_Die *die, unsigned attr);
bool dwarf_die_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *ret);

/** Calls @f for each child until it returns other than 0, which is returned. */
int dwarf_die_children(Dwarf_Die *die, int (*f)(void *arg, Dwarf_Die *child), void *arg);

#endif
