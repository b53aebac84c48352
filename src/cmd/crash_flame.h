/* SPDX-License-Identifier: MIT */
/** sonde crash CORE flame: the stacks of all tasks as one picture. */
#ifndef CMD_CRASH_FLAME_H
#define CMD_CRASH_FLAME_H

struct crash_verb;

extern const struct crash_verb crash_flame;

#endif
