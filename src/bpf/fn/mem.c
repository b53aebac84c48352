/* SPDX-License-Identifier: MIT */
/** Builds functions: loads, stores, atomic changes, and what they make for larger memory. */
#include <string.h>

#include "base/check.h"
#include "bpf/fn.h"
#include "bpf/fn/ins.h"

enum { UNROLLED_MOST = 1024, LOOP_STEP = 64 };

static bool off_fits(int64_t n)
{
	return n == (int16_t)n;
}

static int64_t sum(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* A variable that is the address of a map's value, and the offset from it. */
static struct val map_address(struct fn *f, struct val v)
{
	struct val last = f->last_map;

	if (last.kind == VAL_MAP_VALUE && last.id == v.id && off_fits(v.n - last.n))
		return (struct val){ VAL_REG, f->last_var, v.n - last.n };
	struct val reg = fn_in_reg(f, v);
	f->last_map = v;
	f->last_var = reg.id;
	return reg;
}

/* What a memory instruction takes: VAL_SLOT or VAL_REG, with an offset of 16 bits. */
static struct val address(struct fn *f, struct val base, int64_t off)
{
	sonde_check(base.kind != VAL_NONE);
	base.n = sum(base.n, off);
	if (base.kind == VAL_MAP_VALUE && base.n == (int32_t)base.n)
		return map_address(f, base);
	if (base.kind == VAL_REG && off_fits(base.n))
		return base;
	if (base.kind == VAL_SLOT && off_fits(base.n) && off_fits(base.n - FN_STACK_MOST))
		return base;
	return fn_in_reg(f, base);
}

static bool is_access_len(unsigned len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

struct val fn_load(struct fn *f, unsigned len, bool is_signed, struct val base, int64_t off)
{
	sonde_check(is_access_len(len));
	base = address(f, base, off);
	struct val dst = fn_reg(f);
	fn_add(f, &(struct ins){ .kind = INS_LOAD,
				 .len = (uint8_t)len,
				 .flag = is_signed && len < 8,
				 .dst = dst.id,
				 .a = base });
	return dst;
}

void fn_store(struct fn *f, unsigned len, struct val base, int64_t off, struct val v)
{
	sonde_check(is_access_len(len));
	// Only the lowest bytes count, so that all constants of 32 bits and less fit.
	if (v.kind == VAL_IMM && len < 8)
		v.n = (int32_t)(uint32_t)v.n;
	base = address(f, base, off);
	v = fn_reg_or_imm(f, v);
	fn_add(f, &(struct ins){
			  .kind = INS_STORE, .len = (uint8_t)len, .dst = -1, .a = base, .b = v });
}

struct val fn_atomic(struct fn *f, enum fn_atomic op, unsigned len, struct val base, int64_t off,
		     struct val v, bool fetch)
{
	sonde_check((len == 4 || len == 8) && op != FN_ATOMIC_CMPXCHG);
	base = address(f, base, off);
	// The kernel knows no exchange that forgets what was there.
	bool has_dst = fetch || op == FN_ATOMIC_XCHG;
	v = has_dst ? fn_plain(f, v) : fn_in_reg(f, v);
	struct val dst = has_dst ? fn_reg(f) : (struct val){ VAL_NONE, -1, 0 };
	fn_add(f, &(struct ins){ .kind = INS_ATOMIC,
				 .op = (uint8_t)op,
				 .len = (uint8_t)len,
				 .flag = has_dst,
				 .dst = dst.id,
				 .a = base,
				 .b = v });
	return fetch ? dst : (struct val){ VAL_NONE, 0, 0 };
}

struct val fn_cmpxchg(struct fn *f, unsigned len, struct val base, int64_t off, struct val from,
		      struct val to)
{
	sonde_check(len == 4 || len == 8);
	base = address(f, base, off);
	if (from.kind == VAL_IMM && len == 4)
		from.n = (uint32_t)from.n;
	from = len == 4 && from.kind != VAL_IMM ? fn_in_reg(f, from) : fn_plain(f, from);
	to = fn_in_reg(f, to);
	struct val dst = fn_reg(f);
	fn_add(f, &(struct ins){ .kind = INS_CMPXCHG,
				 .len = (uint8_t)len,
				 .dst = dst.id,
				 .a = base,
				 .b = from,
				 .c = to });
	return dst;
}

/* The widest access at @v, whose offset is known to be a multiple of @align. */
static unsigned widest(struct val v, unsigned align)
{
	// Where stack objects lie is known better.
	if (v.kind == VAL_SLOT) {
		unsigned low = (unsigned)v.n & 7;
		align = low ? low & -low : 8;
	}
	return align > 8 ? 8 : align ? align & -align : 1;
}

static unsigned step_of(unsigned width, size_t left)
{
	while (width > left)
		width /= 2;
	return width;
}

/* One variable instead of an address that takes an instruction at each access. */
static struct val area(struct fn *f, struct val base, int64_t off, size_t len)
{
	struct val v = base;

	v.n = sum(v.n, off);
	bool is_near = off_fits(v.n) && off_fits(sum(v.n, (int64_t)len));
	return v.kind == VAL_SLOT || (v.kind == VAL_REG && is_near) ? v : fn_in_reg(f, v);
}

struct copy {
	struct val dst, src; /* src: VAL_NONE for zeroes */
	unsigned width;
};

static void copy_run(struct fn *f, const struct copy *c, size_t len)
{
	unsigned step;

	for (size_t at = 0; at < len; at += step) {
		step = step_of(c->width, len - at);
		struct val v = val_imm(0);
		if (c->src.kind != VAL_NONE)
			v = fn_load(f, step, /* is_signed= */ false, c->src, (int64_t)at);
		fn_store(f, step, c->dst, (int64_t)at, v);
	}
}

/* LOOP_STEP bytes at a time, then what remains. */
static void copy_loop(struct fn *f, const struct copy *c, size_t len)
{
	size_t whole = len / LOOP_STEP * LOOP_STEP;
	struct val at = fn_reg(f);
	int again = fn_label(f);
	struct copy part = *c;

	fn_mov(f, at, val_imm(0));
	fn_place(f, again);
	part.dst = fn_op(f, FN_ADD, c->dst, at);
	if (c->src.kind != VAL_NONE)
		part.src = fn_op(f, FN_ADD, c->src, at);
	copy_run(f, &part, LOOP_STEP);
	fn_op_to(f, FN_ADD, at, val_imm(LOOP_STEP));
	fn_if(f, FN_NE, at, val_imm((int64_t)whole), again);

	part.dst = area(f, c->dst, (int64_t)whole, len - whole);
	if (c->src.kind != VAL_NONE)
		part.src = area(f, c->src, (int64_t)whole, len - whole);
	copy_run(f, &part, len - whole);
}

void fn_zero(struct fn *f, struct val base, int64_t off, size_t len, unsigned align)
{
	struct copy c = { .dst = area(f, base, off, len) };

	c.width = widest(c.dst, align);
	if (len <= UNROLLED_MOST)
		copy_run(f, &c, len);
	else
		copy_loop(f, &c, len);
}

void fn_copy(struct fn *f, struct val dst, int64_t dst_off, struct val src, int64_t src_off,
	     size_t len, unsigned align)
{
	struct copy c = { .dst = area(f, dst, dst_off, len), .src = area(f, src, src_off, len) };
	unsigned dst_width = widest(c.dst, align), src_width = widest(c.src, align);

	// Two stack objects may lie better than @align says; other memory decides by it.
	c.width = dst_width < src_width ? dst_width : src_width;
	if (len <= UNROLLED_MOST)
		copy_run(f, &c, len);
	else
		copy_loop(f, &c, len);
}
