/* SPDX-License-Identifier: MIT */
/** A tree to a loadable script: checks it against a world and generates its programs. */
#ifndef LANG_COMPILE_H
#define LANG_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lang/gen/script.h"
#include "lang/syntax/diag.h"
#include "lang/world.h"

struct compile_options {
	const char *const *params; /* positional parameters: $1 is params[0] */
	size_t n_params;
	bool unsafe;	       /* system(), signal() ... are allowed */
	pid_t pid;	       /* of -p or -c; 0: none */
	bool has_child;	       /* -c: its pid is in the globals when programs run */
	uint32_t max_strlen;   /* 0: as config says, or STR_LEN */
	uint32_t max_map_keys; /* 0: as config says, or 4096 */
	/** emit() in events of processes is for those alone that are keys of this map, without
	 * '@'; NULL: for all. */
	const char *only_map;
	/** Names of events may be those of attach points, "uprobe:/bin/sh:main". */
	bool any_event_names;
	uint32_t ring_len; /* bytes, a power of two; 0: as config says, or the default */
};

/**
 * Compiles @ast, whose memory must outlive the script. -EINVAL: @d says what is wrong; else
 * sonde_fail()'s words. @ast gets types and notes.
 */
SONDE_MUST_CHECK int compile_script(struct diag *d, struct world *w, struct script_ast *ast,
				    const struct compile_options *opt, struct script **ret);
void script_free(struct script *s);
SONDE_DEFINE_AUTO(struct script *, script_free)

/** For -d types: maps, variables and records with their types. */
void script_print_types(const struct script *s, struct strbuf *ret);

#endif
