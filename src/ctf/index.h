/* SPDX-License-Identifier: MIT */
/** LTTng's packet index: a file index/NAME.idx beside a data file, saying where its packets lie. */
#ifndef CTF_INDEX_H
#define CTF_INDEX_H

#include "ctf/file.h"

/** One packet, as the index has it; times in cycles of the stream's clock. */
struct index_entry {
	uint64_t off, len; /* bytes in the data file */
	uint64_t begin, end;
};

/** An open index; all zero is none. */
struct packet_index {
	struct file_map map;
	size_t n;	  /* packets */
	size_t len_entry; /* bytes */
};

/**
 * Opens the index of the data file @path, @len bytes long. -ENOENT: there is none; -EBADMSG: it
 * is not one of this file (its packets do not cover it from end to end), and must not be used.
 */
SONDE_MUST_CHECK int index_open(const char *path, uint64_t len, struct packet_index *ret);
void index_close(struct packet_index *x);

/** Entry @i < x->n. */
struct index_entry index_at(const struct packet_index *x, size_t i);

#endif
