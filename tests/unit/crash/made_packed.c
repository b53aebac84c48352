/* SPDX-License-Identifier: MIT */
/** Flattened and packed files, for tests. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#ifdef HAVE_GZIP
#include <zlib.h>
#endif
#ifdef HAVE_XZ
#include <lzma.h>
#endif
#ifdef HAVE_BZIP2
#include <bzlib.h>
#endif

#include "base/check.h"
#include "made_memory.h"

static void put_record(struct made_file *f, uint64_t to, const uint8_t *data, size_t n)
{
	uint64_t h[2] = { htobe64(to), htobe64(n) };

	made_put(f, f->len, h, sizeof(h));
	if (data)
		made_put(f, f->len, data, n);
}

void made_flatten(struct made_memory *m, struct made_file *f)
{
	enum { PIECES = 200 };
	struct made_file flat = { 0 };
	uint64_t one = htobe64(1), cuts[PIECES + 1];
	static const uint8_t wrong[512] = "what is overwritten later";

	made_put(&flat, 0, "makedumpfile", 12);
	made_put(&flat, 16, &one, 8);
	made_put(&flat, 24, &one, 8);
	made_put(&flat, 4095, "", 1);
	for (size_t i = 0; i < PIECES; i++) {
		uint64_t at = made_random(m, f->len), n = 1 + made_random(m, sizeof(wrong));

		put_record(&flat, at, wrong, n < f->len - at ? n : f->len - at);
		cuts[i] = f->len * i / PIECES;
	}
	cuts[PIECES] = f->len;
	for (size_t n = PIECES; n;) {
		// In any order: the last one takes the place of the one that was written.
		static size_t left[PIECES];
		if (n == PIECES) {
			for (size_t i = 0; i < PIECES; i++)
				left[i] = i;
		}
		size_t k = made_random(m, n), i = left[k];

		left[k] = left[--n];
		put_record(&flat, cuts[i], f->data + cuts[i], cuts[i + 1] - cuts[i]);
	}
	put_record(&flat, UINT64_MAX, NULL, UINT64_MAX);
	free(f->data);
	*f = flat;
}

#ifdef HAVE_GZIP
static size_t pack_gzip(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in,
		       .avail_in = (uInt)n,
		       .next_out = out,
		       .avail_out = (uInt)room };

	sonde_check(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	sonde_check(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}
#endif

/* With a checksum, as the command writes it. */
static size_t pack_zstd(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	sonde_check(z && !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
	size_t len = ZSTD_compress2(z, out, room, in, n);
	ZSTD_freeCCtx(z);
	sonde_check(!ZSTD_isError(len));
	return len;
}

/* The packed length; 0: not here. */
static size_t pack(const char *how, const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
	if (!strcmp(how, "zstd"))
		return pack_zstd(in, n, out, room);
#ifdef HAVE_GZIP
	if (!strcmp(how, "gzip"))
		return pack_gzip(in, n, out, room);
#endif
#ifdef HAVE_XZ
	size_t at = 0;
	if (!strcmp(how, "xz")) {
		sonde_check(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in, n, out, &at,
						    room) == LZMA_OK);
		return at;
	}
#endif
#ifdef HAVE_BZIP2
	unsigned len = (unsigned)room;
	if (!strcmp(how, "bzip2")) {
		sonde_check(BZ2_bzBuffToBuffCompress((char *)out, &len, (char *)(uintptr_t)in,
						     (unsigned)n, 1, 0, 0) == BZ_OK);
		return len;
	}
#endif
	return 0;
}

bool made_pack(struct made_file *f, const char *how, bool two)
{
	size_t room = f->len * 2 + (1 << 16), n = two ? f->len / 3 : f->len;
	uint8_t *out = malloc(room);

	sonde_check(out);
	size_t len = pack(how, f->data, n, out, room);
	if (len && two)
		len += pack(how, f->data + n, f->len - n, out + len, room - len);
	if (!len) {
		free(out);
		return false;
	}
	free(f->data);
	*f = (struct made_file){ .data = out, .len = len };
	return true;
}
