/* SPDX-License-Identifier: MIT */
/**
 * What the kernel model tells of a trace, kept in an interval store beside it, so that views and
 * reports need not read the trace again.
 */
#ifndef ANALYSIS_TIMELINE_H
#define ANALYSIS_TIMELINE_H

#include <stdbool.h>

#include <sonde/event.h>

#include "analysis/kernel.h"
#include "state/store.h"

/** Kinds of tracks, and what their .id, .aux, states and values are. */
enum timeline_kind {
	TIMELINE_CPU = 1, /* CPU; enum kernel_cpu_state */
	TIMELINE_CURRENT, /* CPU; enum timeline_current; the thread's track */
	TIMELINE_IRQ,	  /* interrupt number, CPU; 1: its handler runs */
	TIMELINE_SOFTIRQ, /* vector, CPU; 1: it runs */
	/*
	 * tid, pid (-1: unknown), parent: who made it; enum kernel_state. Values: of
	 * KERNEL_SYSCALL and KERNEL_BLOCKED the text of the open call, or 0; of KERNEL_WAIT_CPU the
	 * CPU, plus 1, or 0.
	 */
	TIMELINE_THREAD,
	/* tid; parent: the thread; 1: the value is the text of its name. Only where that changed.
	 */
	TIMELINE_NAME,
};

enum timeline_current { TIMELINE_IDLE = 1, TIMELINE_RUNS };

/** Counts of the store. */
enum timeline_count {
	TIMELINE_SOURCES, /* kernel_sources() */
	TIMELINE_BEGIN,	  /* kernel_span() */
	TIMELINE_END,
	TIMELINE_PARTIAL, /* only some processes were recorded */
	TIMELINE_DOUBTS,  /* from here on: struct kernel_doubts */
};

/** Whether it is a kernel's trace, in a folder: of others there is no index. */
bool timeline_fits(const struct sonde_trace *trace);

/**
 * Opens what an earlier timeline_finish() kept of that trace: beside it, or in the folder @cache.
 * -ENOENT: there is none; -ESTALE: the trace changed; -EBADMSG: it is damaged.
 */
SONDE_MUST_CHECK int timeline_open(const struct sonde_trace *trace, const char *cache,
				   struct store **ret);

/** Adds what a store keeps of the doubts. */
void timeline_doubts(const struct store *s, struct kernel_doubts *ret);

struct timeline;

/** @note, which may be NULL, tells where a store cannot be kept. @cache is borrowed. */
SONDE_MUST_CHECK int timeline_new(const char *cache, void (*note)(void *arg, const char *line),
				  void *note_arg, struct timeline **ret);
void timeline_free(struct timeline *tl);
SONDE_MUST_CHECK int timeline_consume(struct timeline *tl, const struct sonde_batch *b);
SONDE_MUST_CHECK int timeline_finish(struct timeline *tl);

/** One store a kernel's trace, in the order in which they were met; asked any time, also while it
 * is built.
 */
size_t timeline_stores(const struct timeline *tl);
struct store *timeline_store(const struct timeline *tl, size_t i, const struct sonde_trace **ret);

#endif
