/* SPDX-License-Identifier: MIT */
/** What is rare in a page of the kernel's ring: its head, holes, times, nonsense. */
#include "record/ring_page.h"

#include <errno.h>

#include <sonde/err.h>

#define STAMP_BITS 59

static uint64_t page_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The low half of commit; the kernel may be writing it. */
static uint32_t commit_of(const uint8_t *data)
{
	const uint64_t *p = (const uint64_t *)(const void *)(data + 8);

	return (uint32_t)__atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static int page_end(const uint8_t *data, size_t len, uint32_t commit, size_t *ret)
{
	const size_t used = commit & ~(PAGE_MISSED | PAGE_MISSED_STORED);

	if (used > len - PAGE_HEAD)
		return sonde_fail(-EBADMSG, "a ring page of %zu bytes says %zu are used", len,
				  used);
	*ret = PAGE_HEAD + used;
	(void)data;
	return 0;
}

int page_open(const uint8_t *data, size_t len, struct page_cursor *ret,
	      struct page_missed *ret_missed)
{
	size_t end = 0;

	if (len < PAGE_HEAD)
		return sonde_fail(-EBADMSG, "a ring page of %zu bytes", len);
	const uint32_t commit = commit_of(data);
	int r = page_end(data, len, commit, &end);
	if (r < 0)
		return r;
	*ret = (struct page_cursor){
		.data = data,
		.at = PAGE_HEAD,
		.end = end,
		.ts = page_u64(data),
	};
	*ret_missed = (struct page_missed){ .any = commit & PAGE_MISSED };
	if ((commit & PAGE_MISSED) && (commit & PAGE_MISSED_STORED) && len - end >= 8)
		ret_missed->n = page_u64(data + end);
	return 0;
}

int page_refresh(struct page_cursor *c, size_t len)
{
	size_t end = 0;
	int r = page_end(c->data, len, commit_of(c->data), &end);

	if (r < 0)
		return r;
	if (end < c->at)
		return sonde_fail(-EBADMSG, "a ring page shrank from %zu to %zu bytes", c->at, end);
	c->end = end;
	return 0;
}

/* A record that the kernel took back: its time still counts for those behind it. */
static int page_hole(struct page_cursor *c, uint32_t head)
{
	const size_t left = c->end - c->at;

	if (!page_head_delta(head)) {
		c->at = c->end;
		return 0;
	}
	if (left < 8 || page_u32(c->data + c->at + 4) > left - 4 ||
	    page_u32(c->data + c->at + 4) < 4)
		return sonde_fail(-EBADMSG, "a ring page with a hole of no sense at byte %zu",
				  c->at);
	c->ts += page_head_delta(head);
	c->at += 4 + ((page_u32(c->data + c->at + 4) + 3) & ~(size_t)3);
	if (c->at > c->end)
		c->at = c->end;
	return 1;
}

int page_special(struct page_cursor *c, uint32_t head)
{
	const unsigned type = page_head_type(head);

	if (type == PAGE_TYPE_PADDING)
		return page_hole(c, head);
	if (type < PAGE_TYPE_EXTEND || c->end - c->at < 8)
		return sonde_fail(-EBADMSG, "a ring page with a record of no sense at byte %zu",
				  c->at);

	const uint64_t v = ((uint64_t)page_u32(c->data + c->at + 4) << 27) + page_head_delta(head);
	if (type == PAGE_TYPE_EXTEND) {
		c->ts += v;
	} else {
		// The upper 5 bits are the last known time's, or one more if the rest wrapped.
		const uint64_t low = (UINT64_C(1) << STAMP_BITS) - 1;
		uint64_t ts = (c->ts & ~low) | (v & low);
		if (ts < c->ts && c->ts - ts > low / 2)
			ts += low + 1;
		c->ts = ts;
	}
	c->at += 8;
	return 1;
}
