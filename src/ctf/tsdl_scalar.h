/* SPDX-License-Identifier: MIT */
/** Settings of integers, reals and strings. */
#ifndef CTF_TSDL_SCALAR_H
#define CTF_TSDL_SCALAR_H

#include "ctf/tsdl_type.h"

/** Fill a zeroed type from what is written. Each returns 0 or -EBADMSG. */
SONDE_MUST_CHECK int integer_fill(struct build *b, const struct ast_type *t,
				  struct sonde_type *ret);
SONDE_MUST_CHECK int floating_fill(struct build *b, const struct ast_type *t,
				   struct sonde_type *ret);
SONDE_MUST_CHECK int string_fill(struct build *b, const struct ast_type *t, struct sonde_type *ret);

/** An alignment of @v bits, written at @at. */
SONDE_MUST_CHECK int align_check(struct build *b, const struct ast_expr *at, uint64_t v,
				 uint32_t *ret);

#endif
