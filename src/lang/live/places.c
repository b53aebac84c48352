/* SPDX-License-Identifier: MIT */
/** Programs and modules that were opened, and their functions' arguments. */
#include "lang/live/places.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "lang/live/number.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/usdt.h"

int live_file(struct live *live, const char *path, struct live_file **ret)
{
	for (struct live_file *f = live->files; f; f = f->next) {
		if (!strcmp(f->path, path)) {
			*ret = f;
			return 0;
		}
	}
	struct live_file *f = arena_new(&live->arena, struct live_file);
	if (!f)
		return -ENOMEM;
	f->path = arena_strndup(&live->arena, path, strlen(path));
	if (!f->path)
		return -ENOMEM;
	f->next = live->files;
	live->files = f;
	*ret = f;
	return 0;
}

int live_file_funcs(struct live_file *f, struct elf_funcs **ret)
{
	int r = f->funcs ? 0 : elf_funcs_open(f->path, &f->funcs);

	if (r >= 0)
		*ret = f->funcs;
	return r;
}

int live_file_usdt(struct live_file *f, struct usdt **ret)
{
	int r = f->usdt ? 0 : usdt_open(f->path, &f->usdt);

	if (r >= 0)
		*ret = f->usdt;
	return r;
}

struct ctypes *live_file_types(struct live *live, struct live_file *f)
{
	if (f->types || f->no_types)
		return f->types;
	if (ctypes_open_dwarf(f->path, &f->types) < 0) {
		const char *why = sonde_err_str();

		f->types = NULL;
		f->no_types = arena_strndup(&live->arena, why, strlen(why));
	}
	return f->types;
}

void live_files_free(struct live *live)
{
	for (struct live_file *f = live->files; f; f = f->next) {
		elf_funcs_free(f->funcs);
		usdt_free(f->usdt);
		ctypes_free(f->types);
	}
	live->files = NULL;
}

/* The kernel's own descriptor of a module's types. */
static int module_btf_fd(const char *name)
{
	uint32_t id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		char found[64] = "";
		struct bpf_btf_info info = {
			.name = (uintptr_t)found,
			.name_len = sizeof(found),
		};
		uint32_t len = sizeof(info);
		sonde_auto(mem_closep) int fd = bpf_btf_get_fd_by_id(id);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
			continue;
		if (info.kernel_btf && !strcmp(found, name))
			return mem_take_fd(&fd);
	}
	return -1;
}

int live_module(struct live *live, const char *name, struct live_module **ret)
{
	struct ctypes *kernel = live_types(live);

	for (struct live_module *m = live->modules; m; m = m->next) {
		if (!strcmp(m->name, name)) {
			*ret = m;
			return m->types ? 0 : -ENOENT;
		}
	}
	struct live_module *m = arena_new(&live->arena, struct live_module);
	if (!m)
		return -ENOMEM;
	m->btf_fd = -1;
	m->name = arena_strndup(&live->arena, name, strlen(name));
	if (!m->name)
		return -ENOMEM;
	m->next = live->modules;
	live->modules = m;
	// What has none is kept too, so as not to look again.
	int r = kernel ? ctypes_open_module(kernel, name, &m->types) : -ENOENT;
	if (r < 0)
		return r;
	m->btf_fd = module_btf_fd(name);
	*ret = m;
	return 0;
}

void live_modules_free(struct live *live)
{
	for (struct live_module *m = live->modules; m; m = m->next) {
		ctypes_free(m->types);
		if (m->btf_fd >= 0)
			close(m->btf_fd);
	}
	live->modules = NULL;
}

int lookup_offset(struct lookup *l, const char *text, const char **ret_name, uint64_t *ret_off)
{
	// Names of C++ operators have a '+' too: an offset is a number at the end.
	const char *plus = strrchr(text, '+'), *end;

	*ret_name = text;
	*ret_off = 0;
	if (!plus || plus == text)
		return 0;
	if (!number_read(plus + 1, ret_off, &end) || *end) {
		*ret_off = 0;
		return strchr(text, '(') || strstr(text, "operator")
			       ? 0
			       : lookup_error(l, "bad-attach-point", "'%s' is no offset", plus + 1);
	}
	*ret_name = arena_strndup(l->arena, text, (size_t)(plus - text));
	return *ret_name ? 0 : -ENOMEM;
}

/* Paths by the shell's rules, in the target's root. */
static int match_paths(struct lookup *l, const char *pattern, const char *const **ret,
		       size_t *ret_n)
{
	enum { PATHS_MOST = 512 };
	const pid_t pid = l->live->opt.pid;
	glob_t g = { 0 };
	const char *in_root = pid > 0 && *pattern == '/'
				      ? lookup_text(l, "/proc/%d/root%s", (int)pid, pattern)
				      : pattern;

	if (!in_root)
		return -ENOMEM;
	int r = glob(in_root, 0, NULL, &g);
	if (r == GLOB_NOSPACE)
		return sonde_fail(-ENOMEM, "'%s': out of memory", pattern);
	const size_t n = r ? 0 : g.gl_pathc;
	const char **paths = arena_array(l->arena, n + 1, sizeof(*paths));
	r = paths ? 0 : -ENOMEM;
	for (size_t i = 0; i < n && r >= 0; i++) {
		paths[i] = arena_strndup(l->arena, g.gl_pathv[i], strlen(g.gl_pathv[i]));
		r = paths[i] ? 0 : -ENOMEM;
	}
	globfree(&g);
	if (r < 0)
		return r;
	if (!n)
		return lookup_error(l, "no-file", "no file matches '%s'", pattern);
	if (n > PATHS_MOST)
		return lookup_error(l, "too-many-files", "'%s' matches %zu files; the most is %d",
				    pattern, n, PATHS_MOST);
	*ret = paths;
	*ret_n = n;
	return 0;
}

int lookup_programs(struct lookup *l, const char *name, const char *const **ret, size_t *ret_n)
{
	sonde_auto(mem_freep) char *path = NULL;

	if (!*name)
		return lookup_error(l, "bad-attach-point", "'%s' is not of the form %s",
				    l->ap->text, l->provider->usage);
	if (glob_is(name))
		return match_paths(l, name, ret, ret_n);
	int r = program_find(name, l->live->opt.pid, &path);
	if (r < 0)
		return lookup_failed(l, r, "no-file");
	const char **paths = arena_array(l->arena, 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	paths[0] = arena_strndup(l->arena, path, strlen(path));
	if (!paths[0])
		return -ENOMEM;
	*ret = paths;
	*ret_n = 1;
	return 0;
}

const char *lookup_program_name(const struct lookup *l, const char *path)
{
	char root[64];
	int n = snprintf(root, sizeof(root), "/proc/%d/root", (int)l->live->opt.pid);

	return n > 0 && !strncmp(path, root, (size_t)n) && path[n] == '/' ? path + n : path;
}
