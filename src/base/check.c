/* SPDX-License-Identifier: MIT */
/** Ends the process when an assertion does not hold. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *cond)
{
	fprintf(stderr, "sonde: %s:%d: assertion failed: %s\n", file, line, cond);
	abort();
}
