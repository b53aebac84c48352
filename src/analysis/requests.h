/* SPDX-License-Identifier: MIT */
/** Block requests from being handed to the disk to their end, matched from the kernel model. */
#ifndef ANALYSIS_REQUESTS_H
#define ANALYSIS_REQUESTS_H

#include "analysis/kernel.h"
#include "base/u64map.h"

enum { REQUESTS_MOST = 1 << 20 }; /* under way at once */

struct request {
	const struct kernel_host *host;
	const struct kernel_thread *thread; /* whose call issued it; or NULL */
	uint32_t dev, gap;
	enum kernel_io_op op;
	int64_t sector, n_sectors, bytes;
	int64_t issue_ns, end_ns;
};

/** All zero is none. */
struct requests {
	struct request *open; /* owned */
	size_t n, cap;
	uint32_t *free; /* owned: places of @open that are free again */
	size_t n_free, cap_free;
	struct u64map by_key; /* index of @open */
	uint64_t unmatched;   /* ends without a begin, and the other way round as far as known */
};

void requests_fini(struct requests *r);

/** A step of a request. 1: it ended, *@ret is all of it; 0; -ENOMEM. */
SONDE_MUST_CHECK int requests_take(struct requests *r, const struct kernel_host *h,
				   const struct kernel_io *io, struct request *ret);

#endif
