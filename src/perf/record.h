/* SPDX-License-Identifier: MIT */
/** Takes perf's records apart, as perf/event.h asks the kernel to make them. */
#ifndef PERF_RECORD_H
#define PERF_RECORD_H

#include <stdbool.h>

#include "perf/event.h"
#include "perf/sample.h"

/** When the record was made; false: it is too short. */
bool perf_record_time(const struct perf_event_header *h, uint64_t *ret);

/** The user side's registers and stack, copied at the sample. */
struct sample_copy {
	const uint64_t *regs; /* as many as were asked for; NULL: there are none */
	bool is_64;	      /* the process's registers are 64 bits wide */
	struct sonde_span stack;
	struct sonde_span raw; /* the tracepoint's record */
};

/** What a sample has besides what all have. */
struct sample_parts {
	bool has_raw;
	unsigned n_regs; /* as asked for; 0: no copies of registers and stack */
};

/**
 * Points into the record. False: it makes no sense.
 * The callchain's markers of the kernel are gone: what is of neither side is left out.
 */
bool perf_record_sample(const struct perf_event_header *h, struct sample_parts parts,
			struct sample *ret, struct sample_copy *ret_copy);

/** PERF_RECORD_MMAP2. @ret->file points to @ret_file, whose path is not copied. */
bool perf_record_map(const struct perf_event_header *h, struct sample_map *ret,
		     struct dso *ret_file, size_t *ret_path_len);

/** PERF_RECORD_COMM. */
bool perf_record_comm(const struct perf_event_header *h, struct sample_task *ret);

/** PERF_RECORD_FORK and PERF_RECORD_EXIT. */
bool perf_record_task(const struct perf_event_header *h, struct sample_task *ret);

/** PERF_RECORD_LOST and PERF_RECORD_LOST_SAMPLES: how many. */
bool perf_record_lost(const struct perf_event_header *h, uint64_t *ret);

#endif
