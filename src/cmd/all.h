/* SPDX-License-Identifier: MIT */
/** The commands, one file each. */
#ifndef CMD_ALL_H
#define CMD_ALL_H

#include "cmd/command.h"

extern const struct command cmd_cat;
extern const struct command cmd_flame;
extern const struct command cmd_crash;
extern const struct command cmd_list;
extern const struct command cmd_sync;
extern const struct command cmd_record;
extern const struct command cmd_report;
extern const struct command cmd_script;
extern const struct command cmd_stats;

#endif
