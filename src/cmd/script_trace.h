/* SPDX-License-Identifier: MIT */
/** sonde run -t TRACE: a script over recorded events. */
#ifndef CMD_SCRIPT_TRACE_H
#define CMD_SCRIPT_TRACE_H

#include "base/out.h"
#include "cmd/script_dump.h"
#include "lang/gen/compile.h"
#include "lang/out/printer.h"

struct script_trace {
	const char *const *paths; /* of traces; borrowed */
	size_t n_paths;
	struct script_ast *ast;
	struct diag *diag;
	const struct compile_options *how;
	struct sonde_out *out;
	enum print_format format;
	enum dump_kind dump; /* DUMP_NONE: run it */
	bool interpreter;
	/** Called between compiling and running, to show warnings. */
	void (*compiled)(void *arg);
	void *arg;
};

/** Compiles the script against the traces and runs it over them. *@ret_status: what exit() gave. */
SONDE_MUST_CHECK int script_trace_run(const struct script_trace *s, int *ret_status);

#endif
