/* SPDX-License-Identifier: MIT */
/**
 * sink.text: events as text, byte for byte as babeltrace2 2.0.4 prints them.
 *
 *   [18:39:19.831503327] (+0.000080318) host sched_wakeup: { cpu_id = 1 }, { comm = "a", tid = 7 }
 *   | time, per event                  | per class        | per packet    | per event
 *
 * What is the same for all events of a class, or of a packet, is made once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "comp/all.h"
#include "comp/class_program.h"
#include "comp/clock_text.h"
#include "comp/gap_note.h"
#include "comp/packet_text.h"
#include "comp/print.h"
#include "comp/text_choice.h"
#include "graph/component.h"

enum { NS = 1000000000 };

struct sink_text {
	struct text_choice choice;
	struct clock_text clock;
	bool cycles, no_delta;

	/* The event before, and the time to it. In cycles, all ones is what is not known. */
	bool has_last, has_delta;
	int64_t last_ns, delta_ns;
	uint64_t last_cycles, delta_cycles;

	struct class_programs classes;
	struct packet_texts packets;
	struct gap_notes gaps;
	struct print_run run;
};

static void text_fini(struct sonde_component *c)
{
	struct sink_text *s = c->state;

	class_programs_fini(&s->classes);
	packet_texts_fini(&s->packets);
	gap_notes_fini(&s->gaps);
}

/* Fixed text on its way into a program, with the commas that babeltrace2 puts before a field. */
struct header {
	struct print_program *pr;
	bool names;
	bool started; /* something without a comma behind stands before */
	bool some;    /* a field was written */
};

static void add_comma(struct header *h)
{
	if (!h->started)
		print_add_text(h->pr, ", ");
}

/* One of the fields between the time and the event's name. */
static void add_field(struct header *h, const char *name, const char *value)
{
	add_comma(h);
	if (h->names) {
		print_add_text(h->pr, name);
		print_add_text(h->pr, " = ");
	} else if (h->some && strcmp(name, "trace:hostname") != 0) {
		print_add_text(h->pr, ":");
	}
	print_add_text(h->pr, value);
	h->some = true;
}

static void add_env(struct header *h, const struct sonde_trace *t, const char *shown,
		    const char *name)
{
	const struct sonde_env *e = sonde_trace_env(t, name);
	char text[FMT_MOST + 3] = "(";

	if (e && e->str && strcmp(name, "vpid") != 0) {
		add_field(h, shown, e->str);
	} else if (e && !e->str && !strcmp(name, "vpid")) {
		char *end = fmt_i64(text + 1, e->num);

		end[0] = ')';
		end[1] = '\0';
		add_field(h, shown, text);
	}
}

static void add_loglevel(struct header *h, int64_t level)
{
	static const char *const names[] = {
		"TRACE_EMERG (0)",
		"TRACE_ALERT (1)",
		"TRACE_CRIT (2)",
		"TRACE_ERR (3)",
		"TRACE_WARNING (4)",
		"TRACE_NOTICE (5)",
		"TRACE_INFO (6)",
		"TRACE_DEBUG_SYSTEM (7)",
		"TRACE_DEBUG_PROGRAM (8)",
		"TRACE_DEBUG_PROCESS (9)",
		"TRACE_DEBUG_MODULE (10)",
		"TRACE_DEBUG_UNIT (11)",
		"TRACE_DEBUG_FUNCTION (12)",
		"TRACE_DEBUG_LINE (13)",
		"TRACE_DEBUG (14)",
	};

	if (level >= 0 && level < (int64_t)MEM_LEN(names))
		add_field(h, "loglevel", names[level]);
}

static void add_trace_name(struct header *h, const struct sonde_trace *t)
{
	const struct sonde_env *host = sonde_trace_env(t, "hostname");
	const char *name = t->name ? t->name : host && host->str ? host->str : "";

	add_comma(h);
	if (h->names)
		print_add_text(h->pr, "trace = ");
	print_add_text(h->pr, name);
	if (h->names)
		print_add_text(h->pr, ", ");
}

/* All that is fixed from behind the time to behind the event's name. */
static void add_header(const struct sink_text *s, struct print_program *pr,
		       const struct sonde_event_class *cls)
{
	const struct sonde_trace *t = cls->stream_class->trace;
	const bool *fields = s->choice.fields;
	struct header h = { .pr = pr, .names = s->choice.names[NAME_HEADER] };

	h.started = !(h.names && cls->stream_class->clock);
	if (fields[FIELD_TRACE])
		add_trace_name(&h, t);
	if (fields[FIELD_HOSTNAME])
		add_env(&h, t, "trace:hostname", "hostname");
	if (fields[FIELD_DOMAIN])
		add_env(&h, t, "trace:domain", "domain");
	if (fields[FIELD_PROCNAME])
		add_env(&h, t, "trace:procname", "procname");
	if (fields[FIELD_VPID])
		add_env(&h, t, "trace:vpid", "vpid");
	if (fields[FIELD_LOGLEVEL])
		add_loglevel(&h, cls->loglevel);
	if (fields[FIELD_EMF] && cls->uri && *cls->uri)
		add_field(&h, "model.emf.uri", cls->uri);
	if (h.some && !h.names)
		print_add_text(pr, " ");
	add_comma(&h);
	if (h.names)
		print_add_text(pr, "name = ");
	print_add_text(pr, *cls->name ? cls->name : "<unknown>");
	print_add_text(pr, h.names ? ", " : ": ");
}

static void add_scopes(const struct sink_text *s, struct print_program *pr,
		       const struct sonde_event_class *cls)
{
	const struct sonde_stream_class *sc = cls->stream_class;
	const struct {
		enum sonde_scope scope;
		const struct sonde_type *type;
		const char *shown;
		enum text_name names;
	} scopes[] = {
		{ SONDE_SCOPE_PACKET_CONTEXT, sc->packet_context,
		  "stream.packet.context = ", NAME_CONTEXT },
		{ SONDE_SCOPE_STREAM_CONTEXT, sc->event_context,
		  "stream.event.context = ", NAME_CONTEXT },
		{ SONDE_SCOPE_EVENT_CONTEXT, cls->context, "event.context = ", NAME_CONTEXT },
		{ SONDE_SCOPE_PAYLOAD, cls->payload, "event.fields = ", NAME_PAYLOAD },
	};
	bool is_first = true;

	for (size_t i = 0; i < MEM_LEN(scopes); i++) {
		if (!print_has_scope(scopes[i].scope, scopes[i].type)) {
			print_add_hidden(pr, scopes[i].scope, scopes[i].type, cls);
			continue;
		}
		print_add_text(pr, is_first ? "" : ", ");
		is_first = false;
		if (s->choice.names[NAME_SCOPE])
			print_add_text(pr, scopes[i].shown);
		pr->style.names = s->choice.names[scopes[i].names];
		if (scopes[i].scope == SONDE_SCOPE_PACKET_CONTEXT)
			print_add_packet(pr);
		else
			print_add_scope(pr, scopes[i].scope, scopes[i].type);
	}
	print_add_text(pr, "\n");
}

/* Makes the program of a class that is met for the first time. */
static void text_make(void *arg, struct print_program *pr, const struct sonde_event_class *cls)
{
	const struct sink_text *s = arg;

	add_header(s, pr, cls);
	print_add_hidden(pr, SONDE_SCOPE_EVENT_HEADER, cls->stream_class->event_header, cls);
	add_scopes(s, pr, cls);
}

static int text_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct sink_text *s = c->state;

	if (!setup->out)
		return sonde_fail(-EINVAL, "sink.text has no output");
	text_choice_init(&s->choice);
	s->clock.seconds = param_bool(setup, "clock-seconds");
	s->clock.gmt = param_bool(setup, "clock-gmt");
	s->clock.date = param_bool(setup, "clock-date");
	s->cycles = param_bool(setup, "clock-cycles");
	s->no_delta = param_bool(setup, "no-delta");
	for (size_t i = 0; i < setup->n_params; i++) {
		const struct sonde_param *p = &setup->params[i];
		int r = 0;

		if (!strcmp(p->key, "names"))
			r = text_choice_names(&s->choice, p->value);
		else if (!strcmp(p->key, "fields"))
			r = text_choice_fields(&s->choice, p->value);
		if (r < 0)
			return r;
	}
	s->last_cycles = UINT64_MAX;
	s->delta_cycles = UINT64_MAX;
	s->run.out = setup->out;
	s->classes = (struct class_programs){ .make = text_make, .arg = s };
	s->packets.style.names = s->choice.names[NAME_CONTEXT];
	return 0;
}

static char *put_str(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

static char *put_delta(const struct sink_text *s, char *p)
{
	if (s->cycles && s->delta_cycles == UINT64_MAX)
		return put_str(p, "+????????????", 13);
	if (!s->cycles && !s->has_delta)
		return put_str(p, "+?.?????????", 12);
	if (s->cycles) {
		*p++ = '+';
		return fmt_u64_pad(p, s->delta_cycles, 12);
	}
	// Events come in order of time, but where a stream steps back there is no better word.
	const bool back = s->delta_ns < 0;
	const uint64_t delta = back ? 0 - (uint64_t)s->delta_ns : (uint64_t)s->delta_ns;
	*p++ = back ? '-' : '+';
	p = fmt_u64(p, delta / NS);
	*p++ = '.';
	return fmt_nine(p, (uint32_t)(delta % NS));
}

/*
 * Keeps the time and the delta to it. Clock values and times of -1 stand for none in babeltrace2,
 * so that the delta behind them is the one before.
 */
static void note_time(struct sink_text *s, const struct sonde_event *e)
{
	if (s->last_cycles != UINT64_MAX)
		s->delta_cycles = e->cycles - s->last_cycles;
	s->last_cycles = e->cycles;
	if (s->has_last) {
		s->delta_ns = (int64_t)((uint64_t)e->ts_ns - (uint64_t)s->last_ns);
		s->has_delta = true;
	}
	s->last_ns = e->ts_ns;
	s->has_last = e->ts_ns != -1;
}

/* "[time] (delta) ", or "timestamp = time, delta = delta". */
static char *put_time(struct sink_text *s, char *p, const struct sonde_event *e)
{
	const bool names = s->choice.names[NAME_HEADER];

	note_time(s, e);
	p = names ? put_str(p, "timestamp = ", 12) : put_str(p, "[", 1);
	p = s->cycles ? fmt_u64_pad(p, e->cycles, 20) : clock_text_put(&s->clock, p, e->ts_ns);
	if (!names)
		p = put_str(p, "] ", 2);
	if (s->no_delta)
		return p;
	p = names ? put_str(p, ", delta = ", 10) : put_str(p, "(", 1);
	p = put_delta(s, p);
	return names ? p : put_str(p, ") ", 2);
}

static int text_event(struct sink_text *s, const struct sonde_event *e)
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
	if (e->cls->stream_class->clock)
		run->p = put_time(s, run->p, e);
	print_run(pr, run);
	print_finish(run);
	return 0;
}

static int text_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sink_text *s = c->state;

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];
		int r = e->cls ? text_event(s, e)
			       : gap_notes_tell(&s->gaps, &c->setup, &s->clock, e->u.gap);
		if (r < 0)
			return r;
	}
	return c->setup.out->err ? out_flush(c->setup.out) : 0;
}

static int text_finish(struct sonde_component *c)
{
	struct sink_text *s = c->state;

	gap_notes_finish(&s->gaps, &c->setup);
	return out_flush(c->setup.out);
}

const struct sonde_component_class sink_text = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.text",
	.help = "Print events as text, as babeltrace2 does.",
	.state_size = sizeof(struct sink_text),
	.init = text_init,
	.fini = text_fini,
	.consume = text_consume,
	.finish = text_finish,
};
