/* SPDX-License-Identifier: MIT */
/**
 * Reads the kernel's BPF ring buffer (BPF_MAP_TYPE_RINGBUF, Documentation/bpf/ringbuf.rst).
 */
#ifndef BPF_RING_H
#define BPF_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct bpf_ring;

/** Maps the ring of descriptor @fd (borrowed) of @len bytes. */
SONDE_MUST_CHECK int bpf_ring_open(int fd, size_t len, struct bpf_ring **ret);
void bpf_ring_free(struct bpf_ring *r);
SONDE_DEFINE_AUTO(struct bpf_ring *, bpf_ring_free)

/**
 * Calls @f for each finished record, in order, at most @most of them (0: until it is empty,
 * which may never be), and frees their room in steps. A record is aligned to 8 and lent during the
 * call. Stops at a result but 0 of @f and returns it (the record counts as read); else the number
 * of records.
 */
SONDE_MUST_CHECK int bpf_ring_read(struct bpf_ring *r, size_t most,
				   int (*f)(void *arg, const void *data, size_t len), void *arg);

/** Bytes that wait to be read. */
size_t bpf_ring_used(const struct bpf_ring *r);

/**
 * Waits until a program wakes the reader, or for @timeout_ms. 0, or -EINTR (no words).
 *
 * Only wake-ups count: records that came with BPF_RB_NO_WAKEUP are there, but nobody is told. A
 * wake-up while the ring is read is not lost.
 */
SONDE_MUST_CHECK int bpf_ring_wait(struct bpf_ring *r, int timeout_ms);
/** Lends a descriptor that is readable when a program woke the reader; bpf_ring_wait(r, 0) takes
 * that back. For poll() beside others. */
int bpf_ring_fd(const struct bpf_ring *r);

#endif
