/* SPDX-License-Identifier: MIT */
/** Open files of processes: fstat(1). */
#include <stdio.h>
#include <string.h>

#include "base/u64map.h"
#include "crash/freebsd/show/show.h"

enum {
	FILES_MOST = 1 << 16,
	ROWS_MOST = 1 << 18,
	NAME_MOST = 128,
	PATH_MOST = 1024,
	DEPTH_MOST = 64,
	VNODE_ROOT = 1
};

enum {
	TD_PROC,
	P_FD,
	FD_TABLE,
	TABLE_N,
	TABLE_FILES,
	FDE_FILE,
	F_TYPE,
	F_FLAG,
	F_VNODE,
	V_FLAG,
	V_MOUNT,
	V_NAMES,
	COVERED,
	MOUNT_ON,
	NC_PARENT,
	NC_NAME,
	NC_LEN,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[TD_PROC] = { "struct thread", "td_proc" },
	[P_FD] = { "struct proc", "p_fd" },
	[FD_TABLE] = { "struct filedesc", "fd_files" },
	[TABLE_N] = { "struct fdescenttbl", "fdt_nfiles" },
	[TABLE_FILES] = { "struct fdescenttbl", "fdt_ofiles" },
	[FDE_FILE] = { "struct filedescent", "fde_file" },
	[F_TYPE] = { "struct file", "f_type" },
	[F_FLAG] = { "struct file", "f_flag" },
	[F_VNODE] = { "struct file", "f_vnode" },
	[V_FLAG] = { "struct vnode", "v_vflag" },
	[V_MOUNT] = { "struct vnode", "v_mount" },
	[V_NAMES] = { "struct vnode", "v_cache_dst.tqh_first" },
	[COVERED] = { "struct mount", "mnt_vnodecovered" },
	[MOUNT_ON] = { "struct mount", "mnt_stat.f_mntonname" },
	[NC_PARENT] = { "struct namecache", "nc_dvp" },
	[NC_NAME] = { "struct namecache", "nc_name" },
	[NC_LEN] = { "struct namecache", "nc_nlen" },
};

/* f_type, from 1 on: numbers of sys/file.h. */
static const char *const kinds[] = { "file",   "socket",   "pipe",    "fifo",	 "kqueue",
				     "crypto", "mqueue",   "shm",     "sem",	 "pts",
				     "dev",    "procdesc", "eventfd", "timerfd", "inotify" };

struct files {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	uint64_t entry_size;
	struct table t;
};

static bool get(struct files *l, uint64_t at, unsigned field, uint64_t *ret)
{
	return freebsd_field(l->s->k, at, &l->f[field], ret);
}

/* Puts "/name" before what @path has at *@at already. */
static bool put_before(struct files *l, uint64_t entry, char *path, size_t *at)
{
	char name[NAME_MOST] = "";
	uint64_t n;

	if (!get(l, entry, NC_LEN, &n) || !n || n >= sizeof(name) || n + 1 > *at ||
	    freebsd_read(l->s->k->core, entry + l->f[NC_NAME].off, name, n) < 0)
		return false;
	*at -= n + 1;
	path[*at] = '/';
	memcpy(path + *at + 1, name, n);
	return true;
}

/* From the vnode upwards, by the names that the kernel remembers; "..." where it knows none. */
static const char *path_of(struct files *l, uint64_t vnode)
{
	char path[PATH_MOST];
	size_t at = sizeof(path) - 1;
	uint64_t flag, entry, mount;
	bool whole = false;

	path[at] = '\0';
	for (unsigned depth = 0; vnode && depth < DEPTH_MOST; depth++) {
		if (!get(l, vnode, V_FLAG, &flag))
			break;
		if (flag & VNODE_ROOT) {
			whole = get(l, vnode, V_MOUNT, &mount) && get(l, mount, COVERED, &vnode) &&
				!vnode;
			if (whole || !vnode)
				break;
			continue;
		}
		if (!get(l, vnode, V_NAMES, &entry) || !entry || !put_before(l, entry, path, &at) ||
		    !get(l, entry, NC_PARENT, &vnode))
			break;
	}
	if (whole)
		return path[at] ? bsd_keep(l->s, "%s", path + at) : "/";
	return path[at] ? bsd_keep(l->s, "...%s", path + at) : "?";
}

static void add_file(struct files *l, const struct crash_task *task, uint64_t fd, uint64_t file)
{
	uint64_t kind = 0, flag = 0, vnode = 0;

	(void)get(l, file, F_TYPE, &kind); // 0 is none
	(void)get(l, file, F_FLAG, &flag);
	table_int(&l->t, task->pid);
	table_str(&l->t, task->comm);
	table_int(&l->t, (int64_t)fd);
	table_str(&l->t, kind && kind <= MEM_LEN(kinds) ? kinds[kind - 1] : "?");
	table_str(&l->t, (flag & 3) == 3 ? "rw" : flag & 1 ? "r" : flag & 2 ? "w" : "-");
	table_str(&l->t,
		  kind == 1 && get(l, file, F_VNODE, &vnode) && vnode ? path_of(l, vnode) : "");
}

static void add_process(struct files *l, const struct crash_task *task, uint64_t p)
{
	uint64_t fd, files, n, file;

	if (!get(l, p, P_FD, &fd) || !fd || !get(l, fd, FD_TABLE, &files) || !files ||
	    !get(l, files, TABLE_N, &n))
		return;
	for (uint64_t i = 0; i < n && i < FILES_MOST; i++) {
		uint64_t at = files + l->f[TABLE_FILES].off + i * l->entry_size;

		if (!freebsd_spend(l->s->k) || table_rows(&l->t) >= ROWS_MOST) {
			bsd_lack(l->s, "open files (fstat)", "there are more than can be shown");
			return;
		}
		if (!get(l, at, FDE_FILE, &file)) {
			bsd_lack(l->s, "open files (fstat)",
				 bsd_keep(l->s, "files of process %lld are not in the dump",
					  (long long)task->pid));
			return;
		}
		if (file)
			add_file(l, task, i, file);
	}
}

/* Each process once, by the first of its threads. */
static int add_all(struct files *l)
{
	const struct crash_tasks *tasks = &l->s->tasks;
	struct u64map seen = { 0 };
	uint32_t before;
	uint64_t p;
	int r = 0;

	for (size_t i = 0; i < tasks->n && r == 0; i++) {
		if (!crash_args_want(l->s->args, &tasks->all[i]) ||
		    !get(l, tasks->all[i].addr, TD_PROC, &p) || u64map_get(&seen, p, &before))
			continue;
		r = u64map_put(&seen, p, 0);
		if (r == 0)
			add_process(l, &tasks->all[i], p);
		if (table_rows(&l->t) >= ROWS_MOST)
			break;
	}
	u64map_fini(&seen);
	return r;
}

int bsd_files(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "pid", "PID", TABLE_ID },	{ "comm", "PROCESS", TABLE_TEXT },
		{ "fd", "FD", TABLE_ID },	{ "type", "TYPE", TABLE_TEXT },
		{ "mode", "MODE", TABLE_TEXT }, { "path", "PATH", TABLE_TEXT },
	};
	struct files l = { .s = s };

	if (!bsd_has_types(s, "open files (fstat)"))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, l.f);
	l.entry_size = kfield_sizeof(s->types, "struct filedescent");
	if (!l.f[P_FD].type || !l.f[TABLE_FILES].type || !l.entry_size) {
		bsd_lack(s, "open files (fstat)", "this kernel keeps them otherwise");
		return 0;
	}
	table_init(&l.t, columns, MEM_LEN(columns));
	int r = add_all(&l);
	if (r == 0)
		r = page_table(&s->page, "files", "Open files (fstat)", &l.t);
	table_fini(&l.t);
	return r;
}
