/* SPDX-License-Identifier: MIT */
/** Stacks of threads that wait for a lock, for people: who wanted it, and on whose behalf. */
#ifndef ANALYSIS_LOCKS_CALLERS_H
#define ANALYSIS_LOCKS_CALLERS_H

#include "analysis/flame/stacks.h"
#include "base/arena.h"

/** "work < main": the innermost frames but those of locking itself. NULL: no memory. */
const char *lock_caller(const struct stacks *s, uint32_t node, struct arena *arena);

/** "main;work;lock": all frames, the outermost first. NULL: no memory. */
const char *lock_stack(const struct stacks *s, uint32_t node, struct arena *arena);

#endif
