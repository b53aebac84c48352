/* SPDX-License-Identifier: MIT */
/** makedumpfile's flattened files. */
#include "crash/dump/flat.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "crash/dump/spill.h"

/*
 *   4096 bytes   "makedumpfile", type 1, version 1 (big-endian, 64 bits each)
 *   then         {offset, size}, big-endian, and the bytes that belong there; again and again
 *   at the end   offset -1
 *
 * (makedumpfile -F, and QEMU's kdump formats.) What is written later wins: headers are written
 * twice. The pieces are listed by where they belong, without overlap. The list may be long (QEMU
 * writes 16 KiB at once), and lies in a temporary file.
 */
enum { HEADER = 4096, MAGIC = 16 };

static const char magic[MAGIC] = "makedumpfile";

/** Bytes of the file inside that lie in one piece outside. */
struct piece {
	uint64_t to, len, from;
	uint64_t number; /* by the order of writing */
};

struct flat {
	struct bytes base;    /* first: it is what others see */
	struct bytes *outer;  /* owned */
	struct piece *pieces; /* owned: mapped; in order of .to, without overlap */
	size_t n, room;	      /* room: pieces that are mapped */
};

bool flat_known(struct bytes *b)
{
	char head[MAGIC];

	return b->len >= HEADER && bytes_read(b, 0, head, sizeof(head)) == 0 &&
	       !memcmp(head, magic, sizeof(magic));
}

/* The last piece that begins at or before @off; it may end before, too. */
static const struct piece *piece_at(const struct flat *f, uint64_t off)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->pieces[mid].to <= off)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &f->pieces[low - 1] : NULL;
}

static const uint8_t *flat_lend(struct bytes *b, uint64_t off, size_t n)
{
	const struct flat *f = (const struct flat *)b;
	const struct piece *p = piece_at(f, off);

	if (!p || off - p->to > p->len || n > p->len - (off - p->to))
		return NULL;
	return bytes_lend(f->outer, p->from + (off - p->to), n);
}

/* Where nothing was written there are zeros, as in every file. */
static int flat_read(struct bytes *b, uint64_t off, void *ret, size_t n)
{
	const struct flat *f = (const struct flat *)b;
	const struct piece *p = piece_at(f, off), *end = f->pieces + f->n;
	uint8_t *out = ret;

	if (!p)
		p = f->pieces;
	while (n) {
		uint64_t some = n;

		if (p < end && off >= p->to && off - p->to >= p->len) {
			p++;
			continue;
		}
		if (p < end && off >= p->to) {
			uint64_t skip = off - p->to;

			some = some < p->len - skip ? some : p->len - skip;
			int r = bytes_read(f->outer, p->from + skip, out, some);
			if (r < 0)
				return r;
		} else {
			if (p < end && some > p->to - off)
				some = p->to - off;
			memset(out, 0, some);
		}
		off += some;
		out += some;
		n -= some;
	}
	return 0;
}

static void flat_close(struct bytes *b)
{
	struct flat *f = (struct flat *)b;

	bytes_close(f->outer);
	if (f->pieces)
		munmap(f->pieces, f->room * sizeof(*f->pieces));
}

static const struct bytes_class flat_class = { .read = flat_read,
					       .lend = flat_lend,
					       .close = flat_close };

/* One record at *@off, which moves on. 1: there is one; 0: the end; -EBADMSG with words. */
static int next_record(struct bytes *b, uint64_t *off, struct piece *ret)
{
	uint64_t h[2];

	if (*off > b->len || b->len - *off < sizeof(h))
		return sonde_fail(-EBADMSG,
				  "flattened data ends at byte %" PRIu64 " without an end mark",
				  b->len);
	int r = bytes_read(b, *off, h, sizeof(h));
	if (r < 0)
		return r;
	uint64_t to = be64toh(h[0]), len = be64toh(h[1]), from = *off + sizeof(h);
	if (to == UINT64_MAX)
		return 0;
	if (to > INT64_MAX || len > INT64_MAX - to)
		return sonde_fail(-EBADMSG,
				  "flattened data: %" PRIu64 " bytes for byte %" PRIu64
				  ", in the record at byte %" PRIu64,
				  len, to, *off);
	*off = from;
	*ret = (struct piece){ .to = to, .len = len, .from = from };
	uint64_t there = b->len - from;
	if (len <= there) {
		*off += len;
		return 1;
	}
	ret->len = there;
	*off = b->len;
	return 1;
}

/* All records; into f->pieces where there is room for them. What is behind a fault is told as cut.
 */
static int read_records(struct flat *f, size_t *ret_n)
{
	struct bytes *b = f->outer;
	uint64_t off = HEADER;
	size_t n = 0;
	int r;

	for (;;) {
		struct piece p = { 0 };

		r = next_record(b, &off, &p);
		if (r <= 0)
			break;
		if (!p.len)
			continue;
		p.number = n;
		if (f->pieces && n < f->room)
			f->pieces[n] = p;
		n++;
	}
	if (r < 0 && (r != -EBADMSG || !n))
		return r;
	if (r < 0 && !f->base.cut) {
		f->base.cut = strdup(sonde_err_str());
		if (!f->base.cut)
			return sonde_fail(-ENOMEM, "out of memory");
	}
	*ret_n = n;
	return 0;
}

static int make_room(struct flat *f, size_t n)
{
	sonde_auto(mem_closep) int fd = -1;

	int r = spill_open(&fd);
	if (r < 0)
		return r;
	void *p;
	r = spill_room(fd, n * sizeof(*f->pieces), &p);
	if (r < 0)
		return r;
	f->pieces = p;
	f->room = n;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Do they stand in order, without overlap? */
static bool is_settled(const struct flat *f)
{
	for (size_t i = 1; i < f->n; i++) {
		if (f->pieces[i - 1].to + f->pieces[i - 1].len > f->pieces[i].to)
			return false;
	}
	return true;
}

/** Pieces that cover the place where the walk is, the youngest on top: a heap. */
struct open_pieces {
	const struct piece **heap; /* owned, with room for all */
	size_t n;
};

static void heap_push(struct open_pieces *h, const struct piece *p)
{
	size_t i = h->n++;

	for (; i && h->heap[(i - 1) / 2]->number < p->number; i = (i - 1) / 2)
		h->heap[i] = h->heap[(i - 1) / 2];
	h->heap[i] = p;
}

static void heap_pop(struct open_pieces *h)
{
	const struct piece *p = h->heap[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->heap[child + 1]->number > h->heap[child]->number)
			child++;
		if (p->number >= h->heap[child]->number)
			break;
		h->heap[i] = h->heap[child];
		i = child;
	}
	h->heap[i] = p;
}

/* Gives @ret what of @in is seen when the youngest covers the others; at most 2n - 1 pieces. */
static size_t uncover(const struct piece *in, size_t n, struct open_pieces *h, struct piece *ret)
{
	size_t i = 0, n_out = 0;
	uint64_t at = 0;

	while (i < n || h->n) {
		if (!h->n)
			at = in[i].to > at ? in[i].to : at;
		while (i < n && in[i].to <= at)
			heap_push(h, &in[i++]);
		while (h->n && h->heap[0]->to + h->heap[0]->len <= at)
			heap_pop(h);
		if (!h->n)
			continue;
		const struct piece *top = h->heap[0];
		uint64_t end = top->to + top->len;
		if (i < n && in[i].to < end)
			end = in[i].to;
		struct piece seen = { at, end - at, top->from + (at - top->to), top->number };
		struct piece *last = n_out ? &ret[n_out - 1] : NULL;
		if (last && last->number == seen.number && last->to + last->len == at)
			last->len += seen.len;
		else
			ret[n_out++] = seen;
		at = end;
	}
	return n_out;
}

static int settle(struct flat *f)
{
	qsort(f->pieces, f->n, sizeof(*f->pieces), by_place);
	if (is_settled(f))
		return 0;

	struct piece *covered = f->pieces;
	size_t n = f->n, room = f->room;
	sonde_auto(mem_freep) const struct piece **heap = calloc(n + 1, sizeof(*heap));
	if (!heap)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = make_room(f, 2 * n);
	if (r < 0)
		return r;
	struct open_pieces h = { .heap = heap };
	f->n = uncover(covered, n, &h, f->pieces);
	munmap(covered, room * sizeof(*covered));
	return 0;
}

static int check_version(struct bytes *b)
{
	uint64_t h[2];

	int r = bytes_read(b, MAGIC, h, sizeof(h));
	if (r < 0)
		return r;
	if (be64toh(h[0]) != 1 || be64toh(h[1]) != 1)
		return sonde_fail(-ENOTSUP,
				  "flattened file of type %" PRIu64 ", version %" PRIu64
				  "; 1 and 1 can be read",
				  be64toh(h[0]), be64toh(h[1]));
	return 0;
}

static int flat_fill(struct flat *f)
{
	size_t n = 0, again = 0;

	int r = check_version(f->outer);
	if (r == 0)
		r = read_records(f, &n);
	if (r == 0 && !n)
		r = sonde_fail(-EBADMSG, "flattened file has nothing in it");
	if (r == 0)
		r = make_room(f, n);
	if (r == 0)
		r = read_records(f, &again);
	if (r < 0)
		return r;
	f->n = again < n ? again : n; // the file may change meanwhile
	r = settle(f);
	if (r < 0)
		return r;
	const struct piece *last = &f->pieces[f->n - 1];
	f->base.len = last->to + last->len;
	return 0;
}

int flat_open(struct bytes *flat, struct bytes **ret)
{
	struct flat *f = calloc(1, sizeof(*f));

	if (!f)
		return sonde_fail(-ENOMEM, "out of memory");
	f->base.class = &flat_class;
	f->outer = flat;
	int r = flat_fill(f);
	if (r < 0) {
		f->outer = NULL; // stays the caller's
		bytes_close(&f->base);
		return r;
	}
	f->base.path = sonde_take(flat->path);
	f->base.packing = flat->packing ? flat->packing : "flattened";
	f->base.spilled = flat->spilled;
	if (flat->cut) {
		free(f->base.cut);
		f->base.cut = sonde_take(flat->cut);
	}
	*ret = &f->base;
	return 0;
}
