/* SPDX-License-Identifier: MIT */
/**
 * A world for tests without a kernel, and a script compiled for it.
 *
 * Its probes, by their attach points:
 *
 *	BEGIN, END
 *	tracepoint:made:all		a record with fields of all kinds, see the table in the .c
 *file tracepoint:made:one, :two	records with field @v: an int at 8, a char[8] at 16
 *	tracepoint:made:none		a record without fields
 *	tracepoint:syscalls:sys_enter_made, :sys_exit_made
 *	rawtracepoint:made		numbers; :typed	the same by types
 *	kprobe:FUNC, kretprobe:FUNC, fentry:FUNC, fexit:FUNC, of the functions of made_types.h
 *					and of others, but for 'missing'
 *	uprobe:PATH:FUNC, uretprobe:PATH:FUNC
 *	usdt:PATH:NAME			a constant, a register, memory: three arguments
 *	interval:..., profile:..., software:..., hardware:...
 *	iter:task
 */
#ifndef MADE_WORLD_H
#define MADE_WORLD_H

#include <stdbool.h>

#include "base/arena.h"
#include "lang/gen/compile.h"
#include "lang/syntax/diag.h"
#include "lang/world.h"

/** @has_types: the types of made_types.h; else it says that there are none. */
SONDE_MUST_CHECK int made_world_new(bool has_types, struct world **ret);

/** Nothing lies behind addresses any more. */
void made_world_forget_memory(struct world *w);

/** A script, from its text to programs. */
struct made {
	struct arena arena;
	struct diag diag;
	struct script_ast ast;
	struct script *script; /* owned; NULL: @r says why */
	int r;
};

/** Parses and compiles @text, which is lent until made_fini(). NULL for @opt: no options. */
void made_compile(struct made *m, struct world *w, const char *text,
		  const struct compile_options *opt);
/** The same of a script in D. @opt is never NULL. */
void made_compile_d(struct made *m, struct world *w, const char *text,
		    const struct compile_options *opt);
void made_fini(struct made *m);

#endif
