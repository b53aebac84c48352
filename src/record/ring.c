/* SPDX-License-Identifier: MIT */
/** Reads a CPU's tracing ring. */
#include "record/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

/*
 * Since Linux 6.10 trace_pipe_raw can be mapped: one page of this, then all sub-buffers. The one
 * called reader.id belongs to the reader; the ioctl takes what is on it as read and, once it was
 * read to its end, trades it for the oldest full one. Newer headers have it as
 * <linux/trace_mmap.h>; Debian 12's do not.
 */
struct ring_meta {
	uint32_t meta_page_size;
	uint32_t meta_struct_len;
	uint32_t subbuf_size;
	uint32_t nr_subbufs;
	struct {
		uint64_t lost_events;
		uint32_t id;
		uint32_t read;
	} reader;
	uint64_t flags;
	uint64_t entries;
	uint64_t overrun;
	uint64_t read;
};

#define RING_GET_READER _IO('R', 0x20)

enum { META_LEN_MOST = 1 << 16, SUBBUF_LEN_MOST = 1 << 22 };

void ring_fini(struct ring *r)
{
	if (r->data)
		munmap((void *)r->data, r->data_len);
	if (r->meta)
		munmap(r->meta, r->meta_len);
	free(r->page);
	mem_closep(&r->fd);
	*r = (struct ring){ .fd = -1 };
}

/* 0: mapped; else why not. */
static int map_ring(struct ring *r)
{
	const long page = sysconf(_SC_PAGESIZE);

	void *first = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, r->fd, 0);
	if (first == MAP_FAILED)
		return -errno;
	const struct ring_meta *meta = first;
	const size_t meta_len = meta->meta_page_size;
	const size_t n = meta->nr_subbufs, len = meta->subbuf_size;

	if (meta_len < sizeof(*meta) || meta_len > META_LEN_MOST || len < PAGE_HEAD ||
	    len > SUBBUF_LEN_MOST || !mem_mul(n, len, &r->data_len)) {
		munmap(first, (size_t)page);
		return -ENOTSUP;
	}
	void *data = mmap(NULL, r->data_len, PROT_READ, MAP_SHARED, r->fd, (off_t)meta_len);
	if (data == MAP_FAILED) {
		int err = -errno;
		munmap(first, (size_t)page);
		return err;
	}
	r->meta = first;
	r->meta_len = (size_t)page;
	r->data = data;
	r->page_len = len;
	r->mapped = true;
	r->overrun_at_open = meta->overrun;
	return 0;
}

int ring_open(struct ring *r, const char *instance, int cpu, size_t page_len, bool map)
{
	char path[PATH_MAX];

	*r = (struct ring){ .fd = -1, .cpu = cpu, .page_len = page_len };
	int n = snprintf(path, sizeof(path), "%s/per_cpu/cpu%d/trace_pipe_raw", instance, cpu);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "'%s'", instance);
	r->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->fd < 0)
		return sonde_fail_errno(-errno, "'%s'", path);
	if (map && map_ring(r) == 0)
		return 0;
	r->page = aligned_alloc(8, page_len);
	if (!r->page) {
		ring_fini(r);
		return sonde_fail(-ENOMEM, "ring of CPU %d: out of memory", cpu);
	}
	return 0;
}

static uint32_t load_u32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Takes the page that the kernel lends now. */
static int take_page(struct ring *r, uint32_t id, struct page_missed *ret_missed)
{
	if (id >= r->data_len / r->page_len)
		return sonde_fail(-EBADMSG, "ring of CPU %d: page %u of %zu", r->cpu, id,
				  r->data_len / r->page_len);
	r->id = id;
	r->has_page = true;
	int err = page_open(r->data + id * r->page_len, r->page_len, &r->cursor, ret_missed);
	if (err < 0) {
		r->cursor = (struct page_cursor){ 0 };
		r->has_page = false;
	}
	return err;
}

static int fill_mapped(struct ring *r, struct page_missed *ret_missed)
{
	const struct ring_meta *meta = r->meta;

	for (;;) {
		if (r->has_page) {
			int err = page_refresh(&r->cursor, r->page_len);
			if (err < 0)
				return err;
			if (r->cursor.end > r->cursor.at)
				return 1;
		}
		const uint32_t read = load_u32(&meta->reader.read);
		if (ioctl(r->fd, RING_GET_READER) < 0)
			return sonde_fail_errno(-errno, "ring of CPU %d", r->cpu);
		const uint32_t id = load_u32(&meta->reader.id);
		if (!r->has_page || id != r->id) {
			int err = take_page(r, id, ret_missed);
			if (err < 0)
				return err;
			if (r->cursor.end > r->cursor.at)
				return 1;
			// An empty page: the kernel has no other for us.
			return 0;
		}
		// The kernel only noted what we had read already: ask again for the next page.
		if (load_u32(&meta->reader.read) == read && r->cursor.end == r->cursor.at) {
			int err = page_refresh(&r->cursor, r->page_len);
			if (err < 0)
				return err;
			return r->cursor.end > r->cursor.at;
		}
	}
}

static int fill_read(struct ring *r, struct page_missed *ret_missed)
{
	ssize_t n;

	do
		n = read(r->fd, r->page, r->page_len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return sonde_fail_errno(-errno, "ring of CPU %d", r->cpu);
	if (n == 0)
		return 0;
	int err = page_open(r->page, (size_t)n, &r->cursor, ret_missed);
	if (err < 0)
		r->cursor = (struct page_cursor){ 0 };
	return err < 0 ? err : 1;
}

int ring_fill(struct ring *r, struct page_missed *ret_missed)
{
	*ret_missed = (struct page_missed){ 0 };
	return r->mapped ? fill_mapped(r, ret_missed) : fill_read(r, ret_missed);
}
