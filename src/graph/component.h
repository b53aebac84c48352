/* SPDX-License-Identifier: MIT */
/** A running component, as the graph sees it. */
#ifndef GRAPH_COMPONENT_H
#define GRAPH_COMPONENT_H

#include <sonde/component.h>

struct sonde_component {
	const struct sonde_component_class *cls;
	struct sonde_setup setup; /* parameters borrowed from whoever added it */
	void *state;		  /* owned, cls->state_size bytes */
};

/** The value of the last parameter @key, or NULL. */
const char *param_get(const struct sonde_setup *setup, const char *key);

/** A whole number; @ret stays where the parameter is absent. -EINVAL (sonde_fail()) if it is none.
 */
SONDE_MUST_CHECK int param_i64(const struct sonde_setup *setup, const char *key, int64_t *ret);

/** "1", "yes" or "true"; absent is false. */
bool param_bool(const struct sonde_setup *setup, const char *key);

#endif
