/* SPDX-License-Identifier: MIT */
/**
 * Crash dumps: a dead kernel's memory by address, symbol, type and field.
 *
 * A handle is for one thread at a time; only sonde_crash_read_phys() may be called by any number at
 * once. Functions return 0 or a negative errno, and sonde_err_str() says why: -EFAULT, the kernel
 * had not mapped that address; -ENODATA, it is not in the dump (or cannot be known from it).
 */
#ifndef SONDE_CRASH_H
#define SONDE_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/err.h>

SONDE_BEGIN_DECLS

struct sonde_crash;

enum sonde_crash_system { SONDE_CRASH_LINUX = 1, SONDE_CRASH_FREEBSD };

/** What a dump says of itself; text is lent until the close. */
struct sonde_crash_about {
	enum sonde_crash_system system;
	const char *machine; /* "x86-64", "aarch64", "i386", "riscv64" */
	const char *format;  /* "ELF", "kdump (zlib)", "FreeBSD minidump v3" ... */
	const char *cut;     /* why some of its memory is not there; NULL: it is whole */
	uint32_t page_size;
	uint64_t n_pages;
};

/** What an address is called; lent until the close. */
struct sonde_crash_symbol {
	const char *name;
	const char *module; /* NULL: the kernel itself */
	uint64_t addr, size;
};

/** A field, or whatever a path leads to. */
struct sonde_crash_field {
	uint64_t addr, size;	    /* bytes */
	uint32_t bit_off, bit_size; /* of a bit field, from @addr on; bit_size 0: it is none */
	bool is_signed;
};

/**
 * Opens the dump in @paths: one file, or all parts of one, packed or not. @kernel: the kernel's
 * file, or NULL; Linux needs none.
 */
SONDE_API SONDE_MUST_CHECK int sonde_crash_open(const char *const *paths, size_t n_paths,
						const char *kernel, struct sonde_crash **ret);
SONDE_API void sonde_crash_close(struct sonde_crash *c);

SONDE_API void sonde_crash_about(const struct sonde_crash *c, struct sonde_crash_about *ret);

/** @n bytes at a physical address. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_read_phys(struct sonde_crash *c, uint64_t pa, void *ret,
						     size_t n);
/** @n bytes at an address of the kernel's. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_read(struct sonde_crash *c, uint64_t addr, void *ret,
						size_t n);
/** Text there, cut to @cap - 1 bytes, always ended. Returns its length. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_text(struct sonde_crash *c, uint64_t addr, char *ret,
						size_t cap);

/** The symbol of that name. -ENOENT: there is none. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_symbol(struct sonde_crash *c, const char *name,
						  struct sonde_crash_symbol *ret);
/** The symbol that @addr lies in. -ENOENT: there is none. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_symbol_at(struct sonde_crash *c, uint64_t addr,
						     struct sonde_crash_symbol *ret);

/** Bytes of a type as C calls it: "struct task_struct", "unsigned long". */
SONDE_API SONDE_MUST_CHECK int sonde_crash_sizeof(struct sonde_crash *c, const char *type,
						  uint64_t *ret);
/**
 * Where @path leads from the @type at @addr: "comm", "se.vruntime", "mm->pgd", "comm[3]". Pointers
 * on the way are read. Without one, @addr 0 gives an offset. -ENOENT: the kernel has no such type;
 * -EINVAL: the type has no such field.
 */
SONDE_API SONDE_MUST_CHECK int sonde_crash_field(struct sonde_crash *c, const char *type,
						 uint64_t addr, const char *path,
						 struct sonde_crash_field *ret);
/** The number there: of an integer, enumeration or pointer; signed ones are extended. */
SONDE_API SONDE_MUST_CHECK int sonde_crash_number(struct sonde_crash *c, const char *type,
						  uint64_t addr, const char *path, uint64_t *ret);

/** How objects of a kernel hang together. */
enum sonde_crash_links {
	SONDE_CRASH_LIST,   /* Linux: a struct list_head */
	SONDE_CRASH_CHAIN,  /* a pointer to the first, each has one to the next: hlist, llist ... */
	SONDE_CRASH_RBTREE, /* Linux: a struct rb_root, in order */
	SONDE_CRASH_XARRAY, /* Linux: a struct xarray */
	SONDE_CRASH_MAPLE,  /* Linux: a struct maple_tree */
};

struct sonde_crash_walk {
	enum sonde_crash_links links;
	uint64_t head;	/* the address of the list's head or the tree's root */
	uint64_t next;	/* SONDE_CRASH_CHAIN: where in an object the pointer to the next lies */
	uint64_t limit; /* objects at most; 0: some millions */
};

/**
 * Calls @f for each until it returns other than 0, which is returned. @at is the address of the
 * node (of a list or red-black tree) or the pointer that is kept (xarray, maple tree), @index where
 * it is kept, or its number from 0 on. *@ret_cut: why there may be more (a loop, a hole in the
 * dump, the limit), or NULL. -ENOTSUP: this kernel has no such trees.
 */
SONDE_API SONDE_MUST_CHECK int sonde_crash_each(struct sonde_crash *c,
						const struct sonde_crash_walk *walk,
						int (*f)(void *arg, uint64_t index, uint64_t at),
						void *arg, const char **ret_cut);

SONDE_END_DECLS

#endif
