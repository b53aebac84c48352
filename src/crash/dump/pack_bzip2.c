/* SPDX-License-Identifier: MIT */
/** bzip2 by libbz2. */
#include <bzlib.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"
#include "crash/dump/packing.h"

struct bzip2 {
	void *library;
	__typeof__(&BZ2_bzDecompressInit) init;
	__typeof__(&BZ2_bzDecompress) step;
	__typeof__(&BZ2_bzDecompressEnd) end;
	bz_stream stream;
};

static void bzip2_end(void *state)
{
	struct bzip2 *b = state;

	if (!b)
		return;
	if (b->stream.state)
		b->end(&b->stream);
	if (b->library)
		dlclose(b->library);
	free(b);
}
SONDE_DEFINE_AUTO(struct bzip2 *, bzip2_end)

static int bzip2_begin(void **ret)
{
	sonde_auto(bzip2_endp) struct bzip2 *b = calloc(1, sizeof(*b));
	if (!b)
		return sonde_fail(-ENOMEM, "out of memory");

	static const char *const files[] = { "libbz2.so.1.0", "libbz2.so.1", NULL };
	const struct library_symbol symbols[] = {
		{ "BZ2_bzDecompressInit", (void **)&b->init },
		{ "BZ2_bzDecompress", (void **)&b->step },
		{ "BZ2_bzDecompressEnd", (void **)&b->end },
		{ NULL, NULL },
	};
	int r = library_open(files, symbols, &b->library);
	if (r < 0)
		return r;
	int z = b->init(&b->stream, 0, 0);
	if (z != BZ_OK)
		return sonde_fail(z == BZ_MEM_ERROR ? -ENOMEM : -ENOTSUP, "libbz2: %d", z);
	*ret = sonde_take(b);
	return 0;
}

static int bzip2_step(void *state, struct packing_io *io)
{
	struct bzip2 *b = state;
	unsigned n_in = io->n_in < UINT_MAX ? (unsigned)io->n_in : UINT_MAX;
	unsigned n_out = io->n_out < UINT_MAX ? (unsigned)io->n_out : UINT_MAX;

	b->stream.next_in = (char *)(uintptr_t)io->in;
	b->stream.avail_in = n_in;
	b->stream.next_out = (char *)io->out;
	b->stream.avail_out = n_out;
	int z = b->step(&b->stream);
	io->in += n_in - b->stream.avail_in;
	io->n_in -= n_in - b->stream.avail_in;
	io->out += n_out - b->stream.avail_out;
	io->n_out -= n_out - b->stream.avail_out;
	if (z == BZ_STREAM_END)
		return 1;
	if (z == BZ_MEM_ERROR)
		return sonde_fail(-ENOMEM, "out of memory");
	return z == BZ_OK ? 0 : sonde_fail(-EBADMSG, "data is damaged (libbz2: %d)", z);
}

const struct packing packing_bzip2 = {
	.name = "bzip2",
	.magic = { 'B', 'Z', 'h' },
	.n_magic = 3,
	.begin = bzip2_begin,
	.step = bzip2_step,
	.end = bzip2_end,
};
