/* SPDX-License-Identifier: MIT */
/**
 * Source lines of code, and the calls that a compiler put inline there, out of DWARF.
 *
 * Files are mapped and units read when an address of theirs is asked for: one frame of a kernel
 * with 600 MB of debug information costs a few megabytes.
 */
#ifndef SYM_LINES_LINES_H
#define SYM_LINES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"
#include "sym/build_id.h"

enum { LINES_DEPTH = 32 };

struct lines;

/** One function that an address is in. */
struct line_frame {
	const char *function; /* NULL: not known */
	const char *file;     /* NULL: not known; below the folder that it was built in */
	unsigned line;
	bool is_inlined; /* into the next one */
};

/** Where the parts of a file that is not linked, as a kernel's module, were put. */
struct lines_sections {
	/** False: it was not loaded, or not known. */
	bool (*address)(void *arg, const char *section, uint64_t *ret);
	void *arg;
};

/**
 * Opens @path, or its separate debug file if it has no DWARF itself. @sections: may be NULL for a
 * file that is linked. -ENOENT: it has none; -EBADMSG: no ELF file, or DWARF that makes no sense.
 */
SONDE_MUST_CHECK int lines_open(const char *path, const struct lines_sections *sections,
				struct lines **ret);
void lines_free(struct lines *l);
SONDE_DEFINE_AUTO(struct lines *, lines_free)

/** The build-id of the file that was opened. */
const struct build_id *lines_id(const struct lines *l);

/**
 * What is known of the address, as the file has it: the innermost function first, each behind it
 * the one that it was put into, and where. Returns how many of @cap were filled; 0: nothing is
 * known. Text is lent until lines_free().
 */
size_t lines_at(struct lines *l, uint64_t addr, struct line_frame *ret, size_t cap);

#endif
