/* SPDX-License-Identifier: MIT */
/** libzstd, opened when a dump needs it. */
#ifndef CRASH_DUMP_ZSTD_LIBRARY_H
#define CRASH_DUMP_ZSTD_LIBRARY_H

#include <zstd.h>
#include <zstd_errors.h>

#include <sonde/def.h>

/** Its functions, by their names without "ZSTD_". */
struct zstd_library {
	void *handle; /* owned; NULL: it is not open */
	__typeof__(&ZSTD_createDCtx) createDCtx;
	__typeof__(&ZSTD_freeDCtx) freeDCtx;
	__typeof__(&ZSTD_DCtx_setParameter) DCtx_setParameter;
	__typeof__(&ZSTD_decompressDCtx) decompressDCtx;
	__typeof__(&ZSTD_decompressStream) decompressStream;
	__typeof__(&ZSTD_findFrameCompressedSize) findFrameCompressedSize;
	__typeof__(&ZSTD_getFrameContentSize) getFrameContentSize;
	__typeof__(&ZSTD_isError) isError;
	__typeof__(&ZSTD_getErrorCode) getErrorCode;
	__typeof__(&ZSTD_getErrorName) getErrorName;
};

/** -ENOTSUP with words: it is not there. */
SONDE_MUST_CHECK int zstd_library_open(struct zstd_library *ret);
void zstd_library_close(struct zstd_library *z);

#endif
