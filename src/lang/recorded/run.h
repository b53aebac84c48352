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

/** What the programs of a class were run for last, and how many more such events came since. */
struct repeat {
	uint64_t who, comm[2];
	uint32_t cpu;
	bool has_run;
	uint64_t times;
	/** Which thread runs on @cpu, as long as rec_threads.changes is this; 0: not known. */
	uint64_t changes;
	uint32_t tid;
};

/** Events of a thread whose name is not known in a later half, for which programs run at its end.
 */
struct put_off {
	const struct use *use;
	uint32_t cpu;
	struct rec_thread thread; /* what is known of it */
	uint64_t times;
};

enum { REPEATS = 8 }; /* of a class: CPUs take turns */

/** What is done with the events of a class. */
struct use {
	struct binding *first;
	struct rec_threads *threads; /* of its host; NULL: not looked at so far */
	const struct sonde_trace *trace;
	const struct rec_teller *teller; /* where any program wants to know whose events they are */
	bool asks_who;			 /* some program wants to know whose events they are */
	bool is_before, teaches; /* its events tell of threads; and before programs see them */
	struct repeat *repeats;	 /* by CPU; NULL: programs run for each event */
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
	int64_t tick_ns;	   /* when the next one comes; INT64_MAX: none */
	struct rec_threads *hosts; /* owned; each has its own threads .. */
	size_t n_hosts;
	uint32_t *host_of;		/* owned; .. by index of trace */
	bool asks_who;			/* programs want to know whose events they see */
	bool repeats;			/* all of them may run once for several events .. */
	uint64_t asked_who, asked_comm; /* .. that have this in common: all bits, or none */
	uint32_t asked_cpu;
	struct outcome outcome;
	struct rec_names names;
	struct script_globals *globals;
	const struct sonde_event *event; /* the one that programs look at */
	bool has_begun;
	uint64_t lost_events, lost_packets, cut_ticks;
	uint64_t lost_unknown;	 /* times that events or packets were lost, nobody knows how many */
	uint64_t backward;	 /* streams whose times step back */
	struct put_off *put_off; /* owned */
	size_t n_put_off, cap_put_off;
	struct rec_world twin; /* of a later half: its own way through events; else all zero */
};

static inline struct use *rec_use_of(struct recorded_run *r, const struct sonde_event_class *cls)
{
	return &r->uses[cls->index < r->n_uses ? cls->index : r->n_uses];
}

/** Fills in what is to be known of @u before the first event of its class. -ENOMEM. */
SONDE_MUST_CHECK int rec_use_look_at(struct recorded_run *r, struct use *u,
				     const struct sonde_event_class *cls);

/* repeat.c: programs that run once for several events */

/** Notes what the program @c asks for. */
void rec_repeats_look_at(struct recorded_run *r, const struct script_prog *sp);
/** Makes room for the events of @u. -ENOMEM. */
SONDE_MUST_CHECK int rec_repeats_of(struct recorded_run *r, struct use *u);
/** After the programs have run for an event of @u, as the machine knows it. */
void rec_repeat_begin(struct recorded_run *r, const struct use *u, struct repeat *to);
/** Runs them for all that came since, before anything looks at what they make. */
void rec_repeats_end(struct recorded_run *r);
/** Leaves event @e of @th for later, where its name is asked for and not known. False: it is. */
bool rec_put_off(struct recorded_run *r, const struct use *u, const struct sonde_event *e,
		 const struct rec_thread *th);
/** Runs programs for those of a later half, now that @real, one for each host, knows all before. */
void rec_put_off_end(struct recorded_run *later, const struct rec_threads *real);

#endif
