/* SPDX-License-Identifier: MIT */
/** Data files, mapped whole and read-only; only what was read last stays in memory. */
#ifndef CTF_FILE_H
#define CTF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

/** One file's bytes; all zero is none. */
struct file_map {
	const uint8_t *data;
	uint64_t len;
	uint64_t dropped; /* bytes from the begin that were given back to the kernel */
	bool borrowed;	  /* not mapped here, but lent by the caller */
};

/**
 * Maps @path. 0 (an empty file too, with data NULL); a negative errno with words where it cannot
 * be opened, or is no regular file.
 *
 * A file that somebody truncates afterwards ends the process with SIGBUS when what went is read:
 * the kernel has no other answer for mapped files. Traces that are being written only grow.
 */
SONDE_MUST_CHECK int file_map(const char *path, struct file_map *ret);
void file_unmap(struct file_map *f);

/** Says that bytes will be read here and there, not in order. */
void file_hop(const struct file_map *f);

/** Says that bytes will be read in order. */
void file_scan(const struct file_map *f);

/** Gives the pages before @off back once they are more than @slack bytes; they stay readable. */
void file_drop(struct file_map *f, uint64_t off, uint64_t slack);

#endif
