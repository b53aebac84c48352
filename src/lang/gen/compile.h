/* SPDX-License-Identifier: MIT */
/** From a script's tree to a script that a world can load: check, then generate. */
#ifndef LANG_COMPILE_H
#define LANG_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/mem.h"
#include "lang/gen/script.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"
#include "lang/world.h"

/** What the caller wishes; all zero is what a script gets when nothing is said. */
struct compile_options {
	const char *const *params; /* $1 ...; borrowed, as long as the script */
	size_t n_params;
	bool unsafe;	/* system() may be called */
	pid_t pid;	/* of -p; 0: none */
	bool has_child; /* -c: its pid is in the globals when programs run */
	/** Settings that stand where the script's own `config` says nothing; 0: the usual. */
	uint32_t max_strlen;
	uint32_t max_map_keys;
};

/**
 * Checks @ast against @w and makes programs of it. The tree and the world must outlive the script.
 * 0; -EINVAL: @d says what is wrong with the script; others with sonde_fail().
 */
SONDE_MUST_CHECK int compile_script(struct diag *d, struct world *w, const struct script_ast *ast,
				    const struct compile_options *opt, struct script **ret);
void script_free(struct script *s);
SONDE_DEFINE_AUTO(struct script *, script_free)

#endif
