/* SPDX-License-Identifier: MIT */
/**
 * One data stream of a trace: packets from its files in order, as batches of events and gaps.
 *
 *   NEXT ──> EVENTS ──> NEXT ...      a batch never reaches over a packet's end
 *     │         └─────> CUT ──> NEXT  what is broken is said, then the next packet is tried
 *     └──> LAST ──> DONE              time that ran backwards is said at the end
 */
#include "ctf/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/index.h"

enum { STREAM_NEXT, STREAM_EVENTS, STREAM_CUT, STREAM_LAST, STREAM_DONE };

int ctf_stream_start(struct ctf_stream *s, size_t cap, uint64_t slack)
{
	s->first.slots = calloc(s->layout->n_locals, sizeof(*s->first.slots));
	if (!s->first.slots)
		return sonde_fail(-ENOMEM, "out of memory for a stream");
	s->lent = &s->first;
	s->info.locals = s->first.slots;
	s->cap_batch = cap;
	s->slack = slack;
	s->from_ns = INT64_MIN;
	s->to_ns = INT64_MAX;
	decode_init(&s->dec, s->cls->events);
	return 0;
}

void ctf_stream_fini(struct ctf_stream *s)
{
	for (size_t i = 0; i < s->n_files; i++) {
		file_unmap(&s->files[i].map);
		free(s->files[i].path);
	}
	for (size_t i = 0; i < s->n_held; i++) {
		file_unmap(&s->held[i].map);
		free(s->held[i].slots);
	}
	free(s->held);
	free(s->files);
	free(s->first.slots);
	free(s->batch);
}

int ctf_stream_hold(struct ctf_stream *s, size_t n)
{
	s->held = calloc(n, sizeof(*s->held));
	if (!s->held)
		return sonde_fail(-ENOMEM, "out of memory for %zu batches", n);
	for (; s->n_held < n; s->n_held++) {
		uint64_t *slots = calloc(s->layout->n_locals, sizeof(*slots));

		if (!slots)
			return sonde_fail(-ENOMEM, "out of memory for %zu batches", n);
		s->held[s->n_held].slots = slots;
	}
	return 0;
}

/* What is before byte @off of the file is read; those who hold batches may still look at it. */
static void drop(struct ctf_stream *s, uint64_t off)
{
	if (!s->n_held)
		file_drop(&s->files[s->file].map, off, s->slack);
}

/* Before the next batch, which may be of the packet that the last one was of. */
static void lend_next(struct ctf_stream *s)
{
	const struct ctf_lent *from = s->lent;

	if (!s->n_held)
		return;
	struct ctf_lent *to = &s->held[s->turn];
	s->turn = (s->turn + 1) % s->n_held;
	s->lent = to;
	file_unmap(&to->map);
	if (to->file == s->file && s->file < s->n_files)
		file_drop(&s->files[s->file].map, to->off, s->slack);
	to->file = s->file;
	to->off = s->off + (s->state == STREAM_EVENTS ? s->dec.pos / 8 : 0);
	if (from == to)
		return;
	memcpy(to->slots, from->slots, s->layout->n_locals * sizeof(*to->slots));
	to->pkt = from->pkt;
	to->pkt.slots = to->slots;
	s->info.locals = to->slots;
	decode_move(&s->dec, &to->pkt);
}

/* Done with a file; but batches that are held may lie in it. */
static void leave_file(struct ctf_stream *s, struct ctf_file *f)
{
	if (s->n_held && !s->lent->map.data) {
		s->lent->map = f->map;
		f->map = (struct file_map){ 0 };
	}
	file_unmap(&f->map); // it began and ended since the last batch
}

static bool has_time(const struct packet_info *info, enum packet_field f)
{
	return info->cls && info->cls->cls->clock && packet_has(info, f);
}

/* The packet's time @f, or @other where it has none. */
static int64_t time_of(const struct packet_info *info, enum packet_field f, int64_t other)
{
	return has_time(info, f) ? sonde_clock_ns(info->cls->cls->clock, info->value[f]) : other;
}

/*
 * Does @f tell where the packet lies among others? A shorter number starts again from 0 at times,
 * which only the times of the events before it tell.
 */
static bool is_placed(const struct packet_info *info, enum packet_field f)
{
	return has_time(info, f) && info->len[f] == 64;
}

/* Puts a gap into the batch; at the time of its begin, but not before what came before. */
static void add_gap(struct ctf_stream *s, const struct sonde_gap *gap, struct sonde_batch *b)
{
	const size_t i = b->n;

	struct sonde_gap *to = &s->lent->gaps[i];

	*to = *gap;
	to->stream = &s->pub;
	if (s->file < s->n_files)
		to->path = s->files[s->file].path;
	s->batch[i] = (struct sonde_event){ .u.gap = to };
	s->batch[i].ts_ns = gap->begin_ns > s->dec.ts_ns ? gap->begin_ns : s->dec.ts_ns;
	s->batch[i].cycles = gap->begin_cycles;
	b->n = i + 1;
}

/* Says what is broken at byte @off of the file. */
static void add_cut(struct ctf_stream *s, const char *why, uint64_t off, struct sonde_batch *b)
{
	(void)snprintf(s->lent->why, sizeof(s->lent->why), "%s", why);
	add_gap(s,
		&(struct sonde_gap){ .kind = SONDE_GAP_CUT,
				     .begin_ns = INT64_MIN,
				     .end_ns = INT64_MAX,
				     .off = off,
				     .words = s->lent->why },
		b);
}

/* How much a counter of @len bits went up. */
static uint64_t counted(uint64_t from, uint64_t to, unsigned len)
{
	return len >= 64 ? to - from : (to - from) & ((UINT64_C(1) << len) - 1);
}

/* A gap before the packet that was just read, from the end of the one before. */
static struct sonde_gap gap_between(const struct ctf_stream *s, enum sonde_gap_kind kind,
				    enum packet_field end)
{
	const struct packet_info *from = s->has_prev ? &s->prev : &s->info;
	enum packet_field begin = s->has_prev ? PACKET_TIMESTAMP_END : PACKET_TIMESTAMP_BEGIN;

	return (struct sonde_gap){
		.kind = kind,
		.begin_ns = time_of(from, begin, INT64_MIN),
		.end_ns = time_of(&s->info, end, INT64_MAX),
		.begin_cycles = from->value[begin],
		.end_cycles = s->info.value[end],
		.has_begin = has_time(from, begin),
		.has_end = has_time(&s->info, end),
		.off = s->off,
	};
}

/* Tells what was lost before the packet that was just read. */
static void add_losses(struct ctf_stream *s, struct sonde_batch *b)
{
	const struct packet_info *now = &s->info, *prev = &s->prev;
	const enum packet_field lost = PACKET_EVENTS_DISCARDED, seq = PACKET_SEQ_NUM;

	if (packet_has(now, lost)) {
		const bool since = s->has_prev && packet_has(prev, lost);
		const bool first = packet_has(now, seq) && now->value[seq] == 0;
		const uint64_t n =
			counted(since ? prev->value[lost] : 0, now->value[lost], now->len[lost]);
		struct sonde_gap gap = gap_between(s, SONDE_GAP_LOST_EVENTS, PACKET_TIMESTAMP_END);

		// A counter that went down, or whose begin nobody saw, does not say how many.
		gap.has_count = (since || first) && !(n >> (now->len[lost] - 1));
		gap.count = n;
		if (n)
			add_gap(s, &gap, b);
	}
	if (s->has_prev && packet_has(now, seq) && packet_has(prev, seq)) {
		uint64_t n = counted(prev->value[seq], now->value[seq], now->len[seq]);
		struct sonde_gap gap =
			gap_between(s, SONDE_GAP_LOST_PACKETS, PACKET_TIMESTAMP_BEGIN);

		gap.has_count = true;
		gap.count = n - 1;
		if (n > 1 && !(n >> (now->len[seq] - 1)))
			add_gap(s, &gap, b);
	}
}

/* Fills in the public packet from what was read. */
static void set_packet(struct ctf_stream *s)
{
	const struct packet_info *i = &s->info;
	const struct ctf_file *f = &s->files[s->file];
	struct sonde_packet *pkt = &s->lent->pkt;

	*pkt = (struct sonde_packet){
		.stream = &s->pub,
		.data = f->map.data + s->off,
		.n_bits = i->content_bits,
		.header_at = i->header_at,
		.context_at = i->context_at,
		.slots = i->locals,
		.path = f->path,
		.off = s->off,
		.len = i->len_bytes,
		.begin_ns = time_of(i, PACKET_TIMESTAMP_BEGIN, INT64_MIN),
		.end_ns = time_of(i, PACKET_TIMESTAMP_END, INT64_MAX),
		.has_begin = has_time(i, PACKET_TIMESTAMP_BEGIN),
		.has_end = has_time(i, PACKET_TIMESTAMP_END),
		.has_seq = packet_has(i, PACKET_SEQ_NUM),
		.has_discarded = packet_has(i, PACKET_EVENTS_DISCARDED),
		.cpu = -1,
	};
	pkt->begin_cycles = pkt->has_begin ? i->value[PACKET_TIMESTAMP_BEGIN] : 0;
	pkt->end_cycles = pkt->has_end ? i->value[PACKET_TIMESTAMP_END] : 0;
	pkt->seq = pkt->has_seq ? i->value[PACKET_SEQ_NUM] : 0;
	pkt->discarded = pkt->has_discarded ? i->value[PACKET_EVENTS_DISCARDED] : 0;
	if (packet_has(i, PACKET_CPU_ID) && i->value[PACKET_CPU_ID] <= INT32_MAX)
		pkt->cpu = (int32_t)i->value[PACKET_CPU_ID];
}

/* Reads the beginning of the packet at s->off. */
static int read_info(struct ctf_stream *s)
{
	const struct file_map *m = &s->files[s->file].map;

	s->info.clock = s->dec.w.clock;
	int r = packet_read(s->layout, m->data + s->off, m->len - s->off, &s->info);
	if (r >= 0 && s->info.cls != s->cls) {
		(void)snprintf(s->info.why, sizeof(s->info.why),
			       "a packet of stream class %llu in a stream of class %llu",
			       (unsigned long long)s->info.cls->cls->id,
			       (unsigned long long)s->cls->cls->id);
		r = -EBADMSG;
	}
	return r;
}

/*
 * Finds by the index, if there is one, between which packets of the file the wanted ones are. One
 * more on each side is kept: see unwanted(), which has the last word.
 */
static void narrow(struct ctf_stream *s, const char *path)
{
	const struct sonde_clock *clock = s->cls->cls->clock;
	struct packet_index x;
	size_t first = 0, last = 0;

	if ((s->from_ns == INT64_MIN && s->to_ns == INT64_MAX) || !path || !clock ||
	    index_open(path, s->end, &x) < 0)
		return;
	for (size_t i = 0; i < x.n; i++) {
		const struct index_entry e = index_at(&x, i);

		if (first == i && sonde_clock_ns(clock, e.end) < s->from_ns)
			first = i + 1;
		if (sonde_clock_ns(clock, e.begin) <= s->to_ns)
			last = i;
	}
	// The one before has counters that tell what was lost since; the one before that, too.
	first = first > 2 ? first - 2 : 0;
	const struct index_entry end = index_at(&x, last + 1 < x.n ? last + 1 : last);
	s->off = index_at(&x, first).off;
	s->end = end.off + end.len;
	index_close(&x);
}

/* Makes s->file and s->off a place with bytes. 0: there is none any more. */
static int find_bytes(struct ctf_stream *s)
{
	for (; s->file < s->n_files; s->file++, s->off = 0) {
		struct ctf_file *f = &s->files[s->file];

		if (!f->map.data) {
			int r = file_map(f->path, &f->map);
			if (r < 0)
				return r;
			file_scan(&f->map);
		}
		if (!s->off) {
			s->end = f->map.len;
			narrow(s, f->path);
		}
		if (s->off < s->end)
			return 1;
		leave_file(s, f);
	}
	return 0;
}

/* Behind a broken packet of unknown size: where the next one may be, by its magic number. */
static uint64_t find_magic(const struct ctf_stream *s)
{
	const struct file_map *m = &s->files[s->file].map;
	const bool big = s->layout->trace->big_endian;
	static const uint8_t magic[2][4] = { { 0xc1, 0x1f, 0xfc, 0xc1 },
					     { 0xc1, 0xfc, 0x1f, 0xc1 } };
	const struct sonde_member *first = sonde_type_member(s->layout->header->type, "magic");

	if (!first || first != s->layout->header->type->u.structure.members || m->len - s->off < 5)
		return m->len;
	const uint8_t *p = memmem(m->data + s->off + 1, m->len - s->off - 1, magic[big], 4);
	return p ? (uint64_t)(p - m->data) : m->len;
}

/* Goes behind the packet that was just read. */
static void pass_packet(struct ctf_stream *s)
{
	s->prev = s->info;
	s->has_prev = true;
	s->off += s->info.len_bytes;
	s->state = STREAM_NEXT;
	if (has_time(&s->info, PACKET_TIMESTAMP_END) &&
	    s->info.value[PACKET_TIMESTAMP_END] > s->dec.w.clock)
		s->dec.w.clock = s->info.value[PACKET_TIMESTAMP_END];
}

/* When does the packet behind the one just read begin? False: there is none, or it has no time. */
static bool next_begin(struct ctf_stream *s, int64_t *ret_ns)
{
	const struct file_map *m = &s->files[s->file].map;
	const uint64_t off = s->off + s->info.len_bytes;
	struct packet_info next = { .locals = s->info.locals };

	if (off >= m->len || packet_read(s->layout, m->data + off, m->len - off, &next) < 0 ||
	    !is_placed(&next, PACKET_TIMESTAMP_BEGIN))
		return false;
	*ret_ns = time_of(&next, PACKET_TIMESTAMP_BEGIN, 0);
	return true;
}

/*
 * Is the packet that was just read surely outside of what is wanted? Some tracers write events a
 * little after a packet's end or before its begin, so its neighbours must be outside too.
 */
static bool unwanted(struct ctf_stream *s)
{
	const struct packet_info *i = &s->info;
	int64_t ns;

	if (!is_placed(i, PACKET_TIMESTAMP_BEGIN) || !is_placed(i, PACKET_TIMESTAMP_END))
		return false;
	if (time_of(i, PACKET_TIMESTAMP_BEGIN, 0) > s->to_ns)
		return s->has_prev && time_of(&s->prev, PACKET_TIMESTAMP_END, INT64_MIN) > s->to_ns;
	if (s->from_ns == INT64_MIN || time_of(i, PACKET_TIMESTAMP_END, 0) >= s->from_ns)
		return false;
	bool skip = next_begin(s, &ns) && ns < s->from_ns;
	(void)read_info(s); // its slots again; it succeeded before
	return skip;
}

/* Starts the next packet that is wanted. Puts what is to be said before it into @b. */
static int next_packet(struct ctf_stream *s, struct sonde_batch *b)
{
	int r;

	while ((r = find_bytes(s)) > 0) {
		struct ctf_file *f = &s->files[s->file];

		drop(s, s->off);
		r = read_info(s);
		if (r < 0) {
			add_cut(s, s->info.why, s->off, b);
			s->off = s->info.len_bytes ? s->off + s->info.len_bytes : find_magic(s);
			return 0;
		}
		if (unwanted(s)) {
			file_drop(&f->map, s->off, s->slack);
			pass_packet(s);
			continue;
		}
		add_losses(s, b);
		set_packet(s);
		s->dec.w.clock = s->info.clock;
		decode_packet(&s->dec, &s->lent->pkt, s->info.events_at);
		s->state = STREAM_EVENTS;
		return 0;
	}
	if (r >= 0)
		s->state = STREAM_LAST;
	return r;
}

static void read_events(struct ctf_stream *s, struct sonde_batch *b)
{
	drop(s, s->off + s->dec.pos / 8);
	switch (decode_events(&s->dec, s->batch, s->cap_batch, &b->n)) {
	case DECODE_MORE: break;
	case DECODE_ENDED:
		if (s->info.cut)
			s->state = STREAM_CUT;
		else
			pass_packet(s);
		break;
	case DECODE_CUT: s->state = STREAM_CUT; break;
	}
}

static void end_cut(struct ctf_stream *s, struct sonde_batch *b)
{
	const char *why = s->info.cut ? "the file ends inside a packet" : s->dec.why;

	add_cut(s, why, s->off + s->dec.pos / 8, b);
	pass_packet(s);
}

static void end_stream(struct ctf_stream *s, struct sonde_batch *b)
{
	if (s->dec.backward)
		add_gap(s,
			&(struct sonde_gap){ .kind = SONDE_GAP_BACKWARD,
					     .has_count = true,
					     .count = s->dec.backward,
					     .begin_ns = INT64_MIN,
					     .end_ns = INT64_MAX },
			b);
	s->state = STREAM_DONE;
}

int ctf_stream_next(struct ctf_stream *s, struct sonde_batch *ret)
{
	if (!s->batch) {
		s->batch = calloc(s->cap_batch, sizeof(*s->batch));
		if (!s->batch)
			return sonde_fail(-ENOMEM, "out of memory for a batch");
	}
	struct sonde_batch b = { s->batch, 0 };
	int r = 0;

	lend_next(s);
	while (r >= 0 && !b.n && s->state != STREAM_DONE) {
		switch (s->state) {
		case STREAM_NEXT: r = next_packet(s, &b); break;
		case STREAM_EVENTS: read_events(s, &b); break;
		case STREAM_CUT: end_cut(s, &b); break;
		default: end_stream(s, &b); break;
		}
	}
	if (r < 0)
		return r;
	*ret = b;
	return b.n > 0;
}

void ctf_stream_seek(struct ctf_stream *s, int64_t from_ns, int64_t to_ns)
{
	s->from_ns = from_ns;
	s->to_ns = to_ns;
}

/* What a stream's packets are told to. */
struct piece_taker {
	void (*take)(void *arg, const struct sonde_piece *p);
	void *arg;
};

/* Times that it does not have are on the far sides of all others: it begins last, it ends first. */
static void tell_packet(const struct packet_info *info, const struct piece_taker *to)
{
	const bool has_begin = is_placed(info, PACKET_TIMESTAMP_BEGIN);
	struct sonde_piece p = { .begin_ns = INT64_MAX, .end_ns = INT64_MIN };

	if (has_begin)
		p.begin_ns = p.end_ns = time_of(info, PACKET_TIMESTAMP_BEGIN, 0);
	if (is_placed(info, PACKET_TIMESTAMP_END))
		p.end_ns = time_of(info, PACKET_TIMESTAMP_END, 0);
	p.len = info->len_bytes;
	to->take(to->arg, &p);
}

/* By the index of file @path, @len bytes long. False: there is none. */
static bool tell_by_index(const struct ctf_stream *s, const char *path, uint64_t len,
			  const struct piece_taker *to)
{
	const struct sonde_clock *clock = s->cls->cls->clock;
	struct packet_index x;

	if (!path || !clock || index_open(path, len, &x) < 0)
		return false;
	for (size_t i = 0; i < x.n; i++) {
		const struct index_entry entry = index_at(&x, i);
		const struct sonde_piece p = { sonde_clock_ns(clock, entry.begin),
					       sonde_clock_ns(clock, entry.end), entry.len };

		to->take(to->arg, &p);
	}
	index_close(&x);
	return true;
}

static int tell_file(struct ctf_stream *s, struct ctf_file *f, uint64_t *locals,
		     const struct piece_taker *to)
{
	struct packet_info info = { .locals = locals };
	struct file_map map = f->map;
	int r = map.data ? 0 : file_map(f->path, &map);
	if (r < 0)
		return r;

	const bool indexed = tell_by_index(s, f->path, map.len, to);
	if (!indexed)
		file_hop(&map);
	for (uint64_t off = 0; !indexed && off < map.len; off += info.len_bytes) {
		file_drop(&map, off, s->slack);
		r = packet_read(s->layout, map.data + off, map.len - off, &info);
		if (r < 0 && !info.len_bytes)
			break; // what is wrong is told when it is read
		tell_packet(&info, to);
	}
	if (!f->map.data)
		file_unmap(&map);
	else
		file_scan(&map);
	return 0;
}

static int tell_all(struct ctf_stream *s, const struct piece_taker *to)
{
	sonde_auto(mem_freep) uint64_t *locals = calloc(s->layout->n_locals, sizeof(*locals));
	int r = 0;

	if (!locals)
		return sonde_fail(-ENOMEM, "out of memory for a packet");
	for (size_t i = 0; i < s->n_files && r >= 0; i++)
		r = tell_file(s, &s->files[i], locals, to);
	return r;
}

int ctf_stream_pieces(struct ctf_stream *s, void (*take)(void *arg, const struct sonde_piece *p),
		      void *arg)
{
	return tell_all(s, &(struct piece_taker){ take, arg });
}

static void widen(void *arg, const struct sonde_piece *p)
{
	struct sonde_piece *all = arg;

	all->begin_ns = p->begin_ns < all->begin_ns ? p->begin_ns : all->begin_ns;
	all->end_ns = p->end_ns > all->end_ns ? p->end_ns : all->end_ns;
}

int ctf_stream_span(struct ctf_stream *s, int64_t *ret_begin_ns, int64_t *ret_end_ns)
{
	struct sonde_piece all = { .begin_ns = INT64_MAX, .end_ns = INT64_MIN };
	const int r = ctf_stream_pieces(s, widen, &all);

	if (r < 0)
		return r;
	if (all.begin_ns > all.end_ns)
		return -ENODATA;
	*ret_begin_ns = all.begin_ns;
	*ret_end_ns = all.end_ns;
	return 0;
}
