/* SPDX-License-Identifier: MIT */
/** The three ways to show a page. */
#include "crash/verbs/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { HEAD_WIDTH = 11 };

static const char style[] =
	"body{font:14px/1.4 sans-serif;margin:2em;max-width:75em}"
	"table{border-collapse:collapse}th,td{padding:.15em .8em;text-align:left}"
	"th{border-bottom:1px solid #888}.facts th{border:0}tr:nth-child(even){background:#f4f4f4}"
	"td.n{text-align:right;font-variant-numeric:tabular-nums}"
	"pre{background:#f4f4f4;padding:.6em;overflow-x:auto}";

static bool is(const struct page *p, enum crash_format f)
{
	return p->run->args->format == f;
}

/* Text that a browser, or a terminal, takes for nothing else. */
static void put_safe(struct page *p, const char *text)
{
	char one[8] = "";

	if (!is(p, CRASH_HTML)) {
		out_safe(p->run->out, text);
		return;
	}
	for (; *text; text++) {
		size_t n = utf8_len(text);

		if (strchr("<>&\"", *text)) {
			out_fmt(p->run->out, "&#%u;", (unsigned)*text);
			continue;
		}
		n = n ? n : 1;
		memcpy(one, text, n);
		one[n] = '\0';
		out_safe(p->run->out, one);
		text += n - 1;
	}
}

void page_begin(struct page *p, struct crash_run *r, const char *title)
{
	*p = (struct page){ .run = r };
	if (is(p, CRASH_JSON)) {
		json_init(&p->json, r->out);
		json_object(&p->json, NULL);
	} else if (is(p, CRASH_HTML)) {
		out_str(r->out, "<!doctype html><meta charset=\"utf-8\"><title>");
		put_safe(p, title);
		out_fmt(r->out, "</title><style>%s</style>\n<h1>", style);
		put_safe(p, title);
		out_str(r->out, "</h1>\n");
	}
}

static void end_facts(struct page *p)
{
	if (p->facts && is(p, CRASH_HTML))
		out_str(p->run->out, "</table>\n");
	p->facts = false;
}

void page_end(struct page *p)
{
	end_facts(p);
	if (is(p, CRASH_JSON))
		json_end_object(&p->json);
}

void page_fact(struct page *p, const char *key, const char *head, const char *text)
{
	struct sonde_out *o = p->run->out;

	if (!text)
		return;
	if (is(p, CRASH_JSON)) {
		json_str(&p->json, key, text);
		return;
	}
	if (is(p, CRASH_HTML)) {
		out_fmt(o, "%s<tr><th>%s<td>", p->facts ? "" : "<table class=\"facts\">", head);
	} else {
		out_str(o, p->started && !p->facts ? "\n" : "");
		out_fmt(o, "%-*s ", HEAD_WIDTH, head);
	}
	put_safe(p, text);
	out_str(o, "\n");
	p->facts = p->started = true;
}

void page_fact_fmt(struct page *p, const char *key, const char *head, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	page_fact(p, key, head, text);
}

static void put_title(struct page *p, const char *title)
{
	end_facts(p);
	if (is(p, CRASH_HTML))
		out_fmt(p->run->out, "<h2>%s</h2>\n", title);
	else
		out_fmt(p->run->out, "%s%s\n", p->started ? "\n" : "", title);
	p->started = true;
}

static void html_table(struct page *p, const struct table *t)
{
	struct sonde_out *o = p->run->out;
	char text[TABLE_VALUE_MOST];

	out_str(o, "<table><tr>");
	for (size_t c = 0; c < t->n_cols; c++) {
		if (t->cols[c].head)
			out_fmt(o, "<th>%s", t->cols[c].head);
	}
	for (size_t i = 0; t->n_cols && i < t->n; i++) {
		const struct table_column *col = &t->cols[i % t->n_cols];
		const struct table_cell *cell = &t->cells[i];

		out_str(o, i % t->n_cols ? "" : "\n<tr>");
		if (!col->head)
			continue;
		out_str(o, col->unit == TABLE_TEXT ? "<td>" : "<td class=n>");
		if (cell->kind == TABLE_STR) {
			put_safe(p, cell->u.s);
		} else {
			table_value(col->unit, cell, text);
			put_safe(p, text);
		}
	}
	out_str(o, "\n</table>\n");
}

int page_table(struct page *p, const char *key, const char *title, const struct table *t)
{
	if (is(p, CRASH_JSON))
		return table_json(t, &p->json, key);
	if (!table_rows(t) && !t->failed)
		return 0;
	put_title(p, title);
	if (!is(p, CRASH_HTML) || t->failed)
		return table_print(t, p->run->out, 2, p->run->width);
	html_table(p, t);
	return 0;
}

void page_lines_begin(struct page *p, const char *key, const char *title)
{
	if (is(p, CRASH_JSON)) {
		json_array(&p->json, key);
		return;
	}
	put_title(p, title);
	if (is(p, CRASH_HTML))
		out_str(p->run->out, "<pre>");
}

void page_line(struct page *p, const char *text)
{
	if (is(p, CRASH_JSON)) {
		json_str(&p->json, NULL, text);
		return;
	}
	out_str(p->run->out, is(p, CRASH_HTML) ? "" : "  ");
	put_safe(p, text);
	out_str(p->run->out, "\n");
}

void page_lines_end(struct page *p)
{
	if (is(p, CRASH_JSON))
		json_end_array(&p->json);
	else if (is(p, CRASH_HTML))
		out_str(p->run->out, "</pre>\n");
}
