/* SPDX-License-Identifier: MIT */
/** A program or library as it will be loaded, and its separate debug file. */
#ifndef SYM_PROBE_ELF_IMAGE_H
#define SYM_PROBE_ELF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "sym/build_id.h"

enum { ELF_LOADS_MOST = 64 };

struct elf_image {
	Elf *elf;   /* owned */
	int fd;	    /* owned */
	char *path; /* owned */
	bool is_mapped;
	GElf_Ehdr header;
	struct build_id id;
	struct elf_load {
		uint64_t off, len, vaddr;
		bool is_code;
	} loads[ELF_LOADS_MOST];
	size_t n_loads;
};

/** Opens a file. Its errno; -EBADMSG: no ELF file. */
SONDE_MUST_CHECK int elf_image_open(const char *path, struct elf_image *ret);
/** The same of a file that nobody is expected to shorten meanwhile: it takes no memory of ours. */
SONDE_MUST_CHECK int elf_image_open_mapped(const char *path, struct elf_image *ret);
void elf_image_fini(struct elf_image *m);

/** Opens the separate debug file, found by build-id or by .gnu_debuglink. -ENOENT: there is none.
 */
SONDE_MUST_CHECK int elf_image_open_debug(const struct elf_image *m, struct elf_image *ret);

/** Goes on to its separate debug file if it has no DWARF itself. -ENOENT, without words: that has
 * none either. */
SONDE_MUST_CHECK int elf_image_to_dwarf(struct elf_image *m);

/** Where an address lies in the file; false: it is not of the file. */
bool elf_image_off(const struct elf_image *m, uint64_t vaddr, bool is_code, uint64_t *ret);

/** The section of that name; NULL: there is none. */
Elf_Scn *elf_image_section(const struct elf_image *m, const char *name, GElf_Shdr *ret);

#endif
