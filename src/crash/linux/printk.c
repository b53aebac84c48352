/* SPDX-License-Identifier: MIT */
/**
 * The kernel's messages. Since 5.10 in a ring of descriptors, each with an entry of facts beside it
 * and a block of text in a second ring:
 *
 *     state_var   2 bits of state | the descriptor's number; 1 and 2: the text is whole
 *     text block  where it begins and ends, counted on without end; an odd begin: no text.
 *                 The number of its descriptor comes first; what would not fit before the ring's
 *                 end begins at its start
 *
 * Before, records of a head, text and more lay behind one another in one buffer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/kernel.h"

enum { BITS_MOST = 30, TEXT_MOST = 1 << 16 };

typedef int (*message_fn)(void *arg, const struct crash_message *m);

enum {
	COUNT_BITS,
	DESCS,
	INFOS,
	HEAD,
	TAIL,
	SIZE_BITS,
	DATA,
	STATE,
	BEGIN,
	NEXT,
	TS,
	LEN,
	LEVEL,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[COUNT_BITS] = { "struct printk_ringbuffer", "desc_ring.count_bits" },
	[DESCS] = { "struct printk_ringbuffer", "desc_ring.descs" },
	[INFOS] = { "struct printk_ringbuffer", "desc_ring.infos" },
	[HEAD] = { "struct printk_ringbuffer", "desc_ring.head_id" },
	[TAIL] = { "struct printk_ringbuffer", "desc_ring.tail_id" },
	[SIZE_BITS] = { "struct printk_ringbuffer", "text_data_ring.size_bits" },
	[DATA] = { "struct printk_ringbuffer", "text_data_ring.data" },
	[STATE] = { "struct prb_desc", "state_var" },
	[BEGIN] = { "struct prb_desc", "text_blk_lpos.begin" },
	[NEXT] = { "struct prb_desc", "text_blk_lpos.next" },
	[TS] = { "struct printk_info", "ts_nsec" },
	[LEN] = { "struct printk_info", "text_len" },
	[LEVEL] = { "struct printk_info", "level" },
};

struct ring {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	uint64_t v[DATA + 1]; /* the ring's own */
	uint64_t desc_size, info_size;
	char *text; /* owned: one message */
	message_fn fn;
	void *arg;
};

/* Where the text is, and how much room it has; 0: there is none. */
static uint64_t text_at(const struct ring *r, uint64_t begin, uint64_t next, uint64_t *ret)
{
	const uint64_t size = 1ull << r->v[SIZE_BITS];
	uint64_t from = begin & (size - 1), to = next & (size - 1);

	if ((begin & 1) || begin == next)
		return 0;
	if (begin >> r->v[SIZE_BITS] != next >> r->v[SIZE_BITS] && to)
		from = 0; // it did not fit before the end
	else if (!to)
		to = size;
	if (to < from + 8)
		return 0;
	*ret = r->v[DATA] + from + 8;
	return to - from - 8;
}

static int show_record(struct ring *r, uint64_t id)
{
	struct linux_kernel *k = r->k;
	const uint64_t index = id & ((1ull << r->v[COUNT_BITS]) - 1);
	const uint64_t desc = r->v[DESCS] + index * r->desc_size;
	const uint64_t info = r->v[INFOS] + index * r->info_size;
	uint64_t state, begin, next, at = 0, ns;

	if (linux_read_field(k, desc, &r->f[STATE], &state) < 0 ||
	    linux_read_field(k, desc, &r->f[BEGIN], &begin) < 0 ||
	    linux_read_field(k, desc, &r->f[NEXT], &next) < 0 ||
	    linux_read_field(k, info, &r->f[TS], &ns) < 0)
		return 0;
	if (((state ^ id) << 2) || (state >> 62 != 1 && state >> 62 != 2))
		return 0;
	uint64_t room = text_at(r, begin, next, &at), len = linux_field_or(k, info, &r->f[LEN], 0);
	if (len > room)
		len = room;
	if (len > TEXT_MOST)
		len = TEXT_MOST;
	const struct crash_message m = {
		.ns = ns,
		.has_ns = true,
		.level = (unsigned)linux_field_or(k, info, &r->f[LEVEL], 0) & 7,
		.text = r->text,
		.len = space_read_some(&k->mem, at, r->text, (size_t)len),
	};
	return r->fn(r->arg, &m);
}

static int show_ring(struct ring *r, uint64_t prb)
{
	int err = 0;

	for (unsigned i = 0; i <= DATA; i++) {
		if (linux_read_field(r->k, prb, &r->f[i], &r->v[i]) < 0)
			return sonde_fail(-ENODATA, "the ring of messages is not in the dump");
	}
	r->desc_size = kfield_sizeof(r->k->types, "struct prb_desc");
	r->info_size = kfield_sizeof(r->k->types, "struct printk_info");
	if (!r->v[COUNT_BITS] || r->v[COUNT_BITS] > BITS_MOST || !r->v[SIZE_BITS] ||
	    r->v[SIZE_BITS] > BITS_MOST || !r->desc_size || !r->info_size)
		return sonde_fail(-EBADMSG, "the ring of messages makes no sense");
	const uint64_t ids = UINT64_MAX >> 2;
	uint64_t n = (r->v[HEAD] - r->v[TAIL]) & ids;
	if (n >> r->v[COUNT_BITS])
		n = (1ull << r->v[COUNT_BITS]) - 1;
	for (uint64_t i = 0; !err && i <= n; i++)
		err = show_record(r, (r->v[TAIL] + i) & ids);
	return err;
}

/* The buffer of kernels before 5.10. */
static int show_buffer(struct ring *r)
{
	static const struct kfield_want head[] = {
		{ "struct printk_log", "ts_nsec" },
		{ "struct printk_log", "len" },
		{ "struct printk_log", "text_len" },
		{ "struct printk_log", "level" },
	};
	struct kfield f[MEM_LEN(head)];
	struct linux_kernel *k = r->k;
	uint64_t buf, size, at, next, seen = 0;
	int err = 0;

	kfield_find_all(k->types, head, MEM_LEN(head), f);
	uint64_t head_len = kfield_sizeof(k->types, "struct printk_log");
	if (linux_global(k, "log_buf", 8, &buf) < 0 ||
	    linux_global(k, "log_buf_len", 4, &size) < 0 ||
	    linux_global(k, "log_first_idx", 4, &at) < 0 ||
	    linux_global(k, "log_next_idx", 4, &next) < 0 || !head_len)
		return sonde_fail(-ENODATA, "the buffer of messages was not found");
	while (!err && at != next && seen <= size) {
		uint64_t len = linux_field_or(k, buf + at, &f[1], 0);

		if (!len) { // the rest was too small: it goes on at the start
			if (!at)
				break;
			at = 0;
			continue;
		}
		uint64_t text = linux_field_or(k, buf + at, &f[2], 0);
		const struct crash_message m = {
			.ns = linux_field_or(k, buf + at, &f[0], 0),
			.has_ns = true,
			.level = (unsigned)linux_field_or(k, buf + at, &f[3], 0) & 7,
			.text = r->text,
			.len = space_read_some(&k->mem, buf + at + head_len, r->text,
					       text < TEXT_MOST ? text : TEXT_MOST),
		};
		err = r->fn(r->arg, &m);
		at += len;
		seen += len;
	}
	return err;
}

int linux_log(struct crash_core *c, message_fn fn, void *arg)
{
	struct linux_kernel *k = linux_of(c);
	struct ring r = { .k = k, .fn = fn, .arg = arg };
	uint64_t prb;

	r.text = malloc(TEXT_MOST);
	if (!r.text)
		return sonde_fail(-ENOMEM, "messages: out of memory");
	kfield_find_all(k->types, wanted, FIELDS, r.f);
	int err = !linux_global(k, "prb", 8, &prb) ? show_ring(&r, prb) : show_buffer(&r);
	free(r.text);
	return err;
}
