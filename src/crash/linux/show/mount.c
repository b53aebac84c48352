/* SPDX-License-Identifier: MIT */
/** sonde crash CORE mount: where filesystems were. */
#include <errno.h>

#include <sonde/err.h>

#include "crash/linux/file/path.h"
#include "crash/linux/show/show.h"
#include "crash/walk/walk.h"

enum { PATH_LEN = 4096, MOUNTS_MOST = 1 << 16, MOUNTS_DEEP = 256 };

static const struct table_column columns[] = {
	{ "path", "PATH", TABLE_TEXT },
	{ "type", "TYPE", TABLE_TEXT },
	{ "device", "DEVICE", TABLE_TEXT },
	{ "addr", NULL, TABLE_TEXT },
};

enum {
	NSPROXY,
	FS,
	FS_ROOT,
	MNT_NS,
	NS_LIST,
	MNT_LIST,
	NS_TREE,
	MNT_NODE,
	DEVNAME,
	SB,
	SB_TYPE,
	TYPE_NAME,
	FIELDS
};

static const struct kfield_want wanted[FIELDS] = {
	[NSPROXY] = { "struct task_struct", "nsproxy" },
	[FS] = { "struct task_struct", "fs" },
	[FS_ROOT] = { "struct fs_struct", "root.mnt" },
	[MNT_NS] = { "struct nsproxy", "mnt_ns" },
	[NS_LIST] = { "struct mnt_namespace", "list" },
	[MNT_LIST] = { "struct mount", "mnt_list" },
	[NS_TREE] = { "struct mnt_namespace", "mounts" }, // since 6.8; before, their number
	[MNT_NODE] = { "struct mount", "mnt_node" },
	[DEVNAME] = { "struct mount", "mnt_devname" },
	[SB] = { "struct mount", "mnt.mnt_sb" },
	[SB_TYPE] = { "struct super_block", "s_type" },
	[TYPE_NAME] = { "struct file_system_type", "name" },
};

static const char *text_at(struct linux_kernel *k, uint64_t va)
{
	char text[256];

	return va && space_string(&k->mem, va, text, sizeof(text)) >= 0 ? linux_keep(k, "%s", text)
									: "?";
}

struct mounts {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	struct path_fields path;
	uint64_t link; /* where in a mount its node lies */
	uint64_t root; /* the mount that the process has its root in */
	struct table table;
};

/* Below the root there may be others, which nobody can see. */
static bool is_seen(const struct mounts *m, uint64_t mount)
{
	for (unsigned i = 0; i < MOUNTS_DEEP; i++) {
		uint64_t above = linux_field_or(m->k, mount, &m->path.mnt_parent, mount);

		if (mount == m->root)
			return true;
		if (above == mount)
			return !m->root; // it is not known, as in a dump with holes
		mount = above;
	}
	return true;
}

static int add_mount(void *arg, uint64_t index, uint64_t node)
{
	struct mounts *m = arg;
	struct linux_kernel *k = m->k;
	char path[PATH_LEN];
	const uint64_t mount = node - m->link, vfs = mount + m->path.vfs.off;
	uint64_t sb = linux_field_or(k, mount, &m->f[SB], 0);
	uint64_t type = linux_field_or(k, sb, &m->f[SB_TYPE], 0);

	(void)index;
	if (!is_seen(m, mount))
		return 0;
	path_of(k, &m->path, linux_field_or(k, vfs, &m->path.root, 0), vfs, path, sizeof(path));
	table_str(&m->table, linux_keep(k, "%s", path));
	table_str(&m->table, text_at(k, linux_field_or(k, type, &m->f[TYPE_NAME], 0)));
	table_str(&m->table, text_at(k, linux_field_or(k, mount, &m->f[DEVNAME], 0)));
	table_str(&m->table, linux_keep(k, "0x%llx", (unsigned long long)mount));
	return 0;
}

/* The namespace and the root that a task has. */
static uint64_t enter(struct mounts *m, const struct crash_task *task)
{
	uint64_t proxy = linux_field_or(m->k, task->addr, &m->f[NSPROXY], 0);
	uint64_t fs = linux_field_or(m->k, task->addr, &m->f[FS], 0);
	uint64_t root = linux_field_or(m->k, fs, &m->f[FS_ROOT], 0);

	m->root = root ? root - m->path.vfs.off : 0;
	return linux_field_or(m->k, proxy, &m->f[MNT_NS], 0);
}

static int walk_mounts(struct mounts *m, const struct crash_task *task, const char **ret_cut)
{
	struct walk_over over = { .kind = WALK_LIST, .limit = MOUNTS_MOST };
	const uint64_t ns = task ? enter(m, task) : 0;
	const bool tree = m->f[MNT_NODE].type && m->f[NS_TREE].type;

	if (!ns) {
		*ret_cut = "the first process is not in the dump";
		return 0;
	}
	m->link = tree ? m->f[MNT_NODE].off : m->f[MNT_LIST].off;
	over.head = ns + (tree ? m->f[NS_TREE].off : m->f[NS_LIST].off);
	over.kind = tree ? WALK_RBTREE : WALK_LIST;
	return crash_walk(m->k->core, &over, add_mount, m, ret_cut);
}

/* Mounts as a task sees them: the one that is named, or the first process. */
static int show(struct crash_run *r, const struct crash_tasks *tasks, const struct namespaces *all)
{
	struct mounts m = { .k = linux_of(r->core) };
	const struct namespace *only = NULL;
	const struct crash_task *task = NULL;
	const char *cut = NULL;
	struct page p;

	kfield_find_all(m.k->types, wanted, FIELDS, m.f);
	if (!path_fields_find(m.k, &m.path) || (!(m.f[MNT_NODE].type && m.f[NS_TREE].type) &&
						!(m.f[NS_LIST].type && m.f[MNT_LIST].type)))
		return sonde_fail(-ENOTSUP, "how this kernel keeps mounts is not understood");
	int err = linux_take_namespace(r, tasks, all, &only, &task);
	if (err < 0)
		return err;
	for (size_t i = 0; i < tasks->n && !task; i++)
		task = tasks->all[i].tid == 1 ? &tasks->all[i] : NULL;
	table_init(&m.table, columns, MEM_LEN(columns));
	err = walk_mounts(&m, task, &cut);
	if (!err && cut)
		r->note(linux_keep(m.k, "mounts: %s", cut));
	page_begin(&p, r, "Mounts");
	if (!err)
		err = page_table(&p, "mounts", "Mounts", &m.table);
	if (!err && !only)
		err = linux_show_namespaces(&p, m.k, all);
	page_end(&p);
	table_fini(&m.table);
	return err;
}

static int run(struct crash_run *r)
{
	return linux_in_namespaces(r, NAMESPACE_MOUNT, show);
}

const struct crash_verb linux_mount = {
	.name = "mount",
	.args = "[PID]",
	.summary = "Mounted filesystems, as the first process or another sees them",
	.has_html = true,
	.run = run,
};
