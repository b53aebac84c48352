/* SPDX-License-Identifier: MIT */
/** What random_script.c and random_script_expr.c share. */
#ifndef RANDOM_SCRIPT_GEN_H
#define RANDOM_SCRIPT_GEN_H

#include <stdbool.h>

#include "base/mem.h"
#include "random_script.h"

enum { VARS_MOST = 6, LOOPS_MOST = 3 };

struct gen {
	struct strbuf *out;
	struct random_shape shape;
	uint64_t state;
	unsigned depth;	      /* of the expression */
	unsigned nest, loops; /* of the statement */
	unsigned n_results, n_texts, n_counters, n_ranges;
	unsigned n_s, n_u, n_x, n_t; /* variables that were set before */
	unsigned n_range_vars;	     /* $i0 ... that are there */
	unsigned range_vars[LOOPS_MOST + 1];
	bool over_map; /* in a loop over a map: what it does must not depend on the order */
};

static inline unsigned pick(struct gen *g, unsigned n)
{
	return (unsigned)(random_next(&g->state) >> 33) % n;
}

#define TEXT(...) strbuf_fmt(g->out, __VA_ARGS__)
#define ONE_OF(...)                                                  \
	({                                                           \
		static const char *const words_[] = { __VA_ARGS__ }; \
		words_[pick(g, MEM_LEN(words_))];                    \
	})

/** Appends a number's or a string's expression. */
void random_num(struct gen *g);
void random_str(struct gen *g);
/** @sk[...], @sx[...] and others, with random keys. */
void random_element(struct gen *g);

#endif
