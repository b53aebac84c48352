/* SPDX-License-Identifier: MIT */
/** The source of scripts' events. */
#ifndef RECORD_SCRIPT_H
#define RECORD_SCRIPT_H

#include "record/source.h"

extern const struct record_source source_scripts;

#endif
