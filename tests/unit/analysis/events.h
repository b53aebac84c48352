/* SPDX-License-Identifier: MIT */
/** Makes kernel events from lines of text, as different tracers would have written them. */
#ifndef UNIT_ANALYSIS_EVENTS_H
#define UNIT_ANALYSIS_EVENTS_H

#include <sonde/event.h>

#include "base/arena.h"

enum flavour { LTTNG, LTTNG_OLD, FTRACE, FTRACE_CURRENT, N_FLAVOURS };

enum { MAKER_CPUS = 4, MAKER_EVENTS = 256, MAKER_DATA = 1 << 15, MAKER_CLASSES = 64 };

/** A trace made of text. */
struct maker {
	enum flavour flavour;
	struct arena arena;
	struct sonde_trace trace;
	struct sonde_env env[3];
	struct sonde_stream_class stream_class;
	struct sonde_stream_class *stream_classes[1];
	struct sonde_event_class *classes[MAKER_CLASSES];
	struct sonde_stream streams[MAKER_CPUS + 1];
	struct sonde_packet packets[MAKER_CPUS + 1]; /* the last is of no CPU */
	struct sonde_event events[MAKER_EVENTS];
	struct sonde_gap gaps[MAKER_EVENTS];
	size_t n_events;
	long current[MAKER_CPUS + 1];
	uint8_t data[MAKER_DATA];
	size_t used;
};

/**
 * Makes the events that @text tells, one a line: "TIME CPU VERB ARGUMENT...":
 *
 *   switch PREV STATE NEXT     waking TID CPU     wakeup TID CPU     migrate TID FROM TO
 *   irq+ N   irq- N   raise VEC   soft+ VEC   soft- VEC
 *   enter CALL   exit CALL RET    (in LTTng's names, or by the number on x86-64)
 *   fork PARENT PARENT_PID CHILD CHILD_PID   newtask TID FLAGS   exec TID OLD FILE
 *   rename TID NAME   end TID   free TID   dump TID PID STATUS   other
 *   out SEQ   in SEQ   (packets, LTTng's only)   timer+ timer-   netif+ netif-   ipi+ ipi-
 *   queue WORK   work WORK   (put into a queue of the kernel's workers, and begun)
 *   lock+ ADDRESS FLAGS   lock- ADDRESS RET   futex ADDRESS OP VAL N ADDRESS2   (an entry)
 *   pcomm TID PID NAME   psample TID PID   pfork TID PID PPID   (perf's records)
 *   disk DEV NAME   insert|issue DEV SECTOR SECTORS BYTES RWBS TID   complete DEV SECTOR SECTORS
 * RWBS finsert|fissue DEV SECTOR SECTORS BYTES LETTERS   fcomplete DEV SECTOR SECTORS LETTERS now
 * TID   (no event: who runs from here on, for the events that carry it) gap
 * lost|packets|cut|backward COUNT BEGIN
 *
 * Text that begins with "only" is of a trace of some processes only.
 * CPU '-' is a packet that names none. Verbs that a tracer does not have are left out. Packets
 * begin at @begin_ns; INT64_MIN: they do not say. FTRACE_CURRENT's events carry the tid of who
 * runs: before the first switch 0, on CPU 3 103.
 */
void maker_init(struct maker *m, enum flavour f, int64_t begin_ns, const char *text);
void maker_fini(struct maker *m);

#endif
