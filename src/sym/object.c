/* SPDX-License-Identifier: MIT */
/** Finds mapped files, and makes sure that they are the ones. */
#include "sym/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <sonde/err.h>

void objects_fini(struct objects *o)
{
	for (size_t i = 0; i < o->n; i++) {
		cfi_free(o->all[i].cfi);
		elf_file_free(o->all[i].elf);
	}
	free(o->all);
	*o = (struct objects){ 0 };
}

void objects_close(struct objects *o, struct object *ob)
{
	if (!ob->elf)
		return;
	cfi_free(ob->cfi);
	ob->cfi = NULL;
	elf_file_free(ob->elf);
	ob->elf = NULL;
	o->n_open--;
}

static const char *const state_names[] = {
	[OBJECT_UNKNOWN] = "unknown",	[OBJECT_FOUND] = "found",     [OBJECT_GONE] = "gone",
	[OBJECT_REPLACED] = "replaced", [OBJECT_NO_FILE] = "no-file",
};

const char *object_state_name(enum object_state state)
{
	return state_names[state];
}

/* Opens the VMA's own file: right even where the path leads elsewhere by now. */
static int open_mapped(pid_t pid, uint64_t start, uint64_t end)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid, (unsigned long long)start,
		 (unsigned long long)end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* Opens a path as the process sees it. */
static int open_rooted(pid_t pid, const char *path)
{
	char full[DSO_PATH_MOST + 32];

	snprintf(full, sizeof(full), "/proc/%d/root%s", pid, path);
	return open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* Whether the open file is what was mapped. */
static bool is_it(int fd, const struct dso *d, bool live)
{
	struct build_id id;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (d->id.len)
		return build_id_read(fd, &id) && build_id_same(&id, &d->id);
	return live && d->ino == st.st_ino && d->maj == major(st.st_dev) &&
	       d->min == minor(st.st_dev);
}

/* Takes @fd over in any case. 1: this is it. */
static int try_fd(struct object *ob, int fd, const struct dso *d, bool live)
{
	if (fd < 0)
		return 0;
	if (!is_it(fd, d, live)) {
		close(fd);
		ob->state = OBJECT_REPLACED;
		return 0;
	}
	int r = elf_file_open(fd, d->path, &ob->elf);
	if (r < 0) {
		close(fd);
		return r == -ENOMEM ? r : 0;
	}
	ob->state = OBJECT_FOUND;
	return 1;
}

/* The vdso has no file; a 64-bit process has the same as we. */
static int find_vdso(struct objects *o, struct object *ob, const struct dso *d,
		     const struct map *map)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);

	ob->state = OBJECT_NO_FILE;
	if (!o->live || !vdso || strcmp(d->path, "[vdso]") != 0 || map->start >> 32 == 0)
		return 0;
	const size_t len = map->end - map->start + map->off;
	if (len > 1 << 16 || sizeof(void *) != 8)
		return 0;
	int r = elf_file_open_bytes((struct sonde_span){ vdso, len }, &ob->elf);
	if (r == 0)
		ob->state = OBJECT_FOUND;
	return r == -ENOMEM ? r : 0;
}

static int find(struct objects *o, struct object *ob, const struct map *map, pid_t pid)
{
	const struct dso *d = &o->dsos->all[map->dso];
	int r = 0;

	if (dso_is_special(d))
		return find_vdso(o, ob, d, map);
	ob->state = OBJECT_GONE;
	if (pid > 0 && o->live) {
		r = try_fd(ob, open_mapped(pid, map->start, map->end), d, true);
		if (!r)
			r = try_fd(ob, open_rooted(pid, d->path), d, true);
	}
	if (!r)
		r = try_fd(ob, open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), d, o->live);
	return r < 0 ? r : 0;
}

int objects_get(struct objects *o, const struct map *map, pid_t pid, struct object **ret)
{
	if (map->dso >= o->n) {
		int r = mem_grow(&o->all, &o->cap, map->dso + 1);
		if (r < 0)
			return r;
		memset(&o->all[o->n], 0, (map->dso + 1 - o->n) * sizeof(*o->all));
		o->n = map->dso + 1;
	}
	struct object *ob = &o->all[map->dso];
	*ret = ob;
	if (ob->state != OBJECT_UNKNOWN || o->n_open >= OBJECTS_OPEN_MOST)
		return 0;
	int r = find(o, ob, map, pid);
	if (r < 0) {
		ob->state = OBJECT_UNKNOWN;
		return r;
	}
	if (ob->elf && o->closes)
		return elf_file_settle(ob->elf);
	o->n_open += ob->elf != NULL;
	return 0;
}

bool object_live_id(pid_t pid, uint64_t start, uint64_t end, const char *path, uint64_t ino,
		    struct build_id *ret)
{
	struct stat st;
	sonde_auto(mem_closep) int fd = open_mapped(pid, start, end);

	if (fd < 0 && path[0] == '/')
		fd = open_rooted(pid, path);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == ino &&
	       build_id_read(fd, ret);
}

int object_cfi(struct object *ob, struct cfi **ret)
{
	if (!ob->cfi && !ob->no_cfi && ob->elf && elf_file_handle(ob->elf)) {
		int r = cfi_new(elf_file_handle(ob->elf), &ob->cfi);
		if (r < 0)
			return r;
		ob->no_cfi = !ob->cfi;
	}
	*ret = ob->cfi;
	return 0;
}
