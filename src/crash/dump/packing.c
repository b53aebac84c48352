/* SPDX-License-Identifier: MIT */
/** Which packings there are. */
#include "crash/dump/packing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct packing *const all[] = {
#ifdef HAVE_BZIP2
	&packing_bzip2,
#endif
#ifdef HAVE_GZIP
	&packing_gzip,
#endif
#ifdef HAVE_XZ
	&packing_xz,
#endif
	&packing_zstd,	NULL,
};

void packing_parts_fini(struct packing_parts *p)
{
	free(p->units);
	free(p->cut);
	mem_closep(&p->before);
	*p = (struct packing_parts){ .before = -1 };
}

const struct packing *packing_of(const uint8_t *head, size_t n)
{
	for (size_t i = 0; all[i]; i++) {
		if (n >= all[i]->n_magic && !memcmp(head, all[i]->magic, all[i]->n_magic))
			return all[i];
	}
	return NULL;
}
