/* SPDX-License-Identifier: MIT */
/** All symbols of a file and of its debug file that have a place, as they stand there. */
#ifndef SYM_PROBE_ELF_SYMBOLS_H
#define SYM_PROBE_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/elf_image.h"

enum { ELF_SYMBOL_LOCAL = 2 };

struct elf_symbol {
	struct elf_func f;
	const char *version; /* "GLIBC_2.14", or NULL */
	uint8_t rank;	     /* 0: global, 1: weak, 2: local */
	bool is_func;	     /* a uprobe can be put there */
	bool is_label;	     /* so it can, but nothing says that it is a function */
};

struct elf_symbols {
	struct elf_image debug; /* its names are borrowed */
	bool has_debug;
	bool is_stripped;	/* only what it exports and imports is known */
	struct arena arena;	/* of names that were cut */
	struct elf_symbol *all; /* owned */
	size_t n, cap;
};

/** Reads them; names are lent by @m, too. -ENOMEM. @ret is to be finished even on failure. */
SONDE_MUST_CHECK int elf_symbols_read(const struct elf_image *m, struct elf_symbols *ret);
void elf_symbols_fini(struct elf_symbols *s);

#endif
