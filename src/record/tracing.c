/* SPDX-License-Identifier: MIT */
/** A tracefs instance of our own. */
#include "record/tracing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <tracefs.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "sym/probe/tracefs.h"

/* Instances are called sonde-PID-START; START is when that process began, in clock ticks. */
#define INSTANCE_NAME "sonde-%d-%llu"

struct tracing {
	struct tracefs_instance *instance; /* owned */
	char *dir;			   /* owned by libtracefs */
};

/* When the process began, or 0: there is none, or it is dead. */
static unsigned long long start_of(int pid)
{
	char path[64], text[1024];
	unsigned long long start = 0;
	char state;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	// The name, in parentheses, may hold anything; 20 fields lie between it and the 22nd.
	const char *p = strrchr(text, ')');
	if (!p || sscanf(p,
			 ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			 "%*d %*d %*d %llu",
			 &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

/* Removes the instances of recorders that are no more. One that is in use refuses. */
static unsigned remove_stale(const char *top)
{
	char path[PATH_MAX];
	const struct dirent *e;
	unsigned n = 0;

	(void)snprintf(path, sizeof(path), "%s/instances", top);
	DIR *dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		int pid;
		unsigned long long start;
		if (sscanf(e->d_name, INSTANCE_NAME, &pid, &start) != 2 || start_of(pid) == start)
			continue;
		n += !unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

bool tracing_remove(pid_t recorder)
{
	char path[PATH_MAX];
	const struct dirent *e;
	const char *top = NULL;
	unsigned left = 0;

	if (tracing_mount(&top) < 0)
		return true;
	(void)snprintf(path, sizeof(path), "%s/instances", top);
	DIR *dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		int pid;
		unsigned long long start;
		if (sscanf(e->d_name, INSTANCE_NAME, &pid, &start) == 2 && pid == recorder)
			left += unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) < 0;
	}
	if (dir)
		(void)closedir(dir);
	return left == 0;
}

void tracing_close(struct tracing *t)
{
	if (!t)
		return;
	if (t->instance) {
		(void)tracefs_instance_file_write(t->instance, "tracing_on", "0");
		(void)tracefs_instance_destroy(t->instance);
		tracefs_instance_free(t->instance);
	}
	tracefs_put_tracing_file(t->dir);
	free(t);
}
SONDE_DEFINE_AUTO(struct tracing *, tracing_close)

int tracing_open(struct tracing **ret, unsigned *ret_stale)
{
	const char *top = NULL;
	char name[64];

	int r = tracing_mount(&top);
	if (r < 0)
		return r;
	sonde_auto(tracing_closep) struct tracing *t = calloc(1, sizeof(*t));
	if (!t)
		return sonde_fail(-ENOMEM, "tracing: out of memory");
	*ret_stale = remove_stale(top);
	(void)snprintf(name, sizeof(name), INSTANCE_NAME, getpid(), start_of(getpid()));
	errno = 0;
	t->instance = tracefs_instance_create(name);
	if (!t->instance && (errno == EACCES || errno == EPERM))
		return tracing_no_rights(-errno);
	if (!t->instance)
		return sonde_fail_errno(errno ? -errno : -ENOTSUP,
					"cannot make the tracing instance '%s/instances/%s'", top,
					name);
	t->dir = tracefs_instance_get_dir(t->instance);
	if (!t->dir)
		return sonde_fail(-ENOMEM, "tracing: out of memory");
	r = tracing_set(t, "tracing_on", "0");
	if (r < 0)
		return r;
	*ret = sonde_take(t);
	return 0;
}

const char *tracing_dir(const struct tracing *t)
{
	return t->dir;
}

static int put(struct tracing *t, const char *file, const char *value, int flags)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", t->dir, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "tracing: '%s'", file);
	sonde_auto(mem_closep) int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return sonde_fail_errno(-errno, "tracing: '%s'", file);
	if (write(fd, value, strlen(value)) < 0)
		return sonde_fail_errno(-errno, "tracing: '%s' does not take '%s'", file, value);
	return 0;
}

int tracing_set(struct tracing *t, const char *file, const char *value)
{
	return put(t, file, value, O_TRUNC);
}

int tracing_append(struct tracing *t, const char *file, const char *value)
{
	return put(t, file, value, O_APPEND);
}

static int get(struct tracing *t, const char *file, char *ret, size_t len)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", t->dir, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "tracing: '%s'", file);
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "tracing: '%s'", file);
	ssize_t got = read(fd, ret, len - 1);
	if (got < 0)
		return sonde_fail_errno(-errno, "tracing: '%s'", file);
	ret[got] = '\0';
	return 0;
}

int tracing_get(struct tracing *t, const char *file, char *ret, size_t len)
{
	int r = get(t, file, ret, len);

	if (!r)
		ret[strcspn(ret, "\n")] = '\0';
	return r;
}

uint64_t tracing_stat(struct tracing *t, int cpu, const char *name)
{
	char file[64], text[1024] = "";
	const size_t len = strlen(name);

	(void)snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu);
	if (get(t, file, text, sizeof(text)) < 0)
		return 0;
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, name, len) && p[len] == ':')
			return strtoull(p + len + 1, NULL, 10);
	}
	return 0;
}
