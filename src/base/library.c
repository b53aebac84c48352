/* SPDX-License-Identifier: MIT */
/** Libraries, opened at need. */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

#include <sonde/err.h>

int library_open(const char *const *files, const struct library_symbol *symbols, void **ret)
{
	void *handle = NULL;

	for (size_t i = 0; !handle && files[i]; i++)
		handle = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return sonde_fail(-ENOTSUP, "needs the library '%s', which is not installed",
				  files[0]);
	for (; symbols->name; symbols++) {
		*symbols->ret = dlsym(handle, symbols->name);
		if (*symbols->ret)
			continue;
		dlclose(handle);
		return sonde_fail(-ENOTSUP, "library '%s' has no '%s'", files[0], symbols->name);
	}
	*ret = handle;
	return 0;
}
