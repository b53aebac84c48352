/* SPDX-License-Identifier: MIT */
/** A dump of a Linux kernel that was never alive: its variables as its file has them. */
#ifndef MADE_LINUX_H
#define MADE_LINUX_H

enum { MADE_LEFT_OUT = 16 << 20 }; /* bytes behind its memory that were left out of the dump */

#include "made_memory.h"

/** An ELF core with all that is loaded of the kernel at @path, and kallsyms and BTF made of it. */
void made_linux(const char *path, struct made_file *ret);

#endif
