/* SPDX-License-Identifier: MIT */
/** Modules, from the kernel's list of them. */
#include "crash/linux/module.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/kernel.h"

enum {
	NAME_LEN = 64,
	SYMS_MOST = 1 << 20,
	STRINGS_MOST = 1 << 26,
	BTF_MOST = 1 << 26,
	MODULE_BYTES_MOST = 1 << 30,
};

enum {
	LIST,
	NAME,
	STATE,
	REFS,
	TAINTS,
	OLD_BASE,
	OLD_SIZE,
	OLD_TEXT,
	MEM,
	ORC_N,
	ORC_IP,
	ORC_ENTRIES,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[LIST] = { "struct module", "list" },
	[NAME] = { "struct module", "name" },
	[STATE] = { "struct module", "state" },
	[REFS] = { "struct module", "refcnt" },
	[TAINTS] = { "struct module", "taints" },
	[OLD_BASE] = { "struct module", "core_layout.base" }, // until 6.3
	[OLD_SIZE] = { "struct module", "core_layout.size" },
	[OLD_TEXT] = { "struct module", "core_layout.text_size" },
	[MEM] = { "struct module", "mem" },
	[ORC_N] = { "struct module", "arch.num_orcs" },
	[ORC_IP] = { "struct module", "arch.orc_unwind_ip" },
	[ORC_ENTRIES] = { "struct module", "arch.orc_unwind" },
};

static void module_fini(struct linux_module *m)
{
	free(m->syms);
	free(m->strings);
	ctypes_free(m->types);
}

void linux_modules_fini(struct linux_modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		module_fini(&m->all[i]);
	free(m->all);
	*m = (struct linux_modules){ 0 };
}

static void add_part(struct linux_module *m, uint64_t start, uint64_t size)
{
	if (m->n_parts == LINUX_MODULE_PARTS || size > MODULE_BYTES_MOST || start + size < start)
		return;
	m->parts[m->n_parts].start = start;
	m->parts[m->n_parts++].size = size;
	m->size += size;
}

static void read_parts(struct linux_kernel *k, struct linux_module *m, const struct kfield *f)
{
	struct kfield base, size;
	// That there is no such type is only known when all of them were looked at.
	uint64_t each = f[MEM].type ? kfield_sizeof(k->types, "struct module_memory") : 0;

	if (!f[MEM].type || !each) {
		uint64_t start = linux_field_or(k, m->addr, &f[OLD_BASE], 0);
		uint64_t len = linux_field_or(k, m->addr, &f[OLD_SIZE], 0);
		uint64_t text = linux_field_or(k, m->addr, &f[OLD_TEXT], 0);

		text = text <= len ? text : len;
		add_part(m, start, text);
		add_part(m, start + text, len - text);
		return;
	}
	(void)kfield_find(k->types, "struct module_memory", "base", &base);
	(void)kfield_find(k->types, "struct module_memory", "size", &size);
	for (size_t i = 0; i < LINUX_MODULE_PARTS && i < f[MEM].type->n; i++) {
		uint64_t at = m->addr + f[MEM].off + i * each;

		add_part(m, linux_field_or(k, at, &base, 0), linux_field_or(k, at, &size, 0));
	}
}

static int add_orc(struct linux_kernel *k, const struct linux_module *m, const struct kfield *f)
{
	uint64_t n = linux_field_or(k, m->addr, &f[ORC_N], 0);
	struct orc_table t = {
		.lo = m->parts[0].start,
		.hi = m->parts[0].start + m->parts[0].size,
		.ips = linux_field_or(k, m->addr, &f[ORC_IP], 0),
		.entries = linux_field_or(k, m->addr, &f[ORC_ENTRIES], 0),
	};

	if (!n || n > UINT32_MAX || !m->n_parts)
		return 0;
	t.n = (uint32_t)n;
	return orc_add(&k->orc, &t);
}

static int add_module(struct linux_kernel *k, uint64_t addr, const struct kfield *f)
{
	struct linux_modules *all = &k->modules;
	struct linux_module m = { .addr = addr };
	char name[NAME_LEN];

	if (space_string(&k->mem, addr + f[NAME].off, name, sizeof(name)) < 0) {
		all->cut = "a module is not in the dump";
		return 0;
	}
	m.name = arena_strndup(&k->core->arena, name, strlen(name));
	if (!m.name)
		return -ENOMEM;
	m.state = (unsigned)linux_field_or(k, addr, &f[STATE], 0);
	m.refs = linux_field_or(k, addr, &f[REFS], 0);
	m.taints = linux_field_or(k, addr, &f[TAINTS], 0);
	read_parts(k, &m, f);
	int r = mem_grow(&all->all, &all->cap, all->n + 1);
	if (!r)
		r = add_orc(k, &m, f);
	if (!r)
		all->all[all->n++] = m;
	return r;
}

int linux_modules_load(struct linux_kernel *k)
{
	struct kfield f[FIELDS];
	struct linux_list list;
	uint64_t head;
	int r = 0;

	kfield_find_all(k->types, wanted, FIELDS, f);
	if (!f[LIST].type || !f[NAME].type || !linux_symbol(k, "modules", &head))
		return 0;
	linux_list_begin(&list, head);
	while (!r && linux_list_next(k, &list)) {
		if (k->modules.n == LINUX_MODULES_MOST) {
			k->modules.cut = "there are too many";
			break;
		}
		r = add_module(k, list.at - f[LIST].off, f);
	}
	if (list.cut)
		k->modules.cut = list.cut;
	return r;
}

struct linux_module *linux_module_at(struct linux_kernel *k, uint64_t addr)
{
	for (size_t i = 0; i < k->modules.n; i++) {
		struct linux_module *m = &k->modules.all[i];

		for (size_t p = 0; p < m->n_parts; p++) {
			if (addr - m->parts[p].start < m->parts[p].size)
				return m;
		}
	}
	return NULL;
}

struct linux_module *linux_module_named(struct linux_kernel *k, const char *name)
{
	for (size_t i = 0; i < k->modules.n; i++) {
		if (!strcmp(k->modules.all[i].name, name))
			return &k->modules.all[i];
	}
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct linux_module_sym *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Keeps what has a name and lies in the module; the others are what it uses of the kernel. */
static void keep_symbols(struct linux_module *m, const Elf64_Sym *from, size_t n, size_t strings)
{
	for (size_t i = 0; i < n; i++) {
		const Elf64_Sym *s = &from[i];

		if (!s->st_name || s->st_name >= strings || s->st_shndx == SHN_UNDEF ||
		    !m->strings[s->st_name])
			continue;
		m->syms[m->n_syms++] =
			(struct linux_module_sym){ s->st_value, s->st_size, s->st_name };
	}
	if (m->n_syms)
		qsort(m->syms, m->n_syms, sizeof(*m->syms), by_start);
}

/* How long the strings are: as far as the last name that a symbol has. */
static size_t strings_len(const Elf64_Sym *syms, size_t n)
{
	uint32_t last = 0;

	for (size_t i = 0; i < n; i++)
		last = syms[i].st_name > last ? syms[i].st_name : last;
	return last < STRINGS_MOST ? last + KSYM_NAME_MOST : 0;
}

static int load_symbols(struct linux_kernel *k, struct linux_module *m, uint64_t symtab,
			uint64_t strtab, size_t n)
{
	sonde_auto(mem_freep) Elf64_Sym *syms = malloc(n * sizeof(*syms));
	if (!syms)
		return sonde_fail(-ENOMEM, "symbols of '%s': out of memory", m->name);
	if (linux_read(k, symtab, syms, n * sizeof(*syms)) < 0)
		return 0;
	size_t len = strings_len(syms, n);
	m->strings = calloc(1, len + 1);
	m->syms = calloc(n, sizeof(*m->syms));
	if (!m->strings || !m->syms)
		return sonde_fail(-ENOMEM, "symbols of '%s': out of memory", m->name);
	len = space_read_some(&k->mem, strtab, m->strings, len);
	keep_symbols(m, syms, n, len);
	return 0;
}

int linux_module_symbols(struct linux_kernel *k, struct linux_module *m)
{
	static const struct kfield_want want[] = {
		{ "struct module", "kallsyms" },
		{ "struct mod_kallsyms", "symtab" },
		{ "struct mod_kallsyms", "num_symtab" },
		{ "struct mod_kallsyms", "strtab" },
	};
	struct kfield f[MEM_LEN(want)];
	uint64_t table, n;

	if (m->symbols_loaded)
		return 0;
	m->symbols_loaded = true;
	kfield_find_all(k->types, want, MEM_LEN(want), f);
	if (linux_read_field(k, m->addr, &f[0], &table) < 0 ||
	    linux_read_field(k, table, &f[2], &n) < 0 || !n || n > SYMS_MOST)
		return 0;
	return load_symbols(k, m, linux_field_or(k, table, &f[1], 0),
			    linux_field_or(k, table, &f[3], 0), n);
}

const struct linux_module_sym *linux_module_find(const struct linux_module *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n_syms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->syms[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &m->syms[lo - 1] : NULL;
}

/*
 * Where the BTF of a module lies: the kernel keeps a copy for itself, and forgets what was loaded.
 * Of one from outside of its tree that copy is the one which goes by the kernel's numbers.
 */
static bool find_btf(struct linux_kernel *k, const struct linux_module *m, uint64_t *ret_at,
		     uint64_t *ret_len)
{
	static const struct kfield_want want[] = {
		{ "struct btf_module", "list" }, { "struct btf_module", "module" },
		{ "struct btf_module", "btf" },	 { "struct btf", "data" },
		{ "struct btf", "data_size" },
	};
	struct kfield f[MEM_LEN(want)];
	struct linux_list list;
	uint64_t head, btf;

	kfield_find_all(k->types, want, MEM_LEN(want), f);
	if (!f[0].type || !linux_symbol(k, "btf_modules", &head))
		return false;
	linux_list_begin(&list, head);
	while (list.n <= LINUX_MODULES_MOST && linux_list_next(k, &list)) {
		const uint64_t at = list.at - f[0].off;

		if (linux_field_or(k, at, &f[1], 0) != m->addr)
			continue;
		btf = linux_field_or(k, at, &f[2], 0);
		return !linux_read_field(k, btf, &f[3], ret_at) &&
		       !linux_read_field(k, btf, &f[4], ret_len);
	}
	return false;
}

struct ctypes *linux_module_types(struct linux_kernel *k, struct linux_module *m)
{
	uint64_t at = 0, len = 0;

	// Only those in memory are numbered on from by modules' own.
	if (m->types_loaded || !k->btf.data)
		return m->types;
	m->types_loaded = true;
	if (!find_btf(k, m, &at, &len) || !len || len > BTF_MOST)
		return NULL;
	sonde_auto(mem_freep) void *bytes = malloc(len);
	int r = bytes ? linux_read(k, at, bytes, len) : -ENOMEM;
	if (r == 0)
		r = ctypes_open_btf_over(k->types, bytes, len, &m->types);
	k->core->ran_out |= r == -ENOMEM;
	return m->types;
}
