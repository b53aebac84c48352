/* SPDX-License-Identifier: MIT */
/** The functions and variables of a program or library by name: where a uprobe goes. */
#ifndef SYM_PROBE_ELF_FUNCS_H
#define SYM_PROBE_ELF_FUNCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "base/mem.h"

struct elf_funcs;

struct elf_func {
	const char *name; /* as in the file, without "@VERSION" */
	uint64_t off;	  /* in the file: what a uprobe wants */
	uint64_t addr;	  /* as the file has it, before it is loaded anywhere */
	uint64_t len;
	bool is_local; /* static */
};

/**
 * Opens the program or library @path. Its functions come from .symtab, .dynsym and its separate
 * debug file, when first asked for. Errors of opening; -EBADMSG: no ELF file.
 */
SONDE_MUST_CHECK int elf_funcs_open(const char *path, struct elf_funcs **ret);
void elf_funcs_free(struct elf_funcs *f);
SONDE_DEFINE_AUTO(struct elf_funcs *, elf_funcs_free)

/**
 * Calls @f for each function that @pattern names, until it returns other than 0, which is
 * returned. A pattern with * or ? is matched against all names, and each place is given once, in
 * the order of the file. Else it is a name: the symbol ("main", "memcpy@GLIBC_2.14"), and where
 * there is none a C++ or Rust name as written, without parameters ("ns::cls::fn": all overloads)
 * or with ("fn(int)"). Several static functions may have one name. No match: 0 without a call.
 */
SONDE_MUST_CHECK int elf_funcs_each(struct elf_funcs *f, const char *pattern,
				    int (*each)(void *arg, const struct elf_func *fn), void *arg);

/** The function that the address (as the file has it) lies in; *@ret_off is the address's file
 * offset, also where no function is known (*@ret NULL). -ENOENT: not in the program's code. */
SONDE_MUST_CHECK int elf_funcs_at(struct elf_funcs *f, uint64_t addr, uint64_t *ret_off,
				  const struct elf_func **ret);

/** The function or variable @name; -ENOENT. @ret's off is 0 where it has no place in the file. */
SONDE_MUST_CHECK int elf_funcs_symbol(struct elf_funcs *f, const char *name, struct elf_func *ret);

/** The name that is nearest to @name, or NULL; lent. */
const char *elf_funcs_near(struct elf_funcs *f, const char *name);

/** Whether the file is a shared library or position-independent (its addresses are moved). */
bool elf_funcs_is_pie(const struct elf_funcs *f);
/** Its own functions were taken out; known once a function was asked for. */
bool elf_funcs_is_stripped(const struct elf_funcs *f);

/**
 * The file that a script means by @name, as the absolute path in *@ret (owned): a path (from the
 * current folder on, if it does not begin with '/'); else a command of $PATH ("bash"); else a
 * library ("libc", "libc.so.6"). With @pid > 0 a library is first looked for among what the process
 * has mapped, and a path below the process's root: then *@ret is below /proc/PID/root, if that is
 * not ours. -ENOENT: words say where it was looked for.
 */
SONDE_MUST_CHECK int program_find(const char *name, pid_t pid, char **ret);

/** Libraries that became part of libc: "libc" for the path of libpthread.so.0; else NULL. */
const char *program_moved_to(const char *path);

#endif
