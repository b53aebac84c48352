/* SPDX-License-Identifier: MIT */
/** Which descriptor of which process is which file. */
#ifndef ANALYSIS_FILES_TABLES_H
#define ANALYSIS_FILES_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/span.h>

#include "analysis/kernel.h"

/** A file, as it is called; what has no path is told by whose descriptor it is. */
struct fd_file {
	const struct kernel_host *host;
	const char *name;		   /* NULL: none is known */
	const char *word;		   /* else what it is: "pipe"; NULL: not known either */
	const struct kernel_thread *owner; /* then whose, of the process that is known for it */
	int32_t fd, fd2;		   /* and its number there; @fd2 of pairs, else -1 */
};

enum { FD_CLOEXEC_UNKNOWN = -1, FD_FILE_NONE = -1 };

struct fd_tables;

SONDE_MUST_CHECK int fd_tables_new(struct fd_tables **ret);
void fd_tables_free(struct fd_tables *s);

/** @i-th of all files. Lent until fd_tables_free(). */
const struct fd_file *fd_tables_file(const struct fd_tables *s, size_t i);
size_t fd_tables_n_files(const struct fd_tables *s);

/** How many descriptors were not followed, as there are too many. */
uint64_t fd_tables_over(const struct fd_tables *s);

/*
 * All below return 0 or -ENOMEM. Files are numbers; FD_FILE_NONE where there are too many, counted.
 */

/** The file of a path, as @t names it: whole where its folder is known. @dirfd: AT_FDCWD or one. */
SONDE_MUST_CHECK int fd_tables_path(struct fd_tables *s, const struct kernel_thread *t,
				    int32_t dirfd, struct sonde_span path, int32_t *ret);

/** A file without a name that @t has as @fd. */
SONDE_MUST_CHECK int fd_tables_unnamed(struct fd_tables *s, const struct kernel_thread *t,
				       const char *word, int32_t fd, int32_t fd2, int32_t *ret);

/** What @t has as @fd; where that is not known, one without a name, from now on if it @is_open. */
SONDE_MUST_CHECK int fd_tables_get(struct fd_tables *s, const struct kernel_thread *t, int32_t fd,
				   bool is_open, int32_t *ret);

/** @cloexec: 1, 0 or FD_CLOEXEC_UNKNOWN. */
SONDE_MUST_CHECK int fd_tables_set(struct fd_tables *s, const struct kernel_thread *t, int32_t fd,
				   int32_t file, int cloexec);

/** Another descriptor for the same; what @from is may not be known: then @to is not, either. */
SONDE_MUST_CHECK int fd_tables_dup(struct fd_tables *s, const struct kernel_thread *t, int32_t from,
				   int32_t to, int cloexec);

/** Whether @fd closes at an exec. */
SONDE_MUST_CHECK int fd_tables_cloexec(struct fd_tables *s, const struct kernel_thread *t,
				       uint32_t first, uint32_t last, int cloexec);
SONDE_MUST_CHECK int fd_tables_close(struct fd_tables *s, const struct kernel_thread *t,
				     uint32_t first, uint32_t last);

/** Something outside of the calls tells that @t has had @fd open for that path. */
SONDE_MUST_CHECK int fd_tables_told(struct fd_tables *s, const struct kernel_thread *t, int32_t fd,
				    struct sonde_span path, int cloexec);

/** Its folder is that file; FD_FILE_NONE: one that is not known. */
SONDE_MUST_CHECK int fd_tables_chdir(struct fd_tables *s, const struct kernel_thread *t,
				     int32_t file);

/** @t was made; with what its parent has open, or @shares that. */
SONDE_MUST_CHECK int fd_tables_born(struct fd_tables *s, const struct kernel_thread *t,
				    bool shares);
/** @t is known to be of another process than before: what both know comes together. */
SONDE_MUST_CHECK int fd_tables_joined(struct fd_tables *s, const struct kernel_thread *t);
SONDE_MUST_CHECK int fd_tables_exec(struct fd_tables *s, const struct kernel_thread *t);
/** @t no longer shares its descriptors. */
SONDE_MUST_CHECK int fd_tables_unshare(struct fd_tables *s, const struct kernel_thread *t);
/** The whole process ends. */
void fd_tables_exit(struct fd_tables *s, const struct kernel_thread *t);
void fd_tables_gone(struct fd_tables *s, const struct kernel_thread *t);

#endif
