/* SPDX-License-Identifier: MIT */
/** Chains of code, each up to where no way leads on, are put behind each other. */
#include "bpf/fn/layout.h"

#include "bpf/fn/ins.h"

struct layout {
	struct fn *f;
	size_t *chains;	 /* per label: where the chain begins that it is at the head of */
	struct ins *out; /* owned */
	size_t n, cap;
};

static bool ends_chain(const struct ins *in)
{
	return in->kind == INS_JUMP || in->kind == INS_EXIT;
}

static void find_chains(struct layout *l)
{
	struct fn *f = l->f;
	bool ended = false;
	size_t head = SIZE_MAX; /* the first label of a chain, while there are but labels */

	for (int i = 0; i < f->n_labels; i++)
		l->chains[i] = SIZE_MAX;
	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (in->kind == INS_NONE)
			continue;
		if (in->kind != INS_LABEL) {
			ended = ends_chain(in);
			head = SIZE_MAX;
			continue;
		}
		if (ended)
			head = i;
		ended = false;
		l->chains[in->to] = head;
	}
}

/* Moves the chain that begins at @i; *@ret_next is where to go on, SIZE_MAX: anywhere. */
static int copy_chain(struct layout *l, size_t i, size_t *ret_next)
{
	struct fn *f = l->f;
	struct ins *in;

	do {
		in = &f->ins[i++];
		if (in->kind == INS_NONE)
			continue;
		int r = mem_grow(&l->out, &l->cap, l->n + 1);
		if (r < 0)
			return r;
		l->out[l->n++] = *in;
		in->kind = INS_NONE;
	} while (i < f->n && !ends_chain(&l->out[l->n - 1]));
	const struct ins *last = &l->out[l->n - 1];
	*ret_next = last->kind == INS_JUMP ? l->chains[last->to] : SIZE_MAX;
	return 0;
}

static int copy_all(struct layout *l)
{
	struct fn *f = l->f;

	for (size_t i = 0; i < f->n; i++) {
		size_t next = i;
		while (next != SIZE_MAX && f->ins[next].kind != INS_NONE) {
			int r = copy_chain(l, next, &next);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int fn_straighten(struct fn *f, struct arena *arena)
{
	struct layout l = { .f = f };

	l.chains = arena_array(arena, (size_t)f->n_labels + 1, sizeof(*l.chains));
	if (!l.chains)
		return -ENOMEM;
	find_chains(&l);
	int r = copy_all(&l);
	if (r < 0) {
		free(l.out);
		return r;
	}
	free(f->ins);
	f->ins = l.out;
	f->n = l.n;
	f->cap = l.cap;
	return 0;
}
