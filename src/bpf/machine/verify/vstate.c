/* SPDX-License-Identifier: MIT */
/** States of the verifier: values with names, joined, kept. */
#include "bpf/machine/verify/vstate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct reg reg_number(struct range r)
{
	return (struct reg){ .kind = REG_NUMBER, .range = r };
}

struct reg reg_mem(int64_t before, int64_t behind, uint8_t flags)
{
	return (struct reg){ .kind = REG_MEM,
			     .flags = flags,
			     .range = { .smin = before, .smax = behind } };
}

struct reg reg_stack(unsigned frame, int64_t off)
{
	return (struct reg){ .kind = REG_STACK,
			     .frame = (uint8_t)frame,
			     .range = range_const((uint64_t)off) };
}

/* Calls for each register and word of a state. */
#define EACH_REG(s, r)                                                    \
	for (unsigned f_ = 0; f_ < (s)->n; f_++)                          \
		for (struct reg *r = (s)->frames[f_].all,                 \
				*end_ = r + MEM_LEN((s)->frames[f_].all); \
		     r < end_; r++)

void vstate_name(struct vstate *s, struct reg *r, size_t place)
{
	const uint32_t id = (uint32_t)place + 1;

	if (r->id)
		return;
	// In a loop, values of the round before may still have it.
	EACH_REG(s, other)
	{
		if (other->id == id)
			other->id = 0;
	}
	r->id = id;
}

void vstate_set_same(struct vstate *s, struct reg *r, const struct reg *to)
{
	const uint32_t id = r->id;
	const struct reg is = *to;

	*r = is;
	if (!id)
		return;
	EACH_REG(s, other)
	{
		if (other->id == id)
			*other = is;
	}
}

void vstate_clobber(struct vstate *s, unsigned frame, int64_t off, int64_t len)
{
	const int64_t begin = FRAME_LEN + off;

	for (int64_t i = begin / 8; len > 0 && i <= (begin + len - 1) / 8; i++)
		s->frames[frame].all[REGS + i] = (struct reg){ 0 };
}

/* --- joining --- */

static bool set(struct reg *old, struct reg now)
{
	const bool same = old->kind == now.kind && old->flags == now.flags &&
			  old->frame == now.frame && old->of == now.of && old->id == now.id &&
			  range_equal(&old->range, &now.range);

	*old = now;
	return !same;
}

static bool is_zero(const struct reg *r)
{
	return r->kind == REG_NUMBER && range_is_const(&r->range) && r->range.umin == 0;
}

/* An address in the stack as one of memory that is only read, so that words keep what they are. */
static struct reg as_mem(const struct reg *r)
{
	if (r->kind != REG_STACK)
		return *r;
	return reg_mem(FRAME_LEN + r->range.smin, -r->range.smax, 0);
}

static struct reg join_mem(const struct reg *a, const struct reg *b,
			   const struct range_stops *stops)
{
	struct reg r = *a;

	r.flags = ((a->flags | b->flags) & REG_NULL) |
		  (a->flags & b->flags & (REG_WRITABLE | REG_RECORD));
	if (b->range.smin < r.range.smin)
		r.range.smin = stops ? -OFFSET_MOST : b->range.smin;
	if (b->range.smax < r.range.smax)
		r.range.smax = stops ? -OFFSET_MOST : b->range.smax;
	return r;
}

static struct reg join_range(const struct reg *a, const struct reg *b,
			     const struct range_stops *stops)
{
	struct reg r = *a;

	r.range = range_join(&a->range, &b->range);
	if (stops)
		r.range = range_widen(&a->range, &r.range, stops);
	return r;
}

static struct reg joined(const struct reg *a, const struct reg *b, const struct range_stops *stops)
{
	const struct reg any = reg_number(range_any());

	if (a->kind == REG_NONE || b->kind == REG_NONE)
		return (struct reg){ 0 };
	if (a->kind == REG_NUMBER && b->kind == REG_NUMBER)
		return join_range(a, b, stops);
	if (a->kind == REG_STACK && b->kind == REG_STACK && a->frame == b->frame)
		return join_range(a, b, stops);
	if (a->kind == b->kind && (a->kind == REG_MAP || a->kind == REG_FN))
		return a->of == b->of ? *a : any;
	const struct reg x = as_mem(a), y = as_mem(b);
	if (x.kind == REG_MEM && y.kind == REG_MEM)
		return join_mem(&x, &y, stops);
	struct reg r = x.kind == REG_MEM ? x : y;
	if (r.kind != REG_MEM || (!is_zero(a) && !is_zero(b)))
		return any;
	r.flags |= REG_NULL;
	return r;
}

bool reg_join(struct reg *old, const struct reg *new, const struct range_stops *stops)
{
	struct reg r = joined(old, new, stops);

	r.id = r.kind != REG_NONE && old->id == new->id ? old->id : 0;
	return set(old, r);
}

/* --- keeping --- */

/** A register or word that is known. */
struct known {
	struct reg reg;
	uint8_t frame, i; /* where it belongs */
};

struct kept {
	unsigned n_frames;
	size_t n;
	struct known all[];
};

void kept_free(struct kept *k)
{
	free(k);
}

size_t kept_len(const struct kept *k)
{
	return k ? sizeof(*k) + k->n * sizeof(k->all[0]) : 0;
}

static struct kept *keep(struct vstate *s)
{
	size_t n = 0;

	EACH_REG(s, r)
	{
		n += r->kind != REG_NONE;
	}
	struct kept *k = malloc(sizeof(*k) + n * sizeof(k->all[0]));
	if (!k)
		return NULL;
	k->n_frames = s->n;
	k->n = 0;
	for (unsigned f = 0; f < s->n; f++) {
		const struct reg *r = s->frames[f].all;

		for (unsigned i = 0; i < REGS + WORDS; i++) {
			if (r[i].kind != REG_NONE)
				k->all[k->n++] = (struct known){ r[i], (uint8_t)f, (uint8_t)i };
		}
	}
	return k;
}

void kept_load(const struct kept *k, struct vstate *ret)
{
	ret->n = k->n_frames;
	memset(ret->frames, 0, ret->n * sizeof(ret->frames[0]));
	for (size_t i = 0; i < k->n; i++)
		ret->frames[k->all[i].frame].all[k->all[i].i] = k->all[i].reg;
}

int kept_join(struct kept **k, struct vstate *s, const struct range_stops *stops)
{
	struct vstate old;
	bool changed = !*k;

	if (*k) {
		kept_load(*k, &old);
		for (unsigned f = 0; f < old.n; f++) {
			struct reg *a = old.frames[f].all;
			const struct reg *b = s->frames[f].all;

			for (unsigned i = 0; i < REGS + WORDS; i++)
				changed |= reg_join(&a[i], &b[i], stops);
		}
		s = &old;
	}
	if (!changed)
		return 0;
	struct kept *now = keep(s);
	if (!now)
		return -ENOMEM;
	kept_free(*k);
	*k = now;
	return 1;
}
