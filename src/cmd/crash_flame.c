/* SPDX-License-Identifier: MIT */
/** Folds the stacks of a dump's tasks, and draws them. */
#include "cmd/crash_flame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/flame/stacks.h"
#include "analysis/flame/svg.h"
#include "base/new_file.h"
#include "crash/debug/debug.h"
#include "crash/verbs/verb.h"

/* The task's name, then its frames from the outermost on. */
static int add(struct stacks *all, const struct crash_task *t, const struct crash_stack *s)
{
	uint32_t names[CRASH_FRAMES_MOST + 1];
	size_t n = 0;

	int r = stacks_name(all, FRAME_THREAD, t->comm, strlen(t->comm), &names[n++]);
	for (size_t i = s->n; !r && i--;) {
		const char *name = s->frames[i].symbol.name;

		r = name ? stacks_name(all, FRAME_KERNEL, name, strlen(name), &names[n++])
			 : stacks_name(all, FRAME_UNKNOWN, "[unknown]", 9, &names[n++]);
	}
	if (!r && !s->n && s->user_pc)
		r = stacks_name(all, FRAME_USER, "[user code]", 11, &names[n++]);
	return r < 0 ? r : stacks_add(all, names, n, 1);
}

static int fold(struct crash_run *r, const struct crash_args *args, struct stacks *all,
		size_t *ret_n)
{
	struct crash_tasks tasks = { 0 };
	struct crash_stack s = { 0 };
	size_t n = 0;

	int err = r->core->system->tasks(r->core, &tasks);
	if (!err)
		err = crash_args_check(r, args, &tasks);
	for (size_t i = 0; !err && i < tasks.n; i++) {
		if (!crash_args_want(args, &tasks.all[i]))
			continue;
		err = r->core->system->stack(r->core, &tasks.all[i], &s);
		if (!err)
			err = crash_debug_expand(r->core, &s);
		if (!err)
			err = add(all, &tasks.all[i], &s);
		n++;
	}
	if (tasks.cut)
		r->note(tasks.cut);
	if (crash_debug_problem(r->core))
		r->note(crash_debug_problem(r->core));
	crash_stack_fini(&s);
	crash_tasks_fini(&tasks);
	*ret_n = n;
	return err < 0 ? err : stacks_finish(all);
}

static int draw_to(const struct stacks *all, size_t n, int fd)
{
	struct sonde_out out;
	char subtitle[64];

	(void)snprintf(subtitle, sizeof(subtitle), "%zu tasks", n);
	const struct flame_text text = { .title = "Stacks of a dead kernel", .subtitle = subtitle };
	int r = out_init(&out, fd);
	if (r < 0)
		return r;
	r = flame_svg(all, &text, &out);
	int flushed = out_flush(&out);
	out_fini(&out);
	return r < 0 ? r : flushed;
}

static int draw(const struct stacks *all, size_t n, const char *path)
{
	struct new_file f;

	if (!strcmp(path, "-"))
		return draw_to(all, n, STDOUT_FILENO);
	int r = new_file_open(&f, path);
	if (r < 0)
		return r;
	r = draw_to(all, n, f.fd);
	if (!r)
		r = new_file_keep(&f);
	new_file_fini(&f);
	if (!r && strcmp(path, "/dev/null") != 0)
		fprintf(stderr, "sonde: wrote %s\n", path);
	return r;
}

static int run(struct crash_run *r)
{
	struct stacks all = { 0 };
	struct crash_args args;
	size_t n = 0;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = stacks_init(&all);
	if (err < 0)
		return err;
	err = fold(r, &args, &all, &n);
	if (!err)
		err = draw(&all, n, args.output ? args.output : "crash.svg");
	stacks_fini(&all);
	return err;
}

const struct crash_verb crash_flame = {
	.name = "flame",
	.args = "[PID]...",
	.summary = "The stacks of all tasks as one picture",
	.run = run,
};
