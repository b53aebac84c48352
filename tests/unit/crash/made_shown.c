/* SPDX-License-Identifier: MIT */
/** Runs a verb over a dump, as the command does. */
#include "made_shown.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "test.h"

char shown[SHOWN_MOST], noted[SHOWN_MOST];

static void note(const char *line)
{
	(void)snprintf(noted, sizeof(noted), "%s", line);
}

int made_show(const char *path, const char *kernel, const char *name, enum crash_format format)
{
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	sonde_auto(mem_closep) int fd = memfd_create("shown", MFD_CLOEXEC);
	struct crash_args args = { .format = format };
	struct sonde_out out;

	shown[0] = noted[0] = '\0';
	int r = crash_open(&path, 1, kernel, &c);
	if (r < 0)
		return r;
	const struct crash_verb *v = crash_verb_find(c->system, name);
	if (!v)
		return -ENOENT;
	r = out_init(&out, fd);
	if (r < 0)
		return r;
	struct crash_run run = { .core = c, .args = &args, .out = &out, .note = note };
	r = crash_verb_run(v, &run);
	if (r == 0)
		r = out_flush(&out);
	out_fini(&out);
	ssize_t n = pread(fd, shown, sizeof(shown) - 1, 0);
	shown[n > 0 ? n : 0] = '\0';
	return r;
}

void expect_shown_is_safe(const char *verb)
{
	for (const char *c = shown; *c; c += utf8_shown_len(c) ? utf8_shown_len(c) : 1) {
		if (!utf8_shown_len(c) && *c != '\n' && *c != '\t')
			test_failed(__FILE__, __LINE__, "%s: byte 0x%02x at %td", verb, *c,
				    c - shown);
	}
}
