/* SPDX-License-Identifier: MIT */
/** Runs plans; the two ways of plan_run() are made of one text. */
#ifndef MODEL_WALK_H
#define MODEL_WALK_H

#include <stddef.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "model/bits.h"
#include "model/plan.h"

/* Bytes from @p to its first 0 byte, below @len; @len: there is none. */
static inline size_t walk_strlen(const uint8_t *p, size_t len)
{
#ifdef __SSE2__
	// Most strings are short, and of any length: a call, or a branch, would cost more.
	if (__builtin_expect(len >= 32, 1)) {
		const __m128i *v = (const __m128i *)(const void *)p, zero = _mm_setzero_si128();
		__m128i a = _mm_cmpeq_epi8(_mm_loadu_si128(v), zero);
		__m128i b = _mm_cmpeq_epi8(_mm_loadu_si128(v + 1), zero);
		unsigned zeros = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b)
									  << 16;

		if (__builtin_expect(zeros != 0, 1))
			return (size_t)__builtin_ctz(zeros);
	}
#endif
	const uint8_t *end = memchr(p, 0, len);

	return end ? (size_t)(end - p) : len;
}

/* False, with words. */
static inline bool walk_cut(struct plan_walk *w, const char *why)
{
	w->why = why;
	return false;
}

static const char walk_short[] = "the packet's content ends inside an event";

static inline bool walk_room(struct plan_walk *w, uint64_t pos, uint64_t len)
{
	if (__builtin_expect(pos > w->end || w->end - pos < len, 0))
		return walk_cut(w, walk_short);
	return true;
}

static inline uint64_t walk_slot(const struct plan_walk *w, const struct plan_op *op)
{
	return op->packet ? w->slots[op->slot] : w->locals[op->slot];
}

/* Skips @n elements, @stride apart, the last one @last long. */
static inline bool walk_repeat(struct plan_walk *w, uint64_t n, uint64_t stride, uint64_t last,
			       uint64_t *pos)
{
	if (!n)
		return true;
	uint64_t len;
	if (__builtin_expect(__builtin_mul_overflow(n - 1, stride, &len) ||
				     __builtin_add_overflow(len, last, &len),
			     0))
		return walk_cut(w, "a sequence is longer than its packet");
	if (__builtin_expect(*pos > w->end || w->end - *pos < len, 0))
		return walk_cut(w, "a sequence is longer than its packet");
	*pos += len;
	return true;
}

static inline bool walk_string(struct plan_walk *w, uint64_t *pos)
{
	uint64_t at = *pos / 8, end = w->end / 8;
	if (__builtin_expect(at >= end, 0))
		return walk_cut(w, walk_short);

	size_t len = walk_strlen(w->data + at, end - at);
	if (__builtin_expect(len == end - at, 0))
		return walk_cut(w, "a string has no end");
	*pos += (len + 1) * 8;
	return true;
}

/* The op that @tag chooses, or UINT32_MAX. */
static inline uint32_t walk_choose(const struct plan_op *op, uint64_t tag)
{
	// As signed numbers compare: with the sign bits turned, as unsigned ones.
	const uint64_t turn = op->tag_signed ? UINT64_C(1) << 63 : 0;

	for (uint32_t i = 0; i < op->n_jumps; i++) {
		const struct plan_jump *j = &op->u.jumps[i];

		if ((tag ^ turn) >= (j->lo ^ turn) && (tag ^ turn) <= (j->hi ^ turn))
			return j->op;
	}
	return UINT32_MAX;
}

/* An integer of any layout. */
static inline bool walk_int(struct plan_walk *w, const struct plan_op *op, uint64_t *pos,
			    uint64_t *ret)
{
	const unsigned len = op->u.integer->len;

	if (!walk_room(w, *pos, len))
		return false;
	*ret = bits_int(w->data, *pos, op->u.integer);
	*pos += len;
	return true;
}

#define WALK_LOAD(type)                                     \
	({                                                  \
		type v_;                                    \
		if (!walk_room(w, pos, 8 * sizeof(v_)))     \
			return false;                       \
		memcpy(&v_, w->data + pos / 8, sizeof(v_)); \
		pos += 8 * sizeof(v_);                      \
		w->locals[op->slot] = v_;                   \
		v_;                                         \
	})

#define WALK_LOAD_REPEAT(type)                                   \
	do {                                                     \
		uint64_t n_ = WALK_LOAD(type);                   \
		if (!walk_repeat(w, n_, op[1].n, op[1].n, &pos)) \
			return false;                            \
		op++;                                            \
	} while (0)

/* As plan_run(); with @hot true, @to is not looked at. */
static inline __attribute__((always_inline)) bool walk_run(const struct plan_op *ops, uint32_t from,
							   uint32_t to, bool hot,
							   struct plan_walk *w, uint64_t *ret_pos)
{
	uint64_t pos = *ret_pos, v;

	for (const struct plan_op *op = ops + from; hot || op != ops + to; op++) {
		pos += op->pre;
		switch ((enum plan_code)(hot ? op->hot : op->code)) {
		case PLAN_END:
			*ret_pos = pos;
			return pos <= w->end ? true : walk_cut(w, walk_short);
		case PLAN_MARK:
			for (unsigned i = 0; i < 3; i++) {
				if (op->slot >> i & 1)
					w->mark[i] = pos;
			}
			break;
		case PLAN_ALIGN: pos = bits_align(pos, op->n); break;
		case PLAN_U8: (void)WALK_LOAD(uint8_t); break;
		case PLAN_U16: (void)WALK_LOAD(uint16_t); break;
		case PLAN_U32: (void)WALK_LOAD(uint32_t); break;
		case PLAN_U64: (void)WALK_LOAD(uint64_t); break;
		case PLAN_U8_REPEAT: WALK_LOAD_REPEAT(uint8_t); break;
		case PLAN_U16_REPEAT: WALK_LOAD_REPEAT(uint16_t); break;
		case PLAN_U32_REPEAT: WALK_LOAD_REPEAT(uint32_t); break;
		case PLAN_U64_REPEAT: WALK_LOAD_REPEAT(uint64_t); break;
		case PLAN_INT:
		case PLAN_ID:
		case PLAN_CLOCK:
			if (!walk_int(w, op, &pos, &v))
				return false;
			w->locals[op->slot] = v;
			if (op->code == PLAN_ID)
				w->id = v;
			else if (op->code == PLAN_CLOCK)
				w->clock = plan_clock(w->clock, v, op->u.integer->len);
			break;
		case PLAN_STRING:
			if (!walk_string(w, &pos))
				return false;
			break;
		case PLAN_REPEAT:
			if (!walk_repeat(w, walk_slot(w, op), op->n, op->last, &pos))
				return false;
			break;
		case PLAN_LOOP:
		case PLAN_LOOP_N:
			v = op->code == PLAN_LOOP ? walk_slot(w, op) : op->n;
			if (!v) {
				op = ops + op->jump - 1;
				break;
			}
			w->locals[op->local] = v;
			w->locals[op->local + 1] = pos;
			break;
		case PLAN_NEXT:
			if (pos > w->end)
				return walk_cut(w, walk_short);
			// Elements that take no room change nothing: enough of them.
			if (--w->locals[op->local] && pos != w->locals[op->local + 1]) {
				w->locals[op->local + 1] = pos;
				op = ops + op->jump - 1;
			}
			break;
		case PLAN_VARIANT:
			v = walk_choose(op, walk_slot(w, op));
			if (v == UINT32_MAX)
				return walk_cut(w, "a variant's tag chooses none of its options");
			op = ops + v - 1;
			break;
		case PLAN_JUMP: op = ops + op->jump - 1; break;
		case PLAN_BROKEN: return walk_cut(w, "a field is larger than any packet");
		}
	}
	*ret_pos = pos;
	return pos <= w->end ? true : walk_cut(w, walk_short);
}

#undef WALK_LOAD
#undef WALK_LOAD_REPEAT

#endif
