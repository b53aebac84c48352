/* SPDX-License-Identifier: MIT */
/** Takes perf's records apart: linux/perf_event.h, enum perf_event_type. */
#include "perf/record.h"

#include <string.h>

/* Behind every record but samples, by sample_id_all: pid, tid; time; cpu, 0. */
enum { TRAILER = 24, TRAILER_TIME = 16 };

/* A record's bytes that were not looked at. */
struct cursor {
	const uint8_t *p, *end;
};

static bool take(struct cursor *c, void *to, size_t len)
{
	if ((size_t)(c->end - c->p) < len)
		return false;
	memcpy(to, c->p, len);
	c->p += len;
	return true;
}

static bool skip(struct cursor *c, uint64_t len)
{
	if ((uint64_t)(c->end - c->p) < len)
		return false;
	c->p += len;
	return true;
}

static struct cursor body(const struct perf_event_header *h)
{
	return (struct cursor){ (const uint8_t *)(h + 1), (const uint8_t *)h + h->size };
}

/* The bytes before the trailer; false: it is too short for one. */
static bool own_body(const struct perf_event_header *h, struct cursor *ret)
{
	*ret = body(h);
	if (ret->end - ret->p < TRAILER)
		return false;
	ret->end -= TRAILER;
	return true;
}

bool perf_record_time(const struct perf_event_header *h, uint64_t *ret)
{
	struct cursor c = body(h);

	if (h->type == PERF_RECORD_SAMPLE)
		return skip(&c, 16) && take(&c, ret, sizeof(*ret));
	if (c.end - c.p < TRAILER)
		return false;
	memcpy(ret, c.end - TRAILER_TIME, sizeof(*ret));
	return true;
}

/* Records are aligned to 8 bytes, in the ring and out of it. */
static const uint64_t *words(struct cursor *c, uint64_t n)
{
	const uint64_t *w = (const void *)c->p;

	return n <= UINT16_MAX / 8 && skip(c, 8 * n) ? w : NULL;
}

/* Cuts a callchain at its markers. */
static void split_chain(const uint64_t *chain, uint64_t n, struct sample *ret)
{
	uint64_t i = 0;

	while (i < n) {
		const uint64_t mark = chain[i];
		uint64_t to = ++i;

		while (to < n && chain[to] < (uint64_t)PERF_CONTEXT_MAX)
			to++;
		if (mark == (uint64_t)PERF_CONTEXT_KERNEL && !ret->n_kernel) {
			ret->kernel = chain + i;
			ret->n_kernel = (uint32_t)(to - i);
		} else if (mark == (uint64_t)PERF_CONTEXT_USER && !ret->n_user) {
			ret->user = chain + i;
			ret->n_user = (uint32_t)(to - i);
		}
		i = to;
	}
}

static bool take_copy(struct cursor *c, unsigned n_regs, struct sample_copy *ret)
{
	uint64_t abi, size, used;

	if (!take(c, &abi, 8))
		return false;
	if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
		ret->is_64 = abi == PERF_SAMPLE_REGS_ABI_64;
		ret->regs = words(c, n_regs);
		if (!ret->regs)
			return false;
	}
	if (!take(c, &size, 8))
		return false;
	if (!size)
		return true;
	ret->stack = (struct sonde_span){ c->p, 0 };
	if (!skip(c, size) || !take(c, &used, 8))
		return false;
	ret->stack.len = used < size ? used : size;
	return true;
}

static bool take_raw(struct cursor *c, struct sonde_span *ret)
{
	uint32_t len;

	// What follows it is aligned.
	if (!take(c, &len, sizeof(len)) || (len + sizeof(len)) % 8)
		return false;
	*ret = (struct sonde_span){ c->p, len };
	return skip(c, len);
}

bool perf_record_sample(const struct perf_event_header *h, struct sample_parts parts,
			struct sample *ret, struct sample_copy *ret_copy)
{
	struct cursor c = body(h);
	const uint64_t *chain;
	uint64_t cpu, n;

	*ret = (struct sample){ 0 };
	*ret_copy = (struct sample_copy){ 0 };
	if (!take(&c, &ret->ip, 8) || !take(&c, &ret->pid, 4) || !take(&c, &ret->tid, 4) ||
	    !take(&c, &ret->time, 8) || !take(&c, &cpu, 8) || !take(&c, &ret->period, 8) ||
	    !take(&c, &n, 8))
		return false;
	chain = words(&c, n);
	if (!chain)
		return false;
	split_chain(chain, n, ret);
	if (parts.has_raw && !take_raw(&c, &ret_copy->raw))
		return false;
	return !parts.n_regs || take_copy(&c, parts.n_regs, ret_copy);
}

bool perf_record_map(const struct perf_event_header *h, struct sample_map *ret,
		     struct dso *ret_file, size_t *ret_path_len)
{
	struct cursor c;
	uint8_t id[24];

	*ret = (struct sample_map){ .file = ret_file };
	*ret_file = (struct dso){ 0 };
	if (!own_body(h, &c) || !take(&c, &ret->pid, 4) || !take(&c, &ret->tid, 4) ||
	    !take(&c, &ret->addr, 8) || !take(&c, &ret->len, 8) || !take(&c, &ret->off, 8) ||
	    !take(&c, id, sizeof(id)) || !take(&c, &ret->prot, 4) || !take(&c, &ret->flags, 4))
		return false;
	if (h->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		if (id[0] > BUILD_ID_MOST)
			return false;
		ret_file->id.len = id[0];
		memcpy(ret_file->id.data, id + 4, id[0]);
	} else {
		memcpy(&ret_file->maj, id, 4);
		memcpy(&ret_file->min, id + 4, 4);
		memcpy(&ret_file->ino, id + 8, 8);
		memcpy(&ret_file->gen, id + 16, 8);
	}
	ret_file->path = (const char *)c.p;
	*ret_path_len = strnlen(ret_file->path, (size_t)(c.end - c.p));
	return true;
}

bool perf_record_comm(const struct perf_event_header *h, struct sample_task *ret)
{
	struct cursor c;

	*ret = (struct sample_task){ .exec = h->misc & PERF_RECORD_MISC_COMM_EXEC };
	if (!own_body(h, &c) || !take(&c, &ret->pid, 4) || !take(&c, &ret->tid, 4))
		return false;
	ret->comm = (const char *)c.p;
	ret->comm_len = strnlen(ret->comm, (size_t)(c.end - c.p));
	return true;
}

bool perf_record_task(const struct perf_event_header *h, struct sample_task *ret)
{
	struct cursor c;

	*ret = (struct sample_task){ 0 };
	return own_body(h, &c) && take(&c, &ret->pid, 4) && take(&c, &ret->ppid, 4) &&
	       take(&c, &ret->tid, 4) && take(&c, &ret->ptid, 4);
}

bool perf_record_lost(const struct perf_event_header *h, uint64_t *ret)
{
	struct cursor c;

	if (!own_body(h, &c))
		return false;
	// PERF_RECORD_LOST has an id before.
	return (h->type != PERF_RECORD_LOST || skip(&c, 8)) && take(&c, ret, 8);
}
