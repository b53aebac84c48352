/* SPDX-License-Identifier: MIT */
/** A temporary file without a name that takes what memory should not hold; runs of zeros take no
 * room in it. */
#ifndef CRASH_DUMP_SPILL_H
#define CRASH_DUMP_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

/** A new one, in $TMPDIR or /var/tmp or /tmp; the caller's to close. */
SONDE_MUST_CHECK int spill_open(int *ret_fd);

/** Writes @n bytes at @off; runs of zeros are left out, as the file has only holes there. */
SONDE_MUST_CHECK int spill_write(int fd, uint64_t off, const uint8_t *data, size_t n);

/** Gives the file its length and maps it. @len is not 0. */
SONDE_MUST_CHECK int spill_map(int fd, uint64_t len, const uint8_t **ret);

/** Gives the file its length and maps it to be written to. @len is not 0. */
SONDE_MUST_CHECK int spill_room(int fd, uint64_t len, void **ret);

#endif
