/* SPDX-License-Identifier: MIT */
/** Values by their types, as text or JSON. */
#include "lang/out/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fmt.h"
#include "lang/out/printer.h"
#include "lang/out/quote.h"

void value_add_u64(struct strbuf *ret, uint64_t v)
{
	char text[FMT_MOST];

	strbuf_add(ret, text, (size_t)(fmt_u64(text, v) - text));
}

void value_add_i64(struct strbuf *ret, int64_t v)
{
	char text[FMT_MOST];

	strbuf_add(ret, text, (size_t)(fmt_i64(text, v) - text));
}

void value_add_hex(struct strbuf *ret, uint64_t v)
{
	char text[FMT_MOST] = "0x";

	strbuf_add(ret, text, (size_t)(fmt_hex(text + 2, v) - text));
}

/* @v is extended to 64 bits. */
static void add_int(const struct value_how *how, uint64_t v, bool is_signed, struct strbuf *ret)
{
	const uint64_t div = how->div > 1 ? (uint64_t)how->div : 1;

	if (is_signed)
		value_add_i64(ret, (int64_t)v / (int64_t)div);
	else
		value_add_u64(ret, v / div);
}

void value_add_buf(struct strbuf *ret, const uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		const uint8_t c = bytes[i];
		const char text[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		if (c >= 32 && c <= 126)
			strbuf_add(ret, &bytes[i], 1);
		else
			strbuf_add(ret, text, sizeof(text));
	}
}

size_t value_buf(const struct type *t, const uint8_t *bytes, const uint8_t **ret)
{
	if (t->size < 4)
		return 0;
	const uint32_t len = load_u32(bytes), room = t->size - 4;

	*ret = bytes + 4;
	return len < room ? len : room;
}

static void add_inet(const struct type *t, const uint8_t *bytes, struct strbuf *ret)
{
	struct inet_value v = { 0 };
	char text[INET6_ADDRSTRLEN] = "";

	memcpy(&v, bytes, t->size < sizeof(v) ? t->size : sizeof(v));
	if (v.family == AF_INET || v.family == AF_INET6)
		(void)inet_ntop((int)v.family, v.addr, text, sizeof(text)); // cannot fail
	strbuf_str(ret, text);
}

static void add_mac(const uint8_t *bytes, struct strbuf *ret)
{
	char text[18];

	(void)snprintf(text, sizeof(text), "%02X:%02X:%02X:%02X:%02X:%02X", bytes[0], bytes[1],
		       bytes[2], bytes[3], bytes[4], bytes[5]);
	strbuf_str(ret, text);
}

static void add_errno(int32_t err, struct strbuf *ret)
{
	const char *words = err == 0 ? "Success" : strerrordesc_np(err);

	if (words)
		strbuf_str(ret, words);
	else
		strbuf_fmt(ret, "Unknown error %d", err);
}

static void add_usym(struct printer *p, const uint8_t *bytes, struct strbuf *ret)
{
	struct usym_value v;

	memcpy(&v, bytes, sizeof(v));
	p->names->usym(p->names->arg, v.pid, v.addr, false, false, ret);
}

static void add_probe(struct printer *p, uint64_t i, struct strbuf *ret)
{
	if (p->script && i < p->script->n_probe_names)
		strbuf_str(ret, p->script->probe_names[i]);
	else
		value_add_u64(ret, i);
}

/* The text of what JSON has in quotes. */
static void add_text(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		     struct strbuf *ret)
{
	struct printer *const p = how->p;
	const uint8_t *data = NULL;

	switch (t->kind) {
	case TYPE_STR: strbuf_add(ret, bytes, strnlen((const char *)bytes, t->size)); break;
	case TYPE_BUF: {
		const size_t len = value_buf(t, bytes, &data);

		value_add_buf(ret, data, len);
		break;
	}
	case TYPE_PTR: value_add_hex(ret, load_u64(bytes)); break;
	case TYPE_KSTACK:
	case TYPE_USTACK: stack_add(p, t, bytes, how->is_key ? 4 : 8, ret); break;
	case TYPE_KSYM:
		if (t->is_module)
			d_symbol_add(p, t, bytes, false, ret);
		else
			p->names->ksym(p->names->arg, load_u64(bytes), false, ret);
		break;
	case TYPE_USYM:
		if (t->is_module)
			d_symbol_add(p, t, bytes, false, ret);
		else
			add_usym(p, bytes, ret);
		break;
	case TYPE_INET: add_inet(t, bytes, ret); break;
	case TYPE_MAC: add_mac(bytes, ret); break;
	case TYPE_TIME: time_add(p, t->fmt, load_u64(bytes), ret); break;
	case TYPE_CGROUP: p->names->cgroup(p->names->arg, load_u64(bytes), ret); break;
	case TYPE_USER:
		p->names->user(p->names->arg, (uint32_t)load_int(bytes, t->size, false), ret);
		break;
	case TYPE_PROBE: add_probe(p, load_int(bytes, t->size, false), ret); break;
	case TYPE_ERRNO: add_errno((int32_t)load_int(bytes, t->size, true), ret); break;
	default: break;
	}
}

static void add_quoted(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		       struct strbuf *ret)
{
	struct strbuf *const text = &how->p->quoted;

	text->len = 0;
	add_text(how, t, bytes, text);
	if (text->failed)
		ret->failed = true;
	else
		quote_json(ret, strbuf_text(text), text->len);
}

static void add_tuple(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		      struct strbuf *ret)
{
	struct value_how in = *how;

	in.depth++;
	strbuf_add(ret, how->json ? "[" : "(", 1);
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			strbuf_add(ret, ", ", how->json ? 1 : 2);
		value_add(&in, t->fields[i].type, bytes + t->fields[i].off, ret);
	}
	strbuf_add(ret, how->json ? "]" : ")", 1);
}

static void add_array(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		      struct strbuf *ret)
{
	const uint32_t size = t->elem->size;
	struct value_how in = *how;

	in.depth++;
	strbuf_add(ret, "[", 1);
	for (uint32_t i = 0; size && i < t->n && i < t->size / size; i++) {
		if (i)
			strbuf_add(ret, ",", 1);
		value_add(&in, t->elem, bytes + (size_t)i * size, ret);
	}
	strbuf_add(ret, "]", 1);
}

uint64_t average_of(const struct type *t, const uint8_t *bytes)
{
	struct average_value v;

	memcpy(&v, bytes, sizeof(v));
	if (!v.count)
		return 0;
	if (!t->is_signed)
		return (uint64_t)v.total / v.count;
	// A count beyond 2^63 cannot be; it must not be taken for a negative one.
	return v.count > INT64_MAX ? 0 : (uint64_t)(v.total / (int64_t)v.count);
}

static void add_stats(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		      struct strbuf *ret)
{
	const struct value_how whole = { .p = how->p, .div = 1 };
	struct average_value v;

	memcpy(&v, bytes, sizeof(v));
	strbuf_str(ret, how->json ? "{\"count\": " : "count ");
	value_add_u64(ret, v.count);
	strbuf_str(ret, how->json ? ", \"average\": " : ", average ");
	add_int(&whole, average_of(t, bytes), t->is_signed, ret);
	strbuf_str(ret, how->json ? ", \"total\": " : ", total ");
	add_int(&whole, (uint64_t)v.total, t->is_signed, ret);
	if (how->json)
		strbuf_add(ret, "}", 1);
}

bool value_number(const struct type *t, const uint8_t *bytes, uint64_t *ret)
{
	switch (t->kind) {
	case TYPE_INT: *ret = load_int(bytes, t->size, t->is_signed); return true;
	case TYPE_PTR:
	case TYPE_KSYM:
	case TYPE_USYM:
	case TYPE_CGROUP:
	case TYPE_TIME:
	case TYPE_COUNT:
	case TYPE_SUM:
	case TYPE_MIN:
	case TYPE_MAX: *ret = load_u64(bytes); return true;
	case TYPE_USER:
	case TYPE_PROBE: *ret = load_int(bytes, t->size, false); return true;
	case TYPE_ERRNO:
	case TYPE_SIGNAL: *ret = load_int(bytes, t->size, true); return true;
	case TYPE_AVG: *ret = average_of(t, bytes); return true;
	case TYPE_STDDEV: *ret = d_deviation_of(bytes, 1); return true;
	default: return false;
	}
}

static bool is_text(const struct type *t)
{
	return t->kind == TYPE_STR || t->kind == TYPE_BUF || t->kind == TYPE_PTR ||
	       (t->kind >= TYPE_KSTACK && t->kind <= TYPE_ERRNO);
}

void value_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
	       struct strbuf *ret)
{
	uint64_t n;

	if (how->depth > VALUE_DEPTH_MOST)
		strbuf_str(ret, how->json ? "null" : "...");
	else if (is_text(t) && how->json)
		add_quoted(how, t, bytes, ret);
	else if (is_text(t))
		add_text(how, t, bytes, ret);
	else if (t->kind == TYPE_TUPLE)
		add_tuple(how, t, bytes, ret);
	else if (t->kind == TYPE_ARRAY)
		add_array(how, t, bytes, ret);
	else if (t->kind == TYPE_RECORD && t->c)
		c_value_add(how, t->c, bytes, t->size, ret);
	else if (t->kind == TYPE_STATS)
		add_stats(how, t, bytes, ret);
	else if (t->kind == TYPE_LLHIST)
		d_hist_add(t, bytes, how->div > 1 ? (uint64_t)how->div : 1, ret);
	else if (t->kind == TYPE_HIST || t->kind == TYPE_LHIST)
		hist_add(how, t, bytes, ret);
	else if (value_number(t, bytes, &n))
		add_int(how, n, t->is_signed, ret);
	else if (how->json)
		strbuf_str(ret, "null");
}

void value_add_word(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		    struct strbuf *ret)
{
	const char *name = NULL;

	if (t->kind == TYPE_INT && t->is_bool)
		name = load_int(bytes, t->size, false) ? "true" : "false";
	else if (t->kind == TYPE_INT && t->c && t->c->kind == CT_ENUM)
		name = c_value_enumerator(t->c, (int64_t)load_int(bytes, t->size, t->is_signed));
	if (name)
		strbuf_str(ret, name);
	else
		value_add(how, t, bytes, ret);
}

static void add_parts(const struct value_how *how, const char *between, const struct type *t,
		      const uint8_t *bytes, struct strbuf *ret)
{
	if (t->kind != TYPE_TUPLE) {
		value_add(how, t, bytes, ret);
		return;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			strbuf_str(ret, between);
		value_add(how, t->fields[i].type, bytes + t->fields[i].off, ret);
	}
}

void value_add_key(struct printer *p, bool json, const struct type *t, const uint8_t *bytes,
		   struct strbuf *ret)
{
	const struct value_how how = { .p = p, .is_key = true, .div = 1 };
	struct strbuf *const text = &p->quoted;

	if (t->kind == TYPE_NONE)
		return;
	if (!json) {
		strbuf_add(ret, "[", 1);
		add_parts(&how, ", ", t, bytes, ret);
		strbuf_add(ret, "]", 1);
		return;
	}
	text->len = 0;
	add_parts(&how, ",", t, bytes, text);
	if (text->failed)
		ret->failed = true;
	else
		quote_json(ret, strbuf_text(text), text->len);
}

int print_value(struct printer *p, const struct type *t, const void *bytes, struct strbuf *ret)
{
	const struct value_how how = { .p = p, .json = p->format == PRINT_JSON, .div = 1 };

	p->quoted.failed = false; // it may have failed for an earlier value
	value_add(&how, t, bytes, ret);
	return strbuf_ok(ret);
}
