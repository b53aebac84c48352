/* SPDX-License-Identifier: MIT */
/** The files that processes have mapped, each named by what tells it from all others. */
#ifndef SYM_DSO_H
#define SYM_DSO_H

#include "base/arena.h"
#include "base/u64map.h"
#include "sym/build_id.h"

/** A mapped file. Where the build-id is known, it and the path are the identity; else all is. */
struct dso {
	const char *path; /* without " (deleted)" behind it */
	struct build_id id;
	uint32_t maj, min; /* 0 where there is a build-id */
	uint64_t ino, gen;
};

/** All that were seen; indices count from 0. All zero is an empty one. */
struct dsos {
	struct arena arena;
	struct dso *all; /* owned */
	size_t n, cap;
	struct u64map by_hash;
};

enum { DSO_PATH_MOST = 4096, DSOS_MOST = 1 << 20, DSO_PATHS_MOST = 1 << 28 };

void dsos_fini(struct dsos *d);

/**
 * The index of the file that @key describes, which is copied; @path_len bytes of its path count.
 * Returns 0, -ENOMEM or -E2BIG (sonde_fail()).
 */
SONDE_MUST_CHECK int dsos_intern(struct dsos *d, const struct dso *key, size_t path_len,
				 uint32_t *ret);

/** The index of a file that is there already; false: it is not. */
bool dsos_find(const struct dsos *d, const struct dso *key, size_t path_len, uint32_t *ret);

/** What people call it: the last part of the path; "[vdso]", "[anon]" for what is no file. */
const char *dso_name(const struct dso *d);

/** It is backed by no file that could be opened. */
bool dso_is_special(const struct dso *d);

#endif
