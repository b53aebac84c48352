/* SPDX-License-Identifier: MIT */
/**
 * Print programs: how to turn the bytes of an event into text, compiled once per event class.
 *
 * A program is a row of steps. Each writes a literal (all fixed text since the step before, as
 * ", next_comm = "), then one field. So an event costs one step per field, and no look at types.
 */
#ifndef COMP_PRINT_H
#define COMP_PRINT_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/event.h>
#include <sonde/span.h>

#include "base/out.h"

/** How a program is to look. */
struct print_style {
	bool json;
	bool names; /* of members, and [0] = of elements; JSON always has them */
};

/** In the caller's storage; all zero is an empty one. */
struct print_program {
	struct print_step *steps; /* owned */
	size_t n_steps, cap_steps;
	char *text; /* owned: all literals, and some bytes more */
	size_t len_text, cap_text;
	struct print_label *labels; /* owned: of all enumerations */
	size_t n_labels, cap_labels;
	struct print_option *options; /* owned: of all variants */
	size_t n_options, cap_options;
	uint32_t *saved; /* owned: slots that the steps so far save */
	size_t n_saved, cap_saved;
	uint32_t slot_most; /* the highest slot that is used */

	/* While it is made. */
	struct print_style style;
	size_t pending; /* begin of the next step's literal in @text */
	uint32_t align; /* of the next step, in bits */
	bool hidden;	/* what is added is walked over and not printed */
	unsigned depth;
	int err; /* first failure, or 0 */
};

/** Where the bytes come from and the text goes to. */
struct print_run {
	struct sonde_out *out;
	const struct sonde_packet *pkt;
	const struct sonde_event *event; /* NULL: only a packet's context is printed */
	uint64_t *slots;		 /* at least slot_most + 1 values */

	/* For print_add_packet(): a text, and where it is too long to keep, a program behind it. */
	struct sonde_span packet;
	const struct print_program *packet_program;

	char *p;	  /* next character, in out's buffer */
	char *limit;	  /* beyond it, make room before a step */
	uint64_t at, end; /* bits from the packet's begin */
};

void print_fini(struct print_program *pr);

/** Adds fixed text. Failures are kept until print_end(). */
void print_add_text(struct print_program *pr, const char *s);
/** Adds it quoted, with the escapes of JSON or of the text style. */
void print_add_quoted(struct print_program *pr, const char *s);

/**
 * Adds a scope's structure. Those of its members are left out that babeltrace2 does not show
 * either, as they serve to find packets and times: values of clocks, and, in a packet's context,
 * its times, sizes and counts; unless another field depends on them.
 */
void print_add_scope(struct print_program *pr, enum sonde_scope scope, const struct sonde_type *t);

/** Is there anything to show of this scope? An empty structure is shown, NULL is not. */
bool print_has_scope(enum sonde_scope scope, const struct sonde_type *t);

/** Walks over a scope without printing it, if one of the fields of @of depends on it. */
void print_add_hidden(struct print_program *pr, enum sonde_scope scope, const struct sonde_type *t,
		      const struct sonde_event_class *of);

/** Adds the text of the packet's context, which the run brings along. */
void print_add_packet(struct print_program *pr);

/** Ends the program. 0, or the first failure: -ENOMEM, or -ENOTSUP for types nested too deep. */
SONDE_MUST_CHECK int print_end(struct print_program *pr);

/** Makes room and sets @p and @limit; up to 1 KiB may be written before the program runs. */
void print_begin(struct print_run *r);
/** Runs the program from r->p. Allocates nothing and cannot fail; what is cut short says so. */
void print_run(const struct print_program *pr, struct print_run *r);
/** Keeps what was written. */
void print_finish(struct print_run *r);

/** Writes bytes quoted and escaped at r->p. */
void print_quoted(struct print_run *r, bool json, struct sonde_span s);

#endif
