/* SPDX-License-Identifier: MIT */
/** All commands, in the order of the help. */
#include "cmd/all.h"

const struct command *const cmd_all[] = {
	&cmd_record, &cmd_script, &cmd_cat,   &cmd_stats, &cmd_report,
	&cmd_sync,   &cmd_flame,  &cmd_crash, &cmd_list,  NULL,
};
