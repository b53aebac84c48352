/* SPDX-License-Identifier: MIT */
/** The files that a process's code comes from: its program and the libraries. */
#include "sym/probe/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "sym/probe/elf_funcs.h"

enum { OBJECTS_MOST = 256 };

/** Paths so far, each once. */
struct objects {
	char **paths; /* owned */
	size_t n, cap;
};

static void fini(struct objects *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->paths[i]);
	free(o->paths);
}

/* Takes a path that the attach points of a script can hold. */
static int add(struct objects *o, const char *path)
{
	if (strpbrk(path, ",: \t\"") || o->n == OBJECTS_MOST)
		return 0;
	for (size_t i = 0; i < o->n; i++)
		if (!strcmp(o->paths[i], path))
			return 0;
	int r = mem_grow(&o->paths, &o->cap, o->n + 1);
	if (r < 0)
		return r;
	char *copy = strdup(path);
	if (!copy)
		return sonde_fail(-ENOMEM, "out of memory");
	o->paths[o->n++] = copy;
	return 0;
}

static bool runs(pid_t pid, const char *program)
{
	char link[64], path[PATH_MAX];

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	const ssize_t n = pid > 0 ? readlink(link, path, sizeof(path) - 1) : -1;
	if (n <= 0)
		return false;
	path[n] = '\0';
	return !strcmp(path, program);
}

/* Files that are mapped as code: "7f00-7f01 r-xp 00000000 fe:00 17 /usr/lib/libc.so.6". */
static int add_mapped(struct objects *o, pid_t pid)
{
	char name[64], *line = NULL;
	size_t cap = 0;
	int r = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	FILE *f = fopen(name, "re");
	while (f && !r && getline(&line, &cap, f) > 0) {
		char *path = strchr(line, '/'), *rights = strchr(line, ' ');
		line[strcspn(line, "\n")] = '\0';
		if (path && rights && rights[1] == 'r' && rights[3] == 'x' && !strchr(path, ' '))
			r = add(o, path);
	}
	if (f)
		(void)fclose(f);
	free(line);
	return r;
}

static int add_library(struct objects *o, const char *name)
{
	sonde_auto(mem_freep) char *path = NULL;
	const int r = program_find(name, 0, &path);

	return r == -ENOMEM ? r : r < 0 ? 0 : add(o, path);
}

/* What the file asks for itself. */
static int add_needed(struct objects *o, Elf *elf)
{
	int r = 0;

	for (Elf_Scn *scn = NULL; !r && (scn = elf_nextscn(elf, scn));) {
		GElf_Shdr head;
		Elf_Data *data;
		GElf_Dyn d;

		if (!gelf_getshdr(scn, &head) || head.sh_type != SHT_DYNAMIC ||
		    !(data = elf_getdata(scn, NULL)))
			continue;
		for (int i = 0; !r && i < INT_MAX && gelf_getdyn(data, i, &d); i++) {
			const char *name = d.d_tag == DT_NEEDED
						   ? elf_strptr(elf, head.sh_link, d.d_un.d_val)
						   : NULL;
			if (name && *name)
				r = add_library(o, name);
		}
	}
	return r;
}

static int add_needed_by(struct objects *o, const char *path)
{
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return 0; // who attaches to it says what is wrong
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	const int r = elf && elf_kind(elf) == ELF_K_ELF ? add_needed(o, elf) : 0;
	(void)elf_end(elf);
	return r;
}

int program_objects(const char *program, pid_t pid, struct strbuf *ret)
{
	sonde_auto(fini) struct objects o = { 0 };
	int r = add(&o, program);

	if (!r && runs(pid, program))
		r = add_mapped(&o, pid);
	else
		for (size_t i = 0; !r && i < o.n; i++) // it grows meanwhile
			r = add_needed_by(&o, o.paths[i]);
	for (size_t i = 0; !r && i < o.n; i++)
		strbuf_fmt(ret, "%s%s", i ? "," : "", o.paths[i]);
	return r ? r : strbuf_ok(ret);
}
