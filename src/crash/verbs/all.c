/* SPDX-License-Identifier: MIT */
/** All verbs, in the order of the help. */
#include "crash/verbs/all.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "sym/ctype.h"

const struct crash_verb *const crash_verbs[] = {
	&crash_ps,   &crash_bt,	  &crash_log,	 &crash_sym,  &crash_read, &crash_dis, &crash_print,
	&crash_list, &crash_tree, &crash_search, &crash_thin, &crash_help, NULL,
};

static const struct crash_verb *find(const struct crash_verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++) {
		if (!strcmp((*verbs)->name, name))
			return *verbs;
	}
	return NULL;
}

const struct crash_verb *crash_verb_find(const struct crash_system *system, const char *name)
{
	const struct crash_verb *v = NULL;

	for (size_t i = 0; !v && crash_systems[i]; i++) {
		if (!system || system == crash_systems[i])
			v = find(crash_systems[i]->verbs, name);
	}
	return v ? v : find(crash_verbs, name);
}

int crash_verb_run(const struct crash_verb *v, struct crash_run *r)
{
	if (!*v->args && r->argc)
		return sonde_fail(-EINVAL, "%s takes no words: '%s'", v->name, r->argv[0]);
	if (!v->has_html && r->args->format == CRASH_HTML)
		return sonde_fail(-EINVAL, "%s has no html: want text or json", v->name);
	struct ctypes *types =
		r->core->system->types ? r->core->system->types(r->core, NULL) : NULL;

	int err = v->run(r);
	// A field for which there was no memory seems to be one that this kernel has not.
	return r->core->ran_out || (types && ctypes_ran_out(types)) ||
			       (r->core->types && ctypes_ran_out(r->core->types))
		       ? sonde_fail(-ENOMEM, "out of memory")
		       : err;
}
