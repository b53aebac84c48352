/* SPDX-License-Identifier: MIT */
/** A file that is there when it is whole, and not before. */
#ifndef BASE_NEW_FILE_H
#define BASE_NEW_FILE_H

#include <sonde/def.h>

/**
 * Results on their way to a file. A plain file, or one that is not there yet, is written beside its
 * place and put there by new_file_keep(). All else, as a device or a pipe, cannot be replaced: it
 * is opened and written as it is.
 */
struct new_file {
	int fd;
	char *path; /* owned; where links end */
	char *temp; /* owned; NULL: written where it is, or kept */
};

/** Opens @path. 0, or a negative errno with sonde_fail(); then there is nothing to be finished. */
SONDE_MUST_CHECK int new_file_open(struct new_file *f, const char *path);
/** Puts it in its place. 0, or a negative errno with sonde_fail(). */
SONDE_MUST_CHECK int new_file_keep(struct new_file *f);
/** Closes it; what was not kept is removed. */
void new_file_fini(struct new_file *f);

#endif
