/* SPDX-License-Identifier: MIT */
/** Namespaces, for verbs that show what is in them. */
#include <errno.h>

#include <sonde/err.h>

#include "crash/linux/show/show.h"

static const struct table_column columns[] = {
	{ "inode", "NAMESPACE", TABLE_ID }, { "pid", "PID", TABLE_ID },
	{ "comm", "PROCESS", TABLE_TEXT },  { "threads", "THREADS", TABLE_COUNT },
	{ "addr", NULL, TABLE_TEXT },
};

int linux_show_namespaces(struct page *p, struct linux_kernel *k, const struct namespaces *all)
{
	struct table t;

	// One alone is what everybody knows of.
	if (all->n < 2 && p->run->args->format != CRASH_JSON)
		return 0;
	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < all->n; i++) {
		const struct namespace *n = &all->all[i];

		table_int(&t, (int64_t)n->inode);
		if (n->task) {
			table_int(&t, n->task->pid);
			table_str(&t, n->task->comm);
		} else {
			table_none(&t);
			table_none(&t);
		}
		table_int(&t, (int64_t)n->n_tasks);
		table_str(&t, linux_keep(k, "0x%llx", (unsigned long long)n->addr));
	}
	int err = page_table(p, "namespaces", "Namespaces", &t);
	table_fini(&t);
	return err;
}

int linux_in_namespaces(struct crash_run *r, enum namespace_kind kind,
			int (*show)(struct crash_run *r, const struct crash_tasks *tasks,
				    const struct namespaces *all))
{
	struct crash_tasks tasks = { 0 };
	struct namespaces all = { 0 };

	int err = linux_tasks(r->core, &tasks);
	if (!err)
		err = namespaces_find(linux_of(r->core), kind, &tasks, &all);
	if (!err && all.cut)
		r->note(all.cut);
	if (!err)
		err = show(r, &tasks, &all);
	namespaces_fini(&all);
	crash_tasks_fini(&tasks);
	return err;
}

int linux_take_namespace(const struct crash_run *r, const struct crash_tasks *tasks,
			 const struct namespaces *all, const struct namespace **ret,
			 const struct crash_task **ret_task)
{
	struct crash_args args;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = crash_args_check(r, &args, tasks);
	if (err < 0)
		return err;
	if (args.n_pids > 1)
		return sonde_fail(-EINVAL, "the namespace of one task, not of %zu", args.n_pids);
	for (size_t i = 0; args.n_pids && i < tasks->n; i++) {
		const struct crash_task *t = &tasks->all[i];

		if (t->tid != args.pids[0] || t->is_idle)
			continue;
		*ret = namespaces_of(linux_of(r->core), all, t);
		*ret_task = t;
		return *ret ? 0
			    : sonde_fail(-ESRCH, "task %lld is in no namespace any more",
					 (long long)t->tid);
	}
	return 0;
}
