/* SPDX-License-Identifier: MIT */
/** sonde crash CORE mem: where memory went: kinds of pages, slabs, processes. */
#include <sonde/err.h>

#include "crash/linux/show/show.h"
#include "crash/linux/slab.h"

enum { ROWS = 15 };

static const struct table_column kind_columns[] = {
	{ "kind", "KIND", TABLE_TEXT },
	{ "bytes", "BYTES", TABLE_BYTES },
	{ "share", "SHARE", TABLE_PERCENT },
};

static const struct {
	const char *enumerator, *name;
	bool kib; /* counted in KiB, not in pages */
} kinds[] = {
	{ "NR_FREE_PAGES", "free", false },
	{ "NR_FILE_PAGES", "page cache", false },
	{ "NR_SHMEM", "shared memory (in page cache)", false },
	{ "NR_FILE_DIRTY", "dirty (in page cache)", false },
	{ "NR_WRITEBACK", "being written", false },
	{ "NR_ANON_MAPPED", "anonymous", false },
	{ "NR_FILE_MAPPED", "files mapped", false },
	{ "NR_SLAB_RECLAIMABLE_B", "slabs, reclaimable", false },
	{ "NR_SLAB_UNRECLAIMABLE_B", "slabs, not reclaimable", false },
	{ "NR_KERNEL_STACK_KB", "kernel stacks", true },
	{ "NR_PAGETABLE", "page tables", false },
	{ "NR_MLOCK", "locked", false },
	{ "NR_FREE_CMA_PAGES", "free for devices (CMA)", false },
};

static int show_kinds(struct linux_kernel *k, struct page *p)
{
	const uint64_t page = linux_page_size(k);
	struct table t;
	uint64_t total = 0;
	int64_t n;

	table_init(&t, kind_columns, MEM_LEN(kind_columns));
	if (linux_pages_total(k, &total)) {
		table_str(&t, "total");
		table_int(&t, (int64_t)(total * page));
		table_real(&t, 100);
	}
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (!linux_pages_of(k, kinds[i].enumerator, &n))
			continue;
		uint64_t bytes = (uint64_t)n * (kinds[i].kib ? 1024 : page);

		table_str(&t, kinds[i].name);
		table_int(&t, (int64_t)bytes);
		if (total)
			table_real(&t, 100.0 * (double)bytes / ((double)total * (double)page));
		else
			table_none(&t);
	}
	int err = page_table(p, "kinds", "Memory", &t);
	table_fini(&t);
	return err;
}

static const struct table_column slab_columns[] = {
	{ "name", "SLAB", TABLE_TEXT },	       { "bytes", "BYTES", TABLE_BYTES },
	{ "objects", "OBJECTS", TABLE_COUNT }, { "object_size", "OF BYTES", TABLE_COUNT },
	{ "slabs", "SLABS", TABLE_COUNT },     { "partial", "PARTIAL", TABLE_COUNT },
	{ "reclaimable", NULL, TABLE_ID },
};

static void add_slab(void *arg, const struct slab *b)
{
	struct table *t = arg;

	table_str(t, b->name);
	table_int(t, (int64_t)b->bytes);
	table_int(t, (int64_t)b->objects);
	table_int(t, (int64_t)b->object_size);
	table_int(t, (int64_t)b->slabs);
	table_int(t, (int64_t)b->partial);
	table_int(t, b->is_reclaimable);
}

static int show_slabs(struct crash_run *r, struct linux_kernel *k, struct page *p)
{
	const char *cut = NULL;
	struct table t;

	table_init(&t, slab_columns, MEM_LEN(slab_columns));
	if (slab_each(k, add_slab, &t, &cut) < 0)
		r->note(sonde_err_str());
	if (cut)
		r->note(cut);
	int err = t.failed ? 0 : table_sort(&t, "bytes");
	if (r->args->format != CRASH_JSON)
		(void)table_limit(&t, r->args->limit ? r->args->limit : ROWS); // --limit shows more
	if (!err)
		err = page_table(p, "slabs", "Slabs", &t);
	table_fini(&t);
	return err;
}

static const struct table_column task_columns[] = {
	{ "pid", "PID", TABLE_ID },
	{ "comm", "PROCESS", TABLE_TEXT },
	{ "rss", "RSS", TABLE_BYTES },
	{ "vsz", "VSZ", TABLE_BYTES },
};

static int show_processes(struct crash_run *r, struct page *p)
{
	struct crash_tasks tasks = { 0 };
	struct table t;

	int err = linux_tasks(r->core, &tasks);
	if (err < 0)
		return err;
	table_init(&t, task_columns, MEM_LEN(task_columns));
	for (size_t i = 0; i < tasks.n; i++) {
		const struct crash_task *task = &tasks.all[i];

		if (task->tid != task->pid || !task->space)
			continue;
		table_int(&t, task->pid);
		table_str(&t, task->comm);
		table_int(&t, (int64_t)task->rss);
		table_int(&t, (int64_t)task->vsz);
	}
	err = t.failed ? 0 : table_sort(&t, "rss");
	if (r->args->format != CRASH_JSON)
		(void)table_limit(&t, r->args->limit ? r->args->limit : ROWS); // --limit shows more
	if (!err)
		err = page_table(p, "processes", "Processes", &t);
	table_fini(&t);
	crash_tasks_fini(&tasks);
	return err;
}

static int run(struct crash_run *r)
{
	struct linux_kernel *k = linux_of(r->core);
	struct page p;

	page_begin(&p, r, "Memory");
	int err = show_kinds(k, &p);
	if (!err)
		err = show_slabs(r, k, &p);
	if (!err)
		err = show_processes(r, &p);
	page_end(&p);
	return err;
}

const struct crash_verb linux_mem = {
	.name = "mem",
	.args = "",
	.summary = "Where memory went: pages, slabs, processes",
	.has_html = true,
	.run = run,
};
