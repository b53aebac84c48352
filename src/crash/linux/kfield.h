/* SPDX-License-Identifier: MIT */
/** Fields of the kernel's structs: where they lie in this kernel, by what its types say. */
#ifndef CRASH_LINUX_KFIELD_H
#define CRASH_LINUX_KFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "sym/ctype.h"

struct kfield {
	const struct ctype *type;  /* NULL: this kernel has no such field */
	uint64_t off;		   /* bytes from the begin of the struct */
	uint32_t size;		   /* bytes to read; of a bit field what it lies in */
	uint8_t bit_off, bit_size; /* of a bit field, in these bytes */
	bool is_signed;
};

/** One line of a table of wanted fields. */
struct kfield_want {
	const char *type; /* "struct task_struct" */
	const char
		*path; /* "mm.pgd": through structs inside; "state|__state": the first there is */
};

/**
 * Finds a field; no words. False, and @ret->type NULL: there is none. Fields are found in nameless
 * structs too; a path goes through structs inside of others, not through pointers, and into arrays
 * as "name[2]".
 */
bool kfield_find(struct ctypes *types, const char *type, const char *path, struct kfield *ret);
/** All of a table, into an array of its length. */
void kfield_find_all(struct ctypes *types, const struct kfield_want *want, size_t n,
		     struct kfield *ret);

/** The number in the field's bytes: bit fields taken out, signed ones extended. */
uint64_t kfield_number(const struct kfield *f, const void *bytes);

/** Of a struct; 0: there is no such type. */
uint64_t kfield_sizeof(struct ctypes *types, const char *type);

#endif
