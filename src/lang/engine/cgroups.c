/* SPDX-License-Identifier: MIT */
/** Walks the tree of control groups when a number is asked for that was not seen. */
#include "lang/engine/cgroups.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"

/* So soon after a walk an unknown number is not looked for again. */
#define AGAIN_NS UINT64_C(1000000000)

void cgroups_fini(struct cgroups *c)
{
	u64map_fini(&c->by_id);
	strbuf_fini(&c->paths);
	free((char *)(uintptr_t)c->root);
	*c = (struct cgroups){ 0 };
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Where version 2 is mounted: "36 25 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw". */
static char *find_root(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *root = NULL;
	size_t cap = 0;

	while (f && !root && getline(&line, &cap, f) > 0) {
		char *at = NULL;

		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %ms", &at) == 1)
			root = at;
	}
	free(line);
	if (f)
		fclose(f);
	return root;
}

static void add(struct cgroups *c, uint64_t id, const char *path)
{
	const size_t at = c->paths.len;

	if (at >= U64MAP_MOST)
		return;
	strbuf_add(&c->paths, path, strlen(path) + 1);
	if (c->paths.failed || u64map_put(&c->by_id, id, (uint32_t)at) < 0)
		return; // what has no room has no name
}

static void walk(struct cgroups *c)
{
	char *const roots[] = { (char *)(uintptr_t)c->root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const size_t root_len = strlen(c->root);

	for (FTSENT *ent; fts && (ent = fts_read(fts));) {
		uint32_t known;

		if (ent->fts_info != FTS_D || u64map_get(&c->by_id, ent->fts_statp->st_ino, &known))
			continue;
		const char *path = ent->fts_path + root_len;
		add(c, ent->fts_statp->st_ino, *path ? path : "/");
	}
	if (fts)
		(void)fts_close(fts);
}

const char *cgroups_path(struct cgroups *c, uint64_t id)
{
	uint32_t at;

	if (!u64map_get(&c->by_id, id, &at)) {
		const uint64_t now = now_ns();

		if (c->looked_ns && now - c->looked_ns < AGAIN_NS)
			return NULL;
		c->looked_ns = now;
		if (!c->root)
			c->root = find_root();
		if (c->root)
			walk(c);
		if (!u64map_get(&c->by_id, id, &at))
			return NULL;
	}
	return c->paths.data + at;
}
