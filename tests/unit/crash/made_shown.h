/* SPDX-License-Identifier: MIT */
/** What a verb shows of a dump that is made up. */
#ifndef MADE_SHOWN_H
#define MADE_SHOWN_H

#include "crash/verbs/verb.h"

enum { SHOWN_MOST = 1 << 17 };

/** Of the last made_show(): what it showed, and its last note. */
extern char shown[SHOWN_MOST], noted[SHOWN_MOST];

/** Shows what the verb @name says of the dump at @path, with the file @kernel or NULL. */
int made_show(const char *path, const char *kernel, const char *name, enum crash_format format);

/** Fails the test if a terminal would take a part of it for an order. */
void expect_shown_is_safe(const char *verb);

#endif
