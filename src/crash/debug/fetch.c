/* SPDX-License-Identifier: MIT */
/** libdebuginfod, opened when a file is fetched. */
#include "crash/debug/fetch.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/library.h"

int debug_fetch(const struct build_id *id, char **ret)
{
#ifdef HAVE_DEBUGINFOD
	static const char *const files[] = { "libdebuginfod.so.1", NULL };
	const char *servers = getenv("DEBUGINFOD_URLS");
	void *(*begin)(void) = NULL;
	int (*find)(void *client, const unsigned char *id, int len, char **path) = NULL;
	void (*end)(void *client) = NULL;
	const struct library_symbol symbols[] = { { "debuginfod_begin", (void **)&begin },
						  { "debuginfod_find_debuginfo", (void **)&find },
						  { "debuginfod_end", (void **)&end },
						  { NULL, NULL } };
	void *library, *client;

	if (!servers || !*servers)
		return sonde_fail(-ENOTSUP, "DEBUGINFOD_URLS does not name a server to fetch debug "
					    "files from");
	int r = library_open(files, symbols, &library);
	if (r < 0)
		return sonde_wrap(r, "fetching debug files (package libdebuginfod1)");
	client = begin();
	int fd = client ? find(client, id->data, id->len, ret) : -ENOMEM;
	if (client)
		end(client);
	// It stays: its own parts are not made to be closed.
	if (fd < 0)
		return sonde_fail_errno(fd, "no server of DEBUGINFOD_URLS gave the debug file");
	close(fd);
	return 0;
#else
	(void)id, (void)ret;
	return sonde_fail(-ENOTSUP, "built without fetching of debug files (debuginfod)");
#endif
}
