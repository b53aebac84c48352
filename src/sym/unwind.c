/* SPDX-License-Identifier: MIT */
/**
 * Walks stacks. libdw reads .eh_frame; the rules of one place are kept in a short form, as most
 * samples come by the same places again.
 */
#include "sym/unwind.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "sym/libdw.h"

/* DWARF's numbers of registers -> their places among those that perf copies. */
#if defined(__x86_64__)
enum { N_REGS = 17, N_DWARF = 17, PLACE_PC = 8, DWARF_SP = 7 };
#define PERF_REGS UINT64_C(0xff01ff)
static const uint8_t place_of[N_DWARF] = {
	0, 3, 2, 1, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 8
};
#elif defined(__aarch64__)
enum { N_REGS = 33, N_DWARF = 32, PLACE_PC = 32, DWARF_SP = 31 };
#define PERF_REGS UINT64_C(0x1ffffffff)
static const uint8_t place_of[N_DWARF] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
					   11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
					   22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
#else
enum { N_REGS = 0, N_DWARF = 1, PLACE_PC = 0, DWARF_SP = 0 };
#define PERF_REGS UINT64_C(0)
static const uint8_t place_of[N_DWARF] = { 0 };
#endif

enum { ROWS_MOST = 1 << 15, EXPR_DEPTH = 32, EXPR_STEPS = 512 };

enum rule { RULE_SAME, RULE_UNDEFINED, RULE_AT_CFA, RULE_IS_CFA, RULE_EXPR };

/* How to find the caller's registers from one place. */
struct row {
	Dwarf_Frame *frame; /* owned; only where a rule is an expression */
	int64_t cfa_off;
	uint8_t cfa_reg, ra; /* DWARF's numbers; N_DWARF: the CFA is an expression */
	bool is_signal;
	bool none; /* there is no information for this place */
	uint8_t rules[N_DWARF];
	int32_t offs[N_DWARF];
};

struct cfi {
	Dwarf_CFI *dw;	  /* owned */
	struct row *rows; /* owned */
	size_t n, cap;
	struct u64map by_pc;
};

/* The registers of one frame, by DWARF's numbers. */
struct regs {
	uint64_t v[N_DWARF];
	uint64_t known; /* bits */
	uint64_t pc;
};

int unwind_perf_regs(uint64_t *ret)
{
	if (!PERF_REGS)
		return sonde_fail(-ENOTSUP, "stacks are not walked by DWARF on this CPU");
	*ret = PERF_REGS;
	return libdw_open();
}

unsigned unwind_n_regs(void)
{
	return N_REGS;
}

static void drop_rows(struct cfi *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->rows[i].frame);
	c->n = 0;
	u64map_fini(&c->by_pc);
}

void cfi_free(struct cfi *c)
{
	if (!c)
		return;
	drop_rows(c);
	free(c->rows);
	libdw()->dwarf_cfi_end(c->dw);
	free(c);
}

int cfi_new(struct Elf *elf, struct cfi **ret)
{
	*ret = NULL;
	if (!N_REGS)
		return 0;
	int r = libdw_open();
	if (r < 0)
		return r;
	Dwarf_CFI *dw = libdw()->dwarf_getcfi_elf(elf);
	if (!dw)
		return 0;
	struct cfi *c = calloc(1, sizeof(*c));
	if (!c) {
		libdw()->dwarf_cfi_end(dw);
		return sonde_fail(-ENOMEM, "call frame information: out of memory");
	}
	c->dw = dw;
	*ret = c;
	return 0;
}

/* Register + offset; false: it is something else. */
static bool is_reg_off(const Dwarf_Op *ops, size_t n, uint8_t *ret_reg, int64_t *ret_off)
{
	if (n != 1)
		return false;
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom < DW_OP_breg0 + N_DWARF) {
		*ret_reg = (uint8_t)(ops[0].atom - DW_OP_breg0);
		*ret_off = (int64_t)ops[0].number;
		return true;
	}
	if (ops[0].atom == DW_OP_bregx && ops[0].number < N_DWARF) {
		*ret_reg = (uint8_t)ops[0].number;
		*ret_off = (int64_t)ops[0].number2;
		return true;
	}
	return false;
}

/* CFA + offset, in memory or as the value itself; false: it is something else. */
static bool is_cfa_off(const Dwarf_Op *ops, size_t n, uint8_t *ret_rule, int32_t *ret_off)
{
	int64_t off = 0;
	size_t i = 1;

	if (!n || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (i < n && ops[i].atom == DW_OP_plus_uconst) {
		off = (int64_t)ops[i++].number;
	} else if (i + 1 < n && ops[i].atom == DW_OP_consts && ops[i + 1].atom == DW_OP_plus) {
		off = (int64_t)ops[i].number;
		i += 2;
	}
	*ret_rule = RULE_AT_CFA;
	if (i < n && ops[i].atom == DW_OP_stack_value) {
		*ret_rule = RULE_IS_CFA;
		i++;
	}
	*ret_off = (int32_t)off;
	return i == n && off == *ret_off;
}

static void fill_rule(struct row *row, unsigned reg)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	row->rules[reg] = RULE_UNDEFINED;
	if (libdw()->dwarf_frame_register(row->frame, (int)reg, mem, &ops, &n) != 0)
		return;
	if (!n && ops == mem)
		return;
	if (!n)
		row->rules[reg] = RULE_SAME;
	else if (!is_cfa_off(ops, n, &row->rules[reg], &row->offs[reg]))
		row->rules[reg] = RULE_EXPR;
}

static void fill_row(struct row *row)
{
	Dwarf_Addr from, to;
	Dwarf_Op *ops;
	size_t n;
	bool keeps = false;
	int ra = libdw()->dwarf_frame_info(row->frame, &from, &to, &row->is_signal);

	row->none = ra < 0 || ra >= N_DWARF ||
		    libdw()->dwarf_frame_cfa(row->frame, &ops, &n) != 0 || !n;
	if (row->none)
		return;
	row->ra = (uint8_t)ra;
	if (!is_reg_off(ops, n, &row->cfa_reg, &row->cfa_off)) {
		row->cfa_reg = N_DWARF;
		keeps = true;
	}
	for (unsigned reg = 0; reg < N_DWARF; reg++) {
		fill_rule(row, reg);
		keeps |= row->rules[reg] == RULE_EXPR;
	}
	if (!keeps) {
		free(row->frame);
		row->frame = NULL;
	}
}

/* The rules for a place of the file; NULL: none. */
static const struct row *row_of(struct cfi *c, uint64_t vaddr)
{
	uint32_t i;

	if (u64map_get(&c->by_pc, vaddr, &i))
		return c->rows[i].none ? NULL : &c->rows[i];
	if (c->n >= ROWS_MOST)
		drop_rows(c);
	if (mem_grow(&c->rows, &c->cap, c->n + 1) < 0 ||
	    u64map_put(&c->by_pc, vaddr, (uint32_t)c->n) < 0)
		return NULL;
	struct row *row = &c->rows[c->n++];
	*row = (struct row){ .none = true };
	if (libdw()->dwarf_cfi_addrframe(c->dw, vaddr, &row->frame) == 0)
		fill_row(row);
	return row->none ? NULL : row;
}

static bool read_stack(struct unwind *u, uint64_t base, uint64_t addr, uint64_t *ret)
{
	uint64_t off = addr - base;

	if (off > u->stack.len || u->stack.len - off < 8) {
		u->cut |= addr >= base;
		return false;
	}
	memcpy(ret, u->stack.data + off, 8);
	return true;
}

/* An expression's stack of values. */
struct expr {
	uint64_t v[EXPR_DEPTH];
	size_t n;
};

static bool push(struct expr *x, uint64_t v)
{
	if (x->n == EXPR_DEPTH)
		return false;
	x->v[x->n++] = v;
	return true;
}

static bool binary(struct expr *x, unsigned op)
{
	if (x->n < 2)
		return false;
	uint64_t b = x->v[--x->n], *a = &x->v[x->n - 1];

	switch (op) {
	case DW_OP_plus: *a += b; return true;
	case DW_OP_minus: *a -= b; return true;
	case DW_OP_and: *a &= b; return true;
	case DW_OP_or: *a |= b; return true;
	case DW_OP_mul: *a *= b; return true;
	case DW_OP_shl: *a = b < 64 ? *a << b : 0; return true;
	case DW_OP_shr: *a = b < 64 ? *a >> b : 0; return true;
	case DW_OP_ge: *a = (int64_t)*a >= (int64_t)b; return true;
	case DW_OP_gt: *a = (int64_t)*a > (int64_t)b; return true;
	case DW_OP_le: *a = (int64_t)*a <= (int64_t)b; return true;
	case DW_OP_lt: *a = (int64_t)*a < (int64_t)b; return true;
	case DW_OP_eq: *a = *a == b; return true;
	case DW_OP_ne: *a = *a != b; return true;
	default: return false;
	}
}

/* One operation. False: it fails, or is of a kind that no unwinding uses. */
static bool step(struct expr *x, const Dwarf_Op *op, struct unwind *u, const struct regs *r,
		 uint64_t base, const uint64_t *cfa)
{
	const unsigned a = op->atom;

	if (a >= DW_OP_lit0 && a <= DW_OP_lit31)
		return push(x, a - DW_OP_lit0);
	if (a >= DW_OP_breg0 && a < DW_OP_breg0 + N_DWARF)
		return (r->known >> (a - DW_OP_breg0) & 1) &&
		       push(x, r->v[a - DW_OP_breg0] + op->number);
	switch (a) {
	case DW_OP_bregx:
		return op->number < N_DWARF && (r->known >> op->number & 1) &&
		       push(x, r->v[op->number] + op->number2);
	case DW_OP_call_frame_cfa: return cfa && push(x, *cfa);
	case DW_OP_addr:
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts: return push(x, op->number);
	case DW_OP_plus_uconst:
		if (x->n)
			x->v[x->n - 1] += op->number;
		return x->n > 0;
	case DW_OP_deref: return x->n && read_stack(u, base, x->v[x->n - 1], &x->v[x->n - 1]);
	case DW_OP_dup: return x->n && push(x, x->v[x->n - 1]);
	case DW_OP_nop: return true;
	default: return binary(x, a);
	}
}

/* Computes; *@ret_is_value where the result is no address of the value, but the value. */
static bool compute(const Dwarf_Op *ops, size_t n, struct unwind *u, const struct regs *r,
		    uint64_t base, const uint64_t *cfa, uint64_t *ret, bool *ret_is_value)
{
	struct expr x = { .n = 0 };

	*ret_is_value = false;
	for (size_t i = 0; i < n && i < EXPR_STEPS; i++) {
		if (ops[i].atom == DW_OP_stack_value)
			*ret_is_value = true;
		else if (!step(&x, &ops[i], u, r, base, cfa))
			return false;
	}
	if (!x.n)
		return false;
	*ret = x.v[x.n - 1];
	return true;
}

static bool cfa_of(const struct row *row, struct unwind *u, const struct regs *r, uint64_t base,
		   uint64_t *ret)
{
	Dwarf_Op *ops;
	size_t n;
	bool is_value;

	if (row->cfa_reg < N_DWARF) {
		*ret = r->v[row->cfa_reg] + (uint64_t)row->cfa_off;
		return r->known >> row->cfa_reg & 1;
	}
	return libdw()->dwarf_frame_cfa(row->frame, &ops, &n) == 0 &&
	       compute(ops, n, u, r, base, NULL, ret, &is_value);
}

static bool by_expr(const struct row *row, unsigned reg, struct unwind *u, const struct regs *r,
		    uint64_t base, uint64_t cfa, uint64_t *ret)
{
	Dwarf_Op mem[3], *ops;
	size_t n;
	bool is_value;

	if (libdw()->dwarf_frame_register(row->frame, (int)reg, mem, &ops, &n) != 0 || !n ||
	    !compute(ops, n, u, r, base, &cfa, ret, &is_value))
		return false;
	return is_value || read_stack(u, base, *ret, ret);
}

/* The caller's registers. False: the end, or it cannot be told. */
static bool caller_of(const struct row *row, struct unwind *u, uint64_t base, struct regs *r)
{
	struct regs to = { .known = 0 };
	uint64_t cfa;

	if (!cfa_of(row, u, r, base, &cfa))
		return false;
	for (unsigned reg = 0; reg < N_DWARF; reg++) {
		bool ok = false;

		switch ((enum rule)row->rules[reg]) {
		case RULE_SAME:
			to.v[reg] = r->v[reg];
			ok = r->known >> reg & 1;
			break;
		case RULE_AT_CFA:
			ok = read_stack(u, base, cfa + (uint64_t)(int64_t)row->offs[reg],
					&to.v[reg]);
			break;
		case RULE_IS_CFA:
			to.v[reg] = cfa + (uint64_t)(int64_t)row->offs[reg];
			ok = true;
			break;
		case RULE_EXPR: ok = by_expr(row, reg, u, r, base, cfa, &to.v[reg]); break;
		case RULE_UNDEFINED: break;
		}
		to.known |= (uint64_t)ok << reg;
	}
	if (!(to.known >> row->ra & 1))
		return false;
	to.pc = to.v[row->ra];
	// A signal's frame restores the stack pointer; else the CFA is what it was at the call.
	if (!row->is_signal || row->rules[DWARF_SP] != RULE_EXPR) {
		to.v[DWARF_SP] = cfa;
		to.known |= UINT64_C(1) << DWARF_SP;
	}
	if (!row->is_signal && cfa <= r->v[DWARF_SP] && u->n > 1)
		return false; // stacks only grow this way: it would never end
	*r = to;
	return to.pc != 0;
}

void unwind_walk(struct unwind *u)
{
	struct regs r = { .known = (UINT64_C(1) << N_DWARF) - 1, .pc = u->regs[PLACE_PC] };
	bool exact = true; // the address is of an instruction, not behind a call

	for (unsigned reg = 0; reg < N_DWARF; reg++)
		r.v[reg] = u->regs[place_of[reg]];
	const uint64_t base = r.v[DWARF_SP];
	u->n = 0;
	u->cut = false;
	while (u->n < UNWIND_MOST) {
		uint64_t vaddr;

		u->frames[u->n++] = r.pc;
		struct cfi *c = u->find(u->arg, exact ? r.pc : r.pc - 1, &vaddr);
		const struct row *row = c ? row_of(c, vaddr) : NULL;
		if (!row)
			return;
		exact = row->is_signal;
		u->cut = false;
		if (!caller_of(row, u, base, &r))
			return;
	}
}
