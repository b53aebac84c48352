/* SPDX-License-Identifier: MIT */
/** Maps of a machine: made, looked up, changed. */
#ifndef BPF_MACHINE_MAP_H
#define BPF_MACHINE_MAP_H

#include "bpf/machine/state.h"

/** Makes map @i of @m as @s wants it. -ENOTSUP, -EINVAL, -ENOMEM, with words. */
SONDE_MUST_CHECK int map_make(struct machine *m, size_t i, const struct bpf_map_spec *s);
void map_fini(struct machine_map *map);

/** A value, or NULL. @key has the map's length of keys. */
void *map_find(const struct machine_map *map, const void *key);
/** As bpf_map_update_elem() and bpf_map_delete_elem() have it: 0 or a negative errno. */
int map_update(struct machine *m, struct machine_map *map, const void *key, const void *val,
	       uint64_t flags);
int map_delete(struct machine_map *map, const void *key);

#endif
