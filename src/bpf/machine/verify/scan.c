/* SPDX-License-Identifier: MIT */
/** Is it code at all? Instructions one by one, jumps, maps, functions. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "bpf/machine/verify/verifier.h"

enum { FNS_MOST = 1024 };

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

/* Whether all fields that @in does not use are 0. */
static bool is_plain(const struct bpf_insn *in, bool dst, bool src, bool off, bool imm)
{
	return (dst || !in->dst_reg) && (src || !in->src_reg) && (off || !in->off) &&
	       (imm || !in->imm);
}

static bool move_is_fine(const struct bpf_insn *in)
{
	const bool is64 = BPF_CLASS(in->code) == BPF_ALU64;

	if (BPF_SRC(in->code) == BPF_K)
		return is_plain(in, true, false, false, true);
	return is_plain(in, true, true, true, false) &&
	       (in->off == 0 || in->off == 8 || in->off == 16 || (is64 && in->off == 32));
}

static bool end_is_fine(const struct bpf_insn *in)
{
	if (BPF_CLASS(in->code) == BPF_ALU64 && BPF_SRC(in->code) != BPF_K)
		return false;
	return is_plain(in, true, false, false, true) &&
	       (in->imm == 16 || in->imm == 32 || in->imm == 64);
}

static bool alu_is_fine(const struct bpf_insn *in)
{
	const bool x = BPF_SRC(in->code) == BPF_X;

	switch (BPF_OP(in->code)) {
	case BPF_DIV:
	case BPF_MOD: return is_plain(in, true, x, true, !x) && (in->off == 0 || in->off == 1);
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_LSH:
	case BPF_RSH:
	case BPF_XOR:
	case BPF_ARSH: return is_plain(in, true, x, false, !x);
	case BPF_NEG: return !x && is_plain(in, true, false, false, false);
	case BPF_MOV: return move_is_fine(in);
	case BPF_END: return end_is_fine(in);
	default: return false;
	}
}

static bool jump_is_fine(const struct bpf_insn *in)
{
	const bool x = BPF_SRC(in->code) == BPF_X, is32 = BPF_CLASS(in->code) == BPF_JMP32;

	switch (BPF_OP(in->code)) {
	case BPF_JA: return !x && is_plain(in, false, false, !is32, is32);
	case BPF_CALL: return !x && !is32 && is_plain(in, false, true, false, true);
	case BPF_EXIT: return !x && !is32 && is_plain(in, false, false, false, false);
	case 0xe0:
	case 0xf0: return false;
	default: return is_plain(in, true, x, true, !x);
	}
}

static bool atomic_is_fine(const struct bpf_insn *in)
{
	if (BPF_SIZE(in->code) != BPF_W && BPF_SIZE(in->code) != BPF_DW)
		return false;
	switch (in->imm) {
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
	case BPF_ADD | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
	case BPF_CMPXCHG: return true;
	default: return false;
	}
}

static bool is_known(const struct bpf_insn *in)
{
	const uint8_t mode = BPF_MODE(in->code);

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64: return alu_is_fine(in);
	case BPF_JMP:
	case BPF_JMP32: return jump_is_fine(in);
	case BPF_LDX:
		return is_plain(in, true, true, true, false) &&
		       (mode == BPF_MEM || (mode == BPF_MEMSX && BPF_SIZE(in->code) != BPF_DW));
	case BPF_ST: return mode == BPF_MEM && is_plain(in, true, false, true, true);
	case BPF_STX:
		return mode == BPF_ATOMIC
			       ? atomic_is_fine(in)
			       : mode == BPF_MEM && is_plain(in, true, true, true, false);
	default: return is_wide(in) && is_plain(in, true, true, false, true);
	}
}

/* Nothing may be written to r10. */
static bool writes_frame(const struct bpf_insn *in)
{
	const uint8_t class = BPF_CLASS(in->code);

	if (class == BPF_STX && BPF_MODE(in->code) == BPF_ATOMIC)
		return (in->imm & BPF_FETCH) && in->imm != BPF_CMPXCHG && in->src_reg == BPF_REG_10;
	return in->dst_reg == BPF_REG_10 &&
	       (class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX || class == BPF_LD);
}

static int check_insns(struct verifier *v)
{
	const struct bpf_insn *insns = v->p->insns;
	const size_t n = v->p->n_insns;

	for (size_t i = 0; i < n; i++) {
		const struct bpf_insn *in = &insns[i];

		if (!is_known(in))
			return verify_refuse(v, i, "unknown instruction");
		if (in->dst_reg > BPF_REG_10 || in->src_reg > BPF_REG_10)
			return verify_refuse(v, i, "there is no such register");
		if (writes_frame(in))
			return verify_refuse(v, i, "r10 is only read");
		if (!is_wide(in))
			continue;
		if (i + 1 == n || in[1].code || !is_plain(&in[1], false, false, false, true))
			return verify_refuse(v, i, "the second half of the constant is missing");
		v->is_half[++i] = true;
	}
	return 0;
}

/* Whether instruction @to can be gone to. */
static int check_target(const struct verifier *v, size_t i, size_t to)
{
	if (to >= v->p->n_insns)
		return verify_refuse(v, i, "a jump out of the program");
	if (v->is_half[to])
		return verify_refuse(v, i, "a jump into a constant");
	return 0;
}

static void add_stop(struct verifier *v, uint64_t n)
{
	if (v->n_stops < STOPS_MOST)
		v->stops[v->n_stops++] = n;
}

/* Does it call back? Then what comes behind it begins a block. */
static bool calls_back(const struct bpf_insn *in)
{
	const struct helper *h = in->code == (BPF_JMP | BPF_CALL) ? helper_find(in->imm) : NULL;

	return h && (h->args[1] == ARG_LOOP_FN || h->args[1] == ARG_EACH_FN);
}

static int check_jumps(struct verifier *v)
{
	const size_t n = v->p->n_insns;

	v->begins[0] = true;
	for (size_t i = 0; i < n; i++) {
		const struct bpf_insn *in = &v->p->insns[i];
		const bool ends =
			in->code == (BPF_JMP | BPF_EXIT) || (is_jump(in) && !is_conditional(in));

		if (v->is_half[i])
			continue;
		if (!ends && i + (is_wide(in) ? 2 : 1) >= n)
			return verify_refuse(v, i, "the program does not end here");
		if ((ends || is_jump(in) || calls_back(in)) && i + 1 < n)
			v->begins[i + 1] = true;
		if (!is_jump(in))
			continue;
		int r = check_target(v, i, jump_target(in, i));
		if (r < 0)
			return r;
		v->begins[jump_target(in, i)] = true;
		v->is_head[jump_target(in, i)] |= jump_target(in, i) <= i;
		if (is_conditional(in) && BPF_SRC(in->code) == BPF_K) {
			add_stop(v, (uint64_t)(int64_t)in->imm);
			add_stop(v, (uint64_t)(int64_t)in->imm - 1);
		}
	}
	return 0;
}

static int add_fn(struct verifier *v, size_t i, size_t insn, size_t *ret)
{
	struct machine_prog *p = v->p;

	for (size_t f = 0; f < p->n_fns; f++) {
		if (p->fns[f].insn == insn) {
			*ret = f;
			return 0;
		}
	}
	if (p->n_fns == FNS_MOST)
		return verify_refuse(v, i, "more than %d functions", FNS_MOST);
	*ret = p->n_fns;
	p->fns[p->n_fns++].insn = (uint32_t)insn;
	v->begins[insn] = true;
	v->is_head[insn] = true;
	return 0;
}

static void set_wide(struct bpf_insn *in, uint64_t n)
{
	in[0].imm = (int32_t)(uint32_t)n;
	in[1].imm = (int32_t)(uint32_t)(n >> 32);
}

static int resolve_map(struct verifier *v, size_t i, int64_t map)
{
	struct bpf_insn *in = &v->p->insns[i];

	if (map < 0)
		return verify_refuse(v, i, "nothing says which map this is");
	const struct machine_map *m = &v->p->m->maps[map];
	v->p->notes[i].map = (int32_t)map;
	if (in->src_reg == BPF_PSEUDO_MAP_FD) {
		set_wide(in, (uintptr_t)m);
		return 0;
	}
	const uint32_t off = (uint32_t)in[1].imm;
	if (m->kind != MAP_ARRAY || off > m->spec->val_len)
		return verify_refuse(v, i, "map '%s' has no value at %u", m->spec->name, off);
	v->p->notes[i].size = (int32_t)off;
	set_wide(in, (uintptr_t)m->values + off);
	return 0;
}

static int resolve_fn(struct verifier *v, size_t i)
{
	struct bpf_insn *in = &v->p->insns[i];
	const size_t to = (size_t)((int64_t)i + 1 + in->imm);
	size_t fn = 0;

	int r = check_target(v, i, to);
	if (r < 0)
		return r;
	r = add_fn(v, i, to, &fn);
	if (r < 0)
		return r;
	set_wide(in, fn);
	return 0;
}

/* Wide constants that stand for something else. */
static int resolve(struct verifier *v, const int64_t *map_of)
{
	for (size_t i = 0; i < v->p->n_insns; i++) {
		const struct bpf_insn *in = &v->p->insns[i];
		int r = 0;

		if (v->is_half[i] || !is_wide(in))
			continue;
		if (in->src_reg == BPF_PSEUDO_MAP_FD || in->src_reg == BPF_PSEUDO_MAP_VALUE)
			r = resolve_map(v, i, map_of[i]);
		else if (in->src_reg == BPF_PSEUDO_FUNC)
			r = resolve_fn(v, i);
		else if (in->src_reg)
			r = verify_refuse(v, i, "a constant of unknown kind %u", in->src_reg);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resolve_relocs(struct verifier *v)
{
	const struct bpf_code *c = v->code;
	sonde_auto(mem_freep) int64_t *map_of = calloc(c->n_insns, sizeof(*map_of));

	if (!map_of)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->n_insns; i++)
		map_of[i] = -1;
	for (size_t i = 0; i < c->n_relocs; i++) {
		if (c->relocs[i].insn >= c->n_insns || c->relocs[i].map >= v->p->m->n_maps)
			return verify_refuse(v, 0, "a map that is not there");
		map_of[c->relocs[i].insn] = c->relocs[i].map;
	}
	return resolve(v, map_of);
}

static void number_blocks(struct verifier *v)
{
	for (size_t i = 0; i < v->p->n_insns; i++) {
		if (v->begins[i])
			v->blocks[v->n_blocks++] = (uint32_t)i;
		v->block_of[i] = (uint32_t)(v->n_blocks - 1);
	}
	v->blocks[v->n_blocks] = (uint32_t)v->p->n_insns;
}

/* Instructions that can be reached from function @f's first one on. */
static void find_cost(struct verifier *v, struct prog_fn *f, uint32_t *todo, bool *seen)
{
	size_t n = 0;

	memset(seen, 0, v->n_blocks * sizeof(*seen));
	todo[n++] = v->block_of[f->insn];
	seen[todo[0]] = true;
	f->cost = 1;
	while (n > 0) {
		const uint32_t b = todo[--n], begin = v->blocks[b], end = v->blocks[b + 1];
		const size_t last = v->is_half[end - 1] ? end - 2 : end - 1;
		const struct bpf_insn *in = &v->p->insns[last];
		const bool goes_on =
			in->code != (BPF_JMP | BPF_EXIT) && (!is_jump(in) || is_conditional(in));
		size_t next[2] = { end, 0 };

		f->cost += (int32_t)(end - begin);
		if (is_jump(in))
			next[1] = jump_target(in, last);
		for (size_t k = goes_on ? 0 : 1; k < (is_jump(in) ? 2U : 1U); k++) {
			const uint32_t to = v->block_of[next[k]];
			if (!seen[to])
				todo[n++] = to;
			seen[to] = true;
		}
	}
}

static int find_costs(struct verifier *v)
{
	sonde_auto(mem_freep) uint32_t *todo = calloc(v->n_blocks, sizeof(*todo));
	sonde_auto(mem_freep) bool *seen = calloc(v->n_blocks, sizeof(*seen));

	if (!todo || !seen)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < v->p->n_fns; i++)
		find_cost(v, &v->p->fns[i], todo, seen);
	return 0;
}

static int allocate(struct verifier *v)
{
	struct machine_prog *p = v->p;
	const size_t n = v->code->n_insns;

	p->insns = calloc(n, sizeof(*p->insns));
	p->notes = calloc(n, sizeof(*p->notes));
	p->fns = calloc(FNS_MOST, sizeof(*p->fns));
	v->begins = calloc(n, sizeof(*v->begins));
	v->is_half = calloc(n, sizeof(*v->is_half));
	v->is_head = calloc(n, sizeof(*v->is_head));
	v->blocks = calloc(n + 1, sizeof(*v->blocks));
	v->block_of = calloc(n, sizeof(*v->block_of));
	if (!p->insns || !p->notes || !p->fns || !v->begins || !v->is_half || !v->is_head ||
	    !v->blocks || !v->block_of)
		return sonde_fail(-ENOMEM, "out of memory");
	memcpy(p->insns, v->code->insns, n * sizeof(*p->insns));
	p->n_insns = n;
	p->n_fns = 1;
	return 0;
}

int verify_scan(struct verifier *v)
{
	const size_t n = v->code->n_insns;

	if (n == 0 || n > INSNS_MOST)
		return verify_refuse(v, 0, "%zu instructions, %d is the most", n, INSNS_MOST);
	int r = allocate(v);
	if (r == 0)
		r = check_insns(v);
	if (r == 0)
		r = check_jumps(v);
	if (r == 0)
		r = resolve_relocs(v);
	if (r < 0)
		return r;
	number_blocks(v);
	return find_costs(v);
}
