/* SPDX-License-Identifier: MIT */
/** Event headers of well-known layouts, and the table of event classes by id. */
#ifndef MODEL_HEADER_H
#define MODEL_HEADER_H

#include "model/plan.h"

/** Finds out whether the header can be read without its ops; sets @h's kind and has_id. */
void header_recognise(struct plan_header *h);

/** Makes the tables for plan_class(). */
SONDE_MUST_CHECK int header_index(struct arena *arena, struct plan_header *h);

/** Makes the table for the decode loop, once the classes are compiled. */
SONDE_MUST_CHECK int header_hot(struct arena *arena, struct plan_header *h);

#endif
