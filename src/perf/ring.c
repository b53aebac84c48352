/* SPDX-License-Identifier: MIT */
/** Reads the kernel's rings of perf records in place. */
#include "perf/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

int perf_ring_map(struct perf_ring *r, int fd, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return sonde_fail_errno(-errno, "cannot map %zu bytes for samples", size);
	*r = (struct perf_ring){
		.fd = fd,
		.page = p,
		.data = (uint8_t *)p + page,
		.size = size,
	};
	return 0;
}

void perf_ring_close(struct perf_ring *r)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->page)
		munmap(r->page, page + r->size);
	if (r->fd >= 0)
		close(r->fd);
	free(r->joined);
	*r = (struct perf_ring){ .fd = -1 };
}

size_t perf_ring_look(struct perf_ring *r)
{
	if (!r->page)
		return 0;
	r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	return r->head - r->at;
}

/* The record of @len bytes at r->at, which goes around the end. NULL: no memory. */
static const struct perf_event_header *join(struct perf_ring *r, size_t off, size_t len)
{
	const size_t first = r->size - off;

	if (r->joined_cap < len) {
		free(r->joined);
		r->joined = malloc(UINT16_MAX);
		r->joined_cap = r->joined ? UINT16_MAX : 0;
		if (!r->joined)
			return NULL;
	}
	memcpy(r->joined, r->data + off, first);
	memcpy(r->joined + first, r->data, len - first);
	return (const void *)r->joined;
}

const struct perf_event_header *perf_ring_next(struct perf_ring *r)
{
	const size_t left = r->head - r->at, off = r->at & (r->size - 1);

	if (left < sizeof(struct perf_event_header))
		return NULL;
	// Records are multiples of 8 bytes, so that a header never goes around the end.
	const struct perf_event_header *h = (const void *)(r->data + off);
	const size_t len = h->size;
	if (len < sizeof(*h) || len > left || len % 8) {
		r->at = r->head;
		return NULL;
	}
	if (off + len > r->size)
		h = join(r, off, len);
	r->at += len;
	return h;
}

void perf_ring_undo(struct perf_ring *r, const struct perf_event_header *h)
{
	r->at -= h->size;
}

void perf_ring_give_back(struct perf_ring *r)
{
	if (!r->page || r->given_back == r->at)
		return;
	__atomic_store_n(&r->page->data_tail, r->at, __ATOMIC_RELEASE);
	r->given_back = r->at;
}
