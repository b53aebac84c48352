/* SPDX-License-Identifier: MIT */
/** The verbs of Linux. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crash/linux/show/show.h"

const struct crash_verb *const linux_verbs[] = { &linux_report, &linux_mods,  &linux_mem,
						 &linux_irq,	&linux_files, &linux_mount,
						 &linux_net,	NULL };

const char *linux_keep(struct linux_kernel *k, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const char *kept = arena_strndup(&k->core->arena, text, strlen(text));
	k->core->ran_out |= !kept;
	return kept ? kept : "?";
}
