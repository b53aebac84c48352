/* SPDX-License-Identifier: MIT */
/** Looks names up where they may be, in the order of trust. */
#include "sym/naming.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "sym/demangle.h"
#include "sym/folder.h"
#include "sym/kallsyms.h"
#include "sym/object.h"

/* What the folder says of a file that the trace has mapped. */
struct known {
	bool looked;
	const struct symtab *functions; /* the folder's; or NULL */
};

struct naming {
	struct folder folder;
	struct dsos dsos;
	struct objects objects; /* of dsos, on this machine */
	struct known *known;	/* owned; by index of dsos */
	size_t n_known, cap_known;
	struct symtab kernel; /* of the running kernel, if that is the one */
	bool kernel_looked;
};

void naming_free(struct naming *n)
{
	if (!n)
		return;
	folder_fini(&n->folder);
	objects_fini(&n->objects);
	dsos_fini(&n->dsos);
	free(n->known);
	symtab_fini(&n->kernel);
	free(n);
}

int naming_new(const char *dir, struct naming **ret)
{
	sonde_auto(naming_freep) struct naming *n = calloc(1, sizeof(*n));

	if (!n)
		return sonde_fail(-ENOMEM, "names: out of memory");
	n->objects.dsos = &n->dsos;
	n->objects.closes = true;
	int r = dir ? folder_load(&n->folder, dir) : 0;
	if (r < 0)
		return sonde_wrap(r, "names");
	*ret = sonde_take(n);
	return 0;
}

struct dsos *naming_dsos(struct naming *n)
{
	return &n->dsos;
}

static void put_name(struct strbuf *ret, const char *name)
{
	if (!demangle(name, ret))
		strbuf_str(ret, name);
}

/* The running kernel's functions, if it is the same boot: each has its own addresses. */
static int look_at_kernel(struct naming *n)
{
	char boot[40];

	n->kernel_looked = true;
	if (!n->folder.boot_id[0] || !folder_boot_id(boot) || strcmp(boot, n->folder.boot_id) != 0)
		return 0;
	int r = kallsyms_load(&n->kernel);
	if (r < 0)
		symtab_fini(&n->kernel);
	return r == -ENOMEM ? r : 0;
}

static void found(const struct symtab *t, const struct sym *s, uint64_t at, const char **ret_name,
		  uint64_t *ret_off)
{
	*ret_name = s ? symtab_name(t, s) : NULL;
	*ret_off = s ? at - s->start : 0;
}

int naming_kernel_function(struct naming *n, uint64_t addr, const char **ret_name,
			   uint64_t *ret_off)
{
	const struct symtab *t = &n->folder.kernel;
	const struct sym *s = symtab_find(t, addr);

	if (!s && !n->kernel_looked) {
		int r = look_at_kernel(n);
		if (r < 0)
			return r;
	}
	if (!s) {
		t = &n->kernel;
		s = symtab_find(t, addr);
	}
	found(t, s, addr, ret_name, ret_off);
	return 0;
}

int naming_kernel(struct naming *n, uint64_t addr, struct strbuf *ret)
{
	const char *name;
	uint64_t off;
	int r = naming_kernel_function(n, addr, &name, &off);

	if (r < 0)
		return r;
	if (name)
		put_name(ret, name);
	else
		strbuf_str(ret, "[kernel]");
	return strbuf_ok(ret);
}

static int known_of(struct naming *n, uint32_t dso, struct known **ret)
{
	if (dso >= n->n_known) {
		int r = mem_grow(&n->known, &n->cap_known, dso + 1);
		if (r < 0)
			return r;
		memset(&n->known[n->n_known], 0, (dso + 1 - n->n_known) * sizeof(*n->known));
		n->n_known = dso + 1;
	}
	*ret = &n->known[dso];
	if (!(*ret)->looked) {
		(*ret)->functions = folder_functions(&n->folder, &n->dsos.all[dso]);
		(*ret)->looked = true;
	}
	return 0;
}

int naming_user_function(struct naming *n, const struct map *map, uint64_t addr,
			 const char **ret_name, uint64_t *ret_off)
{
	const uint64_t off = addr - map->start + map->off;
	const struct symtab *t;
	const struct sym *s;
	struct known *known;
	struct object *ob;

	int r = known_of(n, map->dso, &known);
	if (r < 0)
		return r;
	t = known->functions;
	s = t ? symtab_find(t, off) : NULL;
	if (!s) {
		r = objects_get(&n->objects, map, 0, &ob);
		if (!r && ob->elf)
			r = elf_file_functions(ob->elf, &t);
		if (r < 0)
			return r;
		s = t ? symtab_find(t, off) : NULL;
	}
	found(t, s, off, ret_name, ret_off);
	return 0;
}

int naming_user(struct naming *n, const struct map *map, uint64_t addr, struct strbuf *ret)
{
	const uint64_t off = addr - map->start + map->off;
	const struct dso *d = &n->dsos.all[map->dso];
	const char *name;
	uint64_t in;

	int r = naming_user_function(n, map, addr, &name, &in);
	if (r < 0)
		return r;
	if (name)
		put_name(ret, name);
	else if (dso_is_special(d) && strcmp(d->path, "[vdso]") != 0)
		strbuf_str(ret, dso_name(d));
	else
		strbuf_fmt(ret, "%s+0x%" PRIx64, dso_name(d), off);
	return strbuf_ok(ret);
}
