/* SPDX-License-Identifier: MIT */
/**
 * Walks stacks of arm64: the frame pointer leads to a pair of words, the caller's frame pointer and
 * the return address. The pair in a thread's first frame is zero.
 */
#include "crash/linux/unwind.h"

/* Return addresses may be signed: the bits of the signature are what kernel addresses have set. */
static uint64_t plain(const struct linux_kernel *k, uint64_t pc)
{
	return pc | k->pac_mask;
}

int unwind_arm64(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret)
{
	uint64_t pc = from->pc, sp = from->sp, fp = from->fp, pair[2];
	bool exact = from->exact;
	int err = 0;

	while (pc) {
		const struct crash_frame f = { .pc = pc, .sp = sp, .exact = exact };

		if (!unwind_frame(k, ret, &f, &err) || !fp)
			break;
		if (fp % 8 || linux_read(k, fp, pair, sizeof(pair)) < 0) {
			ret->cut = "its stack is not in the dump";
			break;
		}
		if (pair[0] == fp) {
			ret->cut = "it goes round";
			break;
		}
		sp = fp + sizeof(pair);
		fp = pair[0];
		pc = pair[1] ? plain(k, pair[1]) : 0;
		exact = false;
	}
	return err;
}
