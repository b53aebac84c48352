/* SPDX-License-Identifier: MIT */
/**
 * What a recording draws from: kernel rings, samples. Each source is one const struct
 * record_source.
 *
 * The session (record/session.h) calls a source's functions in this order, all in one thread:
 * open, (metadata is written), start, drain .., stop, drain (last), finish, close.
 */
#ifndef RECORD_SOURCE_H
#define RECORD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "ctf/describe.h"
#include "ctf/writer.h"

enum record_callgraph { RECORD_CALLGRAPH_FP, RECORD_CALLGRAPH_DWARF };

/** An event as the person named it. */
struct record_event {
	const char *glob;   /* "sched:*", "sched_switch" */
	const char *filter; /* the kernel's filter text, or NULL */
	bool may_lack;	    /* that there is no such event is no mistake */
	bool whole;	    /* each one is needed, whatever filters others give */
	bool is_made;	    /* a script makes them: not to be taken, whoever names them */
};

struct diag;
struct script;
struct sonde_out;
struct world;

/** A script that runs meanwhile, and whose events are recorded. */
struct record_script {
	const char *name; /* for messages */
	const struct script *script;
	struct world *world; /* the live one that it was compiled for */
	struct diag *diag;
	struct sonde_out *out; /* what it prints */
};

/** What the person wants; borrowed for the whole recording. */
struct record_opts {
	const char *dir;
	bool replace;
	const struct record_event *events;
	size_t n_events; /* 0: what the analyses need */
	bool no_usual;	 /* not even then: none */
	bool net;	 /* also what paths between hosts need */
	bool locks;	 /* also what tells of waits for locks */
	bool blocking;	 /* also what tells when threads are blocked, and by whom they are woken */
	const pid_t *pids;
	size_t n_pids;	     /* 0: the whole system */
	double seconds;	     /* 0: no limit */
	size_t buffer_bytes; /* of a CPU's ring; 0: the default */
	uint32_t sample_hz;  /* 0: no samples */
	/** So many ns between two samples, by the clock and of idle CPUs too; 0: by @sample_hz. */
	uint64_t sample_ns;
	/** Tell of processes, their names and their code also without samples; it must work. */
	bool follow_tasks;
	enum record_callgraph callgraph;
	/** By DWARF: futex calls that wait come with their stacks as samples do. */
	bool call_stacks;
	const struct record_script *scripts;
	size_t n_scripts;
	bool map_rings;	   /* map the rings instead of reading them; see record/ring.h */
	char *const *argv; /* of the command; NULL: none */
};

/** Stream class ids; describe_stream() gets them. */
enum {
	RECORD_STREAM_KERNEL = 0,
	RECORD_STREAM_SAMPLES = 1,
	RECORD_STREAM_SCRIPT = 2,
	RECORD_STREAM_CALLS = 3
};

/** What was recorded so far. */
struct record_counts {
	uint64_t events, lost_events;
	uint64_t samples, lost_samples;
};

struct procs;
struct symbols;

/** One recording, as its sources see it. */
struct recording {
	const struct record_opts *opts;
	struct arena *arena;   /* for descriptions; lives as long as the recording */
	struct describe *desc; /* to be filled by open */
	struct writer *writer;
	struct symbols *symbols; /* code that was hit, to be named at the end */
	/** Processes as the sampler knows them; NULL: it does not follow them. Borrowed. */
	const struct procs *procs;
	int epoll_fd;
	uint32_t watching; /* the source that recording_watch() is for */
	pid_t command;	   /* that is held until all is started; 0: none */
	bool ends;	   /* a source asks for the end */
	int exit_status;   /* that a source asks for */
	/** Tells the person something that is no failure: a doubt, what is left out. One line. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

/** Lets the session wake up, and drain the source that is being opened, when @fd is readable. */
SONDE_MUST_CHECK int recording_watch(struct recording *rec, int fd);

/** Formats and tells a note. */
void recording_note(struct recording *rec, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** A kind of source. All functions return 0 or a negative errno with sonde_fail(). */
struct record_source {
	const char *name;
	size_t state_size; /* zeroed memory that the functions get as @state */

	/** Describes its streams and events in rec->desc and makes all ready; nothing runs yet. */
	int (*open)(void *state, struct recording *rec);
	/** The recording begins. A command, if there is one, starts right after. */
	int (*start)(void *state);
	/**
	 * Takes what is there into the streams. Called when a descriptor that it watches is ready,
	 * and at least once a second. With @flush it writes out what is in packets
	 * (writer_flush()).
	 */
	int (*drain)(void *state, bool flush);
	/** Nothing new comes after this; one last drain(flush) follows. */
	int (*stop)(void *state);
	/** After the last drain: what else is to be put into the trace. May be NULL. */
	int (*finish)(void *state);
	/** Frees all; also after an open that failed. */
	void (*close)(void *state);
	/** Adds its own to *@ret. */
	void (*count)(const void *state, struct record_counts *ret);
};

#endif
