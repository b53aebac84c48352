/* SPDX-License-Identifier: MIT */
/** Memory of open leaves. */
#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "state/store_state.h"

int chunks_take(struct chunks *c, uint32_t *ret)
{
	const size_t len = (size_t)STORE_PIECE * STORE_CHUNK * sizeof(uint64_t);

	if (c->free) {
		*ret = c->free - 1;
		c->free = (uint32_t)*chunk_at(c, *ret);
		return 0;
	}
	if (c->n == UINT32_MAX)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	if (c->n / STORE_PIECE == c->n_pieces) {
		int r = mem_grow(&c->pieces, &c->cap_pieces, c->n_pieces + 1);
		void *piece = r < 0 ? NULL : aligned_alloc(STORE_CHUNK * sizeof(uint64_t), len);

		if (!piece)
			return sonde_fail(-ENOMEM, "out of memory for the index");
		c->pieces[c->n_pieces++] = piece;
	}
	*ret = c->n++;
	return 0;
}

void chunks_give(struct chunks *c, uint32_t i)
{
	*chunk_at(c, i) = c->free;
	c->free = i + 1;
}

void chunks_fini(struct chunks *c)
{
	for (size_t i = 0; i < c->n_pieces; i++)
		free(c->pieces[i]);
	free(c->pieces);
	*c = (struct chunks){ .pieces = NULL };
}
