/* SPDX-License-Identifier: MIT */
/** sonde crash CORE files and mount: what processes had open, and where filesystems were. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "crash/linux/path.h"
#include "crash/linux/show/show.h"
#include "crash/walk/walk.h"

enum {
	FDS_MOST = 1 << 20,
	ROWS_MOST = 1 << 18,
	LOOK_MOST = 1 << 26,
	PATH_LEN = 4096,
	MOUNTS_MOST = 1 << 16,
	MOUNTS_DEEP = 256
};

static const struct table_column columns[] = {
	{ "pid", "PID", TABLE_ID },	{ "fd", "FD", TABLE_ID },
	{ "type", "TYPE", TABLE_TEXT }, { "pos", "POS", TABLE_COUNT },
	{ "path", "PATH", TABLE_TEXT }, { "addr", NULL, TABLE_TEXT },
};

enum { FILES, FDT, MAX_FDS, FD, DENTRY, MNT, POS, INODE, MODE, INO, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[FILES] = { "struct task_struct", "files" },
	[FDT] = { "struct files_struct", "fdt" },
	[MAX_FDS] = { "struct fdtable", "max_fds" },
	[FD] = { "struct fdtable", "fd" },
	[DENTRY] = { "struct file", "f_path.dentry|__f_path.dentry" },
	[MNT] = { "struct file", "f_path.mnt|__f_path.mnt" },
	[POS] = { "struct file", "f_pos" },
	[INODE] = { "struct file", "f_inode" },
	[MODE] = { "struct inode", "i_mode" },
	[INO] = { "struct inode", "i_ino" },
};

struct files {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	struct path_fields path;
	struct table table;
	uint64_t looked_at;
	bool full; /* no more is shown */
};

static const char *type_name(uint64_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "dir";
	case S_IFCHR: return "char";
	case S_IFBLK: return "block";
	case S_IFIFO: return "pipe";
	case S_IFSOCK: return "socket";
	case S_IFLNK: return "link";
	default: return "anon";
	}
}

static void add(struct files *s, int64_t pid, int64_t fd, uint64_t file)
{
	struct linux_kernel *k = s->k;
	char path[PATH_LEN];
	uint64_t inode = linux_field_or(k, file, &s->f[INODE], 0);
	uint64_t mode = linux_field_or(k, inode, &s->f[MODE], 0);
	const char *type = type_name(mode);

	if (S_ISSOCK(mode) || S_ISFIFO(mode))
		(void)snprintf(path, sizeof(path), "%s:[%llu]", type,
			       (unsigned long long)linux_field_or(k, inode, &s->f[INO], 0));
	else
		path_of(k, &s->path, linux_field_or(k, file, &s->f[DENTRY], 0),
			linux_field_or(k, file, &s->f[MNT], 0), path, sizeof(path));
	table_int(&s->table, pid);
	table_int(&s->table, fd);
	table_str(&s->table, type);
	table_int(&s->table, (int64_t)linux_field_or(k, file, &s->f[POS], 0));
	table_str(&s->table, linux_keep(k, "%s", path));
	table_str(&s->table, linux_keep(k, "0x%llx", (unsigned long long)file));
}

static void add_all(struct files *s, const struct crash_task *t)
{
	struct linux_kernel *k = s->k;
	uint64_t files = linux_field_or(k, t->addr, &s->f[FILES], 0);
	uint64_t fdt = files ? linux_field_or(k, files, &s->f[FDT], 0) : 0;
	uint64_t n = fdt ? linux_field_or(k, fdt, &s->f[MAX_FDS], 0) : 0;
	uint64_t fds = fdt ? linux_field_or(k, fdt, &s->f[FD], 0) : 0;

	for (uint64_t i = 0; i < n && i < FDS_MOST && !s->full; i++) {
		uint64_t file;

		if (linux_read_u64(k, fds + i * 8, &file) < 0)
			return;
		if (file)
			add(s, t->pid, (int64_t)i, file);
		// Tables of a broken dump may be as large as one likes, and as many.
		s->full = table_rows(&s->table) >= ROWS_MOST || ++s->looked_at >= LOOK_MOST;
	}
}

static int run_files(struct crash_run *r)
{
	struct files s = { .k = linux_of(r->core) };
	struct crash_tasks tasks = { 0 };
	struct crash_args args;
	struct page p;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = linux_tasks(r->core, &tasks);
	if (err < 0)
		return err;
	kfield_find_all(s.k->types, wanted, FIELDS, s.f);
	if (!path_fields_find(s.k, &s.path) || !s.f[FILES].type || !s.f[FDT].type)
		err = sonde_fail(-ENOTSUP, "how this kernel keeps files is not understood");
	table_init(&s.table, columns, MEM_LEN(columns));
	for (size_t i = 0; !err && i < tasks.n; i++) {
		const struct crash_task *t = &tasks.all[i];

		// Threads share the files of their process, most often; one that is asked for is
		// shown.
		bool asked = t->tid == t->pid;
		for (size_t n = 0; n < args.n_pids; n++)
			asked |= args.pids[n] == t->tid;
		if (asked && crash_args_want(&args, t))
			add_all(&s, t);
	}
	if (s.full)
		r->note("there are more files than can be shown");
	page_begin(&p, r, "Files");
	if (!err)
		err = page_table(&p, "files", "Files", &s.table);
	page_end(&p);
	table_fini(&s.table);
	crash_tasks_fini(&tasks);
	return err;
}

const struct crash_verb linux_files = {
	.name = "files",
	.args = "[PID]...",
	.summary = "Files that processes had open",
	.run = run_files,
};

static const struct table_column mount_columns[] = {
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
	MOUNT_FIELDS
};

static const struct kfield_want mount_wanted[MOUNT_FIELDS] = {
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
	struct kfield f[MOUNT_FIELDS];
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

/* The namespace and the root of the first process; 0: not in the dump. */
static int first_namespace(struct mounts *m, uint64_t *ret)
{
	struct crash_tasks tasks = { 0 };
	uint64_t first = 0;

	int err = linux_tasks(m->k->core, &tasks);
	if (err < 0)
		return err;
	for (size_t i = 0; i < tasks.n && !first; i++)
		first = tasks.all[i].tid == 1 ? tasks.all[i].addr : 0;
	uint64_t proxy = linux_field_or(m->k, first, &m->f[NSPROXY], 0);
	uint64_t fs = linux_field_or(m->k, first, &m->f[FS], 0);
	uint64_t root = linux_field_or(m->k, fs, &m->f[FS_ROOT], 0);
	m->root = root ? root - m->path.vfs.off : 0;
	*ret = linux_field_or(m->k, proxy, &m->f[MNT_NS], 0);
	crash_tasks_fini(&tasks);
	return 0;
}

static int walk_mounts(struct mounts *m, const char **ret_cut)
{
	struct walk_over over = { .kind = WALK_LIST, .limit = MOUNTS_MOST };
	uint64_t ns = 0;
	const bool tree = m->f[MNT_NODE].type && m->f[NS_TREE].type;

	int err = first_namespace(m, &ns);
	if (err < 0)
		return err;
	if (!ns) {
		*ret_cut = "the first process is not in the dump";
		return 0;
	}
	m->link = tree ? m->f[MNT_NODE].off : m->f[MNT_LIST].off;
	over.head = ns + (tree ? m->f[NS_TREE].off : m->f[NS_LIST].off);
	over.kind = tree ? WALK_RBTREE : WALK_LIST;
	return crash_walk(m->k->core, &over, add_mount, m, ret_cut);
}

/* Mounts as the first process sees them. */
static int run_mount(struct crash_run *r)
{
	struct mounts m = { .k = linux_of(r->core) };
	const char *cut = NULL;
	struct page p;

	kfield_find_all(m.k->types, mount_wanted, MOUNT_FIELDS, m.f);
	if (!path_fields_find(m.k, &m.path) || (!(m.f[MNT_NODE].type && m.f[NS_TREE].type) &&
						!(m.f[NS_LIST].type && m.f[MNT_LIST].type)))
		return sonde_fail(-ENOTSUP, "how this kernel keeps mounts is not understood");
	table_init(&m.table, mount_columns, MEM_LEN(mount_columns));
	int err = walk_mounts(&m, &cut);
	if (!err && cut)
		r->note(linux_keep(m.k, "mounts: %s", cut));
	page_begin(&p, r, "Mounts");
	if (!err)
		err = page_table(&p, "mounts", "Mounts", &m.table);
	page_end(&p);
	table_fini(&m.table);
	return err;
}

const struct crash_verb linux_mount = {
	.name = "mount",
	.args = "",
	.summary = "Mounted filesystems, as the first process sees them",
	.run = run_mount,
};
