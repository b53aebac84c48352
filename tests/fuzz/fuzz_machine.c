/* SPDX-License-Identifier: MIT */
/**
 * Any bytes as a program for the machine. What its verifier takes is interpreted, where no access
 * may leave the program's memory, and compiled, where all must come out the same.
 *
 * The first byte says how the others are read: as instructions as they are, or as choices among
 * instructions and small pieces of programs, which are accepted much more often.
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "bpf/machine.h"
#include "bpf/machine/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { INSNS = 512, CTX_LEN = 64, VAL = 40, EVENT_LEN = 48, BUDGET_HERE = 1 << 12 };

enum { ARRAY, ONE, BY4, BY8, BY16, BY5, LRU, RING, N_MAPS };

static const struct bpf_map_spec specs[N_MAPS] = {
	[ARRAY] = { "array", BPF_MAP_TYPE_ARRAY, 4, VAL, 5, 0, -1, 0, false, NULL },
	[ONE] = { "one", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 72, 1, 0, -1, 0, false, NULL },
	[BY4] = { "by4", BPF_MAP_TYPE_HASH, 4, VAL, 3, 0, -1, 0, false, NULL },
	[BY8] = { "by8", BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 100, 0, -1, 0, false, NULL },
	[BY16] = { "by16", BPF_MAP_TYPE_HASH, 16, 20, 100, 0, -1, 0, false, NULL },
	[BY5] = { "by5", BPF_MAP_TYPE_HASH, 5, VAL, 4, 0, -1, 0, false, NULL },
	[LRU] = { "lru", BPF_MAP_TYPE_LRU_HASH, 8, VAL, 4, 0, -1, 0, false, NULL },
	[RING] = { "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, -1, 0, false, NULL },
};

/* --- the world of the program --- */

static uint64_t field(void *arg, const struct machine_now *now, uint32_t index)
{
	(void)arg;
	return index & 1 ? (uintptr_t)now->mem + index % (now->mem_len + 2) : index;
}

static int64_t stack(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
		     uint64_t flags)
{
	(void)arg, (void)now;
	for (uint32_t i = 0; i < n; i++)
		ret[i] = i ^ flags;
	return (int64_t)(n * sizeof(*ret)) - (int64_t)(flags & 16);
}

static bool read_any(void *arg, uint64_t addr, void *ret, size_t len)
{
	(void)arg;
	memset(ret, (int)(addr & 3), len);
	return addr % 3 != 0;
}

static void note(uint64_t *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ p[i]) * 0x100000001b3;
}

static void on_record(void *arg, const void *data, size_t len)
{
	note(arg, data, len);
}

static const struct machine_ops ops = {
	.field = field, .field_len = field, .record = on_record, .stack = stack, .read = read_any
};

/* --- from bytes to instructions --- */

struct maker {
	const uint8_t *data;
	size_t len;
	struct bpf_insn insns[INSNS];
	struct bpf_reloc relocs[INSNS];
	size_t n, n_relocs;
	bool mends;   /* makes jumps lead to instructions */
	bool refills; /* sets the registers that a call leaves unset */
};

static unsigned take(struct maker *k)
{
	if (k->len == 0)
		return 0;
	k->len--;
	return *k->data++;
}

static void put(struct maker *k, int code, int dst, int src, int off, int32_t imm)
{
	if (k->n < INSNS)
		k->insns[k->n++] = (struct bpf_insn){ .code = (uint8_t)code,
						      .dst_reg = (uint8_t)(dst & 15),
						      .src_reg = (uint8_t)(src & 15),
						      .off = (int16_t)off,
						      .imm = imm };
}

static void put_wide(struct maker *k, int dst, int src, int32_t lo, int32_t hi)
{
	if (k->n + 2 > INSNS)
		return;
	put(k, BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, lo);
	put(k, 0, 0, 0, 0, hi);
}

static void put_map(struct maker *k, int dst, unsigned map, bool is_value, int32_t off)
{
	if (k->n + 2 > INSNS)
		return;
	k->relocs[k->n_relocs++] = (struct bpf_reloc){ (uint32_t)k->n, map % N_MAPS };
	put_wide(k, dst, is_value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD, 0, off);
}

static int reg(struct maker *k)
{
	return (int)(take(k) % 10);
}

static int32_t number(struct maker *k)
{
	const unsigned how = take(k);

	switch (how & 7) {
	case 0: return (int32_t)(take(k) << 24 | take(k) << 16 | take(k) << 8 | take(k));
	case 1: return -(int32_t)take(k);
	case 2: return (int32_t)(1U << (how >> 3));
	case 3: return (int32_t)((1U << (how >> 3)) - 1);
	default: return (int32_t)(how >> 3);
	}
}

static const uint8_t alu_ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,	 BPF_AND, BPF_LSH,
				   BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR, BPF_ARSH, BPF_MOV, BPF_END };
static const uint8_t jmp_ops[] = { BPF_JEQ, BPF_JNE,  BPF_JGT,	BPF_JGE,  BPF_JLT,  BPF_JLE,
				   BPF_JA,  BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
static const int32_t atomics[] = { BPF_ADD,
				   BPF_OR,
				   BPF_AND,
				   BPF_XOR,
				   BPF_ADD | BPF_FETCH,
				   BPF_OR | BPF_FETCH,
				   BPF_AND | BPF_FETCH,
				   BPF_XOR | BPF_FETCH,
				   BPF_XCHG,
				   BPF_CMPXCHG };
static const int32_t calls[] = {
	BPF_FUNC_ktime_get_ns,	    BPF_FUNC_get_current_pid_tgid,
	BPF_FUNC_get_current_comm,  BPF_FUNC_get_smp_processor_id,
	BPF_FUNC_get_prandom_u32,   BPF_FUNC_probe_read,
	BPF_FUNC_probe_read_str,    BPF_FUNC_get_stack,
	BPF_FUNC_strncmp,	    BPF_FUNC_jiffies64,
	BPF_FUNC_map_lookup_elem,   BPF_FUNC_map_update_elem,
	BPF_FUNC_map_delete_elem,   BPF_FUNC_map_lookup_percpu_elem,
	BPF_FUNC_for_each_map_elem, BPF_FUNC_loop,
	BPF_FUNC_ringbuf_reserve,   BPF_FUNC_ringbuf_submit,
	BPF_FUNC_ringbuf_discard,   MACHINE_FIELD,
	MACHINE_FIELD_LEN,
};

static void put_alu(struct maker *k)
{
	const unsigned how = take(k);
	const int op = alu_ops[how % sizeof(alu_ops)];
	const int class = how & 0x40 ? BPF_ALU : BPF_ALU64;
	const bool is_x = (how & 0x80) && op != BPF_NEG;
	static const int extends[] = { 0, 8, 16, 32 };
	int off = 0;

	if (op == BPF_END) {
		put(k, class | op | (is_x && class == BPF_ALU ? BPF_X : BPF_K), reg(k), 0, 0,
		    16 << take(k) % 3);
		return;
	}
	if (op == BPF_DIV || op == BPF_MOD)
		off = (int)(take(k) & 1);
	else if (op == BPF_MOV && is_x)
		off = extends[take(k) % (class == BPF_ALU ? 3 : 4)];
	if (is_x)
		put(k, class | op | BPF_X, reg(k), (int)(take(k) % 11), off, 0);
	else
		put(k, class | op | BPF_K, reg(k), 0, off, op == BPF_NEG ? 0 : number(k));
}

static void put_jump(struct maker *k)
{
	const unsigned how = take(k);
	const int op = jmp_ops[how % sizeof(jmp_ops)], class = how & 0x40 ? BPF_JMP32 : BPF_JMP;
	const int off = (int)(take(k) % 16) - (how & 0x20 ? 12 : 0);

	if (op == BPF_JA)
		put(k, class | op, 0, 0, class == BPF_JMP ? off : 0, class == BPF_JMP ? 0 : off);
	else if (how & 0x80)
		put(k, class | op | BPF_X, reg(k), reg(k), off, 0);
	else
		put(k, class | op | BPF_K, reg(k), 0, off, number(k));
}

static void put_memory(struct maker *k)
{
	const unsigned how = take(k);
	const int size = sizes[how & 3], base = take(k) & 1 ? BPF_REG_10 : reg(k);
	const int off = base == BPF_REG_10 ? -(int)(take(k) % 68) * (how & 4 ? 8 : 1)
					   : (int)(take(k) % 48) - 4;

	switch (how >> 3 & 7) {
	case 0: put(k, BPF_ST | BPF_MEM | size, base, 0, off, number(k)); break;
	case 1:
	case 2: put(k, BPF_STX | BPF_MEM | size, base, (int)(take(k) % 11), off, 0); break;
	case 3:
		put(k, BPF_STX | BPF_ATOMIC | (how & 1 ? BPF_W : BPF_DW), base, reg(k), off,
		    atomics[take(k) % MEM_LEN(atomics)]);
		break;
	case 4: put(k, BPF_LDX | 0x80 | sizes[how % 3], reg(k), base, off, 0); break;
	default: put(k, BPF_LDX | BPF_MEM | size, reg(k), base, off, 0); break;
	}
}

/* --- pieces --- */

static void put_call(struct maker *k, int helper)
{
	put(k, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
	for (int r = 1; k->refills && r <= 5; r++)
		put(k, BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, 8 * r);
}

static void mov(struct maker *k, int dst, int src, int32_t plus)
{
	put(k, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
	if (plus)
		put(k, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, plus);
}

/* r0: a value or NULL; then perhaps the test for it. */
static void put_lookup(struct maker *k)
{
	const unsigned how = take(k);

	put(k, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -16, (int32_t)(take(k) % 6));
	put(k, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0);
	put_map(k, BPF_REG_1, how, false, 0);
	mov(k, BPF_REG_2, BPF_REG_10, -16);
	if (how & 0x40) {
		put_map(k, BPF_REG_3, ONE, true, 0);
		put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, (int32_t)(take(k) % 3));
		put_call(k, BPF_FUNC_map_update_elem);
		put_map(k, BPF_REG_1, how, false, 0);
		mov(k, BPF_REG_2, BPF_REG_10, -16);
	}
	put_call(k, how & 0x20 ? BPF_FUNC_map_delete_elem : BPF_FUNC_map_lookup_elem);
	if (how & 0x80)
		put(k, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, (int)(take(k) % 6), 0);
	mov(k, 6 + (int)(how >> 3 & 3), BPF_REG_0, 0);
}

/* An address in r6 ... r8: of a map's value, the context, the stack. */
static int put_address(struct maker *k, int *ret_room)
{
	const unsigned how = take(k);
	const int r = 6 + (int)(how % 3);

	switch (how >> 4 & 3) {
	case 0:
		put_map(k, r, ONE, true, 0);
		*ret_room = 72;
		break;
	case 1:
		put_map(k, r, ARRAY, true, 0);
		*ret_room = VAL;
		break;
	case 2:
		mov(k, r, BPF_REG_9, 0);
		*ret_room = CTX_LEN;
		break;
	default:
		mov(k, r, BPF_REG_10, -64);
		*ret_room = 64;
		break;
	}
	return r;
}

/* A register becomes a number in a range, by comparing; then it is added to an address. */
static void put_bounded(struct maker *k)
{
	const unsigned how = take(k), shift = how >> 4 & 3, width = 1U << (how >> 2 & 3);
	int room = 0;
	const int p = put_address(k, &room), r = (int)(take(k) % 6);
	const int limit = (room >> shift) + 2 - (int)(take(k) % 12);

	put(k, BPF_LDX | BPF_MEM | sizes[how & 3], r, BPF_REG_9, (int)(take(k) % 32), 0);
	put(k, (how & 0x80 ? BPF_JMP32 : BPF_JMP) | jmp_ops[take(k) % 6] | BPF_K, r, 0,
	    (int)(take(k) % 5), limit);
	if (how & 0x40)
		put(k, BPF_JMP | BPF_JSLT | BPF_K, r, 0, (int)(take(k) % 5), (int)(take(k) % 4));
	if (shift)
		put(k, BPF_ALU64 | BPF_LSH | BPF_K, r, 0, 0, (int)shift);
	put(k, BPF_ALU64 | BPF_ADD | BPF_X, p, r, 0, 0);
	put(k,
	    BPF_LDX | BPF_MEM |
		    (width == 1	  ? BPF_B
		     : width == 2 ? BPF_H
		     : width == 4 ? BPF_W
				  : BPF_DW),
	    r, p, (int)(take(k) % 12) - 4, 0);
}

/* An address goes to the stack and comes back; something else is written there meanwhile. */
static void put_spill(struct maker *k)
{
	const unsigned how = take(k);
	const int at = -8 * (1 + (int)(how & 7)), r = how & 8 ? BPF_REG_9 : 6 + (int)(how >> 4 & 1);

	put(k, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, r, at, 0);
	if (how & 0x40)
		put(k, BPF_ST | BPF_MEM | sizes[how >> 4 & 3], BPF_REG_10, 0,
		    -8 - (int)(take(k) % 64), number(k));
	put(k, BPF_LDX | BPF_MEM | BPF_DW, 6, BPF_REG_10, at, 0);
	if (how & 0x80)
		put(k, BPF_LDX | BPF_MEM | BPF_DW, 7, 6, (int)(take(k) % 16), 0);
}

static void put_record(struct maker *k)
{
	const unsigned how = take(k);

	put_map(k, BPF_REG_1, RING, false, 0);
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, (int32_t)(how & 31));
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
	put_call(k, BPF_FUNC_ringbuf_reserve);
	put(k, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, how & 0x40 ? 6 : 4, 0);
	mov(k, BPF_REG_6, BPF_REG_0, 0);
	put(k, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_7, (int)(take(k) % 28), 0);
	mov(k, BPF_REG_1, BPF_REG_6, 0);
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0);
	if (how & 0x80)
		put_call(k, how & 0x20 ? BPF_FUNC_ringbuf_discard : BPF_FUNC_ringbuf_submit);
}

static void put_end(struct maker *k)
{
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, (int32_t)(take(k) & 1));
	put(k, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void put_piece(struct maker *k, unsigned depth);

/* Calls back what comes behind, or is somewhere in the program. */
static void put_loop(struct maker *k, unsigned depth)
{
	const unsigned how = take(k);
	const bool each = how & 2, is_behind = (how & 1) && depth < 3;
	const size_t fn = k->n + (each ? 2 : 1);

	if (each)
		put_map(k, BPF_REG_1, how >> 4, false, 0);
	else
		put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, (int32_t)(how >> 3));
	put_wide(k, BPF_REG_2, BPF_PSEUDO_FUNC, (int32_t)(take(k) % 64) - 20, 0);
	mov(k, BPF_REG_3, how & 4 ? BPF_REG_10 : BPF_REG_6, how & 4 ? -(int32_t)(how & 0x78) : 0);
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0);
	put_call(k, each ? BPF_FUNC_for_each_map_elem : BPF_FUNC_loop);
	if (!is_behind || k->n + 64 > INSNS)
		return;
	const size_t over = k->n;
	put(k, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	k->insns[fn].imm = (int32_t)(k->n - fn - 1);
	for (int r = 5; r < 10; r++)
		mov(k, r, each ? BPF_REG_4 : BPF_REG_2, 0);
	for (unsigned n = take(k) % 6; n > 0 && k->n + 64 < INSNS; n--)
		put_piece(k, depth + 1);
	put_end(k);
	k->insns[over].off = (int16_t)(k->n - over - 1);
}

/* Where a jump from @i over @off instructions leads to, if that is not inside of the program. */
static int64_t mended(const struct maker *k, size_t i, int64_t off)
{
	int64_t to = (int64_t)i + 1 + off;

	to = to < 0 ? 0 : to < (int64_t)k->n ? to : (int64_t)k->n - 1;
	if (to > 0 && k->insns[to - 1].code == (BPF_LD | BPF_IMM | BPF_DW))
		to++;
	return to - (int64_t)i - 1;
}

/* Most programs that jump to nowhere are of no use. */
static void mend(struct maker *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct bpf_insn *in = &k->insns[i];
		const bool is_wide = in->code == (BPF_LD | BPF_IMM | BPF_DW);
		const uint8_t class = BPF_CLASS(in->code), op = BPF_OP(in->code);

		if (in->code == (BPF_JMP32 | BPF_JA) || (is_wide && in->src_reg == BPF_PSEUDO_FUNC))
			in->imm = (int32_t)mended(k, i, in->imm);
		else if ((class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL &&
			 op != BPF_EXIT)
			in->off = (int16_t)mended(k, i, in->off);
		i += is_wide;
	}
}

static void put_piece(struct maker *k, unsigned depth)
{
	const unsigned what = take(k);
	int room;

	switch (what % 17) {
	case 0:
	case 1: put_alu(k); break;
	case 2: put_jump(k); break;
	case 3: put_memory(k); break;
	case 4: put_call(k, calls[take(k) % MEM_LEN(calls)]); break;
	case 5:
	case 6: put_lookup(k); break;
	case 7:
	case 8:
	case 9: put_bounded(k); break;
	case 10: put_record(k); break;
	case 11: put_loop(k, depth); break;
	case 12: (void)put_address(k, &room); break;
	case 13: mov(k, reg(k), BPF_REG_10, -(int32_t)(take(k) % 70) * 8); break;
	case 14: put_spill(k); break;
	case 15: put(k, BPF_ALU64 | BPF_MOV | BPF_X, reg(k), reg(k), 0, 0); break;
	default:
		if (what & 0x40)
			put_end(k);
		break;
	}
}

static void make(struct maker *k)
{
	mov(k, BPF_REG_9, BPF_REG_1, 0);
	for (int r = 2; r < 9; r++)
		put(k, BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, r);
	while (k->len > 0 && k->n < INSNS - 64)
		put_piece(k, 0);
	put_end(k);
	if (k->mends)
		mend(k);
}

/* The bytes as they are; which map is meant stands in the constant. */
static void copy(struct maker *k)
{
	k->n = k->len / sizeof(k->insns[0]);
	if (k->n > INSNS)
		k->n = INSNS;
	memcpy(k->insns, k->data, k->n * sizeof(k->insns[0]));
	for (size_t i = 0; i < k->n; i++) {
		const struct bpf_insn *in = &k->insns[i];

		if (in->code == (BPF_LD | BPF_IMM | BPF_DW) && in->src_reg)
			k->relocs[k->n_relocs++] =
				(struct bpf_reloc){ (uint32_t)i, (uint32_t)in->imm % N_MAPS };
	}
}

/* --- runs --- */

static void reset(struct machine *m, uint64_t *sum)
{
	const uint8_t val[VAL] = { 1, 2, 3 };

	*sum = 0;
	for (size_t i = 0; i < N_MAPS; i++)
		machine_map_clear(m, i);
	for (uint64_t key = 0; key < 3; key++) {
		const uint64_t wide[2] = { key, 0 };
		sonde_check(machine_map_update(m, BY4, wide, val) == 0);
		sonde_check(machine_map_update(m, BY16, wide, val) == 0);
		sonde_check(machine_map_update(m, LRU, wide, val) == 0);
	}
	memset(m->stack, 0, sizeof(m->stack));
	memset(m->keys, 0, sizeof(m->keys));
	for (size_t i = 0; i < RECORDS_MOST && m->record_len; i++)
		memset(m->records[i].data, 0, m->record_len);
	m->random = 1;
}

static int note_entry(void *arg, const void *key, const void *val)
{
	note(arg, key, 4);
	note(arg, val, 8);
	return 0;
}

/* What a run leaves: its result, its records, all maps. */
static uint64_t run(struct machine *m, struct machine_prog *p, const void *ctx, uint64_t *sum)
{
	// Each record has a place, and they change places.
	struct record records[RECORDS_MOST];

	memcpy(records, m->records, sizeof(records));
	reset(m, sum);
	const uint64_t cut = m->cut_off, r = machine_run(p, ctx);
	memcpy(m->records, records, sizeof(records));
	sonde_check(m->faults == 0);
	note(sum, &r, sizeof(r));
	*sum += m->cut_off - cut;
	for (size_t i = 0; i < N_MAPS; i++)
		sonde_check(machine_map_each(m, i, note_entry, sum) == 0);
	return *sum;
}

/* Words: small ones, about as large as there is room behind addresses; all bits; the same bytes. */
static void fill_ctx(uint8_t *ctx, size_t len, unsigned how, uint64_t seed)
{
	memset(ctx, how == 0 ? 0xff : how == 1 ? 0x35 : 0, len);
	for (size_t i = 0; how >= 2 && i < len; i += 8) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		ctx[i] = (uint8_t)((seed >> 33) % (how == 2 ? 80 : 12));
	}
}

static void try(const struct bpf_code *code, size_t ctx_len, uint64_t seed)
{
	uint64_t sum = 0;
	sonde_auto(machine_freep) struct machine *m = NULL;
	sonde_auto(machine_prog_freep) struct machine_prog *a = NULL, *b = NULL;
	uint8_t *ctx = malloc(ctx_len ? ctx_len : 1), *event = malloc(EVENT_LEN);

	sonde_check(ctx && event && machine_new(specs, N_MAPS, &ops, &sum, &m) == 0);
	m->budget_most = BUDGET_HERE;
	m->now = (struct machine_now){ .ts_ns = 123456789,
				       .pid_tgid = 7ULL << 32 | 8,
				       .cpu = 1,
				       .comm = "fuzz",
				       .mem = event,
				       .mem_len = EVENT_LEN };
	memset(event, 'e', EVENT_LEN);
	if (machine_load(m, code, ctx_len, MACHINE_INTERPRETER, NULL, &a) == 0) {
		sonde_check(machine_load(m, code, ctx_len, MACHINE_JIT, NULL, &b) == 0);
		for (unsigned i = 0; i < 5; i++) {
			fill_ctx(ctx, ctx_len, i, seed + i);
			const uint64_t one = run(m, a, ctx, &sum);
			sonde_check(run(m, b, ctx, &sum) == one);
		}
	}
	free(ctx);
	free(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct maker k;

	if (len < 2)
		return 0;
	k.data = data + 2;
	k.len = len - 2;
	k.n = k.n_relocs = 0;
	k.refills = data[0] & 8;
	k.mends = data[0] & 16;
	if (data[0] & 7)
		make(&k);
	else
		copy(&k);
	const struct bpf_code code = {
		.insns = k.insns, .n_insns = k.n, .relocs = k.relocs, .n_relocs = k.n_relocs
	};
	uint64_t seed = 1;
	note(&seed, data, len);
	try(&code, data[1] & 3 ? CTX_LEN : data[1] % CTX_LEN, seed);
	return 0;
}
