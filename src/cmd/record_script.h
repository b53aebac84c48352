/* SPDX-License-Identifier: MIT */
/** sonde record --script: the scripts that run beside a recording. */
#ifndef CMD_RECORD_SCRIPT_H
#define CMD_RECORD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "record/source.h"

/** All zero is none. */
struct record_scripts {
	struct record_script_state **all; /* owned */
	size_t n, cap;
	struct record_script *list; /* owned; for record_opts */
	bool told;		    /* what is wrong with one was printed */
};

void record_scripts_fini(struct record_scripts *s);

/** Adds the script @what, lent: a file, the name of a ready one; with @is_text the text itself. */
SONDE_MUST_CHECK int record_scripts_add(struct record_scripts *s, const char *what, bool is_text);

/** The map of processes that are followed, where only some are. */
extern const char record_scripts_only[];

/** The script that was added last says itself which events it wants of these. */
void record_scripts_asks(struct record_scripts *s);

/** Compiles all for @opts->pids, and puts them into *@opts. -EINVAL: it was told. */
SONDE_MUST_CHECK int record_scripts_compile(struct record_scripts *s, struct record_opts *opts);

/** Prints what was found wrong since then, when the kernel saw the programs; whether there was. */
bool record_scripts_tell(struct record_scripts *s);

#endif
