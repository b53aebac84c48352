/* SPDX-License-Identifier: MIT */
/** Remembers which code was hit, and puts its names beside the trace at the end. */
#ifndef RECORD_SYMBOLS_H
#define RECORD_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/u64map.h"
#include "sym/object.h"

/** In the caller's storage; symbols_init() first. */
struct symbols {
	struct dsos dsos;
	struct objects objects;
	struct u64map kernel; /* addresses */
	struct u64map user;   /* file index << 40 | offset in the file */
	bool full;	      /* some did not fit */
};

enum { SYMBOLS_HITS_MOST = 1 << 22 };

void symbols_init(struct symbols *s);
void symbols_fini(struct symbols *s);

/** The kernel was at @addr, or called from there. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int symbols_kernel(struct symbols *s, uint64_t addr);

/** Process @pid was at @addr, which @map covers. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int symbols_user(struct symbols *s, const struct map *map, pid_t pid,
				  uint64_t addr);

/** At the begin: which kernel and boot this is, in case that the end is never reached. */
SONDE_MUST_CHECK int symbols_begin(const char *dir);

/**
 * At the end: writes the symbol folder of the trace in @dir. Kernel addresses that are hidden are
 * no failure: *@ret_hidden.
 */
SONDE_MUST_CHECK int symbols_save(struct symbols *s, const char *dir, bool *ret_hidden);

#endif
