/* SPDX-License-Identifier: MIT */
/** The prompt of sonde crash: one dump, many questions. */
#ifndef CMD_PROMPT_PROMPT_H
#define CMD_PROMPT_PROMPT_H

#include "cmd/prompt/complete.h"

struct prompt {
	struct complete complete;
	/** Does what a line says, to standard output; @width: the terminal's. A negative errno. */
	int (*run)(void *arg, int argc, char **argv, unsigned width);
	void *arg;
};

/** Asks until the person leaves. A failure of one line is told, and ends nothing. */
SONDE_MUST_CHECK int prompt_run(const struct prompt *p);

#endif
