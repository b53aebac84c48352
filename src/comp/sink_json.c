/* SPDX-License-Identifier: MIT */
/**
 * sink.json: one object a line.
 *
 *   {"ts_ns":1412663638000000123,"event":"sched_switch","trace":"host","stream":"chan0_1","cpu":1,
 *    "packet_context":{..},"stream_context":{..},"context":{..},"fields":{"next_tid":7,..}}
 *   {"ts_ns":..,"gap":"lost_events","count":5,"begin_ns":..,"end_ns":..,"stream":".."}
 *
 * What is not there has no key. Integers are exact, so readers should keep 64 bits; reals are the
 * shortest text of the same double, NaN and infinities the strings "nan", "-nan", "inf", "-inf".
 * An enumeration is {"labels":["A"],"value":1}, without labels where none fits. A variant is its
 * option. Strings are UTF-8: see escape.h for bytes that are none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "comp/all.h"
#include "comp/class_program.h"
#include "comp/gap_note.h"
#include "comp/packet_text.h"
#include "comp/print.h"
#include "graph/component.h"

struct sink_json {
	struct class_programs classes;
	struct packet_texts packets;
	struct print_run run;
};

static void json_fini(struct sonde_component *c)
{
	struct sink_json *s = c->state;

	class_programs_fini(&s->classes);
	packet_texts_fini(&s->packets);
}

static void add_scopes(struct print_program *pr, const struct sonde_event_class *cls)
{
	const struct {
		enum sonde_scope scope;
		const struct sonde_type *type;
		const char *key;
	} scopes[] = {
		{ SONDE_SCOPE_STREAM_CONTEXT, cls->stream_class->event_context,
		  ",\"stream_context\":" },
		{ SONDE_SCOPE_EVENT_CONTEXT, cls->context, ",\"context\":" },
		{ SONDE_SCOPE_PAYLOAD, cls->payload, ",\"fields\":" },
	};

	for (size_t i = 0; i < MEM_LEN(scopes); i++) {
		if (!print_has_scope(scopes[i].scope, scopes[i].type)) {
			print_add_hidden(pr, scopes[i].scope, scopes[i].type, cls);
			continue;
		}
		print_add_text(pr, scopes[i].key);
		print_add_scope(pr, scopes[i].scope, scopes[i].type);
	}
	print_add_text(pr, "}\n");
}

/* Makes the program of a class that is met for the first time. */
static void json_make(void *arg, struct print_program *pr, const struct sonde_event_class *cls)
{
	char level[FMT_MOST + 1];

	(void)arg;
	pr->style.json = true;
	print_add_text(pr, "\"event\":");
	print_add_quoted(pr, cls->name);
	if (cls->loglevel >= 0) {
		*fmt_i64(level, cls->loglevel) = '\0';
		print_add_text(pr, ",\"loglevel\":");
		print_add_text(pr, level);
	}
	print_add_packet(pr);
	print_add_hidden(pr, SONDE_SCOPE_EVENT_HEADER, cls->stream_class->event_header, cls);
	add_scopes(pr, cls);
}

static int json_init_sink(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct sink_json *s = c->state;

	if (!setup->out)
		return sonde_fail(-EINVAL, "sink.json has no output");
	s->run.out = setup->out;
	s->classes = (struct class_programs){ .make = json_make, .arg = s };
	s->packets.style.json = true;
	return 0;
}

static int json_event(struct sink_json *s, const struct sonde_event *e)
{
	struct print_run *run = &s->run;
	const struct print_program *pr;

	run->event = e;
	run->pkt = e->u.pkt;
	int r = class_programs_get(&s->classes, e->cls, run, &pr);
	if (r >= 0)
		r = packet_texts_get(&s->packets, run);
	if (r < 0)
		return r;
	print_begin(run);
	if (e->cls->stream_class->clock) {
		memcpy(run->p, "{\"ts_ns\":", 9);
		run->p = fmt_i64(run->p + 9, e->ts_ns);
		*run->p++ = ',';
	} else {
		*run->p++ = '{';
	}
	print_run(pr, run);
	print_finish(run);
	return 0;
}

static void put_number(struct print_run *run, const char *key, int64_t v, bool is_unsigned)
{
	const size_t len = strlen(key);

	memcpy(run->p, key, len);
	run->p = is_unsigned ? fmt_u64(run->p + len, (uint64_t)v) : fmt_i64(run->p + len, v);
}

static void put_text(struct print_run *run, const char *key, const char *s)
{
	const size_t len = strlen(key);

	if (!s)
		return;
	memcpy(run->p, key, len);
	run->p += len;
	print_quoted(run, true, (struct sonde_span){ (const uint8_t *)s, strlen(s) });
}

static void json_gap(struct sink_json *s, const struct sonde_event *e)
{
	const struct sonde_gap *g = e->u.gap;
	struct print_run *run = &s->run;

	print_begin(run);
	put_number(run, "{\"ts_ns\":", e->ts_ns, false);
	put_text(run, ",\"gap\":", gap_kind_name(g->kind));
	if (g->has_count)
		put_number(run, ",\"count\":", (int64_t)g->count, true);
	if (g->begin_ns != INT64_MIN)
		put_number(run, ",\"begin_ns\":", g->begin_ns, false);
	if (g->end_ns != INT64_MAX)
		put_number(run, ",\"end_ns\":", g->end_ns, false);
	put_text(run, ",\"stream\":", g->stream ? g->stream->path : NULL);
	put_text(run, ",\"path\":", g->path);
	if (g->path)
		put_number(run, ",\"offset\":", (int64_t)g->off, true);
	put_text(run, ",\"words\":", g->words);
	memcpy(run->p, "}\n", 2);
	run->p += 2;
	print_finish(run);
}

static int json_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink_json *s = c->state;

	for (size_t i = 0; i < in->n; i++) {
		int r = 0;

		if (in->events[i].cls)
			r = json_event(s, &in->events[i]);
		else
			json_gap(s, &in->events[i]);
		if (r < 0)
			return r;
	}
	return c->setup.out->err ? out_flush(c->setup.out) : 0;
}

static int json_finish(struct sonde_component *c)
{
	return out_flush(c->setup.out);
}

const struct sonde_component_class sink_json = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.json",
	.help = "Print events as JSON, one object a line.",
	.state_size = sizeof(struct sink_json),
	.init = json_init_sink,
	.fini = json_fini,
	.consume = json_consume,
	.finish = json_finish,
};
