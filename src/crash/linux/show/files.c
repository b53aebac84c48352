/* SPDX-License-Identifier: MIT */
/** sonde crash CORE files: what processes had open. */
#include <errno.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "crash/linux/file/fd.h"
#include "crash/linux/file/path.h"
#include "crash/linux/file/socket.h"
#include "crash/linux/show/show.h"

enum { ROWS_MOST = 1 << 18, PATH_LEN = 4096 };

static const struct table_column columns[] = {
	{ "pid", "PID", TABLE_ID },	{ "fd", "FD", TABLE_ID },
	{ "mode", "MODE", TABLE_TEXT }, { "type", "TYPE", TABLE_TEXT },
	{ "pos", "POS", TABLE_COUNT },	{ "path", "PATH", TABLE_TEXT },
	{ "socket", NULL, TABLE_TEXT }, { "state", NULL, TABLE_TEXT },
	{ "local", NULL, TABLE_TEXT },	{ "peer", NULL, TABLE_TEXT },
	{ "addr", NULL, TABLE_TEXT },
};

enum { DENTRY, MNT, POS, INODE, MODE, OPENED, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[DENTRY] = { "struct file", "f_path.dentry|__f_path.dentry" },
	[MNT] = { "struct file", "f_path.mnt|__f_path.mnt" },
	[POS] = { "struct file", "f_pos" },
	[INODE] = { "struct file", "f_inode" },
	[MODE] = { "struct inode", "i_mode" },
	[OPENED] = { "struct file", "f_mode" },
};

struct files {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	struct path_fields path;
	struct socket_fields socket;
	bool has_sockets; /* they are understood */
	struct table table;
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

/* As open(2) was told: to read, to write, or both. */
static const char *mode_name(uint64_t mode)
{
	static const char *const names[] = { "-", "r", "w", "rw" };

	return names[mode & 3];
}

/* What the link in /proc/PID/fd says, and of a socket what it is. */
static void add_socket(struct files *s, uint64_t file, const char *link)
{
	struct linux_kernel *k = s->k;
	struct socket_about a;
	uint64_t sk = s->has_sockets ? socket_of_file(k, &s->socket, file) : 0;

	if (!sk || !socket_about(k, &s->socket, sk, &a)) {
		table_str(&s->table, link);
		for (unsigned i = 0; i < 4; i++)
			table_none(&s->table);
		return;
	}
	table_str(&s->table,
		  linux_keep(k, "%s %s %s %s -> %s", link, a.type, a.state, a.local, a.peer));
	table_str(&s->table, a.type);
	table_str(&s->table, a.state);
	table_str(&s->table, linux_keep(k, "%s", a.local));
	table_str(&s->table, linux_keep(k, "%s", a.peer));
}

static int add(void *arg, const struct crash_task *t, int64_t fd, uint64_t file)
{
	struct files *s = arg;
	struct linux_kernel *k = s->k;
	char path[PATH_LEN];
	uint64_t inode = linux_field_or(k, file, &s->f[INODE], 0);
	uint64_t mode = linux_field_or(k, inode, &s->f[MODE], 0);

	if (table_rows(&s->table) >= ROWS_MOST) {
		s->full = true;
		return 1;
	}
	path_of(k, &s->path, linux_field_or(k, file, &s->f[DENTRY], 0),
		linux_field_or(k, file, &s->f[MNT], 0), path, sizeof(path));
	table_int(&s->table, t->pid);
	table_int(&s->table, fd);
	table_str(&s->table, mode_name(linux_field_or(k, file, &s->f[OPENED], 0)));
	table_str(&s->table, type_name(mode));
	table_int(&s->table, (int64_t)linux_field_or(k, file, &s->f[POS], 0));
	const char *link = linux_keep(k, "%s", path);
	if (S_ISSOCK(mode)) {
		add_socket(s, file, link);
	} else {
		table_str(&s->table, link);
		for (unsigned i = 0; i < 4; i++)
			table_none(&s->table);
	}
	table_str(&s->table, linux_keep(k, "0x%llx", (unsigned long long)file));
	return 0;
}

static int run(struct crash_run *r)
{
	struct files s = { .k = linux_of(r->core) };
	struct crash_tasks tasks = { 0 };
	struct crash_args args;
	struct fd_walk walk;
	struct page p;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = linux_tasks(r->core, &tasks);
	if (!err)
		err = crash_args_check(r, &args, &tasks);
	if (err < 0) {
		crash_tasks_fini(&tasks);
		return err;
	}
	kfield_find_all(s.k->types, wanted, FIELDS, s.f);
	s.has_sockets = !socket_fields_find(s.k, &s.socket); // else their links say it
	err = fd_walk_begin(&walk, s.k);
	if (!err && !path_fields_find(s.k, &s.path))
		err = sonde_fail(-ENOTSUP, "how this kernel keeps files is not understood");
	table_init(&s.table, columns, MEM_LEN(columns));
	for (size_t i = 0; !err && !s.full && i < tasks.n; i++) {
		const struct crash_task *t = &tasks.all[i];

		// Threads share the files of their process, most often; one that is asked for is
		// shown.
		bool asked = t->tid == t->pid;
		for (size_t n = 0; n < args.n_pids; n++)
			asked |= args.pids[n] == t->tid;
		if (asked && crash_args_want(&args, t))
			(void)fd_walk_task(&walk, t, add, &s); // 1: there are too many
	}
	if (s.full)
		r->note("there are more files than can be shown");
	else if (!err && walk.cut)
		r->note(walk.cut);
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
	.has_html = true,
	.run = run,
};
