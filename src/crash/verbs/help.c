/* SPDX-License-Identifier: MIT */
/** sonde crash CORE help: which verbs there are. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/verbs/all.h"

enum { COLUMN = 26 };

static void print(struct sonde_out *o, const struct crash_verb *v)
{
	const size_t len = 2 + strlen(v->name) + (*v->args != 0) + strlen(v->args);
	const bool fits = len + 2 <= COLUMN;

	out_fmt(o, "  %s%s%s%s%*s%s\n", v->name, *v->args ? " " : "", v->args, fits ? "" : "\n",
		fits ? (int)(COLUMN - len) : COLUMN, "", v->summary);
}

static int print_one(struct crash_run *r, const char *name)
{
	const struct crash_verb *v = crash_verb_find(r->core->system, name);

	for (size_t i = 0; !v && r->more && r->more[i]; i++)
		v = strcmp(r->more[i]->name, name) ? NULL : r->more[i];
	if (!v)
		return crash_verb_unknown(r->core->system, name);
	print(r->out, v);
	return 0;
}

static int run(struct crash_run *r)
{
	const struct crash_system *s = r->core->system;

	if (r->argc > 1)
		return sonde_fail(-EINVAL, "help wants at most one verb");
	if (r->argc)
		return print_one(r, r->argv[0]);
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
	.args = "[VERB]",
	.summary = "The verbs, or what one takes",
	.run = run,
};
