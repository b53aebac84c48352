/* SPDX-License-Identifier: MIT */
/** Finds tracefs with libtracefs, which also mounts it. */
#include "sym/probe/tracefs.h"

#include <errno.h>
#include <tracefs.h>
#include <unistd.h>

#include <sonde/err.h>

int tracing_no_rights(int err)
{
	const char *sudo = geteuid() ? "run it as root, with sudo"
				     : "this container or machine does not let root trace";

	return sonde_fail(err, "tracing is not permitted: %s", sudo);
}

int tracing_mount(const char **ret_dir)
{
	tracefs_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	errno = 0;
	const char *dir = tracefs_tracing_dir();
	if (!dir && (errno == EPERM || errno == EACCES || geteuid()))
		return tracing_no_rights(-EPERM);
	if (!dir)
		return sonde_fail(-ENOTSUP, "this kernel has no tracefs (or it cannot be mounted "
					    "at /sys/kernel/tracing)");
	if (access(dir, R_OK | X_OK) < 0)
		return tracing_no_rights(-errno);
	*ret_dir = dir;
	return 0;
}
