/* SPDX-License-Identifier: MIT */
/** A dead kernel whose memory is changed here and there, and all that can be shown of it. */
#ifndef FUZZ_DEAD_H
#define FUZZ_DEAD_H

#include <stddef.h>
#include <stdint.h>

/** A dump in memory that has a path. */
struct dead {
	uint8_t *data; /* shared with the file */
	size_t len;
	int fd;
	char path[64];
};

/** Takes @data, or what the file @path holds. Ends the program where that fails. */
void dead_init(struct dead *d, const void *data, size_t len);
void dead_load(struct dead *d, const char *path);

/**
 * Changes @d as the fuzzer's bytes say: records of 13 bytes, each of where, how, and what. Behind
 * them, and before the next ones, dead_undo() brings back what was.
 */
void dead_change(struct dead *d, const uint8_t *data, size_t len);
void dead_undo(struct dead *d);

/** Opens it with the kernel's file @kernel (or NULL), and runs each verb in each format. */
void dead_show_all(const struct dead *d, const char *kernel);

#endif
