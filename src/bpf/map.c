/* SPDX-License-Identifier: MIT */
/** Makes kernel maps; single values of them. */
#include "bpf/map.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/cpus.h"
#include "bpf/info.h"
#include "bpf/map_state.h"
#include "bpf/sys.h"

static bool is_percpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static size_t round8(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static size_t mapped_len(const struct bpf_map_spec *s)
{
	size_t len, page = (size_t)sysconf(_SC_PAGESIZE);

	if (!mem_mul(round8(s->val_len), s->max_entries, &len) || !mem_add(len, page - 1, &len))
		return 0;
	return len & ~(page - 1);
}

void bpf_maps_free(struct bpf_maps *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		if (m->maps[i].mapped)
			munmap(m->maps[i].mapped, mapped_len(m->maps[i].spec));
		mem_closep(&m->maps[i].fd);
	}
	mem_closep(&m->btf_fd);
	free(m->maps);
	free(m);
}

/*
 * Task storage is made only with the types of its key and value: an int, and numbers of 64 bits.
 * One small BTF serves all maps; *@ret_val is the type of a value of @val_len bytes.
 */
static int add_types(struct btf *btf, const struct bpf_map_spec *s, uint32_t *ret_val)
{
	int num = btf__find_by_name_kind(btf, "u64", BTF_KIND_INT);

	if (num < 0)
		num = btf__add_int(btf, "u64", 8, 0);
	int val = s->val_len == 8 ? num : btf__add_array(btf, 1, num, s->val_len / 8);
	if (num < 0 || val < 0)
		return sonde_fail(-ENOMEM, "map '%s': out of memory", s->name);
	*ret_val = (uint32_t)val;
	return 0;
}

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static int make_types(struct bpf_maps *m)
{
	sonde_auto(btf_freep) struct btf *btf = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct bpf_map_spec *s = m->maps[i].spec;

		if (!s->task_storage)
			continue;
		if (!s->val_len || s->val_len % 8)
			return sonde_fail(-EINVAL, "map '%s': values of %u bytes in task storage",
					  s->name, s->val_len);
		if (!btf) {
			btf = btf__new_empty();
			if (!btf || btf__add_int(btf, "int", 4, BTF_INT_SIGNED) != 1)
				return sonde_fail(-ENOMEM, "map '%s': out of memory", s->name);
		}
		int r = add_types(btf, s, &m->maps[i].val_type);
		if (r < 0)
			return r;
	}
	return btf ? info_load_btf(btf, &m->btf_fd) : 0;
}

void bpf_name(const char *name, char ret[BPF_OBJ_NAME_LEN])
{
	size_t i = 0;

	for (; name && name[i] && i < BPF_OBJ_NAME_LEN - 1; i++) {
		char c = name[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '.';

		ret[i] = c;
		if (!fits)
			ret[i] = '_';
	}
	memset(ret + i, 0, BPF_OBJ_NAME_LEN - i);
}

static int map_failed(int err, const struct bpf_map_spec *s)
{
	if (err == -E2BIG || err == -ENOMEM)
		return sonde_fail(
			err, "map '%s': no room for %u entries of %u bytes key, %u bytes value",
			s->name, s->max_entries, s->key_len, s->val_len);
	if (err == -EINVAL)
		return sonde_fail(err,
				  "this kernel makes no map '%s' of type %u with keys of %u bytes, "
				  "values of %u, %u entries, flags 0x%x",
				  s->name, s->type, s->key_len, s->val_len, s->max_entries,
				  s->flags);
	return sys_bpf_failed(err, "make map '%s'", s->name);
}

/* Maps whose values are maps or descriptors hold nothing that could be of use to @data. */
static int set_first(struct bpf_maps *m, size_t map)
{
	const uint32_t key = 0;
	const struct bpf_map_spec *s = m->maps[map].spec;

	if (!s->data)
		return 0;
	if (s->type != BPF_MAP_TYPE_ARRAY || s->key_len != sizeof(key))
		return sonde_fail(-EINVAL, "map '%s': only an array can have a first value",
				  s->name);
	return bpf_maps_update(m, map, &key, s->data);
}

static int make_map(struct bpf_maps *m, size_t map)
{
	const struct bpf_map_spec *s = m->maps[map].spec;
	union bpf_attr a = sys_attr();

	a.map_type = s->type;
	a.key_size = s->key_len;
	a.value_size = s->val_len;
	a.max_entries = s->max_entries;
	a.map_flags = s->flags;

	bpf_name(s->name, a.map_name);
	int r = bpf_check_outer(m, map);
	if (r < 0)
		return r;
	if (bpf_is_outer(s)) {
		if (s->inner < 0)
			return sonde_fail(-EINVAL, "map '%s': no inner map", s->name);
		a.inner_map_fd = (uint32_t)m->maps[s->inner].fd;
	}
	if (s->task_storage) {
		a.btf_fd = (uint32_t)m->btf_fd;
		a.btf_key_type_id = 1;
		a.btf_value_type_id = m->maps[map].val_type;
	}
	int fd = sys_bpf(BPF_MAP_CREATE, &a);
	if (fd < 0)
		return map_failed(fd, s);
	m->maps[map].fd = fd;

	return set_first(m, map);
}

int bpf_maps_new(const struct bpf_map_spec *specs, size_t n, struct bpf_maps **ret)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = calloc(1, sizeof(*m));

	if (!m)
		return sonde_fail(-ENOMEM, "maps: out of memory");
	m->btf_fd = -1;
	m->n_cpus = bpf_possible_cpus();
	m->maps = calloc(n + 1, sizeof(*m->maps));
	if (!m->maps)
		return sonde_fail(-ENOMEM, "maps: out of memory");
	m->n = n;
	for (size_t i = 0; i < n; i++) {
		m->maps[i].spec = &specs[i];
		m->maps[i].fd = -1;
	}
	int r = make_types(m);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = make_map(m, i);
	if (r >= 0)
		r = bpf_fill_outer(m);
	if (r < 0)
		return r;

	*ret = sonde_take(m);
	return 0;
}

int bpf_maps_fd(const struct bpf_maps *m, size_t map)
{
	sonde_check(map < m->n);
	return m->maps[map].fd;
}

int bpf_maps_mapped(struct bpf_maps *m, size_t map, void **ret)
{
	sonde_check(map < m->n);

	struct bpf_map *p = &m->maps[map];
	if (!p->mapped) {
		void *at = mmap(NULL, mapped_len(p->spec), PROT_READ | PROT_WRITE, MAP_SHARED,
				p->fd, 0);
		if (at == MAP_FAILED)
			return sonde_fail_errno(-errno, "map '%s': cannot map it", p->spec->name);
		p->mapped = at;
	}
	*ret = p->mapped;
	return 0;
}

size_t bpf_maps_row_len(const struct bpf_maps *m, size_t map)
{
	sonde_check(map < m->n);

	const struct bpf_map_spec *s = m->maps[map].spec;
	return is_percpu(s->type) ? round8(s->val_len) * m->n_cpus : s->val_len;
}

unsigned bpf_possible_cpus(void)
{
	int n = libbpf_num_possible_cpus(); // which reads the list once only

	return n > 0 ? (unsigned)n : cpus_possible();
}

union bpf_attr bpf_elem_attr(const struct bpf_maps *m, size_t map, const void *key, const void *val)
{
	union bpf_attr a = sys_attr();

	sonde_check(map < m->n);
	a.map_fd = (uint32_t)m->maps[map].fd;
	a.key = (uint64_t)(uintptr_t)key;
	a.value = (uint64_t)(uintptr_t)val;
	return a;
}

int bpf_maps_lookup(struct bpf_maps *m, size_t map, const void *key, void *ret)
{
	union bpf_attr a = bpf_elem_attr(m, map, key, ret);
	int r = sys_bpf(BPF_MAP_LOOKUP_ELEM, &a);

	return r < 0 ? sys_bpf_failed(r, "read map '%s'", m->maps[map].spec->name) : 0;
}

int bpf_maps_update(struct bpf_maps *m, size_t map, const void *key, const void *val)
{
	union bpf_attr a = bpf_elem_attr(m, map, key, val);
	int r = sys_bpf(BPF_MAP_UPDATE_ELEM, &a);

	return r < 0 ? sys_bpf_failed(r, "write map '%s'", m->maps[map].spec->name) : 0;
}

int bpf_maps_delete(struct bpf_maps *m, size_t map, const void *key)
{
	union bpf_attr a = bpf_elem_attr(m, map, key, NULL);
	int r = sys_bpf(BPF_MAP_DELETE_ELEM, &a);

	return r < 0 ? sys_bpf_failed(r, "delete from map '%s'", m->maps[map].spec->name) : 0;
}

/* A map of maps waits for an RCU grace period when it changes, before the call returns. */
static void change_map_of_maps(void)
{
	static const struct bpf_map_spec specs[] = {
		{ .name = "wait_in",
		  .type = BPF_MAP_TYPE_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 1,
		  .inner = -1 },
		{ .name = "wait",
		  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		  .key_len = 4,
		  .val_len = 4,
		  .max_entries = 1,
		  .inner = 0,
		  .n_inner = 1 },
	};
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;

	// Without memory even for this there is nothing left to do but to go on.
	if (bpf_maps_new(specs, MEM_LEN(specs), &m) < 0)
		return;
}

void bpf_quiesce(void)
{
	// Kernels with tickless CPUs refuse it.
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		change_map_of_maps();
}
