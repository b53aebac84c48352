/* SPDX-License-Identifier: MIT */
/** All functions of a unit, one behind the other, and what their frames need together. */
#include <sonde/err.h>

#include "base/check.h"
#include "bpf/fn.h"
#include "bpf/fn/alloc.h"
#include "bpf/fn/emit.h"
#include "bpf/fn/ins.h"
#include "bpf/fn/tidy.h"

enum { FRAME_ALIGN = 32, CALLS_MOST = 8 };

void bpf_code_fini(struct bpf_code *c)
{
	free(c->insns);
	free(c->relocs);
	free(c->fns);
	free(c->lines);
	*c = (struct bpf_code){ 0 };
}

/* How deep the stack gets from function @fn on, as the kernel counts it; more: -1. */
static int depth_of(const struct emit *e, const size_t *frames, size_t fn, unsigned calls)
{
	sonde_dcheck(e->code.fns);
	size_t own = frames[fn] ? frames[fn] : 1, most = 0;
	uint32_t from = e->code.fns[fn].insn;
	uint32_t to = fn + 1 < e->code.n_fns ? e->code.fns[fn + 1].insn : UINT32_MAX;

	if (calls >= CALLS_MOST)
		return -1;
	for (size_t i = 0; i < e->n_fns; i++) {
		if (e->fns[i].insn < from || e->fns[i].insn >= to)
			continue;
		int d = depth_of(e, frames, (size_t)e->fns[i].to, calls + 1);
		if (d < 0)
			return -1;
		most = (size_t)d > most ? (size_t)d : most;
	}
	size_t sum = most + ((own + FRAME_ALIGN - 1) & ~(size_t)(FRAME_ALIGN - 1));
	return sum > FN_STACK_MOST ? -1 : (int)sum;
}

static int check_stack(const struct emit *e, const size_t *frames)
{
	if (depth_of(e, frames, 0, 0) < 0)
		return sonde_fail(-E2BIG, "more than %d bytes of stack in calls that nest",
				  FN_STACK_MOST);
	return 0;
}

/* The function's first line that is known; 0. */
static unsigned line_of(const struct fn *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->ins[i].line)
			return f->ins[i].line;
	}
	return 0;
}

/* Which functions of the unit are called, and where they are among those of the code. */
struct called {
	size_t *at;   /* owned; NOT_CALLED, or the index in the code */
	size_t *list; /* owned: those that are called, function 0 first */
	size_t n;
};

enum { NOT_CALLED = -1 };

static void note_call(struct called *c, const struct val *v)
{
	if (v->kind != VAL_FN || c->at[v->id] != (size_t)NOT_CALLED)
		return;
	c->at[v->id] = c->n;
	c->list[c->n++] = (size_t)v->id;
}

static void note_calls(struct called *c, const struct fn *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];

		note_call(c, &in->a);
		note_call(c, &in->b);
		note_call(c, &in->c);
		for (unsigned k = 0; in->kind == INS_CALL && k < in->len; k++)
			note_call(c, &f->vals[in->args + k]);
	}
}

/* The kernel takes no function that nothing calls, as those that dead code called. */
static int find_called(struct unit *u, struct called *c)
{
	c->at = calloc(u->n, sizeof(*c->at));
	c->list = calloc(u->n, sizeof(*c->list));
	if (!c->at || !c->list)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 1; i < u->n; i++)
		c->at[i] = (size_t)NOT_CALLED;
	c->n = 1;
	for (size_t i = 0; i < c->n; i++) {
		int r = fn_tidy(u->fns[c->list[i]]);
		if (r < 0)
			return r;
		note_calls(c, u->fns[c->list[i]]);
	}
	return 0;
}

static int finish_fn(struct emit *e, struct fn *f, size_t *ret_frame)
{
	struct places p;
	unsigned line = line_of(f);

	int r = fn_alloc(f, &p);
	if (r < 0)
		return r == -E2BIG ? sonde_wrap(r, "line %u", line) : r;
	*ret_frame = p.frame.len;
	r = emit_fn(e, f, &p);
	places_fini(&p);
	return r;
}

static int finish_fns(struct emit *e, struct unit *u, const struct called *c, size_t *frames)
{
	for (size_t i = 0; i < c->n; i++) {
		int r = finish_fn(e, u->fns[c->list[i]], &frames[i]);
		if (r < 0)
			return r;
		if (frames[i] > e->code.stack_len)
			e->code.stack_len = frames[i];
	}
	for (size_t i = 0; i < e->n_fns; i++) {
		struct emit_ref *ref = &e->fns[i];
		sonde_check(ref->to >= 0 && (size_t)ref->to < u->n);
		ref->to = (int)c->at[ref->to];
		e->code.insns[ref->insn].imm =
			(int32_t)((int64_t)e->code.fns[ref->to].insn - ref->insn - 1);
	}
	return check_stack(e, frames);
}

int unit_finish(struct unit *u, struct bpf_code *ret)
{
	if (u->err == -E2BIG)
		return sonde_fail(-E2BIG, "more than %d instructions", FN_INS_MOST);
	if (u->err)
		return sonde_fail(u->err, "out of memory");
	sonde_check(u->n > 0);

	size_t *frames = calloc(u->n, sizeof(*frames));
	if (!frames)
		return sonde_fail(-ENOMEM, "out of memory");
	struct emit e = { .err = 0 };
	struct called c = { 0 };
	int r = find_called(u, &c);
	if (!r)
		r = finish_fns(&e, u, &c, frames);
	if (r == 0) {
		*ret = e.code;
		e.code = (struct bpf_code){ 0 };
	}
	emit_fini(&e);
	free(c.at);
	free(c.list);
	free(frames);
	return r;
}
