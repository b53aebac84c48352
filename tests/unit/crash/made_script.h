/* SPDX-License-Identifier: MIT */
/** Scripts over dumps that are made up. */
#ifndef MADE_SCRIPT_H
#define MADE_SCRIPT_H

#include "bpf/machine.h"
#include "crash/core.h"

/** Compiles and runs @text over the dump; in @ret what it prints and notes, or what is wrong with
 * it. */
void made_script(struct crash_core *c, const char *text, enum machine_how how, char *ret,
		 size_t room);

#endif
