/* SPDX-License-Identifier: MIT */
/** Which host a trace is of. */
#include "model/host.h"

#include <stdio.h>
#include <string.h>

/* The clock of the trace's times: that of its first stream class that has one. */
static const struct sonde_clock *clock_of(const struct sonde_trace *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		if (t->streams[i]->clock)
			return t->streams[i]->clock;
	}
	return NULL;
}

static const char *env_hostname(const struct sonde_trace *t)
{
	const struct sonde_env *e = sonde_trace_env(t, "hostname");

	return e && e->str && *e->str ? e->str : NULL;
}

void host_key(const struct sonde_trace *t, char ret[HOST_KEY_MOST])
{
	const struct sonde_clock *c = clock_of(t);
	const char *name = env_hostname(t);

	if (!c || !c->has_uuid) {
		(void)snprintf(ret, HOST_KEY_MOST, "%s", name ? name : t->path ? t->path : "");
		return;
	}
	char *p = ret;
	for (unsigned i = 0; i < sizeof(c->uuid); i++)
		p += snprintf(p, 3, "%02x", c->uuid[i]);
}

const char *host_name(const struct sonde_trace *t)
{
	const char *name = env_hostname(t);

	return name ? name : t->path ? t->path : "";
}

bool host_shares_clock(const struct sonde_trace *a, const struct sonde_trace *b)
{
	char key[2][HOST_KEY_MOST];

	if (a == b)
		return true;
	const struct sonde_clock *c = clock_of(a), *d = clock_of(b);
	if (!(c && c->is_apart) && !(d && d->is_apart))
		return true;
	host_key(a, key[0]);
	host_key(b, key[1]);
	return !strcmp(key[0], key[1]);
}
