/* SPDX-License-Identifier: MIT */
/** sonde crash CORE mem: where memory went: kinds of pages, slabs, processes. */
#include <stdlib.h>

#include "crash/linux/show/show.h"

enum { ROWS = 15, NAME_MOST = 64, SLABS_MOST = 1 << 14, NODES_MOST = 64 };

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
};

enum { LIST, NAME, SIZE, OO, NODE, IN_NODE, NR_SLABS, OBJECTS, PARTIAL, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[LIST] = { "struct kmem_cache", "list" },
	[NAME] = { "struct kmem_cache", "name" },
	[SIZE] = { "struct kmem_cache", "object_size" },
	[OO] = { "struct kmem_cache", "oo.x" },
	[NODE] = { "struct kmem_cache", "node|per_node" }, // each a pair of pointers since 7.0
	[IN_NODE] = { "struct kmem_cache_per_node_ptrs", "node" },
	[NR_SLABS] = { "struct kmem_cache_node", "nr_slabs.counter" },
	[OBJECTS] = { "struct kmem_cache_node", "total_objects.counter" },
	[PARTIAL] = { "struct kmem_cache_node", "nr_partial" },
};

/* The array of nodes is as long as there are nodes, whatever its type says. */
static uint64_t n_nodes(struct linux_kernel *k, const struct kfield *node)
{
	uint64_t n = 1;

	if (linux_global(k, "nr_node_ids", 4, &n) < 0 || !n)
		n = 1;
	if (node->type->n && n > node->type->n)
		n = node->type->n;
	return n < NODES_MOST ? n : NODES_MOST;
}

static void add_slab(struct linux_kernel *k, struct table *t, const struct kfield *f,
		     uint64_t cache)
{
	uint64_t slabs = 0, objects = 0, partial = 0, name = 0, node;
	char text[NAME_MOST] = "?";
	const uint64_t oo = linux_field_or(k, cache, &f[OO], 0), n = n_nodes(k, &f[NODE]);
	const uint64_t pair = kfield_sizeof(k->types, "struct kmem_cache_per_node_ptrs");
	const uint64_t each = pair ? pair : sizeof(node);
	const uint64_t first = cache + f[NODE].off + f[IN_NODE].off; // 0 where there is no pair

	for (uint64_t i = 0; i < n; i++) {
		if (linux_read_u64(k, first + i * each, &node) < 0 || !node)
			continue;
		slabs += linux_field_or(k, node, &f[NR_SLABS], 0);
		objects += linux_field_or(k, node, &f[OBJECTS], 0);
		partial += linux_field_or(k, node, &f[PARTIAL], 0);
	}
	if (!linux_read_field(k, cache, &f[NAME], &name))
		(void)space_string(&k->mem, name, text, sizeof(text)); // else it stays "?"
	table_str(t, linux_keep(k, "%s", text));
	table_int(t, (int64_t)(slabs * (linux_page_size(k) << (oo >> 16 & 15))));
	table_int(t, (int64_t)objects);
	table_int(t, (int64_t)linux_field_or(k, cache, &f[SIZE], 0));
	table_int(t, (int64_t)slabs);
	table_int(t, (int64_t)partial);
}

static int show_slabs(struct crash_run *r, struct linux_kernel *k, struct page *p)
{
	struct kfield f[FIELDS];
	struct linux_list list;
	struct table t;
	uint64_t head;

	kfield_find_all(k->types, wanted, FIELDS, f);
	if (!linux_symbol(k, "slab_caches", &head) || !f[LIST].type || !f[NODE].type) {
		r->note("how this kernel keeps slabs is not understood");
		return 0;
	}
	table_init(&t, slab_columns, MEM_LEN(slab_columns));
	linux_list_begin(&list, head);
	while (list.n < SLABS_MOST && linux_list_next(k, &list))
		add_slab(k, &t, f, list.at - f[LIST].off);
	if (list.cut)
		r->note(list.cut);
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
	.run = run,
};
