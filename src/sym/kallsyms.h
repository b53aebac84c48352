/* SPDX-License-Identifier: MIT */
/** The running kernel's own functions. */
#ifndef SYM_KALLSYMS_H
#define SYM_KALLSYMS_H

#include <stdio.h>

#include "sym/symtab.h"

/** What is between the module's name and the function's: "name [module]". */
#define KALLSYMS_SPLIT " ["

/**
 * Reads /proc/kallsyms (or a file like it) and /proc/modules (NULL: there are no modules) into
 * @ret, which is empty at first. Names of modules' functions are "name [module]".
 *
 * -EPERM: the kernel hides addresses from this user (kptr_restrict); -ENOMEM; the error of
 * reading. All with sonde_fail().
 */
SONDE_MUST_CHECK int kallsyms_read(FILE *symbols, FILE *modules, struct symtab *ret);

/** The same on the running kernel. */
SONDE_MUST_CHECK int kallsyms_load(struct symtab *ret);

#endif
