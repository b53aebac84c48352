/* SPDX-License-Identifier: MIT */
/** The symbols of a kernel's file: functions and data, by address and by name. */
#ifndef CRASH_FREEBSD_SYMBOLS_H
#define CRASH_FREEBSD_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct bsd_symbol {
	uint64_t start, size;
	const char *name; /* lent by the file */
	bool is_code;
};

/** All zero is an empty table. */
struct bsd_symbols {
	struct bsd_symbol *all; /* owned; by address */
	size_t n, cap;
	struct bsd_symbol **named; /* owned; by name */
	struct Elf *elf;	   /* owned: has the names */
	uint64_t id_addr;	   /* where the kernel has its build-id in memory; 0: it has none */
	const uint8_t *id;	   /* lent */
	size_t id_len;
	const char *config; /* lent: the section kern_conf, what config(8) was told; may be NULL */
	size_t config_len;
};

/** Reads the kernel's file @path. -EBADMSG: no ELF file, or one without symbols. */
SONDE_MUST_CHECK int bsd_symbols_open(const char *path, struct bsd_symbols *ret);
void bsd_symbols_fini(struct bsd_symbols *s);

/** The symbol that @addr lies in, code or data; NULL: none. */
const struct bsd_symbol *bsd_symbols_at(const struct bsd_symbols *s, uint64_t addr);
const struct bsd_symbol *bsd_symbols_named(const struct bsd_symbols *s, const char *name);

#endif
