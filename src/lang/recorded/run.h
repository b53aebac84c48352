/* SPDX-License-Identifier: MIT */
/** A script's run over a trace, for the files that make it. */
#ifndef LANG_RECORDED_RUN_H
#define LANG_RECORDED_RUN_H

#include "lang/recorded/outcome.h"
#include "lang/recorded/parts.h"

/** A program that takes the events of a class. */
struct binding {
	struct machine_prog *prog;
	uint32_t place; /* its number among those of the program */
	struct binding *next;
};

/** What is done with the events of a class. */
struct use {
	struct binding *first;
	struct rec_threads *threads; /* of its host; NULL: not looked at so far */
	const struct sonde_trace *trace;
	const struct rec_teller *teller; /* where any program wants to know whose events they are */
	bool asks_who;			 /* some program wants to know whose events they are */
	bool is_before, teaches; /* its events tell of threads; and before programs see them */
};

struct tick {
	struct machine_prog *prog;
	uint64_t period_ns;
	int64_t next_ns;
};

struct recorded_run {
	struct recorded_options opt;
	struct rec_world *world;
	const struct script *script;
	struct machine *machine;
	struct machine_now *now;     /* the machine's */
	struct machine_prog **progs; /* owned; by index of script.progs */
	struct arena arena;
	struct use *uses; /* owned; by index of event class */
	size_t n_uses;
	struct tick *ticks;
	size_t n_ticks;
	struct rec_threads *hosts; /* owned; each has its own threads .. */
	size_t n_hosts;
	uint32_t *host_of; /* owned; .. by index of trace */
	bool asks_who;	   /* programs want to know whose events they see */
	struct outcome outcome;
	struct rec_names names;
	struct script_globals *globals;
	const struct sonde_event *event; /* the one that programs look at */
	bool has_begun;
	uint64_t lost_events, lost_packets, cut_ticks;
	uint64_t lost_unknown; /* times that events or packets were lost, nobody knows how many */
	uint64_t backward;     /* streams whose times step back */
	struct rec_world twin; /* of a later half: its own way through events; else all zero */
};

static inline struct use *rec_use_of(struct recorded_run *r, const struct sonde_event_class *cls)
{
	return &r->uses[cls->index < r->n_uses ? cls->index : r->n_uses];
}

/** Fills in what is to be known of @u before the first event of its class. -ENOMEM. */
SONDE_MUST_CHECK int rec_use_look_at(struct recorded_run *r, struct use *u,
				     const struct sonde_event_class *cls);

#endif
