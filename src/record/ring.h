/* SPDX-License-Identifier: MIT */
/**
 * One CPU's tracing ring of a tracefs instance, page by page: read, or mapped (Linux 6.10).
 *
 * Reading is the default: it is cheaper. A read trades whole pages with the kernel and copies 4
 * KiB; for a mapped ring the kernel steps over each record by itself, under a lock, before it gives
 * out the next page (Linux 6.18: 70 ns an event read and written to disk, 100 mapped).
 */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "record/ring_page.h"

/** In the caller's storage. */
struct ring {
	int fd;
	int cpu;
	size_t page_len;
	bool mapped;
	void *meta; /* mapped: the kernel's struct trace_buffer_meta */
	size_t meta_len;
	const uint8_t *data; /* mapped: all pages */
	size_t data_len;
	uint32_t id; /* mapped: of the page that is being read */
	uint64_t overrun_at_open;
	uint8_t *page; /* read: owned */
	struct page_cursor cursor;
	bool has_page;
};

/**
 * Opens per_cpu/cpu@cpu/trace_pipe_raw below the instance's folder. @page_len: bytes of a page (the
 * instance's sub-buffer). @map: map it if the kernel can.
 */
SONDE_MUST_CHECK int ring_open(struct ring *r, const char *instance, int cpu, size_t page_len,
			       bool map);
void ring_fini(struct ring *r);

/**
 * Makes what is new readable with page_next(&r->cursor, ..). 1: there is something; 0: nothing for
 * now; else a negative errno. To be called again when page_next() has no more.
 * *@ret_missed tells what was lost before it.
 */
SONDE_MUST_CHECK int ring_fill(struct ring *r, struct page_missed *ret_missed);

#endif
