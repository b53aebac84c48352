/* SPDX-License-Identifier: MIT */
/** Bytes that come when they are wanted: the right ones, each page once; what cannot be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/paged.h"
#include "test.h"

enum { LEN = 50000, PAGE = 4096 };

struct home {
	uint8_t bytes[LEN];
	size_t in_page, len;
	unsigned reads;
	size_t bad; /* the byte that cannot be read */
	bool crossed;
};

static int read_home(void *arg, size_t off, void *ret, size_t n)
{
	struct home *h = arg;

	h->reads++;
	h->crossed |= (h->in_page + off) / PAGE != (h->in_page + off + n - 1) / PAGE;
	if (h->bad >= off && h->bad < off + n)
		return -EIO;
	memcpy(ret, h->bytes + off, n);
	return 0;
}

static struct paged *open_home(struct home *h, size_t in_page, size_t len)
{
	struct paged *p = NULL;

	*h = (struct home){ .in_page = in_page, .len = len, .bad = SIZE_MAX };
	for (size_t i = 0; i < LEN; i++)
		h->bytes[i] = (uint8_t)(1 + i * 7 % 255);
	const struct paged_from from = {
		.len = len, .in_page = in_page + 3 * PAGE, .read = read_home, .arg = h
	};
	EXPECT_EQ(paged_new(&from, &p), 0);
	return p;
}

TEST(bytes_come_once)
{
	static const size_t skews[] = { 0, 1, 8, 4095 };
	unsigned random = 1;
	struct home h;

	for (unsigned k = 0; k < 4; k++) {
		struct paged *p = open_home(&h, skews[k], LEN);

		EXPECT_EQ((uintptr_t)paged_bytes(p) % PAGE, skews[k]);
		for (unsigned i = 0; i < 3000; i++) {
			random = random * 1103515245u + 12345;
			size_t off = random / 16 % LEN, n = random / 64 % 9000;

			EXPECT(paged_want(p, off, n));
			n = n < LEN - off ? n : LEN - off;
			EXPECT(!memcmp(paged_bytes(p) + off, h.bytes + off, n));
		}
		EXPECT(!h.crossed);
		EXPECT(h.reads <= (skews[k] + LEN) / PAGE + 1);
		paged_forget(p);
		h.reads = 0;
		EXPECT(paged_want(p, LEN - 1, 100));
		EXPECT_EQ(paged_bytes(p)[LEN - 1], h.bytes[LEN - 1]);
		EXPECT(paged_want(p, LEN, 1)); // there is nothing to come
		EXPECT_EQ(h.reads, 1);
		EXPECT_EQ(paged_failed(p), 0);
		paged_free(p);
	}
}

TEST(texts_come_whole)
{
	struct home h;
	struct paged *p = open_home(&h, 100, LEN);

	h.bytes[3000] = 0;
	h.bytes[20000] = 0;
	EXPECT(paged_want_text(p, 10));
	EXPECT_EQ(h.reads, 1);
	EXPECT_EQ(strlen((const char *)paged_bytes(p) + 10), 2990);
	EXPECT(paged_want_text(p, 3001));
	EXPECT_EQ(strlen((const char *)paged_bytes(p) + 3001), 20000 - 3001);
	EXPECT(paged_want_text(p, 20001)); // without an end
	EXPECT_EQ(h.reads, (100 + LEN) / PAGE + 1);
	paged_free(p);
}

TEST(what_cannot_be_read)
{
	struct home h;
	struct paged *p = open_home(&h, 0, LEN);

	h.bad = 10000;
	EXPECT(paged_want(p, 0, 2 * PAGE));
	EXPECT_EQ(paged_failed(p), 0);
	EXPECT(!paged_want(p, 9000, 1));
	EXPECT(!paged_want_text(p, 5000));
	EXPECT_EQ(paged_failed(p), -EIO);
	EXPECT(paged_want(p, 3 * PAGE, 100));
	paged_free(p);
	p = open_home(&h, 7, 0);
	EXPECT(paged_want(p, 0, 1));
	EXPECT_EQ(h.reads, 0);
	paged_free(p);
	paged_free(NULL);
}

static int open_and_free(void)
{
	const struct paged_from from = { .len = LEN, .read = read_home };
	struct paged *p = NULL;
	int r = paged_new(&from, &p);

	paged_free(p);
	return r;
}

TEST(out_of_memory)
{
	test_oom(open_and_free);
}
