/* SPDX-License-Identifier: MIT */
/** libzstd, opened when a dump needs it. */
#include "crash/dump/zstd_library.h"

#include <dlfcn.h>

#include "base/library.h"

int zstd_library_open(struct zstd_library *ret)
{
	static const char *const files[] = { "libzstd.so.1", NULL };
	struct zstd_library z = { .handle = NULL };
#define WANTED(f)                         \
	{                                 \
		"ZSTD_" #f, (void **)&z.f \
	}
	const struct library_symbol symbols[] = {
		WANTED(createDCtx),
		WANTED(freeDCtx),
		WANTED(DCtx_setParameter),
		WANTED(decompressDCtx),
		WANTED(decompressStream),
		WANTED(findFrameCompressedSize),
		WANTED(getFrameContentSize),
		WANTED(isError),
		WANTED(getErrorCode),
		WANTED(getErrorName),
		{ NULL, NULL },
	};
#undef WANTED

	int r = library_open(files, symbols, &z.handle);
	if (r == 0)
		*ret = z;
	return r;
}

void zstd_library_close(struct zstd_library *z)
{
	if (z->handle)
		dlclose(z->handle);
	z->handle = NULL;
}
