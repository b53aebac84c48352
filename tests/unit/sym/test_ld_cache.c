/* SPDX-License-Identifier: MIT */
/** The dynamic linker's list: a written one, a broken one, the machine's own. */
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "sym/probe/ld_cache.h"
#include "test.h"

static int note(void *arg, const char *name, const char *path)
{
	strbuf_fmt(arg, "%s=%s ", name, path);
	return 0;
}

static int stop(void *arg, const char *name, const char *path)
{
	(void)arg;
	(void)name;
	(void)path;
	return 5;
}

static void put(uint8_t *at, uint32_t n)
{
	memcpy(at, &n, sizeof(n));
}

enum { OLD = 32, LEN = OLD + 48 + 2 * 24 + 16 };

/* Two libraries, behind an older format. */
static void make(uint8_t bytes[LEN])
{
	uint8_t *p = bytes + OLD;

	memset(bytes, 0, LEN);
	memcpy(bytes, "ld.so-1.7.0", 11);
	memcpy(p, "glibc-ld.so.cache1.1", 20);
	put(p + 20, 2);
	put(p + 48 + 4, 96);
	put(p + 48 + 8, 98);
	put(p + 72 + 4, 101);
	put(p + 72 + 8, 103);
	memcpy(p + 96, "a\0/a\0b\0/b\0", 11);
}

TEST(a_written_list)
{
	uint8_t bytes[LEN];
	struct strbuf b = { 0 };

	make(bytes);
	EXPECT_EQ(ld_cache_each((struct sonde_span){ bytes, LEN }, note, &b), 0);
	EXPECT_STR(strbuf_text(&b), "a=/a b=/b ");
	EXPECT_EQ(ld_cache_each((struct sonde_span){ bytes, LEN }, stop, NULL), 5);
	strbuf_fini(&b);
}

TEST(broken_lists)
{
	uint8_t good[LEN];
	struct strbuf b = { 0 };

	make(good);
	for (size_t len = 0; len < LEN; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, good, len);
		EXPECT_EQ(ld_cache_each((struct sonde_span){ copy, len }, note, &b), 0);
		free(copy);
	}
	put(good + OLD + 20, UINT32_MAX);
	put(good + OLD + 48 + 4, UINT32_MAX);
	EXPECT_EQ(ld_cache_each((struct sonde_span){ good, LEN }, note, &b), 0);
	strbuf_fini(&b);
}
