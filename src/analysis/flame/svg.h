/* SPDX-License-Identifier: MIT */
/** A flame graph as one SVG file that needs nothing else: zoom and search are inside. */
#ifndef ANALYSIS_FLAME_SVG_H
#define ANALYSIS_FLAME_SVG_H

#include "analysis/flame/stacks.h"
#include "base/strbuf.h"

/** What the weights of stacks are. */
enum flame_unit { FLAME_SAMPLES, FLAME_NS };

struct flame_text {
	const char *title;
	const char *subtitle; /* time span, samples, losses */
	enum flame_unit unit;
};

/** Draws the finished stacks. Returns 0 or -ENOMEM; failures of writing stay in @out. */
SONDE_MUST_CHECK int flame_svg(const struct stacks *s, const struct flame_text *text,
			       struct sonde_out *out);

/** Appends "1,234 samples" or "1.234 ms". */
void flame_amount(struct strbuf *b, uint64_t v, enum flame_unit unit);

/** Appends 1234567 as "1,234,567". */
void flame_count(struct strbuf *b, uint64_t v);

/** Appends text as XML has it; bytes that are no UTF-8 and control characters become '?'. */
void flame_escape(struct strbuf *b, const char *text, size_t len);

/**
 * How many bytes of @text to show in @chars places: all if they suffice, else as many as leave
 * two for "..", and *@ret_cut; 0 when there is no place for at least three.
 */
size_t flame_fit(const char *text, size_t chars, bool *ret_cut);

#endif
