/* SPDX-License-Identifier: MIT */
/**
 * The reader's side of the BPF ring buffer.
 *
 *	offset 0           page | this side's position: all before it is free again
 *	offset page        page | the kernel's position: all before it was reserved
 *	offset 2 * page     len | records: u32 length with flags, u32, data; aligned to 8
 *	                    len | the same once more, so that no record is ever cut
 *
 * A record is finished when its busy bit is gone; the bits before it may come later.
 */
#include "bpf/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include <sonde/err.h>

struct bpf_ring {
	uint64_t *consumer;	  /* owned mapping of one page */
	const uint64_t *producer; /* owned mapping of a page and @data */
	const uint8_t *data;
	size_t len, page;
	int epoll;
};

void bpf_ring_free(struct bpf_ring *r)
{
	if (!r)
		return;
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap((void *)(uintptr_t)r->producer, r->page + 2 * r->len);
	mem_closep(&r->epoll);
	free(r);
}

static int map_pages(struct bpf_ring *r, int fd)
{
	void *at = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return sonde_fail_errno(-errno, "ring: cannot map the reader's position");
	r->consumer = at;
	at = mmap(NULL, r->page + 2 * r->len, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	if (at == MAP_FAILED)
		return sonde_fail_errno(-errno, "ring: cannot map %zu bytes", r->len);
	r->producer = at;
	r->data = (const uint8_t *)at + r->page;
	return 0;
}

/* Only wake-ups count, not that there is data: hence the edge. */
static int watch(struct bpf_ring *r, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return sonde_fail_errno(-errno, "ring: cannot wait for it");
	return 0;
}

int bpf_ring_open(int fd, size_t len, struct bpf_ring **ret)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (len < page || len & (len - 1) || len > UINT32_MAX / 2)
		return sonde_fail(-EINVAL, "ring: %zu bytes are no power of 2 of whole pages", len);
	sonde_auto(bpf_ring_freep) struct bpf_ring *r = calloc(1, sizeof(*r));
	if (!r)
		return sonde_fail(-ENOMEM, "ring: out of memory");
	r->len = len;
	r->page = page;
	r->epoll = -1;

	int err = map_pages(r, fd);
	if (!err)
		err = watch(r, fd);
	if (err < 0)
		return err;
	*ret = sonde_take(r);
	return 0;
}

int bpf_ring_fd(const struct bpf_ring *r)
{
	return r->epoll;
}

/* Where a run of the reader is. */
struct place {
	uint64_t at, freed; /* positions: read, and told the kernel */
	size_t n;	    /* records given so far */
};

static void free_room(struct bpf_ring *r, struct place *p)
{
	if (p->at == p->freed)
		return;
	__atomic_store_n(r->consumer, p->at, __ATOMIC_RELEASE);
	p->freed = p->at;
}

/* Room of a record: what writers wait for is given back long before a large ring is read. */
static bool is_step(const struct bpf_ring *r, const struct place *p)
{
	const uint64_t step = r->len / 8;

	return p->at - p->freed >= step;
}

/*
 * Reads up to what the kernel had reserved when it was asked, or to a record that is still being
 * written. 0, or what @f returned.
 */
static int read_known(struct bpf_ring *r, struct place *p, size_t most,
		      int (*f)(void *arg, const void *data, size_t len), void *arg)
{
	const uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	while (p->at < end && (!most || p->n < most)) {
		const uint8_t *rec = r->data + (p->at & (r->len - 1));
		uint32_t head =
			__atomic_load_n((const uint32_t *)(const void *)rec, __ATOMIC_ACQUIRE);
		if (head & BPF_RINGBUF_BUSY_BIT)
			return 0;
		const size_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		const size_t room = (len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
		if (room > end - p->at)
			return sonde_fail(-EBADMSG, "ring: a record of %zu bytes, %zu are there",
					  len, (size_t)(end - p->at));
		int stop = 0;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			stop = f(arg, rec + BPF_RINGBUF_HDR_SZ, len);
			p->n++;
		}
		p->at += room;
		if (is_step(r, p))
			free_room(r, p);
		if (stop)
			return stop;
	}
	return 0;
}

int bpf_ring_read(struct bpf_ring *r, size_t most,
		  int (*f)(void *arg, const void *data, size_t len), void *arg)
{
	struct place p = { .at = *r->consumer };
	uint64_t begin;

	p.freed = p.at;
	do {
		begin = p.at;
		int stop = read_known(r, &p, most, f, arg);
		free_room(r, &p);
		if (stop)
			return stop;
		// A writer wakes us when it sees that we have read all before its record. If it
		// looked before the store above, its record must be seen after it.
		// The writer is the kernel, so the thread sanitizer, which refuses the fence by
		// its C11 name, need not know of it.
		__sync_synchronize();
	} while (p.at != begin && (!most || p.n < most));
	return p.n > INT32_MAX ? INT32_MAX : (int)p.n;
}

size_t bpf_ring_used(const struct bpf_ring *r)
{
	return (size_t)(__atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - *r->consumer);
}

int bpf_ring_wait(struct bpf_ring *r, int timeout_ms)
{
	struct epoll_event ev;

	return epoll_wait(r->epoll, &ev, 1, timeout_ms) < 0 ? -errno : 0;
}
