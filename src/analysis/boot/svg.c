/* SPDX-License-Identifier: MIT */
/**
 * Draws a boot chart.
 *
 *	title, what it is of                               legend
 *	CPUs of box     |  use by what is shown, and by others     |
 *	Disks of box    |  time with requests under way, bytes     |
 *	                0s        1s        2s                     a time axis
 *	sh        2.1 s |-####-------------------####|             a process a row, its children
 *	  make    1.9 s |   '-##---+##-----##|                     below it, joined to when it
 *	    cc1   0.9 s |        '-#######|                        made them
 *	                what is not shown
 *
 * The height of a bar's colours is the share of the time that a column of it stands for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/boot/boot.h"
#include "analysis/flame/svg.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "base/time_text.h"
#include "model/host.h"

enum {
	WIDTH = 1400,
	LEFT = 300, /* names */
	RIGHT = 20,
	COLUMNS = WIDTH - LEFT - RIGHT, /* a pixel each */
	PAD = 16,
	HEAD = 78,
	STRIP = 44,
	STRIP_GAP = 12,
	AXIS = 22,
	FOOT = 34,
	INDENT = 11,
	DEPTH_MOST = 12,
	NAME_CHARS = 32,
	HOSTS_MOST = 16, /* that get strips */
	TICKS_MOST = 12,
	EXEC_TICKS_MOST = 64, /* a row */
};

static const char css[] = {
#include "analysis/boot_css.inc"
};

struct chart {
	const struct boot *b;
	struct sonde_out *out;
	struct strbuf text;
	struct boot_cell *cells; /* COLUMNS of them */
	int pitch, bar;		 /* of rows */
	int rows_y, end_y;	 /* where they begin and end */
};

static int64_t begin_ns(const struct chart *c)
{
	return c->b->tree.begin_ns;
}

static int64_t span_ns(const struct chart *c)
{
	const int64_t ns = ns_between(c->b->tree.begin_ns, c->b->tree.end_ns);

	return ns > 0 ? ns : 1;
}

/* Where a time is, in hundredths of a pixel. */
static int64_t centi(const struct chart *c, int64_t ns)
{
	const int64_t from = ns < begin_ns(c) ? 0 : ns_between(begin_ns(c), ns);
	const int64_t at = from > span_ns(c) ? span_ns(c) : from;

	return LEFT * 100 + (int64_t)((__int128)at * COLUMNS * 100 / span_ns(c));
}

static double x_of(const struct chart *c, int64_t ns)
{
	return (double)centi(c, ns) / 100;
}

static int y_of(const struct chart *c, uint32_t row)
{
	return c->rows_y + (int)row * c->pitch;
}

/* The critical path's line. */
static int path_y(const struct chart *c, uint32_t row)
{
	return y_of(c, row) + c->bar - 2;
}

/* Writes what was gathered in c->text as XML text. */
static void put_escaped(struct chart *c, const char *text)
{
	struct strbuf *b = &c->text;

	b->len = 0;
	flame_escape(b, text, strlen(text));
	out_str(c->out, b->len ? strbuf_text(b) : "");
}

static void put_text(struct chart *c, const char *cls, double x, int y, const char *anchor,
		     const char *text)
{
	out_fmt(c->out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\"", cls, x, y);
	if (anchor)
		out_fmt(c->out, " text-anchor=\"%s\"", anchor);
	out_str(c->out, ">");
	put_escaped(c, text);
	out_str(c->out, "</text>\n");
}

/*
 * An area of columns from @y down: of each the share of @shade in @full, above what @below adds up
 * to, at most @height.
 */
static void put_area(struct chart *c, const char *cls, enum boot_shade shade, unsigned below,
		     double full, int y, int height)
{
	bool some = false;
	const double scale = full / COLUMNS;
	int last_low = 0, last_high = 0;

	for (size_t i = 0; i <= COLUMNS; i++) {
		int low = 0, high = 0;

		if (i < COLUMNS) {
			double under = 0;
			for (int k = 0; k < BOOT_N_SHADES; k++)
				under += below & 1u << k ? (double)c->cells[i].ns[k] : 0;
			const double top = under + (double)c->cells[i].ns[shade];
			low = (int)(under / scale * height + .5);
			high = (int)(top / scale * height + .5);
			low = low > height ? height : low;
			high = high > height ? height : high;
			// What is there at all is seen.
			if (c->cells[i].ns[shade] && high == low && low < height && !low)
				high = 1;
		}
		if (low == last_low && high == last_high)
			continue;
		if (last_high > last_low)
			out_fmt(c->out, "H%zuV%dz", LEFT + i, y + height - last_low);
		if (high > low) {
			if (!some)
				out_fmt(c->out, "<path class=\"%s\" d=\"", cls);
			some = true;
			out_fmt(c->out, "M%zu %dV%d", LEFT + i, y + height - low,
				y + height - high);
		}
		last_low = low;
		last_high = high;
	}
	if (some)
		out_str(c->out, "\"/>\n");
}

/* The head. */

static void put_key(struct chart *c, int x, const char *cls, const char *text)
{
	if (*cls == 'p')
		out_fmt(c->out, "<path class=\"path\" d=\"M%d 25h14\"/>", x - 2);
	else
		out_fmt(c->out,
			"<rect class=\"%s key\" x=\"%d\" y=\"20\" width=\"10\" height=\"10\"/>",
			cls, x);
	put_text(c, "sub", x + 15, 29, NULL, text);
}

static void put_head(struct chart *c, int height)
{
	const struct boot_tree *t = &c->b->tree;
	sonde_auto(strbuf_fini) struct strbuf title = { 0 }, sub = { 0 };
	char ns[TABLE_VALUE_MOST], path[TABLE_VALUE_MOST], when[TIME_TEXT_MOST];

	boot_title(c->b, &title);
	table_ns(span_ns(c), ns);
	time_text(t->begin_ns, when);
	strbuf_fmt(&sub, "%s from %s \xc2\xb7 %zu process%s", ns, when, t->n_inside,
		   t->n_inside == 1 ? "" : "es");
	if (c->b->path.n) {
		table_ns(c->b->sums.by_type[EXEC_RUNNING], path);
		strbuf_fmt(&sub, " \xc2\xb7 on the critical path CPUs ran for %s", path);
	}
	out_fmt(c->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\">\n<title>",
		WIDTH, height, WIDTH, height);
	put_escaped(c, strbuf_text(&title));
	out_fmt(c->out, "</title>\n<style>\n%s</style>\n", css);
	out_str(c->out, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
	put_text(c, "title", PAD, 32, NULL, strbuf_text(&title));
	put_text(c, "sub", PAD, 54, NULL, strbuf_text(&sub));
	put_key(c, WIDTH - 620, "r", "runs");
	put_key(c, WIDTH - 560, "w", "waits for a CPU");
	put_key(c, WIDTH - 438, "d", "waits for a disk");
	put_key(c, WIDTH - 316, "b", "blocked");
	put_key(c, WIDTH - 238, "u", "unknown");
	put_key(c, WIDTH - 152, "p", "critical path");
}

/* 1, 2 or 5 times a power of ten, so that about ten fit. */
static int64_t tick_ns(const struct chart *c)
{
	int64_t unit = 1;

	while (unit <= INT64_MAX / 10 && span_ns(c) / unit > TICKS_MOST * 10)
		unit *= 10;
	if (span_ns(c) / unit <= TICKS_MOST)
		return unit;
	if (span_ns(c) / unit <= TICKS_MOST * 2)
		return unit * 2;
	return span_ns(c) / unit <= TICKS_MOST * 5 ? unit * 5 : unit * 10;
}

static void tick_text(int64_t ns, int64_t step, char *ret, size_t len)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "\xc2\xb5s" }, { 1, "ns" } };
	size_t i = 0;

	while (i < MEM_LEN(units) - 1 && step * 10 < units[i].ns)
		i++;
	const int digits = step < units[i].ns ? 1 : 0;
	(void)snprintf(ret, len, "%.*f %s", digits, (double)ns / (double)units[i].ns,
		       units[i].name);
}

/* With lines from the strips down to @bottom; 0: without. */
static void put_axis(struct chart *c, int y, int bottom)
{
	const int64_t step = tick_ns(c);
	char text[40];

	for (int64_t ns = 0; ns <= span_ns(c); ns += step) {
		const double x = x_of(c, begin_ns(c) + ns);

		if (bottom)
			out_fmt(c->out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, HEAD,
				bottom);
		tick_text(ns, step, text, sizeof(text));
		put_text(c, "axis", x, y + 15, x > WIDTH - RIGHT - 20 ? "end" : "middle", text);
		if (ns > INT64_MAX - step)
			break;
	}
}

/* CPUs and disks. */

static void fill_cpus(struct chart *c, const struct kernel_host *h)
{
	const struct boot_tree *t = &c->b->tree;
	const struct exec_graph *g = exec_build_graph(t->build);

	memset(c->cells, 0, COLUMNS * sizeof(*c->cells));
	for (uint32_t w = 0; w < g->n_workers; w++) {
		const uint32_t p = boot_tree_of(t, w);
		if (p == BOOT_NONE || t->all[p].host != h || g->workers[w].first == EXEC_NONE)
			continue;
		const enum boot_shade shade = t->all[p].inside ? BOOT_RUN : BOOT_WAIT;
		for (uint32_t v = g->vertices[g->workers[w].first].next; v != EXEC_NONE;
		     v = g->vertices[v].next) {
			const struct exec_vertex *x = &g->vertices[v];

			if (x->type == EXEC_RUNNING)
				boot_spread(t->begin_ns, t->end_ns, g->vertices[x->prev].ts_ns,
					    x->ts_ns, shade, c->cells, COLUMNS);
		}
	}
}

static size_t count_cpus(const struct kernel_host *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_cpus; i++)
		n += h->cpus[i] != NULL;
	return n;
}

static void put_strip_frame(struct chart *c, int y, const char *head, const char *below)
{
	out_fmt(c->out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		LEFT, y, COLUMNS, STRIP);
	put_text(c, "", PAD, y + 16, NULL, head);
	put_text(c, "time", PAD, y + 32, NULL, below);
}

static void put_cpus(struct chart *c, const struct kernel_host *h, bool named, int y)
{
	char head[100], below[100];
	const size_t n = count_cpus(h);

	const double all = (double)span_ns(c) * (double)(n ? n : 1);

	fill_cpus(c, h);
	(void)snprintf(head, sizeof(head), "%zu CPU%s%s%.40s", n, n == 1 ? "" : "s",
		       named ? " of " : "", named ? host_name(h->trace) : "");
	(void)snprintf(below, sizeof(below), "shown processes, and others (light)");
	put_area(c, "r", BOOT_RUN, 0, all, y, STRIP);
	put_area(c, "o", BOOT_WAIT, 1u << BOOT_RUN, all, y, STRIP);
	put_strip_frame(c, y, head, below);
}

/* Time with any request under way; requests come in order of their ends. */
static void fill_busy(struct chart *c, const struct kernel_host *h)
{
	const struct boot *b = c->b;
	int64_t until = INT64_MAX;

	memset(c->cells, 0, COLUMNS * sizeof(*c->cells));
	for (size_t i = b->n_done; i-- > 0;) {
		const struct request *q = &b->done[i];
		const int64_t end = q->end_ns < until ? q->end_ns : until;

		if (q->host != h || q->issue_ns >= end)
			continue;
		boot_spread(b->tree.begin_ns, b->tree.end_ns, q->issue_ns, end, BOOT_DISK, c->cells,
			    COLUMNS);
		until = q->issue_ns;
	}
}

/* Bytes of each column, evenly over each request's time; returns the most, of a second. */
static double fill_bytes(const struct chart *c, const struct kernel_host *h, double *bytes)
{
	const struct boot *b = c->b;
	double most = 0;

	for (size_t i = 0; i < b->n_done; i++) {
		const struct request *q = &b->done[i];
		const int64_t from = centi(c, q->issue_ns) - LEFT * 100;
		const int64_t to = centi(c, q->end_ns) - LEFT * 100;
		const int64_t first = from / 100 < COLUMNS - 1 ? from / 100 : COLUMNS - 1;
		const int64_t last = to / 100 < COLUMNS - 1 ? to / 100 : COLUMNS - 1;

		if (q->host != h || q->end_ns < b->tree.begin_ns || q->issue_ns > b->tree.end_ns)
			continue;
		for (int64_t x = first; x <= last; x++)
			bytes[x] += (double)q->bytes / (double)(last - first + 1);
	}
	for (size_t i = 0; i < COLUMNS; i++)
		most = bytes[i] > most ? bytes[i] : most;
	return most;
}

static void put_bytes(struct chart *c, const double *bytes, double most, int y)
{
	double last = 0;

	out_fmt(c->out, "<path class=\"line\" d=\"M%d %d", LEFT, y + STRIP);
	for (size_t i = 0; i < COLUMNS; i++) {
		const double high = (int)(bytes[i] / most * (STRIP - 2) * 10) / 10.0;

		if (i && high >= last && high <= last)
			continue;
		out_fmt(c->out, "H%zuV%.1f", LEFT + i, y + STRIP - high);
		last = high;
	}
	out_fmt(c->out, "H%dV%d\"/>\n", LEFT + COLUMNS, y + STRIP);
}

static void put_disks(struct chart *c, const struct kernel_host *h, bool named, int y)
{
	double bytes[COLUMNS] = { 0 };
	const double most = fill_bytes(c, h, bytes);
	const struct table_cell rate = {
		.kind = TABLE_INT, .u.i = (int64_t)(most * 1e9 * COLUMNS / (double)span_ns(c))
	};
	char head[100], below[100], text[TABLE_VALUE_MOST];

	fill_busy(c, h);
	table_value(TABLE_BYTES, &rate, text);
	(void)snprintf(head, sizeof(head), "Disks%s%.40s", named ? " of " : "",
		       named ? host_name(h->trace) : "");
	(void)snprintf(below, sizeof(below), "busy, and bytes (line, up to %s/s)", text);
	put_area(c, "k", BOOT_DISK, 0, (double)span_ns(c), y, STRIP);
	if (most > 0)
		put_bytes(c, bytes, most, y);
	put_strip_frame(c, y, head, below);
}

/* Rows. */

static void put_label(struct chart *c, uint32_t i)
{
	const struct boot_row *row = &c->b->rows.all[i];
	const struct boot_process *p =
		row->process == BOOT_NONE ? NULL : &c->b->tree.all[row->process];
	const unsigned depth = row->depth < DEPTH_MOST ? row->depth : DEPTH_MOST;
	const int y = y_of(c, i) + c->bar - 2;
	char text[100], ns[TABLE_VALUE_MOST];
	bool cut;

	if (p) {
		const size_t len = flame_fit(p->name, NAME_CHARS, &cut);

		(void)snprintf(text, sizeof(text), "%.*s%s (%" PRId64 ")", (int)len,
			       *p->name ? p->name : "?", cut ? ".." : "", p->pid);
	} else {
		(void)snprintf(text, sizeof(text), "%zu more", row->n_hidden);
	}
	put_text(c, p && p->inside ? "" : "hidden", PAD + (double)depth * INDENT, y, NULL, text);
	table_ns(ns_between(row->begin_ns, row->end_ns), ns);
	put_text(c, "time", LEFT - 8, y, "end", ns);
}

static void put_share(struct chart *c, const char *name, int64_t ns, bool always)
{
	char text[TABLE_VALUE_MOST];

	if (!ns && !always)
		return;
	table_ns(ns, text);
	out_fmt(c->out, "\n%s %s", name, text);
}

static void put_tip(struct chart *c, const struct boot_row *row)
{
	const struct boot_process *p =
		row->process == BOOT_NONE ? NULL : &c->b->tree.all[row->process];
	char ns[TABLE_VALUE_MOST];

	out_str(c->out, "<title>");
	if (p) {
		put_escaped(c, p->file ? p->file : p->name);
		out_fmt(c->out, " (%" PRId64 ")", p->pid);
		if (p->n_threads > 1)
			out_fmt(c->out, ", %" PRIu32 " threads", p->n_threads);
	} else {
		out_fmt(c->out, "%zu small processes", row->n_hidden);
	}
	table_ns(ns_between(c->b->tree.begin_ns, row->begin_ns), ns);
	out_fmt(c->out, "\n%s at %s", p && p->born ? "forked" : "first seen", ns);
	put_share(c, p && p->gone ? "ended after" : "seen for",
		  ns_between(row->begin_ns, row->end_ns), true);
	put_share(c, "ran", row->ns[BOOT_RUN], true);
	put_share(c, "waited for a CPU", row->ns[BOOT_WAIT], true);
	put_share(c, "for a disk", row->ns[BOOT_DISK], false);
	put_share(c, "blocked", row->ns[BOOT_BLOCKED], true);
	put_share(c, "unknown", row->ns[BOOT_OTHER], false);
	put_share(c, "on the critical path", row->path_ns, false);
	out_str(c->out, "</title>");
}

static void put_bar(struct chart *c, uint32_t i)
{
	const struct boot_row *row = &c->b->rows.all[i];
	const struct boot_tree *t = &c->b->tree;
	const int y = y_of(c, i);
	const double x = x_of(c, row->begin_ns), end = x_of(c, row->end_ns);
	const unsigned run = 1u << BOOT_RUN, wait = 1u << BOOT_WAIT, disk = 1u << BOOT_DISK;

	out_fmt(c->out, "<g%s>", row->process == BOOT_NONE ? " class=\"hidden\"" : "");
	put_tip(c, row);
	out_fmt(c->out, "<rect class=\"b\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\"/>\n", x,
		y, end - x > 1 ? end - x : 1, c->bar);
	const double all = (double)span_ns(c);
	boot_cells(t, &c->b->rows, i, t->begin_ns, t->end_ns, c->cells, COLUMNS);
	put_area(c, "u", BOOT_OTHER, run | wait | disk | 1u << BOOT_BLOCKED, all, y, c->bar);
	put_area(c, "d", BOOT_DISK, run | wait, all, y, c->bar);
	put_area(c, "w", BOOT_WAIT, run, all, y, c->bar);
	put_area(c, "r", BOOT_RUN, 0, all, y, c->bar);
	out_str(c->out, "</g>\n");
}

/* From the bar of who made it, when that was, to its own. */
static void put_branch(struct chart *c, uint32_t i)
{
	const struct boot_row *row = &c->b->rows.all[i];

	if (row->parent == BOOT_NONE || row->process == BOOT_NONE)
		return;
	out_fmt(c->out, "<path class=\"tree\" d=\"M%.2f %dV%d\"/>\n", x_of(c, row->begin_ns),
		y_of(c, row->parent) + c->bar, y_of(c, i));
}

static int put_execs(struct chart *c)
{
	const struct boot *b = c->b;
	sonde_auto(mem_freep) uint8_t *n = calloc(b->rows.n + 1, 1);
	struct exec_start e;
	bool some = false;

	if (!n)
		return sonde_fail(-ENOMEM, "out of memory for the picture");
	for (size_t i = 0; exec_build_exec(b->build, i, &e); i++) {
		const uint32_t p = boot_tree_of(&b->tree, e.worker);
		const uint32_t row = p == BOOT_NONE ? BOOT_NONE : b->rows.of[p];

		if (row == BOOT_NONE || b->rows.all[row].process == BOOT_NONE ||
		    n[row] >= EXEC_TICKS_MOST || e.ts_ns < b->tree.begin_ns ||
		    e.ts_ns > b->tree.end_ns)
			continue;
		n[row]++;
		out_fmt(c->out, "%sM%.2f %dv%d", some ? "" : "<path class=\"x\" d=\"",
			x_of(c, e.ts_ns), y_of(c, row) - 1, c->bar + 2);
		some = true;
	}
	if (some)
		out_str(c->out, "\"/>\n");
	return 0;
}

/* The critical path: along the bars, or, with @hops, up and down between them. */
static void put_path(struct chart *c, bool hops)
{
	const struct boot *b = c->b;
	uint32_t at = BOOT_NONE;
	int64_t x = 0, from = 0;

	out_fmt(c->out, "<path class=\"path%s\" d=\"M%d %d", hops ? " hop" : "", LEFT, c->rows_y);
	for (size_t i = 0; i < b->path.n; i++) {
		const struct path_step *s = &b->path.steps[i];
		const uint32_t p =
			s->from == EXEC_NONE ? boot_tree_of(&b->tree, s->worker) : BOOT_NONE;
		const uint32_t row = p == BOOT_NONE ? BOOT_NONE : b->rows.of[p];
		const int64_t end = centi(c, s->end_ns);

		// Hops of less than a quarter of a pixel there and back would only make a blot.
		if (row == BOOT_NONE || (row != at && at != BOOT_NONE && end - x < 25))
			continue;
		if (at != BOOT_NONE && row != at && hops)
			out_fmt(c->out, "M%.2f %dV%d", x_of(c, s->begin_ns), path_y(c, at),
				path_y(c, row));
		if (at != BOOT_NONE && row != at && !hops)
			out_fmt(c->out, "M%.2f %dH%.2f", (double)from / 100, path_y(c, at),
				x_of(c, s->begin_ns));
		if (row != at)
			from = centi(c, s->begin_ns);
		at = row;
		x = end;
	}
	if (at != BOOT_NONE && !hops)
		out_fmt(c->out, "M%.2f %dH%.2f", (double)from / 100, path_y(c, at),
			(double)x / 100);
	out_str(c->out, "\"/>\n");
}

static int put_rows(struct chart *c)
{
	const size_t n = c->b->rows.n;

	for (uint32_t i = 0; i < n; i++)
		put_branch(c, i);
	for (uint32_t i = 0; i < n; i++) {
		put_label(c, i);
		put_bar(c, i);
	}
	int r = put_execs(c);
	if (c->b->path.n) {
		put_path(c, /* hops= */ true);
		put_path(c, /* hops= */ false);
	}
	return r;
}

static void put_foot(struct chart *c, int y)
{
	char text[200];
	const struct boot *b = c->b;

	if (b->rows.n_hidden) {
		(void)snprintf(text, sizeof(text),
			       "%zu small processes share rows (--limit 0 draws all)",
			       b->rows.n_hidden);
		put_text(c, "sub", PAD, y + 20, NULL, text);
	}
	if (!b->has_io)
		put_text(c, "sub", WIDTH - RIGHT, y + 20, "end",
			 "no disks: the trace has no block_rq_issue events");
	if (b->n_more) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " disk requests are left out",
			       b->n_more);
		put_text(c, "sub", WIDTH - RIGHT, y + 20, "end", text);
	}
}

static int draw(struct chart *c)
{
	struct kernel_host *const *hosts;
	const size_t all = kernel_hosts(exec_build_kernel(c->b->build), &hosts);
	const size_t n = c->b->rows.n, n_hosts = all < HOSTS_MOST ? all : HOSTS_MOST;
	const int strips = (int)n_hosts * (c->b->has_io ? 2 : 1);

	c->pitch = n <= 40 ? 21 : 16;
	c->bar = c->pitch - 5;
	const int axis_y = HEAD + strips * (STRIP + STRIP_GAP);
	c->rows_y = axis_y + AXIS + 4;
	c->end_y = c->rows_y + (int)n * c->pitch;
	put_head(c, c->end_y + AXIS + FOOT);
	put_axis(c, axis_y, c->end_y + 4);
	for (size_t i = 0, k = 0; i < n_hosts; i++) {
		put_cpus(c, hosts[i], all > 1, HEAD + (int)k++ * (STRIP + STRIP_GAP));
		if (c->b->has_io)
			put_disks(c, hosts[i], all > 1, HEAD + (int)k++ * (STRIP + STRIP_GAP));
	}
	int r = put_rows(c);
	put_axis(c, c->end_y, 0);
	put_foot(c, c->end_y + AXIS);
	out_str(c->out, "</svg>\n");
	return r < 0 ? r : strbuf_ok(&c->text);
}

int boot_svg(const struct boot *b, struct sonde_out *out)
{
	struct chart c = { .b = b, .out = out, .cells = calloc(COLUMNS, sizeof(*c.cells)) };
	int r = c.cells ? draw(&c) : sonde_fail(-ENOMEM, "out of memory for the picture");

	free(c.cells);
	strbuf_fini(&c.text);
	return r;
}
