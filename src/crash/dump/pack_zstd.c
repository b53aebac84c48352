/* SPDX-License-Identifier: MIT */
/** zstd. */
#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/packing.h"
#include "crash/dump/zstd_library.h"

enum { MOST_WINDOW_LOG = 30 }; /* zstd --ultra --long=30: 1 GiB; what wants more is refused */

struct unpacker {
	struct zstd_library lib;
	ZSTD_DCtx *ctx;
};

static void zstd_end(void *state)
{
	struct unpacker *u = state;

	if (u && u->ctx)
		u->lib.freeDCtx(u->ctx);
	if (u)
		zstd_library_close(&u->lib);
	free(u);
}
SONDE_DEFINE_AUTO(struct unpacker *, zstd_end)

static int zstd_begin(void **ret)
{
	sonde_auto(zstd_endp) struct unpacker *u = calloc(1, sizeof(*u));
	if (!u)
		return sonde_fail(-ENOMEM, "out of memory");

	int r = zstd_library_open(&u->lib);
	if (r < 0)
		return r;
	u->ctx = u->lib.createDCtx();
	if (!u->ctx)
		return sonde_fail(-ENOMEM, "out of memory");
	// The default stops at --long=27.
	(void)u->lib.DCtx_setParameter(u->ctx, ZSTD_d_windowLogMax, MOST_WINDOW_LOG);
	*ret = sonde_take(u);
	return 0;
}

static int zstd_step(void *state, struct packing_io *io)
{
	struct unpacker *u = state;
	ZSTD_inBuffer in = { io->in, io->n_in, 0 };
	ZSTD_outBuffer out = { io->out, io->n_out, 0 };
	size_t z = u->lib.decompressStream(u->ctx, &out, &in);

	io->in += in.pos;
	io->n_in -= in.pos;
	io->out += out.pos;
	io->n_out -= out.pos;
	if (!u->lib.isError(z))
		return z == 0;
	if (u->lib.getErrorCode(z) == ZSTD_error_memory_allocation)
		return sonde_fail(-ENOMEM, "out of memory");
	return sonde_fail(-EBADMSG, "data is damaged (zstd: %s)", u->lib.getErrorName(z));
}

const struct packing packing_zstd = {
	.name = "zstd",
	.magic = { 0x28, 0xb5, 0x2f, 0xfd },
	.n_magic = 4,
	.begin = zstd_begin,
	.step = zstd_step,
	.end = zstd_end,
};
