/* SPDX-License-Identifier: MIT */
/**
 * The stacks that events bring, as names: perf's samples, what scripts give to emit(), and contexts
 * of any event as LTTng and 'sonde record' have them.
 */
#ifndef ANALYSIS_FLAME_FRAMES_H
#define ANALYSIS_FLAME_FRAMES_H

#include <stdbool.h>

#include <sonde/event.h>

#include "analysis/flame/stacks.h"
#include "base/strbuf.h"
#include "model/field.h"
#include "sym/history.h"

enum { FRAMES_MOST = 1024 };

/** Where an event class has a stack, and whose it is. */
struct frames_class {
	bool is_looked;
	bool is_sample; /* it may be of tracing itself; other events' stacks are not */
	struct field_ref kernel, user; /* .type NULL: it has none */
	struct field_ref pid, tid;     /* likewise */
};

/** In the caller's storage; frames_init() first. */
struct frames {
	struct stacks *stacks;	      /* borrowed: their names */
	struct frames_class *classes; /* owned; by index of class */
	size_t n_classes, cap_classes;
	struct frames_host *hosts; /* owned; by index of trace */
	size_t n_hosts, cap_hosts;
	struct history history;
	struct strbuf text;	     /* a name in the making */
	uint32_t unknown, nowhere;   /* the names of what could not be told */
	uint32_t stack[FRAMES_MOST]; /* what was pushed, outermost first */
	size_t depth;
	bool is_broken; /* of the stack at hand: it has user frames of no code */
};

/** @note may be NULL. -ENOMEM. */
SONDE_MUST_CHECK int frames_init(struct frames *f, struct stacks *stacks,
				 void (*note)(void *arg, const char *line), void *note_arg);
void frames_fini(struct frames *f);

/** Takes in what @e (no gap) tells of processes. Each event must pass here, in order of time. */
SONDE_MUST_CHECK int frames_note(struct frames *f, const struct sonde_event *e);

/** Where the events of @cls have stacks. 0 or -ENOMEM; lent until the next call. */
SONDE_MUST_CHECK int frames_class(struct frames *f, const struct sonde_event_class *cls,
				  const struct frames_class **ret);

static inline bool frames_has(const struct frames_class *c)
{
	return c && (c->kernel.type || c->user.type);
}

/** Begins a stack anew. */
void frames_clear(struct frames *f);
/** Adds a frame; one that is too deep is left out, and of a run of unknown ones all but one. */
void frames_push(struct frames *f, uint32_t name);
/** Adds the frames of a node of the stacks and of those above it, outermost first. */
void frames_push_node(struct frames *f, uint32_t node);
/** Adds the frame of a thread: @name, or if that is "" what the trace told, or "pid 7". */
SONDE_MUST_CHECK int frames_push_thread(struct frames *f, const struct sonde_trace *trace,
					int64_t pid, int64_t tid, const char *name);
/** Adds the stack of @e: user frames, then the kernel's. @pid: whose code it is; -1: unknown. */
SONDE_MUST_CHECK int frames_push_event(struct frames *f, const struct sonde_event *e,
				       const struct frames_class *c, int64_t pid);

/** Up to three paths of the traces that had stacks: "a, b, c and 2 more". */
void frames_title(const struct frames *f, struct strbuf *ret);

#endif
