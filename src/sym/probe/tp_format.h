/* SPDX-License-Identifier: MIT */
/** Tracepoints as tracefs describes them: which there are, and how their records lie in memory. */
#ifndef SYM_PROBE_TP_FORMAT_H
#define SYM_PROBE_TP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "sym/ctype.h"

enum tp_place {
	TP_FIXED,
	TP_DATA_LOC, /* u32 length << 16 | offset from the record's begin */
	TP_REL_LOC,  /* the same, from behind the u32 */
};

struct tp_field {
	const char *name;
	/**
	 * Never NULL. An array for "char comm[16]" and for dynamic "char[]" (open end: n 0); a
	 * pointer for pointers; an integer of the right size and sign for what is not known by
	 * name.
	 */
	const struct ctype *type;
	uint32_t off, len; /* in the record */
	bool is_signed;
	bool is_common; /* "common_pid": each event has it */
	enum tp_place place;
};

struct tp_format {
	const char *name;
	uint32_t id; /* perf's config */
	const struct tp_field *fields;
	size_t n_fields;
	uint32_t len; /* bytes up to the end of the last fixed field */
};

/**
 * Parses the text of a format file. All goes to @arena. Names of types ("pid_t", "struct sock *",
 * "enum x") are found in @db; NULL: sizes and signs are those of the text. -EBADMSG, -ENOMEM.
 */
SONDE_MUST_CHECK int tp_format_parse(struct arena *arena, struct ctypes *db, const char *text,
				     size_t len, struct tp_format *ret);

/** Reads and parses events/@group/@name/format. -ENOENT: there is no such tracepoint. */
SONDE_MUST_CHECK int tp_format_read(struct arena *arena, struct ctypes *db, const char *group,
				    const char *name, struct tp_format *ret);

/**
 * Calls @f for each tracepoint that both patterns match, until it returns other than 0, which is
 * returned. Ordered by group and name where there are wildcards (* and ?). None: 0.
 */
SONDE_MUST_CHECK int tp_each(const char *group, const char *name,
			     int (*f)(void *arg, const char *group, const char *name), void *arg);

#endif
