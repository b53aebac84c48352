/* SPDX-License-Identifier: MIT */
/** xz by liblzma. */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/library.h"
#include "crash/dump/packing.h"

/* xz -9 wants 65 MiB; what wants more than this is refused. */
static const uint64_t most_memory = (uint64_t)1 << 30;

struct xz {
	void *library;
	__typeof__(&lzma_stream_decoder) decoder;
	__typeof__(&lzma_code) code;
	__typeof__(&lzma_end) end;
	__typeof__(&lzma_memusage) memusage;
	lzma_stream stream;
};

static void xz_end(void *state)
{
	struct xz *x = state;

	if (!x)
		return;
	if (x->library) {
		x->end(&x->stream);
		dlclose(x->library);
	}
	free(x);
}
SONDE_DEFINE_AUTO(struct xz *, xz_end)

static int xz_words(struct xz *x, lzma_ret r)
{
	switch (r) {
	case LZMA_MEM_ERROR: return sonde_fail(-ENOMEM, "out of memory");
	case LZMA_MEMLIMIT_ERROR:
		return sonde_fail(-ENOMEM,
				  "needs %" PRIu64 " MiB of memory to unpack, %" PRIu64
				  " are allowed",
				  x->memusage(&x->stream) >> 20, most_memory >> 20);
	case LZMA_OPTIONS_ERROR:
		return sonde_fail(-ENOTSUP, "uses options that liblzma does not know");
	default: return sonde_fail(-EBADMSG, "data is damaged (liblzma: %d)", (int)r);
	}
}

static int xz_begin(void **ret)
{
	sonde_auto(xz_endp) struct xz *x = calloc(1, sizeof(*x));
	if (!x)
		return sonde_fail(-ENOMEM, "out of memory");

	static const char *const files[] = { "liblzma.so.5", NULL };
	const struct library_symbol symbols[] = {
		{ "lzma_stream_decoder", (void **)&x->decoder },
		{ "lzma_code", (void **)&x->code },
		{ "lzma_end", (void **)&x->end },
		{ "lzma_memusage", (void **)&x->memusage },
		{ NULL, NULL },
	};
	int r = library_open(files, symbols, &x->library);
	if (r < 0)
		return r;
	lzma_ret lr = x->decoder(&x->stream, most_memory, 0);
	if (lr != LZMA_OK)
		return xz_words(x, lr);
	*ret = sonde_take(x);
	return 0;
}

static int xz_step(void *state, struct packing_io *io)
{
	struct xz *x = state;

	x->stream.next_in = io->in;
	x->stream.avail_in = io->n_in;
	x->stream.next_out = io->out;
	x->stream.avail_out = io->n_out;
	lzma_ret r = x->code(&x->stream, LZMA_RUN);
	io->in = x->stream.next_in;
	io->n_in = x->stream.avail_in;
	io->out = x->stream.next_out;
	io->n_out = x->stream.avail_out;
	if (r == LZMA_STREAM_END)
		return 1;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? 0 : xz_words(x, r);
}

const struct packing packing_xz = {
	.name = "xz",
	.magic = { 0xfd, '7', 'z', 'X', 'Z', 0 },
	.n_magic = 6,
	.begin = xz_begin,
	.step = xz_step,
	.end = xz_end,
};
