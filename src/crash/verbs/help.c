/* SPDX-License-Identifier: MIT */
/** sonde crash CORE help: which verbs there are. */
#include <string.h>

#include "crash/verbs/all.h"

enum { COLUMN = 24 };

static void print(struct sonde_out *o, const struct crash_verb *v)
{
	size_t len = strlen(v->name) + 1 + strlen(v->args);

	out_fmt(o, "  %s %s", v->name, v->args);
	do
		out_str(o, " ");
	while (++len < COLUMN);
	out_fmt(o, "%s\n", v->summary);
}

static int run(struct crash_run *r)
{
	const struct crash_system *s = r->core->system;

	for (size_t i = 0; crash_verbs[i]; i++)
		print(r->out, crash_verb_find(s, crash_verbs[i]->name));
	for (size_t i = 0; s->verbs[i]; i++) {
		bool shown = false;

		for (size_t k = 0; crash_verbs[k]; k++)
			shown |= !strcmp(crash_verbs[k]->name, s->verbs[i]->name);
		if (!shown)
			print(r->out, s->verbs[i]);
	}
	for (size_t i = 0; r->more && r->more[i]; i++)
		print(r->out, r->more[i]);
	return 0;
}

const struct crash_verb crash_help = {
	.name = "help",
	.args = "",
	.summary = "The verbs",
	.run = run,
};
