/* SPDX-License-Identifier: MIT */
/** The ready scripts that come with Sonde, by their names. */
#ifndef CMD_TOOL_FIND_H
#define CMD_TOOL_FIND_H

#include <sonde/def.h>

struct tool {
	const char *name; /* without ".bt" */
	const char *path;
	const char *about; /* what its first comment says, one line; "" */
};

/**
 * The script's file, the caller's to free. Looked for in the folders of $SONDE_TOOLS (between
 * colons), beside this program (the source's tools/, or where it is installed), and where it was to
 * be installed. -ENOENT: there is none; words say what is near.
 */
SONDE_MUST_CHECK int tool_find(const char *name, char **ret_path);

/** Calls @f for each, in the order of their names; of one name only the first is given. */
SONDE_MUST_CHECK int tool_each(int (*f)(void *arg, const struct tool *t), void *arg);

#endif
