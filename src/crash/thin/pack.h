/* SPDX-License-Identifier: MIT */
/** Pages of a dump, packed by all CPUs, and given out in order. */
#ifndef CRASH_THIN_PACK_H
#define CRASH_THIN_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/thin/file.h"

struct thin_packer;

struct thin_packed {
	const uint8_t *bytes; /* until the next one is asked for */
	uint32_t len;
	bool is_packed; /* by zlib; else the page as it is */
	bool is_zero;	/* all of the page's bytes: there are no @bytes */
};

/** For the pages of @f, which must outlive it. -ENOMEM. */
SONDE_MUST_CHECK int thin_packer_new(const struct thin_file *f, struct thin_packer **ret);
void thin_packer_free(struct thin_packer *p);
SONDE_DEFINE_AUTO(struct thin_packer *, thin_packer_free)

/** Whether zlib is there: without it no page is packed. */
bool thin_packer_packs(const struct thin_packer *p);
/** Packs a page of zeros. */
SONDE_MUST_CHECK int thin_packer_zero(struct thin_packer *p, struct thin_packed *ret);
/** The next page of @f; as dump_page(), -ENOMEM. The bytes are the same however many CPUs work. */
SONDE_MUST_CHECK int thin_packer_next(struct thin_packer *p, struct thin_packed *ret);

#endif
