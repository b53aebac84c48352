/* SPDX-License-Identifier: MIT */
/**
 * Builds eBPF programs: functions of instructions over any number of variables, labels and stack
 * objects; unit_finish() gives the variables registers and makes kernel instructions of it.
 *
 * Source of the instruction set: RFC 9669 and the kernel's Documentation/bpf.
 *
 * Building never fails: out of memory and too large functions are kept and told by unit_finish().
 */
#ifndef BPF_FN_H
#define BPF_FN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/** What an instruction works on. Passed by value; a VAL_REG is a variable that may be set again. */
enum val_kind {
	VAL_NONE,
	VAL_REG,       /* variable @id, 64 bits */
	VAL_IMM,       /* the constant @n */
	VAL_SLOT,      /* the address of stack object @id, plus @n */
	VAL_MAP,       /* the map with index @id, as helpers take it */
	VAL_MAP_VALUE, /* the address of the first value of array map @id, plus @n */
	VAL_FN,	       /* function @id of this unit, as bpf_loop and others take it */
};

struct val {
	enum val_kind kind;
	int id;
	int64_t n;
};

static inline struct val val_imm(int64_t n)
{
	return (struct val){ VAL_IMM, 0, n };
}
static inline struct val val_map(int map)
{
	return (struct val){ VAL_MAP, map, 0 };
}
static inline struct val val_map_value(int map, int64_t off)
{
	return (struct val){ VAL_MAP_VALUE, map, off };
}
static inline struct val val_fn(int fn)
{
	return (struct val){ VAL_FN, fn, 0 };
}
/** A slot's address, @off bytes further; also of a VAL_MAP_VALUE. */
static inline struct val val_at(struct val v, int64_t off)
{
	v.n += off;
	return v;
}

/** Two-operand arithmetic, 64 bits wide. */
enum fn_op {
	FN_ADD,
	FN_SUB,
	FN_MUL,
	FN_DIV,
	FN_MOD, /* unsigned; by 0: 0, and the dividend */
	FN_AND,
	FN_OR,
	FN_XOR,
	FN_LSH,
	FN_RSH,
	FN_ARSH, /* a count is taken modulo 64 */
};

/** Conditions of branches; S: signed. */
enum fn_cond {
	FN_EQ,
	FN_NE,
	FN_LT,
	FN_LE,
	FN_GT,
	FN_GE,
	FN_SLT,
	FN_SLE,
	FN_SGT,
	FN_SGE,
	FN_SET, /* a & b */
};

enum fn_atomic {
	FN_ATOMIC_ADD,
	FN_ATOMIC_OR,
	FN_ATOMIC_AND,
	FN_ATOMIC_XOR,
	FN_ATOMIC_XCHG,	   /* of these the earlier value can be had */
	FN_ATOMIC_CMPXCHG, /* only by fn_cmpxchg() */
};

struct fn;   /* one function */
struct unit; /* functions that are loaded together; function 0 is the program */

SONDE_MUST_CHECK int unit_new(struct unit **ret);
void unit_free(struct unit *u);
SONDE_DEFINE_AUTO(struct unit *, unit_free)

/**
 * A new function of @n_args (<= 5) 64-bit arguments; its index is fn_index(). Function 0 is the
 * program and has one argument, the context. Lent by the unit. Never NULL.
 */
struct fn *unit_fn(struct unit *u, unsigned n_args);
/** Whether building has failed already: what comes is dropped. */
bool unit_failed(const struct unit *u);
int fn_index(const struct fn *f);

/** Argument @i of the function, a variable. */
struct val fn_arg(struct fn *f, unsigned i);

/** A new variable, not set so far. */
struct val fn_reg(struct fn *f);
/**
 * A stack object of @len bytes, aligned to 8; not zeroed. VAL_SLOT.
 *
 * It holds what was written to it from the first access or call that it is given to up to the last
 * one; outside of these, its room may be another's. If its address goes into a variable, it has
 * its room all the time.
 */
struct val fn_slot(struct fn *f, size_t len);
/** The lengths of all slots so far. As they share room, this is the most that they take of the 512
 * bytes that there are. */
size_t fn_slots_len(const struct fn *f);

/** @dst, a VAL_REG, becomes @src. */
void fn_mov(struct fn *f, struct val dst, struct val src);
/** The result of an operation, in a new variable; folded where both are constants. */
struct val fn_op(struct fn *f, enum fn_op op, struct val a, struct val b);
/** @dst = @dst op @b, in place. */
void fn_op_to(struct fn *f, enum fn_op op, struct val dst, struct val b);
/** -a and ~a. */
struct val fn_neg(struct fn *f, struct val a);
struct val fn_not(struct fn *f, struct val a);
/** The lowest @len (1, 2, 4, 8) bytes of @a, extended to 64 bits by zeros or its sign. */
struct val fn_extend(struct fn *f, struct val a, unsigned len, bool is_signed);
/** Byte order reversed in the lowest @len (2, 4, 8) bytes, the others 0. */
struct val fn_bswap(struct fn *f, struct val a, unsigned len);

/** @len (1, 2, 4, 8) bytes at @base + @off; @base an address in any kind of val. */
struct val fn_load(struct fn *f, unsigned len, bool is_signed, struct val base, int64_t off);
void fn_store(struct fn *f, unsigned len, struct val base, int64_t off, struct val v);
/** Zeroes @len bytes of memory, with the widest stores that alignment to @align allows. */
void fn_zero(struct fn *f, struct val base, int64_t off, size_t len, unsigned align);
/** Copies @len bytes likewise, by loads and stores; the areas do not overlap. */
void fn_copy(struct fn *f, struct val dst, int64_t dst_off, struct val src, int64_t src_off,
	     size_t len, unsigned align);

/**
 * Atomically changes @len (4, 8) bytes; @fetch: returns what was there, else VAL_NONE.
 *
 * Not for the value of a stack object: the verifiers of kernels up to 6.18 at least look for its
 * origin in the wrong place, and then leave out branches that depend on it.
 */
struct val fn_atomic(struct fn *f, enum fn_atomic op, unsigned len, struct val base, int64_t off,
		     struct val v, bool fetch);
/** Returns what was there; @to was stored if that is @from. */
struct val fn_cmpxchg(struct fn *f, unsigned len, struct val base, int64_t off, struct val from,
		      struct val to);

/** Calls helper @helper (BPF_FUNC_...) with up to five arguments; its result in a new variable. */
struct val fn_call(struct fn *f, int helper, unsigned n, const struct val *args);
#define FN_CALL(f, helper, ...)                                                            \
	fn_call((f), (helper), sizeof((struct val[]){ __VA_ARGS__ }) / sizeof(struct val), \
		(struct val[]){ __VA_ARGS__ })
#define FN_CALL0(f, helper) fn_call((f), (helper), 0, NULL)
/** The same for a kernel function with BTF id @btf_id, of vmlinux. */
struct val fn_kfunc(struct fn *f, int btf_id, unsigned n, const struct val *args);

/** Labels: made, placed once, jumped to from anywhere in the function. */
int fn_label(struct fn *f);
void fn_place(struct fn *f, int label);
void fn_jump(struct fn *f, int label);
/** Goes to @label if the condition holds, else on. Folded where both are constants. */
void fn_if(struct fn *f, enum fn_cond cond, struct val a, struct val b, int label);
/** Ends the function with @v. Each way through a function must end so. */
void fn_exit(struct fn *f, struct val v);

/** What comes now belongs to this place of the script; for the verifier's words. */
void fn_line(struct fn *f, unsigned line, unsigned col);

/** Something that must be patched when the maps are known. */
struct bpf_reloc {
	uint32_t insn; /* index of a BPF_LD | BPF_IMM | BPF_DW pair */
	uint32_t map;  /* index of the map: its descriptor goes into imm */
};

/** Where a function begins, and which line an instruction came from. */
struct bpf_fn_info {
	uint32_t insn;
	uint32_t n_args;
};
struct bpf_line_info_ {
	uint32_t insn, line, col;
};

/** Kernel instructions; src_reg of map loads is BPF_PSEUDO_MAP_FD or _VALUE already. */
struct bpf_code {
	struct bpf_insn *insns; /* owned, as are all below */
	size_t n_insns;
	struct bpf_reloc *relocs;
	size_t n_relocs;
	struct bpf_fn_info *fns;
	size_t n_fns;
	struct bpf_line_info_ *lines;
	size_t n_lines;
	size_t stack_len; /* the deepest frame */
};
void bpf_code_fini(struct bpf_code *c);

/**
 * Makes kernel instructions of all functions. -ENOMEM; -E2BIG: more than 512 bytes of stack or a
 * jump that is too far, with words that say what and the line (sonde_fail()).
 */
SONDE_MUST_CHECK int unit_finish(struct unit *u, struct bpf_code *ret);

/** Appends one line of text per instruction, in the kernel's verifier notation ("r1 = *(u64 *)(r2
 * +8)"). */
struct strbuf;
void bpf_code_print(const struct bpf_code *c, struct strbuf *ret);

#endif
