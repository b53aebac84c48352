/* SPDX-License-Identifier: MIT */
/** Tables of reports: one set of rows, shown to people or written as JSON. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct json;
struct sonde_out;

/** What a column's values are; decides how people see them and on which side they stand. */
enum table_unit {
	TABLE_TEXT,    /* left; may be cut to fit */
	TABLE_ID,      /* a plain number: tid, cpu */
	TABLE_COUNT,   /* 1,234,567 */
	TABLE_NS,      /* 1.234 ms; exact ns in JSON */
	TABLE_PERCENT, /* 12.34 %; of a real */
	TABLE_BYTES,   /* 1.2 MiB; exact in JSON */
	TABLE_RATE,    /* 1,234 /s; of a real */
};

/** A column, in a const array. */
struct table_column {
	const char *key;  /* in JSON; snake_case, never changed; NULL: for people only */
	const char *head; /* for people; NULL: JSON only */
	enum table_unit unit;
};

enum table_kind { TABLE_NONE, TABLE_INT, TABLE_REAL, TABLE_STR, TABLE_JSON };

struct table_cell {
	enum table_kind kind;
	union {
		int64_t i;
		double d;
		const char *s; /* borrowed; also of TABLE_JSON */
	} u;
};

/** Rows of cells, filled from left to right, one row behind the other; in the caller's storage. */
struct table {
	const struct table_column *cols; /* borrowed */
	size_t n_cols;
	struct table_cell *cells; /* owned */
	size_t n, cap;
	bool failed; /* out of memory: told by table_print() and table_json() */
};

void table_init(struct table *t, const struct table_column *cols, size_t n_cols);
void table_fini(struct table *t);

/** The next cell. Nothing known there: an empty cell, "-" for people, null in JSON. */
void table_none(struct table *t);
void table_int(struct table *t, int64_t v);
void table_real(struct table *t, double v);
/** @s is borrowed until table_fini(); control characters are shown as '?'; " " is a blank. */
void table_str(struct table *t, const char *s);

/** A value written to JSON as it is, for columns without a head. @s is borrowed likewise. */
void table_json_text(struct table *t, const char *s);

/**
 * Sorts the rows by the column @key: numbers from large to small, text from a to z, what is not
 * known last; rows that are equal there keep their order. -EINVAL: there is no such column.
 */
SONDE_MUST_CHECK int table_sort(struct table *t, const char *key);

/** Keeps the first @most rows; 0 keeps all. Returns how many went. */
size_t table_limit(struct table *t, size_t most);

size_t table_rows(const struct table *t);

/** Whether it has a column of that key. */
bool table_has(const struct table *t, const char *key);

/** Prints heads and rows, indented by @indent; @width 0 or the columns of a terminal. */
SONDE_MUST_CHECK int table_print(const struct table *t, struct sonde_out *o, unsigned indent,
				 unsigned width);

/** Writes the rows as an array of objects, as member @key of what is open. */
SONDE_MUST_CHECK int table_json(const struct table *t, struct json *j, const char *key);

/** Writes the rows into the array that is open, and takes them out of the table. */
SONDE_MUST_CHECK int table_json_rows(struct table *t, struct json *j);

enum { TABLE_VALUE_MOST = 40 };

/** A value as its unit shows it, without padding, into TABLE_VALUE_MOST bytes. */
void table_value(enum table_unit unit, const struct table_cell *c, char *ret);

/** Shorthands for text outside of tables, unpadded: "1.234 ms", "1.5 s"; "1,234". */
void table_ns(int64_t ns, char *ret);
void table_count(uint64_t n, char *ret);

#endif
