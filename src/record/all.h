/* SPDX-License-Identifier: MIT */
/** The sources that a recording may draw from. */
#ifndef RECORD_ALL_H
#define RECORD_ALL_H

#include "record/source.h"

/** All of them; ends with NULL. */
extern const struct record_source *const record_all[];

#endif
