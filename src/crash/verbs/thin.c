/* SPDX-License-Identifier: MIT */
/** sonde crash CORE thin: a small dump of the pages that verbs need, to be sent to somebody. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "base/table.h"
#include "crash/dump/touched.h"
#include "crash/thin/thin.h"
#include "crash/verbs/all.h"
#include "crash/verbs/words.h"

static const struct crash_verb *find(const struct crash_run *r, const char *name)
{
	for (size_t i = 0; r->more && r->more[i]; i++) {
		if (!strcmp(r->more[i]->name, name))
			return r->more[i];
	}
	return crash_verb_find(r->core->system, name);
}

/* Runs a verb for what it reads; what it shows goes nowhere. */
static int touch(const struct crash_run *r, struct crash_core *core, const char *line)
{
	sonde_auto(crash_words_fini) struct crash_words words = { 0 };
	struct crash_args args = *r->args;
	struct sonde_out out;

	int err = crash_words_split(line, &words);
	if (err < 0)
		return err;
	const struct crash_verb *v = words.n ? find(r, words.all[0]) : NULL;
	if (!v || v == &crash_thin)
		return sonde_fail(-EINVAL, "'%s' is no verb that reads a dump", line);
	err = out_init(&out, -1);
	if (err < 0)
		return err;
	args.output = "/dev/null"; // what is given is the dump's
	struct crash_run run = *r;
	run.core = core;
	run.args = &args;
	run.argc = (int)words.n - 1;
	run.argv = words.all + 1;
	run.out = &out;
	err = crash_verb_run(v, &run);
	out_fini(&out);
	return err < 0 ? sonde_wrap(err, "'%s'", line) : 0;
}

static int touch_all(const struct crash_run *r)
{
	sonde_auto(crash_closep) struct crash_core *again = NULL;

	int err = crash_open_again(r->core, &again);
	if (err < 0)
		return err;
	for (int i = 0; !err && i < r->argc; i++)
		err = touch(r, again, r->argv[i]);
	if (!r->argc)
		err = touch(r, again, crash_verb_find(r->core->system, "report") ? "report" : "ps");
	return err;
}

static void show(struct crash_run *r, size_t n, const struct thin_result *result)
{
	const uint64_t all = r->core->about->pages_held;
	const struct table_cell bytes = { .kind = TABLE_INT, .u.i = (int64_t)result->bytes };
	char size[TABLE_VALUE_MOST];
	struct json j;

	if (r->args->format != CRASH_JSON) {
		table_value(TABLE_BYTES, &bytes, size);
		out_fmt(r->out, "wrote '%s' (%s): %s, %zu of %" PRIu64 " pages\n", r->args->output,
			result->format, size, n, all);
		return;
	}
	json_init(&j, r->out);
	json_object(&j, NULL);
	json_str(&j, "path", r->args->output);
	json_str(&j, "format", result->format);
	json_int(&j, "bytes", (int64_t)result->bytes);
	json_int(&j, "pages", (int64_t)n);
	json_int(&j, "of_pages", (int64_t)all);
	json_end_object(&j);
}

static int run(struct crash_run *r)
{
	struct dump *d = r->core->dump;
	struct thin_result result = { 0 };

	if (!r->args->output)
		return sonde_fail(-EINVAL, "thin: which file? -o FILE");
	sonde_auto(touched_freep) struct touched *touched = NULL;
	sonde_auto(mem_freep) uint64_t *pages = NULL;
	size_t n = 0;

	int err = touched_new(r->core->about->page_size, &touched);
	if (err < 0)
		return err;
	dump_watch(d, touched);
	err = touch_all(r);
	dump_watch(d, NULL);
	if (!err)
		err = touched_pages(touched, &pages, &n);
	if (!err)
		err = thin_write(d, pages, n, r->args->output, &result);
	if (!err)
		show(r, n, &result);
	return err;
}

const struct crash_verb crash_thin = {
	.name = "thin",
	.args = "[VERB]...",
	.summary = "Write a small dump of what these verbs read, the report if none; -o FILE",
	.run = run,
};
