/* SPDX-License-Identifier: MIT */
/** USDT: markers that programs and libraries have. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "sym/probe/usdt.h"

struct usdt_lookup {
	struct lookup *l;
	const char *provider, *name; /* patterns; the provider's NULL: any */
	struct nearest near;
	size_t n_markers; /* seen, of any name */
};

static int add_marker(struct usdt_lookup *u, struct live_file *file, const struct usdt_marker *m)
{
	struct lookup *l = u->l;
	struct usdt_arg *args = arena_array(l->arena, m->n_args, sizeof(*args));
	struct probe p = {
		.name = lookup_text(l, "usdt:%s:%s:%s", lookup_program_name(l, file->path),
				    m->provider, m->name),
		.func = arena_strndup(l->arena, m->name, strlen(m->name)),
		.args = ARGS_USDT,
		.usdt = args,
		.n_usdt = m->n_args,
		.types = live_file_types(l->live, file),
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.attach = {
			.kind = ATTACH_UPROBE,
			.path = file->path,
			.off = m->off,
			.ref_ctr_off = m->ref_ctr_off,
			.pid = l->live->opt.pid > 0 ? l->live->opt.pid : -1,
			.cpu = -1,
		},
	};

	if (!args || !p.name || !p.func)
		return -ENOMEM;
	if (m->n_args)
		memcpy(args, m->args, m->n_args * sizeof(*args));
	return lookup_add_same(l, &p);
}

static int find_in_file(struct usdt_lookup *u, const char *path, bool one_of_many)
{
	struct live_file *file = NULL;
	struct usdt *usdt = NULL;
	size_t n = 0;

	int r = live_file(u->l->live, path, &file);
	if (r >= 0)
		r = live_file_usdt(file, &usdt);
	if (r < 0)
		return one_of_many && r != -ENOMEM ? 0 : r;
	const struct usdt_marker *m = usdt_markers(usdt, &n);
	u->n_markers += n;
	for (size_t i = 0; i < n && r >= 0 && !(u->l->is_first && u->l->first); i++) {
		nearest_see(&u->near, m[i].name);
		if (glob_match(u->name, m[i].name) &&
		    (!u->provider || glob_match(u->provider, m[i].provider)))
			r = add_marker(u, file, &m[i]);
	}
	return r;
}

struct path_list {
	const char **v; /* owned */
	size_t n, cap;
};

static int add_path(struct lookup *l, struct path_list *paths, const char *path)
{
	const char *in_root = lookup_text(l, "/proc/%d/root%s", (int)l->live->opt.pid, path);

	if (!in_root)
		return -ENOMEM;
	for (size_t i = 0; i < paths->n; i++) {
		if (!strcmp(paths->v[i], in_root))
			return 0;
	}
	int r = mem_grow(&paths->v, &paths->cap, paths->n + 1);
	if (r < 0)
		return r;
	paths->v[paths->n++] = in_root;
	return 0;
}

/* The files whose code the target has mapped: "START-END r-xp OFF DEV INODE   PATH". */
static int mapped_files(struct lookup *l, struct path_list *ret)
{
	char name[64], mode[5];
	sonde_auto(mem_freep) char *line = NULL;
	size_t cap = 0;
	int r = 0, at = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", (int)l->live->opt.pid);
	FILE *f = fopen(name, "re");
	if (!f)
		return sonde_fail_errno(-errno, "'%s'", name);
	while (r >= 0 && getline(&line, &cap, f) > 0) {
		at = 0;
		if (sscanf(line, "%*s %4s %*s %*s %*s %n", mode, &at) != 1 || !at ||
		    mode[2] != 'x' || line[at] != '/')
			continue;
		line[at + (int)strcspn(line + at, "\n")] = '\0';
		r = add_path(l, ret, line + at);
	}
	(void)fclose(f);
	return r;
}

static int unknown_marker(struct usdt_lookup *u, const char *where)
{
	const char *name = u->l->ap->parts[u->l->ap->n_parts - 1];

	if (!where)
		return -ENOMEM;
	if (!u->n_markers)
		return lookup_error(u->l, "unknown-marker", "%s has no USDT markers", where);
	if (glob_is(name))
		return lookup_error(u->l, "no-match", "no marker of %s matches '%s'", where, name);
	return lookup_error(u->l, "unknown-marker", "no marker '%s' in %s%s", name, where,
			    nearest_words(&u->near));
}

static int find_in_target(struct usdt_lookup *u)
{
	struct path_list paths = { 0 };
	int r = mapped_files(u->l, &paths);

	for (size_t i = 0; i < paths.n && r >= 0 && !(u->l->is_first && u->l->first); i++)
		r = find_in_file(u, paths.v[i], true);
	free(paths.v);
	if (r >= 0 && !u->l->n_places)
		return unknown_marker(u, lookup_text(u->l, "process %d", (int)u->l->live->opt.pid));
	return r;
}

int find_usdt(struct lookup *l)
{
	const struct ast_attach *ap = l->ap;
	const char *const *paths = NULL;
	size_t n = 0;
	struct usdt_lookup u = {
		.l = l,
		.provider = ap->n_parts == 4 && *ap->parts[2] ? ap->parts[2] : NULL,
		.name = ap->parts[ap->n_parts - 1],
		.near = { .word = ap->parts[ap->n_parts - 1] },
	};
	// With a process as target the program may be left out.
	const char *program = ap->n_parts > 2 ? ap->parts[1] : "";

	if (l->live->opt.pid > 0 && (!*program || !strcmp(program, "*")))
		return find_in_target(&u);
	int r = lookup_programs(l, program, &paths, &n);
	for (size_t i = 0; i < n && r >= 0 && !(l->is_first && l->first); i++)
		r = find_in_file(&u, paths[i], glob_is(program));
	if (r >= 0 && !l->n_places)
		return unknown_marker(&u, lookup_text(l, "'%s'", program));
	return r;
}

static int list_file(struct listing *l, struct live_file *file)
{
	const struct lookup in = { .live = l->live };
	const char *shown = lookup_program_name(&in, file->path);
	struct usdt *usdt = NULL;
	size_t n = 0;

	int r = live_file_usdt(file, &usdt);
	if (r < 0)
		return r;
	const struct usdt_marker *m = usdt_markers(usdt, &n);
	for (size_t i = 0; i < n && !r; i++)
		r = listing_give(l, shown, m[i].provider, m[i].name);
	return r;
}

/* All that the target has mapped. */
static int list_target(struct listing *l)
{
	struct arena arena = { 0 };
	struct lookup all = { .live = l->live, .arena = &arena };
	struct path_list paths = { 0 };
	int r = mapped_files(&all, &paths);

	for (size_t i = 0; i < paths.n && !r; i++) {
		struct live_file *file = NULL;
		r = live_file(l->live, paths.v[i], &file);
		if (!r)
			r = list_file(l, file);
		// The vdso, and files that are gone.
		r = r < 0 && r != -ENOMEM ? 0 : r;
	}
	free(paths.v);
	arena_fini(&arena);
	return r;
}

int list_usdt(struct listing *l)
{
	struct live_file *file = NULL;

	if (l->live->opt.pid > 0 && (!l->n_parts || !strcmp(l->parts[0], "*")))
		return list_target(l);
	int r = listing_program(l, &file);
	return r < 0 ? r : list_file(l, file);
}
