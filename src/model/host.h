/* SPDX-License-Identifier: MIT */
/** Which host, that is which clock, a trace is of. */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include <stdbool.h>

#include <sonde/type.h>

enum { HOST_KEY_MOST = 300 };

/**
 * What traces of one host have in common: the uuid of their clock, which is that of the boot; else
 * the host's name; else each trace is on its own.
 */
void host_key(const struct sonde_trace *t, char ret[HOST_KEY_MOST]);

/** For people: the environment's hostname, or the trace's path. Lent as the trace is. */
const char *host_name(const struct sonde_trace *t);

/** Whether times of both may be compared: they are of one host, or neither's clock is apart. */
bool host_shares_clock(const struct sonde_trace *a, const struct sonde_trace *b);

#endif
