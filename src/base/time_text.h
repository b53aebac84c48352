/* SPDX-License-Identifier: MIT */
/** Points in time for people. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <stdint.h>

enum { TIME_TEXT_MOST = 48 };

/** Local date and time where the clock seems to count from 1970, else seconds. */
void time_text(int64_t ns, char *ret);

#endif
