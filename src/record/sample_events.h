/* SPDX-License-Identifier: MIT */
/** The events of sample streams: how CTF describes them, and how they are written. */
#ifndef RECORD_SAMPLE_EVENTS_H
#define RECORD_SAMPLE_EVENTS_H

#include <stdint.h>

#include <sonde/span.h>

#include "ctf/describe.h"
#include "ctf/writer.h"
#include "perf/sample.h"

/** Describes the stream class and its events. Failures show in describe_ok(). */
void sample_events_describe(struct describe *d);

/**
 * Describes futex calls with the stacks of who makes them, as scripts' events have those; and their
 * stream class.
 */
void sample_calls_describe(struct describe *d);

/** Of a call's record by perf; false: it is none. */
struct sample_call {
	int32_t nr;
	uint64_t args[6];
};
bool sample_call_read(struct sonde_span raw, struct sample_call *ret);
SONDE_MUST_CHECK int sample_write_call(struct writer_stream *s, const struct sample *e,
				       const struct sample_call *call);

/** Each returns 0 or the stream's failure. @time never runs backwards in a stream. */
SONDE_MUST_CHECK int sample_write(struct writer_stream *s, const struct sample *e);
SONDE_MUST_CHECK int sample_write_map(struct writer_stream *s, uint64_t time,
				      const struct sample_map *e);
SONDE_MUST_CHECK int sample_write_comm(struct writer_stream *s, uint64_t time,
				       const struct sample_task *e);
SONDE_MUST_CHECK int sample_write_fork(struct writer_stream *s, uint64_t time,
				       const struct sample_task *e);
SONDE_MUST_CHECK int sample_write_exit(struct writer_stream *s, uint64_t time,
				       const struct sample_task *e);
/** @n records of processes were lost: maps and names of before are not to be believed. */
SONDE_MUST_CHECK int sample_write_forget(struct writer_stream *s, uint64_t time, uint64_t n);

#endif
