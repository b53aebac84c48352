/* SPDX-License-Identifier: MIT */
/** Parameters and state of components. */
#include "graph/component.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

void *sonde_component_state(struct sonde_component *c)
{
	return c->state;
}

const char *param_get(const struct sonde_setup *setup, const char *key)
{
	for (size_t i = setup->n_params; i-- > 0;) {
		if (!strcmp(setup->params[i].key, key))
			return setup->params[i].value;
	}
	return NULL;
}

int param_i64(const struct sonde_setup *setup, const char *key, int64_t *ret)
{
	const char *text = param_get(setup, key);
	if (!text)
		return 0;

	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return sonde_fail(-EINVAL, "parameter '%s' is '%s', a whole number is wanted", key,
				  text);
	*ret = v;
	return 0;
}

bool param_bool(const struct sonde_setup *setup, const char *key)
{
	const char *text = param_get(setup, key);

	return text && (!strcmp(text, "1") || !strcmp(text, "yes") || !strcmp(text, "true"));
}
