/* SPDX-License-Identifier: MIT */
/** What the verifier knows at one place of a program: each register, each word of the stack. */
#ifndef BPF_VERIFY_VSTATE_H
#define BPF_VERIFY_VSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/machine/state.h"
#include "bpf/machine/verify/range.h"

enum reg_kind {
	REG_NONE,   /* not set; of a word of the stack: any bytes */
	REG_NUMBER, /* in @range */
	REG_STACK,  /* an address: that of the frame's end plus @range */
	REG_MEM,    /* an address with @range.smin bytes before it and @range.smax behind it */
	REG_MAP,    /* map @of */
	REG_FN,	    /* function @of */
};

enum {
	REG_NULL = 1,	  /* may be 0 instead */
	REG_WRITABLE = 2, /* the memory there is */
	REG_RECORD = 4,	  /* the begin of a record */
};

/** For memory: how much there is, in either direction. Offsets stay far below 2^63. */
enum { OFFSET_MOST = 1 << 30 };

struct reg {
	uint8_t kind, flags, frame;
	uint32_t of;
	/** Not 0: registers and words with the same id have the same value. */
	uint32_t id;
	struct range range;
};

enum { WORDS = FRAME_LEN / 8, REGS = 11 };

/** Registers (of frames that wait for a callback: as they were at the call), then the words. */
struct frame {
	struct reg all[REGS + WORDS];
};

struct vstate {
	unsigned n; /* frames in use; the last one is that of the function that runs */
	struct frame frames[FRAMES_MOST];
};

static inline struct frame *vstate_top(struct vstate *s)
{
	return &s->frames[s->n - 1];
}

/** The word at @off (-512 ... -8) of the frame's end. */
static inline struct reg *frame_word(struct frame *f, int64_t off)
{
	return &f->all[REGS + (FRAME_LEN + off) / 8];
}

struct reg reg_number(struct range r);
struct reg reg_mem(int64_t before, int64_t behind, uint8_t flags);
struct reg reg_stack(unsigned frame, int64_t off);

/** Gives the value of @r, which lies in @s, a name; @place is where in the program, from 0. */
void vstate_name(struct vstate *s, struct reg *r, size_t place);
/** Makes @r what @to is, and so all that have its value. */
void vstate_set_same(struct vstate *s, struct reg *r, const struct reg *to);
/** Forgets the words that @len bytes at @off of a frame's end touch. */
void vstate_clobber(struct vstate *s, unsigned frame, int64_t off, int64_t len);

/** @old becomes all that it was or @new is; whether it changed. @stops: NULL, or bounds that grow
 * jump to the next of them. */
bool reg_join(struct reg *old, const struct reg *new, const struct range_stops *stops);

/** A state that is kept: small, as most words are unknown. */
struct kept;

void kept_free(struct kept *k);
size_t kept_len(const struct kept *k);
/** Joins @s into *@k (NULL: there was none); 1: it changed; -ENOMEM. */
SONDE_MUST_CHECK int kept_join(struct kept **k, struct vstate *s, const struct range_stops *stops);
void kept_load(const struct kept *k, struct vstate *ret);

#endif
