/* SPDX-License-Identifier: MIT */
/** Block requests: each end finds its begin by device and place. */
#include "analysis/requests.h"

#include <stdlib.h>

#include "base/mem.h"

void requests_fini(struct requests *r)
{
	free(r->open);
	free(r->free);
	u64map_fini(&r->by_key);
	*r = (struct requests){ .n = 0 };
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t key_of(const struct kernel_host *h, const struct kernel_io *io)
{
	return mix(mix(mix(h->trace->index + 1, io->dev), (uint64_t)io->sector),
		   (uint64_t)io->n_sectors);
}

static int add(struct requests *r, const struct kernel_host *h, const struct kernel_io *io)
{
	const uint64_t key = key_of(h, io);
	const struct request req = { .host = h,
				     .thread = io->thread,
				     .dev = io->dev,
				     .gap = h->gap,
				     .op = io->op,
				     .sector = io->sector,
				     .n_sectors = io->n_sectors,
				     .bytes = io->bytes,
				     .issue_ns = io->at_ns };
	uint32_t at;

	// Handed to the disk again, as after an error, or its end was not seen: the new one counts.
	if (u64map_get(&r->by_key, key, &at)) {
		r->open[at] = req;
		r->unmatched++;
		return 0;
	}
	if (!r->n_free && r->n >= REQUESTS_MOST) {
		r->unmatched++;
		return 0;
	}
	if (r->n_free) {
		at = r->free[r->n_free - 1];
	} else {
		// So that each place finds room among the free ones later.
		int err = mem_grow(&r->open, &r->cap, r->n + 1);
		if (err >= 0)
			err = mem_grow(&r->free, &r->cap_free, r->n + 1);
		if (err < 0)
			return err;
		at = (uint32_t)r->n;
	}
	int err = u64map_put(&r->by_key, key, at);
	if (err < 0)
		return err;
	if (r->n_free)
		r->n_free--;
	else
		r->n++;
	r->open[at] = req;
	return 0;
}

int requests_take(struct requests *r, const struct kernel_host *h, const struct kernel_io *io,
		  struct request *ret)
{
	const uint64_t key = key_of(h, io);
	uint32_t at;

	if (io->step == KERNEL_IO_ISSUE)
		return add(r, h, io);
	if (io->step != KERNEL_IO_COMPLETE)
		return 0;
	if (!u64map_get(&r->by_key, key, &at)) {
		// A write with a flush ends once more, with no sectors left.
		r->unmatched += io->n_sectors > 0;
		return 0;
	}
	const struct request *q = &r->open[at];
	const bool same = q->host == h && q->dev == io->dev && q->sector == io->sector &&
			  q->n_sectors == io->n_sectors;
	if (!same) // another's, of the same hash
		return 0;
	u64map_del(&r->by_key, key);
	r->free[r->n_free++] = at;
	// Behind a gap it may be another one of the same place.
	if (q->gap != h->gap || q->issue_ns > io->at_ns) {
		r->unmatched++;
		return 0;
	}
	*ret = *q;
	ret->end_ns = io->at_ns;
	return 1;
}
