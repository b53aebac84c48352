/* SPDX-License-Identifier: MIT */
/** What functions' probes share: programs opened once, arguments by name, modules' types. */
#ifndef LANG_LIVE_PLACES_H
#define LANG_LIVE_PLACES_H

#include <stdbool.h>

#include <sonde/def.h>

#include "lang/live/probes.h"

struct elf_funcs;
struct usdt;

/** A program or library; all parts are opened when first asked for. */
struct live_file {
	const char *path; /* absolute */
	struct elf_funcs *funcs;
	struct usdt *usdt;
	struct ctypes *types;
	const char *no_types; /* why there are none; NULL: not tried, or there are */
	struct live_file *next;
};

/** The file of the absolute path, lent until world_free(). -ENOMEM. */
SONDE_MUST_CHECK int live_file(struct live *live, const char *path, struct live_file **ret);
SONDE_MUST_CHECK int live_file_funcs(struct live_file *f, struct elf_funcs **ret);
SONDE_MUST_CHECK int live_file_usdt(struct live_file *f, struct usdt **ret);
/** NULL: the file tells nothing of its types, for the reason in @f->no_types. */
struct ctypes *live_file_types(struct live *live, struct live_file *f);
void live_files_free(struct live *live);

/** Types of a module of the kernel. */
struct live_module {
	const char *name;
	struct ctypes *types; /* owned */
	int btf_fd;	      /* owned; what programs are attached by */
	struct live_module *next;
};

/** Opens the types of the module @name, lent until world_free(). -ENOENT: it has none. */
SONDE_MUST_CHECK int live_module(struct live *live, const char *name, struct live_module **ret);
void live_modules_free(struct live *live);

/**
 * Gives @p the arguments of the function @proto by name: ARGS_REGS: field.off is the N of argN, and
 * behind the registers the word on the stack; ARGS_TYPED: the index in the context. Those that
 * cannot be read so are left out. @symbol tells what C++ made; or NULL. -ENOMEM.
 */
SONDE_MUST_CHECK int lookup_named_args(struct lookup *l, const struct ctype *proto,
				       const char *symbol, struct probe *p);

/** Splits "name+offset"; without '+' *@ret_off is 0. Tells what is wrong: -EINVAL. -ENOMEM. */
SONDE_MUST_CHECK int lookup_offset(struct lookup *l, const char *text, const char **ret_name,
				   uint64_t *ret_off);

/** The programs that the pattern or name of a path means, each once; in the arena. */
SONDE_MUST_CHECK int lookup_programs(struct lookup *l, const char *name, const char *const **ret,
				     size_t *ret_n);

/** How a program is called in a probe's name: as seen in its own root. */
const char *lookup_program_name(const struct lookup *l, const char *path);

#endif
