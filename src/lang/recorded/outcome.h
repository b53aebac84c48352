/* SPDX-License-Identifier: MIT */
/** What a script's programs leave in our machine: records, maps, and what was lost. */
#ifndef LANG_OUTCOME_H
#define LANG_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/out.h"
#include "bpf/machine.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/out/speculation.h"

/** What scripts in D do with aggregations. */
struct rec_aggs {
	const struct script *script; /* borrowed, as the next two */
	struct machine *machine;
	struct printer *printer;
	struct rec_agg {
		uint64_t normal; /* what values are divided by; 0: nothing */
		bool is_printed;
	} * all; /* owned; by map */
};

/** Where it goes; all borrowed. */
struct outcome_to {
	const struct names *names;
	struct sonde_out *out;
	enum print_format format;
	/** Tells the person something that is no result; one line. May be NULL. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
};

/** Stays where it is. */
struct outcome {
	const struct script *script; /* borrowed, as the machine and its memory */
	struct machine *machine;
	struct script_globals *globals;
	struct outcome_to to;
	struct printer printer;
	struct rec_aggs aggs;
	struct speculations specs;
	int err; /* of a record's output */
};

/** -ENOMEM. */
SONDE_MUST_CHECK int outcome_init(struct outcome *o, const struct script *s, struct machine *m,
				  const struct outcome_to *to);
void outcome_fini(struct outcome *o);

/** machine_ops.record: acts on a record at once; what goes wrong is kept in @o->err. */
void outcome_take(struct outcome *o, const void *data, size_t len);

/** Tells "N @what" where @n is not 0. */
void outcome_note(struct outcome *o, uint64_t n, const char *what);

/** Behind END: the maps that are to be shown. */
SONDE_MUST_CHECK int outcome_show(struct outcome *o);
/** Tells what the programs lost. @e: of outcome_show(), given back. *@ret_status: of exit(). */
SONDE_MUST_CHECK int outcome_finish(struct outcome *o, int e, int *ret_status);

/** The frames of stack @id, as struct names has them. */
size_t outcome_frames(const struct script *s, struct machine *m, uint64_t id, uint64_t *ret);

/* agg_d.c */

SONDE_MUST_CHECK int rec_aggs_init(struct rec_aggs *a, const struct script *s, struct machine *m,
				   struct printer *p);
void rec_aggs_fini(struct rec_aggs *a);
/** A record of a site that D alone has. */
SONDE_MUST_CHECK int rec_aggs_act(struct rec_aggs *a, const struct site *site, const void *payload);
/** At the end: those that the script has not printed itself. */
SONDE_MUST_CHECK int rec_aggs_print(struct rec_aggs *a);
/** Appends the entries of a map. */
SONDE_MUST_CHECK int rec_map_read(struct machine *machine, const struct script_map *m,
				  struct rows *ret);

#endif
