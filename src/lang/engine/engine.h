/* SPDX-License-Identifier: MIT */
/** Runs a compiled script on the running kernel, from loading it to the maps at its end. */
#ifndef LANG_ENGINE_H
#define LANG_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/child.h"
#include "base/out.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/syntax/diag.h"

struct world;

struct engine_options {
	const struct script *script; /* borrowed, as all here */
	struct world *world;	     /* the live one that it was compiled for */
	struct diag *diag;     /* programs that the kernel refuses are told here, at their line */
	struct sonde_out *out; /* where results go */
	enum print_format format;
	pid_t pid;	     /* of -p: the run ends with it; 0: none */
	struct child *child; /* of -c, held; NULL: none */
	bool quiet;	     /* no "Attaching ..." */
	bool verbose;	     /* says what is attached, and how long things took */
	bool no_warnings;
	bool is_terminal;   /* what happens is shown at once */
	bool keep_buffered; /* output is written only when much has come together */
};

/**
 * Runs it until exit(), Ctrl-C, or the end of the command or process. Nothing of it is attached
 * when this returns, however it does. *@ret_status: what exit() gave, else 0.
 * -EINVAL: the diag says more; others with sonde_fail().
 */
SONDE_MUST_CHECK int engine_run(const struct engine_options *opt, int *ret_status);

/** How many places a script attaches to, BEGIN and END among them. */
size_t engine_places(const struct script *s);

#endif
