/* SPDX-License-Identifier: MIT */
/** The built-in components, one file each. */
#ifndef COMP_ALL_H
#define COMP_ALL_H

#include <sonde/component.h>

extern const struct sonde_component_class flt_limit;
extern const struct sonde_component_class flt_name;
extern const struct sonde_component_class flt_window;
extern const struct sonde_component_class sink_json;
extern const struct sonde_component_class sink_none;
extern const struct sonde_component_class sink_stats;
extern const struct sonde_component_class sink_text;
extern const struct sonde_component_class src_ctf;

/** All built-in components; ends with NULL. */
extern const struct sonde_component_class *const comp_all[];

/** The component of that name, or NULL. */
const struct sonde_component_class *comp_find(const char *name);

#endif
