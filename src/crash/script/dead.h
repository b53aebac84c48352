/* SPDX-License-Identifier: MIT */
/** The dead world: a script over the memory of a dump, whose probes are walks over its objects. */
#ifndef CRASH_SCRIPT_DEAD_H
#define CRASH_SCRIPT_DEAD_H

#include "base/out.h"
#include "bpf/machine.h"
#include "crash/core.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/world.h"

/**
 * A world of @c, which must outlive it. To be freed with world_free(). It has BEGIN, END and the
 * iterators of the live kernel that walk over what a dump has: iter:task, iter:task_file,
 * iter:task_vma. In their programs pid, tid, comm, cpu, uid, kstack and ustack are those of the
 * thread that the walk is at.
 */
SONDE_MUST_CHECK int dead_world_new(struct crash_core *c, struct world **ret);

struct dead_options {
	struct world *world; /* that the script was compiled for; borrowed, as all here */
	const struct script *script;
	struct sonde_out *out;
	enum print_format format;
	enum machine_how how;
	/** Tells the person something that is no result; one line. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

/** Runs BEGIN, the walks in the order of the script, END. *@ret_status: what exit() gave. */
SONDE_MUST_CHECK int dead_run(const struct dead_options *opt, int *ret_status);

#endif
