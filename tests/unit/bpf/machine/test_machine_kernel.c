/* SPDX-License-Identifier: MIT */
/**
 * Random instructions of all kinds do the same in the kernel and in the machine, interpreted and
 * compiled: arithmetic of 32 and 64 bits, jumps, memory, atomic changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/machine.h"
#include "bpf/machine/state.h"
#include "fn_random.h"
#include "test.h"

enum { RUNS = 300, STEPS_MOST = 80, INPUTS = 8, INSNS = 4 * STEPS_MOST, MEM = 64 };

/* What a program leaves in its map: registers, then memory that it worked on. */
struct result {
	uint64_t regs[10];
	uint8_t mem[MEM];
};

static const struct bpf_map_spec spec = { .name = "result",
					  .type = BPF_MAP_TYPE_ARRAY,
					  .key_len = 4,
					  .val_len = sizeof(struct result),
					  .max_entries = 1,
					  .inner = -1 };

struct maker {
	uint64_t state;
	struct bpf_insn insns[INSNS];
	struct bpf_reloc relocs[2];
	size_t n, n_relocs;
};

static unsigned below(struct maker *k, unsigned n)
{
	return (unsigned)(random_next(&k->state) % n);
}

static void put(struct maker *k, int code, unsigned dst, unsigned src, int off, int32_t imm)
{
	k->insns[k->n++] = (struct bpf_insn){ .code = (uint8_t)code,
					      .dst_reg = (uint8_t)(dst & 15),
					      .src_reg = (uint8_t)(src & 15),
					      .off = (int16_t)off,
					      .imm = imm };
}

/* The address of the map's value, in @reg. */
static void put_value(struct maker *k, unsigned reg)
{
	k->relocs[k->n_relocs++] = (struct bpf_reloc){ (uint32_t)k->n, 0 };
	put(k, BPF_LD | BPF_IMM | BPF_DW, reg, BPF_PSEUDO_MAP_VALUE, 0, 0);
	put(k, 0, 0, 0, 0, 0);
}

static int32_t number(struct maker *k)
{
	static const int32_t known[] = { 0, 1, -1, 2, 8, 31, 255, 65536, INT32_MAX, INT32_MIN };

	if (below(k, 3))
		return known[below(k, MEM_LEN(known))];
	return (int32_t)((int64_t)random_next(&k->state) >> (32 + below(k, 32)));
}

/* r8 points to the value; r0 ... r7 and r9 are numbers. */
static unsigned reg(struct maker *k)
{
	const unsigned r = below(k, 9);

	return r == 8 ? 9 : r;
}

static void put_alu(struct maker *k)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB,  BPF_MUL, BPF_DIV, BPF_OR,
				       BPF_AND, BPF_LSH,  BPF_RSH, BPF_MOD, BPF_XOR,
				       BPF_MOV, BPF_ARSH, BPF_NEG, BPF_END };
	static const int extends[] = { 0, 8, 16, 32 };
	const int op = ops[below(k, MEM_LEN(ops))], class = below(k, 2) ? BPF_ALU : BPF_ALU64;
	const bool x = below(k, 2) && op != BPF_NEG;
	int off = 0;

	if (op == BPF_END) {
		put(k, class | op | (x && class == BPF_ALU ? BPF_X : BPF_K), reg(k), 0, 0,
		    16 << below(k, 3));
		return;
	}
	if (op == BPF_DIV || op == BPF_MOD)
		off = (int)below(k, 2);
	else if (op == BPF_MOV && x)
		off = extends[below(k, class == BPF_ALU ? 3 : 4)];
	int32_t imm = op == BPF_NEG ? 0 : number(k);
	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= class == BPF_ALU ? 31 : 63; // the kernel takes no others
	if ((op == BPF_DIV || op == BPF_MOD) && imm == 0)
		imm = 7;
	put(k, class | op | (x ? BPF_X : BPF_K), reg(k), x ? reg(k) : 0, off, x ? 0 : imm);
}

/* Over the next instructions. */
static void put_jump(struct maker *k)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT,	BPF_JLE,
				       BPF_JA,	BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	const int op = ops[below(k, MEM_LEN(ops))], class = below(k, 2) ? BPF_JMP32 : BPF_JMP;
	const int off = (int)below(k, 4);

	if (op == BPF_JA)
		return; // the kernel wants all instructions to be reached
	if (below(k, 2))
		put(k, class | op | BPF_X, reg(k), reg(k), off, 0);
	else
		put(k, class | op | BPF_K, reg(k), 0, off, number(k));
}

static void put_memory(struct maker *k)
{
	static const uint8_t sizes[] = { BPF_W, BPF_DW, BPF_B, BPF_H };
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
	const int size = sizes[below(k, 4)];
	const int len = size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
	const int off = (int)offsetof(struct result, mem) + (int)below(k, MEM / 8) * 8 +
			(int)below(k, 8 / (unsigned)len) * len;

	switch (below(k, 5)) {
	case 0: put(k, BPF_ST | BPF_MEM | size, 8, 0, off, number(k)); break;
	case 1: put(k, BPF_STX | BPF_MEM | size, 8, reg(k), off, 0); break;
	case 2:
		if (len >= 4)
			put(k, BPF_STX | BPF_ATOMIC | size, 8, reg(k), off,
			    atomics[below(k, MEM_LEN(atomics))]);
		break;
	case 3:
		if (len < 8)
			put(k, BPF_LDX | 0x80 | size, reg(k), 8, off, 0);
		break;
	default: put(k, BPF_LDX | BPF_MEM | size, reg(k), 8, off, 0); break;
	}
}

static void make(struct maker *k, uint64_t seed)
{
	const unsigned steps = 1 + (unsigned)(seed % STEPS_MOST);

	*k = (struct maker){ .state = seed };
	put_value(k, 8);
	for (unsigned r = 0; r < INPUTS; r++)
		put(k, BPF_LDX | BPF_MEM | BPF_DW, r == 1 ? 9 : r, 1, (int)r * 8, 0);
	put(k, BPF_ALU64 | BPF_MOV | BPF_X, 1, 9, 0, 0);
	for (unsigned i = 0; i < steps; i++) {
		const unsigned what = below(k, 8);

		if (what < 4)
			put_alu(k);
		else if (what < 6)
			put_memory(k);
		else
			put_jump(k);
	}
	for (int i = 0; i < 4; i++) // where the last jumps lead
		put(k, BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1);
	for (unsigned r = 0; r < 10; r++) {
		if (r != 8)
			put(k, BPF_STX | BPF_MEM | BPF_DW, 8, r, (int)r * 8, 0);
	}
	put(k, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	put(k, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load(struct maker *k, int map, char *log, size_t log_len)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct bpf_insn insns[INSNS];

	memcpy(insns, k->insns, sizeof(insns));
	for (size_t i = 0; i < k->n_relocs; i++)
		insns[k->relocs[i].insn].imm = map;
	opts.log_buf = log;
	opts.log_size = (uint32_t)log_len;
	opts.log_level = 4;
	log[0] = '\0';
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "random", "GPL", insns, k->n, &opts);
	return fd >= 0 ? fd : -errno;
}

static int run_kernel(int prog, int map, uint64_t *inputs, struct result *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = inputs,
		    .ctx_size_in = INPUTS * sizeof(*inputs));
	static const struct result zero;
	const uint32_t key = 0;

	bpf_map_update_elem(map, &key, &zero, 0);
	int r = bpf_prog_test_run_opts(prog, &opts);
	bpf_map_lookup_elem(map, &key, ret);
	return r;
}

static void compare(struct machine *m, struct machine_prog *const progs[2], int prog, int map,
		    uint64_t seed)
{
	uint64_t state = ~seed, inputs[INPUTS];
	struct result want;

	for (unsigned n = 0; n < 3; n++) {
		for (unsigned i = 0; i < INPUTS; i++)
			inputs[i] = random_next(&state) >> (n * 28 % 64);
		EXPECT_EQ(run_kernel(prog, map, inputs, &want), 0);
		for (unsigned how = 0; how < 2; how++) {
			machine_map_clear(m, 0);
			EXPECT_EQ(machine_run(progs[how], inputs), 0);
			const struct result *got = machine_map_value(m, 0);
			if (memcmp(&want, got, sizeof(want)))
				test_failed(__FILE__, __LINE__, "seed %llu, input %u, %s: differs",
					    (unsigned long long)seed, n,
					    how == MACHINE_JIT ? "compiled" : "interpreted");
			for (unsigned r = 0; r < 10; r++)
				if (want.regs[r] != got->regs[r])
					printf("# r%u: %llx, wanted %llx\n", r,
					       (unsigned long long)got->regs[r],
					       (unsigned long long)want.regs[r]);
		}
	}
}

/* 1: the kernel took it, 0: it did not. */
static int try(uint64_t seed, int map, char *log, size_t log_len)
{
	static const struct machine_ops no_ops;
	struct maker k;
	sonde_auto(machine_freep) struct machine *m = NULL;
	sonde_auto(machine_prog_freep) struct machine_prog *a = NULL, *b = NULL;
	sonde_auto(mem_closep) int prog = -1;

	make(&k, seed);
	const struct bpf_code code = {
		.insns = k.insns, .n_insns = k.n, .relocs = k.relocs, .n_relocs = k.n_relocs
	};
	if (machine_new(&spec, 1, &no_ops, NULL, &m) < 0 ||
	    machine_load(m, &code, INPUTS * 8, MACHINE_JIT, NULL, &a) < 0 ||
	    machine_load(m, &code, INPUTS * 8, MACHINE_INTERPRETER, NULL, &b) < 0) {
		test_failed(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed,
			    sonde_err_str());
		return -EBADMSG;
	}
	prog = load(&k, map, log, log_len);
	if (prog < 0) {
		printf("# seed %llu: %d %s\n", (unsigned long long)seed, prog, log);
		return prog == -EPERM ? prog : 0;
	}
	compare(m, (struct machine_prog *const[]){ a, b }, prog, map, seed);
	EXPECT_EQ(machine_cut_off(m), 0);
	return 1;
}

TEST(random_instructions_do_the_same_in_the_kernel)
{
	const char *given = getenv("FN_SEED"), *runs = getenv("FN_RUNS");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	const unsigned long n = runs ? strtoul(runs, NULL, 0) : given ? 1 : RUNS;
	static char log[1 << 14];
	sonde_auto(mem_closep) int map = -1;
	unsigned taken = 0;

	if (geteuid() == 0)
		map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "result", 4, sizeof(struct result), 1,
				     NULL);
	if (map < 0) {
		test_skip("needs the right to load eBPF programs");
		return;
	}
	for (unsigned long i = 0; i < n; i++) {
		int r = try(seed + i, map, log, sizeof(log));
		if (r == -EPERM) {
			test_skip("needs the right to load eBPF programs");
			return;
		}
		EXPECT(r >= 0);
		taken += r > 0;
	}
	printf("# the kernel took %u of %lu\n", taken, n);
}
