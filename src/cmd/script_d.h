/* SPDX-License-Identifier: MIT */
/** sonde run of scripts in D: the options that dtrace has, and what goes into the front end. */
#ifndef CMD_SCRIPT_D_H
#define CMD_SCRIPT_D_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "cmd/script_arg.h"
#include "cmd/script_cpp.h"
#include "lang/gen/script.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/d/d.h"
#include "lang/syntax/diag.h"

enum { SCRIPT_D_OPTIONS = 64, SCRIPT_D_SOURCES = 64 };

/** All zero is none of it. */
struct script_d {
	bool is_d; /* said so, or by an option that D alone has */
	bool list;
	/** Of -s, -n and -f, in their order. */
	struct {
		int key;
		const char *value;
	} sources[SCRIPT_D_SOURCES];
	size_t n_sources;
	struct strbuf text; /* owned: of all sources */
	const char *name;   /* for messages */
	bool has_clauses;   /* of -n and -f: a block may be left out */
	struct d_option options[SCRIPT_D_OPTIONS];
	size_t n_options;
	struct arena arena; /* for their names */
	char *program;	    /* owned: of the process that $target is */
	struct script_cpp cpp;
	char *expanded; /* owned: what the preprocessor made of the script; NULL: nothing */
};

void script_d_fini(struct script_d *d);

/** Takes an option, by the letter that dtrace has for it. */
SONDE_MUST_CHECK int script_d_set(struct script_d *d, int key, const char *value);

/** Reads the sources; -l without any lists all probes, but for functions and events of the kernel.
 */
SONDE_MUST_CHECK int script_d_read(struct script_d *d);

/** Whether the script is in D, by its name and its first line ("#!/usr/sbin/dtrace -qs"), whose
 * options are taken. */
SONDE_MUST_CHECK int script_d_look(struct script_d *d, const struct script_arg *a);

/** Lets the preprocessor have the script, where that is wanted. */
SONDE_MUST_CHECK int script_d_expand(struct script_d *d, const struct script_arg *a);

struct script_d_how {
	const char *const *params;
	size_t n_params;
	bool is_recorded;
	pid_t target;
	const char *command; /* the program of -c; NULL: @target runs already */
};
/** Parses the text of @diag. */
SONDE_MUST_CHECK int script_d_parse(struct script_d *d, struct diag *diag, struct arena *arena,
				    const struct script_d_how *how, struct script_ast *ret);

/** Lists the probes of a compiled script as dtrace -l does. */
SONDE_MUST_CHECK int script_d_list(struct sonde_out *out, const struct script *s);

#endif
