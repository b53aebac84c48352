/* SPDX-License-Identifier: MIT */
/** A second unit, whose static function has the name of one in the first. */
#include "subject.h"

#if defined(__clang__)
#define KEEP __attribute__((noinline, used))
#else
#define KEEP __attribute__((noinline, noclone, used, noipa))
#endif

int subject_more(int n);

static KEEP int twin(int n)
{
	return n * 5;
}

KEEP int subject_more(int n)
{
	return twin(n) + 1;
}
