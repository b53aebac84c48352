/* SPDX-License-Identifier: MIT */
/** A FreeBSD dump device, or what lies on it: a dump between two copies of its header. */
#ifndef CRASH_DUMP_DEVICE_H
#define CRASH_DUMP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/bytes.h"

enum { DEVICE_HEADER = 512 };

/** The header's fields; text is not always ended. */
struct device_header {
	const char *arch, *hostname, *version, *panic; /* lent by the header's bytes */
	uint32_t header_version, arch_version, key_size, block_size;
	uint64_t length, extent, time;
	unsigned packing; /* 0: none, 1: gzip, 2: zstd */
	bool parity_right;
};

enum { DEVICE_ARCH = 12, DEVICE_HOSTNAME = 64, DEVICE_VERSION = 192, DEVICE_PANIC = 175 };

/** Reads the DEVICE_HEADER bytes at @raw. False: they are none. */
bool device_header_read(const uint8_t *raw, struct device_header *ret);

/** Whether @b begins or ends with a header. */
bool device_known(struct bytes *b);

/**
 * Makes of @device the dump on it; it is closed on success. -ENOTSUP: the dump is encrypted, or no
 * dump of memory.
 */
SONDE_MUST_CHECK int device_open(struct bytes *device, struct bytes **ret);

#endif
