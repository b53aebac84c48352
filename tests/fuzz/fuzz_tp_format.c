/* SPDX-License-Identifier: MIT */
/** Fuzzes the parser of event formats. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sym/probe/tp_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena a = { .limit = 1 << 24 };
	struct tp_format f;

	if (tp_format_parse(&a, NULL, (const char *)data, len, &f) == 0 && !f.n_fields)
		abort();
	arena_fini(&a);
	return 0;
}
