/* SPDX-License-Identifier: MIT */
/** sonde crash CORE read: memory as words and letters. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/verbs/all.h"

enum { LINE = 16, LEN_USUAL = 64, LEN_MOST = 1 << 26, WHY_MOST = 256 };

struct reading {
	struct crash_run *run;
	const struct crash_task *task; /* whose memory; NULL: the kernel's */
};

static int get(struct reading *d, uint64_t va, void *ret, size_t n)
{
	struct crash_core *c = d->run->core;

	return d->task ? c->system->read_user(c, d->task, va, ret, n)
		       : c->system->read(c, va, ret, n);
}

static void print_line(struct sonde_out *o, uint64_t va, const uint8_t *bytes, size_t n)
{
	out_fmt(o, "%016" PRIx64, va);
	for (size_t i = 0; i < LINE; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		if (i < n)
			out_fmt(o, "  %016" PRIx64, word);
		else
			out_fmt(o, "  %16s", "");
	}
	out_str(o, "  ");
	for (size_t i = 0; i < n; i++)
		out_fmt(o, "%c", bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.');
	out_str(o, "\n");
}

static int show(struct reading *d, uint64_t va, uint64_t len)
{
	uint64_t missing = 0;
	char why[WHY_MOST] = "";

	for (uint64_t done = 0; done < len; done += LINE) {
		uint8_t bytes[LINE] = { 0 };
		size_t n = len - done < LINE ? (size_t)(len - done) : LINE;

		int r = get(d, va + done, bytes, n);
		if (r < 0 && !done && r != -ENODATA)
			return crash_fail_read(r, va);
		if (r < 0 && !missing) {
			(void)crash_fail_read(r, va + done);
			(void)snprintf(why, sizeof(why), "%s", sonde_err_str());
		}
		if (r < 0)
			missing += n;
		else
			print_line(d->run->out, va + done, bytes, n);
	}
	if (missing == len)
		return sonde_fail(-ENODATA, "%s", why);
	if (missing) {
		char line[WHY_MOST + 48];

		(void)snprintf(line, sizeof(line), "%" PRIu64 " bytes are not there; %s", missing,
			       why);
		d->run->note(line);
	}
	return 0;
}

static int run(struct crash_run *r)
{
	struct crash_tasks tasks = { 0 };
	struct reading d = { .run = r };
	uint64_t va = 0, len = LEN_USUAL;

	if (r->argc < 1 || r->argc > 2)
		return sonde_fail(-EINVAL, "read wants an address, and how many bytes");
	int err = crash_address(r->core, r->argv[0], &va);
	if (!err && r->argc == 2)
		err = crash_address(r->core, r->argv[1], &len);
	if (!err && (!len || len > LEN_MOST))
		err = sonde_fail(-EINVAL, "%s bytes; 1 .. %d can be read", r->argv[1], LEN_MOST);
	if (!err && r->args->n_pids)
		err = r->core->system->tasks(r->core, &tasks);
	for (size_t i = 0; !err && i < tasks.n && !d.task; i++) {
		if (tasks.all[i].tid == r->args->pids[0])
			d.task = &tasks.all[i];
	}
	if (!err && r->args->n_pids && !d.task)
		err = sonde_fail(-ESRCH, "there is no task %lld", (long long)r->args->pids[0]);
	if (!err)
		err = show(&d, va, len);
	crash_tasks_fini(&tasks);
	return err;
}

const struct crash_verb crash_read = {
	.name = "read",
	.args = "ADDR [LEN]",
	.summary = "Memory as words and letters; of a process with --pid",
	.run = run,
};
