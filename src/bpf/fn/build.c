/* SPDX-License-Identifier: MIT */
/** Builds functions: variables, arithmetic, calls and jumps. */
#include "bpf/fn.h"

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/fn/fold.h"
#include "bpf/fn/ins.h"

enum { ARGS_MOST = 5 };

int unit_new(struct unit **ret)
{
	struct unit *u = calloc(1, sizeof(*u));

	if (!u)
		return sonde_fail(-ENOMEM, "out of memory");
	u->broken.unit = u;
	u->broken.n_args = ARGS_MOST; // it may stand for any function
	*ret = u;
	return 0;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n; i++) {
		free(u->fns[i]->ins);
		free(u->fns[i]->vals);
		free(u->fns[i]->slots);
		free(u->fns[i]);
	}
	free(u->fns);
	free(u);
}

struct fn *unit_fn(struct unit *u, unsigned n_args)
{
	sonde_check(n_args <= ARGS_MOST);
	struct fn *f = u->err ? NULL : calloc(1, sizeof(*f));
	if (!f || mem_grow(&u->fns, &u->cap, u->n + 1) < 0) {
		free(f);
		u->err = u->err ? u->err : -ENOMEM;
		return &u->broken;
	}
	f->unit = u;
	f->index = (int)u->n;
	f->n_args = n_args;
	f->n_vars = (int)n_args;
	u->fns[u->n++] = f;
	fn_add(f, &(struct ins){ .kind = INS_ENTRY, .dst = -1 });
	return f;
}

bool unit_failed(const struct unit *u)
{
	return u->err != 0;
}

int fn_index(const struct fn *f)
{
	return f->index;
}

void fn_add(struct fn *f, const struct ins *in)
{
	struct unit *u = f->unit;

	if (u->err)
		return;
	if (f->n >= FN_INS_MOST) {
		u->err = -E2BIG;
		return;
	}
	u->err = mem_grow(&f->ins, &f->cap, f->n + 1);
	if (u->err)
		return;
	f->ins[f->n] = *in;
	f->ins[f->n].line = f->line;
	f->ins[f->n++].col = f->col;
}

struct val fn_arg(struct fn *f, unsigned i)
{
	sonde_check(i < f->n_args);
	return (struct val){ VAL_REG, (int)i, 0 };
}

struct val fn_reg(struct fn *f)
{
	// Each instruction makes a few variables at most, but nothing else bounds their number.
	if (f->n_vars >= 4 * FN_INS_MOST) {
		f->unit->err = f->unit->err ? f->unit->err : -E2BIG;
		return (struct val){ VAL_REG, 0, 0 };
	}
	return (struct val){ VAL_REG, f->n_vars++, 0 };
}

struct val fn_slot(struct fn *f, size_t len)
{
	struct unit *u = f->unit;

	// What is too much is told by unit_finish(); until then it must not overflow.
	if (len > 8 * FN_STACK_MOST)
		len = 8 * FN_STACK_MOST;
	len = len ? (len + 7) & ~(size_t)7 : 8;
	if (!u->err && f->n_slots >= FN_INS_MOST)
		u->err = -E2BIG;
	if (!u->err)
		u->err = mem_grow(&f->slots, &f->cap_slots, f->n_slots + 1);
	if (u->err)
		return (struct val){ VAL_SLOT, 0, 0 };
	f->slots[f->n_slots++] = (uint32_t)len;
	f->slots_len += len;
	return (struct val){ VAL_SLOT, (int)f->n_slots - 1, 0 };
}

size_t fn_slots_len(const struct fn *f)
{
	return f->slots_len;
}

void fn_line(struct fn *f, unsigned line, unsigned col)
{
	f->line = line;
	f->col = col;
}

struct val fn_plain(struct fn *f, struct val v)
{
	if (v.kind != VAL_REG || !v.n)
		return v;
	struct val base = { VAL_REG, v.id, 0 };
	return fn_op(f, FN_ADD, base, val_imm(v.n));
}

struct val fn_in_reg(struct fn *f, struct val v)
{
	v = fn_plain(f, v);
	if (v.kind == VAL_REG)
		return v;
	struct val dst = fn_reg(f);
	fn_add(f, &(struct ins){ .kind = INS_MOV, .dst = dst.id, .a = v });
	return dst;
}

struct val fn_reg_or_imm(struct fn *f, struct val v)
{
	if (v.kind == VAL_IMM && imm_fits(v.n))
		return v;
	return fn_in_reg(f, v);
}

void fn_mov(struct fn *f, struct val dst, struct val src)
{
	sonde_check(dst.kind == VAL_REG && !dst.n && src.kind != VAL_NONE);
	src = fn_plain(f, src);
	fn_add(f, &(struct ins){ .kind = INS_MOV, .dst = dst.id, .a = src });
}

/* Adds dst = a op b as it is. */
static void add_op(struct fn *f, enum fn_op op, struct val dst, struct val a, struct val b)
{
	b = fn_reg_or_imm(f, b);
	fn_add(f,
	       &(struct ins){ .kind = INS_OP, .op = (uint8_t)op, .dst = dst.id, .a = a, .b = b });
}

/* The same value by less: false if there is nothing simpler than the operation itself. */
static bool add_simpler(struct fn *f, enum fn_op op, struct val dst, struct val a, struct val b)
{
	struct fold_op s;

	if (b.kind != VAL_IMM || !fold_simpler(op, b.n, &s))
		return false;
	switch (s.kind) {
	case FOLD_IMM: fn_mov(f, dst, val_imm(s.n)); break;
	case FOLD_SAME: fn_mov(f, dst, a); break;
	case FOLD_NEG:
		a = fn_in_reg(f, a);
		fn_add(f, &(struct ins){ .kind = INS_NEG, .dst = dst.id, .a = a });
		break;
	case FOLD_LOW32:
		a = fn_in_reg(f, a);
		fn_add(f, &(struct ins){ .kind = INS_EXTEND, .len = 4, .dst = dst.id, .a = a });
		break;
	case FOLD_OP: add_op(f, s.op, dst, a, val_imm(s.n)); break;
	}
	return true;
}

static bool is_address(struct val v)
{
	return v.kind == VAL_SLOT || v.kind == VAL_MAP_VALUE;
}

struct val fn_op(struct fn *f, enum fn_op op, struct val a, struct val b)
{
	if (a.kind == VAL_IMM && b.kind == VAL_IMM)
		return val_imm(fold(op, a.n, b.n));
	if (op_commutes(op) && a.kind != VAL_REG && b.kind == VAL_REG) {
		struct val other = a;
		a = b;
		b = other;
	}
	if (is_address(a) && b.kind == VAL_IMM && (op == FN_ADD || op == FN_SUB)) {
		a.n = fold(op, a.n, b.n);
		return a;
	}
	a = fn_plain(f, a);
	b = fn_plain(f, b);
	struct val dst = fn_reg(f);
	if (!add_simpler(f, op, dst, a, b))
		add_op(f, op, dst, a, b);
	return dst;
}

void fn_op_to(struct fn *f, enum fn_op op, struct val dst, struct val b)
{
	sonde_check(dst.kind == VAL_REG && !dst.n);
	b = fn_plain(f, b);
	if (!add_simpler(f, op, dst, dst, b))
		add_op(f, op, dst, dst, b);
}

struct val fn_neg(struct fn *f, struct val a)
{
	if (a.kind == VAL_IMM)
		return val_imm(fold(FN_SUB, 0, a.n));
	a = fn_in_reg(f, a);
	struct val dst = fn_reg(f);
	fn_add(f, &(struct ins){ .kind = INS_NEG, .dst = dst.id, .a = a });
	return dst;
}

struct val fn_not(struct fn *f, struct val a)
{
	return fn_op(f, FN_XOR, a, val_imm(-1));
}

struct val fn_extend(struct fn *f, struct val a, unsigned len, bool is_signed)
{
	sonde_check(len == 1 || len == 2 || len == 4 || len == 8);
	if (a.kind == VAL_IMM)
		return val_imm(fold_extend(a.n, len, is_signed));
	a = fn_in_reg(f, a);
	struct val dst = fn_reg(f);
	if (len == 8)
		fn_mov(f, dst, a);
	else
		fn_add(f, &(struct ins){ .kind = INS_EXTEND,
					 .len = (uint8_t)len,
					 .flag = is_signed,
					 .dst = dst.id,
					 .a = a });
	return dst;
}

struct val fn_bswap(struct fn *f, struct val a, unsigned len)
{
	sonde_check(len == 2 || len == 4 || len == 8);
	if (a.kind == VAL_IMM)
		return val_imm(fold_swap(a.n, len));
	a = fn_in_reg(f, a);
	struct val dst = fn_reg(f);
	fn_add(f, &(struct ins){ .kind = INS_SWAP, .len = (uint8_t)len, .dst = dst.id, .a = a });
	return dst;
}

static struct val add_call(struct fn *f, int to, bool is_kfunc, unsigned n, const struct val *args)
{
	sonde_check(n <= ARGS_MOST);
	struct val plain[ARGS_MOST];
	for (unsigned i = 0; i < n; i++) {
		sonde_check(args[i].kind != VAL_NONE);
		plain[i] = fn_plain(f, args[i]);
	}

	struct unit *u = f->unit;
	if (!u->err)
		u->err = mem_grow(&f->vals, &f->cap_vals, f->n_vals + ARGS_MOST);
	struct val dst = fn_reg(f);
	if (u->err)
		return dst;
	uint32_t at = (uint32_t)f->n_vals;
	for (unsigned i = 0; i < n; i++)
		f->vals[f->n_vals++] = plain[i];
	fn_add(f, &(struct ins){ .kind = INS_CALL,
				 .len = (uint8_t)n,
				 .flag = is_kfunc,
				 .dst = dst.id,
				 .to = to,
				 .args = at });
	// An address is cheaper made again than kept across a call.
	f->last_map.kind = VAL_NONE;
	return dst;
}

struct val fn_call(struct fn *f, int helper, unsigned n, const struct val *args)
{
	return add_call(f, helper, /* is_kfunc= */ false, n, args);
}

struct val fn_kfunc(struct fn *f, int btf_id, unsigned n, const struct val *args)
{
	return add_call(f, btf_id, /* is_kfunc= */ true, n, args);
}

int fn_label(struct fn *f)
{
	return f->n_labels++;
}

void fn_place(struct fn *f, int label)
{
	f->last_map.kind = VAL_NONE;
	fn_add(f, &(struct ins){ .kind = INS_LABEL, .dst = -1, .to = label });
}

void fn_jump(struct fn *f, int label)
{
	fn_add(f, &(struct ins){ .kind = INS_JUMP, .dst = -1, .to = label });
}

void fn_if(struct fn *f, enum fn_cond cond, struct val a, struct val b, int label)
{
	if (a.kind == VAL_IMM && b.kind == VAL_IMM) {
		if (fold_cond(cond, a.n, b.n))
			fn_jump(f, label);
		return;
	}
	if (a.kind == VAL_IMM) {
		struct val other = a;
		a = b;
		b = other;
		cond = fold_mirror(cond);
	}
	a = fn_in_reg(f, a);
	b = fn_reg_or_imm(f, b);
	fn_add(f, &(struct ins){ .kind = INS_IF,
				 .op = (uint8_t)cond,
				 .dst = -1,
				 .to = label,
				 .a = a,
				 .b = b });
}

void fn_exit(struct fn *f, struct val v)
{
	sonde_check(v.kind != VAL_NONE);
	v = fn_plain(f, v);
	fn_add(f, &(struct ins){ .kind = INS_EXIT, .dst = -1, .a = v });
}
