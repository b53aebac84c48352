/* SPDX-License-Identifier: MIT */
/**
 * Reads CTF. Behind a header, which tells where its parts are, come (perhaps packed by zlib)
 *labels, types of variables and functions, the types themselves and strings:
 *
 *	name u32 | info (v2: u16, v3: u32) | size or type (the same) | size u64, if that is all ones
 *
 * and what the kind has: an integer's encoding, members, enumerators, parameters. Members of large
 * structs have offsets of 64 bits. Numbers are in this machine's order. Source: ctf(5) of FreeBSD.
 */
#include "sym/ctype/ctf_data.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"

enum {
	MAGIC = 0xcff1,
	PACKED = 1,
	HEADER = 36,
	TYPES_MOST = 1 << 24,
	BYTES_MOST = 1 << 28,
	RATIO_MOST = 1100,  /* zlib cannot do more */
	LARGE_V2 = 1 << 13, /* structs from this size on have large members */
	LARGE_V3 = 1 << 29,
};

struct ctf_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t parent_label, parent_name;
	uint32_t labels, objects, functions, types, strs, strs_len; /* from behind the header */
};

static uint32_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get_id(const struct ctf_data *d, const uint8_t *p)
{
	return d->is_v3 ? get32(p) : get16(p);
}

void ctf_data_fini(struct ctf_data *d)
{
	free(d->unpacked);
	free(d->at);
	*d = (struct ctf_data){ .n = 0 };
}

#ifdef HAVE_GZIP
static int unpack(struct sonde_span from, size_t want, uint8_t **ret)
{
	static const char *const files[] = { "libz.so.1", NULL };
	int (*uncompress)(uint8_t * to, unsigned long *len, const uint8_t *from,
			  unsigned long from_len);
	const struct library_symbol symbols[] = {
		{ "uncompress", (void **)&uncompress },
		{ NULL, NULL },
	};
	unsigned long len = want;
	void *library;

	int r = library_open(files, symbols, &library);
	if (r < 0)
		return r;
	uint8_t *to = malloc(want ? want : 1);
	r = !to ? sonde_fail(-ENOMEM, "CTF: out of memory")
	    : uncompress(to, &len, from.data, from.len) != 0 || len != want
		    ? sonde_fail(-EBADMSG, "CTF: it cannot be unpacked")
		    : 0;
	dlclose(library);
	if (r < 0)
		free(to);
	else
		*ret = to;
	return r;
}
#else
static int unpack(struct sonde_span from, size_t want, uint8_t **ret)
{
	(void)from, (void)want, (void)ret;
	return sonde_fail(-ENOTSUP, "CTF: built without zlib, by which it is packed");
}
#endif

const char *ctf_data_str(const struct ctf_data *d, uint32_t name)
{
	const struct sonde_span *s = &d->strs[name >> 31];
	uint32_t off = name & INT32_MAX;

	if (off >= s->len || !memchr((const char *)s->data + off, '\0', s->len - off))
		return "";
	return (const char *)s->data + off;
}

/* How many bytes a type has behind its head. */
static uint64_t body_len(const struct ctf_data *d, const struct ctf_type *t)
{
	uint64_t id = d->is_v3 ? 4 : 2;
	bool large = t->size >= (d->is_v3 ? (uint64_t)LARGE_V3 : LARGE_V2);

	switch (t->kind) {
	case CTF_INTEGER:
	case CTF_FLOAT: return 4;
	case CTF_ARRAY: return 2 * id + 4;
	case CTF_FUNCTION: return (t->n * id + 3) & ~UINT64_C(3);
	case CTF_STRUCT:
	case CTF_UNION: return (uint64_t)t->n * (large ? 16 : d->is_v3 ? 12 : 8);
	case CTF_ENUM: return t->n * UINT64_C(8);
	default: return 0;
	}
}

/* Reads the head at @at. False: it is not whole. */
static bool read_head(const struct ctf_data *d, size_t at, struct ctf_type *ret)
{
	const uint8_t *p = (const uint8_t *)d->types.data + at;
	size_t head = d->is_v3 ? 12 : 8, left = d->types.len - at;

	if (left < head)
		return false;
	uint32_t info = d->is_v3 ? get32(p + 4) : get16(p + 4);
	uint32_t kind = d->is_v3 ? info >> 26 : info >> 11;
	*ret = (struct ctf_type){
		.kind = kind < CTF_KINDS ? (enum ctf_kind)kind : CTF_UNKNOWN,
		.name = get32(p),
		.ref = d->is_v3 ? get32(p + 8) : get16(p + 6),
		.n = d->is_v3 ? info & 0x1ffffff : info & 0x3ff,
	};
	ret->size = ret->ref;
	bool has_size = kind == CTF_INTEGER || kind == CTF_FLOAT || kind == CTF_STRUCT ||
			kind == CTF_UNION || kind == CTF_ENUM || kind == CTF_ARRAY ||
			kind == CTF_UNKNOWN;
	if (has_size && ret->ref == (d->is_v3 ? UINT32_MAX : UINT16_MAX)) {
		if (left < head + 8)
			return false;
		ret->size = (uint64_t)get32(p + head) << 32 | get32(p + head + 4);
		head += 8;
	}
	ret->body = at + head;
	return kind < CTF_KINDS;
}

static int index_types(struct ctf_data *d)
{
	size_t at = 0, cap = 0;

	while (at < d->types.len) {
		struct ctf_type t;

		if (!read_head(d, at, &t) || body_len(d, &t) > d->types.len - t.body)
			return sonde_fail(-EBADMSG, "CTF: type %u is cut off or of no known kind",
					  d->n + 1);
		if (d->n == TYPES_MOST)
			return sonde_fail(-EBADMSG, "CTF: more than %d types", TYPES_MOST);
		int r = mem_grow(&d->at, &cap, d->n + 1);
		if (r < 0)
			return r;
		d->at[d->n++] = (uint32_t)at;
		at = t.body + (size_t)body_len(d, &t);
	}
	return 0;
}

static int read_parts(struct ctf_data *d, struct sonde_span bytes, const struct ctf_header *h)
{
	struct sonde_span rest = { (const uint8_t *)bytes.data + HEADER, bytes.len - HEADER };
	uint64_t len = (uint64_t)h->strs + h->strs_len;

	if (h->types > h->strs || len > BYTES_MOST)
		return sonde_fail(-EBADMSG, "CTF: its header makes no sense");
	if (h->flags & PACKED) {
		if (len / RATIO_MOST > rest.len)
			return sonde_fail(-EBADMSG, "CTF: %zu bytes are to become %llu", rest.len,
					  (unsigned long long)len);
		int r = unpack(rest, (size_t)len, &d->unpacked);
		if (r < 0)
			return r;
		rest = (struct sonde_span){ d->unpacked, (size_t)len };
	}
	if (len > rest.len)
		return sonde_fail(-EBADMSG, "CTF: it is cut off");
	const uint8_t *p = rest.data;
	d->types = (struct sonde_span){ p + h->types, h->strs - h->types };
	d->strs[0] = (struct sonde_span){ p + h->strs, h->strs_len };
	return index_types(d);
}

int ctf_data_open(struct sonde_span bytes, struct sonde_span elf_strs, struct ctf_data *ret)
{
	struct ctf_data d = { .strs[1] = elf_strs };
	struct ctf_header h;

	_Static_assert(sizeof(h) == HEADER, "as in the format");
	if (bytes.len < HEADER)
		return sonde_fail(-EBADMSG, "CTF: it is cut off");
	memcpy(&h, bytes.data, sizeof(h));
	if (h.magic != MAGIC)
		return sonde_fail(-EBADMSG, "CTF: bad magic 0x%04x", h.magic);
	if (h.version != 2 && h.version != 3)
		return sonde_fail(-ENOTSUP, "CTF of version %u; 2 and 3 are read", h.version);
	if (h.parent_name || h.parent_label)
		return sonde_fail(-ENOTSUP, "CTF: its types come over those of another file");
	d.is_v3 = h.version == 3;
	int r = read_parts(&d, bytes, &h);
	if (r < 0)
		ctf_data_fini(&d);
	else
		*ret = d;
	return r;
}

bool ctf_data_type(const struct ctf_data *d, uint32_t id, struct ctf_type *ret)
{
	return id && id <= d->n && read_head(d, d->at[id - 1], ret);
}

static const uint8_t *body(const struct ctf_data *d, const struct ctf_type *t)
{
	return (const uint8_t *)d->types.data + t->body;
}

void ctf_data_int(const struct ctf_data *d, const struct ctf_type *t, unsigned *ret_flags,
		  unsigned *ret_off, unsigned *ret_bits)
{
	uint32_t v = get32(body(d, t));

	*ret_flags = v >> 24;
	*ret_off = v >> 16 & 0xff;
	*ret_bits = v & 0xffff;
}

void ctf_data_array(const struct ctf_data *d, const struct ctf_type *t, uint32_t *ret_elem,
		    uint32_t *ret_n)
{
	*ret_elem = get_id(d, body(d, t));
	*ret_n = get32(body(d, t) + (d->is_v3 ? 8 : 4));
}

void ctf_data_member(const struct ctf_data *d, const struct ctf_type *t, uint32_t i,
		     struct ctf_member *ret)
{
	size_t each = (size_t)(body_len(d, t) / t->n);
	const uint8_t *p = body(d, t) + i * each;

	*ret = (struct ctf_member){ .name = get32(p), .type = get_id(d, p + 4) };
	if (each == 16)
		ret->bit_off = (uint64_t)get32(p + 8) << 32 | get32(p + 12);
	else
		ret->bit_off = d->is_v3 ? get32(p + 8) : get16(p + 6);
}

int32_t ctf_data_enumerator(const struct ctf_data *d, const struct ctf_type *t, uint32_t i,
			    uint32_t *ret_name)
{
	const uint8_t *p = body(d, t) + 8 * (size_t)i;

	*ret_name = get32(p);
	return (int32_t)get32(p + 4);
}

uint32_t ctf_data_param(const struct ctf_data *d, const struct ctf_type *t, uint32_t i)
{
	return get_id(d, body(d, t) + i * (size_t)(d->is_v3 ? 4 : 2));
}
