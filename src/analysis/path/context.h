/* SPDX-License-Identifier: MIT */
/** What a CPU's kernel is in the middle of: interrupts, softirqs, timers, packets; one in another.
 */
#ifndef ANALYSIS_PATH_CONTEXT_H
#define ANALYSIS_PATH_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

#include "model/field.h"

enum context_kind {
	CONTEXT_NONE,
	CONTEXT_SOFTIRQ,
	CONTEXT_IRQ,
	CONTEXT_HRTIMER,
	CONTEXT_IPI,
	CONTEXT_NETIF, /* a packet's reception, in whichever context */
};

enum { CONTEXT_DEPTH = 16 };

/** All zero is none. */
struct context {
	struct {
		enum context_kind kind;
		int32_t nr; /* of the interrupt or softirq; -1: unknown */
		int64_t ts_ns;
	} stack[CONTEXT_DEPTH];
	size_t depth;
};

/** What an event class does to it; found once. */
struct context_rule {
	enum context_kind kind;
	bool enters;
	bool switches;		/* sched_switch: all is over */
	struct field_ref nr;	/* of the interrupt or softirq */
	struct field_ref file;	/* sched_process_exec's: the program */
	struct field_ref work;	/* workqueue_queue_work's (@enters) or workqueue_execute_start's */
	struct field_ref flags; /* ftrace's: which context the event itself is of */
};

void context_rule_find(const struct sonde_event_class *cls, struct context_rule *ret);

void context_apply(struct context *c, const struct context_rule *r, const struct sonde_event *e);

/** The innermost kind; *@ret_nr its number. */
enum context_kind context_top(const struct context *c, int32_t *ret_nr);

/** When the outermost softirq (or, with @irqs, interrupt too) began. False: it is in none. */
bool context_since(const struct context *c, bool irqs, int64_t *ret_ns);

/** CONTEXT_IRQ or CONTEXT_SOFTIRQ if the event says that it is of such; else CONTEXT_NONE. */
enum context_kind context_of_event(const struct context_rule *r, const struct sonde_event *e);

#endif
