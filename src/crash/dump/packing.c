/* SPDX-License-Identifier: MIT */
/** Which packings there are. */
#include "crash/dump/packing.h"

#include <string.h>

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

const struct packing *packing_of(const uint8_t *head, size_t n)
{
	for (size_t i = 0; all[i]; i++) {
		if (n >= all[i]->n_magic && !memcmp(head, all[i]->magic, all[i]->n_magic))
			return all[i];
	}
	return NULL;
}
