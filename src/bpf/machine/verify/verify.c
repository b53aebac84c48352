/* SPDX-License-Identifier: MIT */
/**
 * The verifier: follows all ways through a program with what is known of each register, until
 * nothing new comes (abstract interpretation over intervals).
 *
 * A state is kept for the begin of each block. What comes on another way is joined into it; if that
 * changes it, the block is looked at again. Bounds that still grow after some rounds of a loop jump
 * to numbers that the program compares with, then to the largest. Functions that are called back
 * are blocks of their own for each place that calls: an instance. Their end leads back to their
 * begin and behind the call; their caller's frames are below their own in the state.
 */
#include "bpf/machine/verify/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/strbuf.h"
#include "bpf/machine/verify/verifier.h"

enum {
	EXACT_ROUNDS = 40,  /* then bounds jump to the next stop */
	STOPS_ROUNDS = 400, /* then to the last */
	INSTANCES_MOST = 512,
	KEPT_MOST = 64 << 20,
	STEPS_MOST = 1 << 22,
};

struct block {
	struct kept *kept; /* owned; NULL: nothing comes here so far */
	uint32_t rounds;
	bool pending;
};

struct instance {
	struct block *blocks; /* owned; all of the program */
	size_t n_pending;
	uint32_t first;	 /* block that the function begins with */
	uint32_t parent; /* instance that calls */
	uint32_t call;	 /* instruction */
	unsigned depth;	 /* frames */
	struct reg args[5];
	uint32_t rounds;
};

int verify_refuse(const struct verifier *v, size_t i, const char *fmt, ...)
{
	const struct bpf_code *c = v->code;
	uint32_t line = 0, col = 0;
	char why[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	for (size_t k = 0; k < c->n_lines && c->lines[k].insn <= i; k++) {
		line = c->lines[k].line;
		col = c->lines[k].col;
	}
	if (v->log && line)
		strbuf_fmt(v->log, "%u:%u: ", line, col);
	if (v->log)
		strbuf_fmt(v->log, "instruction %zu: %s\n", i, why);
	return sonde_fail(-EBADMSG, "instruction %zu: %s", i, why);
}

static void instance_fini(struct verifier *v, struct instance *x)
{
	for (size_t b = 0; x->blocks && b < v->n_blocks; b++)
		kept_free(x->blocks[b].kept);
	free(x->blocks);
}

static void verifier_fini(struct verifier *v)
{
	for (size_t i = 0; i < v->n_instances; i++)
		instance_fini(v, &v->instances[i]);
	free(v->instances);
	free(v->begins);
	free(v->is_half);
	free(v->is_head);
	free(v->blocks);
	free(v->block_of);
}

/* What is known on one way to block @b, from instruction @i, joins what is known on the others. */
static int flow(struct verifier *v, uint32_t instance, size_t insn, struct vstate *s, size_t i)
{
	struct instance *x = &v->instances[instance];
	struct block *b = &x->blocks[v->block_of[insn]];
	const struct range_stops stops = { v->stops, b->rounds < STOPS_ROUNDS ? v->n_stops : 0 };
	const size_t before = kept_len(b->kept);

	sonde_dcheck(s->n == x->depth);
	const bool jumps = v->is_head[insn] && b->rounds > EXACT_ROUNDS;
	int r = kept_join(&b->kept, s, jumps ? &stops : NULL);
	if (r < 0)
		return sonde_fail(r, "out of memory");
	v->kept += kept_len(b->kept) - before;
	if (v->kept > KEPT_MOST)
		return verify_refuse(v, i, "too complex");
	if (r == 0)
		return 0;
	b->rounds++;
	x->n_pending += !b->pending;
	b->pending = true;
	return 0;
}

static int add_instance(struct verifier *v, const struct instance *like, size_t i, uint32_t *ret)
{
	const size_t len = v->n_blocks * sizeof(struct block);

	v->kept += len;
	if (like->depth > FRAMES_MOST)
		return verify_refuse(v, i, "more than %d functions call each other", FRAMES_MOST);
	if (v->n_instances == INSTANCES_MOST || v->kept > KEPT_MOST)
		return verify_refuse(v, i, "too complex");
	int r = mem_grow(&v->instances, &v->cap_instances, v->n_instances + 1);
	if (r < 0)
		return r;
	struct block *blocks = calloc(1, len);
	if (!blocks)
		return sonde_fail(-ENOMEM, "out of memory");
	struct instance *x = &v->instances[v->n_instances];
	*x = *like;
	x->blocks = blocks;
	*ret = (uint32_t)v->n_instances++;
	return 0;
}

/* Enters the function of @instance from @s, which is the caller's. */
static int enter(struct verifier *v, uint32_t instance, struct vstate *s, size_t i)
{
	const struct instance *x = &v->instances[instance];
	struct frame *f = &s->frames[s->n++];

	memset(f, 0, sizeof(*f));
	memcpy(&f->all[BPF_REG_1], x->args, sizeof(x->args));
	f->all[BPF_REG_10] = reg_stack(s->n - 1, 0);
	int r = flow(v, instance, v->blocks[x->first], s, i);
	s->n--;
	return r;
}

static int call_back(struct verifier *v, uint32_t instance, struct vstate *s, size_t i, size_t fn,
		     const struct reg args[static 5])
{
	const struct range_stops none = { 0 };
	const uint32_t first = v->block_of[v->p->fns[fn].insn];
	uint32_t to = 0;

	while (to < v->n_instances &&
	       (v->instances[to].depth == 1 || v->instances[to].parent != instance ||
		v->instances[to].call != i || v->instances[to].first != first))
		to++;
	if (to == v->n_instances) {
		struct instance like = { .first = first,
					 .parent = instance,
					 .call = (uint32_t)i,
					 .depth = v->instances[instance].depth + 1 };
		memcpy(like.args, args, sizeof(like.args));
		int r = add_instance(v, &like, i, &to);
		if (r < 0)
			return r;
	}
	struct instance *x = &v->instances[to];
	for (int k = 0; k < 5; k++)
		(void)reg_join(&x->args[k], &args[k], x->rounds > EXACT_ROUNDS ? &none : NULL);
	x->rounds++;
	return enter(v, to, s, i);
}

/* The end of a function: once more, or behind the call. */
static int leave(struct verifier *v, uint32_t instance, struct vstate *s, size_t i)
{
	const struct instance x = v->instances[instance];

	int r = verify_is_set(v, s, i, BPF_REG_0);
	if (r < 0 || x.depth == 1)
		return r;
	s->n--;
	vstate_top(s)->all[BPF_REG_0] = reg_number(range_any());
	r = enter(v, instance, s, i);
	return r < 0 ? r : flow(v, x.parent, x.call + 1, s, i);
}

/* A call, and the way behind it if that does not end the block. */
static int call(struct verifier *v, uint32_t instance, struct vstate *s, size_t i)
{
	struct reg args[5];
	int64_t fn = -1;

	int r = verify_call(v, s, i, &fn, args);
	if (r < 0 || fn < 0)
		return r;
	return call_back(v, instance, s, i, (size_t)fn, args);
}

/* The last instruction of a block, where it is a jump or an exit. */
static int end_block(struct verifier *v, uint32_t instance, struct vstate *s, size_t i)
{
	const struct bpf_insn *in = &v->p->insns[i];
	bool ways[2] = { false, true };
	struct vstate jumped;
	int r = 0;

	if (in->code == (BPF_JMP | BPF_EXIT))
		return leave(v, instance, s, i);
	if (!is_conditional(in))
		return flow(v, instance, jump_target(in, i), s, i);
	r = verify_branch(v, s, &jumped, i, ways);
	if (r == 0 && ways[0])
		r = flow(v, instance, i + 1, s, i);
	if (r == 0 && ways[1])
		r = flow(v, instance, jump_target(in, i), &jumped, i);
	return r;
}

static int run_block(struct verifier *v, uint32_t instance, uint32_t block)
{
	const size_t end = v->blocks[block + 1];
	struct vstate s;
	int r = 0;

	kept_load(v->instances[instance].blocks[block].kept, &s);
	for (size_t i = v->blocks[block]; i < end && r == 0; i++) {
		const struct bpf_insn *in = &v->p->insns[i];

		v->p->notes[i].reached = true;
		if (++v->steps > STEPS_MOST)
			return verify_refuse(v, i, "too complex");
		if (is_jump(in) || in->code == (BPF_JMP | BPF_EXIT))
			return end_block(v, instance, &s, i);
		if (in->code == (BPF_JMP | BPF_CALL))
			r = call(v, instance, &s, i);
		else
			r = verify_step(v, &s, i);
		i += is_wide(in);
	}
	return r < 0 ? r : flow(v, instance, end, &s, end - 1);
}

/* The deepest function first, as its callers wait for it; in it the first block. */
static bool next_block(struct verifier *v, uint32_t *ret_instance, uint32_t *ret_block)
{
	for (size_t i = v->n_instances; i-- > 0;) {
		struct instance *x = &v->instances[i];
		uint32_t b = 0;

		if (x->n_pending == 0)
			continue;
		while (!x->blocks[b].pending)
			b++;
		x->blocks[b].pending = false;
		x->n_pending--;
		*ret_instance = (uint32_t)i;
		*ret_block = b;
		return true;
	}
	return false;
}

static int run(struct verifier *v)
{
	const struct instance program = { .depth = 1 };
	struct vstate s = { .n = 1 };
	uint32_t instance = 0, block = 0;

	int r = add_instance(v, &program, 0, &instance);
	if (r < 0)
		return r;
	s.frames[0].all[BPF_REG_1] = reg_mem(0, (int64_t)v->p->ctx_len, 0);
	s.frames[0].all[BPF_REG_10] = reg_stack(0, 0);
	r = flow(v, instance, 0, &s, 0);
	while (r == 0 && next_block(v, &instance, &block))
		r = run_block(v, instance, block);
	return r;
}

int verify(struct machine_prog *p, const struct bpf_code *code, struct strbuf *log)
{
	struct verifier v = { .p = p, .code = code, .log = log };

	int r = verify_scan(&v);
	if (r == 0)
		r = run(&v);
	verifier_fini(&v);
	return r;
}
