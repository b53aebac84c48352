/* SPDX-License-Identifier: MIT */
/** Any bytes as a page of a tracing ring, and its records as those of some event classes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "record/kernel_class.h"
#include "record/ring_page.h"

enum { PAGE_MOST = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct kernel_dyn dyn[] = { { 8, 1, false }, { 12, 8, false }, { 16, 2, true } };
static const struct kernel_class classes[] = {
	{ 0 },
	{ .fixed_len = 8 },
	{ .fixed_len = 40 },
	{ .fixed_len = 12, .n_dyn = 1, .dyn = dyn },
	{ .fixed_len = 20, .n_dyn = 3, .counts = true, .dyn = dyn },
};

static void take(const struct page_record *rec)
{
	if (rec->len < KERNEL_COMMON_LEN)
		return;
	const struct kernel_class *c = &classes[rec->data[0] % 5];
	size_t n = kernel_copy_len(c, rec->data, rec->len);

	sonde_check(n <= rec->len);
	if (n)
		return;
	const size_t most = kernel_rewrite_max(c, rec->len);
	uint8_t *out = malloc(most);
	if (!out)
		return;
	sonde_check(kernel_rewrite(c, rec->data, rec->len, out) <= most);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct page_cursor c;
	struct page_missed missed;
	struct page_record rec;

	if (len > PAGE_MOST)
		return 0;
	// The kernel's pages are aligned.
	uint8_t *page = aligned_alloc(8, (len + 8) & ~(size_t)7);
	if (!page)
		return 0;
	memcpy(page, data, len);
	if (page_open(page, len, &c, &missed) == 0) {
		while (page_next(&c, &rec) == 1)
			take(&rec);
		sonde_check(c.at <= c.end);
		sonde_check(page_refresh(&c, len) == 0);
	}
	free(page);
	return 0;
}
