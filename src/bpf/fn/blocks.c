/* SPDX-License-Identifier: MIT */
/** Finds basic blocks. */
#include "bpf/fn/blocks.h"

#include <stdbool.h>

#include "bpf/fn/ins.h"

static bool ends_block(const struct ins *in)
{
	return in->kind == INS_JUMP || in->kind == INS_IF || in->kind == INS_EXIT;
}

static void split(const struct fn *f, struct blocks *bs)
{
	struct block *b = NULL;
	bool is_open = false, only_labels = true;

	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (!is_open || (in->kind == INS_LABEL && !only_labels)) {
			b = &bs->all[bs->n++];
			*b = (struct block){ .first = i, .succ = { -1, -1 } };
			only_labels = true;
		}
		b->end = i + 1;
		is_open = !ends_block(in);
		only_labels &= in->kind == INS_LABEL;
		if (in->kind == INS_LABEL)
			bs->of_label[in->to] = bs->n - 1;
	}
}

static void find_succs(const struct fn *f, struct blocks *bs)
{
	for (int i = 0; i < bs->n; i++) {
		struct block *b = &bs->all[i];
		const struct ins *last = &f->ins[b->end - 1];
		if (last->kind == INS_JUMP || last->kind == INS_IF)
			b->succ[0] = bs->of_label[last->to];
		if (last->kind != INS_JUMP && last->kind != INS_EXIT)
			b->succ[1] = i + 1;
		for (unsigned k = 0; k < 2; k++) {
			if (b->succ[k] >= 0)
				bs->all[b->succ[k]].n_preds++;
		}
	}
}

static void find_preds(struct blocks *bs)
{
	uint32_t n = 0;

	for (int i = 0; i < bs->n; i++) {
		bs->all[i].preds = n;
		n += bs->all[i].n_preds;
		bs->all[i].n_preds = 0;
	}
	for (int i = 0; i < bs->n; i++) {
		for (unsigned k = 0; k < 2; k++) {
			int s = bs->all[i].succ[k];
			if (s >= 0)
				bs->preds[bs->all[s].preds + bs->all[s].n_preds++] = i;
		}
	}
}

int blocks_find(const struct fn *f, struct arena *arena, struct blocks *ret)
{
	struct blocks bs = {
		.all = arena_array(arena, f->n + 1, sizeof(*bs.all)),
		.preds = arena_array(arena, 2 * f->n + 1, sizeof(*bs.preds)),
		.of_label = arena_array(arena, (size_t)f->n_labels + 1, sizeof(*bs.of_label)),
	};

	if (!bs.all || !bs.preds || !bs.of_label)
		return -ENOMEM;
	split(f, &bs);
	find_succs(f, &bs);
	find_preds(&bs);
	*ret = bs;
	return 0;
}
