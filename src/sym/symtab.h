/* SPDX-License-Identifier: MIT */
/** A table of functions: which name an address has, and whether it has one at all. */
#ifndef SYM_SYMTAB_H
#define SYM_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** The bytes [start, end) belong to the function of that name. */
struct sym {
	uint64_t start, end;
	uint32_t name; /* offset in the table's names */
	uint32_t rank; /* the lower one is chosen among names of one address */
};

/** All zero is an empty one. First all adds, then symtab_finish(), then finds. */
struct symtab {
	struct sym *syms; /* owned; sorted and disjoint when finished */
	size_t n, cap;
	struct strbuf names;
};

enum { SYMTAB_MOST = 1 << 24, SYM_NAME_MOST = 1 << 16 };

void symtab_fini(struct symtab *t);

/**
 * Adds a function of @len bytes. @len 0: it reaches to the next one's start, and not behind
 * @limit (the end of its section). Returns 0, -ENOMEM, or -E2BIG: too many (sonde_fail()).
 */
SONDE_MUST_CHECK int symtab_add(struct symtab *t, uint64_t start, uint64_t len, uint64_t limit,
				const char *name, size_t name_len, unsigned rank);

/**
 * Sorts, and settles overlaps: the inner function wins over the one around it; a function without
 * length gives way to one with a length. Returns 0 or -ENOMEM.
 */
SONDE_MUST_CHECK int symtab_finish(struct symtab *t);

/** The function that @addr lies in, or NULL; lent until symtab_fini(). */
const struct sym *symtab_find(const struct symtab *t, uint64_t addr);

static inline const char *symtab_name(const struct symtab *t, const struct sym *s)
{
	return t->names.data + s->name;
}

#endif
