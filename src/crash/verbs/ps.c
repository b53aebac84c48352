/* SPDX-License-Identifier: MIT */
/** sonde crash CORE ps: tasks, as ps(1) shows them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/table.h"
#include "crash/verbs/all.h"
#include "crash/verbs/family.h"
#include "crash/verbs/page.h"

enum { INDENT_MOST = 64 };

static const struct table_column columns[] = {
	{ "tid", "TID", TABLE_ID },	     { "pid", "PID", TABLE_ID },
	{ "ppid", "PPID", TABLE_ID },	     { "uid", "UID", TABLE_ID },
	{ "cpu", "CPU", TABLE_ID },	     { "state", "ST", TABLE_TEXT },
	{ "on_cpu", NULL, TABLE_ID },	     { "user_ns", "USER", TABLE_NS },
	{ "system_ns", "SYSTEM", TABLE_NS }, { "rss", "RSS", TABLE_BYTES },
	{ "vsz", "VSZ", TABLE_BYTES },	     { "start_ns", NULL, TABLE_NS },
	{ "addr", NULL, TABLE_TEXT },	     { "comm", "COMM", TABLE_TEXT },
};

static const char *state_text(const struct crash_task *t)
{
	static const char letters[][3] = { "R", "S", "D", "T", "t", "X", "Z", "P", "I", "?" };
	static const char running[][3] = { "R>", "S>", "D>", "T>", "t>",
					   "X>", "Z>", "P>", "I>", "?>" };
	size_t i = 0;

	while (i < MEM_LEN(letters) - 1 && letters[i][0] != t->state)
		i++;
	return t->on_cpu ? running[i] : letters[i];
}

static void add_number(struct table *table, uint64_t n)
{
	if (n == CRASH_UNKNOWN)
		table_none(table);
	else
		table_int(table, (int64_t)n);
}

static void add_row(struct table *table, const struct crash_task *t, const char *addr,
		    const char *comm)
{
	table_int(table, t->tid);
	table_int(table, t->pid);
	add_number(table, (uint64_t)t->ppid);
	add_number(table, t->uid);
	if (t->cpu < 0)
		table_none(table);
	else
		table_int(table, t->cpu);
	table_str(table, state_text(t));
	table_int(table, t->on_cpu);
	add_number(table, t->user_ns);
	add_number(table, t->system_ns);
	if (t->space) {
		table_int(table, (int64_t)t->rss);
		table_int(table, (int64_t)t->vsz);
	} else {
		table_none(table);
		table_none(table);
	}
	add_number(table, t->start_ns);
	table_str(table, addr);
	table_str(table, comm);
}

static int print(struct crash_run *r, const struct table *table)
{
	struct page p;

	if (r->args->format == CRASH_TEXT)
		return table_print(table, r->out, 0, r->width);
	page_begin(&p, r, "Tasks");
	int err = page_table(&p, "tasks", "Tasks", table);
	page_end(&p);
	return err;
}

static const char *address_text(struct crash_core *c, uint64_t addr)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "0x%llx", (unsigned long long)addr);

	return arena_strndup(&c->arena, text, (size_t)len);
}

/* The rows of one task; @comm as it is to be shown. */
static int add_task(struct crash_run *r, struct table *table, const struct crash_task *t,
		    const char *comm)
{
	const char *addr = address_text(r->core, t->addr);

	if (!addr || !comm)
		return sonde_fail(-ENOMEM, "out of memory");
	add_row(table, t, addr, comm);
	return 0;
}

static int add_all(struct crash_run *r, const struct crash_args *args, struct table *table,
		   const struct crash_tasks *tasks)
{
	int err = 0;

	for (size_t i = 0; !err && i < tasks->n; i++) {
		if (crash_args_want(args, &tasks->all[i]))
			err = add_task(r, table, &tasks->all[i], tasks->all[i].comm);
	}
	return err;
}

/* As ps --forest shows it; of processes that were named, all that they began too. */
static int add_tree(struct crash_run *r, const struct crash_args *args, struct table *table,
		    const struct crash_tasks *tasks)
{
	sonde_auto(mem_freep) struct family_member *all = NULL;
	struct crash_args any = *args;
	char text[INDENT_MOST + 64];

	int err = family_order(tasks, &all);
	sonde_auto(mem_freep) bool *named = calloc(tasks->n + 1, sizeof(*named));
	// How many of its parents, and itself, are shown.
	sonde_auto(mem_freep) unsigned *shown = calloc(tasks->n + 1, sizeof(*shown));
	if (!err && (!named || !shown))
		err = sonde_fail(-ENOMEM, "out of memory");
	any.n_pids = 0;
	for (size_t i = 0; !err && i < tasks->n; i++) {
		const struct crash_task *t = all[i].task;
		bool below = all[i].parent != FAMILY_NONE && named[all[i].parent];

		shown[i] = all[i].parent != FAMILY_NONE ? shown[all[i].parent] : 0;
		named[i] = below || crash_args_want(args, t);
		if (!named[i] || (below && !crash_args_want(&any, t)))
			continue;
		unsigned depth = shown[i] < INDENT_MOST / 2 ? shown[i] : INDENT_MOST / 2;
		shown[i]++;
		int len = snprintf(text, sizeof(text), "%*s%s%s", depth ? (int)(2 * depth - 2) : 0,
				   "", depth ? "\\_ " : "", t->comm);
		err = add_task(r, table, t,
			       arena_strndup(&r->core->arena, text, strnlen(text, (size_t)len)));
	}
	return err;
}

static int run(struct crash_run *r)
{
	struct crash_tasks tasks = { 0 };
	struct table table;
	struct crash_args args;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = r->core->system->tasks(r->core, &tasks);
	if (!err)
		err = crash_args_check(r, &args, &tasks);
	if (err < 0) {
		crash_tasks_fini(&tasks);
		return err;
	}
	table_init(&table, columns, MEM_LEN(columns));
	bool tree = args.tree && args.format != CRASH_JSON; // which tells parents anyhow
	err = tree ? add_tree(r, &args, &table, &tasks) : add_all(r, &args, &table, &tasks);
	if (!err && args.sort)
		err = table_sort(&table, args.sort);
	if (r->args->limit)
		(void)table_limit(&table, r->args->limit); // asked for
	if (!err)
		err = print(r, &table);
	if (tasks.cut)
		r->note(tasks.cut);
	table_fini(&table);
	crash_tasks_fini(&tasks);
	return err;
}

const struct crash_verb crash_ps = {
	.name = "ps",
	.args = "[PID]...",
	.summary = "Tasks: states, run times, memory",
	.has_html = true,
	.run = run,
};
