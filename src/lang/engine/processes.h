/* SPDX-License-Identifier: MIT */
/** The processes whose addresses a script prints: followed while it runs, named afterwards. */
#ifndef LANG_PROCESSES_H
#define LANG_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/strbuf.h"

struct processes;

/**
 * @follow: takes in what all processes (or @pid alone and what it forks, if not 0) have mapped, and
 * watches them from here on. Where the kernel does not let them be watched, those that run when
 * asked for still have names.
 */
SONDE_MUST_CHECK int processes_new(bool follow, pid_t pid, struct processes **ret);
void processes_free(struct processes *p);

/** Takes in what they did meanwhile, if some time went by since the last call. */
void processes_drain(struct processes *p);

/** Appends "name", "name+OFFSET", "name+OFFSET (file)"; a number where nothing is known. */
void processes_name(struct processes *p, pid_t pid, uint64_t addr, bool with_offset,
		    bool with_module, struct strbuf *ret);

#endif
