/* SPDX-License-Identifier: MIT */
/** A packed file that is made of parts. */
#include "crash/dump/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "crash/dump/packing.h"
#include "crash/dump/spill.h"

/*
 * The temporary file looks like the file inside, with holes where nothing was unpacked yet. Where
 * all of it is below the budget nothing goes away again, and bytes are lent. Else the parts that
 * were not used for the longest time become holes, and readers copy while they hold a part.
 */
enum { ROOM = 1 << 16 };

enum state { ABSENT, BUSY, READY };

struct part {
	struct packing_unit at;
	_Atomic uint8_t state; /* changes under the lock */
	uint32_t readers;      /* under the lock, as is .used */
	uint64_t used;
};

struct units {
	struct bytes base;    /* first: it is what others see */
	struct bytes *packed; /* owned */
	const struct packing *how;
	struct packing_parts found; /* what the packing needs of them */
	struct part *parts;	    /* owned; in order, without gaps */
	size_t n;
	const uint8_t *map; /* of the temporary file */
	int fd;
	uint64_t budget;
	bool keeps_all;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t kept, clock; /* under the lock */
};

/* The part that @off lies in. */
static struct part *part_at(const struct units *u, uint64_t off)
{
	size_t low = 0, high = u->n - 1;

	while (low < high) {
		size_t mid = low + (high - low + 1) / 2;

		if (u->parts[mid].at.out <= off)
			low = mid;
		else
			high = mid - 1;
	}
	return &u->parts[low];
}

/* All of the part into the file; its length is what was announced, or it is damaged. */
static int unpack_with(struct units *u, const struct part *p, void *state, size_t skip,
		       uint8_t *room)
{
	struct packing_io io = { .in = u->packed->map + p->at.in + skip,
				 .n_in = p->at.in_len - skip };
	uint64_t done = 0;
	int ended = 0;

	while (!ended) {
		size_t had = io.n_in;

		io.out = room;
		io.n_out = ROOM;
		ended = u->how->step(state, &io);
		if (ended < 0)
			return ended;
		size_t n = ROOM - io.n_out;
		if (n > p->at.out_len - done || (!ended && !n && had == io.n_in))
			return sonde_fail(-EBADMSG,
					  "a part of %" PRIu64 " bytes has another "
					  "length",
					  p->at.out_len);
		int r = spill_write(u->fd, p->at.out + done, room, n);
		if (r < 0)
			return r;
		done += n;
	}
	return done == p->at.out_len
		       ? 0
		       : sonde_fail(-EBADMSG, "a part of %" PRIu64 " bytes has %" PRIu64,
				    p->at.out_len, done);
}

static int unpack(struct units *u, const struct part *p)
{
	sonde_auto(mem_freep) uint8_t *room = malloc(ROOM);
	void *state = NULL;
	size_t skip = 0;

	if (!room)
		return sonde_fail(-ENOMEM, "out of memory");
	const struct sonde_span all = { u->packed->map, u->packed->len };
	int r = u->how->begin_unit(&all, &u->found, &p->at, &state, &skip);
	if (r < 0)
		return r;
	r = unpack_with(u, p, state, skip, room);
	u->how->end(state);
	return r < 0 ? sonde_wrap(r, "%s at byte %" PRIu64, u->how->name, p->at.in) : 0;
}

/* Under the lock: makes holes of what was not used for long, until @more fits. */
static void make_room(struct units *u, uint64_t more)
{
	while (u->kept && (more > u->budget || u->kept > u->budget - more)) {
		struct part *oldest = NULL;

		for (size_t i = 0; i < u->n; i++) {
			struct part *p = &u->parts[i];

			if (p->state == READY && !p->readers && (!oldest || p->used < oldest->used))
				oldest = p;
		}
		if (!oldest)
			return;
		// A file system that cannot keeps the bytes, which does no harm.
		(void)fallocate(u->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)oldest->at.out, (off_t)oldest->at.out_len);
		oldest->state = ABSENT;
		u->kept -= oldest->at.out_len;
	}
}

/* Holds the part, unpacked; by one thread, for which others wait. */
static int hold(struct units *u, struct part *p)
{
	if (u->keeps_all && atomic_load_explicit(&p->state, memory_order_acquire) == READY)
		return 0;
	pthread_mutex_lock(&u->lock);
	while (p->state == BUSY)
		pthread_cond_wait(&u->changed, &u->lock);
	int r = 0;
	if (p->state == ABSENT) {
		p->state = BUSY;
		make_room(u, p->at.out_len);
		u->kept += p->at.out_len;
		pthread_mutex_unlock(&u->lock);
		r = unpack(u, p);
		pthread_mutex_lock(&u->lock);
		p->state = r < 0 ? ABSENT : READY;
		if (r < 0)
			u->kept -= p->at.out_len;
		pthread_cond_broadcast(&u->changed);
	}
	if (r == 0) {
		p->readers += !u->keeps_all;
		p->used = ++u->clock;
	}
	pthread_mutex_unlock(&u->lock);
	return r;
}

static void drop(struct units *u, struct part *p)
{
	if (u->keeps_all)
		return;
	pthread_mutex_lock(&u->lock);
	p->readers--;
	pthread_mutex_unlock(&u->lock);
}

static int units_read(struct bytes *b, uint64_t off, void *ret, size_t n)
{
	struct units *u = (struct units *)b;
	uint8_t *out = ret;

	while (n) {
		struct part *p = part_at(u, off);
		uint64_t left = p->at.out + p->at.out_len - off, some = n < left ? n : left;

		int r = hold(u, p);
		if (r < 0)
			return r;
		memcpy(out, u->map + off, some);
		drop(u, p);
		off += some;
		out += some;
		n -= some;
	}
	return 0;
}

static const uint8_t *units_lend(struct bytes *b, uint64_t off, size_t n)
{
	struct units *u = (struct units *)b;

	if (!u->keeps_all)
		return NULL;
	for (uint64_t at = off; at < off + n;) {
		struct part *p = part_at(u, at);

		if (hold(u, p) < 0)
			return NULL; // who reads instead gets the words
		at = p->at.out + p->at.out_len;
	}
	return u->map + off;
}

static void units_close(struct bytes *b)
{
	struct units *u = (struct units *)b;

	if (u->map)
		munmap((void *)(uintptr_t)u->map, u->base.len);
	mem_closep(&u->fd);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->lock);
	bytes_close(u->packed);
	packing_parts_fini(&u->found);
	free(u->parts);
}

static const struct bytes_class units_class = { .read = units_read,
						.lend = units_lend,
						.close = units_close };

/* Takes over what the packing found. -ENOTSUP: it cannot be so, or is not worth it. */
static int take_parts(struct units *u, const struct packing_unit *at, size_t n)
{
	uint64_t out = 0;

	u->parts = calloc(n, sizeof(*u->parts));
	if (!u->parts)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!at[i].out_len)
			continue;
		if (at[i].out != out || at[i].out_len > INT64_MAX - out ||
		    at[i].in > u->packed->len || at[i].in_len > u->packed->len - at[i].in)
			return -ENOTSUP;
		out += at[i].out_len;
		u->parts[u->n++].at = at[i];
	}
	u->base.len = out;
	return u->n < 2 ? -ENOTSUP : 0;
}

static int units_fill(struct units *u)
{
	struct sonde_span all = { u->packed->map, u->packed->len };
	struct packing_parts *f = &u->found;

	int r = u->how->list(&all, u->budget, f);
	if (r == 0)
		r = f->n < 2 || !f->units ? -ENOTSUP : take_parts(u, f->units, f->n);
	if (r < 0)
		return r;
	free(f->units);
	f->units = NULL;
	u->base.cut = sonde_take(f->cut);
	u->keeps_all = u->base.len <= u->budget;
	u->base.spilled = u->keeps_all ? u->base.len : u->budget;
	r = spill_open(&u->fd);
	return r < 0 ? r : spill_map(u->fd, u->base.len, &u->map);
}

int units_open(struct bytes *packed, const struct packing *how, uint64_t budget, struct bytes **ret)
{
	if (!how->list)
		return 0;
	struct units *u = calloc(1, sizeof(*u));
	if (!u)
		return sonde_fail(-ENOMEM, "out of memory");
	u->base.class = &units_class;
	u->base.packing = how->name;
	u->packed = packed;
	u->how = how;
	u->fd = u->found.before = -1;
	u->budget = budget;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
	int r = units_fill(u);
	if (r < 0) {
		u->packed = NULL; // stays the caller's
		bytes_close(&u->base);
		return r == -ENOTSUP ? 0 : r;
	}
	u->base.path = sonde_take(packed->path);
	*ret = &u->base;
	return 1;
}
