/* SPDX-License-Identifier: MIT */
/** Walks a kernel stack from some registers: x86-64 by ORC, arm64 by frame pointers. */
#ifndef CRASH_LINUX_UNWIND_H
#define CRASH_LINUX_UNWIND_H

#include "crash/linux/kernel.h"

/** Where a walk begins. */
struct unwind_start {
	uint64_t pc, sp, fp;
	bool exact;		       /* @pc was interrupted there; else it is a return address */
	const struct linux_regs *regs; /* all registers of that place; or NULL */
};

/** Whether the registers are those of user code. */
bool unwind_is_user(const struct linux_kernel *k, const struct linux_regs *r);
struct unwind_start unwind_from_regs(const struct linux_kernel *k, const struct linux_regs *r);

/** Appends the frames to @ret; what ends a walk early is in @ret->cut. -ENOMEM. */
SONDE_MUST_CHECK int unwind_stack(struct linux_kernel *k, const struct unwind_start *from,
				  struct crash_stack *ret);

/** For the two machines' own files: appends a frame. False: enough; -ENOMEM is in @ret_err. */
bool unwind_frame(struct linux_kernel *k, struct crash_stack *s, const struct crash_frame *f,
		  int *ret_err);
/** Of arm64. */
int unwind_arm64(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret);
/** Of x86-64. */
int unwind_x86(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret);

#endif
