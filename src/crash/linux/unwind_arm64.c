/* SPDX-License-Identifier: MIT */
/**
 * Walks stacks of arm64: the frame pointer leads to a pair of words, the caller's frame pointer and
 * the return address.
 *
 * Where an exception came in, registers lie on the stack (struct pt_regs), with such a pair in
 * them:
 *
 *     before 6.14   of kernel code: its frame pointer, and where it was interrupted
 *                   of user code: zeros
 *     since         zeros, and a word behind them: 1 user code, 2 kernel code
 *
 * A thread of the kernel begins with registers that are zero.
 */
#include <string.h>

#include "crash/linux/unwind.h"

enum { TYPE_FINAL = 1, TYPE_REGS = 2, BACKS_MOST = 4 };

struct walk {
	struct linux_kernel *k;
	struct crash_stack *stack;
	struct kfield frame; /* the pair in struct pt_regs */
	struct kfield type;  /* the word behind it, from the pair on */
	uint64_t pc, sp, fp;
	unsigned backs; /* how often the frame pointer went down, as from one stack to another */
	int err;
};

/* Return addresses may be signed: the bits of the signature are what kernel addresses have set. */
static uint64_t plain(const struct linux_kernel *k, uint64_t pc)
{
	return pc ? pc | k->pac_mask : 0;
}

static bool emit(struct walk *w, uint64_t pc, bool exact)
{
	const struct crash_frame f = { .pc = pc, .sp = w->sp, .exact = exact };

	return unwind_frame(w->k, w->stack, &f, &w->err);
}

/* Whether both are of one function, of which "NAME.cold" is a part too. */
static bool is_same_function(struct linux_kernel *k, uint64_t a, uint64_t b)
{
	struct crash_symbol x, y;

	if (!linux_symbol_at(k->core, a, &x) || !linux_symbol_at(k->core, b, &y))
		return false;
	size_t len = strcspn(x.name, ".");
	return x.start == y.start || (len == strcspn(y.name, ".") && !memcmp(x.name, y.name, len));
}

/* The registers around the pair at @at, if they can be there. */
static bool regs_around(struct walk *w, uint64_t at, struct linux_regs *ret)
{
	return w->frame.type && at >= w->frame.off &&
	       !linux_read(w->k, at - w->frame.off, ret->r, sizeof(ret->r));
}

/* What the word behind a pair of zeros says. */
static uint64_t type_at(struct walk *w, uint64_t at)
{
	uint64_t type = TYPE_FINAL;

	return w->type.type && linux_read_field(w->k, at, &w->type, &type) < 0 ? 0 : type;
}

/* Whether the pair at @at is that of interrupted code, whose registers lie around it. */
static bool is_interrupted(struct walk *w, uint64_t at, const uint64_t *pair,
			   struct linux_regs *ret)
{
	bool zeros = !pair[0] && !pair[1];

	if (zeros && type_at(w, at) != TYPE_REGS)
		return false;
	return regs_around(w, at, ret) && !unwind_is_user(w->k, ret) &&
	       (zeros || (ret->r[ARM_FP] == pair[0] && ret->r[ARM_PC] == pair[1]));
}

/*
 * Of interrupted code: the function may have no frame, or none yet. Its return address is in the
 * link register then. It is not that of its frame, nor is it where one that it called came back to,
 * nor is it what code that begins to handle an exception finds there.
 */
static bool emit_caller_of_leaf(struct walk *w, const struct linux_regs *r)
{
	const uint64_t lr = plain(w->k, r->r[ARM_LR]);
	uint64_t pair[2];
	struct linux_regs other;

	if (!linux_is_text(w->k, lr) || is_same_function(w->k, lr - 1, w->pc))
		return true;
	if (!linux_read(w->k, w->fp, pair, sizeof(pair)) &&
	    (plain(w->k, pair[1]) == lr || is_interrupted(w, w->fp, pair, &other)))
		return true;
	return emit(w, lr, false);
}

/* Goes on with registers that lie on the stack. */
static bool into_regs(struct walk *w, const struct linux_regs *r)
{
	w->pc = r->r[ARM_PC];
	w->sp = r->r[ARM_SP];
	w->fp = r->r[ARM_FP];
	return emit(w, w->pc, true) && emit_caller_of_leaf(w, r);
}

/* The pair at @at says that no code of the kernel called. */
static void end_at(struct walk *w, uint64_t at)
{
	struct linux_regs regs;

	if (type_at(w, at) == TYPE_FINAL && regs_around(w, at, &regs) &&
	    unwind_is_user(w->k, &regs)) {
		w->stack->user_pc = regs.r[ARM_PC];
		w->stack->user_fp = regs.r[ARM_FP];
	}
}

/* Whether the next frame's pair can lie there: stacks grow down, and there are few of them. */
static bool is_further(struct walk *w, uint64_t next)
{
	if (next > w->fp || !next || (next < w->fp && ++w->backs <= BACKS_MOST))
		return true;
	w->stack->cut = "it goes round";
	return false;
}

/* False: the walk has come to its end. */
static bool step(struct walk *w)
{
	uint64_t pair[2], at = w->fp;
	struct linux_regs regs;

	if (!at)
		return false;
	if (at % 8 || linux_read(w->k, at, pair, sizeof(pair)) < 0) {
		w->stack->cut = "its stack is not in the dump";
		return false;
	}
	if (is_interrupted(w, at, pair, &regs))
		return is_further(w, regs.r[ARM_FP]) && into_regs(w, &regs);
	if (!pair[0] && !pair[1]) {
		end_at(w, at);
		return false;
	}
	if (!is_further(w, pair[0]))
		return false;
	w->sp = at + sizeof(pair);
	w->fp = pair[0];
	w->pc = plain(w->k, pair[1]);
	return w->pc && emit(w, w->pc, false);
}

int unwind_arm64(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret)
{
	struct walk w = { .k = k,
			  .stack = ret,
			  .pc = from->exact ? from->pc : plain(k, from->pc),
			  .sp = from->sp,
			  .fp = from->fp };

	(void)kfield_find(k->types, "struct pt_regs", "stackframe", &w.frame);	  // none is a value
	(void)kfield_find(k->types, "struct frame_record_meta", "type", &w.type); // too
	if (!w.pc || !emit(&w, w.pc, from->exact))
		return w.err;
	if (from->regs && !emit_caller_of_leaf(&w, from->regs))
		return w.err;
	while (step(&w))
		;
	return w.err;
}
