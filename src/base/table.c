/* SPDX-License-Identifier: MIT */
/** Lays out tables: widths from the rows, long text cut only where the terminal is too small. */
#include "base/table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/utf8.h"

enum { COLUMNS_MOST = 24, GAP = 2, TEXT_LEAST = 8 };

void table_init(struct table *t, const struct table_column *cols, size_t n_cols)
{
	*t = (struct table){ .cols = cols, .n_cols = n_cols };
}

void table_fini(struct table *t)
{
	free(t->cells);
	*t = (struct table){ 0 };
}

static void add_cell(struct table *t, struct table_cell c)
{
	if (t->failed || mem_grow(&t->cells, &t->cap, t->n + 1) < 0) {
		t->failed = true;
		return;
	}
	t->cells[t->n++] = c;
}

void table_none(struct table *t)
{
	add_cell(t, (struct table_cell){ .kind = TABLE_NONE });
}

void table_int(struct table *t, int64_t v)
{
	add_cell(t, (struct table_cell){ .kind = TABLE_INT, .u.i = v });
}

void table_real(struct table *t, double v)
{
	add_cell(t, (struct table_cell){ .kind = TABLE_REAL, .u.d = v });
}

void table_str(struct table *t, const char *s)
{
	if (!s || !*s)
		table_none(t);
	else
		add_cell(t, (struct table_cell){ .kind = TABLE_STR, .u.s = s });
}

void table_json_text(struct table *t, const char *s)
{
	add_cell(t, (struct table_cell){ .kind = TABLE_JSON, .u.s = s });
}

static double as_real(const struct table_cell *c)
{
	return c->kind == TABLE_REAL ? c->u.d : (double)c->u.i;
}

/* Digits in groups of three, from the left of @ret. */
static void group_digits(int64_t v, char *ret)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v < 0 ? -(uint64_t)v : (uint64_t)v);

	if (v < 0)
		*ret++ = '-';
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*ret++ = ',';
		*ret++ = digits[i];
	}
	*ret = '\0';
}

/* The unit stands in two columns, so that the digits of a column stand below each other. */
static void show_ns(double ns, char *ret)
{
	static const struct {
		double size;
		const char *unit;
	} units[] = { { 1e9, " s" }, { 1e6, "ms" }, { 1e3, "us" } };

	for (size_t i = 0; i < MEM_LEN(units); i++) {
		// 999.9996 us is shown as 1.000 ms, not as 1000.000 us.
		if (fabs(ns) >= units[i].size * 0.9999995) {
			snprintf(ret, TABLE_VALUE_MOST, "%.3f %s", ns / units[i].size,
				 units[i].unit);
			return;
		}
	}
	snprintf(ret, TABLE_VALUE_MOST, "%.0f ns", ns);
}

static void show_bytes(double n, char *ret)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	while (fabs(n) >= 1023.95 && i + 1 < MEM_LEN(units)) {
		n /= 1024;
		i++;
	}
	snprintf(ret, TABLE_VALUE_MOST, "%.*f %-3s", i ? 1 : 0, n, units[i]);
}

static void show_rate(double v, char *ret)
{
	char whole[TABLE_VALUE_MOST - 4];

	if (fabs(v) < 9.95 || fabs(v) > 9e17) {
		snprintf(ret, TABLE_VALUE_MOST, "%.3g /s", v);
		return;
	}
	group_digits(llround(v), whole);
	snprintf(ret, TABLE_VALUE_MOST, "%s /s", whole);
}

void table_value(enum table_unit unit, const struct table_cell *c, char *ret)
{
	if (c->kind != TABLE_INT && c->kind != TABLE_REAL) {
		snprintf(ret, TABLE_VALUE_MOST, "%s", c->kind == TABLE_NONE ? "-" : c->u.s);
		return;
	}
	switch (unit) {
	case TABLE_NS: show_ns(as_real(c), ret); return;
	case TABLE_PERCENT: snprintf(ret, TABLE_VALUE_MOST, "%.2f %%", as_real(c)); return;
	case TABLE_BYTES: show_bytes(as_real(c), ret); return;
	case TABLE_RATE: show_rate(as_real(c), ret); return;
	case TABLE_TEXT:
	case TABLE_ID:
	case TABLE_COUNT: break;
	}
	if (c->kind == TABLE_REAL)
		snprintf(ret, TABLE_VALUE_MOST, "%.3f", c->u.d);
	else if (unit == TABLE_COUNT)
		group_digits(c->u.i, ret);
	else
		snprintf(ret, TABLE_VALUE_MOST, "%" PRId64, c->u.i);
}

void table_ns(int64_t ns, char *ret)
{
	const struct table_cell c = { .kind = TABLE_INT, .u.i = ns };
	char padded[TABLE_VALUE_MOST];
	char *w = ret;

	table_value(TABLE_NS, &c, padded);
	for (const char *r = padded; *r; r++) {
		if (r[0] != ' ' || r[1] != ' ')
			*w++ = *r;
	}
	*w = '\0';
}

void table_count(uint64_t n, char *ret)
{
	group_digits(n > INT64_MAX ? INT64_MAX : (int64_t)n, ret);
}

size_t table_rows(const struct table *t)
{
	return t->n_cols ? t->n / t->n_cols : 0;
}

size_t table_limit(struct table *t, size_t most)
{
	const size_t n = table_rows(t);

	if (!most || n <= most)
		return 0;
	t->n = most * t->n_cols;
	return n - most;
}

/* One row's place in the order: its cell of the column, and where it was. */
struct sort_row {
	struct table_cell cell;
	size_t row;
};

static int compare_rows(const void *pa, const void *pb)
{
	const struct sort_row *a = pa, *b = pb;
	const bool known_a = a->cell.kind != TABLE_NONE, known_b = b->cell.kind != TABLE_NONE;
	int order = known_b - known_a;

	if (!order && a->cell.kind == TABLE_STR && b->cell.kind == TABLE_STR)
		order = strcmp(a->cell.u.s, b->cell.u.s);
	else if (!order && a->cell.kind == TABLE_INT && b->cell.kind == TABLE_INT)
		order = (a->cell.u.i < b->cell.u.i) - (a->cell.u.i > b->cell.u.i);
	else if (!order && known_a)
		order = (as_real(&a->cell) < as_real(&b->cell)) -
			(as_real(&a->cell) > as_real(&b->cell));
	return order ? order : (a->row > b->row) - (a->row < b->row);
}

static int find_column(const struct table *t, const char *key, size_t *ret)
{
	struct strbuf known = { 0 };

	for (size_t c = 0; c < t->n_cols; c++) {
		if (!t->cols[c].key)
			continue;
		if (!strcmp(t->cols[c].key, key)) {
			*ret = c;
			strbuf_fini(&known);
			return 0;
		}
		strbuf_fmt(&known, "%s%s", c ? ", " : "", t->cols[c].key);
	}
	int r = sonde_fail(-EINVAL, "no column '%s'; there are %s", key, strbuf_text(&known));
	strbuf_fini(&known);
	return r;
}

bool table_has(const struct table *t, const char *key)
{
	for (size_t i = 0; i < t->n_cols; i++) {
		if (t->cols[i].key && !strcmp(t->cols[i].key, key))
			return true;
	}
	return false;
}

int table_sort(struct table *t, const char *key)
{
	const size_t n = table_rows(t);
	size_t col = 0;

	int r = find_column(t, key, &col);
	if (r < 0)
		return r;
	if (t->failed || n < 2)
		return 0;

	sonde_auto(mem_freep) struct sort_row *rows = calloc(n, sizeof(*rows));
	sonde_auto(mem_freep) struct table_cell *sorted = calloc(t->n, sizeof(*sorted));
	if (!rows || !sorted)
		return sonde_fail(-ENOMEM, "out of memory for a table");
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct sort_row){ t->cells[i * t->n_cols + col], i };
	qsort(rows, n, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < n; i++)
		memcpy(sorted + i * t->n_cols, t->cells + rows[i].row * t->n_cols,
		       t->n_cols * sizeof(*sorted));
	memcpy(t->cells, sorted, n * t->n_cols * sizeof(*sorted));
	return 0;
}

/* How many columns of a terminal UTF-8 text takes: one for each code point, and for each byte that
 * is none and shown as '?'. */
static size_t shown_len(const char *s)
{
	size_t n = 0;

	for (; *s; n++) {
		size_t len = utf8_len(s);

		s += len ? len : 1;
	}
	return n;
}

static const char *cell_text(const struct table *t, size_t row, size_t col, char *buf)
{
	const struct table_cell *c = &t->cells[row * t->n_cols + col];

	if (c->kind == TABLE_STR)
		return c->u.s;
	table_value(t->cols[col].unit, c, buf);
	return buf;
}

static void find_widths(const struct table *t, size_t *ret)
{
	char buf[TABLE_VALUE_MOST];

	for (size_t c = 0; c < t->n_cols; c++) {
		ret[c] = t->cols[c].head ? shown_len(t->cols[c].head) : 0;
		for (size_t r = 0; t->cols[c].head && r < table_rows(t); r++) {
			size_t n = shown_len(cell_text(t, r, c, buf));

			ret[c] = n > ret[c] ? n : ret[c];
		}
	}
}

/* Takes what is too much from the widest columns of text. */
static void fit_widths(const struct table *t, size_t *widths, size_t room)
{
	for (;;) {
		size_t total = 0, widest = t->n_cols;

		for (size_t c = 0; c < t->n_cols; c++) {
			if (!t->cols[c].head)
				continue;
			total += widths[c] + (total ? GAP : 0);
			if (t->cols[c].unit == TABLE_TEXT && widths[c] > TEXT_LEAST &&
			    (widest == t->n_cols || widths[c] > widths[widest]))
				widest = c;
		}
		if (total <= room || widest == t->n_cols)
			return;
		widths[widest]--;
	}
}

static void put_spaces(struct sonde_out *o, size_t n)
{
	out_fmt(o, "%*s", (int)n, "");
}

/* Writes at most @width code points, the last an ellipsis where some are left out. */
static void put_text(struct sonde_out *o, const char *s, size_t width, bool cut)
{
	const size_t most = cut ? width - 1 : width;

	for (size_t n = 0; *s && n < most; n++) {
		size_t len = utf8_len(s);
		bool shown = utf8_shown_len(s) != 0;

		len = len ? len : 1;
		out_add(o, shown ? s : "?", shown ? len : 1);
		s += len;
	}
	if (cut)
		out_str(o, "\u2026");
}

static void put_cell(struct sonde_out *o, const char *s, bool left, size_t width, bool last)
{
	const size_t n = shown_len(s);

	if (!left && n < width)
		put_spaces(o, width - n);
	put_text(o, s, width, n > width);
	if (left && n < width && !last)
		put_spaces(o, width - n);
}

static void put_row(const struct table *t, struct sonde_out *o, const size_t *widths, size_t row,
		    unsigned indent)
{
	char buf[TABLE_VALUE_MOST];
	size_t last = 0;

	for (size_t c = 0; c < t->n_cols; c++)
		last = t->cols[c].head ? c : last;
	put_spaces(o, indent);
	for (size_t c = 0, some = 0; c < t->n_cols; c++) {
		if (!t->cols[c].head)
			continue;
		const char *text = row == SIZE_MAX ? t->cols[c].head : cell_text(t, row, c, buf);

		// Nothing behind the last text of a line.
		if (c == last && !strcmp(text, " "))
			break;
		if (some++)
			put_spaces(o, GAP);
		put_cell(o, text, t->cols[c].unit == TABLE_TEXT, widths[c], c == last);
	}
	out_add(o, "\n", 1);
}

static int check_table(const struct table *t)
{
	if (t->failed)
		return sonde_fail(-ENOMEM, "out of memory for a table");
	if (t->n_cols > COLUMNS_MOST || t->n % t->n_cols)
		return sonde_fail(-EINVAL, "a table of %zu columns has %zu cells", t->n_cols, t->n);
	return 0;
}

int table_print(const struct table *t, struct sonde_out *o, unsigned indent, unsigned width)
{
	size_t widths[COLUMNS_MOST];
	int r = check_table(t);
	if (r < 0)
		return r;

	find_widths(t, widths);
	if (width)
		fit_widths(t, widths, width > indent ? width - indent : 1);
	put_row(t, o, widths, SIZE_MAX, indent);
	for (size_t row = 0; row < table_rows(t); row++)
		put_row(t, o, widths, row, indent);
	return 0;
}

static void put_json(struct json *j, const char *key, const struct table_cell *c)
{
	switch (c->kind) {
	case TABLE_NONE: json_null(j, key); break;
	case TABLE_INT: json_int(j, key, c->u.i); break;
	case TABLE_REAL: json_real(j, key, c->u.d); break;
	case TABLE_STR: json_str(j, key, c->u.s); break;
	case TABLE_JSON: json_text(j, key, c->u.s); break;
	}
}

static void put_rows(const struct table *t, struct json *j)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct table_column *col = &t->cols[i % t->n_cols];
		const struct table_cell *c = &t->cells[i];

		if (i % t->n_cols == 0)
			json_object(j, NULL);
		if (col->key)
			put_json(j, col->key, c);
		if (i % t->n_cols == t->n_cols - 1)
			json_end_object(j);
	}
}

int table_json(const struct table *t, struct json *j, const char *key)
{
	int r = check_table(t);
	if (r < 0)
		return r;

	json_array(j, key);
	put_rows(t, j);
	json_end_array(j);
	return 0;
}

int table_json_rows(struct table *t, struct json *j)
{
	int r = check_table(t);

	if (r >= 0)
		put_rows(t, j);
	t->n = 0;
	return r;
}
