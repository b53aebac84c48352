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

/* Frames that say how long they are inside: all but those of a pipe. */
static int list_frames(const struct zstd_library *z, const struct sonde_span *all,
		       struct packing_parts *ret)
{
	sonde_auto(mem_freep) struct packing_unit *units = NULL;
	size_t n = 0, cap = 0;
	uint64_t out = 0;

	for (size_t at = 0; at < all->len;) {
		size_t len = z->findFrameCompressedSize(all->data + at, all->len - at);
		unsigned long long size = z->getFrameContentSize(all->data + at, all->len - at);

		if (z->isError(len) || !len || size == ZSTD_CONTENTSIZE_UNKNOWN ||
		    size == ZSTD_CONTENTSIZE_ERROR || size > INT64_MAX - out)
			return 0;
		int r = mem_grow(&units, &cap, n + 1);
		if (r < 0)
			return r;
		units[n++] = (struct packing_unit){
			.in = at, .in_len = len, .out = out, .out_len = size
		};
		at += len;
		out += size;
	}
	ret->units = sonde_take(units);
	ret->n = n;
	return 0;
}

static int zstd_list(const struct sonde_span *all, uint64_t budget, struct packing_parts *ret)
{
	(void)budget;
	struct zstd_library z = { 0 };

	int r = zstd_library_open(&z);
	if (r == 0)
		r = list_frames(&z, all, ret);
	zstd_library_close(&z);
	return r;
}

static int zstd_begin_unit(const struct sonde_span *all, const struct packing_parts *parts,
			   const struct packing_unit *unit, void **ret, size_t *ret_skip)
{
	(void)parts;
	(void)all;
	(void)unit;
	*ret_skip = 0;
	return zstd_begin(ret);
}

const struct packing packing_zstd = {
	.name = "zstd",
	.magic = { 0x28, 0xb5, 0x2f, 0xfd },
	.n_magic = 4,
	.begin = zstd_begin,
	.step = zstd_step,
	.end = zstd_end,
	.list = zstd_list,
	.begin_unit = zstd_begin_unit,
};
