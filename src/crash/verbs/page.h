/* SPDX-License-Identifier: MIT */
/** What a verb shows, said once: as text, as JSON and as HTML. */
#ifndef CRASH_VERBS_PAGE_H
#define CRASH_VERBS_PAGE_H

#include "base/json.h"
#include "base/table.h"
#include "crash/verbs/verb.h"

struct page {
	struct crash_run *run;
	struct json json;
	bool facts;   /* the last thing was a fact */
	bool started; /* something was shown */
};

/** Begins one object, or one document. @title is for HTML. */
void page_begin(struct page *p, struct crash_run *r, const char *title);
void page_end(struct page *p);

/** A line "HEAD  text", or a member @key. @text NULL: left out. */
void page_fact(struct page *p, const char *key, const char *head, const char *text);
void page_fact_fmt(struct page *p, const char *key, const char *head, const char *fmt, ...)
	SONDE_PRINTF(4, 5);
/** A table with a title; empty ones are left out but in JSON. */
SONDE_MUST_CHECK int page_table(struct page *p, const char *key, const char *title,
				const struct table *t);
/** Lines of text under a title; a member that is a list. */
void page_lines_begin(struct page *p, const char *key, const char *title);
void page_line(struct page *p, const char *text);
void page_lines_end(struct page *p);

#endif
