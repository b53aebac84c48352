/* SPDX-License-Identifier: MIT */
/** Maps of maps. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "bpf/map_state.h"
#include "bpf/sys.h"

bool bpf_is_outer(const struct bpf_map_spec *s)
{
	return s->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || s->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

int bpf_check_outer(const struct bpf_maps *m, size_t map)
{
	const struct bpf_map_spec *s = m->maps[map].spec;

	if (s->inner < 0)
		return 0;
	if (s->n_inner < 0 || (size_t)s->inner >= map ||
	    (size_t)s->n_inner > map - (size_t)s->inner || (uint32_t)s->n_inner > s->max_entries)
		return sonde_fail(-EINVAL, "map '%s': its inner maps %d .. %d do not come before",
				  s->name, s->inner, s->inner + s->n_inner - 1);
	return 0;
}

/* Puts the inner maps in, without words: they would be another thread's. */
static int insert_inner(const struct bpf_maps *m, size_t map)
{
	const struct bpf_map_spec *s = m->maps[map].spec;
	size_t n = (size_t)s->n_inner;
	sonde_auto(mem_freep) uint32_t *keys = calloc(n * 2 + 1, sizeof(*keys));
	int r = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		keys[i] = (uint32_t)i;
		keys[n + i] = (uint32_t)m->maps[(size_t)s->inner + i].fd;
	}
	union bpf_attr a = sys_attr();
	a.batch.map_fd = (uint32_t)m->maps[map].fd;
	a.batch.keys = (uint64_t)(uintptr_t)keys;
	a.batch.values = (uint64_t)(uintptr_t)(keys + n);
	a.batch.count = (uint32_t)n;
	if (n && sys_bpf(BPF_MAP_UPDATE_BATCH, &a) == 0)
		return 0;
	for (size_t i = 0; i < n && r >= 0; i++) {
		a = bpf_elem_attr(m, map, &keys[i], &keys[n + i]);
		r = sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
	}
	return r < 0 ? r : 0;
}

struct inserting {
	const struct bpf_maps *m;
	size_t map;
	pthread_t thread;
	bool is_thread;
	int err;
};

static void *insert_here(void *arg)
{
	struct inserting *in = arg;

	in->err = insert_inner(in->m, in->map);
	return NULL;
}

/* Fills maps from *@map on, at most so many as there are threads; *@map is then behind them. */
static int fill_some(struct bpf_maps *m, size_t *map)
{
	enum { THREADS_MOST = 32 };
	struct inserting in[THREADS_MOST];
	size_t n = 0;
	int r = 0;

	for (; *map < m->n && n < THREADS_MOST; ++*map) {
		if (!bpf_is_outer(m->maps[*map].spec))
			continue;
		in[n] = (struct inserting){ .m = m, .map = *map };
		in[n].is_thread =
			n && pthread_create(&in[n].thread, NULL, insert_here, &in[n]) == 0;
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		if (in[i].is_thread)
			(void)pthread_join(in[i].thread, NULL);
		else
			(void)insert_here(&in[i]);
		if (in[i].err < 0)
			r = sys_bpf_failed(in[i].err, "fill map '%s'",
					   m->maps[in[i].map].spec->name);
	}
	return r;
}

/*
 * Each change of a map of maps waits for an RCU grace period (8 .. 16 ms); a batch of changes waits
 * once, since 6.8. Several maps wait side by side, each in a thread.
 */
int bpf_fill_outer(struct bpf_maps *m)
{
	size_t map = 0;
	int r = 0;

	while (map < m->n && r >= 0)
		r = fill_some(m, &map);
	return r;
}
