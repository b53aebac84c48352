/* SPDX-License-Identifier: MIT */
/** Where the kernel's tracing files are. */
#ifndef SYM_PROBE_TRACEFS_H
#define SYM_PROBE_TRACEFS_H

#include <sonde/def.h>

/** The tracefs folder, mounted at its usual place if it was not. -EPERM, -EACCES tell what to run.
 */
SONDE_MUST_CHECK int tracing_mount(const char **ret_dir);

/** Fails with @err: tracing is not permitted, and what to do. */
int tracing_no_rights(int err);

#endif
