/* SPDX-License-Identifier: MIT */
/**
 * Fuzzes the whole reader: 4 bytes length of the metadata (little-endian), the metadata, a data
 * file. Read in batches of two sizes, which must make no difference, and every field is asked for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctf/trace.h"
#include "model/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { BATCHES_MOST = 2000, FIELDS_MOST = 64, BATCH_SMALL = 7 };

static uint64_t mix(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

/* Every top-level field of a scope. */
static uint64_t hash_fields(const struct sonde_event *e, enum sonde_scope scope,
			    const struct sonde_type *t, uint64_t hash)
{
	for (size_t i = 0; t && i < t->u.structure.n_members && i < FIELDS_MOST; i++) {
		const struct sonde_int *type;
		struct field_ref f;
		struct sonde_span s;
		int64_t v = 0;
		double real = 0;
		size_t n;

		(void)field_find(e->cls, scope, t->u.structure.members[i].name, &f);
		if (field_int(e, &f, &v))
			hash = mix(hash, (uint64_t)v);
		if (field_real(e, &f, &real))
			hash = mix(hash, real > 0);
		if (field_text(e, &f, &s))
			hash = mix(hash, s.len ? s.data[s.len - 1] : 0);
		if (field_ints(e, &f, &s, &type, &n) && n)
			hash = mix(hash, (uint64_t)field_ints_at(s, type, n - 1));
	}
	return hash;
}

static uint64_t hash_event(const struct sonde_event *e, uint64_t hash)
{
	hash = mix(hash, (uint64_t)e->ts_ns);
	if (!e->cls) {
		hash = mix(hash, e->u.gap->kind);
		return mix(hash, e->u.gap->words ? strlen(e->u.gap->words) : 0);
	}
	const struct sonde_stream_class *sc = e->cls->stream_class;

	hash = mix(mix(hash, e->at), e->end);
	hash = hash_fields(e, SONDE_SCOPE_PACKET_HEADER, sc->trace->packet_header, hash);
	hash = hash_fields(e, SONDE_SCOPE_PACKET_CONTEXT, sc->packet_context, hash);
	hash = hash_fields(e, SONDE_SCOPE_EVENT_HEADER, sc->event_header, hash);
	hash = hash_fields(e, SONDE_SCOPE_STREAM_CONTEXT, sc->event_context, hash);
	hash = hash_fields(e, SONDE_SCOPE_EVENT_CONTEXT, e->cls->context, hash);
	return hash_fields(e, SONDE_SCOPE_PAYLOAD, e->cls->payload, hash);
}

/* Reads up to @most events; what is read is put in a hash. */
static uint64_t read_all(struct sonde_span metadata, struct sonde_span file, size_t cap,
			 size_t most)
{
	struct ctf_trace *t = NULL;
	uint64_t hash = 1;

	if (ctf_trace_of_bytes(metadata, &file, 1, &t) < 0)
		return 0;
	if (ctf_trace_streams(t) < 0) {
		ctf_trace_free(t);
		return 0;
	}
	for (size_t i = 0; i < t->n_streams; i++) {
		struct ctf_stream *s = &t->streams[i];
		struct sonde_batch b;
		size_t n = 0;
		int64_t begin, end;

		if (ctf_stream_start(s, cap, 1 << 16) < 0)
			break;
		if (ctf_stream_span(s, &begin, &end) >= 0)
			hash = mix(hash, (uint64_t)(begin ^ end));
		while (n < most && ctf_stream_next(s, &b) > 0) {
			for (size_t k = 0; k < b.n && n < most; k++, n++)
				hash = hash_event(&b.events[k], hash);
		}
	}
	ctf_trace_free(t);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 4)
		return 0;
	size_t n = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 | (size_t)data[3] << 24;
	if (n > len - 4)
		n = len - 4;

	// Exact copies, so that a byte read too far is found.
	uint8_t *metadata = malloc(n ? n : 1), *file = malloc(len - 4 - n ? len - 4 - n : 1);
	if (!metadata || !file)
		abort();
	memcpy(metadata, data + 4, n);
	memcpy(file, data + 4 + n, len - 4 - n);
	const struct sonde_span m = { metadata, n }, f = { file, len - 4 - n };
	const size_t most = BATCHES_MOST * BATCH_SMALL;

	if (read_all(m, f, SONDE_BATCH_MAX, most) != read_all(m, f, BATCH_SMALL, most))
		abort();
	free(metadata);
	free(file);
	return 0;
}
