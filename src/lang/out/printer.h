/* SPDX-License-Identifier: MIT */
/**
 * Values, records and maps as people and programs read them: bpftrace's text, or JSON lines.
 *
 * Everything here works on bytes as lang/check/type.h lays them out; it knows no kernel. Names of
 * addresses and ids come through struct names.
 */
#ifndef LANG_PRINTER_H
#define LANG_PRINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/out.h"
#include "base/strbuf.h"
#include "lang/gen/script.h"

struct line_frame;

/** Where names come from; each appends to @ret, and falls back to a number ("0x1234") itself. */
struct names {
	void *arg;
	void (*ksym)(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret);
	void (*usym)(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		     struct strbuf *ret);
	void (*user)(void *arg, uint32_t uid, struct strbuf *ret);
	void (*cgroup)(void *arg, uint64_t id, struct strbuf *ret);
	/** The frames of stack @id into @ret (STACK_MOST of them fit); how many, 0: not known. */
	size_t (*stack)(void *arg, uint64_t id, uint64_t *ret);
	/** Wall clock time of a CLOCK_BOOTTIME time, both in ns. */
	int64_t (*wall)(void *arg, uint64_t mono_ns);
	/** The module of a kernel's address: "vmlinux", "ext4". NULL: not known. */
	void (*kmod)(void *arg, uint64_t addr, struct strbuf *ret);
	/** By debug files, the functions that a frame of the kernel is in, as lines_at() has them;
	 * how many. NULL: there are no such files. */
	size_t (*lines)(void *arg, uint64_t addr, const struct line_frame **ret);
};

enum print_format { PRINT_TEXT, PRINT_JSON };

struct format;

struct printer {
	const struct script *script; /* borrowed, as is all here */
	const struct names *names;
	struct sonde_out *out;
	enum print_format format;
	/* owned; all zero at the begin, and kept as room from record to record */
	struct strbuf tmp, line, quoted;
	struct format **formats; /* of @script's sites, each made when first needed */
	/* of scripts in D */
	const uint64_t
		*normals; /* what the values of the aggregations being shown are divided by */
	bool has_heading; /* "CPU ID FUNCTION:NAME" was shown */
	unsigned indent;  /* of flowindent */
};

void printer_fini(struct printer *p);

/**
 * One record's payload, of a site with arguments: printf, print(value), time, join, cat, ...
 * -EBADMSG: the payload is shorter than the arguments; -EINVAL: not a site that prints.
 */
SONDE_MUST_CHECK int print_record(struct printer *p, const struct site *site, const void *payload,
				  size_t len);

/** An event of a SITE_EMIT, as a line. */
SONDE_MUST_CHECK int print_event(struct printer *p, const struct site *site, const void *payload,
				 size_t len);

/** The text that a site's @fmt and arguments make, as sprintf would: for system, cat and tests. */
SONDE_MUST_CHECK int print_format(struct printer *p, const struct site *site, const void *payload,
				  size_t len, struct strbuf *ret);

/** Appends a value as print() shows it: "5", "bash", "(1, foo)". */
SONDE_MUST_CHECK int print_value(struct printer *p, const struct type *t, const void *bytes,
				 struct strbuf *ret);

/** Entries of a map: @n keys and merged values, behind each other in two arrays. */
struct rows {
	size_t n, cap;
	uint8_t *keys; /* owned; @key_len each */
	uint8_t *vals; /* owned; @val_len each */
	uint32_t key_len, val_len;
	size_t cap_keys, cap_vals;
};
void rows_init(struct rows *r, const struct script_map *m);
void rows_fini(struct rows *r);
/** Forgets all rows, keeps the room. */
void rows_reset(struct rows *r);
/** Appends one. -ENOMEM. */
SONDE_MUST_CHECK int rows_add(struct rows *r, const void *key, const void *val);
/**
 * Merges rows with equal keys, by the value's type: aggregations are added up, of others the later
 * one stays. Any order before and after.
 */
SONDE_MUST_CHECK int rows_merge(struct rows *r, const struct script_map *m);

/** @dst becomes the aggregation of both. */
void agg_merge(const struct type *t, void *dst, const void *src);
/** True: nothing was ever added to it. */
bool agg_is_empty(const struct type *t, const void *val);

/**
 * A whole map as print(@x, top, div) shows it: "@x[key]: value" lines in bpftrace's order (by
 * value, then by key), histograms below their key. The rows stay where they are. @top, @div 0: all,
 * undivided.
 */
SONDE_MUST_CHECK int print_map(struct printer *p, const struct script_map *m, struct rows *rows,
			       int64_t top, int64_t div);

/**
 * All that a clause of D printed, in one piece (SITE_CLAUSE): @act acts on each of its records. -1
 * and less: what @act gave.
 */
SONDE_MUST_CHECK int print_d_clause(struct printer *p, const struct site *site, const void *payload,
				    int (*act)(void *arg, const struct site *part,
					       const void *payload, size_t len),
				    void *arg);
/** Of a clause of D: what stands before that which it prints, of the probe with that name. */
void print_d_line(struct printer *p, uint32_t cpu, uint32_t name);
/** One aggregation of several that are shown together. */
struct d_agg {
	const struct script_map *map;
	struct rows *rows; /* stay where they are */
	uint64_t normal;   /* 1: as they are */
};
/** Aggregations as printa() shows them, by @site's format, or without one (@site NULL). */
SONDE_MUST_CHECK int print_d_aggs(struct printer *p, const struct site *site,
				  const struct d_agg *aggs, size_t n);
/** Takes away all rows but the @most largest ones, or the smallest ones where that is negative. */
SONDE_MUST_CHECK int d_truncate(const struct script_map *m, struct rows *rows, int64_t most);

/** What a command printed, and the like: as it is, or in JSON as {"type": @type, "data": text}. */
void print_output(struct printer *p, const char *type, const char *text, size_t len);

/** "Attaching 3 probes..." and "Lost 5 events", as bpftrace has them in the output. */
void print_attached(struct printer *p, uint64_t n);
void print_lost(struct printer *p, uint64_t n);

/** A message of the run itself, on standard error, or in JSON as {"type": ...} in the output. */
void print_note(struct printer *p, const char *type, const char *fmt, ...) SONDE_PRINTF(3, 4);

#endif
