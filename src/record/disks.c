/* SPDX-License-Identifier: MIT */
/** Names of disks, from /proc/partitions. */
#include "record/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "ctf/describe.h"

enum { TEXT_MOST = 1 << 16, NAME_MOST = 32 };

static bool has_block_events(const struct sonde_trace *trace)
{
	for (size_t i = 0; i < trace->n_streams; i++) {
		for (size_t e = 0; e < trace->streams[i]->n_events; e++) {
			if (!strncmp(trace->streams[i]->events[e]->name, "block_", 6))
				return true;
		}
	}
	return false;
}

/* "major minor blocks name"; other lines are passed over. */
static void add_line(struct strbuf *text, const char *line)
{
	unsigned major, minor;
	unsigned long long blocks;
	char name[NAME_MOST];

	if (sscanf(line, " %u %u %llu %31s", &major, &minor, &blocks, name) == 4)
		strbuf_fmt(text, "%s%u:%u=%s", text->len ? " " : "", major, minor, name);
}

void disks_describe(struct describe *d)
{
	struct strbuf text = { 0 };
	char line[256];

	if (!has_block_events(&d->trace))
		return;
	FILE *f = fopen("/proc/partitions", "re");
	while (f && text.len < TEXT_MOST && fgets(line, sizeof(line), f))
		add_line(&text, line);
	if (f)
		(void)fclose(f); // it was read
	// Without names a trace is as good: disks then go by their numbers.
	if (text.len && strbuf_ok(&text) == 0)
		describe_env_str(d, "disks", strbuf_text(&text));
	strbuf_fini(&text);
}
