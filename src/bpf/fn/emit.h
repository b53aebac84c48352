/* SPDX-License-Identifier: MIT */
/** Makes kernel instructions of a function whose variables have places. */
#ifndef BPF_FN_EMIT_H
#define BPF_FN_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/fn.h"

struct places;

/* A kernel instruction that names what is not known yet: a label of this function, a function. */
struct emit_ref {
	uint32_t insn;
	int to;
	uint32_t line;
};

struct emit {
	struct bpf_code code; /* owned; what was made so far */
	size_t cap_insns, cap_relocs, cap_fns, cap_lines;
	struct emit_ref *fns; /* owned: references to functions, of all functions */
	size_t n_fns, cap_fn_refs;
	int err; /* the first failure */

	const struct fn *f; /* the function at work, and where its variables are */
	const struct places *p;
	struct emit_ref *jumps; /* owned: of this function */
	size_t n_jumps, cap_jumps;
	uint32_t *labels; /* owned: where they are */
	size_t cap_labels;
	uint32_t line, col; /* of the last one noted */
	bool has_line;
};
void emit_fini(struct emit *e);

/** Appends @f. -ENOMEM; -E2BIG (sonde_fail()): a jump is too far. */
SONDE_MUST_CHECK int emit_fn(struct emit *e, const struct fn *f, const struct places *p);

#endif
