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

#endif
