/* SPDX-License-Identifier: MIT */
/** Tracepoints by patterns, from the folders of tracefs: no file is opened. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/glob.h"
#include "base/mem.h"
#include "sym/probe/tp_format.h"
#include "sym/probe/tracefs.h"

struct names {
	char **all; /* owned; its texts in @arena */
	size_t n, cap;
	struct arena arena;
};

static void names_fini(struct names *l)
{
	free(l->all);
	arena_fini(&l->arena);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add(struct names *l, const char *name)
{
	int r = mem_grow(&l->all, &l->cap, l->n + 1);
	if (r < 0)
		return r;
	l->all[l->n] = arena_strndup(&l->arena, name, strlen(name));
	return l->all[l->n++] ? 0 : -ENOMEM;
}

static bool is_folder(const struct dirent *e)
{
	return (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) && e->d_name[0] != '.';
}

/* The folders in @path that match. A folder that is not there has none. */
static int read_folder(const char *path, const char *pattern, struct names *l)
{
	const struct dirent *e;
	int r = 0;

	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : sonde_fail_errno(-errno, "cannot open '%s'", path);
	while (!r && (e = readdir(dir))) {
		if (is_folder(e) && glob_match(pattern, e->d_name))
			r = add(l, e->d_name);
	}
	(void)closedir(dir);
	if (l->n)
		qsort(l->all, l->n, sizeof(*l->all), by_text);
	return r;
}

/* The one folder of that name, or those that match. */
static int matching(const char *path, const char *pattern, struct names *l)
{
	char one[PATH_MAX];
	struct stat st;

	if (glob_is(pattern))
		return read_folder(path, pattern, l);
	if (!*pattern || *pattern == '.' || strchr(pattern, '/') ||
	    (size_t)snprintf(one, sizeof(one), "%s/%s", path, pattern) >= sizeof(one) ||
	    stat(one, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return add(l, pattern);
}

static int each_of_group(const char *events, const char *group, const char *pattern,
			 int (*f)(void *arg, const char *group, const char *name), void *arg)
{
	sonde_auto(names_fini) struct names names = { 0 };
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", events, group) >= sizeof(path))
		return 0;
	int r = matching(path, pattern, &names);
	for (size_t i = 0; !r && i < names.n; i++)
		r = f(arg, group, names.all[i]);
	return r;
}

int tp_each(const char *group, const char *name,
	    int (*f)(void *arg, const char *group, const char *name), void *arg)
{
	sonde_auto(names_fini) struct names groups = { 0 };
	char events[PATH_MAX];
	const char *dir = NULL;

	int r = tracing_mount(&dir);
	if (r < 0)
		return r;
	(void)snprintf(events, sizeof(events), "%s/events", dir);
	r = matching(events, group, &groups);
	for (size_t i = 0; !r && i < groups.n; i++)
		r = each_of_group(events, groups.all[i], name, f, arg);
	return r;
}
