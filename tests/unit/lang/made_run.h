/* SPDX-License-Identifier: MIT */
/** The programs of a compiled script in the running kernel, without attaching them. */
#ifndef MADE_RUN_H
#define MADE_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "bpf/map.h"
#include "lang/gen/script.h"

enum { MADE_PROGS_MOST = 16 };

struct made_run {
	const struct script *script; /* borrowed */
	struct bpf_maps *maps;	     /* owned */
	int fds[MADE_PROGS_MOST];
	size_t n;
	struct strbuf log; /* why the kernel refused, and which line */
	uint32_t line;
};

/** Whether this process may load programs here; else a test is skipped. */
bool made_run_can(void);

/** Makes the maps and loads all programs; made_run_fini() in any case. */
SONDE_MUST_CHECK int made_run_load(struct made_run *run, const struct script *s);
/** Runs the first program, which is of BEGIN. */
SONDE_MUST_CHECK int made_run_once(struct made_run *run);
void made_run_fini(struct made_run *run);

/** The script's map @name, and its index among the kernel's. NULL: there is none. */
const struct script_map *made_run_map(const struct made_run *run, const char *name);

#endif
