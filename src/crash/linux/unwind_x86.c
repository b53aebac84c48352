/* SPDX-License-Identifier: MIT */
/**
 * Walks stacks of x86-64 by ORC: each entry says where the caller's stack pointer was, from a
 * register of this frame; the return address lies below it. Where interrupts and system calls
 * came in, registers lie there instead.
 *
 * Code without entries: what was made at run time keeps frame pointers; of functions that were left
 * out, the stack is searched for the address behind a call of them.
 */
#include <errno.h>
#include <string.h>

#include "crash/linux/unwind.h"

enum { SEARCH_WORDS = 512, CALL_LEN = 5, CALL_OPCODE = 0xe8 };

struct walk {
	struct linux_kernel *k;
	struct crash_stack *stack;
	uint64_t pc, sp, bp;
	bool exact, guessed;
	bool has_regs; /* @regs are those of this frame */
	bool whole;    /* the walk came to where the stack begins */
	struct linux_regs regs;
};

/* Goes to the frame whose registers lie at @at, from @first on. False: it is not in the dump. */
static bool into_regs(struct walk *w, uint64_t at, unsigned first)
{
	uint64_t *r = w->regs.r;

	if (linux_read(w->k, at, r + first, (X86_REGS - first) * 8ul) < 0) {
		w->stack->cut = "its stack is not in the dump";
		return false;
	}
	if (unwind_is_user(w->k, &w->regs)) {
		w->stack->user_pc = r[X86_IP];
		w->stack->user_fp = first ? 0 : r[X86_BP];
		w->whole = true;
		return false;
	}
	w->pc = r[X86_IP];
	w->sp = r[X86_SP];
	if (!first)
		w->bp = r[X86_BP];
	w->has_regs = !first;
	w->exact = true;
	return true;
}

static bool pop(struct walk *w, uint64_t at, uint64_t *ret)
{
	if (!linux_read_u64(w->k, at, ret))
		return true;
	w->stack->cut = "its stack is not in the dump";
	return false;
}

/* The caller's stack pointer. */
static bool find_cfa(struct walk *w, const struct orc_entry *e, uint64_t *ret)
{
	uint64_t off = (uint64_t)(int64_t)e->sp_off, at;
	const uint64_t *r = w->regs.r;

	switch (e->sp_reg) {
	case ORC_SP: *ret = w->sp + off; return true;
	case ORC_BP: *ret = w->bp + off; return true;
	case ORC_BP_INDIRECT: return pop(w, w->bp + off, ret);
	case ORC_SP_INDIRECT:
		// Since 5.12 the offset is from what was read; before, from where.
		if (w->k->version < 0x050c)
			return pop(w, w->sp + off, ret);
		if (!pop(w, w->sp, &at))
			return false;
		*ret = at + off;
		return true;
	case ORC_DX: *ret = r[X86_DX] + off; break;
	case ORC_DI: *ret = r[X86_DI] + off; break;
	case ORC_R10: *ret = r[X86_R10] + off; break;
	case ORC_R13: *ret = r[X86_R13] + off; break;
	default: w->stack->cut = "an ORC entry makes no sense"; return false;
	}
	if (!w->has_regs)
		w->stack->cut = "a register that is needed is not known";
	return w->has_regs;
}

static bool leave_call(struct walk *w, const struct orc_entry *e, uint64_t cfa)
{
	uint64_t pc, bp = w->bp;

	if (!pop(w, cfa - 8, &pc))
		return false;
	uint64_t off = (uint64_t)(int64_t)e->bp_off;
	if (e->bp_reg == ORC_PREV_SP && !pop(w, cfa + off, &bp))
		return false;
	if (e->bp_reg == ORC_BP && !pop(w, w->bp + off, &bp))
		return false;
	w->pc = pc;
	w->sp = cfa;
	w->bp = bp;
	w->exact = w->has_regs = false;
	return true;
}

static bool by_entry(struct walk *w, const struct orc_entry *e)
{
	uint64_t cfa = 0;

	w->whole = e->kind == ORC_END;
	if (w->whole || !find_cfa(w, e, &cfa))
		return false;
	switch (e->kind) {
	case ORC_CALL: return leave_call(w, e, cfa);
	case ORC_REGS: return into_regs(w, cfa, 0);
	case ORC_REGS_PARTIAL: return into_regs(w, cfa, X86_IP);
	default: return false;
	}
}

/* What is no code was called, by a pointer that is 0 or broken: it has pushed nothing yet. */
static bool leave_nowhere(struct walk *w)
{
	uint64_t pc;
	uint8_t code;

	if (!w->exact || linux_read(w->k, w->pc, &code, sizeof(code)) != -EFAULT ||
	    linux_read_u64(w->k, w->sp, &pc) < 0 || !linux_is_text(w->k, pc))
		return false;
	w->pc = pc;
	w->sp += 8;
	w->exact = w->has_regs = false;
	return true;
}

/* Goes by the tables alone. */
static bool plain_step(struct walk *w)
{
	static const struct orc_entry by_frame_pointer = {
		.kind = ORC_CALL,
		.sp_reg = ORC_BP,
		.sp_off = 16,
		.bp_reg = ORC_PREV_SP,
		.bp_off = -16,
	};
	struct orc_entry e;

	if (orc_find(&w->k->orc, &w->k->mem, w->exact ? w->pc : w->pc - 1, &e))
		return by_entry(w, &e);
	return !linux_is_text(w->k, w->pc) && (leave_nowhere(w) || by_entry(w, &by_frame_pointer));
}

/* Whether a walk from there comes to where the stack begins. */
static bool leads_home(const struct walk *w)
{
	struct crash_stack aside = { 0 };
	struct walk try = *w;

	try.stack = &aside;
	for (unsigned i = 0; i < CRASH_FRAMES_MOST && plain_step(&try); i++)
		;
	return try.whole;
}

enum call { CALL_NO, CALL_MAYBE, CALL_YES };

/* Whether the instruction before @pc calls the function at @target; its code may not be there. */
static enum call is_call_of(struct walk *w, uint64_t pc, uint64_t target)
{
	uint8_t insn[CALL_LEN];
	int32_t off;

	if (linux_read(w->k, pc - CALL_LEN, insn, sizeof(insn)) < 0)
		return CALL_MAYBE;
	memcpy(&off, insn + 1, sizeof(off));
	if (insn[0] == CALL_OPCODE)
		return pc + (uint64_t)(int64_t)off == target ? CALL_YES : CALL_NO;
	// Through a pointer: ff /2, with no, one or four bytes behind it.
	for (unsigned len = 2; len <= 3; len++) {
		const uint8_t *p = insn + CALL_LEN - len;

		if (p[0] == 0xff && (p[1] >> 3 & 7) == 2)
			return CALL_MAYBE;
	}
	return CALL_NO;
}

/* Looks for the return address of a function without entries. */
static bool by_search(struct walk *w)
{
	struct crash_symbol in;
	uint64_t words[SEARCH_WORDS];
	struct walk best = { 0 };
	enum call sure = CALL_NO;

	if (!linux_symbol_at(w->k->core, w->pc, &in)) {
		w->stack->cut = "its code has no name and no ORC entry";
		return false;
	}
	size_t n = space_read_some(&w->k->mem, w->sp, words, sizeof(words)) / 8;
	for (size_t i = 0; i < n && sure < CALL_YES; i++) {
		enum call call =
			linux_is_text(w->k, words[i]) ? is_call_of(w, words[i], in.start) : CALL_NO;
		struct walk next = *w;

		next.pc = words[i];
		next.sp = w->sp + i * 8 + 8;
		next.exact = next.has_regs = false;
		next.guessed = true;
		if (call > sure && (call == CALL_YES || leads_home(&next))) {
			best = next;
			sure = call;
		}
	}
	if (sure == CALL_NO) {
		w->stack->cut = "a function without ORC entries, whose caller was not found";
		return false;
	}
	*w = best;
	return true;
}

static bool step(struct walk *w)
{
	struct orc_entry e;
	uint64_t at = w->exact ? w->pc : w->pc - 1;

	if (linux_is_text(w->k, w->pc) && !orc_find(&w->k->orc, &w->k->mem, at, &e))
		return by_search(w);
	return plain_step(w);
}

int unwind_x86(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret)
{
	struct walk w = { .k = k,
			  .stack = ret,
			  .pc = from->pc,
			  .sp = from->sp,
			  .bp = from->fp,
			  .exact = from->exact };
	int err = 0;

	if (from->regs) {
		w.regs = *from->regs;
		w.has_regs = true;
	}
	for (;;) {
		const struct crash_frame f = {
			.pc = w.pc, .sp = w.sp, .exact = w.exact, .guessed = w.guessed
		};
		uint64_t pc = w.pc, sp = w.sp;

		// A pointer that is 0 may have been called, but no stack begins so.
		if ((!w.pc && !(w.exact && ret->n)) || !unwind_frame(k, ret, &f, &err))
			break;
		w.guessed = false;
		if (!step(&w))
			break;
		if (w.pc == pc && w.sp == sp) {
			ret->cut = "it goes round";
			break;
		}
	}
	return err;
}
