/* SPDX-License-Identifier: MIT */
/** Symbols of the kernel and its modules, by address and name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/kernel.h"

enum { NAMED = 512 };

bool linux_is_text(struct linux_kernel *k, uint64_t addr)
{
	if ((addr >= k->text && addr < k->text_end) ||
	    (addr >= k->init_text && addr < k->init_text_end))
		return true;
	const struct linux_module *m = linux_module_at(k, addr);
	return m && addr - m->parts[0].start < m->parts[0].size;
}

/* Keeps the name of a symbol once, in the core's memory. NULL: out of memory. */
static const char *keep_name(struct linux_kernel *k, uint64_t start, const char *name)
{
	uint32_t i;

	if (u64map_get(&k->symbol_cache, start, &i))
		return k->names[i];
	const char *kept = arena_strndup(&k->core->arena, name, strlen(name));
	if (!kept || mem_grow(&k->names, &k->cap_names, k->n_names + 1) < 0 ||
	    u64map_put(&k->symbol_cache, start, (uint32_t)k->n_names) < 0)
		return NULL;
	k->names[k->n_names++] = kept;
	return kept;
}

static bool kernel_symbol(struct linux_kernel *k, uint32_t i, uint64_t size,
			  struct crash_symbol *ret)
{
	char name[KSYM_NAME_MOST];
	uint64_t start = ksyms_address(&k->syms, i);
	uint32_t at;
	const char *kept;

	if (u64map_get(&k->symbol_cache, start, &at)) {
		kept = k->names[at];
	} else {
		ksyms_name(&k->syms, i, name, NULL);
		kept = ksyms_ran_out(&k->syms) ? NULL : keep_name(k, start, name);
		k->core->ran_out |= !kept;
	}
	*ret = (struct crash_symbol){ .name = kept, .start = start, .size = size };
	return kept;
}

static bool module_symbol(struct linux_kernel *k, struct linux_module *m, uint64_t addr,
			  struct crash_symbol *ret)
{
	int r = linux_module_symbols(k, m);
	k->core->ran_out |= r == -ENOMEM;
	if (r < 0)
		return false;
	const struct linux_module_sym *s = linux_module_find(m, addr);
	if (!s)
		return false;
	*ret = (struct crash_symbol){
		.name = m->strings + s->name,
		.module = m->name,
		.start = s->start,
		.size = s->size,
	};
	return true;
}

static bool find_symbol(struct linux_kernel *k, uint64_t addr, struct crash_symbol *ret)
{
	uint64_t size;
	uint32_t i;

	struct linux_module *m = linux_module_at(k, addr);
	if (m)
		return module_symbol(k, m, addr, ret);
	if (addr < k->text || addr >= k->end)
		return false;
	return ksyms_find(&k->syms, addr, &i, &size) && kernel_symbol(k, i, size, ret);
}

// Stacks have the same few return addresses over and over.
bool linux_symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret)
{
	struct linux_kernel *k = linux_of(c);

	if (!k->named)
		k->named = calloc(NAMED, sizeof(*k->named));
	if (!k->named || !addr)
		return find_symbol(k, addr, ret); // slower, as good
	struct linux_named *n = &k->named[(addr ^ addr >> 12) % NAMED];
	if (n->addr != addr) {
		if (!find_symbol(k, addr, ret))
			return false;
		*n = (struct linux_named){ addr, *ret };
	}
	*ret = n->symbol;
	return true;
}

bool linux_symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret)
{
	struct linux_kernel *k = linux_of(c);
	uint64_t size;
	uint32_t i, first;

	if (ksyms_named(&k->syms, name, &i)) {
		uint64_t start = ksyms_address(&k->syms, i);
		char there[KSYM_NAME_MOST];

		ksyms_name(&k->syms, i, there, NULL);
		if (!ksyms_find(&k->syms, start, &first, &size))
			size = 0;
		// Several may have that address: this is the one that was asked for.
		const char *kept = arena_strndup(&c->arena, there, strlen(there));
		*ret = (struct crash_symbol){ .name = kept, .start = start, .size = size };
		c->ran_out |= !kept;
		return kept;
	}
	for (size_t m = 0; m < k->modules.n; m++) {
		struct linux_module *mod = &k->modules.all[m];

		int r = linux_module_symbols(k, mod);
		c->ran_out |= r == -ENOMEM;
		if (r < 0)
			continue;
		for (size_t s = 0; s < mod->n_syms; s++) {
			const struct linux_module_sym *sym = &mod->syms[s];

			if (strcmp(mod->strings + sym->name, name) != 0)
				continue;
			*ret = (struct crash_symbol){ mod->strings + sym->name, mod->name,
						      sym->start, sym->size };
			return true;
		}
	}
	uint64_t at;
	if (!linux_derived_symbol(k, name, &at))
		return false;
	*ret = (struct crash_symbol){ .name = arena_strndup(&c->arena, name, strlen(name)),
				      .start = at };
	return ret->name;
}

static int each_of_module(struct linux_kernel *k, struct linux_module *m,
			  int (*f)(void *arg, const struct crash_symbol *s), void *arg)
{
	int r = linux_module_symbols(k, m);

	for (size_t i = 0; !r && i < m->n_syms; i++) {
		const struct crash_symbol s = { m->strings + m->syms[i].name, m->name,
						m->syms[i].start, m->syms[i].size };
		r = f(arg, &s);
	}
	return r;
}

struct each_export {
	struct linux_kernel *k;
	int (*f)(void *arg, const struct crash_symbol *s);
	void *arg;
};

static int each_export(void *arg, const char *name, uint64_t addr)
{
	const struct each_export *e = arg;
	const struct crash_symbol s = { .name = name, .start = addr };

	// Code has been told of already.
	return linux_is_text(e->k, addr) ? 0 : e->f(e->arg, &s);
}

int linux_each_symbol(struct crash_core *c, int (*f)(void *arg, const struct crash_symbol *s),
		      void *arg)
{
	struct linux_kernel *k = linux_of(c);
	char name[KSYM_NAME_MOST];
	int r = 0;

	for (uint32_t i = 0; !r && i < k->syms.n; i++) {
		uint64_t start = ksyms_address(&k->syms, i);
		uint64_t next = i + 1 < k->syms.n ? ksyms_address(&k->syms, i + 1) : start;

		ksyms_name(&k->syms, i, name, NULL);
		const struct crash_symbol s = { name, NULL, start, next - start };
		r = f(arg, &s);
	}
	struct each_export e = { k, f, arg };
	if (!r)
		r = exports_each(&k->exports, &k->mem, each_export, &e);
	for (size_t i = 0; !r && i < k->modules.n; i++)
		r = each_of_module(k, &k->modules.all[i], f, arg);
	return r;
}
