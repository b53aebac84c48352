/* SPDX-License-Identifier: MIT */
/** All built-in components. */
#include "comp/all.h"

#include <string.h>

// clang-format off
const struct sonde_component_class *const comp_all[] = {
	&flt_limit,
	&flt_name,
	&flt_window,
	&sink_json,
	&sink_none,
	&sink_stats,
	&sink_text,
	&src_ctf,
	NULL,
};
// clang-format on

const struct sonde_component_class *comp_find(const char *name)
{
	for (const struct sonde_component_class *const *c = comp_all; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}
