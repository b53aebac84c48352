/* SPDX-License-Identifier: MIT */
/** The events of sample streams: how CTF describes them, and how they are written. */
#ifndef RECORD_SAMPLE_EVENTS_H
#define RECORD_SAMPLE_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctf/describe.h"
#include "ctf/writer.h"
#include "sym/dso.h"

/** Describes the stream class and its events. Failures show in describe_ok(). */
void sample_events_describe(struct describe *d);

/** A sample. The first address of each part is exact, the others are return addresses. */
struct sample {
	uint64_t time, ip, period;
	pid_t pid, tid;
	const uint64_t *kernel, *user;
	uint32_t n_kernel, n_user;
};

/** A process mapped code. */
struct sample_map {
	pid_t pid, tid;
	uint64_t addr, len, off;
	uint32_t prot, flags;
	const struct dso *file;
};

/** For a thread, for its making and its end; those need no name. */
struct sample_task {
	pid_t pid, tid, ppid, ptid;
	const char *comm;
	size_t comm_len;
	bool exec;
};

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
