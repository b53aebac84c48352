/* SPDX-License-Identifier: MIT */
/** Kernel maps of a program: made together, read in bulk, gone when this process ends. */
#ifndef BPF_MAP_H
#define BPF_MAP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/** A kernel map to be made. */
struct bpf_map_spec {
	const char *name;
	uint32_t type; /* BPF_MAP_TYPE_... */
	uint32_t key_len, val_len, max_entries, flags;
	int inner; /* of map-in-map: index of the map that shows the shape, else -1 */
	/**
	 * inner ... inner + n_inner - 1 are its elements. The kernel waits for an RCU grace period
	 * (8 to 16 ms, in all, since 6.8) when they are put in: only for what needs it.
	 */
	int n_inner;
	bool task_storage; /* wants BTF: int key, @val_len / 8 numbers */
	const void *data;  /* the first value, of @val_len bytes; NULL: zero */
};

/** The maps of one program, by the index of their spec. */
struct bpf_maps;

/**
 * Makes all of @specs (borrowed until bpf_maps_free()). Inner maps come before their outer ones.
 * The failure's words say which map, and what is missing (a right, a limit, the kernel's version).
 */
SONDE_MUST_CHECK int bpf_maps_new(const struct bpf_map_spec *specs, size_t n,
				  struct bpf_maps **ret);
void bpf_maps_free(struct bpf_maps *m);
SONDE_DEFINE_AUTO(struct bpf_maps *, bpf_maps_free)

/** Lends a map's descriptor. */
int bpf_maps_fd(const struct bpf_maps *m, size_t map);

/** Lends the value of an array map with BPF_F_MMAPABLE, mapped shared and writable. */
SONDE_MUST_CHECK int bpf_maps_mapped(struct bpf_maps *m, size_t map, void **ret);

/** Room that one value takes when read: @val_len, of percpu maps 8-aligned times possible CPUs. */
size_t bpf_maps_row_len(const struct bpf_maps *m, size_t map);
unsigned bpf_possible_cpus(void);

/**
 * Calls @f for each entry, in no order, with its key and value (of percpu maps: of all CPUs, behind
 * each other, each 8-aligned). Reads in batches (BPF_MAP_LOOKUP_BATCH: hash tables since 5.6),
 * arrays also one by one. Stops at a result but 0 of @f, and returns it. -ENOTSUP: other kinds of
 * maps; for task storage see task_map.h.
 *
 * While programs write: an entry that stays comes once; one that comes or goes meanwhile may be
 * missed, and one that was removed and put back may come twice. Each 8 bytes of a value are whole,
 * but a longer value may be half old and half new.
 */
SONDE_MUST_CHECK int bpf_maps_each(struct bpf_maps *m, size_t map,
				   int (*f)(void *arg, const void *key, const void *val),
				   void *arg);
/** One value; -ENOENT. */
SONDE_MUST_CHECK int bpf_maps_lookup(struct bpf_maps *m, size_t map, const void *key, void *ret);
SONDE_MUST_CHECK int bpf_maps_update(struct bpf_maps *m, size_t map, const void *key,
				     const void *val);
SONDE_MUST_CHECK int bpf_maps_delete(struct bpf_maps *m, size_t map, const void *key);
/** Removes all entries; of arrays: zeroes their values. */
SONDE_MUST_CHECK int bpf_maps_clear(struct bpf_maps *m, size_t map);

/**
 * Has memory at hand on each CPU for some entries of a hash table that is not allocated ahead, by
 * taking @key in and out again. Runs on each CPU in turn.
 */
SONDE_MUST_CHECK int bpf_maps_warm(struct bpf_maps *m, size_t map, const void *key,
				   const void *val);

/**
 * Waits until no program that began before this call still runs: an RCU grace period, 8 to 16 ms.
 * Sleepable programs (bpf_load.sleepable) are not waited for: they run under another RCU.
 */
void bpf_quiesce(void);

#endif
