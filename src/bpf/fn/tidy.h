/* SPDX-License-Identifier: MIT */
/** Removes what a function does not need: code without a way to it, needless jumps, dead values. */
#ifndef BPF_FN_TIDY_H
#define BPF_FN_TIDY_H

#include <sonde/def.h>

struct fn;

/** -ENOMEM. */
SONDE_MUST_CHECK int fn_tidy(struct fn *f);

#endif
