/* SPDX-License-Identifier: MIT */
/** Where functions begin and end in a file whose names were stripped: its table for unwinding. */
#ifndef SYM_EH_FRAME_H
#define SYM_EH_FRAME_H

#include <stdint.h>

#include <sonde/def.h>

struct Elf;

/**
 * Calls @f with address and length of each function that .eh_frame_hdr lists, in the usual form of
 * 32-bit offsets; what makes no sense is left out. Returns the first result but 0 of @f.
 */
SONDE_MUST_CHECK int eh_frame_each(struct Elf *elf,
				   int (*f)(void *arg, uint64_t vaddr, uint64_t len), void *arg);

#endif
