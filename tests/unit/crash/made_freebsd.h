/* SPDX-License-Identifier: MIT */
/** A dump of a FreeBSD kernel that was never alive: its variables as its file has them. */
#ifndef MADE_FREEBSD_H
#define MADE_FREEBSD_H

#include "made_memory.h"

/** A minidump with all that is loaded of the kernel at @path, an ELF file of this machine's. */
void made_freebsd(const char *path, struct made_file *ret);

#endif
