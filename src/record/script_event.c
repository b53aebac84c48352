/* SPDX-License-Identifier: MIT */
/**
 * Copies records of emit() into events.
 *
 *	0	u64 timestamp, u16 id			event header
 *	12	i32 pid, i32 tid, char comm[16]		event context
 *	36	the fields, each aligned to its size; their begin to the widest of them
 */
#include "record/script_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "record/source.h"

enum { TEXT_MOST = 4096 };

void script_plan_fini(struct script_plan *p)
{
	free(p->steps);
	*p = (struct script_plan){ 0 };
}

struct sonde_stream_class *script_describe(struct describe *d)
{
	struct sonde_type *c = describe_struct(d);

	describe_member(d, c, "pid", describe_int(d, 32, true));
	describe_member(d, c, "tid", describe_int(d, 32, true));
	describe_member(d, c, "comm", describe_text(d, sizeof(((struct emit_head *)0)->comm)));
	return describe_stream(d, RECORD_STREAM_SCRIPT, describe_event_header(d), c);
}

static size_t align_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static void put_align(uint8_t *base, size_t *at, size_t align)
{
	const size_t to = align_up(*at, align);

	memset(base + *at, 0, to - *at);
	*at = to;
}

static void put(uint8_t *base, size_t *at, const void *data, size_t len, size_t align)
{
	put_align(base, at, align);
	memcpy(base + *at, data, len);
	*at += len;
}

static void put_u32(uint8_t *base, size_t *at, uint32_t v)
{
	put(base, at, &v, sizeof(v), sizeof(v));
}

/* The number that a bit field holds, in the lowest @len bytes. */
static uint64_t bits_at(const uint8_t *from, unsigned bit_off, unsigned n_bits, bool is_signed)
{
	uint64_t v = 0;

	// Bit by bit: fields of packed structs may lie across nine bytes.
	for (unsigned i = 0; i < n_bits; i++) {
		const unsigned at = bit_off + i;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = v << 1 | (from[at / 8] >> (7 - at % 8) & 1);
#else
		v |= (uint64_t)(from[at / 8] >> (at % 8) & 1) << i;
#endif
	}
	if (is_signed && n_bits > 0 && n_bits < 64 && v >> (n_bits - 1) & 1)
		v |= ~UINT64_C(0) << n_bits;
	return v;
}

static void put_bits(uint8_t *base, size_t *at, const struct script_step *s, const uint8_t *from)
{
	uint64_t v = bits_at(from, s->bit_off, s->n_bits, s->type && s->type->is_signed);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v <<= 64 - 8 * s->len;
#endif
	put(base, at, &v, s->len, s->align);
}

static void put_text(uint8_t *base, size_t *at, const char *s, size_t len)
{
	put(base, at, s, strnlen(s, len), 1);
	base[(*at)++] = '\0';
}

static void put_buf(uint8_t *base, size_t *at, const struct script_step *s, const uint8_t *from)
{
	uint32_t len;

	memcpy(&len, from, sizeof(len));
	if (len > s->len - sizeof(len))
		len = s->len - (uint32_t)sizeof(len);
	put_u32(base, at, len);
	put(base, at, from + sizeof(len), len, 1);
}

static void put_stack(uint8_t *base, size_t *at, const struct script_step *s,
		      const struct script_pack *how, const uint8_t *from)
{
	uint64_t frames[STACK_MOST];
	struct stack_value v;

	memcpy(&v, from, sizeof(v));
	size_t n = how->stack(how->stack_arg, s->type, &v, frames);
	if (n > s->type->stack_depth)
		n = s->type->stack_depth;
	put_u32(base, at, (uint32_t)n);
	put(base, at, frames, n * sizeof(*frames), sizeof(*frames));
}

static void put_printed(uint8_t *base, size_t *at, const struct script_step *s,
			const struct script_pack *how, const uint8_t *from)
{
	how->text->len = 0;
	how->text->failed = false;
	// Out of memory it is as empty as what cannot be told.
	const bool failed =
		print_value(how->printer, s->type, from, how->text) < 0 || how->text->failed;
	const size_t len = how->text->len < TEXT_MOST ? how->text->len : TEXT_MOST;
	put_text(base, at, failed ? "" : strbuf_text(how->text), failed ? 0 : len);
}

static void run_step(const struct script_step *s, const struct script_pack *how,
		     const uint8_t *from, uint8_t *base, size_t *at)
{
	switch (s->kind) {
	case STEP_ALIGN: put_align(base, at, s->align); break;
	case STEP_BYTES: put(base, at, from, s->len, s->align); break;
	case STEP_BITS: put_bits(base, at, s, from); break;
	case STEP_STR: put_text(base, at, (const char *)from, s->len); break;
	case STEP_BUF: put_buf(base, at, s, from); break;
	case STEP_STACK: put_stack(base, at, s, how, from); break;
	case STEP_TEXT: put_printed(base, at, s, how, from); break;
	}
}

size_t script_pack(const struct script_plan *p, const struct script_pack *how, uint64_t ts_ns,
		   const void *payload, uint8_t *ret)
{
	const uint8_t *from = payload;
	const uint16_t id = (uint16_t)p->id;
	struct emit_head head;
	size_t at = 0;

	memcpy(&head, payload, sizeof(head));
	put(ret, &at, &ts_ns, sizeof(ts_ns), 1);
	put(ret, &at, &id, sizeof(id), 1);
	put_u32(ret, &at, head.pid);
	put_u32(ret, &at, head.tid);
	put(ret, &at, head.comm, sizeof(head.comm), 1);
	put_align(ret, &at, p->align);
	for (size_t i = 0; i < p->n; i++)
		run_step(&p->steps[i], how, from + p->steps[i].off, ret, &at);
	return at;
}
