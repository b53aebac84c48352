/* SPDX-License-Identifier: MIT */
/** The stacks of scripts' events: their frames, and whose code these are. */
#ifndef RECORD_SCRIPT_STACKS_H
#define RECORD_SCRIPT_STACKS_H

#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "record/symbols.h"
#include "sym/procs.h"

/** All zero is without any. */
struct script_stacks {
	struct script_frames *cache; /* owned; by hash of the id */
	struct u64map seen;	     /* stacks whose code was noted, by hash of id and process */
	struct script_hit *hits;     /* owned: user code, until its process is known */
	size_t n_hits, cap_hits;
	int err; /* -ENOMEM */
};

void script_stacks_fini(struct script_stacks *s);

/**
 * The frames of stack @v, of which @names knows, into @ret (STACK_MOST of them fit); how many. The
 * kernel's are noted in @symbols; a failure to do so is kept.
 */
size_t script_stacks_get(struct script_stacks *s, const struct names *names,
			 struct symbols *symbols, bool is_user, const struct stack_value *v,
			 uint64_t *ret);

/** Notes the code of programs, now that @procs knows their processes. 0 or -ENOMEM. */
SONDE_MUST_CHECK int script_stacks_settle(struct script_stacks *s, struct symbols *symbols,
					  const struct procs *procs);

#endif
