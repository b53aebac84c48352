/* SPDX-License-Identifier: MIT */
/** sink.stats: what is in a trace. limit=N rows, width=COLUMNS, json=yes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "base/time_text.h"
#include "comp/all.h"
#include "comp/clock_text.h"
#include "comp/gap_note.h"
#include "graph/component.h"

enum { ROWS = 25, TRACES_MOST = 1 << 16, ENV_MOST = 40, COLUMNS_MOST = 16 };

struct class_count {
	const struct sonde_event_class *cls; /* NULL: not seen */
	uint64_t n, bits;
};

struct stream_count {
	const struct sonde_stream *stream; /* NULL: not seen */
	uint64_t n, packets, bytes;
	uint64_t gaps[GAP_KINDS], lost[GAP_KINDS];
	uint64_t off; /* of its latest packet */
	const char *path;
	int32_t cpu;
};

struct sink_stats {
	struct class_count *classes; /* owned; by the class's index */
	size_t cap_classes;
	struct stream_count *streams; /* owned; by the stream's index */
	size_t cap_streams;
	uint64_t n;
	bool timed; /* there was an event of a stream with a clock: these are known */
	int64_t begin_ns, end_ns;
	struct gap_notes gaps;
	struct clock_text clock;
	int64_t limit, width;
	bool json;
};

static int stats_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct sink_stats *s = c->state;
	int r;

	s->limit = -1;
	s->json = param_bool(setup, "json");
	r = param_i64(setup, "limit", &s->limit);
	const char *limit = param_get(setup, "limit");
	if (r >= 0 && limit && s->limit < 0)
		r = sonde_fail(-EINVAL, "limit '%s': want a number of rows, 0 for all", limit);
	return r < 0 ? r : param_i64(setup, "width", &s->width);
}

static void stats_fini(struct sonde_component *c)
{
	struct sink_stats *s = c->state;

	free(s->classes);
	free(s->streams);
	gap_notes_fini(&s->gaps);
}

static int grow_classes(struct sink_stats *s, uint32_t index)
{
	const size_t old = s->cap_classes;
	int r = mem_grow(&s->classes, &s->cap_classes, (size_t)index + 1);

	if (r >= 0)
		memset(s->classes + old, 0, (s->cap_classes - old) * sizeof(*s->classes));
	return r;
}

/* The counts of a stream; NULL: no memory. */
static struct stream_count *stream_of(struct sink_stats *s, const struct sonde_stream *stream)
{
	const size_t old = s->cap_streams;

	if (stream->index >= old) {
		if (mem_grow(&s->streams, &s->cap_streams, (size_t)stream->index + 1) < 0)
			return NULL;
		memset(s->streams + old, 0, (s->cap_streams - old) * sizeof(*s->streams));
	}
	struct stream_count *st = &s->streams[stream->index];
	if (!st->stream) {
		st->stream = stream;
		st->cpu = -1;
	}
	return st;
}

static int take_gap(struct sonde_component *c, const struct sonde_gap *gap)
{
	struct sink_stats *s = c->state;

	if (gap->stream && (unsigned)gap->kind < GAP_KINDS) {
		struct stream_count *st = stream_of(s, gap->stream);
		if (!st)
			return -ENOMEM;
		st->gaps[gap->kind]++;
		st->lost[gap->kind] += gap->has_count ? gap->count : 0;
	}
	// What the tables count needs no words; where a packet is broken does.
	return gap->kind == SONDE_GAP_CUT ? gap_notes_tell(&s->gaps, &c->setup, &s->clock, gap) : 0;
}

static void take_packet(struct stream_count *st, const struct sonde_packet *p)
{
	if (st->packets && st->off == p->off && st->path == p->path)
		return;
	st->off = p->off;
	st->path = p->path;
	st->cpu = p->cpu;
	st->packets++;
	st->bytes += p->len;
}

static int stats_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink_stats *s = c->state;
	const struct sonde_packet *last = NULL;
	struct stream_count *st = NULL;
	bool has_clock = false;
	uint64_t gaps = 0;

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];

		if (__builtin_expect(!e->cls, 0)) {
			int r = take_gap(c, e->u.gap);
			if (r < 0)
				return r;
			last = NULL;
			gaps++;
			continue;
		}
		if (e->u.pkt != last) {
			last = e->u.pkt;
			st = stream_of(s, last->stream);
			if (!st)
				return -ENOMEM;
			take_packet(st, last);
			has_clock = last->stream->cls->clock;
		}
		const uint32_t index = e->cls->index;
		if (__builtin_expect(index >= s->cap_classes, 0) && grow_classes(s, index) < 0)
			return -ENOMEM;
		struct class_count *cc = &s->classes[index];
		cc->cls = e->cls;
		cc->n++;
		cc->bits += e->end;
		sonde_dcheck(st); // the first event has made it
		st->n++;
		if (!has_clock)
			continue;
		if (__builtin_expect(!s->timed, 0)) {
			s->timed = true;
			s->begin_ns = s->end_ns = e->ts_ns;
		}
		// Streams may step back in time.
		s->end_ns = e->ts_ns > s->end_ns ? e->ts_ns : s->end_ns;
	}
	s->n += in->n - gaps;
	return 0;
}

/* The result. */

static const struct table_column class_columns[] = {
	{ "trace_path", NULL, TABLE_TEXT },
	{ "name", "EVENT", TABLE_TEXT },
	{ "count", "COUNT", TABLE_COUNT },
	{ "share", "SHARE", TABLE_PERCENT },
	{ "rate", "RATE", TABLE_RATE },
	{ "bytes", "BYTES", TABLE_BYTES },
	{ "bytes_share", "SHARE", TABLE_PERCENT },
	{ "event_bytes", "EACH", TABLE_COUNT },
	{ "id", NULL, TABLE_ID },
	{ "stream_class", NULL, TABLE_ID },
	{ "trace", NULL, TABLE_ID },
};

static const struct table_column stream_columns[] = {
	{ "trace_path", NULL, TABLE_TEXT },
	{ "path", "STREAM", TABLE_TEXT },
	{ "trace", NULL, TABLE_ID },
	{ "stream_class", NULL, TABLE_ID },
	{ "id", NULL, TABLE_ID },
	{ "cpu", "CPU", TABLE_ID },
	{ "events", "EVENTS", TABLE_COUNT },
	{ "rate", NULL, TABLE_RATE },
	{ "packets", "PACKETS", TABLE_COUNT },
	{ "bytes", "BYTES", TABLE_BYTES },
	{ "lost_events", "LOST", TABLE_COUNT },
	{ "lost_packets", "PACKETS LOST", TABLE_COUNT },
	{ "cut_packets", "CUT", TABLE_COUNT },
	{ "backward", "BACKWARD", TABLE_COUNT },
};

static double span_s(const struct sink_stats *s)
{
	return ((double)s->end_ns - (double)s->begin_ns) / 1e9;
}

static void add_rate(struct table *t, const struct sink_stats *s, uint64_t n)
{
	if (s->end_ns > s->begin_ns)
		table_real(t, (double)n / span_s(s));
	else
		table_none(t);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static const char *trace_name(const struct sink_stats *s, const struct sonde_trace *t)
{
	return s->json ? t->path : base_name(t->path);
}

static void fill_classes(const struct sink_stats *s, struct table *t)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < s->cap_classes; i++)
		bits += s->classes[i].bits;
	for (size_t i = 0; i < s->cap_classes; i++) {
		const struct class_count *c = &s->classes[i];
		if (!c->cls)
			continue;

		const struct sonde_stream_class *sc = c->cls->stream_class;
		table_str(t, trace_name(s, sc->trace));
		table_str(t, c->cls->name);
		table_int(t, (int64_t)c->n);
		table_real(t, percent(c->n, s->n));
		add_rate(t, s, c->n);
		table_int(t, (int64_t)((c->bits + 7) / 8));
		table_real(t, percent(c->bits, bits));
		table_int(t, (int64_t)((c->bits / c->n + 7) / 8));
		table_int(t, (int64_t)c->cls->id);
		table_int(t, (int64_t)sc->id);
		table_int(t, sc->trace->index);
	}
}

static void fill_streams(const struct sink_stats *s, struct table *t)
{
	for (size_t i = 0; i < s->cap_streams; i++) {
		const struct stream_count *st = &s->streams[i];
		if (!st->stream)
			continue;

		table_str(t, trace_name(s, st->stream->cls->trace));
		table_str(t, s->json ? st->stream->path : base_name(st->stream->path));
		table_int(t, st->stream->cls->trace->index);
		table_int(t, (int64_t)st->stream->cls->id);
		if (st->stream->has_id)
			table_int(t, (int64_t)st->stream->id);
		else
			table_none(t);
		if (st->cpu >= 0)
			table_int(t, st->cpu);
		else
			table_none(t);
		table_int(t, (int64_t)st->n);
		add_rate(t, s, st->n);
		table_int(t, (int64_t)st->packets);
		table_int(t, (int64_t)st->bytes);
		table_int(t, (int64_t)st->lost[SONDE_GAP_LOST_EVENTS]);
		table_int(t, (int64_t)st->lost[SONDE_GAP_LOST_PACKETS]);
		table_int(t, (int64_t)st->gaps[SONDE_GAP_CUT]);
		table_int(t, (int64_t)st->gaps[SONDE_GAP_BACKWARD]);
	}
}

static uint64_t sum_gaps(const struct sink_stats *s, enum sonde_gap_kind kind, bool counts)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->cap_streams; i++)
		n += counts ? s->streams[i].lost[kind] : s->streams[i].gaps[kind];
	return n;
}

/* The traces whose events were seen, by index; their number may be anything up to @n. */
static size_t find_traces(const struct sink_stats *s, const struct sonde_trace **ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < s->cap_streams; i++) {
		const struct sonde_stream *st = s->streams[i].stream;
		bool known = !st;

		for (size_t k = 0; k < n && !known; k++)
			known = ret[k] == st->cls->trace;
		if (!known && n < most)
			ret[n++] = st->cls->trace;
	}
	return n;
}

static void uuid_text(const uint8_t *uuid, char *ret)
{
	for (int i = 0; i < 16; i++)
		ret += snprintf(ret, 4, "%02x%s", uuid[i],
				i == 3 || i == 5 || i == 7 || i == 9 ? "-" : "");
}

static void json_clock(struct json *j, const struct sonde_clock *c)
{
	json_object(j, NULL);
	json_str(j, "name", c->name);
	json_uint(j, "freq", c->freq);
	json_int(j, "offset_s", c->offset_s);
	json_uint(j, "offset", c->offset);
	json_uint(j, "precision", c->precision);
	json_bool(j, "absolute", c->absolute);
	json_bool(j, "unix", c->is_unix);
	json_end_object(j);
}

static void json_trace(struct json *j, const struct sonde_trace *t)
{
	char uuid[40];

	json_object(j, NULL);
	json_uint(j, "index", t->index);
	json_str(j, "path", t->path);
	if (t->has_uuid)
		uuid_text(t->uuid, uuid);
	json_str(j, "uuid", t->has_uuid ? uuid : NULL);
	json_str(j, "byte_order", t->big_endian ? "be" : "le");
	json_object(j, "environment");
	for (size_t i = 0; i < t->n_env; i++) {
		if (t->env[i].str)
			json_str(j, t->env[i].name, t->env[i].str);
		else
			json_int(j, t->env[i].name, t->env[i].num);
	}
	json_end_object(j);
	json_array(j, "clocks");
	for (size_t i = 0; i < t->n_clocks; i++)
		json_clock(j, t->clocks[i]);
	json_end_array(j);
	json_end_object(j);
}

static int by_name(const void *pa, const void *pb)
{
	const struct class_count *a = pa, *b = pb;

	if (!a->cls || !b->cls)
		return (b->cls != NULL) - (a->cls != NULL);
	return strcmp(a->cls->name, b->cls->name);
}

/* Counts by name: classes of several traces or streams that share one are one. */
static int json_names(const struct sink_stats *s, struct json *j)
{
	sonde_auto(mem_freep) struct class_count *sorted =
		calloc(s->cap_classes + 1, sizeof(*sorted));

	if (!sorted)
		return sonde_fail(-ENOMEM, "out of memory for the classes");
	if (s->cap_classes) {
		memcpy(sorted, s->classes, s->cap_classes * sizeof(*sorted));
		qsort(sorted, s->cap_classes, sizeof(*sorted), by_name);
	}
	json_object(j, "classes");
	for (size_t i = 0; i < s->cap_classes && sorted[i].cls; i++) {
		if (sorted[i + 1].cls && !strcmp(sorted[i].cls->name, sorted[i + 1].cls->name))
			sorted[i + 1].n += sorted[i].n;
		else
			json_uint(j, sorted[i].cls->name, sorted[i].n);
	}
	json_end_object(j);
	return 0;
}

static int write_json(const struct sink_stats *s, struct sonde_out *out,
		      const struct table *classes, const struct table *streams,
		      const struct sonde_trace **traces, size_t n)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_uint(&j, "events", s->n);
	json_uint(&j, "lost_events", sum_gaps(s, SONDE_GAP_LOST_EVENTS, true));
	json_uint(&j, "lost_packets", sum_gaps(s, SONDE_GAP_LOST_PACKETS, true));
	json_uint(&j, "cut_packets", sum_gaps(s, SONDE_GAP_CUT, false));
	json_uint(&j, "backward", sum_gaps(s, SONDE_GAP_BACKWARD, false));
	if (s->timed) {
		json_int(&j, "begin_ns", s->begin_ns);
		json_int(&j, "end_ns", s->end_ns);
	} else {
		json_null(&j, "begin_ns");
		json_null(&j, "end_ns");
	}
	int r = json_names(s, &j);
	if (r >= 0)
		r = table_json(streams, &j, "streams");
	if (r >= 0)
		r = table_json(classes, &j, "event_classes");
	json_array(&j, "traces");
	for (size_t i = 0; i < n; i++)
		json_trace(&j, traces[i]);
	json_end_array(&j);
	json_end_object(&j);
	return r;
}

static void print_trace(struct sonde_out *out, const struct sonde_trace *t)
{
	char uuid[40];
	int width = (int)strlen("byte order");

	for (size_t i = 0; i < t->n_env; i++) {
		const size_t len = strlen(t->env[i].name);

		width = len < ENV_MOST && (int)len > width ? (int)len : width;
	}
	out_fmt(out, "Trace %s\n", t->path ? t->path : "?");
	if (t->has_uuid) {
		uuid_text(t->uuid, uuid);
		out_fmt(out, "  %-*s  %s\n", width, "uuid", uuid);
	}
	out_fmt(out, "  %-*s  %s\n", width, "byte order",
		t->big_endian ? "big endian" : "little endian");
	for (size_t i = 0; i < t->n_env; i++) {
		out_fmt(out, "  %-*s  ", width, t->env[i].name);
		if (t->env[i].str)
			out_fmt(out, "%s\n", t->env[i].str);
		else
			out_fmt(out, "%" PRId64 "\n", t->env[i].num);
	}
	for (size_t i = 0; i < t->n_clocks; i++) {
		char freq[TABLE_VALUE_MOST];

		table_count(t->clocks[i]->freq, freq);
		out_fmt(out,
			"  %-*s  %s, %s Hz, begins %" PRId64 " s and %" PRIu64
			" cycles after its origin\n",
			width, "clock", t->clocks[i]->name ? t->clocks[i]->name : "?", freq,
			t->clocks[i]->offset_s, t->clocks[i]->offset);
	}
	out_str(out, "\n");
}

static void print_span(const struct sink_stats *s, struct sonde_out *out)
{
	char n[TABLE_VALUE_MOST], span[TABLE_VALUE_MOST], rate[TABLE_VALUE_MOST];
	char begin[TIME_TEXT_MOST], end[TIME_TEXT_MOST];

	table_count(s->n, n);
	if (!s->n) {
		out_str(out, "No events\n");
		return;
	}
	if (!s->timed) {
		out_fmt(out, "%s events, without times\n", n);
		return;
	}
	table_ns(ns_between(s->begin_ns, s->end_ns), span);
	time_text(s->begin_ns, begin);
	time_text(s->end_ns, end);
	out_fmt(out, "%s events in %s", n, span);
	if (s->end_ns > s->begin_ns) {
		const struct table_cell c = { TABLE_REAL, { .d = (double)s->n / span_s(s) } };

		table_value(TABLE_RATE, &c, rate);
		out_fmt(out, ", %s", rate);
	}
	out_fmt(out, "\n  begin  %s  (%" PRId64 " ns)\n  end    %s  (%" PRId64 " ns)\n", begin,
		s->begin_ns, end, s->end_ns);
}

static void print_losses(const struct sink_stats *s, struct sonde_out *out)
{
	static const struct {
		enum sonde_gap_kind kind;
		bool counts;
		const char *words;
	} losses[] = {
		{ SONDE_GAP_LOST_EVENTS, true, "events lost" },
		{ SONDE_GAP_LOST_PACKETS, true, "packets lost" },
		{ SONDE_GAP_CUT, false, "packets cut short" },
		{ SONDE_GAP_BACKWARD, false, "streams step back in time" },
	};
	bool some = false;

	out_str(out, "  losses ");
	for (size_t i = 0; i < MEM_LEN(losses); i++) {
		const uint64_t v = sum_gaps(s, losses[i].kind, losses[i].counts);
		char text[TABLE_VALUE_MOST];

		if (!v && !sum_gaps(s, losses[i].kind, false))
			continue;
		table_count(v, text);
		out_fmt(out, "%s%s %s", some ? ", " : " ", text, losses[i].words);
		some = true;
	}
	out_str(out, some ? "\n" : " none\n");
}

static int print_text(const struct sink_stats *s, struct sonde_out *out, struct table *classes,
		      struct table *streams, const struct sonde_trace **traces, size_t n)
{
	const size_t most = s->limit < 0 ? ROWS : (size_t)s->limit;

	for (size_t i = 0; i < n; i++)
		print_trace(out, traces[i]);
	print_span(s, out);
	print_losses(s, out);
	if (!s->n)
		return 0;

	out_str(out, "\nStreams\n");
	size_t rest = table_limit(streams, most);
	int r = table_print(streams, out, 2, (unsigned)s->width);
	if (r >= 0 && rest)
		out_fmt(out, "  ... and %zu more (--limit 0 shows all)\n", rest);
	if (r < 0)
		return r;
	out_str(out, "\nEvents\n");
	rest = table_limit(classes, most);
	r = table_print(classes, out, 2, (unsigned)s->width);
	if (r >= 0 && rest)
		out_fmt(out, "  ... and %zu more (--limit 0 shows all)\n", rest);
	return r;
}

/* People see which trace it is where there are several, and which losses where there are any. */
static void choose_columns(const struct sink_stats *s, size_t n_traces,
			   struct table_column *ret_classes, struct table_column *ret_streams)
{
	static const struct {
		const char *key;
		enum sonde_gap_kind kind;
	} losses[] = {
		{ "lost_packets", SONDE_GAP_LOST_PACKETS },
		{ "cut_packets", SONDE_GAP_CUT },
		{ "backward", SONDE_GAP_BACKWARD },
	};

	memcpy(ret_classes, class_columns, sizeof(class_columns));
	memcpy(ret_streams, stream_columns, sizeof(stream_columns));
	if (n_traces > 1)
		ret_classes[0].head = ret_streams[0].head = "TRACE";
	for (size_t i = 0; i < MEM_LEN(stream_columns); i++) {
		for (size_t k = 0; k < MEM_LEN(losses); k++) {
			if (!strcmp(ret_streams[i].key, losses[k].key) &&
			    !sum_gaps(s, losses[k].kind, false))
				ret_streams[i].head = NULL;
		}
	}
}

static int stats_finish(struct sonde_component *c)
{
	struct sink_stats *s = c->state;
	const struct sonde_trace **traces = calloc(TRACES_MOST, sizeof(*traces));
	struct table_column class_cols[COLUMNS_MOST], stream_cols[COLUMNS_MOST];
	struct table classes, streams;

	if (!traces)
		return sonde_fail(-ENOMEM, "out of memory for the traces");
	gap_notes_finish(&s->gaps, &c->setup);
	const size_t n = find_traces(s, traces, TRACES_MOST);
	choose_columns(s, n, class_cols, stream_cols);
	table_init(&classes, class_cols, MEM_LEN(class_columns));
	table_init(&streams, stream_cols, MEM_LEN(stream_columns));
	fill_classes(s, &classes);
	fill_streams(s, &streams);
	int r = table_sort(&classes, "count");
	if (r >= 0 && s->json)
		r = write_json(s, c->setup.out, &classes, &streams, traces, n);
	else if (r >= 0)
		r = print_text(s, c->setup.out, &classes, &streams, traces, n);
	table_fini(&classes);
	table_fini(&streams);
	free(traces);
	return r;
}

const struct sonde_component_class sink_stats = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.stats",
	.help = "Count events, bytes, losses and streams, and show the span and environment.",
	.state_size = sizeof(struct sink_stats),
	.init = stats_init,
	.fini = stats_fini,
	.consume = stats_consume,
	.finish = stats_finish,
};
