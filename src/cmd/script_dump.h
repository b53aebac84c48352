/* SPDX-License-Identifier: MIT */
/** What a script is on the way to the kernel, shown to people. */
#ifndef CMD_SCRIPT_DUMP_H
#define CMD_SCRIPT_DUMP_H

#include <sonde/def.h>

struct script;
struct script_ast;
struct sonde_out;

enum dump_kind {
	DUMP_NONE,
	DUMP_AST,      /* the script, printed again from its tree */
	DUMP_TYPES,    /* of maps, variables, records */
	DUMP_BYTECODE, /* of all programs */
	DUMP_PLACES,   /* what would be attached */
	DUMP_NAMES,    /* the same, by names alone */
};

/** Of DUMP_AST and those behind it, for the command line; ends with NULL. */
extern const char *const dump_words[];

/** Prints it and flushes. @script may be NULL for DUMP_AST. */
SONDE_MUST_CHECK int script_dump(struct sonde_out *out, enum dump_kind kind,
				 const struct script_ast *ast, const struct script *script);

#endif
