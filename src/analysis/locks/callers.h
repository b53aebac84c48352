/* SPDX-License-Identifier: MIT */
/** Stacks of threads that wait for a lock, for people: who wanted it, and on whose behalf. */
#ifndef ANALYSIS_LOCKS_CALLERS_H
#define ANALYSIS_LOCKS_CALLERS_H

#include "analysis/flame/stacks.h"
#include "base/arena.h"

/**
 * "pthread_mutex_lock < work < main": which call of a program it was, and its innermost frames but
 * those of locking itself. Code without frame pointers, as libc's, often hides its caller: the call
 * alone tells then what was waited for. NULL: no memory.
 */
const char *lock_caller(const struct stacks *s, uint32_t node, struct arena *arena);

/** "main;work;lock": all frames, the outermost first. NULL: no memory. */
const char *lock_stack(const struct stacks *s, uint32_t node, struct arena *arena);

#endif
