/* SPDX-License-Identifier: MIT */
/** The files that a process's code comes from: its program and the libraries. */
#ifndef SYM_PROBE_OBJECTS_H
#define SYM_PROBE_OBJECTS_H

#include <sys/types.h>

#include <sonde/def.h>

#include "base/strbuf.h"

/**
 * Appends the paths of the program @program and of its libraries, each with a comma before it but
 * the first: those that process @pid has mapped where that runs the program, else those that the
 * files ask for. Libraries that cannot be found are left out. -ENOMEM.
 */
SONDE_MUST_CHECK int program_objects(const char *program, pid_t pid, struct strbuf *ret);

#endif
