/* SPDX-License-Identifier: MIT */
/**
 * Runs print programs.
 *
 * Whoever made the events has walked over them and found where they end. Nothing here relies on
 * it: a field that would reach beyond that end is shown as cut, and all that follow it too.
 */
#include <string.h>

#include "base/fmt.h"
#include "comp/escape.h"
#include "comp/print.h"
#include "comp/print_step.h"
#include "model/bits.h"

/* Elements of no length, as empty structures: so many are shown. */
enum { EMPTY_MOST = 1 << 16 };

void print_begin(struct print_run *r)
{
	r->p = out_reserve(r->out, OUT_RESERVE_MOST);
	r->limit = r->p + OUT_RESERVE_MOST - 2 * PRINT_ROOM;
}

void print_finish(struct print_run *r)
{
	out_commit(r->out, r->p);
}

static void make_room(struct print_run *r)
{
	print_finish(r);
	print_begin(r);
}

static inline char *put_literal(char *p, const char *text, unsigned len)
{
	// Fixed sizes become a few moves; there are readable bytes behind the text.
	if (len <= 16)
		memcpy(p, text, 16);
	else if (len <= PRINT_PAD)
		memcpy(p, text, PRINT_PAD);
	else
		memcpy(p, text, len);
	return p + len;
}

static inline char *put_string(char *p, const char *s)
{
	const size_t len = strlen(s);

	memcpy(p, s, len);
	return p + len;
}

static void put_bytes(struct print_run *r, const char *s, size_t len)
{
	while (len) {
		const size_t part = len < PRINT_ROOM ? len : PRINT_ROOM;

		if (r->p > r->limit)
			make_room(r);
		memcpy(r->p, s, part);
		r->p += part;
		s += part;
		len -= part;
	}
}

/* Nothing can be read any more: the field ends beyond the event. */
static void cut(struct print_run *r, const struct print_step *s, bool json)
{
	r->at = r->end + 1;
	if (!s->hidden)
		r->p = put_string(r->p, json ? "null" : "<cut>");
}

/* False, and cut, unless there are @len more bits. */
static inline bool has_bits(struct print_run *r, const struct print_step *s, uint64_t len,
			    bool json)
{
	if (__builtin_expect(r->at <= r->end && len <= r->end - r->at, 1))
		return true;
	cut(r, s, json);
	return false;
}

/* An integer in the base that its type wants. */
static char *put_based(char *p, uint64_t v, const struct sonde_int *t)
{
	// The sign of a value of less than 64 bits is shown up to the next whole digit.
	const unsigned bits = t->base == 16 ? 4 : 3;
	const unsigned shown = (t->len + bits - 1) / bits * bits;
	uint64_t digits = v;

	if (shown < 64 && (t->base == 16 || t->is_signed))
		digits &= (1ULL << shown) - 1;
	*p = '0';
	switch (t->base) {
	case 2: p[1] = 'b'; return fmt_binary(p + 2, v, t->len);
	case 8: return fmt_octal(p + 1, digits);
	case 16: p[1] = 'x'; return fmt_hex_upper(p + 2, digits);
	default: return t->is_signed ? fmt_i64(p, (int64_t)v) : fmt_u64(p, v);
	}
}

static char *put_int(char *p, uint64_t v, const struct sonde_int *t, bool json)
{
	if (!json)
		return put_based(p, v, t);
	return t->is_signed ? fmt_i64(p, (int64_t)v) : fmt_u64(p, v);
}

static inline void save(struct print_run *r, const struct print_step *s, uint64_t v)
{
	if (s->save)
		r->slots[s->save] = v;
}

static void run_int(struct print_run *r, const struct print_step *s, bool json)
{
	const struct sonde_int *t = &s->type->u.integer;

	if (!has_bits(r, s, t->len, json))
		return;
	uint64_t v = bits_int(r->pkt->data, r->at, t);
	r->at += t->len;
	save(r, s, v);
	if (!s->hidden)
		r->p = put_int(r->p, v, t, json);
}

static bool in_range(const struct print_label *l, uint64_t v, bool is_signed)
{
	if (is_signed)
		return (int64_t)v >= (int64_t)l->lo && (int64_t)v <= (int64_t)l->hi;
	return v >= l->lo && v <= l->hi;
}

/* "( labels : container = value )", the brackets being literals. */
static void run_enum(const struct print_program *pr, struct print_run *r,
		     const struct print_step *s)
{
	const bool json = pr->style.json;
	const struct sonde_int *t = &s->type->u.integer;
	const struct print_label *l = pr->labels + s->first, *end = l + s->n;
	uint32_t group = UINT32_MAX;

	if (!has_bits(r, s, t->len, json)) {
		r->p = put_string(r->p, json ? "],\"value\":null" : "");
		return;
	}
	uint64_t v = bits_int(r->pkt->data, r->at, t);
	r->at += t->len;
	save(r, s, v);
	for (; l < end; l++) {
		if (l->group == group || !in_range(l, v, t->is_signed))
			continue;
		if (group != UINT32_MAX)
			put_bytes(r, json ? "," : ", ", json ? 1 : 2);
		put_bytes(r, pr->text + l->text, l->len);
		group = l->group;
	}
	if (group == UINT32_MAX && !json)
		r->p = put_string(r->p, "<unknown>");
	r->p = put_string(r->p, json ? "],\"value\":" : " : container = ");
	r->p = put_int(r->p, v, t, json);
}

static void run_real(struct print_run *r, const struct print_step *s, bool json)
{
	const bool big = s->type->u.real.big_endian;

	if (!has_bits(r, s, s->n, json))
		return;
	uint64_t bits = bits_u64(r->pkt->data, r->at, s->n, big);
	double v;

	r->at += s->n;
	if (s->n == 32) {
		uint32_t low = (uint32_t)bits;
		float f;

		memcpy(&f, &low, sizeof(f));
		v = (double)f;
	} else {
		memcpy(&v, &bits, sizeof(v));
	}
	if (!json) {
		r->p = fmt_g(r->p, v);
		return;
	}
	const bool quoted = __builtin_isnan(v) || __builtin_isinf(v);
	if (quoted)
		*r->p++ = '"';
	r->p = fmt_shortest(r->p, v);
	if (quoted)
		*r->p++ = '"';
}

void print_quoted(struct print_run *r, bool json, struct sonde_span s)
{
	const uint8_t *from = s.data, *end = s.data + s.len;

	*r->p++ = '"';
	while (from < end) {
		if (r->p > r->limit)
			make_room(r);
		r->p = escape_chunk(r->p, &from, end, json);
	}
	*r->p++ = '"';
}

static void run_string(struct print_run *r, const struct print_step *s, bool json)
{
	const uint8_t *text = r->pkt->data + r->at / 8;
	const uint64_t left = r->at < r->end ? (r->end - r->at) / 8 : 0;
	const uint8_t *end = left ? memchr(text, 0, left) : NULL;

	if (!end) {
		cut(r, s, json);
		return;
	}
	const size_t len = (size_t)(end - text);
	r->at += 8 * (len + 1);
	if (!s->hidden)
		print_quoted(r, json, (struct sonde_span){ text, len });
}

/* How many elements: an array's number, or the value of the field that tells. */
static uint64_t count_of(const struct print_run *r, const struct print_step *s)
{
	if (!s->ref)
		return s->count;
	return s->ref_in_packet ? r->pkt->slots[s->ref] : r->slots[s->ref];
}

static void run_chars(struct print_run *r, const struct print_step *s, bool json)
{
	const uint64_t n = count_of(r, s);

	if (r->at > r->end || n > (r->end - r->at) / 8) {
		cut(r, s, json);
		return;
	}
	const uint8_t *text = r->pkt->data + r->at / 8;
	const uint8_t *zero = n ? memchr(text, 0, n) : NULL;
	r->at += 8 * n;
	if (!s->hidden)
		print_quoted(r, json,
			     (struct sonde_span){ text, zero ? (size_t)(zero - text) : n });
}

static void run_steps(const struct print_program *pr, struct print_run *r,
		      const struct print_step *s, const struct print_step *end);

/* What stands before element @i: 16 bytes with the first two characters dropped for element 0. */
#define INDEX_ONE(tens, ones) ", [" tens ones "] = \0\0\0\0\0\0\0"
#define INDEX_TEN(tens)                                                                         \
	INDEX_ONE(tens, "0"), INDEX_ONE(tens, "1"), INDEX_ONE(tens, "2"), INDEX_ONE(tens, "3"), \
		INDEX_ONE(tens, "4"), INDEX_ONE(tens, "5"), INDEX_ONE(tens, "6"),               \
		INDEX_ONE(tens, "7"), INDEX_ONE(tens, "8"), INDEX_ONE(tens, "9")
static const char indexes[100][20] = {
	INDEX_TEN(""),	INDEX_TEN("1"), INDEX_TEN("2"), INDEX_TEN("3"), INDEX_TEN("4"),
	INDEX_TEN("5"), INDEX_TEN("6"), INDEX_TEN("7"), INDEX_TEN("8"), INDEX_TEN("9"),
};

static inline char *put_index(char *p, uint64_t i, bool with_index, bool json)
{
	if (!i) {
		memcpy(p, " [0] = ", 8);
		return p + (json ? 0 : with_index ? 7 : 1);
	}
	if (json || !with_index) {
		memcpy(p, ", ", 2);
		return p + 2 - json;
	}
	if (i < 100) {
		memcpy(p, indexes[i], 16);
		return p + 8 + (i > 9);
	}
	memcpy(p, ", [", 3);
	p = fmt_u64(p + 3, i);
	memcpy(p, "] = ", 4);
	return p + 4;
}

/* The next integer of a code between PRINT_U8 and PRINT_S64 as text. */
static inline char *put_native(char *p, const uint8_t *data, uint8_t code)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch ((enum print_code)code) {
	case PRINT_U8: return fmt_u64(p, *data);
	case PRINT_S8: return fmt_i64(p, (int8_t)*data);
	case PRINT_U16: memcpy(&v16, data, sizeof(v16)); return fmt_u64(p, v16);
	case PRINT_S16: memcpy(&v16, data, sizeof(v16)); return fmt_i64(p, (int16_t)v16);
	case PRINT_U32: memcpy(&v32, data, sizeof(v32)); return fmt_u64(p, v32);
	case PRINT_S32: memcpy(&v32, data, sizeof(v32)); return fmt_i64(p, (int32_t)v32);
	case PRINT_U64: memcpy(&v64, data, sizeof(v64)); return fmt_u64(p, v64);
	default: memcpy(&v64, data, sizeof(v64)); return fmt_i64(p, (int64_t)v64);
	}
}

/* Elements that are integers of whole bytes: all but those at which the event ends. */
static uint64_t run_native_loop(struct print_run *r, const struct print_step *s, uint64_t n,
				bool json)
{
	const struct print_step *body = s + 1;
	const uint64_t mask = body->mask, len = body->n, end = r->end;
	const uint8_t *const data = r->pkt->data;
	const bool with_index = s->first;
	uint64_t i = 0, at = r->at;
	char *p = r->p;

	for (; i < n; i++) {
		const uint64_t next = (at + mask) & ~mask;

		if (next > end || len > end - next)
			break;
		if (p > r->limit) {
			r->p = p;
			make_room(r);
			p = r->p;
		}
		p = put_index(p, i, with_index, json);
		p = put_native(p, data + next / 8, body->code);
		at = next + len;
	}
	r->p = p;
	r->at = at;
	return i;
}

static bool is_native(const struct print_step *s)
{
	return s->code >= PRINT_U8 && s->code <= PRINT_S64 && !s->save && !s->len;
}

static void run_loop(const struct print_program *pr, struct print_run *r,
		     const struct print_step *s)
{
	const bool json = pr->style.json;
	const struct print_step *body = s + 1, *last = body + s->body;
	const uint64_t n = count_of(r, s);
	uint64_t empty = 0;

	uint64_t i = s->body == 1 && is_native(body) ? run_native_loop(r, s, n, json) : 0;
	for (; i < n; i++) {
		const uint64_t before = r->at;

		if (r->p > r->limit)
			make_room(r);
		if (!s->hidden)
			r->p = put_index(r->p, i, s->first, json);
		run_steps(pr, r, body, last);
		empty += r->at == before;
		if (r->at > r->end || empty > EMPTY_MOST)
			break;
	}
}

static void run_variant(const struct print_program *pr, struct print_run *r,
			const struct print_step *s)
{
	const struct sonde_type *t = s->type;
	const uint64_t tag = s->ref_in_packet ? r->pkt->slots[s->ref] : r->slots[s->ref];

	for (size_t i = 0; i < t->u.variant.n_choices; i++) {
		const struct sonde_choice *c = &t->u.variant.choices[i];
		const bool holds = t->u.variant.tag_signed ? (int64_t)tag >= (int64_t)c->lo &&
								     (int64_t)tag <= (int64_t)c->hi
							   : tag >= c->lo && tag <= c->hi;

		if (holds && c->option < s->n) {
			const struct print_option *o = &pr->options[s->first + c->option];

			run_steps(pr, r, s + 1 + o->body, s + 1 + o->body + o->n);
			return;
		}
	}
	cut(r, s, pr->style.json);
}

/* Goes to the begin of a scope. */
static void run_scope(struct print_run *r, const struct print_step *s)
{
	const struct sonde_event *e = r->event;

	switch ((enum sonde_scope)s->n) {
	case SONDE_SCOPE_PACKET_HEADER: r->at = r->pkt->header_at; break;
	case SONDE_SCOPE_PACKET_CONTEXT: r->at = r->pkt->context_at; break;
	case SONDE_SCOPE_EVENT_HEADER: r->at = e->at; break;
	case SONDE_SCOPE_STREAM_CONTEXT: r->at = e->at + e->context; break;
	case SONDE_SCOPE_EVENT_CONTEXT: r->at = e->at + e->event_context; break;
	case SONDE_SCOPE_PAYLOAD: r->at = e->at + e->payload; break;
	}
	r->end = e ? e->at + e->end : r->pkt->n_bits;
}

static void run_packet(struct print_run *r)
{
	const struct print_program *pr = r->packet_program;
	const struct sonde_event *e = r->event;

	put_bytes(r, (const char *)r->packet.data, r->packet.len);
	if (pr) {
		r->event = NULL;
		print_run(pr, r);
		r->event = e;
	}
}

/* Fields whose text may be of any length. */
static void run_long(const struct print_program *pr, struct print_run *r,
		     const struct print_step *s)
{
	const bool json = pr->style.json;

	switch ((enum print_code)s->code) {
	case PRINT_ENUM: run_enum(pr, r, s); break;
	case PRINT_STRING: run_string(r, s, json); break;
	case PRINT_CHARS: run_chars(r, s, json); break;
	case PRINT_LOOP: run_loop(pr, r, s); break;
	case PRINT_VARIANT: run_variant(pr, r, s); break;
	default: break;
	}
}

/*
 * Integers of whole bytes, in this machine's order. The next character and bit are kept out of @r
 * while nobody else needs them: what is written could be @r, for all that the compiler knows.
 */
#define RUN_NATIVE(type, format)                                                      \
	do {                                                                          \
		type native;                                                          \
                                                                                      \
		if (__builtin_expect(at > end || 8 * sizeof(native) > end - at, 0)) { \
			RUN(cut(r, s, json));                                         \
			break;                                                        \
		}                                                                     \
		memcpy(&native, data + at / 8, sizeof(native));                       \
		at += 8 * sizeof(native);                                             \
		if (s->save)                                                          \
			r->slots[s->save] = (uint64_t)native;                         \
		p = format(p, native);                                                \
	} while (0)

/* Anything else. */
#define RUN(call)           \
	do {                \
		r->p = p;   \
		r->at = at; \
		call;       \
		p = r->p;   \
		at = r->at; \
	} while (0)

static void run_steps(const struct print_program *pr, struct print_run *r,
		      const struct print_step *s, const struct print_step *last)
{
	const bool json = pr->style.json;
	const char *const text = pr->text;
	const uint8_t *const data = r->pkt->data;
	char *p = r->p, *limit = r->limit;
	uint64_t at = r->at, end = r->end;

	for (; s < last; s++) {
		if (__builtin_expect(p > limit, 0)) {
			RUN(make_room(r));
			limit = r->limit;
		}
		p = put_literal(p, text + s->text, s->len);
		at = (at + s->mask) & ~(uint64_t)s->mask;
		switch ((enum print_code)s->code) {
		case PRINT_TEXT: break;
		case PRINT_SCOPE:
			RUN(run_scope(r, s));
			end = r->end;
			break;
		case PRINT_PACKET:
			RUN(run_packet(r));
			limit = r->limit;
			break;
		case PRINT_SKIP: at += s->n; break;
		case PRINT_U8: RUN_NATIVE(uint8_t, fmt_u64); break;
		case PRINT_U16: RUN_NATIVE(uint16_t, fmt_u64); break;
		case PRINT_U32: RUN_NATIVE(uint32_t, fmt_u64); break;
		case PRINT_U64: RUN_NATIVE(uint64_t, fmt_u64); break;
		case PRINT_S8: RUN_NATIVE(int8_t, fmt_i64); break;
		case PRINT_S16: RUN_NATIVE(int16_t, fmt_i64); break;
		case PRINT_S32: RUN_NATIVE(int32_t, fmt_i64); break;
		case PRINT_S64: RUN_NATIVE(int64_t, fmt_i64); break;
		case PRINT_INT: RUN(run_int(r, s, json)); break;
		case PRINT_REAL: RUN(run_real(r, s, json)); break;
		case PRINT_UNKNOWN:
			at += s->n;
			p = put_string(p, json ? "null" : "<unknown>");
			break;
		default:
			RUN(run_long(pr, r, s));
			limit = r->limit;
			s += s->body;
			break;
		}
	}
	r->p = p;
	r->at = at;
}

void print_run(const struct print_program *pr, struct print_run *r)
{
	run_steps(pr, r, pr->steps, pr->steps + pr->n_steps);
}
