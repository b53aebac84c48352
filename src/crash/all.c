/* SPDX-License-Identifier: MIT */
/** All systems whose dumps are understood. */
#include <stddef.h>

#include "crash/core.h"
#include "crash/freebsd/freebsd.h"
#include "crash/linux/linux.h"

const struct crash_system *const crash_systems[] = { &crash_linux, &crash_freebsd, NULL };
