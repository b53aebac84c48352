/* SPDX-License-Identifier: MIT */
/** Numbers known at once: of #if, of enumerators, of the sizes of arrays. */
#ifndef LANG_CONST_EXPR_H
#define LANG_CONST_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct diag;
struct token;

struct const_env {
	struct diag *d;
	/** True and its value, where @name is a constant. */
	bool (*lookup)(void *ctx, const char *name, int64_t *ret);
	void *ctx;
};

/** The value of @n tokens, as C computes it in 64 bits. -EINVAL: told to the diag. */
SONDE_MUST_CHECK int const_eval(const struct const_env *env, const struct token *tokens, size_t n,
				int64_t *ret);

/** Binding of a binary operator: 10 for * / %, 1 for ||; 0: @punct is none. */
unsigned const_precedence(uint32_t punct);

#endif
