/* SPDX-License-Identifier: MIT */
/** The metadata of a recording that was not made: from the kernel's format files alone. */
#include "record/plan.h"

#include "ctf/tsdl_print.h"
#include "record/kernel_events.h"
#include "record/sample_events.h"
#include "sym/probe/tracefs.h"

/* The recording itself tells what it leaves out. */
static void no_note(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static int describe_all(struct recording *rec, struct kernel_events *k, struct strbuf *ret)
{
	static const uint8_t uuid[16];
	const char *top;

	int r = tracing_mount(&top);
	if (r < 0)
		return r;
	describe_trace(rec->desc, uuid);
	describe_env_host(rec->desc);
	r = kernel_events_open(k, top, rec);
	if (r < 0)
		return r;
	if (rec->opts->sample_hz || rec->opts->follow_tasks)
		sample_events_describe(rec->desc);
	r = describe_ok(rec->desc);
	if (!r)
		r = tsdl_print(&rec->desc->trace, ret);
	return r < 0 ? r : strbuf_ok(ret);
}

int record_plan(const struct record_opts *opts, struct strbuf *ret)
{
	struct arena arena = { 0 };
	struct describe desc = { .arena = &arena };
	struct recording rec = { .opts = opts, .arena = &arena, .desc = &desc, .note = no_note };
	struct kernel_events kinds = { 0 };

	int r = describe_all(&rec, &kinds, ret);
	kernel_events_fini(&kinds);
	arena_fini(&arena);
	return r;
}
