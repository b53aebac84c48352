/* SPDX-License-Identifier: MIT */
/** Which dump formats there are. */
#include "crash/dump/format.h"

const struct dump_format *const dump_formats[] = {
	&format_elf,
	&format_kdump,
	&format_minidump,
	NULL,
};
