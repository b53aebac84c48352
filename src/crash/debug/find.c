/* SPDX-License-Identifier: MIT */
/** Goes through the folders that distributions put debug files into. */
#include "crash/debug/find.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "sym/probe/elf_image.h"

enum { FILES_MOST = 1 << 16, LEVELS_MOST = 24 };

void module_files_fini(struct module_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->all[i].name);
		free(f->all[i].path);
	}
	free(f->all);
	*f = (struct module_files){ .n = 0 };
}

/* "x.ko", "x.ko.debug": how long the name of the module is; 0: it is no file of one. */
static size_t module_name(const char *file)
{
	static const char *const ends[] = { ".ko", ".ko.debug", ".debug" };
	size_t len = strlen(file);

	for (size_t i = 0; i < MEM_LEN(ends); i++) {
		size_t end = strlen(ends[i]);

		if (len > end && !strcmp(file + len - end, ends[i]) &&
		    (i != 2 || !strstr(file, ".ko.")))
			return len - end;
	}
	return 0;
}

static int add(struct module_files *f, const FTSENT *e)
{
	size_t len = module_name(e->fts_name);

	if (!len)
		return 0;
	if (f->n == FILES_MOST) {
		f->is_cut = true;
		return 0;
	}
	int r = mem_grow(&f->all, &f->cap, f->n + 1);
	if (r < 0)
		return r;
	struct module_file m = { strndup(e->fts_name, len), strdup(e->fts_path) };
	if (!m.name || !m.path) {
		free(m.name);
		free(m.path);
		return sonde_fail(-ENOMEM, "out of memory");
	}
	f->all[f->n++] = m;
	return 0;
}

int module_files_add(struct module_files *f, const char *folder)
{
	char *const roots[] = { (char *)folder, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int r = 0;

	if (!walk)
		return errno == ENOMEM ? sonde_fail(-ENOMEM, "out of memory") : 0;
	while (!r && (e = fts_read(walk))) {
		if (e->fts_info == FTS_D && e->fts_level > LEVELS_MOST)
			(void)fts_set(walk, e, FTS_SKIP);
		else if (e->fts_info == FTS_F || e->fts_info == FTS_NSOK)
			r = add(f, e);
	}
	fts_close(walk);
	return r;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	}
	return *a == *b;
}

const char *module_files_next(const struct module_files *f, const char *name, size_t *at)
{
	while (*at < f->n) {
		const struct module_file *m = &f->all[(*at)++];

		if (same_name(m->name, name))
			return m->path;
	}
	return NULL;
}

bool debug_place(const struct crash_image *image, bool of_modules, size_t i, char *ret, size_t cap)
{
	static const char *const kernels[] = {
		"/usr/lib/debug/boot/vmlinux-%s",
		"/usr/lib/debug/lib/modules/%s/vmlinux",
		"/usr/lib/debug/usr/lib/modules/%s/vmlinux",
		"/usr/lib/debug/lib/modules/%s/vmlinux.debug",
		"/lib/modules/%s/build/vmlinux",
		"/lib/modules/%s/vmlinux",
		"/boot/vmlinux-%s",
	};
	static const char *const modules[] = {
		"/usr/lib/debug/lib/modules/%s",
		"/usr/lib/debug/usr/lib/modules/%s",
		"/lib/modules/%s",
	};
	const char *release = image->release;
	const char *const *all = of_modules ? modules : kernels;
	size_t n = of_modules ? MEM_LEN(modules) : MEM_LEN(kernels);

	// The dump's word for it, which becomes a part of a path.
	if (i >= n || !release || !*release || *release == '.' || strchr(release, '/'))
		return false;
	const char *name = strstr(all[i], "%s");
	(void)snprintf(ret, cap, "%.*s%s%s", (int)(name - all[i]), all[i], release, name + 2);
	return true;
}

bool debug_file_is(const char *path, const struct build_id *id)
{
	struct elf_image m = { .fd = -1 };

	if (access(path, R_OK) < 0 || elf_image_open_mapped(path, &m) < 0)
		return false;
	bool same = build_id_same(&m.id, id);
	elf_image_fini(&m);
	return same;
}

bool debug_find_kernel(const struct crash_image *image, size_t *i, char *ret, size_t cap)
{
	char hex[BUILD_ID_HEX];

	if (image->id.len < 2)
		return false;
	for (; !*i || debug_place(image, false, *i - 1, ret, cap); (*i)++) {
		if (!*i) {
			build_id_hex(&image->id, hex);
			(void)snprintf(ret, cap, "/usr/lib/debug/.build-id/%.2s/%s.debug", hex,
				       hex + 2);
		}
		if (debug_file_is(ret, &image->id)) {
			(*i)++;
			return true;
		}
	}
	return false;
}
