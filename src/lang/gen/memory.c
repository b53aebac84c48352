/* SPDX-License-Identifier: MIT */
/** Values in memory: where they are, how they are read and copied. */
#include <linux/bpf.h>
#include <string.h>

#include "bpf/machine.h"
#include "lang/check/builtin.h"
#include "lang/gen/gen.h"
#include "lang/gen/regs.h"

bool type_in_memory(const struct type *t)
{
	switch (t->kind) {
	case TYPE_STR:
	case TYPE_BUF:
	case TYPE_TUPLE:
	case TYPE_RECORD:
	case TYPE_ARRAY:
	case TYPE_KSTACK:
	case TYPE_USTACK:
	case TYPE_USYM:
	case TYPE_INET:
	case TYPE_MAC: return true;
	default: return false;
	}
}

enum space gen_space(const struct type *ptr)
{
	return ptr->is_user ? SP_USER : SP_ANY;
}

static int read_helper(enum space space)
{
	switch (space) {
	case SP_USER: return BPF_FUNC_probe_read_user;
	case SP_ANY: return BPF_FUNC_probe_read;
	default: return BPF_FUNC_probe_read_kernel;
	}
}

static struct val address(struct gen *g, const struct place *p)
{
	if (!p->off)
		return p->base;
	if (p->base.kind != VAL_REG)
		return val_at(p->base, p->off);
	return fn_op(g->f, FN_ADD, p->base, val_imm(p->off));
}

static unsigned align_at(int64_t off)
{
	return off % 8 == 0 ? 8 : off % 4 == 0 ? 4 : off % 2 == 0 ? 2 : 1;
}

static unsigned align_both(int64_t a, int64_t b)
{
	const unsigned x = align_at(a), y = align_at(b);

	return x < y ? x : y;
}

void gen_read(struct gen *g, const struct place *from, struct val dst, int64_t off, uint32_t len)
{
	if (!len)
		return;
	if (from->space == SP_BPF) {
		fn_copy(g->f, dst, off, from->base, from->off, len, align_both(off, from->off));
		return;
	}
	const struct place to = place_at(SP_BPF, dst, off);
	struct val addr = address(g, from);
	struct val got =
		FN_CALL(g->f, read_helper(from->space), address(g, &to), val_imm(len), addr);
	gen_fault_if_failed(g, got, addr);
}

struct val gen_load_place(struct gen *g, const struct place *p, const struct type *t)
{
	const uint32_t len = t->size > 8 ? 8 : t->size;
	const bool whole = len == 1 || len == 2 || len == 4 || len == 8;

	if (whole && (p->space == SP_BPF || p->space == SP_TRUSTED ||
		      (p->space == SP_CTX && p->off % len == 0)))
		return fn_load(g->f, len, t->is_signed, p->base, p->off);
	struct val slot = fn_slot(g->f, 8);
	if (!whole)
		fn_store(g->f, 8, slot, 0, val_imm(0));
	gen_read(g, p, slot, 0, len);
	return fn_load(g->f, whole ? len : 8, t->is_signed, slot, 0);
}

/* Bits that are not all in one number of their type, as in packed structs. */
static struct val load_split_bits(struct gen *g, const struct place *p, unsigned shift,
				  unsigned bit_size)
{
	const unsigned bytes = (shift + bit_size + 7) / 8; // at most 9
	struct val slot = fn_slot(g->f, 16);

	fn_zero(g->f, slot, 0, 16, 8);
	gen_read(g, p, slot, 0, bytes);
	struct val low = fn_op(g->f, FN_RSH, fn_load(g->f, 8, false, slot, 0), val_imm(shift));
	if (bytes <= 8)
		return low;
	struct val high = fn_load(g->f, 8, false, slot, 8);
	return fn_op(g->f, FN_OR, low, fn_op(g->f, FN_LSH, high, val_imm(64 - shift)));
}

struct val gen_load_bits(struct gen *g, const struct place *p, const struct cmember *m,
			 const struct type *t)
{
	const unsigned unit = t->size * 8, first = (unsigned)(m->bit_off % unit);
	struct val v;

	if (first + m->bit_size <= unit) {
		// Little-endian machines have the first bits lowest.
		const struct type whole = { .kind = TYPE_INT, .size = t->size };
		struct place at = *p;
		at.off -= first / 8;
		v = fn_op(g->f, FN_RSH, gen_load_place(g, &at, &whole), val_imm(first));
	} else {
		v = load_split_bits(g, p, (unsigned)(m->bit_off % 8), m->bit_size);
	}
	// Up to the top, and down again, with the sign.
	v = fn_op(g->f, FN_LSH, v, val_imm(64 - m->bit_size));
	return fn_op(g->f, t->is_signed ? FN_ARSH : FN_RSH, v, val_imm(64 - m->bit_size));
}

/* The arguments of a system call as an array: they are in registers. */
static struct place syscall_array(struct gen *g, const struct probe_field *f)
{
	struct val regs = fn_load(g->f, 8, false, gen_ctx(g), 0), copy = gen_temp(g, f->len);
	const bool typed = g->point->prog_type == BPF_PROG_TYPE_TRACING;

	for (uint32_t i = 0; 8 * i + 8 <= f->len; i++) {
		const int off = regs_syscall_arg(i);
		const struct place at =
			place_at(typed ? SP_TRUSTED : SP_KERNEL, regs, off < 0 ? 0 : off);
		fn_store(g->f, 8, copy, 8LL * i, gen_load_place(g, &at, &type_u64));
	}
	return place_at(SP_BPF, copy, 0);
}

/* A field of a record in the ring of a tracepoint, or an argument by name. */
static struct place place_of_field(struct gen *g, const struct probe_field *f)
{
	const struct probe *p = g->point;
	struct val ctx = gen_ctx(g);

	if (p->args == ARGS_RAW || p->args == ARGS_TYPED || p->args == ARGS_ITER)
		return place_at(SP_CTX, ctx, p->args == ARGS_ITER ? f->off : 8LL * f->off);
	if (p->args == ARGS_SYSCALL) {
		const bool typed = p->prog_type == BPF_PROG_TYPE_TRACING;
		if (p->is_syscall_exit && f->off != 8)
			return place_at(SP_CTX, ctx, 8);
		if (f->off == 8 && !p->is_syscall_exit)
			return place_at(SP_CTX, ctx, 8);
		if (f->type->kind == CT_ARRAY)
			return syscall_array(g, f);
		struct val regs = fn_load(g->f, 8, false, ctx, 0);
		const int off =
			f->off == 8 ? regs_syscall_nr() : regs_syscall_arg((f->off - 16) / 8);
		return place_at(typed ? SP_TRUSTED : SP_KERNEL, regs, off < 0 ? 0 : off);
	}
	if (p->args == ARGS_REGS) {
		const int off = p->is_return ? regs_retval() : regs_arg(f->off);
		if (off >= 0)
			return place_at(SP_CTX, ctx, off);
		struct val sp = fn_load(g->f, 8, false, ctx, regs_sp());
		return place_at(SP_ANY, sp, regs_stack_args() + 8LL * (f->off - 6));
	}
	return place_at(SP_CTX, ctx, f->off);
}

/* Where the bytes of a dynamic field begin. */
static struct val dynamic_address(struct gen *g, const struct probe_field *f)
{
	struct val ctx = gen_ctx(g);

	if (f->place == FIELD_CALL)
		return FN_CALL(g->f, MACHINE_FIELD, ctx, val_imm(f->off));
	struct val loc = fn_load(g->f, 4, false, ctx, f->off);
	struct val off = fn_op(g->f, FN_AND, loc, val_imm(0xffff));

	if (f->place == FIELD_REL_LOC)
		off = fn_op(g->f, FN_ADD, off, val_imm(f->off + 4));
	return fn_op(g->f, FN_ADD, ctx, off);
}

struct val gen_field(struct gen *g, const struct probe_field *f)
{
	const struct type t = {
		.kind = TYPE_INT, .size = f->len, .align = 8, .is_signed = f->is_signed
	};
	const struct place p = place_of_field(g, f);

	return f->place == FIELD_CALL ? dynamic_address(g, f) : gen_load_place(g, &p, &t);
}

static struct place place_of_member(struct gen *g, struct ast *x)
{
	const struct type *t = x->u.member.x->type;

	if (ast_is_part(x))
		return place_at(SP_KERNEL, gen_part(g, x), 0);
	if (t->kind == TYPE_PTR && t->is_ctx) {
		const struct probe_field *f = x->note;
		if (f->place != FIELD_FIXED)
			return place_at(SP_KERNEL, dynamic_address(g, f), 0);
		return place_of_field(g, f);
	}
	if (t->kind == TYPE_TUPLE) {
		struct place p = gen_place(g, x->u.member.x);
		p.off += ((const struct type_field *)x->note)->off;
		return p;
	}
	const struct cmember *m = x->note;
	struct place p;
	if (t->kind == TYPE_PTR)
		p = place_at(gen_space(t), gen_scalar(g, x->u.member.x), 0);
	else
		p = gen_place(g, x->u.member.x);
	p.off += (int64_t)(m->bit_off / 8);
	p.raw = true;
	return p;
}

/* args.args[1] of a system call: one register, where the index is known. */
static bool syscall_element(struct gen *g, struct ast *x, struct val i, struct place *ret)
{
	const struct ast *a = x->u.op.a;
	const struct probe *p = g->point;

	if (p->args != ARGS_SYSCALL || a->kind != AST_MEMBER || i.kind != VAL_IMM ||
	    a->type->kind != TYPE_ARRAY || !a->u.member.x->type->is_ctx)
		return false;
	const int off = regs_syscall_arg((unsigned)i.n);
	struct val regs = fn_load(g->f, 8, false, gen_ctx(g), 0);
	*ret = place_at(p->prog_type == BPF_PROG_TYPE_TRACING ? SP_TRUSTED : SP_KERNEL, regs,
			off < 0 ? 0 : off);
	return true;
}

static struct place place_of_index(struct gen *g, struct ast *x)
{
	const struct type *t = x->u.op.a->type;
	if (ast_is_part(x))
		return place_at(SP_KERNEL, gen_part(g, x), 0);
	struct val i = gen_scalar(g, x->u.op.b);
	const int64_t size = x->type->size;
	struct place p;

	if (syscall_element(g, x, i, &p))
		return p;

	if (t->kind == TYPE_PTR)
		p = place_at(gen_space(t), gen_scalar(g, x->u.op.a), 0);
	else
		p = gen_place(g, x->u.op.a);
	p.raw = p.raw || t->kind == TYPE_ARRAY || t->kind == TYPE_PTR;
	if (i.kind == VAL_IMM) { // a pointer's may be anything
		p.off = (int64_t)((uint64_t)p.off + (uint64_t)i.n * (uint64_t)size);
		return p;
	}
	struct val off = fn_op(g->f, FN_MUL, i, val_imm(size));
	if (p.space == SP_BPF || p.space == SP_CTX) {
		// The verifier wants to see that it stays inside: a place behind the end is read as
		// the last.
		const int64_t last = (int64_t)t->size - size;
		struct val r = fn_reg(g->f);
		int l_fine = fn_label(g->f);
		fn_mov(g->f, r, off);
		fn_if(g->f, FN_LE, r, val_imm(last), l_fine);
		fn_mov(g->f, r, val_imm(last));
		fn_place(g->f, l_fine);
		off = r;
		if (p.space == SP_CTX)
			p.space =
				SP_KERNEL; // read by a helper, as the context has fixed places only
	}
	struct val base = fn_reg(g->f);
	fn_mov(g->f, base, p.base);
	fn_op_to(g->f, FN_ADD, base, off);
	p.base = base;
	return p;
}

static struct place place_of_map(struct gen *g, struct ast *x)
{
	const struct map_info *m = x->note;
	struct val p = gen_lookup(g, m, x->u.map.keys);
	struct val r = fn_reg(g->f);
	int l_there = fn_label(g->f);

	fn_mov(g->f, r, p);
	fn_if(g->f, FN_NE, r, val_imm(0), l_there);
	fn_mov(g->f, r, gen_zeros(g, m->val->size));
	fn_place(g->f, l_there);
	return place_at(SP_BPF, r, 0);
}

static struct place place_of_var(struct gen *g, struct var *v)
{
	const struct home *h = gen_home(g, v);

	switch (h->kind) {
	case HOME_SLOT: return place_at(SP_BPF, h->val, 0);
	case HOME_SCRATCH: return place_at(SP_BPF, gen_scratch_at(g, h->off), 0);
	default: return place_at(SP_BPF, gen_frame(g), h->off);
	}
}

/* str(args.comm): the array itself, no copy. */
static bool is_array_str(const struct ast *x)
{
	const struct func *f = x->kind == AST_CALL ? x->note : NULL;

	return f && f->id == F_STR && !x->u.call.args->next && x->u.call.args->type &&
	       x->u.call.args->type->kind == TYPE_STR &&
	       x->u.call.args->type->size == x->type->size &&
	       x->u.call.args->kind != AST_POSITIONAL;
}

/* A cast that leaves the bytes, or their begin, as they are. */
static bool is_same_bytes(const struct type *to, const struct type *from)
{
	if (to->kind == TYPE_STR)
		return from->kind == TYPE_STR && to->size <= from->size;
	return type_same(to, from) || (to->kind == TYPE_ARRAY && type_in_memory(from));
}

static struct place place_of(struct gen *g, struct ast *x)
{
	switch (x->kind) {
	case AST_VAR: return place_of_var(g, (struct var *)x->note);
	case AST_MAP: return place_of_map(g, x);
	case AST_MEMBER: return place_of_member(g, x);
	case AST_INDEX: return place_of_index(g, x);
	case AST_CAST:
		if (is_same_bytes(x->type, x->u.cast.x->type))
			return gen_place(g, x->u.cast.x);
		break;
	case AST_UNARY:
		if (x->u.op.op == OP_DEREF)
			return place_at(x->u.op.a->type->kind == TYPE_PTR
						? gen_space(x->u.op.a->type)
						: SP_ANY,
					gen_scalar(g, x->u.op.a), 0);
		break;
	case AST_CALL:
		if (is_array_str(x))
			return gen_place(g, x->u.call.args);
		break; // other calls make their value below
	default: break;
	}
	struct val temp = gen_temp(g, x->type->size);
	gen_into(g, x, temp, 0, x->type, /* pad= */ true);
	return place_at(SP_BPF, temp, 0);
}

struct place gen_place(struct gen *g, struct ast *x)
{
	const bool was = g->may_fault;

	g->may_fault = x->may_fault;
	struct place p = place_of(g, x);
	g->may_fault = was;
	return p;
}

void gen_store_scalar(struct gen *g, struct val v, struct val dst, int64_t off,
		      const struct type *t)
{
	fn_store(g->f, t->size, dst, off, v);
}

void gen_read_str(struct gen *g, enum space space, struct val addr, struct val dst, int64_t off,
		  struct val size, uint32_t room)
{
	static const int helpers[] = {
		[SP_BPF] = BPF_FUNC_probe_read_kernel_str,
		[SP_CTX] = BPF_FUNC_probe_read_kernel_str,
		[SP_TRUSTED] = BPF_FUNC_probe_read_kernel_str,
		[SP_KERNEL] = BPF_FUNC_probe_read_kernel_str,
		[SP_USER] = BPF_FUNC_probe_read_user_str,
		[SP_ANY] = BPF_FUNC_probe_read_str,
	};
	const struct place to = place_at(SP_BPF, dst, off);

	(void)room;
	struct val got = FN_CALL(g->f, helpers[space], address(g, &to), size, addr);
	gen_fault_if_failed(g, got, addr);
}

void gen_str_literal(struct gen *g, const char *text, size_t len, struct val dst, int64_t off,
		     const struct type *t, bool pad)
{
	const uint32_t room = t->size;
	const uint32_t n = len < room ? (uint32_t)len : room;
	uint32_t i = 0;

	for (; i + 8 <= room && i <= n; i += 8) {
		uint64_t word = 0;
		memcpy(&word, text + i, n - i < 8 ? n - i : 8);
		fn_store(g->f, 8, dst, off + i, val_imm((int64_t)word));
	}
	for (; i < room && i <= n; i++)
		fn_store(g->f, 1, dst, off + i, val_imm(i < n ? text[i] : 0));
	if (pad && i < room)
		fn_zero(g->f, dst, off + i, room - i, align_at(off + i));
}

/* The string that lies as @size bytes in @from. */
static void str_copy(struct gen *g, const struct place *from, uint32_t size, struct val dst,
		     int64_t off, const struct type *t, bool pad)
{
	const uint32_t n = size < t->size ? size : t->size;

	if (from->space == SP_BPF && !from->raw) {
		gen_read(g, from, dst, off, n);
		if (n < t->size)
			fn_zero(g->f, dst, off + n, pad ? t->size - n : 1,
				pad ? align_at(off + n) : 1);
		return;
	}
	if (pad)
		fn_zero(g->f, dst, off, t->size, align_at(off));
	struct val addr = address(g, from);
	if (t->size > size) { // room for a 0 behind it
		gen_read_str(g, from->space, addr, dst, off, val_imm(size + 1), t->size);
		return;
	}
	const struct place to = place_at(SP_BPF, dst, off);
	struct val keep = fn_reg(g->f);
	fn_mov(g->f, keep, addr);
	struct val got = FN_CALL(g->f,
				 from->space == SP_USER	 ? BPF_FUNC_probe_read_user_str
				 : from->space == SP_ANY ? BPF_FUNC_probe_read_str
							 : BPF_FUNC_probe_read_kernel_str,
				 address(g, &to), val_imm(n), keep);
	gen_fault_if_failed(g, got, keep);
	// Full to the last byte: that byte is not a 0, so it is read as well.
	int l_fine = fn_label(g->f);
	fn_if(g->f, FN_NE, got, val_imm(n), l_fine);
	const struct place whole = place_at(from->space, keep, 0);
	gen_read(g, &whole, dst, off, n);
	fn_place(g->f, l_fine);
}

static void str_into(struct gen *g, struct ast *x, struct val dst, int64_t off,
		     const struct type *t, bool pad)
{
	size_t len;
	const char *text = check_text(g->check, x, &len);
	const struct builtin *b = x->kind == AST_NAME ? x->note : NULL;

	if (text) {
		gen_str_literal(g, text, len, dst, off, t, pad);
	} else if (x->type->kind == TYPE_PROBE) {
		gen_name_into(g, x, dst, off, t);
	} else if (type_is_number(x->type)) {
		if (pad)
			fn_zero(g->f, dst, off, t->size, align_at(off));
		const uint32_t most = g->check->max_strlen;
		gen_read_str(g, gen_space(x->type), gen_scalar(g, x), dst, off,
			     val_imm(t->size < most ? t->size : most), t->size);
	} else if (b && b->id == B_COMM && t->size >= 16) {
		const struct place to = place_at(SP_BPF, dst, off);
		if (pad) // some kernels, 6.1 among them, write up to the end of the name alone
			fn_zero(g->f, dst, off, t->size, align_at(off));
		FN_CALL(g->f, BPF_FUNC_get_current_comm, address(g, &to), val_imm(16));
	} else if (b && b->id == B_FUNC) {
		gen_str_literal(g, g->point->func, strlen(g->point->func), dst, off, t, pad);
	} else if (x->kind == AST_CAST && x->u.cast.x->type->kind == TYPE_STR &&
		   x->u.cast.x->type->size < x->type->size) {
		str_into(g, x->u.cast.x, dst, off, t, pad); // there is no more of it
	} else if (x->kind == AST_CALL && !is_array_str(x)) {
		gen_call_into(g, x, dst, off, t);
	} else if (b && b->id == B_PCOMM) {
		gen_call_into(g, x, dst, off, t);
	} else {
		struct place from = gen_place(g, x);
		str_copy(g, &from, x->type->size, dst, off, t, pad);
	}
}

static void tuple_into(struct gen *g, struct ast *x, struct val dst, int64_t off,
		       const struct type *t)
{
	uint32_t i = 0, end = 0;

	for (struct ast *e = x->u.list.first; e && i < t->n; e = e->next, i++) {
		const struct type_field *f = &t->fields[i];
		if (f->off > end)
			fn_zero(g->f, dst, off + end, f->off - end, 1);
		gen_into(g, e, dst, off + f->off, f->type, /* pad= */ true);
		end = f->off + f->type->size;
	}
	if (t->size > end)
		fn_zero(g->f, dst, off + end, t->size - end, 1);
}

/* A tuple into one with larger parts. */
static void tuple_copy(struct gen *g, const struct place *from, const struct type *is,
		       struct val dst, int64_t off, const struct type *t)
{
	if (type_same(is, t)) {
		gen_read(g, from, dst, off, t->size);
		return;
	}
	fn_zero(g->f, dst, off, t->size, align_at(off));
	for (uint32_t i = 0; i < t->n && i < is->n; i++) {
		struct place p = *from;

		p.off += is->fields[i].off;
		gen_convert(g, &p, is->fields[i].type, dst, off + t->fields[i].off,
			    t->fields[i].type);
	}
}

void gen_convert(struct gen *g, const struct place *from, const struct type *is, struct val dst,
		 int64_t off, const struct type *t)
{
	const uint32_t n = is->size < t->size ? is->size : t->size;

	if (!type_in_memory(t)) {
		gen_store_scalar(g, gen_load_place(g, from, is), dst, off, t);
	} else if (t->kind == TYPE_STR) {
		str_copy(g, from, is->size, dst, off, t, /* pad= */ true);
	} else if (t->kind == TYPE_TUPLE) {
		tuple_copy(g, from, is, dst, off, t);
	} else {
		gen_read(g, from, dst, off, n);
		if (n < t->size)
			fn_zero(g->f, dst, off + n, t->size - n, align_at(off + n));
	}
}

static void ternary_into(struct gen *g, struct ast *x, struct val dst, int64_t off,
			 const struct type *t, bool pad)
{
	int l_no = fn_label(g->f), l_end = fn_label(g->f);

	gen_branch(g, x->u.cond.cond, l_no);
	gen_into(g, x->u.cond.yes, dst, off, t, pad);
	fn_jump(g->f, l_end);
	fn_place(g->f, l_no);
	gen_into(g, x->u.cond.no, dst, off, t, pad);
	fn_place(g->f, l_end);
}

/* Bytes of an array from a number: (uint8[8])x. */
static bool number_into_array(struct gen *g, struct ast *x, struct val dst, int64_t off,
			      const struct type *t)
{
	if (x->kind != AST_CAST || t->kind != TYPE_ARRAY || type_in_memory(x->u.cast.x->type))
		return false;
	struct val slot = fn_slot(g->f, 8);
	fn_store(g->f, 8, slot, 0, gen_scalar(g, x->u.cast.x));
	fn_copy(g->f, dst, off, slot, 0, t->size, align_at(off));
	return true;
}

static void into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t,
		 bool pad)
{
	if (!type_in_memory(t)) {
		gen_store_scalar(g, gen_scalar(g, x), dst, off, t);
		return;
	}
	if (x->kind == AST_TERNARY) {
		ternary_into(g, x, dst, off, t, pad);
		return;
	}
	const struct builtin *b = x->kind == AST_NAME ? x->note : NULL;
	if (t->kind == TYPE_STR) {
		str_into(g, x, dst, off, t, pad);
	} else if (x->kind == AST_TUPLE) {
		tuple_into(g, x, dst, off, t);
	} else if (b && (b->id == B_KSTACK || b->id == B_USTACK)) {
		gen_stack(g, t, dst, off);
	} else if (x->kind == AST_CALL || b) {
		gen_call_into(g, x, dst, off, t);
	} else if (!number_into_array(g, x, dst, off, t)) {
		struct place from = gen_place(g, x);
		gen_convert(g, &from, x->type, dst, off, t);
	}
}

void gen_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t,
	      bool pad)
{
	const bool was = g->may_fault;

	g->may_fault = x->may_fault;
	into(g, x, dst, off, t, pad);
	g->may_fault = was;
}

struct val gen_mem(struct gen *g, struct ast *x, const struct type *t)
{
	if (type_in_memory(t) && type_same(x->type, t) &&
	    (x->kind == AST_VAR || x->kind == AST_MAP || x->kind == AST_MEMBER)) {
		struct place p = gen_place(g, x);
		if (p.space == SP_BPF && !(p.raw && t->kind == TYPE_STR))
			return address(g, &p);
		struct val copy = gen_temp(g, t->size);
		if (t->kind == TYPE_STR)
			str_copy(g, &p, t->size, copy, 0, t, true);
		else
			gen_read(g, &p, copy, 0, t->size);
		return copy;
	}
	struct val temp = gen_temp(g, t->size);
	gen_into(g, x, temp, 0, t, /* pad= */ true);
	return temp;
}
