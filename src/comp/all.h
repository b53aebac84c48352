/* SPDX-License-Identifier: MIT */
/** The built-in components, one file each. */
#ifndef COMP_ALL_H
#define COMP_ALL_H

#include <sonde/component.h>

/** All built-in components; ends with NULL. */
extern const struct sonde_component_class *const comp_all[];

extern const struct sonde_component_class src_ctf;

/** The component of that name, or NULL. */
const struct sonde_component_class *comp_find(const char *name);

#endif
