/* SPDX-License-Identifier: MIT */
/** Growing arrays. */
#include "base/mem.h"

#include <errno.h>

#include <sonde/err.h>

#undef mem_grow_
int mem_grow_(void **arr, size_t *cap, size_t n, size_t size)
{
	if (n <= *cap)
		return 0;

	size_t want = *cap < 8 ? 8 : *cap;
	while (want < n) {
		if (!mem_mul(want, 2, &want))
			return sonde_fail(-ENOMEM, "out of memory: %zu elements wanted", n);
	}

	size_t len;
	void *p = mem_mul(want, size, &len) ? realloc(*arr, len) : NULL;
	if (!p)
		return sonde_fail(-ENOMEM, "out of memory: %zu elements wanted", n);
	*arr = p;
	*cap = want;
	return 0;
}
