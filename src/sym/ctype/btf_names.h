/* SPDX-License-Identifier: MIT */
/** BTF's types by name. The first look-ups search; then a hash table is made of what is wanted. */
#ifndef SYM_CTYPE_BTF_NAMES_H
#define SYM_CTYPE_BTF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "sym/ctype/btf_data.h"

/** What has a table of its own. */
enum btf_class {
	BTF_CLASS_TYPE, /* all but functions */
	BTF_CLASS_FUNC,
	BTF_CLASS_ENUMERATOR, /* numbers of the enums that have them */
	BTF_CLASSES,
};

enum { BTF_FOUND = 64 };

struct btf_names {
	/** What was found last: fields of one struct are asked for one by one. */
	struct btf_found {
		uint32_t hash, kinds; /* above them the class */
		bool full;
		uint32_t i; /* + 1; 0: nothing yet */
	} found[BTF_FOUND];
	struct {
		uint64_t looked_at; /* types, by searches */
		uint64_t *slots;    /* owned; the hash << 32 | index + 1 */
		uint32_t mask;
	} classes[BTF_CLASSES];
};

void btf_names_fini(struct btf_names *names);

/**
 * The first type of @d itself (not of its base) of one of the @kinds, which are all of one class,
 * that has the name, and with @full a member. 0: there is none.
 */
uint32_t btf_names_find(struct btf_names *names, struct btf_data *d, uint32_t kinds,
			const char *name, bool full);

/** The enum of @d itself that has the enumerator, and its value. 0: there is none. */
uint32_t btf_names_enumerator(struct btf_names *names, struct btf_data *d, const char *name,
			      int64_t *ret);

/** The enumerator @i of an enum, which has so many. */
int64_t btf_enumerator(const struct btf_type *t, uint32_t i, uint32_t *ret_name);

#endif
