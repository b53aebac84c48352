/* SPDX-License-Identifier: MIT */
/** sonde run --core DUMP: a script over a crash dump. */
#ifndef CMD_SCRIPT_CORE_H
#define CMD_SCRIPT_CORE_H

#include "cmd/script_trace.h"

/**
 * Compiles the script against the dump @s->paths (several: its parts) with the kernel's file
 * @kernel or NULL, and runs it. *@ret_status: what exit() gave.
 */
SONDE_MUST_CHECK int script_core_run(const struct script_trace *s, const char *kernel,
				     int *ret_status);

#endif
