/* SPDX-License-Identifier: MIT */
/** All built-in components. */
#include "comp/all.h"

#include <string.h>

const struct sonde_component_class *const comp_all[] = {
	&src_ctf,
	NULL,
};

const struct sonde_component_class *comp_find(const char *name)
{
	for (const struct sonde_component_class *const *c = comp_all; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}
