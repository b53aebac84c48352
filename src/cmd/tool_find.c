/* SPDX-License-Identifier: MIT */
/** Looks for ready scripts in the folders where they may be. */
#include "cmd/tool_find.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/near.h"

enum { DIRS_MOST = 16, NAME_MOST = 64, ABOUT_MOST = 200 };

static const char *const endings[] = { ".bt", ".d" };

/* Where to look, in this order. */
struct dirs {
	char paths[DIRS_MOST][PATH_MAX];
	size_t n;
};

static void add_dir(struct dirs *d, const char *path, size_t len)
{
	if (len && len < PATH_MAX && d->n < DIRS_MOST)
		(void)snprintf(d->paths[d->n++], PATH_MAX, "%.*s", (int)len, path);
}

/* The program is BUILD/sonde beside the source's tools/, or PREFIX/bin/sonde. */
static void add_beside(struct dirs *d, const char *below)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	for (int i = 0; i < 2 && len > 0; i++) {
		while (len > 0 && exe[len - 1] != '/')
			len--;
		if (len > 0)
			len--;
	}
	if (len <= 0)
		return;
	exe[len] = '\0';
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", exe, below);
	if (n > 0 && (size_t)n < sizeof(path))
		add_dir(d, path, (size_t)n);
}

/* NULL (sonde_fail()): no memory. */
static struct dirs *find_dirs(void)
{
	struct dirs *d = calloc(1, sizeof(*d));

	if (!d) {
		(void)sonde_fail(-ENOMEM, "out of memory");
		return NULL;
	}
	for (const char *p = getenv("SONDE_TOOLS"); p && *p;) {
		const size_t len = strcspn(p, ":");

		add_dir(d, p, len);
		p += len + (p[len] == ':');
	}
	add_beside(d, "tools");
	add_beside(d, "share/sonde/tools");
	add_dir(d, SONDE_DATA_DIR "/tools", strlen(SONDE_DATA_DIR "/tools"));
	return d;
}

/* The length of a script's name in that of its file; 0: it is none. */
static size_t name_len(const char *file, const char **ret_ending)
{
	const size_t len = strlen(file);

	for (size_t i = 0; i < MEM_LEN(endings); i++) {
		const size_t end = strlen(endings[i]);
		if (len <= end || len - end >= NAME_MOST ||
		    strcmp(file + len - end, endings[i]) != 0)
			continue;
		*ret_ending = endings[i];
		return len - end;
	}
	return 0;
}

/* All names found, in no order. */
struct found {
	struct one {
		char name[NAME_MOST];
		const char *ending;
		size_t dir;
	} * all; /* owned */
	size_t n, cap;
};

static bool is_known(const struct found *f, const char *file, size_t len)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strlen(f->all[i].name) == len && !memcmp(f->all[i].name, file, len))
			return true;
	}
	return false;
}

static int list_dir(struct found *f, const struct dirs *d, size_t dir)
{
	DIR *open = opendir(d->paths[dir]);
	int r = 0;

	for (struct dirent *ent; !r && open && (ent = readdir(open));) {
		const char *ending = NULL;
		const size_t len = name_len(ent->d_name, &ending);

		if (!len || is_known(f, ent->d_name, len))
			continue;
		r = mem_grow(&f->all, &f->cap, f->n + 1);
		if (!r) {
			struct one *o = &f->all[f->n++];

			*o = (struct one){ .dir = dir, .ending = ending };
			memcpy(o->name, ent->d_name, len);
		}
	}
	if (open)
		closedir(open);
	return r;
}

static int list_all(struct found *f, const struct dirs *d)
{
	int r = 0;

	for (size_t i = 0; !r && i < d->n; i++)
		r = list_dir(f, d, i);
	return r;
}

static int not_found(const char *name, const struct found *f)
{
	const char *best = "";
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < f->n; i++) {
		const unsigned distance = near_distance(name, f->all[i].name);

		if (distance < least) {
			least = distance;
			best = f->all[i].name;
		}
	}
	if (*best)
		return sonde_fail(-ENOENT, "no script '%s'; did you mean '%s'?", name, best);
	return sonde_fail(-ENOENT, "no script '%s'; 'sonde list --tools' names the ready ones",
			  name);
}

static char *path_of(const struct dirs *d, size_t dir, const char *name, const char *ending)
{
	const size_t len = strlen(d->paths[dir]) + strlen(name) + strlen(ending) + sizeof("/");
	char *path = malloc(len);

	if (path)
		(void)snprintf(path, len, "%s/%s%s", d->paths[dir], name, ending);
	else
		(void)sonde_fail(-ENOMEM, "out of memory");
	return path;
}

int tool_find(const char *name, char **ret_path)
{
	sonde_auto(mem_freep) struct dirs *d = find_dirs();
	struct found f = { 0 };

	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < MEM_LEN(endings) * d->n && !strchr(name, '/'); i++) {
		char *path = path_of(d, i / MEM_LEN(endings), name, endings[i % MEM_LEN(endings)]);

		if (!path)
			return -ENOMEM;
		if (access(path, R_OK) == 0) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	int r = list_all(&f, d);
	if (!r)
		r = not_found(name, &f);
	free(f.all);
	return r;
}

/* The first comment that says something: lines of "//", "#" and inside of a block. */
static void read_about(const char *path, char ret[ABOUT_MOST])
{
	FILE *f = fopen(path, "re");
	char line[ABOUT_MOST];

	ret[0] = '\0';
	while (f && !ret[0] && fgets(line, sizeof(line), f)) {
		const char *text = line + strspn(line, " \t/*#");

		if (!strncmp(line, "#!", 2) || strstr(line, "SPDX"))
			continue;
		if (text == line && *text != '\n')
			break; // no comment any more
		(void)snprintf(ret, ABOUT_MOST, "%.*s", (int)strcspn(text, "\n"), text);
	}
	if (f)
		fclose(f);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct one *)a)->name, ((const struct one *)b)->name);
}

static int give(const struct dirs *d, const struct one *o,
		int (*f)(void *arg, const struct tool *t), void *arg)
{
	char about[ABOUT_MOST];
	sonde_auto(mem_freep) char *path = path_of(d, o->dir, o->name, o->ending);

	if (!path)
		return -ENOMEM;
	read_about(path, about);
	const struct tool t = { o->name, path, about };
	return f(arg, &t);
}

int tool_each(int (*f)(void *arg, const struct tool *t), void *arg)
{
	sonde_auto(mem_freep) struct dirs *d = find_dirs();
	struct found found = { 0 };

	if (!d)
		return -ENOMEM;
	int r = list_all(&found, d);
	if (found.n)
		qsort(found.all, found.n, sizeof(*found.all), by_name);
	for (size_t i = 0; !r && i < found.n; i++)
		r = give(d, &found.all[i], f, arg);
	free(found.all);
	return r;
}
