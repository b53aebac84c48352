/* SPDX-License-Identifier: MIT */
/** Control groups by their number, which is the inode of their folder. */
#ifndef LANG_CGROUPS_H
#define LANG_CGROUPS_H

#include <stdint.h>

#include "base/strbuf.h"
#include "base/u64map.h"

/** All zero is one that knows none; what it has seen is kept, those that went away too. */
struct cgroups {
	struct u64map by_id; /* to where its path begins in @paths */
	struct strbuf paths; /* each with a 0 behind */
	uint64_t looked_ns;  /* when it looked at all of them; 0: never */
	const char *root;    /* owned: where they are mounted; NULL: not looked for */
};

void cgroups_fini(struct cgroups *c);

/** "/user.slice/session-1.scope", lent until the next call; NULL: not known. */
const char *cgroups_path(struct cgroups *c, uint64_t id);

#endif
