/* SPDX-License-Identifier: MIT */
/** Where machine instructions begin: a breakpoint inside of one would break the program. */
#ifndef SYM_PROBE_INSN_H
#define SYM_PROBE_INSN_H

#include <stddef.h>
#include <stdint.h>

enum { INSN_MOST = 15 }; /* bytes of the longest one, of all machines */

/**
 * How many bytes the instruction at the begin of @code has, of the machine EM_... of ELF. 0: it is
 * not known, or longer than @len.
 */
size_t insn_len(unsigned machine, const uint8_t *code, size_t len);

#endif
