/* SPDX-License-Identifier: MIT */
/** libdw, opened at need. */
#include "sym/libdw.h"

#include <pthread.h>

#include "base/library.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *handle;	   /* by @lock; open until the process ends */
static struct libdw found; /* written once, by @lock, before anyone has an object of libdw */

#ifdef LIBDW_LINKED
__attribute__((used)) static Dwarf *(*const linked)(int fd, Dwarf_Cmd cmd) = dwarf_begin;
#endif

int libdw_open(void)
{
	static const char *const files[] = { "libdw.so.1", NULL };
	static const struct library_symbol symbols[] = {
#define X(f) { #f, (void **)&found.f },
		LIBDW_FUNCTIONS(X)
#undef X
			{ NULL, NULL },
	};

	pthread_mutex_lock(&lock);
	int r = handle ? 0 : library_open(files, symbols, &handle);
	pthread_mutex_unlock(&lock);
	return r;
}

const struct libdw *libdw(void)
{
	return &found;
}
