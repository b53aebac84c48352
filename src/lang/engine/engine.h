/* SPDX-License-Identifier: MIT */
/** Runs a compiled script on the running kernel, from loading it to the maps at its end. */
#ifndef LANG_ENGINE_H
#define LANG_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/child.h"
#include "base/out.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/syntax/diag.h"

struct world;

/** Where the events of emit() go. */
struct engine_events {
	/** @payload begins with a struct emit_head and is as long as the site says at least. */
	int (*take)(void *arg, const struct site *site, uint64_t ts_ns, const void *payload);
	void *arg;
};

struct engine_options {
	const struct script *script; /* borrowed, as all here */
	struct world *world;	     /* the live one that it was compiled for */
	struct diag *diag;     /* programs that the kernel refuses are told here, at their line */
	struct sonde_out *out; /* where results go */
	enum print_format format;
	pid_t pid;	     /* of -p: the run ends with it; 0: none */
	struct child *child; /* of -c, held; NULL: none */
	bool quiet;	     /* no "Attaching ..." */
	bool verbose;	     /* says what is attached, and how long things took */
	bool no_warnings;
	bool is_terminal;		    /* what happens is shown at once */
	bool keep_buffered;		    /* output is written only when much has come together */
	const struct engine_events *events; /* NULL: they are printed */
};

/**
 * Runs it until exit(), Ctrl-C, or the end of the command or process. Nothing of it is attached
 * when this returns, however it does. *@ret_status: what exit() gave, else 0.
 * -EINVAL: the diag says more; others with sonde_fail().
 */
SONDE_MUST_CHECK int engine_run(const struct engine_options *opt, int *ret_status);

/**
 * The same step by step, for who waits for more than a script: signals and the ends of processes
 * are the caller's matter, and so is the priority. In this order, in one thread; all but _free()
 * give a negative errno as above.
 */
struct engine;
/** Loads all; nothing runs so far. */
SONDE_MUST_CHECK int engine_new(const struct engine_options *opt, struct engine **ret);
void engine_free(struct engine *e);
/** Readable when engine_step() has something to do; to be called once a second at least. */
int engine_fd(const struct engine *e);
/** Runs BEGIN, attaches. @cpid: the command that is looked at, 0 none. */
SONDE_MUST_CHECK int engine_start(struct engine *e, pid_t cpid);
/** Acts on records; @all: on those that are there. 1: the script has called exit(). */
SONDE_MUST_CHECK int engine_step(struct engine *e, bool all);
/** Detaches, acts on what is left, runs END. */
SONDE_MUST_CHECK int engine_stop(struct engine *e);
/** Prints the maps, tells the losses. *@ret_status: what exit() gave, else 0. */
SONDE_MUST_CHECK int engine_finish(struct engine *e, int *ret_status);

/** How many events of emit() found no room so far, on CPUs that share counter @i. */
uint64_t engine_emit_lost(const struct engine *e, uint32_t i);
/** How addresses and the like are named; lent. */
struct printer *engine_printer(struct engine *e);

/** How many places a script attaches to, BEGIN and END among them. */
size_t engine_places(const struct script *s);

#endif
