/* SPDX-License-Identifier: MIT */
/** Threads of a host by their numbers. */
#include <stdlib.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

/*
 * Linux numbers threads below 2^22, and those that work together are mostly next to each other: a
 * table of pages finds them without a hash and shares lines of memory. Numbers that no kernel
 * gives are rare, and take the long way.
 */
enum { PAGE_BITS = 8, PAGE = 1 << PAGE_BITS, PAGES = 1 << (22 - PAGE_BITS) };

static bool is_small(int64_t tid)
{
	return tid >= 0 && tid < (int64_t)PAGES * PAGE;
}

struct kernel_thread **kernel_tid(const struct kernel_host *h, int64_t tid)
{
	uint32_t i;

	if (!is_small(tid))
		return u64map_get(&h->odd, (uint64_t)tid, &i) ? &h->odd_slots[i] : NULL;
	struct kernel_thread **page = h->pages ? h->pages[tid >> PAGE_BITS] : NULL;
	return page ? &page[tid & (PAGE - 1)] : NULL;
}

static struct kernel_thread **add_odd(struct kernel_host *h, int64_t tid)
{
	if (mem_grow(&h->odd_slots, &h->cap_odd, h->n_odd + 1) < 0 ||
	    u64map_put(&h->odd, (uint64_t)tid, (uint32_t)h->n_odd) < 0)
		return NULL;
	h->odd_slots[h->n_odd] = NULL;
	return &h->odd_slots[h->n_odd++];
}

struct kernel_thread **kernel_tid_make(struct kernel_host *h, int64_t tid)
{
	struct kernel_thread **s = kernel_tid(h, tid);

	if (s || !is_small(tid))
		return s ? s : add_odd(h, tid);
	if (!h->pages)
		h->pages = calloc(PAGES, sizeof(struct kernel_thread **));
	if (!h->pages)
		return NULL;
	struct kernel_thread **page = calloc(PAGE, sizeof(struct kernel_thread *));
	h->pages[tid >> PAGE_BITS] = page;
	return page ? &page[tid & (PAGE - 1)] : NULL;
}

void kernel_tids_fini(struct kernel_host *h)
{
	for (size_t i = 0; h->pages && i < PAGES; i++)
		free(h->pages[i]);
	free(h->pages);
	free(h->odd_slots);
	u64map_fini(&h->odd);
}
