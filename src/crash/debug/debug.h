/* SPDX-License-Identifier: MIT */
/**
 * Debug files of a dead kernel and its modules: source lines and inlined calls of its code.
 *
 * They are opened when an address of theirs is asked for, and only if their build-id is the dump's.
 */
#ifndef CRASH_DEBUG_DEBUG_H
#define CRASH_DEBUG_DEBUG_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/core.h"
#include "sym/lines/lines.h"

struct crash_debug;

void crash_debug_free(struct crash_debug *d);

/**
 * What is known of the code at @addr, which lies in @module (NULL: the kernel): as lines_at(). Lent
 * until crash_close(). 0 also where memory ended.
 */
size_t crash_debug_at(struct crash_core *c, const char *module, uint64_t addr,
		      const struct line_frame **ret);

/** Puts lines, and the functions that were inlined, into the stack. -ENOMEM. */
SONDE_MUST_CHECK int crash_debug_expand(struct crash_core *c, struct crash_stack *s);

/** Why lines of the kernel or a module that were asked for are not there; NULL: nothing is wrong.
 */
const char *crash_debug_problem(const struct crash_core *c);

#endif
