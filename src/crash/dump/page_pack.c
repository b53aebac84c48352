/* SPDX-License-Identifier: MIT */
/** Packed pages. */
#include "crash/dump/page_pack.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#ifdef HAVE_GZIP
#include <zlib.h>
#endif

#include <sonde/err.h>
#include <sonde/span.h>

#include "base/check.h"
#include "base/library.h"
#include "base/mem.h"
#include "crash/dump/zstd_library.h"

/* liblzo2 and libsnappy are called by these shapes, which have not changed since they are there. */
typedef int lzo_fn(const uint8_t *in, uintptr_t n_in, uint8_t *out, uintptr_t *n_out, void *work);
typedef int snappy_fn(const char *in, size_t n_in, char *out, size_t *n_out);

/** libdeflate, by its shapes: twice as fast as zlib where all of the input is there. */
struct deflate_library {
	void *(*alloc)(void);
	void (*free)(void *state);
	int (*unpack)(void *state, const void *in, size_t n_in, void *out, size_t n_out,
		      size_t *ret_n);
};

enum { METHODS = PLACE_ZSTD + 1 };

/** What one thread needs while it unpacks. */
struct worker {
	struct worker *next;
	ZSTD_DCtx *zstd;
#ifdef HAVE_GZIP
	z_stream zlib;
	void *deflate;
#endif
	uint8_t packed[]; /* a page's size: for what cannot be lent */
};

struct page_packs {
	uint32_t page_size;
	pthread_mutex_t lock;
	struct worker *idle;	  /* owned; under the lock */
	void *libraries[METHODS]; /* owned; under the lock, as are the functions; never taken back
				   */
	lzo_fn *lzo;
	snappy_fn *snappy;
	struct zstd_library zstd;
#ifdef HAVE_GZIP
	__typeof__(&inflateInit2_) zlib_init;
	__typeof__(&inflateReset) zlib_reset;
	__typeof__(&inflate) zlib_step;
	__typeof__(&inflateEnd) zlib_end;
	void *deflate_handle; /* owned, as the others; NULL: it is not there */
	struct deflate_library deflate;
#endif
};

int page_packs_new(uint32_t page_size, struct page_packs **ret)
{
	struct page_packs *p = calloc(1, sizeof(*p));

	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	p->page_size = page_size;
	pthread_mutex_init(&p->lock, NULL);
	*ret = p;
	return 0;
}

static void worker_free(struct page_packs *p, struct worker *w)
{
	if (w->zstd)
		p->zstd.freeDCtx(w->zstd);
#ifdef HAVE_GZIP
	if (w->zlib.state)
		p->zlib_end(&w->zlib);
	if (w->deflate)
		p->deflate.free(w->deflate);
#endif
	free(w);
}

void page_packs_free(struct page_packs *p)
{
	if (!p)
		return;
	while (p->idle) {
		struct worker *w = p->idle;

		p->idle = w->next;
		worker_free(p, w);
	}
	for (size_t i = 0; i < METHODS; i++) {
		if (p->libraries[i])
			dlclose(p->libraries[i]);
	}
#ifdef HAVE_GZIP
	if (p->deflate_handle)
		dlclose(p->deflate_handle);
#endif
	zstd_library_close(&p->zstd);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

#ifdef HAVE_GZIP
/* What is faster, but need not be there. */
static void open_deflate(struct page_packs *p)
{
	static const char *const files[] = { "libdeflate.so.0", NULL };
	struct deflate_library d = { .alloc = NULL };
	const struct library_symbol symbols[] = {
		{ "libdeflate_alloc_decompressor", (void **)&d.alloc },
		{ "libdeflate_free_decompressor", (void **)&d.free },
		{ "libdeflate_zlib_decompress", (void **)&d.unpack },
		{ NULL, NULL },
	};

	if (library_open(files, symbols, &p->deflate_handle) == 0)
		p->deflate = d;
}
#endif

static int open_zlib(struct page_packs *p, void **ret)
{
#ifdef HAVE_GZIP
	static const char *const files[] = { "libz.so.1", NULL };
	const struct library_symbol symbols[] = {
		{ "inflateInit2_", (void **)&p->zlib_init },
		{ "inflateReset", (void **)&p->zlib_reset },
		{ "inflate", (void **)&p->zlib_step },
		{ "inflateEnd", (void **)&p->zlib_end },
		{ NULL, NULL },
	};

	int r = library_open(files, symbols, ret);
	if (r == 0)
		open_deflate(p);
	return r;
#else
	(void)p;
	(void)ret;
	return sonde_fail(-ENOTSUP, "was built without zlib");
#endif
}

/* Under the lock. */
static int open_method(struct page_packs *p, enum place_method method)
{
	static const char *const lzo[] = { "liblzo2.so.2", NULL };
	static const char *const snappy[] = { "libsnappy.so.1", NULL };
	const struct library_symbol lzo_symbols[] = { { "lzo1x_decompress_safe", (void **)&p->lzo },
						      { NULL, NULL } };
	const struct library_symbol snappy_symbols[] = {
		{ "snappy_uncompress", (void **)&p->snappy }, { NULL, NULL }
	};
	void **handle = &p->libraries[method];

	if (*handle || (method == PLACE_ZSTD && p->zstd.handle))
		return 0;
	switch (method) {
	case PLACE_ZLIB: return open_zlib(p, handle);
	case PLACE_LZO: return library_open(lzo, lzo_symbols, handle);
	case PLACE_ZSTD: return zstd_library_open(&p->zstd);
	case PLACE_SNAPPY: return library_open(snappy, snappy_symbols, handle);
	default: return sonde_fail(-ENOTSUP, "packing %d is not known", (int)method);
	}
}

static int worker_take(struct page_packs *p, enum place_method method, struct worker **ret)
{
	pthread_mutex_lock(&p->lock);
	int r = open_method(p, method);
	struct worker *w = r < 0 ? NULL : p->idle;
	if (w)
		p->idle = w->next;
	pthread_mutex_unlock(&p->lock);
	if (r < 0)
		return r;
	if (!w)
		w = calloc(1, sizeof(*w) + p->page_size);
	if (!w)
		return sonde_fail(-ENOMEM, "out of memory");
	*ret = w;
	return 0;
}

static void worker_give(struct page_packs *p, struct worker *w)
{
	pthread_mutex_lock(&p->lock);
	w->next = p->idle;
	p->idle = w;
	pthread_mutex_unlock(&p->lock);
}

static int fail_damaged(enum place_method method)
{
	return sonde_fail(-EBADMSG, "packed page is damaged (%s)", format_method_name(method));
}

#ifdef HAVE_GZIP
/* By libdeflate; false: it is not there, or refuses the page, which zlib is to judge. */
static bool unpack_deflate(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
			   uint8_t *out)
{
	if (!p->deflate_handle)
		return false;
	if (!w->deflate)
		w->deflate = p->deflate.alloc();
	return w->deflate && p->deflate.unpack(w->deflate, in, n_in, out, p->page_size, NULL) == 0;
}

static int start_zlib(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		      uint8_t *out, size_t n)
{
	int z = w->zlib.state
			? p->zlib_reset(&w->zlib)
			: p->zlib_init(&w->zlib, MAX_WBITS, ZLIB_VERSION, (int)sizeof(w->zlib));

	w->zlib.next_in = (Bytef *)(uintptr_t)in;
	w->zlib.avail_in = (uInt)n_in;
	w->zlib.next_out = out;
	w->zlib.avail_out = (uInt)n;
	return z;
}

static int unpack_zlib(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		       uint8_t *out)
{
	if (unpack_deflate(p, w, in, n_in, out))
		return 0;
	int z = start_zlib(p, w, in, n_in, out, p->page_size);
	if (z != Z_OK)
		return sonde_fail(-ENOMEM, "zlib: %d", z);
	z = p->zlib_step(&w->zlib, Z_FINISH);
	return z == Z_STREAM_END && !w->zlib.avail_out ? 0 : fail_damaged(PLACE_ZLIB);
}

/* Its own zlib, as libdeflate does not tell what it has when the room ends. */
static bool begin_zlib(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		       uint8_t *out, size_t n)
{
	return start_zlib(p, w, in, n_in, out, n) == Z_OK &&
	       p->zlib_step(&w->zlib, Z_SYNC_FLUSH) == Z_OK && !w->zlib.avail_out;
}
#else
static bool begin_zlib(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		       uint8_t *out, size_t n)
{
	(void)p;
	(void)w;
	(void)in;
	(void)n_in;
	(void)out;
	(void)n;
	return false;
}

static int unpack_zlib(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		       uint8_t *out)
{
	(void)p;
	(void)w;
	(void)in;
	(void)n_in;
	(void)out;
	return fail_damaged(PLACE_ZLIB);
}
#endif

static int unpack_zstd(struct page_packs *p, struct worker *w, const uint8_t *in, size_t n_in,
		       uint8_t *out)
{
	if (!w->zstd)
		w->zstd = p->zstd.createDCtx();
	if (!w->zstd)
		return sonde_fail(-ENOMEM, "out of memory");
	return p->zstd.decompressDCtx(w->zstd, out, p->page_size, in, n_in) == p->page_size
		       ? 0
		       : fail_damaged(PLACE_ZSTD);
}

static int unpack(struct page_packs *p, struct worker *w, enum place_method method,
		  const struct sonde_span *in, uint8_t *out)
{
	uintptr_t lzo_len = p->page_size;
	size_t snappy_len = p->page_size;

	switch (method) {
	case PLACE_ZLIB: return unpack_zlib(p, w, in->data, in->len, out);
	case PLACE_LZO:
		return !p->lzo(in->data, in->len, out, &lzo_len, NULL) && lzo_len == p->page_size
			       ? 0
			       : fail_damaged(method);
	case PLACE_SNAPPY:
		return !p->snappy((const char *)in->data, in->len, (char *)out, &snappy_len) &&
				       snappy_len == p->page_size
			       ? 0
			       : fail_damaged(method);
	default: return unpack_zstd(p, w, in->data, in->len, out);
	}
}

/* Takes a worker, and the packed bytes, which may be in its memory. */
static int fetch(struct page_packs *p, const struct place *from, struct worker **ret_worker,
		 struct sonde_span *ret)
{
	struct worker *w = NULL;

	if (from->len > p->page_size)
		return sonde_fail(-EBADMSG,
				  "packed page of %" PRIu64 " bytes, at most %u are "
				  "possible",
				  from->len, p->page_size);
	int r = worker_take(p, from->method, &w);
	if (r < 0 || !w)
		return r;

	struct sonde_span in = { bytes_lend(from->file, from->off, from->len), from->len };
	if (!in.data) {
		in.data = w->packed;
		r = bytes_read(from->file, from->off, w->packed, from->len);
	}
	if (r < 0) {
		worker_give(p, w);
		return r;
	}
	*ret_worker = w;
	*ret = in;
	return 0;
}

int page_unpack(struct page_packs *p, const struct place *from, uint8_t *ret)
{
	struct worker *w = NULL;
	struct sonde_span in;

	int r = fetch(p, from, &w, &in);
	if (r < 0 || !w)
		return r;
	r = unpack(p, w, from->method, &in, ret);
	worker_give(p, w);
	return r;
}

bool page_unpack_begin(struct page_packs *p, const struct place *from, uint8_t *ret, size_t n)
{
	struct worker *w = NULL;
	struct sonde_span in;

	if (from->method != PLACE_ZLIB || fetch(p, from, &w, &in) < 0 || !w)
		return false;
	bool done = begin_zlib(p, w, in.data, in.len, ret, n);
	worker_give(p, w);
	return done;
}
