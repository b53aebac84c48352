/* SPDX-License-Identifier: MIT */
/** A syntax tree into a trace's description. */
#ifndef CTF_TSDL_BUILD_H
#define CTF_TSDL_BUILD_H

#include "ctf/tsdl_type.h"

/** Fills @b->trace from all @blocks. Returns 0, -EBADMSG or -ENOMEM. */
SONDE_MUST_CHECK int tsdl_build(struct build *b, const struct ast_block *blocks);

#endif
