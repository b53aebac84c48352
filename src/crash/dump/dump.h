/* SPDX-License-Identifier: MIT */
/** A dump of a machine's memory: which kind it is, what it says of itself, and its pages by
 * physical address. */
#ifndef CRASH_DUMP_DUMP_H
#define CRASH_DUMP_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

enum dump_arch { DUMP_X86_64, DUMP_AARCH64, DUMP_I386, DUMP_RISCV64 };
enum dump_system { DUMP_SYSTEM_UNKNOWN, DUMP_LINUX, DUMP_FREEBSD };

struct touched;
struct dump; /* may be read by any number of threads at once */

/** An ELF note of the dump, wherever the format keeps it; borrowed. */
struct dump_note {
	const char *name; /* ends with a 0 */
	uint32_t type;
	const void *data;
	size_t size;
};

struct dump_about {
	enum dump_arch arch;
	enum dump_system system;
	const char *format;	/* "ELF", "kdump (zlib)", "FreeBSD minidump v3" ...; borrowed */
	const char *unpacked;	/* how it was packed: "xz" ...; NULL: it lies open */
	uint64_t unpacked_size; /* bytes that are, or at most will be, in a temporary file */
	const char *cut;     /* NULL, or why some of its pages are not there: the file's end ... */
	uint32_t page_size;  /* bytes */
	uint64_t pages_held; /* pages that the dump has */
	unsigned level; /* which pages were not wanted in it, as makedumpfile -d; 0: not told */
	const struct dump_note *notes;
	size_t n_notes;
	const char *vmcoreinfo; /* text, not terminated; NULL: none among the notes */
	size_t vmcoreinfo_size;
	const uint8_t *device;	 /* NULL, or the header of the FreeBSD dump device, see device.h */
	uint64_t phys_base_hint; /* of a kdump's sub-header; 0: none. Often wrong */
	bool live;		 /* memory of the running system: it changes while it is read */
	const char *origin;	 /* what a thinned dump was before, in words; NULL: it is not one */
};

/**
 * Opens the dump in @paths, recognised by content: one file, or all parts of a split dump in any
 * order.
 *
 * A plain file is mapped: one that somebody truncates afterwards ends the process with SIGBUS when
 * what went is read; the kernel has no other answer for mapped files.
 */
SONDE_MUST_CHECK int dump_open(const char *const *paths, size_t n_paths, struct dump **ret);
void dump_close(struct dump *d);
SONDE_DEFINE_AUTO(struct dump *, dump_close)

/** What the dump says of itself; borrowed from @d. */
const struct dump_about *dump_about(const struct dump *d);

/** @n bytes at physical address @pa, over page bounds. -ENODATA: (some of) it is not in the dump,
 * with words that tell where it was left out. */
SONDE_MUST_CHECK int dump_read(struct dump *d, uint64_t pa, void *ret, size_t n);

/**
 * Whether the machine had memory at @pa that was left out when the dump was written: of a kind that
 * nobody wanted there, or, where the format does not keep them apart, nothing but zeros. False also
 * where the format does not tell.
 */
bool dump_left_out(const struct dump *d, uint64_t pa);
/** How many pages are so. */
uint64_t dump_count_left_out(const struct dump *d);

/** The dump in words: its format and pages, why some are missing. A thinned one: what it was. */
void dump_describe(const struct dump *d, char *ret, size_t cap);

/**
 * The first @n bytes of the page that @pa lies in, at most 64: of a packed page without unpacking
 * the rest, where the packing lets one. -ENODATA, -EBADMSG as dump_page().
 */
SONDE_MUST_CHECK int dump_begin(struct dump *d, uint64_t pa, void *ret, size_t n);
/** How many bytes that page takes in the file; 0: it is not there. */
uint64_t dump_packed(const struct dump *d, uint64_t pa);

/** A page on loan until dump_release(): zero copies where the dump is not compressed. */
struct dump_page {
	const uint8_t *bytes;
	void *hold;
};

/** The whole page that @pa lies in. -ENODATA: not in the dump, or only a part of it; as above. */
SONDE_MUST_CHECK int dump_page(struct dump *d, uint64_t pa, struct dump_page *ret);
void dump_release(struct dump *d, struct dump_page *p);

/** The next run of held memory at or behind @pa: its bytes, 0: none. Runs may follow one another at
 * once. */
uint64_t dump_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa);

/** Notes in @t which pages are read, NULL: no more. Borrowed; not while other threads read. */
void dump_watch(struct dump *d, struct touched *t);
/** What it was given last; NULL: nothing. */
struct touched *dump_watched(const struct dump *d);

#endif
