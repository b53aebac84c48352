/* SPDX-License-Identifier: MIT */
/** The verbs of all systems, one in each file. */
#ifndef CRASH_VERBS_ALL_H
#define CRASH_VERBS_ALL_H

#include "crash/verbs/verb.h"

extern const struct crash_verb crash_ps;
extern const struct crash_verb crash_bt;
extern const struct crash_verb crash_dis;
extern const struct crash_verb crash_log;
extern const struct crash_verb crash_sym;
extern const struct crash_verb crash_read;
extern const struct crash_verb crash_print;
extern const struct crash_verb crash_list;
extern const struct crash_verb crash_tree;
extern const struct crash_verb crash_search;
extern const struct crash_verb crash_thin;
extern const struct crash_verb crash_help;

#endif
