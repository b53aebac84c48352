/* SPDX-License-Identifier: MIT */
/** Machine code as text, by the library Capstone, which is opened when it is asked for. */
#ifndef CRASH_DIS_DIS_H
#define CRASH_DIS_DIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "crash/dump/dump.h"

enum { DIS_INSN_MOST = 16 }; /* bytes of the longest instruction */

struct dis_insn {
	unsigned len; /* bytes; at least 1 */
	char text[200];
	bool has_target; /* it goes to, or takes what is at, @target */
	uint64_t target;
};

struct dis;

/** -ENOTSUP with words: no library, or it does not know the machine. */
SONDE_MUST_CHECK int dis_open(enum dump_arch arch, struct dis **ret);
void dis_close(struct dis *d);

/** The instruction at @addr, whose bytes (@n of them, not 0) are given; what is none is ".byte". */
void dis_next(struct dis *d, const uint8_t *bytes, size_t n, uint64_t addr, struct dis_insn *ret);

#endif
