/* SPDX-License-Identifier: MIT */
/** What map.c and map_read.c share of the maps of a program. */
#ifndef BPF_MAP_STATE_H
#define BPF_MAP_STATE_H

#include "bpf/map.h"

struct bpf_map {
	const struct bpf_map_spec *spec; /* borrowed */
	int fd;
	void *mapped;	   /* owned; NULL: not mapped so far */
	uint32_t val_type; /* of task storage: BTF id */
};

struct bpf_maps {
	struct bpf_map *maps; /* owned */
	size_t n;
	int btf_fd; /* types of task storage, or -1 */
	unsigned n_cpus;
};

/** A name as the kernel takes it: cut, padded with 0, other characters than [A-Za-z0-9_.] as _. */
void bpf_name(const char *name, char ret[BPF_OBJ_NAME_LEN]);

/** For a command on the entry of @key. */
union bpf_attr bpf_elem_attr(const struct bpf_maps *m, size_t map, const void *key,
			     const void *val);

/** Maps of maps: that the inner ones of @map come before it; to fill all of them. */
bool bpf_is_outer(const struct bpf_map_spec *s);
SONDE_MUST_CHECK int bpf_check_outer(const struct bpf_maps *m, size_t map);
SONDE_MUST_CHECK int bpf_fill_outer(struct bpf_maps *m);

#endif
