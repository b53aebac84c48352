/* SPDX-License-Identifier: MIT */
/**
 * The D front end: text of DTrace's D to the tree that the bt front end makes, too.
 *
 *	text ──> parse ──> clauses as they are written ──> lower ──> probes of the language's own
 *
 * Clauses of one probe become one program, in their order; names, functions and translators of D
 * become what the checker knows.
 */
#ifndef LANG_D_H
#define LANG_D_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"

/** Which columns of the tables of probes and translators hold. */
enum d_world { D_LIVE, D_RECORDED };

/** "quiet", or "bufsize=4m", of -x. */
struct d_option {
	const char *name, *value; /* @value NULL: none */
};

struct d_options {
	const char *const *params; /* $1 is params[0] */
	size_t n_params;
	const char *script_name; /* $0 */
	enum d_world world;
	pid_t target;	     /* $target; 0: there is none */
	const char *program; /* its file, for pid$target and USDT; NULL: not known */
	bool no_block;	     /* a probe may do without a block, as in -n */
	const struct d_option *options;
	size_t n_options;
};

/**
 * Parses the text of @d into @ret, in @arena, all of whose messages have D's tags from here on.
 * Goes on behind an error, to tell all of them. 0; -EINVAL: @d says what is wrong; -ENOMEM.
 */
SONDE_MUST_CHECK int parse_d(struct diag *d, struct arena *arena, const struct d_options *opt,
			     struct script_ast *ret);

/** Whether a text is D by its first line: "#!/usr/sbin/dtrace -s". */
bool d_is_script(const char *text, size_t len);

/**
 * "provider:module:function:name" of the place @place ("tracepoint:syscalls:sys_enter_read") that
 * the attach point @ap named, in @arena; NULL (sonde_fail(-ENOMEM)).
 */
const char *d_probe_name(struct arena *arena, const struct ast_attach *ap, const char *place);

/** The part of such a name, from 0 (provider) to 3 (name); lent. */
const char *d_name_part(const char *name, unsigned part, size_t *ret_len);

#endif
