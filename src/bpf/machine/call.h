/* SPDX-License-Identifier: MIT */
/** The helper functions of a machine, and what the verifier must know of them. */
#ifndef BPF_MACHINE_CALL_H
#define BPF_MACHINE_CALL_H

#include "bpf/machine/state.h"

enum call_arg {
	ARG_NONE, /* the end of the list */
	ARG_ANY,
	ARG_TABLE,   /* a map that has values */
	ARG_RING,    /* a map that is a ring */
	ARG_KEY,     /* readable, as long as the map's keys */
	ARG_VALUE,   /* readable, as long as its values */
	ARG_IN,	     /* readable, as long as the next argument says */
	ARG_OUT,     /* writable, likewise */
	ARG_SIZE,    /* 0 or more bytes */
	ARG_RECORD,  /* the begin of a reserved record */
	ARG_LEN,     /* a constant: bytes of a record */
	ARG_LOOP_FN, /* called back with (index, r3) */
	ARG_EACH_FN, /* called back with (map, key, value, r3) */
};

enum call_result {
	RESULT_ANY,
	RESULT_VALUE,  /* a value of the map, or NULL */
	RESULT_RECORD, /* a record, or NULL */
	RESULT_LEN,    /* bytes that were written, as long as r2 at most, or a negative errno */
};

/** What the compiler makes of a call instead of calling. */
enum call_inline {
	INLINE_NONE,
	INLINE_TIME,
	INLINE_PID_TGID,
	INLINE_UID_GID,
	INLINE_CPU,
	INLINE_PLACE,
	INLINE_ZERO,
	INLINE_COMM,
	INLINE_LOOKUP,
};

struct helper {
	const char *name;
	machine_fn *f;
	enum call_arg args[5];
	enum call_result result;
	enum call_inline how;
};

/** NULL: this machine has no such function. */
const struct helper *helper_find(int32_t id);
/** Its function for the call that @note is of, which may do with what is known there. */
machine_fn *helper_fit(const struct helper *h, const struct insn_note *note);

#endif
