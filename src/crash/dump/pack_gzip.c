/* SPDX-License-Identifier: MIT */
/** gzip by zlib: as a stream, and in parts that begin at blocks of deflate. */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"
#include "crash/dump/packing.h"
#include "crash/dump/spill.h"

/*
 * A block of deflate begins at any bit, and refers to the 32 KiB before it: with these, unpacking
 * may begin there (RFC 1951; zlib's Z_BLOCK stops at blocks). All of the file is unpacked once to
 * find out where blocks begin; every so often what lies before one is kept, in a temporary file, at
 * the place where the block is in the unpacked bytes. A part may have the ends of members in it:
 *
 *     member  = header, blocks, 8 bytes of checksum and length       part = |    ..8 header..     |
 */
enum {
	GZIP_ONLY = 16 + MAX_WBITS, /* zlib's way to say that there is a gzip header */
	BLOCKS_ONLY = -MAX_WBITS,   /* and that there is none */
	TRAILER = 8,
	WINDOW = 1 << MAX_WBITS,
	ROOM = 4 * WINDOW,
	LEAST_SPAN = 2 * WINDOW,
	PARTS = 256,	  /* of as many bytes as may be kept */
	NOT_WORTH_IT = 16 /* a file of less than one in so many of them is unpacked at once */
};

struct gzip {
	void *library;
	__typeof__(&inflateInit2_) init;
	__typeof__(&inflate) step;
	__typeof__(&inflateReset2) reset;
	__typeof__(&inflatePrime) prime;
	__typeof__(&inflateSetDictionary) set_window;
	__typeof__(&inflateEnd) end;
	z_stream stream;
	bool is_part;
	bool blocks_only; /* the part began in the middle of a member, and still is in it */
	unsigned trailer; /* bytes of that member's end that are to be skipped */
	uint64_t left;	  /* bytes that are still to come of the part */
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

static int begin(int bits, struct gzip **ret)
{
	sonde_auto(gzip_endp) struct gzip *g = calloc(1, sizeof(*g));
	if (!g)
		return sonde_fail(-ENOMEM, "out of memory");

	static const char *const files[] = { "libz.so.1", NULL };
	const struct library_symbol symbols[] = {
		{ "inflateInit2_", (void **)&g->init },
		{ "inflate", (void **)&g->step },
		{ "inflateReset2", (void **)&g->reset },
		{ "inflatePrime", (void **)&g->prime },
		{ "inflateSetDictionary", (void **)&g->set_window },
		{ "inflateEnd", (void **)&g->end },
		{ NULL, NULL },
	};
	int r = library_open(files, symbols, &g->library);
	if (r < 0)
		return r;
	int z = g->init(&g->stream, bits, ZLIB_VERSION, (int)sizeof(g->stream));
	if (z != Z_OK)
		return sonde_fail(z == Z_MEM_ERROR ? -ENOMEM : -ENOTSUP, "zlib: %d", z);
	*ret = sonde_take(g);
	return 0;
}

static int gzip_begin(void **ret)
{
	struct gzip *g = NULL;

	int r = begin(GZIP_ONLY, &g);
	if (r == 0)
		*ret = g;
	return r;
}

/* 1: the stream has ended; 0: go on; or a negative errno with words. */
static int inflate_some(struct gzip *g, struct packing_io *io, int flush)
{
	uInt n_in = io->n_in < UINT_MAX ? (uInt)io->n_in : UINT_MAX;
	uInt n_out = io->n_out < UINT_MAX ? (uInt)io->n_out : UINT_MAX;

	g->stream.next_in = (Bytef *)(uintptr_t)io->in;
	g->stream.avail_in = n_in;
	g->stream.next_out = io->out;
	g->stream.avail_out = n_out;
	int z = g->step(&g->stream, flush);
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

/* Behind a member within a part. */
static void next_member(struct gzip *g)
{
	g->trailer = g->blocks_only ? TRAILER : 0; // else zlib has looked at it
	g->blocks_only = false;
	(void)g->reset(&g->stream, GZIP_ONLY); // fails for streams that were not begun only
}

static void skip_trailer(struct gzip *g, struct packing_io *io)
{
	unsigned n = io->n_in < g->trailer ? (unsigned)io->n_in : g->trailer;

	io->in += n;
	io->n_in -= n;
	g->trailer -= n;
}

static int step_part(struct gzip *g, struct packing_io *io)
{
	const size_t beyond = io->n_out > g->left ? io->n_out - (size_t)g->left : 0;
	int r = 1;

	io->n_out -= beyond;
	while (r == 1 && g->left) {
		size_t had = io->n_out;

		skip_trailer(g, io);
		if (g->trailer)
			break;
		r = inflate_some(g, io, Z_NO_FLUSH);
		g->left -= had - io->n_out;
		if (r == 1)
			next_member(g);
	}
	io->n_out += beyond;
	return r < 0 ? r : !g->left;
}

static int gzip_step(void *state, struct packing_io *io)
{
	struct gzip *g = state;

	return g->is_part ? step_part(g, io) : inflate_some(g, io, Z_NO_FLUSH);
}

/** The one pass over the file. */
struct listing {
	struct gzip *g;
	const struct sonde_span *all;
	struct packing_parts *parts;
	size_t cap;
	uint64_t at, out, span; /* bytes taken; bytes given; how far parts are apart */
	size_t n;		/* of the member's last bytes in the room, at most all */
	uint8_t room[ROOM];
};

static void end_part(struct listing *l)
{
	struct packing_unit *last = l->parts->n ? &l->parts->units[l->parts->n - 1] : NULL;

	if (!last)
		return;
	last->in_len = l->at - last->in;
	last->out_len = l->out - last->out;
}

/* A part begins where zlib stands, at a block. */
static int begin_part(struct listing *l)
{
	struct packing_parts *p = l->parts;
	const unsigned bits = (unsigned)l->g->stream.data_type & 7; // of the last byte, for later
	const size_t window = l->n < WINDOW ? l->n : WINDOW;

	end_part(l);
	int r = mem_grow(&p->units, &l->cap, p->n + 1);
	if (r == 0)
		r = spill_write(p->before, l->out, l->room + l->n - window, window);
	if (r < 0)
		return r;
	p->units[p->n++] = (struct packing_unit){
		.in = l->at - (bits != 0),
		.out = l->out,
		.kind = (int)(window << 3 | bits),
	};
	return 0;
}

static bool is_due(const struct listing *l)
{
	const int type = l->g->stream.data_type;
	const struct packing_parts *p = l->parts;

	// 128: at a block's begin; 64: of the last block, so that it is its end.
	return type & 128 && !(type & 64) && (!p->n || l->out - p->units[p->n - 1].out >= l->span);
}

/* 1: all is done; 0: go on; or a negative errno with words. */
static int list_some(struct listing *l)
{
	struct packing_io io = { l->all->data + l->at, l->all->len - l->at, l->room + l->n,
				 ROOM - l->n };
	const size_t had_in = io.n_in, had_out = io.n_out;

	int r = inflate_some(l->g, &io, Z_BLOCK);
	l->at += had_in - io.n_in;
	l->out += had_out - io.n_out;
	l->n += had_out - io.n_out;
	if (r < 0)
		return r;
	if (r == 1) {
		l->n = 0; // nothing refers to another member
		(void)l->g->reset(&l->g->stream, GZIP_ONLY);
		return packing_of(l->all->data + l->at, l->all->len - l->at) != &packing_gzip;
	}
	if (is_due(l)) {
		r = begin_part(l);
	} else if (had_in == io.n_in && had_out == io.n_out) {
		r = sonde_fail(-EBADMSG, "the file ends in the middle of the packed data");
	}
	if (l->n == ROOM) {
		memmove(l->room, l->room + ROOM - WINDOW, WINDOW);
		l->n = WINDOW;
	}
	return r;
}

static int list_all(struct listing *l)
{
	int r = begin(GZIP_ONLY, &l->g);
	if (r == 0)
		r = spill_open(&l->parts->before);
	while (r == 0)
		r = list_some(l);
	end_part(l);
	// What was unpacked before a fault is worth having; that is told.
	if (r == -EBADMSG &&
	    asprintf(&l->parts->cut,
		     "gzip data is cut at byte %" PRIu64 " (unpacked %" PRIu64 "): %s", l->at,
		     l->out, sonde_err_str()) >= 0)
		return 0;
	if (r == -EBADMSG) {
		l->parts->cut = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	return r < 0 ? r : 0;
}

static int gzip_list(const struct sonde_span *all, uint64_t budget, struct packing_parts *ret)
{
	if (all->len < budget / NOT_WORTH_IT)
		return 0;
	struct listing *l = calloc(1, sizeof(*l));
	if (!l)
		return sonde_fail(-ENOMEM, "out of memory");
	l->all = all;
	l->parts = ret;
	l->span = budget / PARTS > LEAST_SPAN ? budget / PARTS : LEAST_SPAN;
	(void)madvise((void *)(uintptr_t)all->data, all->len, MADV_SEQUENTIAL);
	int r = list_all(l);
	gzip_end(l->g);
	free(l);
	return r;
}

/* What lies before the part, as far as it refers to it. */
static int set_window(struct gzip *g, const struct packing_parts *parts,
		      const struct packing_unit *unit)
{
	const size_t len = (size_t)unit->kind >> 3;
	uint8_t window[WINDOW];

	if (!len)
		return 0;
	ssize_t got = pread(parts->before, window, len, (off_t)unit->out);
	if (got < 0)
		return sonde_fail_errno(-errno, "cannot read a temporary file");
	// What lacks at the file's end are zeros, which were not written.
	memset(window + got, 0, len - (size_t)got);
	return g->set_window(&g->stream, window, (uInt)len) == Z_OK
		       ? 0
		       : sonde_fail(-ENOTSUP, "zlib cannot begin in the middle");
}

static int gzip_begin_unit(const struct sonde_span *all, const struct packing_parts *parts,
			   const struct packing_unit *unit, void **ret, size_t *ret_skip)
{
	sonde_auto(gzip_endp) struct gzip *g = NULL;
	const int bits = unit->kind & 7;

	int r = begin(BLOCKS_ONLY, &g);
	if (r < 0 || !g)
		return r;
	g->is_part = g->blocks_only = true;
	g->left = unit->out_len;
	// The first byte's low bits are of the block before.
	if (bits && g->prime(&g->stream, bits, all->data[unit->in] >> (8 - bits)) != Z_OK)
		return sonde_fail(-ENOTSUP, "zlib cannot begin within a byte");
	r = set_window(g, parts, unit);
	if (r < 0)
		return r;
	*ret_skip = bits != 0;
	*ret = sonde_take(g);
	return 0;
}

const struct packing packing_gzip = {
	.name = "gzip",
	.magic = { 0x1f, 0x8b, 8 },
	.n_magic = 3,
	.begin = gzip_begin,
	.step = gzip_step,
	.end = gzip_end,
	.list = gzip_list,
	.begin_unit = gzip_begin_unit,
};
