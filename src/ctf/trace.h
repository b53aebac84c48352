/* SPDX-License-Identifier: MIT */
/** A CTF trace: a folder with a metadata file and data files, or several of one recording. */
#ifndef CTF_TRACE_H
#define CTF_TRACE_H

#include <sonde/span.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "ctf/stream.h"

struct ctf_trace {
	struct arena arena;
	struct sonde_trace *trace;    /* in the arena */
	struct packet_layout *layout; /* in the arena */
	struct ctf_file *files;	      /* owned; moved to the streams by ctf_trace_start() */
	size_t n_files, cap_files;
	struct ctf_stream *streams; /* owned, not moved any more */
	size_t n_streams;
};

/**
 * Opens the trace in folder @dir: reads its metadata and the first packet of each data file.
 *
 * Sub-folders, hidden and empty files are passed over. -ENOENT: there is no metadata file.
 */
SONDE_MUST_CHECK int ctf_trace_open(const char *dir, struct ctf_trace **ret);

/** The same from bytes in memory (lent), one data file each. */
SONDE_MUST_CHECK int ctf_trace_of_bytes(struct sonde_span metadata, const struct sonde_span *files,
					size_t n_files, struct ctf_trace **ret);

void ctf_trace_free(struct ctf_trace *t);

/** Names the trace for people: its host's name, and @suffix unless that is empty. 0 or -ENOMEM. */
SONDE_MUST_CHECK int ctf_trace_set_name(struct ctf_trace *t, const char *suffix);

/**
 * Moves @src's files to @t: both are parts of one recording (their uuids are equal), and @t's
 * metadata knows all of @src's stream classes. @src is left without files.
 */
SONDE_MUST_CHECK int ctf_trace_absorb(struct ctf_trace *t, struct ctf_trace *src);

/**
 * Shows the times of all its clocks as slope * time + @offset_ns. Before ctf_trace_streams().
 * -EINVAL: that is no line of a clock; -ENOMEM.
 */
SONDE_MUST_CHECK int ctf_trace_map_clocks(struct ctf_trace *t, struct decimal slope,
					  struct decimal offset_ns);

/** Notes that its times say nothing to those of other hosts. */
void ctf_trace_set_apart(struct ctf_trace *t);

/** Puts the files together to streams, ready to be read in batches of up to @cap events. */
SONDE_MUST_CHECK int ctf_trace_streams(struct ctf_trace *t);

#endif
