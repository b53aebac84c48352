/* SPDX-License-Identifier: MIT */
/** Signals that ask a long work to end early, with what it has found so far. */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H

#include <stdbool.h>

/** From now on a SIGINT, SIGTERM or SIGHUP is noted; the second of a kind ends the process. */
void interrupt_hold(void);
/** Whether one came. Any thread may ask. */
bool interrupt_came(void);

#endif
