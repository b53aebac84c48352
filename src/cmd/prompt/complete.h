/* SPDX-License-Identifier: MIT */
/** What may stand where a line of the crash prompt ends. */
#ifndef CMD_PROMPT_COMPLETE_H
#define CMD_PROMPT_COMPLETE_H

#include "cmd/command.h"
#include "cmd/prompt/choices.h"
#include "crash/verbs/verb.h"

struct complete {
	struct crash_core *core;
	const struct crash_verb *const *more; /* verbs of the caller's own; ends with NULL */
	const struct cmd_option *options;
};

/** Verbs; behind one what it takes: symbols, types, members, process ids, options. */
void complete_line(const struct complete *c, const char *line, struct choices *ret);

#endif
