/* SPDX-License-Identifier: MIT */
/** Functions built for a test, and what became of them as text. */
#ifndef FN_TEXT_H
#define FN_TEXT_H

#include "bpf/fn.h"

/** A new unit and its first function. */
struct fn *fn_begin(struct unit **ret);

/** Ends and frees @u: its instructions must be these lines, without numbers before them. */
void fn_expect(const char *file, int line, struct unit *u, const char *wanted);
#define EXPECT_CODE(u, wanted) fn_expect(__FILE__, __LINE__, (u), (wanted))
/** Likewise of @c, which stays. */
void fn_expect_text(const char *file, int line, const struct bpf_code *c, const char *wanted);
#define EXPECT_TEXT(c, wanted) fn_expect_text(__FILE__, __LINE__, (c), (wanted))

/** Ends and frees @u, which must work. */
struct bpf_code fn_finish(struct unit *u);

/** Ends and frees @u, which must fail with @err and @words. */
void fn_expect_failure(const char *file, int line, struct unit *u, int err, const char *words);
#define EXPECT_FAILURE(u, err, words) fn_expect_failure(__FILE__, __LINE__, (u), (err), (words))

/** A value that the kernel alone knows. */
struct val fn_unknown(struct fn *f);

#endif
