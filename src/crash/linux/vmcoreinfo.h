/* SPDX-License-Identifier: MIT */
/** VMCOREINFO: lines that a Linux kernel wrote about itself, "KEY=VALUE". */
#ifndef CRASH_LINUX_VMCOREINFO_H
#define CRASH_LINUX_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/dump.h"

struct vmcoreinfo {
	const char *text; /* not ended */
	size_t len;
	char *owned; /* or NULL: it is the dump's */
};

/**
 * From the note, else from the page of memory that the kernel keeps it in. @at: the address of that
 * page, as an earlier search found it, which is kept there; 0: not known. -ENOENT: neither.
 */
SONDE_MUST_CHECK int vmcoreinfo_find(struct dump *d, uint64_t *at, struct vmcoreinfo *ret);
void vmcoreinfo_fini(struct vmcoreinfo *v);

/** The value of a line "@kind(@name)=" or, with @kind NULL, "@name="; false: there is none. */
bool vmcoreinfo_get(const struct vmcoreinfo *v, const char *kind, const char *name,
		    const char **ret, size_t *ret_len);

/** SYMBOL(@name), in hex. */
bool vmcoreinfo_symbol(const struct vmcoreinfo *v, const char *name, uint64_t *ret);
/** NUMBER(@name), in decimal, or in hex with 0x before it. */
bool vmcoreinfo_number(const struct vmcoreinfo *v, const char *name, int64_t *ret);
/** "@name=" as text, cut to @cap - 1 bytes. */
bool vmcoreinfo_text(const struct vmcoreinfo *v, const char *name, char *ret, size_t cap);
/** "@name=" in the base @base. */
bool vmcoreinfo_value(const struct vmcoreinfo *v, const char *name, int base, uint64_t *ret);

#endif
