/* SPDX-License-Identifier: MIT */
/** Lines from a person at a terminal: with history and completion where libedit is there. */
#ifndef CMD_PROMPT_LINE_H
#define CMD_PROMPT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "base/mem.h"
#include "cmd/prompt/choices.h"

struct line_editor;

struct line_how {
	const char *prompt;
	const char *name; /* of its history file; NULL: it is not kept */
	/** What may stand where @line ends; adds to @ret. */
	void (*complete)(void *arg, const char *line, struct choices *ret);
	void *arg;
};

/** @how is lent as long as the editor is open. */
SONDE_MUST_CHECK int line_open(const struct line_how *how, struct line_editor **ret);
/** Keeps the history, and frees. */
void line_close(struct line_editor *e);
SONDE_DEFINE_AUTO(struct line_editor *, line_close)

/** Whether lines can be edited; false: they are read as they come. */
bool line_is_edited(const struct line_editor *e);

/**
 * The next line, without its end, lent until the next call: 1. 0: there are no more. -EINTR: the
 * person took it back. -ENOMEM.
 */
SONDE_MUST_CHECK int line_next(struct line_editor *e, const char **ret);

#endif
