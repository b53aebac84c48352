/* SPDX-License-Identifier: MIT */
/** Packet headers and contexts: what a packet says of itself before its first event. */
#include "ctf/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "model/bits.h"

#define PACKET_MAGIC_VALUE UINT32_C(0xc1fc1fc1)

static const char *const field_names[] = {
	[PACKET_MAGIC] = "magic",
	[PACKET_UUID] = "uuid",
	[PACKET_STREAM_ID] = "stream_id",
	[PACKET_STREAM_INSTANCE_ID] = "stream_instance_id",
	[PACKET_TIMESTAMP_BEGIN] = "timestamp_begin",
	[PACKET_TIMESTAMP_END] = "timestamp_end",
	[PACKET_CONTENT_SIZE] = "content_size",
	[PACKET_PACKET_SIZE] = "packet_size",
	[PACKET_EVENTS_DISCARDED] = "events_discarded",
	[PACKET_SEQ_NUM] = "packet_seq_num",
	[PACKET_CPU_ID] = "cpu_id",
};
_Static_assert(MEM_LEN(field_names) == PACKET_N_FIELDS, "each field has a name");

int packet_layout_new(struct arena *arena, struct sonde_trace *trace, struct packet_layout **ret)
{
	struct packet_layout *l = arena_new(arena, struct packet_layout);
	if (!l)
		return -ENOMEM;
	l->trace = trace;
	l->classes = arena_array(arena, trace->n_streams, sizeof(*l->classes));
	if (!l->classes)
		return -ENOMEM;

	struct plan_packet *p = NULL;
	int r = plan_packet(arena, trace, trace->packet_header, NULL, &p);
	if (r < 0)
		return r;
	l->header = p;
	l->n_locals = p->n_locals;
	for (size_t i = 0; i < trace->n_streams; i++) {
		struct sonde_stream_class *sc = trace->streams[i];
		struct plan_header *h = NULL;

		// The end is no time that the clock has reached when the first event comes.
		r = plan_packet(arena, trace, sc->packet_context, field_names[PACKET_TIMESTAMP_END],
				&p);
		if (r >= 0)
			r = plan_stream_class(arena, trace, sc, &h);
		if (r < 0)
			return sonde_wrap(r, "stream class %" PRIu64, sc->id);
		h->packet[0] = l->header;
		h->packet[1] = p;
		l->classes[i] = (struct packet_class){ sc, p, h };
		if (p->n_locals > l->n_locals)
			l->n_locals = p->n_locals;
	}
	*ret = l;
	return 0;
}

static int bad(struct packet_info *info, const char *words)
{
	(void)snprintf(info->why, sizeof(info->why), "%s", words);
	return -EBADMSG;
}

/* Which known field is called that? PACKET_N_FIELDS: none. */
static unsigned field_of(const char *name, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		if (!strcmp(field_names[i], name))
			return i;
	}
	return PACKET_N_FIELDS;
}

/* Takes the value of a known field at @pos. */
static void take_field(struct packet_info *info, const struct plan_walk *w, unsigned field,
		       const struct sonde_type *t, uint64_t pos)
{
	if (field == PACKET_UUID) {
		const struct sonde_type *elem = t->kind == SONDE_ARRAY ? t->u.array.elem : NULL;

		if (!elem || t->u.array.n != 16 || elem->fixed_len != 8 || pos % 8 ||
		    pos > w->end || w->end - pos < 128)
			return;
		info->value[field] = pos / 8;
		info->has |= 1u << field;
		return;
	}
	if (t->kind != SONDE_INT && t->kind != SONDE_ENUM)
		return;
	unsigned len = t->u.integer.len;
	if (t->u.integer.is_signed || pos > w->end || w->end - pos < len)
		return;
	info->value[field] = bits_u64(w->data, pos, len, t->u.integer.big_endian);
	info->len[field] = (uint8_t)len;
	info->has |= 1u << field;
}

/* Walks a header or context from *@pos, taking known fields on the way. */
static bool walk_packet(struct packet_info *info, const struct plan_packet *p, struct plan_walk *w,
			unsigned first, unsigned end, uint64_t *pos)
{
	uint32_t op = 0;

	for (size_t i = 0; p->type && i < p->type->u.structure.n_members; i++) {
		const struct sonde_member *m = &p->type->u.structure.members[i];
		const struct plan_at at = p->scope.at[i];
		unsigned field = field_of(m->shown, first, end);

		if (field == PACKET_N_FIELDS)
			continue;
		if (!plan_run(p->ops, op, at.op, w, pos))
			return false;
		op = at.op;
		take_field(info, w, field, m->type, bits_align(*pos + at.bits, m->type->align));
	}
	return plan_run(p->ops, op, UINT32_MAX, w, pos);
}

static int check_header(const struct packet_layout *l, const uint8_t *data,
			struct packet_info *info)
{
	const struct sonde_trace *t = l->trace;
	uint64_t id = info->value[PACKET_STREAM_ID];

	if (packet_has(info, PACKET_MAGIC) && info->value[PACKET_MAGIC] != PACKET_MAGIC_VALUE) {
		(void)snprintf(info->why, sizeof(info->why),
			       "the packet's magic number is 0x%08" PRIx64 ", not 0x%08" PRIx32,
			       info->value[PACKET_MAGIC], PACKET_MAGIC_VALUE);
		return -EBADMSG;
	}
	if (packet_has(info, PACKET_UUID) && t->has_uuid &&
	    memcmp(data + info->value[PACKET_UUID], t->uuid, 16) != 0)
		return bad(info, "the packet's uuid is not the trace's");

	if (!packet_has(info, PACKET_STREAM_ID)) {
		if (t->n_streams != 1) {
			(void)snprintf(
				info->why, sizeof(info->why),
				"packets have no stream_id, and there are %zu stream classes",
				t->n_streams);
			return -EBADMSG;
		}
		info->cls = &l->classes[0];
		return 0;
	}
	for (size_t i = 0; i < t->n_streams; i++) {
		if (t->streams[i]->id == id) {
			info->cls = &l->classes[i];
			return 0;
		}
	}
	(void)snprintf(info->why, sizeof(info->why), "no stream class has id %" PRIu64, id);
	return -EBADMSG;
}

/* Content and packet size; both in bits, either may stand for the other. */
static int check_sizes(struct packet_info *info, uint64_t len, uint64_t pos)
{
	const bool has_content = packet_has(info, PACKET_CONTENT_SIZE);
	const bool has_packet = packet_has(info, PACKET_PACKET_SIZE);
	const uint64_t room = len * 8;
	uint64_t content = info->value[has_content ? PACKET_CONTENT_SIZE : PACKET_PACKET_SIZE];
	uint64_t packet = info->value[has_packet ? PACKET_PACKET_SIZE : PACKET_CONTENT_SIZE];

	if (!has_content && !has_packet)
		content = packet = room;
	// A packet without padding may end inside a byte; the next one begins at a whole one.
	if (!has_packet && packet % 8 && packet < UINT64_MAX - 7)
		packet = (packet + 7) & ~UINT64_C(7);
	if (packet < pos || packet % 8) {
		(void)snprintf(info->why, sizeof(info->why),
			       packet < pos ? "the packet is %" PRIu64 " bits, its header is longer"
					    : "the packet is %" PRIu64 " bits, no whole bytes",
			       packet);
		return -EBADMSG;
	}
	info->cut = packet > room;
	info->len_bytes = info->cut ? len : packet / 8;
	if (content > packet || content < pos) {
		(void)snprintf(info->why, sizeof(info->why),
			       "the packet's content is %" PRIu64 " bits of %" PRIu64, content,
			       packet);
		return -EBADMSG;
	}
	info->content_bits = content < room ? content : room;
	return 0;
}

int packet_read(const struct packet_layout *l, const uint8_t *data, uint64_t len,
		struct packet_info *info)
{
	if (len > UINT64_MAX / 64)
		len = UINT64_MAX / 64;
	struct plan_walk w = { .data = data,
			       .end = len * 8,
			       .clock = info->clock,
			       .slots = info->locals,
			       .locals = info->locals };
	uint64_t pos = 0;

	info->has = 0;
	info->len_bytes = 0;
	info->header_at = 0;
	info->cls = NULL;
	if (!walk_packet(info, l->header, &w, PACKET_MAGIC, PACKET_TIMESTAMP_BEGIN, &pos))
		return bad(info, "the file ends inside a packet's header");
	int r = check_header(l, data, info);
	if (r < 0)
		return r;

	const struct plan_packet *context = info->cls->context;
	if (context->type)
		pos = bits_align(pos, context->type->align);
	info->context_at = pos;
	if (!walk_packet(info, context, &w, PACKET_TIMESTAMP_BEGIN, PACKET_N_FIELDS, &pos))
		return bad(info, "the file ends inside a packet's context");
	info->events_at = pos;
	info->clock = w.clock;
	return check_sizes(info, len, pos);
}
