/* SPDX-License-Identifier: MIT */
/** A packed file, unpacked whole into a temporary file. */
#include "crash/dump/unpack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "crash/dump/packing.h"
#include "crash/dump/spill.h"

enum { ROOM = 1 << 18, STEP = 1 << 20 };

struct unpacking {
	const struct packing *how;
	struct bytes *packed;
	void *state;
	uint64_t in;  /* bytes taken */
	uint64_t out; /* bytes given */
	int fd;
	uint8_t *room; /* owned, of ROOM bytes */
};

static void unpacking_fini(struct unpacking *u)
{
	if (u->state)
		u->how->end(u->state);
	mem_closep(&u->fd);
	free(u->room);
}

/* Streams may follow one another: another begins where one has ended, or zeros fill up a tape. */
static int next_stream(struct unpacking *u)
{
	u->how->end(u->state);
	u->state = NULL;

	const uint8_t *head = u->packed->map + u->in;
	uint64_t left = u->packed->len - u->in;
	if (packing_of(head, left) != u->how)
		return 1;
	return u->how->begin(&u->state);
}

/* 1: all is unpacked; 0: go on; or a negative errno with words. */
static int unpack_some(struct unpacking *u)
{
	uint64_t left = u->packed->len - u->in;
	struct packing_io io = {
		.in = u->packed->map + u->in,
		.n_in = left < STEP ? left : STEP,
		.out = u->room,
		.n_out = ROOM,
	};
	size_t had = io.n_in;
	int ended = u->how->step(u->state, &io);
	if (ended < 0)
		return ended;

	size_t done = ROOM - io.n_out;
	int r = spill_write(u->fd, u->out, u->room, done);
	if (r < 0)
		return r;
	u->in += had - io.n_in;
	u->out += done;
	if (ended)
		return next_stream(u);
	if (!done && had == io.n_in)
		return sonde_fail(-EBADMSG, "the file ends in the middle of the packed data");
	return 0;
}

/* What was unpacked before a fault is worth having; that is told. */
static int cut_at(struct unpacking *u, int r, char **ret)
{
	if (!u->out || (r != -EBADMSG))
		return r;
	if (asprintf(ret, "%s data is cut at byte %" PRIu64 " (unpacked %" PRIu64 "): %s",
		     u->how->name, u->in, u->out, sonde_err_str()) < 0) {
		*ret = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	return 0;
}

static void spilled_close(struct bytes *b)
{
	if (b->map)
		munmap((void *)(uintptr_t)b->map, b->len);
}

static const struct bytes_class spilled_class = { .close = spilled_close };

static int unpack_all(struct unpacking *u, struct bytes *b)
{
	u->room = malloc(ROOM);
	if (!u->room)
		return sonde_fail(-ENOMEM, "out of memory");
	(void)madvise((void *)(uintptr_t)u->packed->map, u->packed->len, MADV_SEQUENTIAL);
	int r = spill_open(&u->fd);
	if (r < 0)
		return r;
	r = u->how->begin(&u->state);
	while (r == 0)
		r = unpack_some(u);
	if (r < 0)
		r = cut_at(u, r, &b->cut);
	if (r < 0)
		return r;
	if (!u->out)
		return sonde_fail(-EBADMSG, "nothing is inside");
	r = spill_map(u->fd, u->out, &b->map);
	if (r < 0)
		return r;
	b->len = b->spilled = u->out;
	return 0;
}

int unpack_whole(struct bytes *packed, const struct packing *how, struct bytes **ret)
{
	sonde_auto(bytes_closep) struct bytes *b = calloc(1, sizeof(*b));
	if (!b)
		return sonde_fail(-ENOMEM, "out of memory");
	b->class = &spilled_class;
	b->packing = how->name;

	sonde_auto(unpacking_fini) struct unpacking u = { .how = how, .packed = packed, .fd = -1 };
	int r = unpack_all(&u, b);
	if (r < 0)
		return sonde_wrap(r, "unpacking %s", how->name);
	b->path = sonde_take(packed->path);
	bytes_close(packed);
	*ret = sonde_take(b);
	return 0;
}
