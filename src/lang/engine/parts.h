/* SPDX-License-Identifier: MIT */
/** What the engine's files share. Only they include it. */
#ifndef LANG_ENGINE_PARTS_H
#define LANG_ENGINE_PARTS_H

#include <pthread.h>
#include <signal.h>

#include "bpf/attach.h"
#include "bpf/load.h"
#include "bpf/map.h"
#include "bpf/ring.h"
#include "bpf/task_map.h"
#include "lang/engine/engine.h"
#include "lang/engine/names.h"
#include "lang/engine/packet.h"
#include "lang/out/speculation.h"

/** One of the script's maps, as the reader has it. */
struct map_state {
	struct rows kept; /* of buffers that were read and emptied */
	/* of D: what values are divided by, 0 not at all; printa() has shown it */
	uint64_t normal;
	bool is_printed;
	uint32_t quiet; /* no program writes to buffers below this number any more */
};

/** The thread that runs the programs of iterators. */
struct iter_run {
	pthread_t thread;
	bool runs;
	int done_fd; /* owned; readable when it has ended */
	int err;     /* what it ended with; 0 done */
	char words[256];
};

struct engine {
	const struct engine_options *opt;
	const struct script *script;
	struct bpf_maps *maps;
	struct bpf_ring *ring;
	struct attachments *attachments;
	int *progs; /* owned; descriptors, by index of script.progs; -1: not loaded */
	struct live_names *names;
	struct printer printer;
	struct speculations specs;
	struct packet_files packets;

	/* in map 0, shared with the programs */
	struct script_globals *globals;
	const uint64_t *lost;	    /* by index of script.sites */
	struct epoch_state *epochs; /* by index of script.maps */

	struct map_state *map_states; /* owned; by index of script.maps */
	uint8_t *merged;	      /* owned: room for the largest value of a map */
	unsigned n_cpus;	      /* values in an entry of a per-CPU map */
	uint64_t *told;		      /* owned: losses that were told, by index of script.sites */
	const uint64_t *emit_lost;    /* in map 0, too: script.n_emit_cpus */
	uint64_t told_ns;
	struct iter_run iter;
	struct task_iter task_iter; /* all zero: not looked for */

	int kept_fd; /* owned: standard output, while freopen() has another file there; -1 */
	int epoll_fd, signal_fd, pid_fd;
	sigset_t old_mask;
	bool has_mask;
	bool is_hosted; /* by engine_new() */
	int timer_fd;	/* then: for records that are to come together; owned */
	bool ends;
	bool raised; /* its priority */
	int old_nice;
};

/* engine.c */

/** All zero but for what is -1. */
struct engine engine_made(const struct engine_options *opt);
/** Makes all that runs later. */
SONDE_MUST_CHECK int engine_set_up(struct engine *e);
SONDE_MUST_CHECK int engine_watch(struct engine *e, int fd, uint32_t events);
/** Programs that are called from here on return at once; then they are detached. */
void engine_silence(struct engine *e);
/** The last records, END and what it gives. */
SONDE_MUST_CHECK int engine_run_end(struct engine *e);
/** The maps, and what was lost. */
SONDE_MUST_CHECK int engine_tell_end(struct engine *e);
/** Frees all that is in it. */
void engine_fini(struct engine *e);

/** Takes signals that came: some end the run. */
void engine_look_at_signals(struct engine *e);
void engine_lower_priority(struct engine *e);
uint64_t engine_now_ns(void); /* CLOCK_MONOTONIC */

/* load.c */

/** Makes maps and ring, fills the globals, loads the programs. */
SONDE_MUST_CHECK int engine_load(struct engine *e);
/** Runs the programs of all probes of that name: "BEGIN", "END". */
SONDE_MUST_CHECK int engine_run_named(struct engine *e, const char *name);
/** Attaches all others. */
SONDE_MUST_CHECK int engine_attach(struct engine *e);

/* record.c */

/** So many records are read before the output is written and signals are looked at. */
enum { ENGINE_BATCH = 4096 };

/** Reads the ring: a batch, or @all that is there. Returns how many the last batch had. */
SONDE_MUST_CHECK int engine_read(struct engine *e, bool all);

/** What one record asks for; its payload is as long as the site says at least. */
SONDE_MUST_CHECK int engine_act(struct engine *e, const struct site *site, const void *payload,
				size_t len, uint64_t ts_ns);

/* clause.c */

/** The same for sites that D alone has. */
SONDE_MUST_CHECK int engine_act_d(struct engine *e, const struct site *site, const void *payload,
				  size_t len);

/* map.c */

SONDE_MUST_CHECK int engine_maps_init(struct engine *e);
void engine_maps_fini(struct engine *e);
/** What print(@x), clear(@x) and zero(@x) ask for; @epoch as the record has it. */
SONDE_MUST_CHECK int engine_map_print(struct engine *e, const struct site *site, uint32_t epoch);
SONDE_MUST_CHECK int engine_map_clear(struct engine *e, const struct site *site, uint32_t epoch);
SONDE_MUST_CHECK int engine_map_zero(struct engine *e, const struct site *site, uint32_t epoch);
/** Of D: printa(), trunc(), normalize(), denormalize(). @payload has the site's arguments. */
SONDE_MUST_CHECK int engine_agg_act(struct engine *e, const struct site *site, const void *payload);
/** Of D, at the end: all aggregations that were not printed, in the order of the script. */
SONDE_MUST_CHECK int engine_aggs_print(struct engine *e);
/** Prints all maps that have something, in the order of their names. Nothing is attached. */
SONDE_MUST_CHECK int engine_maps_print(struct engine *e);

/* task.c */

/** Of a STORE_TASK: all threads' values. Where this kernel does not give them, there are none. */
SONDE_MUST_CHECK int engine_task_each(struct engine *e, const struct script_map *m,
				      int (*f)(void *arg, const void *key, const void *val),
				      void *arg);
SONDE_MUST_CHECK int engine_task_clear(struct engine *e, const struct script_map *m);

/* loss.c */

/** Tells of records that were lost since it was last asked, at most once a second. */
void engine_loss_now(struct engine *e);
/** Tells of all that was lost or left out. */
void engine_loss_end(struct engine *e);

/* iter.c */

/** Begins to run the programs of iterators, in a thread of their own, if there are any. */
SONDE_MUST_CHECK int engine_iter_start(struct engine *e);
/** They have ended. True: nothing else is attached, so that the run is at its end. */
bool engine_iter_done(struct engine *e);
/** Waits for their end. */
void engine_iter_end(struct engine *e);

#endif
