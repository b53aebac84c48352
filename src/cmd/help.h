/* SPDX-License-Identifier: MIT */
/** Help, man pages and completion, all made from the command tables. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdio.h>

struct command;

/** The command of that name, or NULL. */
const struct command *help_find(const char *name);

/** Says that there is no such verb, and which is near; returns CMD_USAGE. */
int help_unknown(const char *name);

/** Prints how sonde is used and its verbs. */
void help_overview(FILE *f);

/** Prints what --help of a command shows. */
void help_command(const struct command *cmd);

/** Prints the man page of a command in scdoc's language; NULL: the list of the verbs. */
void help_man(const struct command *cmd);

/** Prints the completion for bash. */
void help_completion(void);

/** sonde help [VERB | --verbs | --examples | --man [VERB] | --completion]; returns the status. */
int help_run(int argc, char **argv);

#endif
