/* SPDX-License-Identifier: MIT */
/** Runs plans, not in a hurry. */
#include "model/walk.h"

bool plan_run(const struct plan_op *ops, uint32_t from, uint32_t to, struct plan_walk *w,
	      uint64_t *pos)
{
	return walk_run(ops, from, to, false, w, pos);
}

bool plan_run_hot(const struct plan_op *ops, struct plan_walk *w, uint64_t *pos)
{
	return walk_run(ops, 0, UINT32_MAX, true, w, pos);
}
