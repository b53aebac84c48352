/* SPDX-License-Identifier: MIT */
/** All verbs, in the order of the help. */
#include "crash/verbs/all.h"

#include <string.h>

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
