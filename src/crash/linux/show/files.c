/* SPDX-License-Identifier: MIT */
/** sonde crash CORE files and mount: what processes had open, and where filesystems were. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "crash/linux/path.h"
#include "crash/linux/show/show.h"

enum { FDS_MOST = 1 << 20, PATH_LEN = 4096, MOUNTS_MOST = 1 << 16 };

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

	for (uint64_t i = 0; i < n && i < FDS_MOST; i++) {
		uint64_t file;

		if (linux_read_u64(k, fds + i * 8, &file) < 0)
			return;
		if (file)
			add(s, t->pid, (int64_t)i, file);
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

enum { NSPROXY, MNT_NS, NS_LIST, MNT_LIST, DEVNAME, SB, SB_TYPE, TYPE_NAME, MOUNT_FIELDS };

static const struct kfield_want mount_wanted[MOUNT_FIELDS] = {
	[NSPROXY] = { "struct task_struct", "nsproxy" },
	[MNT_NS] = { "struct nsproxy", "mnt_ns" },
	[NS_LIST] = { "struct mnt_namespace", "list" },
	[MNT_LIST] = { "struct mount", "mnt_list" },
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

static void add_mount(struct linux_kernel *k, struct table *t, const struct kfield *f,
		      const struct path_fields *pf, uint64_t mount)
{
	char path[PATH_LEN];
	uint64_t vfs = mount + pf->vfs.off;
	uint64_t sb = linux_field_or(k, mount, &f[SB], 0);
	uint64_t type = linux_field_or(k, sb, &f[SB_TYPE], 0);

	path_of(k, pf, linux_field_or(k, vfs, &pf->root, 0), vfs, path, sizeof(path));
	table_str(t, linux_keep(k, "%s", path));
	table_str(t, text_at(k, linux_field_or(k, type, &f[TYPE_NAME], 0)));
	table_str(t, text_at(k, linux_field_or(k, mount, &f[DEVNAME], 0)));
	table_str(t, linux_keep(k, "0x%llx", (unsigned long long)mount));
}

/* Mounts as the first process sees them. */
static int run_mount(struct crash_run *r)
{
	struct linux_kernel *k = linux_of(r->core);
	struct kfield f[MOUNT_FIELDS];
	struct path_fields pf;
	struct crash_tasks tasks = { 0 };
	struct linux_list list = { 0 };
	struct table t;
	struct page p;

	kfield_find_all(k->types, mount_wanted, MOUNT_FIELDS, f);
	// Since 6.8 they are in a tree.
	if (!path_fields_find(k, &pf) || !f[NS_LIST].type || !f[MNT_LIST].type)
		return sonde_fail(-ENOTSUP, "how this kernel keeps mounts is not understood");
	int err = linux_tasks(r->core, &tasks);
	if (err < 0)
		return err;
	uint64_t first = 0;
	for (size_t i = 0; i < tasks.n && !first; i++)
		first = tasks.all[i].tid == 1 ? tasks.all[i].addr : 0;
	uint64_t proxy = linux_field_or(k, first, &f[NSPROXY], 0);
	uint64_t ns = linux_field_or(k, proxy, &f[MNT_NS], 0);
	table_init(&t, mount_columns, MEM_LEN(mount_columns));
	linux_list_begin(&list, ns + f[NS_LIST].off);
	while (ns && list.n < MOUNTS_MOST && linux_list_next(k, &list))
		add_mount(k, &t, f, &pf, list.at - f[MNT_LIST].off);
	if (list.cut || !ns)
		r->note(ns ? list.cut : "the first process is not in the dump");
	page_begin(&p, r, "Mounts");
	err = page_table(&p, "mounts", "Mounts", &t);
	page_end(&p);
	table_fini(&t);
	crash_tasks_fini(&tasks);
	return err;
}

const struct crash_verb linux_mount = {
	.name = "mount",
	.args = "",
	.summary = "Mounted filesystems, as the first process sees them",
	.run = run_mount,
};
