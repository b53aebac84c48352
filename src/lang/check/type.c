/* SPDX-License-Identifier: MIT */
/** Types of values in a script: made, laid out, compared. */
#include "lang/check/type.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"

const struct type type_none = { .kind = TYPE_NONE, .align = 1 };
const struct type type_u64 = { .kind = TYPE_INT, .size = 8, .align = 8 };
const struct type type_i64 = { .kind = TYPE_INT, .size = 8, .align = 8, .is_signed = true };
const struct type type_u32 = { .kind = TYPE_INT, .size = 4, .align = 4 };
const struct type type_i32 = { .kind = TYPE_INT, .size = 4, .align = 4, .is_signed = true };
const struct type type_bool = { .kind = TYPE_INT, .size = 1, .align = 1, .is_bool = true };

static const struct type type_u16 = { .kind = TYPE_INT, .size = 2, .align = 2 };
static const struct type type_i16 = { .kind = TYPE_INT, .size = 2, .align = 2, .is_signed = true };
static const struct type type_u8 = { .kind = TYPE_INT, .size = 1, .align = 1 };
static const struct type type_i8 = { .kind = TYPE_INT, .size = 1, .align = 1, .is_signed = true };

struct type *type_new(struct arena *a, enum type_kind kind, uint32_t size, uint32_t align)
{
	struct type *t = arena_new(a, struct type);

	if (!t)
		return NULL;
	t->kind = kind;
	t->size = size;
	t->align = align;
	return t;
}

const struct type *type_int(unsigned size, bool is_signed)
{
	switch (size) {
	case 1: return is_signed ? &type_i8 : &type_u8;
	case 2: return is_signed ? &type_i16 : &type_u16;
	case 4: return is_signed ? &type_i32 : &type_u32;
	default: sonde_check(size == 8); return is_signed ? &type_i64 : &type_u64;
	}
}

const struct type *type_shown(unsigned size, bool is_signed)
{
#define SHOWN(n, s)                                                                 \
	{                                                                           \
		.kind = TYPE_INT, .size = 8, .align = 8, .is_signed = s, .shown = n \
	}
	static const struct type all[2][4] = {
		{ SHOWN(1, false), SHOWN(2, false), SHOWN(4, false), SHOWN(8, false) },
		{ SHOWN(1, true), SHOWN(2, true), SHOWN(4, true), SHOWN(8, true) },
	};
#undef SHOWN

	return &all[is_signed][size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}

struct type *type_str(struct arena *a, uint32_t size)
{
	return type_new(a, TYPE_STR, size, 8); // so that it is copied in whole words
}

struct type *type_tuple(struct arena *a, const struct type *const *elems, uint32_t n)
{
	struct type_field *fields = arena_array(a, n, sizeof(*fields));
	if (!fields)
		return NULL;

	uint64_t off = 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t align = elems[i]->align ? elems[i]->align : 1;

		off = (off + align - 1) / align * align;
		fields[i] = (struct type_field){ elems[i], (uint32_t)off };
		off += elems[i]->size;
		if (off > INT32_MAX) {
			(void)sonde_fail(-ENOMEM, "a tuple is too large"); // NULL tells it
			return NULL;
		}
	}

	struct type *t = type_new(a, TYPE_TUPLE, (uint32_t)((off + 7) & ~7ULL), 8);
	if (!t)
		return NULL;
	t->fields = fields;
	t->n = n;
	return t;
}

/* C types are the same by name where they have one: those of two databases may meet. */
static bool same_c(const struct ctype *a, const struct ctype *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind)
		return false;
	if (a->db && a->db == b->db && a->id == b->id)
		return true;
	if (!a->is_forward && !b->is_forward && a->size != b->size)
		return false;
	return a->name && b->name && *a->name && !strcmp(a->name, b->name);
}

static bool same_fields(const struct type *a, const struct type *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->fields[i].off != b->fields[i].off ||
		    !type_same(a->fields[i].type, b->fields[i].type))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool type_same(const struct type *a, const struct type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->size != b->size)
		return false;
	switch (a->kind) {
	case TYPE_INT:
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
	case TYPE_STDDEV:
	case TYPE_STATS: return a->is_signed == b->is_signed;
	case TYPE_TUPLE: return same_fields(a, b);
	case TYPE_PTR:
	case TYPE_RECORD: return a->is_user == b->is_user && same_c(a->c, b->c);
	case TYPE_ARRAY:
		return a->is_user == b->is_user && a->n == b->n && type_same(a->elem, b->elem);
	case TYPE_KSTACK:
	case TYPE_USTACK: return a->stack_mode == b->stack_mode && a->stack_depth == b->stack_depth;
	case TYPE_TIME: return same_text(a->fmt, b->fmt);
	case TYPE_KSYM:
	case TYPE_USYM: return a->is_module == b->is_module;
	case TYPE_HIST: return a->hist_bits == b->hist_bits && a->hist_negative == b->hist_negative;
	case TYPE_LLHIST:
		return a->ll_factor == b->ll_factor && a->ll_low == b->ll_low &&
		       a->ll_high == b->ll_high && a->ll_steps == b->ll_steps;
	case TYPE_LHIST:
		return a->lhist_min == b->lhist_min && a->lhist_max == b->lhist_max &&
		       a->lhist_step == b->lhist_step;
	default: return true;
	}
}

void hist_bounds(uint32_t bits, uint32_t i, uint64_t *ret_low, uint64_t *ret_high)
{
	sonde_check(bits <= HIST_BITS_MOST && i >= 1 && i < hist_len(bits));
	const uint32_t at = i - 1, group = at >> bits;

	if (bits == 0) {
		*ret_low = at ? 1ULL << (at - 1) : 0;
		*ret_high = at < 64 ? 1ULL << at : 0;
	} else if (group == 0) {
		*ret_low = at;
		*ret_high = at + 1;
	} else {
		const uint64_t in_group = at & ((1U << bits) - 1);
		const uint64_t width = 1ULL << (group - 1);

		*ret_low = ((1ULL << bits) + in_group) * width;
		*ret_high = *ret_low + width; // wraps to 0 at the last one
	}
}
