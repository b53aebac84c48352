/* SPDX-License-Identifier: MIT */
/** Distance between words: Levenshtein's with swaps of neighbours (optimal string alignment). */
#include "base/near.h"

#include <string.h>

enum { LONGEST = 64 };

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* One row of the table: from the first @i letters of @a to all beginnings of @b. */
static void fill_row(const char *a, size_t i, const char *b, size_t n_b,
		     unsigned rows[3][LONGEST + 1])
{
	unsigned *row = rows[i % 3];
	const unsigned *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

	row[0] = (unsigned)i;
	for (size_t j = 1; j <= n_b; j++) {
		unsigned changed = above[j - 1] + (a[i - 1] != b[j - 1]);

		row[j] = min(changed, 1 + min(above[j], row[j - 1]));
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = min(row[j], before[j - 2] + 1);
	}
}

unsigned near_distance(const char *word, const char *name)
{
	unsigned rows[3][LONGEST + 1];
	size_t n_word = strlen(word), n_name = strlen(name);

	if (n_word > LONGEST || n_name > LONGEST)
		return NEAR_NOT;
	for (size_t j = 0; j <= n_name; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n_word; i++)
		fill_row(word, i, name, n_name, rows);

	size_t distance = rows[n_word % 3][n_name];
	size_t longer = n_word > n_name ? n_word : n_name;
	return distance * 3 <= longer + 1 ? (unsigned)distance : NEAR_NOT;
}
