/* SPDX-License-Identifier: MIT */
/** The records of one sub-buffer ("page") of the kernel's tracing ring, parsed in place. */
#ifndef RECORD_RING_PAGE_H
#define RECORD_RING_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A page of a 64-bit kernel, as its events/header_page and events/header_event tell:
 *
 *	0   u64 time of the first record
 *	8   u64 commit: bytes of records; bit 31: events are missing before this page; bit 30:
 *	    their number, a u64, stands behind the records
 *	16  records
 *
 * A record is a u32 with a type of 5 bits and a delta of 27, then
 *
 *	0       u32 length of the data and of itself; data
 *	1..28   data, of type * 4 bytes
 *	29      a hole: u32 bytes behind this word; with delta 0 the page ends here
 *	30      u32 upper bits of the delta
 *	31      u32 upper bits of the time (59 bits of it)
 */
enum {
	PAGE_HEAD = 16,
	PAGE_TYPE_DATA_MOST = 28,
	PAGE_TYPE_PADDING = 29,
	PAGE_TYPE_EXTEND = 30,
	PAGE_TYPE_STAMP = 31,
};

#define PAGE_MISSED	   (1u << 31)
#define PAGE_MISSED_STORED (1u << 30)

/** Where we are in a page. */
struct page_cursor {
	const uint8_t *data; /* of the page, its head included */
	size_t at, end;	     /* bytes from @data */
	uint64_t ts;
};

/** One record; @data is borrowed from the page. */
struct page_record {
	const uint8_t *data;
	size_t len;
	uint64_t ts;
};

/** What a page's head tells. */
struct page_missed {
	bool any;
	uint64_t n; /* 0 where it is not known */
};

/**
 * Begins a page of @len bytes at a multiple of 8. Returns 0, or -EBADMSG (sonde_fail()) if its head
 * makes no sense.
 * @ret_missed tells what was lost before it.
 */
int page_open(const uint8_t *data, size_t len, struct page_cursor *ret,
	      struct page_missed *ret_missed);

/** Looks again at how far a mapped page was written meanwhile. Like page_open(). */
int page_refresh(struct page_cursor *c, size_t len);

/** For page_next(): all that is no plain record of data. 1: go on; 0: the end; -EBADMSG. */
int page_special(struct page_cursor *c, uint32_t head);

static inline uint32_t page_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline unsigned page_head_type(uint32_t head)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? head & 31 : head >> 27;
}

static inline uint32_t page_head_delta(uint32_t head)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? head >> 5 : head & 0x07ffffff;
}

/** 1: the next record; 0: no more for now; -EBADMSG (sonde_fail()): the rest makes no sense. */
static inline int page_next(struct page_cursor *c, struct page_record *ret)
{
	while (c->end - c->at >= 4) {
		const uint32_t head = page_u32(c->data + c->at);
		const unsigned type = page_head_type(head);

		if (__builtin_expect(
			    type - 1 < PAGE_TYPE_DATA_MOST && type * 4 <= c->end - c->at - 4, 1)) {
			c->ts += page_head_delta(head);
			ret->data = c->data + c->at + 4;
			ret->len = type * 4;
			ret->ts = c->ts;
			c->at += 4 + type * 4;
			return 1;
		}
		if (type == 0 && c->end - c->at >= 8) {
			const size_t len = page_u32(c->data + c->at + 4);
			const size_t step = (len + 3) & ~(size_t)3;

			if (len >= 4 && step <= c->end - c->at - 4) {
				c->ts += page_head_delta(head);
				ret->data = c->data + c->at + 8;
				ret->len = len - 4;
				ret->ts = c->ts;
				c->at += 4 + step;
				return 1;
			}
		}
		int r = page_special(c, head);
		if (r <= 0)
			return r;
	}
	return 0;
}

#endif
