/* SPDX-License-Identifier: MIT */
/** The walks over a dump's objects that scripts can name. */
#include <errno.h>

#include "crash/linux/file/fd.h"
#include "crash/linux/kernel.h"
#include "crash/linux/kfield.h"
#include "crash/linux/user.h"
#include "crash/script/parts.h"

/* As the live kernel's: all threads that have a number, and so no idle ones. */
static int each_task(struct crash_core *c, struct crash_tasks *tasks,
		     int (*f)(void *arg, const struct walk_at *at), void *arg)
{
	int r = 0;

	(void)c;
	for (size_t i = 0; i < tasks->n && !r; i++) {
		struct walk_at at = { .task = &tasks->all[i] };

		at.ctx[WALK_TASK] = at.task->addr;
		if (!at.task->is_idle)
			r = f(arg, &at);
	}
	return r;
}

struct open_files {
	int (*f)(void *arg, const struct walk_at *at);
	void *arg;
};

static int each_open_file(void *arg, const struct crash_task *t, int64_t fd, uint64_t file)
{
	const struct open_files *o = arg;
	struct walk_at at = { .task = t };

	at.ctx[WALK_TASK] = t->addr;
	at.ctx[WALK_FD] = (uint64_t)fd;
	at.ctx[WALK_FILE] = file;
	return o->f(o->arg, &at);
}

/* As the live kernel's: of threads that share their files the first one has them. */
static int each_file(struct crash_core *c, struct crash_tasks *tasks,
		     int (*f)(void *arg, const struct walk_at *at), void *arg)
{
	struct open_files o = { f, arg };
	struct fd_walk walk;
	int r = fd_walk_begin(&walk, linux_of(c));

	for (size_t i = 0; i < tasks->n && !r; i++) {
		const struct crash_task *t = &tasks->all[i];

		if (t->pid == t->tid && !t->is_idle)
			r = fd_walk_task(&walk, t, each_open_file, &o);
	}
	if (walk.cut && !tasks->cut)
		tasks->cut = walk.cut;
	return r;
}

/** A walk over areas of memory, at one task. */
struct areas {
	const struct crash_task *task;
	int (*f)(void *arg, const struct walk_at *at);
	void *arg;
};

static int give_area(void *arg, uint64_t index, uint64_t area)
{
	const struct areas *a = arg;
	struct walk_at at = { .task = a->task };

	(void)index;
	at.ctx[WALK_TASK] = a->task->addr;
	at.ctx[WALK_AREA] = area;
	return a->f(a->arg, &at);
}

/* As the live kernel's: threads share them, the first one has them. */
static int each_area(struct crash_core *c, struct crash_tasks *tasks,
		     int (*f)(void *arg, const struct walk_at *at), void *arg)
{
	const char *cut;
	int r = 0;

	for (size_t i = 0; i < tasks->n && !r; i++) {
		const struct crash_task *t = &tasks->all[i];
		struct areas a = { t, f, arg };

		if (t->pid != t->tid || t->is_idle)
			continue;
		r = linux_each_area(linux_of(c), t->addr, give_area, &a, &cut);
		if (cut && !tasks->cut)
			tasks->cut = cut;
	}
	return r;
}

const struct walk walks[] = {
	{ .name = "task",
	  .each = each_task,
	  .fields = { { "task", "struct task_struct", WALK_TASK } } },
	{ .name = "task_file",
	  .linux_only = true,
	  .each = each_file,
	  .fields = { { "task", "struct task_struct", WALK_TASK },
		      { "fd", NULL, WALK_FD },
		      { "file", "struct file", WALK_FILE } } },
	{ .name = "task_vma",
	  .linux_only = true,
	  .each = each_area,
	  .fields = { { "task", "struct task_struct", WALK_TASK },
		      { "vma", "struct vm_area_struct", WALK_AREA } } },
	{ 0 },
};
