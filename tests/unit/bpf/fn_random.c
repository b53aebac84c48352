/* SPDX-License-Identifier: MIT */
/** Makes random functions, builds them, and evaluates them step by step. */
#include "fn_random.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static unsigned below(struct random_fn *r, unsigned n)
{
	return (unsigned)(random_next(&r->state) % n);
}

static int64_t number(struct random_fn *r)
{
	static const int64_t known[] = {
		0,
		1,
		-1,
		2,
		3,
		7,
		8,
		63,
		64,
		255,
		256,
		4096,
		65535,
		-128,
		INT32_MAX,
		INT32_MIN,
		(int64_t)INT32_MAX + 1,
		0xffffffff,
		0x100000000,
		INT64_MAX,
		INT64_MIN,
		(int64_t)INT32_MIN - 1,
		1ll << 40,
		0xff00ff00ff00,
	};
	if (below(r, 3))
		return known[below(r, MEM_LEN(known))];
	unsigned shift = below(r, 64);
	return (int64_t)random_next(&r->state) >> shift;
}

static struct operand operand(struct random_fn *r)
{
	if (below(r, 4) == 0)
		return (struct operand){ -1, number(r) };
	return (struct operand){ (int)below(r, (unsigned)r->n_vars), 0 };
}

static void place(struct random_fn *r, struct step *s)
{
	s->mem = below(r, N_MEM);
	// See fn_atomic().
	if (s->mem == MEM_SLOT && (s->kind == STEP_ATOMIC || s->kind == STEP_CMPXCHG))
		s->mem = MEM_MAP;
	s->off = below(r, RANDOM_MEM / s->len) * s->len;
	s->mem2 = (s->mem + 1 + below(r, N_MEM - 1)) % N_MEM;
	s->off2 = below(r, RANDOM_MEM / s->len) * s->len;
}

static void make_details(struct random_fn *r, struct step *s)
{
	s->dst = (int)below(r, (unsigned)r->n_vars);
	s->a = operand(r);
	s->b = operand(r);
	s->len = 1u << below(r, 4);
	s->flag = below(r, 2);
	s->op = (int)below(r, FN_ARSH + 1);
	if (s->kind == STEP_SWAP && s->len == 1)
		s->len = 8;
	if (s->kind == STEP_ATOMIC || s->kind == STEP_CMPXCHG) {
		s->len = 4u << below(r, 2);
		s->op = (int)below(r, FN_ATOMIC_XCHG + 1);
	}
	if (s->kind == STEP_IF || s->kind == STEP_LEAVE)
		s->op = (int)below(r, FN_SET + 1);
	place(r, s);
	if (s->kind == STEP_ZERO || s->kind == STEP_COPY) {
		s->count = 1 + (int)below(r, RANDOM_MEM - 1);
		unsigned most = (RANDOM_MEM - (unsigned)s->count) / s->len + 1;
		s->off = below(r, most) * s->len;
		s->off2 = below(r, most) * s->len;
	}
}

static void make_steps(struct random_fn *r, int n, int depth, bool in_loop)
{
	static const uint8_t weights[] = {
		[STEP_OP] = 20,	  [STEP_OP_TO] = 10, [STEP_SUM_OF] = 6, [STEP_MOV] = 6,
		[STEP_NEG] = 2,	  [STEP_NOT] = 2,    [STEP_EXTEND] = 5, [STEP_SWAP] = 3,
		[STEP_LOAD] = 6,  [STEP_STORE] = 6,  [STEP_ATOMIC] = 4, [STEP_CMPXCHG] = 2,
		[STEP_ZERO] = 1,  [STEP_COPY] = 1,   [STEP_CALL] = 5,	[STEP_UPDATE] = 2,
		[STEP_IF] = 6,	  [STEP_BOX] = 4,    [STEP_INDEX] = 4,	[STEP_LOOP] = 2,
		[STEP_LEAVE] = 2,
	};
	int end = r->n_steps + n;

	while (r->n_steps < end) {
		unsigned kind = below(r, STEP_LEAVE + 1);
		bool nests = kind == STEP_IF || kind == STEP_LOOP || kind == STEP_BOX ||
			     kind == STEP_INDEX;
		if (below(r, 20) >= weights[kind] || (nests && depth >= 4) ||
		    (kind == STEP_LOOP && in_loop && below(r, 4)))
			continue;
		struct step *s = &r->steps[r->n_steps++];
		*s = (struct step){ .kind = kind };
		make_details(r, s);
		if (!nests)
			continue;
		int left = end - r->n_steps;
		s->n = left ? (int)below(r, (unsigned)(left < 12 ? left + 1 : 12)) : 0;
		s->count = 1 + (int)below(r, 3);
		make_steps(r, s->n, depth + 1, in_loop || kind == STEP_LOOP);
		left = end - r->n_steps;
		if (kind == STEP_IF && below(r, 2) && left > 0) {
			s->n_else = (int)below(r, (unsigned)(left < 12 ? left + 1 : 12));
			make_steps(r, s->n_else, depth + 1, in_loop);
		}
	}
}

void random_fn_make(struct random_fn *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->state = seed;
	r->n_vars = 2 + (int)below(r, below(r, 2) ? 8 : RANDOM_VARS - 1);
	r->sets_all = below(r, 4) != 0;
	make_steps(r, 5 + (int)below(r, below(r, 4) ? 60 : RANDOM_STEPS - 20), 0, false);
}

/* Building. */

struct build {
	const struct random_fn *r;
	struct fn *f;
	struct val vars[RANDOM_VARS];
	struct val slot, pointer, key;
	int end; /* label */
};

static struct val val_of(const struct build *b, struct operand o)
{
	return o.var >= 0 ? b->vars[o.var] : val_imm(o.n);
}

static struct val mem_val(const struct build *b, enum mem_kind mem)
{
	if (mem == MEM_SLOT)
		return b->slot;
	if (mem == MEM_MAP)
		return val_map_value(0, offsetof(struct random_result, map));
	return val_at(b->pointer, offsetof(struct random_result, pointed));
}

static struct val build_value(struct build *b, const struct step *s)
{
	struct fn *f = b->f;
	struct val x = val_of(b, s->a), y = val_of(b, s->b), mem = mem_val(b, s->mem);

	switch (s->kind) {
	case STEP_OP: return fn_op(f, s->op, x, y);
	case STEP_SUM_OF: return fn_op(f, s->op, fn_op(f, FN_ADD, fn_op(f, s->op, x, y), x), y);
	case STEP_NEG: return fn_neg(f, x);
	case STEP_NOT: return fn_not(f, x);
	case STEP_EXTEND: return fn_extend(f, x, s->len, s->flag);
	case STEP_SWAP: return fn_bswap(f, x, s->len);
	case STEP_LOAD: return fn_load(f, s->len, s->flag, mem, s->off);
	case STEP_ATOMIC: return fn_atomic(f, s->op, s->len, mem, s->off, x, s->flag);
	case STEP_CMPXCHG: return fn_cmpxchg(f, s->len, mem, s->off, x, y);
	default: return x;
	}
}

/* The processor's number has 32 bits: the upper half of the result is 0. */
static void build_call(struct build *b, const struct step *s)
{
	struct fn *f = b->f;
	struct val cpu = FN_CALL0(f, BPF_FUNC_get_smp_processor_id);
	struct val zero = fn_op(f, FN_RSH, cpu, val_imm(32));

	fn_mov(f, b->vars[s->dst], fn_op(f, FN_ADD, val_of(b, s->a), zero));
}

static void build_update(struct build *b, const struct step *s)
{
	struct fn *f = b->f;
	struct val value = fn_slot(f, 8);

	fn_store(f, 8, value, 0, val_of(b, s->a));
	struct val r = FN_CALL(f, BPF_FUNC_map_update_elem, val_map(1), b->key, value, val_imm(0));
	// 0, as the element is there.
	fn_op_to(f, FN_ADD, b->vars[s->dst], r);
}

static void build_plain(struct build *b, const struct step *s)
{
	struct fn *f = b->f;
	struct val mem = mem_val(b, s->mem), v;

	switch (s->kind) {
	case STEP_OP_TO: fn_op_to(f, s->op, b->vars[s->dst], val_of(b, s->b)); break;
	case STEP_STORE: fn_store(f, s->len, mem, s->off, val_of(b, s->a)); break;
	case STEP_ZERO: fn_zero(f, mem, s->off, (size_t)s->count, s->len); break;
	case STEP_COPY:
		fn_copy(f, mem, s->off, mem_val(b, s->mem2), s->off2, (size_t)s->count, s->len);
		break;
	case STEP_CALL: build_call(b, s); break;
	case STEP_UPDATE: build_update(b, s); break;
	default:
		v = build_value(b, s);
		if (v.kind != VAL_NONE)
			fn_mov(f, b->vars[s->dst], v);
		break;
	}
}

static void build_steps(struct build *b, int from, int to, int leave);

static void build_if(struct build *b, const struct step *s, int at, int leave)
{
	int other = fn_label(b->f), end = fn_label(b->f);

	// Sometimes as "if a goto then; goto else", as generators do.
	if (s->flag) {
		int then = fn_label(b->f);
		fn_if(b->f, s->op, val_of(b, s->a), val_of(b, s->b), then);
		fn_jump(b->f, other);
		fn_place(b->f, then);
		build_steps(b, at + 1, at + 1 + s->n, leave);
		fn_jump(b->f, end);
		fn_place(b->f, other);
		build_steps(b, at + 1 + s->n, at + 1 + s->n + s->n_else, leave);
	} else {
		fn_if(b->f, s->op, val_of(b, s->a), val_of(b, s->b), other);
		build_steps(b, at + 1 + s->n, at + 1 + s->n + s->n_else, leave);
		fn_jump(b->f, end);
		fn_place(b->f, other);
		build_steps(b, at + 1, at + 1 + s->n, leave);
	}
	fn_place(b->f, end);
}

static void build_loop(struct build *b, const struct step *s, int at)
{
	int again = fn_label(b->f), end = fn_label(b->f);
	struct val count = fn_reg(b->f);

	fn_mov(b->f, count, val_imm(0));
	fn_place(b->f, again);
	build_steps(b, at + 1, at + 1 + s->n, end);
	fn_op_to(b->f, FN_ADD, count, val_imm(1));
	fn_if(b->f, FN_LT, count, val_imm(s->count), again);
	fn_place(b->f, end);
}

static void build_box(struct build *b, const struct step *s, int at, int leave)
{
	struct fn *f = b->f;
	unsigned words = s->len > 2 ? 3 : s->len;
	struct val box = fn_slot(f, 8 * words), second = val_at(box, 8 * (words - 1));

	fn_store(f, 8, box, 0, val_of(b, s->a));
	if (words > 1)
		fn_store(f, 8, second, 0, val_of(b, s->b));
	build_steps(b, at + 1, at + 1 + s->n, leave);
	struct val v = fn_load(f, 8, false, box, 0);
	if (words > 1)
		fn_op_to(f, FN_XOR, v, fn_load(f, 8, false, second, 0));
	fn_mov(f, b->vars[s->dst], v);
}

/* The verifier must remember the comparison until the access, wherever the index is kept. */
static void build_index(struct build *b, const struct step *s, int at, int leave)
{
	struct fn *f = b->f;
	struct val index = fn_reg(f), mem = mem_val(b, s->flag ? MEM_MAP : MEM_POINTER);
	int skip = fn_label(f), in_bounds = fn_label(f);

	fn_mov(f, index, fn_op(f, FN_AND, val_of(b, s->a), val_imm(INDEX_BITS)));
	if (s->count & 1) {
		fn_if(f, FN_LT, index, val_imm(32), in_bounds);
		fn_jump(f, skip);
		fn_place(f, in_bounds);
	} else {
		fn_if(f, FN_SGT, index, val_imm(31), skip);
	}
	build_steps(b, at + 1, at + 1 + s->n, leave);
	struct val place = fn_op(f, FN_ADD, mem, index);
	fn_mov(f, b->vars[s->dst], fn_load(f, 1, false, place, s->off / 2));
	fn_place(f, skip);
}

static void build_steps(struct build *b, int from, int to, int leave)
{
	for (int i = from; i < to; i++) {
		const struct step *s = &b->r->steps[i];
		fn_line(b->f, (unsigned)i + 1, 1);
		if (s->kind == STEP_LEAVE)
			fn_if(b->f, s->op, val_of(b, s->a), val_of(b, s->b), leave);
		else if (s->kind == STEP_IF)
			build_if(b, s, i, leave);
		else if (s->kind == STEP_LOOP)
			build_loop(b, s, i);
		else if (s->kind == STEP_BOX)
			build_box(b, s, i, leave);
		else if (s->kind == STEP_INDEX)
			build_index(b, s, i, leave);
		else
			build_plain(b, s);
		i += s->n + s->n_else;
	}
}

static void build_begin(struct build *b)
{
	struct fn *f = b->f;
	struct val ctx = fn_arg(f, 0);
	int found = fn_label(f);

	b->end = fn_label(f);
	b->slot = fn_slot(f, RANDOM_MEM);
	b->key = fn_slot(f, 4);
	fn_zero(f, b->slot, 0, RANDOM_MEM, 8);
	fn_store(f, 4, b->key, 0, val_imm(0));
	b->pointer = FN_CALL(f, BPF_FUNC_map_lookup_elem, val_map(0), b->key);
	fn_if(f, FN_NE, b->pointer, val_imm(0), found);
	fn_exit(f, val_imm(1));
	fn_place(f, found);
	for (int i = 0; i < b->r->n_vars; i++) {
		b->vars[i] = fn_reg(f);
		if (b->r->sets_all || i < RANDOM_INPUTS)
			fn_mov(f, b->vars[i], fn_load(f, 8, false, ctx, 8 * (i % RANDOM_INPUTS)));
	}
}

void random_fn_build(const struct random_fn *r, struct fn *f)
{
	struct build b = { .r = r, .f = f };
	struct val out = val_map_value(0, 0);

	build_begin(&b);
	build_steps(&b, 0, r->n_steps, b.end);
	fn_place(f, b.end);
	for (int i = 0; i < r->n_vars; i++)
		fn_store(f, 8, out, 8 * i, b.vars[i]);
	fn_copy(f, out, offsetof(struct random_result, slot), b.slot, 0, RANDOM_MEM, 8);
	fn_exit(f, val_imm(0));
}

/* Evaluation. */

struct eval {
	const struct random_fn *r;
	struct random_result *out;
};

enum flow { FLOW_ON, FLOW_LEAVE };

static uint64_t number_of(const struct eval *e, struct operand o)
{
	return o.var >= 0 ? e->out->vars[o.var] : (uint64_t)o.n;
}

static uint8_t *memory(struct eval *e, enum mem_kind mem)
{
	return mem == MEM_SLOT ? e->out->slot : mem == MEM_MAP ? e->out->map : e->out->pointed;
}

static uint64_t eval_op(int op, uint64_t x, uint64_t y)
{
	switch (op) {
	case FN_ADD: return x + y;
	case FN_SUB: return x - y;
	case FN_MUL: return x * y;
	case FN_DIV: return y == 0 ? 0 : x / y;
	case FN_MOD: return y == 0 ? x : x % y;
	case FN_AND: return x & y;
	case FN_OR: return x | y;
	case FN_XOR: return x ^ y;
	case FN_LSH: return x << y % 64;
	case FN_RSH: return x >> y % 64;
	default: return (uint64_t)((int64_t)x >> y % 64);
	}
}

static bool eval_cond(int cond, uint64_t x, uint64_t y)
{
	int64_t sx = (int64_t)x, sy = (int64_t)y;
	const bool holds[] = {
		[FN_EQ] = x == y,
		[FN_NE] = x != y,
		[FN_LT] = x<y, [FN_LE] = x <= y, [FN_GT] = x> y,
		[FN_GE] = x >= y,
		[FN_SLT] = sx<sy, [FN_SLE] = sx <= sy, [FN_SGT] = sx> sy,
		[FN_SGE] = sx >= sy,
		[FN_SET] = (x & y) != 0,
	};
	return holds[cond];
}

static uint64_t load(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len); // the machine is little endian; else: none of the memory steps
	return v;
}

static uint64_t extend(uint64_t x, unsigned len, bool is_signed)
{
	switch (len) {
	case 1: return is_signed ? (uint64_t)(int8_t)x : (uint8_t)x;
	case 2: return is_signed ? (uint64_t)(int16_t)x : (uint16_t)x;
	case 4: return is_signed ? (uint64_t)(int32_t)x : (uint32_t)x;
	default: return x;
	}
}

static uint64_t swap(uint64_t x, unsigned len)
{
	return len == 2	  ? __builtin_bswap16((uint16_t)x)
	       : len == 4 ? __builtin_bswap32((uint32_t)x)
			  : __builtin_bswap64(x);
}

static void eval_atomic(struct eval *e, const struct step *s)
{
	static const int ops[] = { FN_ADD, FN_OR, FN_AND, FN_XOR };
	uint8_t *p = memory(e, s->mem) + s->off;
	uint64_t old = load(p, s->len), x = number_of(e, s->a);
	uint64_t v = s->op == FN_ATOMIC_XCHG ? x : eval_op(ops[s->op], old, x);

	memcpy(p, &v, s->len);
	if (s->flag)
		e->out->vars[s->dst] = old;
}

static void eval_cmpxchg(struct eval *e, const struct step *s)
{
	uint8_t *p = memory(e, s->mem) + s->off;
	uint64_t old = load(p, s->len), to = number_of(e, s->b);

	if (old == extend(number_of(e, s->a), s->len, false))
		memcpy(p, &to, s->len);
	e->out->vars[s->dst] = old;
}

static void eval_memory(struct eval *e, const struct step *s)
{
	uint8_t *p = memory(e, s->mem) + s->off;
	uint64_t x = number_of(e, s->a);

	switch (s->kind) {
	case STEP_LOAD: e->out->vars[s->dst] = extend(load(p, s->len), s->len, s->flag); break;
	case STEP_STORE: memcpy(p, &x, s->len); break;
	case STEP_ATOMIC: eval_atomic(e, s); break;
	case STEP_CMPXCHG: eval_cmpxchg(e, s); break;
	case STEP_ZERO: memset(p, 0, (size_t)s->count); break;
	case STEP_COPY: memcpy(p, memory(e, s->mem2) + s->off2, (size_t)s->count); break;
	case STEP_UPDATE: e->out->element = x; break;
	default: break;
	}
}

static void eval_plain(struct eval *e, const struct step *s)
{
	uint64_t x = number_of(e, s->a), y = number_of(e, s->b);
	uint64_t *dst = &e->out->vars[s->dst];

	switch (s->kind) {
	case STEP_OP: *dst = eval_op(s->op, x, y); break;
	case STEP_OP_TO: *dst = eval_op(s->op, *dst, y); break;
	case STEP_SUM_OF: *dst = eval_op(s->op, eval_op(s->op, x, y) + x, y); break;
	case STEP_MOV:
	case STEP_CALL: *dst = x; break;
	case STEP_NEG: *dst = -x; break;
	case STEP_NOT: *dst = ~x; break;
	case STEP_EXTEND: *dst = extend(x, s->len, s->flag); break;
	case STEP_SWAP: *dst = swap(x, s->len); break;
	default: eval_memory(e, s); break;
	}
}

static enum flow eval_steps(struct eval *e, int from, int to);

static enum flow eval_nested(struct eval *e, const struct step *s, int at)
{
	int then_end = at + 1 + s->n;

	if (s->kind == STEP_BOX) {
		uint64_t box = number_of(e, s->a) ^ (s->len > 1 ? number_of(e, s->b) : 0);
		enum flow flow = eval_steps(e, at + 1, then_end);
		if (flow == FLOW_ON)
			e->out->vars[s->dst] = box;
		return flow;
	}
	if (s->kind == STEP_INDEX) {
		uint64_t index = number_of(e, s->a) & INDEX_BITS;
		enum flow flow = index < 32 ? eval_steps(e, at + 1, then_end) : FLOW_ON;
		if (flow == FLOW_ON && index < 32)
			e->out->vars[s->dst] =
				memory(e, s->flag ? MEM_MAP : MEM_POINTER)[s->off / 2 + index];
		return flow;
	}
	if (s->kind == STEP_LOOP) {
		for (int i = 0; i < s->count; i++) {
			if (eval_steps(e, at + 1, then_end) == FLOW_LEAVE)
				break;
		}
		return FLOW_ON;
	}
	if (s->kind != STEP_IF) {
		eval_plain(e, s);
		return FLOW_ON;
	}
	if (eval_cond(s->op, number_of(e, s->a), number_of(e, s->b)))
		return eval_steps(e, at + 1, then_end);
	return eval_steps(e, then_end, then_end + s->n_else);
}

static enum flow eval_steps(struct eval *e, int from, int to)
{
	for (int i = from; i < to; i++) {
		const struct step *s = &e->r->steps[i];
		if (s->kind == STEP_LEAVE) {
			if (eval_cond(s->op, number_of(e, s->a), number_of(e, s->b)))
				return FLOW_LEAVE;
		} else if (eval_nested(e, s, i) == FLOW_LEAVE) {
			return FLOW_LEAVE;
		}
		i += s->n + s->n_else;
	}
	return FLOW_ON;
}

void random_fn_eval(const struct random_fn *r, const uint64_t *inputs, struct random_result *ret)
{
	struct eval e = { .r = r, .out = ret };

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < r->n_vars; i++) {
		if (r->sets_all || i < RANDOM_INPUTS)
			ret->vars[i] = inputs[i % RANDOM_INPUTS];
	}
	(void)eval_steps(&e, 0, r->n_steps);
}
