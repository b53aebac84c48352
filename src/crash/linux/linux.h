/* SPDX-License-Identifier: MIT */
/** Linux, as a system that dumps may be of. */
#ifndef CRASH_LINUX_LINUX_H
#define CRASH_LINUX_LINUX_H

#include "crash/core.h"

extern const struct crash_system crash_linux;

#endif
