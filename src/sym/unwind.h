/* SPDX-License-Identifier: MIT */
/**
 * Walks a user stack that was copied with its registers, by the call frame information (DWARF 5,
 * section 6.4) that programs carry in .eh_frame.
 */
#ifndef SYM_UNWIND_H
#define SYM_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/span.h>

#include "base/mem.h"

struct Elf;
struct cfi; /* one file's call frame information, with what was looked up so far */

/** Of an open ELF file, which must outlive it. *@ret NULL: the file has none. 0, -ENOMEM, or
 * -ENOTSUP: no libdw. */
SONDE_MUST_CHECK int cfi_new(struct Elf *elf, struct cfi **ret);
void cfi_free(struct cfi *c);

/**
 * Which registers perf is to copy. -ENOTSUP: stacks are not walked on this architecture, or libdw
 * is not installed.
 */
SONDE_MUST_CHECK int unwind_perf_regs(uint64_t *ret);
/** How many registers that are. */
unsigned unwind_n_regs(void);

enum { UNWIND_MOST = 256 };

struct unwind {
	const uint64_t *regs;	 /* unwind_n_regs() of them, in perf's order */
	struct sonde_span stack; /* from the stack pointer on */
	void *arg;
	/** The information for an address and its address in the file; NULL: there is none. */
	struct cfi *(*find)(void *arg, uint64_t pc, uint64_t *ret_vaddr);

	/** The result: first where the thread is, then return addresses. */
	uint64_t frames[UNWIND_MOST];
	uint32_t n;
	bool cut; /* the copy of the stack ended too early */
};

void unwind_walk(struct unwind *u);

#endif
