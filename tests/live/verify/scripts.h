/* SPDX-License-Identifier: MIT */
/** Scripts that the kernel's verifier must take: each built-in, function, statement, kind of map.
 */
#ifndef VERIFY_SCRIPTS_H
#define VERIFY_SCRIPTS_H

#include <stddef.h>

/** Ends with NULL. */
extern const char *const scripts_builtins[];
extern const char *const scripts_arguments[];
extern const char *const scripts_functions[];
extern const char *const scripts_strings[];
extern const char *const scripts_aggregations[];
extern const char *const scripts_maps[];
extern const char *const scripts_statements[];
extern const char *const scripts_output[];
extern const char *const scripts_large[];
/** Of kernel functions, which not every kernel lets one probe. */
extern const char *const scripts_kprobe[];
extern const char *const scripts_fentry[];

#endif
