/* SPDX-License-Identifier: MIT */
/** The kernel's symbols out of the tables of kallsyms that lie in its own memory. */
#ifndef CRASH_LINUX_KSYMS_H
#define CRASH_LINUX_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/span.h>

#include "crash/space/space.h"

/** Where the tables lie. */
struct ksyms_places {
	uint64_t names, num_syms, token_table, token_index, offsets;
	uint64_t relative_base; /* 0: there is none, offsets are from where they lie */
};

/** What an offset is counted from. */
enum ksyms_from {
	KSYMS_BASE,   /* the base */
	KSYMS_PERCPU, /* those >= 0 are addresses, others count down from the base */
	KSYMS_SELF,   /* the place of the offset itself */
};

struct ksyms {
	struct space *mem; /* borrowed */
	struct space_bytes names, tokens, token_index, offsets;
	struct paged *paged; /* owned: what @names lie in; NULL: the dump itself */
	uint64_t names_at;   /* where they lie in memory */
	enum ksyms_from from;
	uint64_t base; /* or, of KSYMS_SELF, where the offsets lie */
	uint32_t n;
	uint32_t *markers; /* owned: where the name of each 256th symbol begins */
	uint32_t *slots;   /* owned: a hash table of names; index + 1, and bits of the hash */
	uint32_t n_slots;
};

enum { KSYM_NAME_MOST = 512 };

/**
 * Finds the tables by their shape, where nothing tells their places: kernels before 6.0. @text: the
 * begin of the kernel's code, behind which its data lie. -ENOENT: not found; without words.
 */
SONDE_MUST_CHECK int ksyms_search(struct space *mem, uint64_t text, struct ksyms_places *ret);

/**
 * Checks and indexes the tables. What does not lie in one piece is read from @mem when it is
 * wanted. -EBADMSG: they make no sense; -ENODATA, -ENOMEM.
 */
SONDE_MUST_CHECK int ksyms_load(struct ksyms *s, struct space *mem, const struct ksyms_places *at);
void ksyms_fini(struct ksyms *s);
/** Whether a name was not found or has no letters as there was no memory. */
bool ksyms_ran_out(const struct ksyms *s);

/** The address of symbol @i < n. */
uint64_t ksyms_address(const struct ksyms *s, uint32_t i);
/** Writes its name into KSYM_NAME_MOST bytes; @ret_type gets its letter as nm(1) has it. */
void ksyms_name(const struct ksyms *s, uint32_t i, char *ret, char *ret_type);

/** The last symbol at or before @addr, the first of those at one address. False: none. */
bool ksyms_find(const struct ksyms *s, uint64_t addr, uint32_t *ret, uint64_t *ret_size);
/** The first symbol of that name; false: none. */
bool ksyms_named(const struct ksyms *s, const char *name, uint32_t *ret);

#endif
