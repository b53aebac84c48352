/* SPDX-License-Identifier: MIT */
/** Which of two events of equal time comes first. */
#ifndef GRAPH_ORDER_H
#define GRAPH_ORDER_H

#include <sonde/event.h>

/** Below 0: @a first; above 0: @b first; 0: no telling, whoever was added first. */
int order_tie(const struct sonde_event *a, const struct sonde_event *b);

#endif
