/* SPDX-License-Identifier: MIT */
/** Which processes of a tree are shown, one a row, and what their time looks like in columns. */
#ifndef ANALYSIS_BOOT_ROWS_H
#define ANALYSIS_BOOT_ROWS_H

#include "analysis/boot/tree.h"

enum { BOOT_NAMES_MOST = 64 };

struct boot_row {
	uint32_t process; /* BOOT_NONE: all that is hidden below .parent's row */
	uint32_t parent;  /* row, or BOOT_NONE */
	uint32_t depth;
	size_t n_hidden;
	int64_t begin_ns, end_ns;
	int64_t ns[BOOT_N_SHADES], path_ns;
};

/** All zero is an empty one. */
struct boot_rows {
	struct boot_row *all; /* owned */
	size_t n;
	uint32_t *of; /* owned: by process the row that it is in, or BOOT_NONE */
	size_t n_hidden;
};

void boot_rows_fini(struct boot_rows *r);

/**
 * Those inside, and those on the critical path, in the order of the tree; if these are more than
 * @most (0: any number), the ones of least consequence of each parent share a row. -ENOMEM.
 */
SONDE_MUST_CHECK int boot_rows_make(const struct boot_tree *t, size_t most, struct boot_rows *ret);

/** One column of a row: how much of its time went to what; all threads together. */
struct boot_cell {
	int64_t ns[BOOT_N_SHADES];
};

/** Fills @n cells of equal parts of [begin_ns, end_ns). */
void boot_cells(const struct boot_tree *t, const struct boot_rows *rows, uint32_t row,
		int64_t begin_ns, int64_t end_ns, struct boot_cell *cells, size_t n);

/** Where column @i of @n begins. */
int64_t boot_column(int64_t begin_ns, int64_t end_ns, size_t i, size_t n);

/** Spreads [from_ns, to_ns) over columns: adds to cells[].ns[shade]. */
void boot_spread(int64_t begin_ns, int64_t end_ns, int64_t from_ns, int64_t to_ns,
		 enum boot_shade shade, struct boot_cell *cells, size_t n);

#endif
