/* SPDX-License-Identifier: MIT */
/** Reads /proc/PID/maps and the names of all threads: proc(5). */
#include "perf/proc_scan.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "base/mem.h"

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static pid_t number_of(const char *name)
{
	char *end;
	long v = strtol(name, &end, 10);

	return *end || v <= 0 || v > INT32_MAX ? 0 : (pid_t)v;
}

/* Calls @f for every number among the entries of a folder. */
static int each_number(const char *path, int (*f)(void *arg, pid_t id), void *arg)
{
	sonde_auto(close_dir) DIR *d = opendir(path);
	int r = 0;

	if (!d)
		return -ESRCH;
	for (struct dirent *e; !r && (e = readdir(d));) {
		pid_t id = number_of(e->d_name);

		if (id)
			r = f(arg, id);
	}
	return r;
}

int proc_threads(pid_t pid, int (*f)(void *arg, pid_t tid), void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	return each_number(path, f, arg);
}

struct one {
	const struct proc_scan *to;
	pid_t pid;
};

/* Of kernel threads /proc tells more than their names, as what a worker works at. */
static size_t comm_len(const char *comm, size_t len)
{
	static const char worker[] = "kworker/";
	enum { COMM_MOST = 15 };

	if (len && comm[len - 1] == '\n')
		len--;
	const size_t head = sizeof(worker) - 1;
	if (len > head && !memcmp(comm, worker, head) && comm[head] != 'R')
		for (size_t i = head; i < len; i++)
			if (comm[i] == '-' || comm[i] == '+')
				len = i;
	return len < COMM_MOST ? len : COMM_MOST;
}

static int tell_comm(void *arg, pid_t tid)
{
	const struct one *o = arg;
	char path[96], comm[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", o->pid, tid);
	sonde_auto(close_file) FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	const size_t len = comm_len(comm, fread(comm, 1, sizeof(comm), f));
	struct sample_task t = { .pid = o->pid, .tid = tid, .comm = comm, .comm_len = len };
	return o->to->comm(o->to->arg, &t);
}

/* One line: "begin-end rwxp offset major:minor inode   path". Only code counts. */
static int tell_map(const struct one *o, char *line)
{
	struct dso file = { 0 };
	struct sample_map m = { .pid = o->pid, .tid = o->pid, .file = &file };
	uint64_t end;
	char mode[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &m.addr,
		   &end, mode, &m.off, &file.maj, &file.min, &file.ino, &at) < 7 ||
	    mode[2] != 'x' || end <= m.addr)
		return 0;
	m.len = end - m.addr;
	m.prot = PROT_EXEC | (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0);
	m.flags = mode[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	const char *path = line + at + strspn(line + at, " ");
	size_t path_len = strcspn(path, "\n");
	file.path = path_len ? path : "//anon";
	return o->to->map(o->to->arg, &m, path_len ? path_len : 6);
}

static int scan_one(void *arg, pid_t pid)
{
	const struct one o = { ((const struct one *)arg)->to, pid };
	char path[64], *line = NULL;
	size_t cap = 0;

	int r = o.to->comm ? proc_threads(pid, tell_comm, (void *)(uintptr_t)&o) : 0;
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	sonde_auto(close_file) FILE *f = fopen(path, "re");
	while (f && !r && getline(&line, &cap, f) > 0)
		r = tell_map(&o, line);
	free(line);
	return r;
}

int proc_scan(const struct proc_scan *to, const pid_t *pids, size_t n_pids)
{
	struct one o = { .to = to };
	int r = 0;

	if (!n_pids) {
		r = each_number("/proc", scan_one, &o);
		return r == -ESRCH ? sonde_fail(-ENOENT, "cannot list '/proc'") : r;
	}
	for (size_t i = 0; !r && i < n_pids; i++)
		r = scan_one(&o, pids[i]);
	return r;
}
