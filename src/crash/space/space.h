/* SPDX-License-Identifier: MIT */
/**
 * An address space inside of a dump: virtual addresses through page tables that lie in the dump.
 *
 * One thread at a time; several spaces of one dump may be used by several threads.
 */
#ifndef CRASH_SPACE_SPACE_H
#define CRASH_SPACE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/dump.h"

enum space_tables { SPACE_X86_64, SPACE_ARM64 };

/** How an address space translates. */
struct space_layout {
	enum space_tables tables;
	uint64_t root;	     /* physical address of the top table */
	unsigned page_bits;  /* of a page: 12, 14 or 16 */
	unsigned va_bits;    /* what the tables translate: 48 or 57; arm64: 36 .. 52 */
	bool upper;	     /* arm64: the tables are those of the upper half, the kernel's */
	bool pa_52;	     /* arm64: entries hold addresses of 52 bits */
	uint64_t clear_mask; /* bits of entries that are no address: memory encryption */
	uint64_t held_mask;  /* arm64: bits that tell of an invalid entry that its page is held */
};

/** Memory that is linear whatever the page tables say: also there when they are not in the dump. */
struct space_linear {
	uint64_t start, end, pa;
};

enum { SPACE_LINEARS = 4, SPACE_CACHE = 1024 };

/*
 * Of pages that were unpacked no more are held than a part of what the dump keeps of them, so that
 * that can choose which ones are worth it: with all of it held, each other page is unpacked anew
 * whenever it is read.
 */
enum { SPACE_UNPACKED = 1 << 20 };

struct space_slot {
	uint64_t page;	      /* its number + 1; 0: the slot is empty */
	const uint8_t *bytes; /* in @held, which may be several pages */
	struct dump_page held;
};

struct space {
	struct dump *dump; /* borrowed */
	struct space_layout layout;
	struct space_linear linear[SPACE_LINEARS];
	unsigned n_linear;
	unsigned page_bits;	  /* of the smaller ones: the dump's or the layout's */
	unsigned dump_bits;	  /* of the dump's */
	size_t n_slots;		  /* that are used: a power of two */
	struct space_slot *cache; /* owned */
};

/** -ENOMEM; -EINVAL: no such layout. */
SONDE_MUST_CHECK int space_init(struct space *s, struct dump *d, const struct space_layout *layout);
void space_fini(struct space *s);

/** Adds linear memory; beyond SPACE_LINEARS it is dropped, as page tables say the same. */
void space_add_linear(struct space *s, uint64_t start, uint64_t end, uint64_t pa);

/**
 * The physical address of @va, and in @ret_len how many bytes are mapped in one piece from there.
 * -EFAULT: nothing is mapped there; -ENODATA: a page table is not in the dump. Without words.
 */
SONDE_MUST_CHECK int space_translate(struct space *s, uint64_t va, uint64_t *ret_pa,
				     uint64_t *ret_len);

/** As above, and -ENODATA where the memory itself is not in the dump. Without words. */
SONDE_MUST_CHECK int space_read(struct space *s, uint64_t va, void *ret, size_t n);

/** Reads up to @n bytes, ends where nothing is held; returns how many. */
size_t space_read_some(struct space *s, uint64_t va, void *ret, size_t n);

/**
 * A string of at most @cap - 1 bytes, always ended. Returns its length, or the failure when not
 * even the first byte is there.
 */
int space_string(struct space *s, uint64_t va, char *ret, size_t cap);

/** Bytes of the dump itself where they lie in one piece, else a copy; see space_lend(). */
struct space_bytes {
	const uint8_t *data;
	size_t len;
	void *owned; /* or NULL */
};

/** -ENOMEM and as space_read(). Lent as long as the dump is open; to be given back. */
SONDE_MUST_CHECK int space_lend(struct space *s, uint64_t va, size_t n, struct space_bytes *ret);
/**
 * The same without a copy: what does not lie in one piece has no @ret->data, but its pages are all
 * there to be read.
 */
SONDE_MUST_CHECK int space_lend_in_place(struct space *s, uint64_t va, size_t n,
					 struct space_bytes *ret);
void space_give_back(struct space_bytes *b);

#endif
