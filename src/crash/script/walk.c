/* SPDX-License-Identifier: MIT */
/** The walks over a dump's objects that scripts can name. */
#include <errno.h>

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

/** Where Linux keeps what a process has open. */
struct file_fields {
	struct kfield files, fdt, most, fd;
};

enum { FILES_MOST = 1 << 20 };

static int each_file_of(struct linux_kernel *k, const struct file_fields *fields,
			const struct crash_task *task,
			int (*f)(void *arg, const struct walk_at *at), void *arg)
{
	uint64_t files = linux_field_or(k, task->addr, &fields->files, 0), table, most, array;

	if (!files)
		return 0;
	table = linux_field_or(k, files, &fields->fdt, 0);
	most = table ? linux_field_or(k, table, &fields->most, 0) : 0;
	array = table ? linux_field_or(k, table, &fields->fd, 0) : 0;
	for (uint64_t i = 0; i < most && i < FILES_MOST; i++) {
		struct walk_at at = { .task = task };

		if (linux_read_u64(k, array + 8 * i, &at.ctx[WALK_FILE]) < 0)
			return 0;
		if (!at.ctx[WALK_FILE])
			continue;
		at.ctx[WALK_TASK] = task->addr;
		at.ctx[WALK_FD] = i;
		int r = f(arg, &at);
		if (r)
			return r;
	}
	return 0;
}

/* As the live kernel's: of threads that share their files the first one has them. */
static int each_file(struct crash_core *c, struct crash_tasks *tasks,
		     int (*f)(void *arg, const struct walk_at *at), void *arg)
{
	struct linux_kernel *k = linux_of(c);
	struct file_fields fields;
	int r = 0;

	if (!k->types || !kfield_find(k->types, "struct task_struct", "files", &fields.files) ||
	    !kfield_find(k->types, "struct files_struct", "fdt", &fields.fdt) ||
	    !kfield_find(k->types, "struct fdtable", "max_fds", &fields.most) ||
	    !kfield_find(k->types, "struct fdtable", "fd", &fields.fd))
		return 0;
	for (size_t i = 0; i < tasks->n && !r; i++) {
		const struct crash_task *t = &tasks->all[i];

		if (t->pid == t->tid && !t->is_idle)
			r = each_file_of(k, &fields, t, f, arg);
	}
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
