/* SPDX-License-Identifier: MIT */
/** The verifier's parts among themselves. */
#ifndef BPF_VERIFY_VERIFIER_H
#define BPF_VERIFY_VERIFIER_H

#include <sonde/def.h>

#include "bpf/machine/call.h"
#include "bpf/machine/state.h"
#include "bpf/machine/verify/vstate.h"

enum { STOPS_MOST = 256 };

struct instance;

struct verifier {
	struct machine_prog *p;
	const struct bpf_code *code; /* borrowed */
	struct strbuf *log;	     /* borrowed, or NULL */
	bool *begins;		     /* owned; of each instruction: whether a block begins there */
	bool *is_half;		     /* owned; the second one of a pair */
	bool *is_head;		     /* owned; where a jump or call back leads: each loop has one */
	uint32_t *blocks;	     /* owned; first instructions, in order; one more: the end */
	uint32_t *block_of;	     /* owned; by instruction */
	size_t n_blocks;
	uint64_t stops[STOPS_MOST];
	size_t n_stops;
	struct instance *instances; /* owned */
	size_t n_instances, cap_instances;
	size_t kept; /* bytes of states */
	uint64_t steps;
};

/** -EBADMSG: instruction @i is refused, and why. */
int verify_refuse(const struct verifier *v, size_t i, const char *fmt, ...) SONDE_PRINTF(3, 4);

/** Whether the code is code at all; fills @v's blocks and @p's instructions, functions, notes. */
SONDE_MUST_CHECK int verify_scan(struct verifier *v);

/** What an instruction that is no jump, call or exit does. */
SONDE_MUST_CHECK int verify_step(struct verifier *v, struct vstate *s, size_t i);

/** Both ways of a conditional jump; *ret_...: whether it can go that way. @s is the way on. */
SONDE_MUST_CHECK int verify_branch(struct verifier *v, struct vstate *s, struct vstate *jumped,
				   size_t i, bool ret_ways[static 2]);

/** A call. Where it calls back, *ret_fn is the function, @args what it is given; else -1. */
SONDE_MUST_CHECK int verify_call(struct verifier *v, struct vstate *s, size_t i, int64_t *ret_fn,
				 struct reg args[static 5]);

/** Whether @len bytes at @off of what register @reg points to may be accessed. */
SONDE_MUST_CHECK int verify_access(const struct verifier *v, const struct vstate *s, size_t i,
				   unsigned reg, int64_t off, int64_t len, bool write);
SONDE_MUST_CHECK int verify_is_set(const struct verifier *v, const struct vstate *s, size_t i,
				   unsigned reg);

/** Where a jump leads. */
static inline size_t jump_target(const struct bpf_insn *in, size_t i)
{
	const bool is_long = in->code == (BPF_JMP32 | BPF_JA);

	return (size_t)((int64_t)i + 1 + (is_long ? in->imm : in->off));
}

static inline bool is_conditional(const struct bpf_insn *in)
{
	const uint8_t class = BPF_CLASS(in->code), op = BPF_OP(in->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_JA && op != BPF_CALL &&
	       op != BPF_EXIT;
}

static inline bool is_jump(const struct bpf_insn *in)
{
	return is_conditional(in) ||
	       ((BPF_CLASS(in->code) == BPF_JMP || BPF_CLASS(in->code) == BPF_JMP32) &&
		BPF_OP(in->code) == BPF_JA);
}

static inline bool is_wide(const struct bpf_insn *in)
{
	return in->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/** Bytes of a load or store. */
static inline unsigned access_len(const struct bpf_insn *in)
{
	switch (BPF_SIZE(in->code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	default: return 8;
	}
}

#endif
