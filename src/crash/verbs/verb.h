/* SPDX-License-Identifier: MIT */
/**
 * Verbs of `sonde crash CORE VERB`: what can be shown of a dead kernel.
 *
 * Adding one: a file with a const struct crash_verb, and its line in all.c for all systems, or in
 * the table of verbs of one system, which is looked at first.
 */
#ifndef CRASH_VERBS_VERB_H
#define CRASH_VERBS_VERB_H

#include "base/out.h"
#include "crash/core.h"

enum { CRASH_PIDS_MOST = 64 };

enum crash_format { CRASH_TEXT, CRASH_JSON, CRASH_HTML };

/** What the options said; each verb takes from it what it knows. */
struct crash_args {
	enum crash_format format;
	bool unique;		       /* the same stacks once, with counts */
	bool running;		       /* only what ran on a CPU */
	bool tree;		       /* children below their parents */
	bool lines;		       /* source lines too */
	bool hex;		       /* numbers in base 16 */
	const char *sort;	       /* by this column; NULL: not given */
	char state;		       /* only tasks in this state; 0: all */
	int64_t pids[CRASH_PIDS_MOST]; /* only these, as pid or tid */
	size_t n_pids;
	size_t limit;	    /* rows or members; 0: not given */
	const char *output; /* a file to write; NULL: not given */
};

/** A verb at work. */
struct crash_run {
	struct crash_core *core;
	const struct crash_args *args;
	int argc; /* what is behind the verb */
	char **argv;
	struct sonde_out *out;
	unsigned width; /* of the terminal; 0: none */
	/** Tells the person something that is no result; one line. */
	void (*note)(const char *line);
	const struct crash_verb *const
		*more; /* verbs of the caller's own, for help; ends with NULL */
};

struct crash_verb {
	const char *name;
	const char *args;    /* what is behind it, as "ADDR [LEN]"; "" for nothing */
	const char *summary; /* one sentence, no full stop */
	bool has_html;	     /* by a page */
	/** 0; -EINVAL (sonde_fail()): the arguments are wrong; else the work failed. Called by
	 * crash_verb_run() alone. */
	int (*run)(struct crash_run *r);
};

/** Of all systems; ends with NULL. */
extern const struct crash_verb *const crash_verbs[];

/** A verb of @system (NULL: of any), else one of all; NULL: there is none. */
const struct crash_verb *crash_verb_find(const struct crash_system *system, const char *name);

/** The verb of @system that somebody means by @word: crash(8)'s and others' word for it, or a near
 * one. NULL: none. */
const char *crash_verb_meant(const struct crash_system *system, const char *word);

/** Says that there is no such verb, and which may be meant. -EINVAL (sonde_fail()). */
int crash_verb_unknown(const struct crash_system *system, const char *word);

/** Runs it: as its run(), -EINVAL where it takes no words or has no html, and -ENOMEM where memory
 * ran out for types, which it cannot tell. */
SONDE_MUST_CHECK int crash_verb_run(const struct crash_verb *v, struct crash_run *r);

/** Takes the words behind the verb as pids, beside those of the options. -EINVAL (sonde_fail()). */
SONDE_MUST_CHECK int crash_args_pids(const struct crash_run *r, struct crash_args *ret);

/** Whether there are the tasks that are named: -ESRCH (sonde_fail()) if none is; else a note of
 * each that is not. */
SONDE_MUST_CHECK int crash_args_check(const struct crash_run *r, const struct crash_args *a,
				      const struct crash_tasks *tasks);

/** Whether the options leave a task in; idle ones are in only where running ones are wanted. */
bool crash_args_want(const struct crash_args *a, const struct crash_task *t);

/** A number as C writes it, or a symbol, "+N" or "-N" behind it. -EINVAL (sonde_fail()). */
SONDE_MUST_CHECK int crash_address(struct crash_core *c, const char *text, uint64_t *ret);

#endif
