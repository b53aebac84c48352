/* SPDX-License-Identifier: MIT */
/**
 * What only the running system can tell of an event: stacks, and strings that it points to. The
 * events of which that is needed are made by a script of ours, with emit(), under their own names.
 */
#ifndef LANG_RECORDED_CAPTURE_H
#define LANG_RECORDED_CAPTURE_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "lang/recorded/needs.h"

/** All zero is nothing. */
struct recorded_capture {
	struct strbuf script; /* owned: its text */
	struct captured {
		const char *group, *name, *glob;
		bool kernel_stack, user_stack;
		const char *attach; /* as of struct recorded_event */
		/** Owned: each is another field. */
		const struct ast_context **contexts;
		size_t n_contexts, cap_contexts;
	} * events; /* owned; their text in the arena: they come from the script alone */
	size_t n, cap;
	/**
	 * Set before: only of threads of processes in this map of the script, "@NAME[pid]", which
	 * somebody else keeps; switches to them and wake-ups of them, too. NULL: of all.
	 */
	const char *only_map;
};

void recorded_capture_fini(struct recorded_capture *c);

/**
 * Finds which events of the running kernel the @n scripts need that for, and makes the script. None
 * is needed: its text is empty. @arena outlives it. -E2BIG: more than one script can be about.
 */
SONDE_MUST_CHECK int recorded_capture(struct arena *arena, const struct recorded_needs *const *all,
				      size_t n, struct recorded_capture *ret);

/**
 * The needs of one who wants whole records with stacks, in @arena: of @events
 * ("sched:sched_switch"; ends with NULL), of all their fields. What the running kernel does not
 * have is left out.
 */
SONDE_MUST_CHECK int recorded_whole(struct arena *arena, const char *const *events,
				    struct recorded_needs *ret);

#endif
