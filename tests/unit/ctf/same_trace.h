/* SPDX-License-Identifier: MIT */
/** Whether two descriptions say the same. */
#ifndef SAME_TRACE_H
#define SAME_TRACE_H

#include <stdbool.h>

#include <sonde/type.h>

/** Slot numbers may differ where they lead to the same fields. Says on stdout what differs. */
bool same_trace(const struct sonde_trace *a, const struct sonde_trace *b);

#endif
