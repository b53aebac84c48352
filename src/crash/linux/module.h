/* SPDX-License-Identifier: MIT */
/** Loaded modules: where they lie, their symbols, types and ORC tables, from struct module. */
#ifndef CRASH_LINUX_MODULE_H
#define CRASH_LINUX_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct linux_kernel;
struct ctypes;

enum { LINUX_MODULE_PARTS = 7, LINUX_MODULES_MOST = 1 << 14 };

struct linux_module_sym {
	uint64_t start, size;
	uint32_t name; /* in @strings */
};

struct linux_module {
	uint64_t addr; /* of its struct */
	const char *name;
	struct {
		uint64_t start, size;
	} parts[LINUX_MODULE_PARTS]; /* the first one is its code */
	size_t n_parts;
	uint64_t size; /* of all parts */
	uint64_t refs, taints;
	unsigned state;			   /* 0 live, 1 coming, 2 going, 3 unformed */
	bool symbols_loaded, types_loaded; /* or tried */
	struct linux_module_sym *syms;	   /* owned; sorted */
	size_t n_syms;
	char *strings;	      /* owned; ended */
	struct ctypes *types; /* owned; NULL: none */
};

struct linux_modules {
	struct linux_module *all; /* owned */
	size_t n, cap;
	const char *cut; /* why there may be more, or NULL */
};

/** Reads the list, and gives their ORC tables to the kernel. -ENOMEM. */
SONDE_MUST_CHECK int linux_modules_load(struct linux_kernel *k);
void linux_modules_fini(struct linux_modules *m);

/** The module that @addr lies in, or NULL. */
struct linux_module *linux_module_at(struct linux_kernel *k, uint64_t addr);
struct linux_module *linux_module_named(struct linux_kernel *k, const char *name);

/** Loads its symbols, as far as they are in the dump. -ENOMEM. */
SONDE_MUST_CHECK int linux_module_symbols(struct linux_kernel *k, struct linux_module *m);
/** The last symbol at or before @addr, or NULL. */
const struct linux_module_sym *linux_module_find(const struct linux_module *m, uint64_t addr);
/** Its types over those of the kernel; NULL: it has none. */
struct ctypes *linux_module_types(struct linux_kernel *k, struct linux_module *m);

#endif
