/* SPDX-License-Identifier: MIT */
/** zstd. */
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <sonde/err.h>

#include "crash/dump/packing.h"

enum { MOST_WINDOW_LOG = 30 }; /* zstd --ultra --long=30: 1 GiB; what wants more is refused */

static int zstd_begin(void **ret)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();

	if (!z)
		return sonde_fail(-ENOMEM, "out of memory");
	// The default stops at --long=27.
	(void)ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, MOST_WINDOW_LOG);
	*ret = z;
	return 0;
}

static int zstd_step(void *state, struct packing_io *io)
{
	ZSTD_inBuffer in = { io->in, io->n_in, 0 };
	ZSTD_outBuffer out = { io->out, io->n_out, 0 };
	size_t z = ZSTD_decompressStream(state, &out, &in);

	io->in += in.pos;
	io->n_in -= in.pos;
	io->out += out.pos;
	io->n_out -= out.pos;
	if (!ZSTD_isError(z))
		return z == 0;
	if (ZSTD_getErrorCode(z) == ZSTD_error_memory_allocation)
		return sonde_fail(-ENOMEM, "out of memory");
	return sonde_fail(-EBADMSG, "data is damaged (zstd: %s)", ZSTD_getErrorName(z));
}

static void zstd_end(void *state)
{
	ZSTD_freeDCtx(state);
}

const struct packing packing_zstd = {
	.name = "zstd",
	.magic = { 0x28, 0xb5, 0x2f, 0xfd },
	.n_magic = 4,
	.begin = zstd_begin,
	.step = zstd_step,
	.end = zstd_end,
};
