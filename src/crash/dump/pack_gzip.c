/* SPDX-License-Identifier: MIT */
/** gzip by zlib. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/library.h"
#include "crash/dump/packing.h"

enum { GZIP_ONLY = 16 + MAX_WBITS }; /* zlib's way to say that there is a gzip header */

struct gzip {
	void *library;
	__typeof__(&inflateInit2_) init;
	__typeof__(&inflate) step;
	__typeof__(&inflateEnd) end;
	z_stream stream;
};

static void gzip_end(void *state)
{
	struct gzip *g = state;

	if (!g)
		return;
	if (g->stream.state)
		g->end(&g->stream);
	if (g->library)
		dlclose(g->library);
	free(g);
}
SONDE_DEFINE_AUTO(struct gzip *, gzip_end)

static int gzip_begin(void **ret)
{
	sonde_auto(gzip_endp) struct gzip *g = calloc(1, sizeof(*g));
	if (!g)
		return sonde_fail(-ENOMEM, "out of memory");

	static const char *const files[] = { "libz.so.1", NULL };
	const struct library_symbol symbols[] = {
		{ "inflateInit2_", (void **)&g->init },
		{ "inflate", (void **)&g->step },
		{ "inflateEnd", (void **)&g->end },
		{ NULL, NULL },
	};
	int r = library_open(files, symbols, &g->library);
	if (r < 0)
		return r;
	int z = g->init(&g->stream, GZIP_ONLY, ZLIB_VERSION, (int)sizeof(g->stream));
	if (z != Z_OK)
		return sonde_fail(z == Z_MEM_ERROR ? -ENOMEM : -ENOTSUP, "zlib: %d", z);
	*ret = sonde_take(g);
	return 0;
}

static int gzip_step(void *state, struct packing_io *io)
{
	struct gzip *g = state;
	uInt n_in = io->n_in < UINT_MAX ? (uInt)io->n_in : UINT_MAX;
	uInt n_out = io->n_out < UINT_MAX ? (uInt)io->n_out : UINT_MAX;

	g->stream.next_in = (Bytef *)(uintptr_t)io->in;
	g->stream.avail_in = n_in;
	g->stream.next_out = io->out;
	g->stream.avail_out = n_out;
	int z = g->step(&g->stream, Z_NO_FLUSH);
	io->in = g->stream.next_in;
	io->n_in -= n_in - g->stream.avail_in;
	io->out = g->stream.next_out;
	io->n_out -= n_out - g->stream.avail_out;
	if (z == Z_STREAM_END)
		return 1;
	if (z == Z_MEM_ERROR)
		return sonde_fail(-ENOMEM, "out of memory");
	if (z != Z_OK && z != Z_BUF_ERROR)
		return sonde_fail(-EBADMSG, "data is damaged (zlib: %s)",
				  g->stream.msg ? g->stream.msg : "no words");
	return 0;
}

const struct packing packing_gzip = {
	.name = "gzip",
	.magic = { 0x1f, 0x8b, 8 },
	.n_magic = 3,
	.begin = gzip_begin,
	.step = gzip_step,
	.end = gzip_end,
};
