/* SPDX-License-Identifier: MIT */
/** The library's face: what <sonde/crash.h> promises, by the core. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <sonde/crash.h>

#include "crash/core.h"
#include "crash/value.h"
#include "crash/walk/walk.h"

struct sonde_crash {
	struct crash_core *core; /* owned */
};

int sonde_crash_open(const char *const *paths, size_t n_paths, const char *kernel,
		     struct sonde_crash **ret)
{
	sonde_auto(mem_freep) struct sonde_crash *c = calloc(1, sizeof(*c));
	if (!c)
		return sonde_fail(-ENOMEM, "out of memory");
	if (!n_paths)
		return sonde_fail(-EINVAL, "no file of a dump was named");
	int r = crash_open(paths, n_paths, kernel, &c->core);
	if (r == 0)
		*ret = sonde_take(c);
	return r;
}

void sonde_crash_close(struct sonde_crash *c)
{
	if (c)
		crash_close(c->core);
	free(c);
}

void sonde_crash_about(const struct sonde_crash *c, struct sonde_crash_about *ret)
{
	static const char *const machines[] = { [DUMP_X86_64] = "x86-64",
						[DUMP_AARCH64] = "aarch64",
						[DUMP_I386] = "i386",
						[DUMP_RISCV64] = "riscv64" };
	const struct dump_about *a = c->core->about;

	*ret = (struct sonde_crash_about){
		.system = c->core->system->kind == DUMP_FREEBSD ? SONDE_CRASH_FREEBSD
								: SONDE_CRASH_LINUX,
		.machine = machines[a->arch],
		.format = a->format,
		.cut = a->cut,
		.page_size = a->page_size,
		.n_pages = a->pages_held,
	};
}

int sonde_crash_read_phys(struct sonde_crash *c, uint64_t pa, void *ret, size_t n)
{
	return dump_read(c->core->dump, pa, ret, n);
}

int sonde_crash_read(struct sonde_crash *c, uint64_t addr, void *ret, size_t n)
{
	int r = c->core->system->read(c->core, addr, ret, n);

	return __builtin_expect(r < 0, 0) ? crash_fail_read(r, addr) : r;
}

int sonde_crash_text(struct sonde_crash *c, uint64_t addr, char *ret, size_t cap)
{
	if (!cap)
		return sonde_fail(-EINVAL, "no room for text");
	return crash_fail_read(crash_read_text(c->core, addr, ret, cap), addr);
}

static void give_symbol(const struct crash_symbol *s, struct sonde_crash_symbol *ret)
{
	*ret = (struct sonde_crash_symbol){ s->name, s->module, s->start, s->size };
}

int sonde_crash_symbol(struct sonde_crash *c, const char *name, struct sonde_crash_symbol *ret)
{
	struct crash_symbol s = { 0 };

	if (!c->core->system->symbol_named(c->core, name, &s))
		return sonde_fail(-ENOENT, "the kernel has no symbol '%s'", name);
	give_symbol(&s, ret);
	return 0;
}

int sonde_crash_symbol_at(struct sonde_crash *c, uint64_t addr, struct sonde_crash_symbol *ret)
{
	struct crash_symbol s = { 0 };

	if (!c->core->system->symbol_at(c->core, addr, &s))
		return sonde_fail(-ENOENT, "no symbol is at 0x%" PRIx64, addr);
	give_symbol(&s, ret);
	return 0;
}

int sonde_crash_sizeof(struct sonde_crash *c, const char *type, uint64_t *ret)
{
	const struct ctype *t = NULL;

	int r = crash_type_find(c->core, type, &t);
	if (r < 0 || !t)
		return r;
	*ret = t->size;
	return 0;
}

static int walk(struct sonde_crash *c, const char *type, uint64_t addr, const char *path,
		struct crash_value *ret)
{
	struct crash_value from = { .addr = addr };

	int r = crash_type_find(c->core, type, &from.type);
	if (r == 0)
		r = crash_value_walk(c->core, &from, path, ret);
	return r < 0 ? sonde_wrap(r, "'%s' at 0x%" PRIx64, type, addr) : 0;
}

int sonde_crash_field(struct sonde_crash *c, const char *type, uint64_t addr, const char *path,
		      struct sonde_crash_field *ret)
{
	struct crash_value v = { 0 };

	int r = walk(c, type, addr, path, &v);
	if (r < 0 || !v.type)
		return r;
	*ret = (struct sonde_crash_field){
		.addr = v.addr,
		.size = v.bit_size ? (v.bit_off + v.bit_size + 7) / 8 : v.type->size,
		.bit_off = v.bit_off,
		.bit_size = v.bit_size,
		.is_signed = v.type->is_signed,
	};
	return 0;
}

int sonde_crash_number(struct sonde_crash *c, const char *type, uint64_t addr, const char *path,
		       uint64_t *ret)
{
	struct crash_value v = { 0 };

	int r = walk(c, type, addr, path, &v);
	return r < 0 ? r : crash_value_number(c->core, &v, ret);
}

int sonde_crash_each(struct sonde_crash *c, const struct sonde_crash_walk *walk,
		     int (*f)(void *arg, uint64_t index, uint64_t at), void *arg,
		     const char **ret_cut)
{
	static const enum walk_kind kinds[] = {
		[SONDE_CRASH_LIST] = WALK_LIST,	    [SONDE_CRASH_CHAIN] = WALK_CHAIN,
		[SONDE_CRASH_RBTREE] = WALK_RBTREE, [SONDE_CRASH_XARRAY] = WALK_XARRAY,
		[SONDE_CRASH_MAPLE] = WALK_MAPLE,
	};

	if ((unsigned)walk->links >= MEM_LEN(kinds))
		return sonde_fail(-EINVAL, "no links of kind %u", (unsigned)walk->links);
	const struct walk_over over = { kinds[walk->links], walk->head, walk->next, walk->limit };
	return crash_walk(c->core, &over, f, arg, ret_cut);
}
