/* SPDX-License-Identifier: MIT */
/** Where debug files of kernels and modules lie: folders of this machine, and a server. */
#ifndef CRASH_DEBUG_FIND_H
#define CRASH_DEBUG_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

#include "crash/core.h"

/** Files of modules below some folders. */
struct module_files {
	struct module_file {
		char *name, *path; /* owned */
	} * all;		   /* owned */
	size_t n, cap;
	bool is_cut; /* there were too many */
};

/** Adds those below @folder; one that is not there has none. -ENOMEM. */
SONDE_MUST_CHECK int module_files_add(struct module_files *f, const char *folder);
void module_files_fini(struct module_files *f);
/** Those of the module @name, which may be written with '-' for '_': from *@at on. NULL: no more.
 */
const char *module_files_next(const struct module_files *f, const char *name, size_t *at);

/** The usual place number @i of @image's kernel or, with @of_modules, the folder of its modules.
 * False: there are no more. */
bool debug_place(const struct crash_image *image, bool of_modules, size_t i, char *ret, size_t cap);
/** Whether the file has that build-id. */
bool debug_file_is(const char *path, const struct build_id *id);

/**
 * The file with the debug information of that kernel, by its build-id, in the usual places of this
 * machine: its path, or false. They are tried from *@i on, which is 0 at first.
 */
bool debug_find_kernel(const struct crash_image *image, size_t *i, char *ret, size_t cap);

#endif
