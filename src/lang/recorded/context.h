/* SPDX-License-Identifier: MIT */
/**
 * What only the running system knows of an event, as `uid` and `curtask->real_parent->pid`: a field
 * of the event may tell it, whose name is made of the script's own words for it.
 */
#ifndef LANG_RECORDED_CONTEXT_H
#define LANG_RECORDED_CONTEXT_H

#include "base/arena.h"
#include "lang/syntax/ast.h"

/** What such fields' names begin with. */
#define CONTEXT_PREFIX "context_"

/** Gives expressions of @ast that ask for such their ast.context, in @arena. -ENOMEM. */
SONDE_MUST_CHECK int recorded_context(struct arena *arena, struct script_ast *ast);

/**
 * The name of events that are made at @ap, where the kernel itself makes none: what the script
 * calls it. NULL: no memory.
 */
const char *recorded_own_name(struct arena *arena, const struct ast_attach *ap);

#endif
