/* SPDX-License-Identifier: MIT */
/** What only FreeBSD's minidumps have: kernel addresses' own map, and the message buffer, in front
 * of the pages. */
#ifndef CRASH_DUMP_MINIDUMP_H
#define CRASH_DUMP_MINIDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/dump/dump.h"

/** Whether the dump is one; the functions below are for no other. */
bool dump_is_minidump(const struct dump *d);

/**
 * The physical address of kernel address @va, by the direct map or the dump's page map, and the
 * bytes that follow it in one piece. -EFAULT: not mapped; -ENODATA: the page table that would tell
 * is not in the dump, with words.
 */
SONDE_MUST_CHECK int minidump_address(struct dump *d, uint64_t va, uint64_t *ret_pa,
				      uint64_t *ret_len);

/**
 * Kernel memory at @va where it lies in the file, and in @ret_len how much of its page; lent until
 * the close. NULL: it is to be read by the two steps, which also say why it cannot.
 */
const uint8_t *minidump_lend(struct dump *d, uint64_t va, uint64_t *ret_len);

/** The kernel's message buffer as it lies in memory, a ring; borrowed. Its begin is not told. */
const char *minidump_messages(const struct dump *d, size_t *ret_len);

/** Its parts in front of the pages, as they lie in the file; borrowed. */
struct minidump_parts {
	const uint8_t *head; /* a page */
	const uint8_t *messages, *ranges, *bits, *map;
	uint64_t messages_len, ranges_len, bits_len, map_len;
	bool asked_messages; /* somebody wanted the messages */
};
void minidump_parts(const struct dump *d, struct minidump_parts *ret);

/** Where the header has the message buffer's size, and words of a thinned dump's origin. */
enum { MINIDUMP_MESSAGES_LEN = 28, MINIDUMP_ORIGIN = 2048 };

/** The bit of the physical page that has @pa. False: none stands for it. */
bool minidump_bit(const struct dump *d, uint64_t pa, uint64_t *ret);

/** The lowest address of the kernel's map. */
uint64_t minidump_kernbase(const struct dump *d);

#endif
