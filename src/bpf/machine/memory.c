/* SPDX-License-Identifier: MIT */
/** Which memory is a program's own. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "bpf/machine/state.h"

int machine_add_region(struct machine *m, const void *data, size_t len,
		       const struct machine_map *map)
{
	const uint64_t begin = (uintptr_t)data;
	size_t i = m->n_regions;

	if (mem_grow(&m->regions, &m->cap_regions, m->n_regions + 1) < 0)
		return -ENOMEM;
	for (; i > 0 && m->regions[i - 1].begin > begin; i--)
		m->regions[i] = m->regions[i - 1];
	m->regions[i] = (struct region){ begin, begin + len, map };
	m->n_regions++;
	return 0;
}

void machine_drop_region(struct machine *m, const void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_regions; i++) {
		if (m->regions[i].begin != (uintptr_t)data)
			m->regions[kept++] = m->regions[i];
	}
	m->n_regions = kept;
}

static const struct region *region_of(const struct machine *m, uint64_t addr)
{
	size_t low = 0, high = m->n_regions;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (m->regions[mid].begin <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr < m->regions[low - 1].end ? &m->regions[low - 1] : NULL;
}

/* Bytes from @addr on to the end of the @len bytes at @data; 0: it is not in there. */
static size_t left_in(uint64_t addr, const void *data, size_t len)
{
	const uint64_t off = addr - (uintptr_t)data;

	return off < len ? len - off : 0;
}

size_t machine_readable(const struct machine *m, uint64_t addr)
{
	size_t n = left_in(addr, m->now.mem, m->now.mem_len);

	if (!n && m->prog)
		n = left_in(addr, m->ctx, m->prog->ctx_len);
	if (!n)
		n = left_in(addr, m->stack, sizeof(m->stack));
	if (n)
		return n;
	const struct region *r = region_of(m, addr);
	return r ? r->end - addr : left_in(addr, m->keys, sizeof(m->keys));
}

static bool is_inside(uint64_t off, size_t len, uint64_t begin, uint64_t room)
{
	return off >= begin && off - begin <= room && len <= room - (off - begin);
}

static bool in_region(const struct region *r, uint64_t addr, size_t len, bool write)
{
	const uint64_t all = addr - r->begin;

	if (!r->map)
		return is_inside(all, len, 0, r->end - r->begin);
	if (r->map->kind == MAP_ARRAY)
		return is_inside(all % r->map->stride, len, 0, r->map->spec->val_len);
	const struct hash_layout at = hash_layout(r->map->hash);
	const uint64_t off = all % at.stride;
	return is_inside(off, len, at.val_off, r->map->spec->val_len) ||
	       (!write && is_inside(off, len, at.key_off, r->map->spec->key_len));
}

bool machine_may_access(const struct machine *m, uint64_t addr, size_t len, bool write)
{
	if (left_in(addr, m->stack, sizeof(m->stack)) >= len)
		return !write || addr >= (uintptr_t)m->fp - FRAME_LEN;
	if (!write && (left_in(addr, m->ctx, m->prog->ctx_len) >= len ||
		       left_in(addr, m->keys, sizeof(m->keys)) >= len))
		return true;
	const struct region *r = region_of(m, addr);
	return r && in_region(r, addr, len, write);
}
