/* SPDX-License-Identifier: MIT */
/** What all reports have in common: window, filters, tables as text or JSON, and doubts. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/component.h>

#include "base/json.h"
#include "base/table.h"

struct kernel;
struct kernel_doubts;
struct kernel_host;
struct sonde_trace;
struct kernel_thread;

enum { REPORT_IDS_MOST = 64, REPORT_COLUMNS_MOST = 24 };

/** Parameters: from_ns, to_ns, limit, width, json, sort, pid..., tid... */
struct report {
	const struct sonde_setup *setup; /* borrowed */
	int64_t from_ns, to_ns;		 /* the window */
	int64_t limit;			 /* rows of a table; 0: all; -1: what fits a screen */
	int64_t width;			 /* of the terminal; 0: of any width */
	bool json;
	const char *sort; /* key of a column, or NULL */
	bool sorts_some;  /* one of the tables has it: others that do not are sorted as ever */
	int64_t pids[REPORT_IDS_MOST], tids[REPORT_IDS_MOST];
	size_t n_pids, n_tids;
	struct json j; /* where @json */
};

SONDE_MUST_CHECK int report_init(struct report *r, const struct sonde_setup *setup);

/** Whether the filters let a thread pass; without filters all do. */
bool report_wants(const struct report *r, const struct kernel_thread *t);

/** Tells a line that is no result. */
void report_note(const struct report *r, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** Tells what makes the figures doubtful; in JSON as members of what is open, too. */
void report_doubts(struct report *r, const struct kernel *k);

/** The part of it that tells of losses and contradictions, where there is no model any more. */
void report_losses(struct report *r, const struct kernel_doubts *d, bool partial);

/** Begins the result: "3 CPUs, 5.2 s from 2023-10-01 17:55:06.120023736" or the same in JSON. */
void report_begin(struct report *r, size_t n_cpus, int64_t begin_ns, int64_t end_ns);
void report_end(struct report *r);

/**
 * Sorts by --sort or else by @sort, cuts to --limit or else @most (JSON: to --limit only) and
 * writes: @title above it, how many rows were left out below it.
 */
SONDE_MUST_CHECK int report_table(struct report *r, struct table *t, const char *key,
				  const char *title, const char *sort, size_t most);

/** The same of a table beside that one, which --sort is not for; NULL: in the order it is in. */
SONDE_MUST_CHECK int report_beside(struct report *r, struct table *t, const char *key,
				   const char *title, const char *sort, size_t most);

/** The same, all rows in the order they are in. */
SONDE_MUST_CHECK int report_rows(struct report *r, const struct table *t, const char *key,
				 const char *title);

/** Which tables --sort is for, where there are several that differ: for those that have it. */
void report_sorts(struct report *r, const struct table_column *cols, size_t n);

/** Why there is nothing: "none in this window". */
void report_none(const struct report *r);

/**
 * A table whose first column, the host (without a head), is shown where there are several hosts.
 * @copy, for REPORT_COLUMNS_MOST, must live as long as the table.
 */
void report_hosts_table(struct table *t, const struct kernel *k, struct table_column *copy,
			const struct table_column *cols, size_t n);
/** The cell of a host. */
void report_host(struct table *t, const struct kernel_host *h);
void report_trace(struct table *t, const struct sonde_trace *trace);
/** A number that is not known below 0. */
void report_id(struct table *t, int64_t id);

/** The name of a softirq: "TIMER". */
const char *report_softirq(int32_t vec);

/**
 * Fails with -ENODATA: there are no such events. Where they were not @recorded, they are had by
 * sonde record with these options.
 */
int report_lacks(const struct report *r, bool recorded, const char *events, const char *options);
/** The same as a note, where a part of the report needs them and the trace does not @have them. */
void report_lack(const struct report *r, bool have, const char *events, const char *options);

/** How many rows are shown where a report shows @most unless told otherwise; 0: all. */
size_t report_most(const struct report *r, size_t most);

/** Tells people that there are @rest rows more. */
void report_rest(const struct report *r, size_t rest);

#endif
