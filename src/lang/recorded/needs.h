/* SPDX-License-Identifier: MIT */
/** What a recording must hold, so that a script can run over it as it would have run live. */
#ifndef LANG_RECORDED_NEEDS_H
#define LANG_RECORDED_NEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"

/** Events of the kernel that an attach point names. */
struct recorded_event {
	const char *glob;	       /* "sched:sched_switch", "syscalls:sys_enter_*", "*:NAME" */
	const char *group, *name;      /* its parts */
	bool kernel_stack, user_stack; /* with each one */
	/** What the running system is asked for with each one. */
	const struct ast_context *const *contexts;
	size_t n_contexts;
	/** The attach point, as written, of a probe of which the kernel makes no event of its own:
	 * one that is named @name; or NULL. */
	const char *attach;
};

struct recorded_needs {
	struct recorded_event *events;
	size_t n_events;
	/** Between two samples; 0: none are taken. */
	uint64_t sample_ns;
	struct pos sample_pos;
	/** Who is who: names of threads, and which process they are of. */
	bool threads;
	bool texts;	     /* strings at addresses are read */
	const char **fields; /* names of all fields that are used, each once */
	size_t n_fields;
	const char **joins; /* fields that join() shows the texts of */
	size_t n_joins;
	const char *strlen_of;	    /* the setting max_strlen; NULL: it is not set */
	const struct ast_def *defs; /* types of the script's own */
};

/**
 * Finds out of the tree what @ret says, in @arena. -EINVAL: @d says what no recording gives, and
 * where; the rest is told when the script is compiled against what the recording will hold.
 */
SONDE_MUST_CHECK int recorded_needs(struct diag *d, struct arena *arena,
				    const struct script_ast *ast, struct recorded_needs *ret);

#endif
