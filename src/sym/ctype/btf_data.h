/* SPDX-License-Identifier: MIT */
/**
 * BTF as bytes: where each type lies, and its name. One pass when opened, no more; of bytes that
 * come as they are looked at (base/paged.h), as far as types are asked for.
 */
#ifndef SYM_CTYPE_BTF_DATA_H
#define SYM_CTYPE_BTF_DATA_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/paged.h"

struct btf_data {
	uint8_t *bytes; /* owned, but if @is_lent */
	size_t len;
	bool is_mapped, is_lent;
	const uint8_t *types; /* in @bytes */
	uint32_t types_len;
	const char *strs; /* in @bytes; the last byte is 0 */
	uint32_t strs_len;
	uint32_t *at;		    /* owned: of each type its place / 4 | kind << 27 */
	uint32_t first, n;	    /* its types have the numbers from @first on; found so far */
	uint32_t cap;		    /* there are at most so many */
	uint32_t scanned;	    /* bytes of @types, whose places are known */
	bool is_scanned, is_broken; /* all that can be; and then there is nonsense */
	struct paged *pages;	    /* owned: what @bytes lie in; NULL: all of them are there */
	struct btf_data *base;	    /* borrowed: whose types and strings come before; or NULL */
};

/** Looks for types as far as @i; false: there are not so many. */
bool btf_data_reach(struct btf_data *d, uint32_t i);

/** Kinds as a set of bits. */
#define BTF_KINDS(kind) (1u << (kind))

/** Reads a file of sysfs. Its errno, -EBADMSG, -ENOMEM. */
SONDE_MUST_CHECK int btf_data_read(const char *path, struct btf_data *base, struct btf_data *ret);
/** Copies @len bytes. -EBADMSG, -ENOMEM. */
SONDE_MUST_CHECK int btf_data_copy(const void *bytes, size_t len, struct btf_data *base,
				   struct btf_data *ret);
/** Takes bytes at a multiple of 4 as they are, which outlive it. -EBADMSG, -ENOMEM. */
SONDE_MUST_CHECK int btf_data_lend(const void *bytes, size_t len, struct btf_data *base,
				   struct btf_data *ret);
/** Takes bytes that come as they are looked at. -EBADMSG, -ENOMEM. */
SONDE_MUST_CHECK int btf_data_page(const struct paged_from *from, struct btf_data *base,
				   struct btf_data *ret);
void btf_data_fini(struct btf_data *d);

/** Whether it has the type @i of its own. */
static inline bool btf_data_has(struct btf_data *d, uint32_t i)
{
	return i < d->n || (!d->is_scanned && btf_data_reach(d, i));
}
/** A part of it could not be read, or makes no sense: types seem not to be there. */
bool btf_data_broken(const struct btf_data *d);
/** There was no memory for a part of it: the same. */
bool btf_data_ran_out(const struct btf_data *d);

/** The type with that number, its own or its base's; NULL: there is none (as for 0: void). */
const struct btf_type *btf_data_type(struct btf_data *d, uint32_t id);

/** A name; "" where its place is wrong. */
const char *btf_data_str(struct btf_data *d, uint32_t off);

static inline uint32_t btf_kind(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

/** What stands behind the type: all of its @n elements are inside of the bytes. */
static inline const void *btf_body(const struct btf_type *t)
{
	return t + 1;
}

static inline uint32_t btf_n(const struct btf_type *t)
{
	return BTF_INFO_VLEN(t->info);
}

#endif
