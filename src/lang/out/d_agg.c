/* SPDX-License-Identifier: MIT */
/** Aggregations and lines of probes as dtrace prints them. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/mem.h"
#include "lang/out/format.h"
#include "lang/out/printer.h"
#include "lang/out/quote.h"
#include "lang/out/value.h"
#include "lang/syntax/d/d.h"

enum { KEY_WIDTH = 50, AGGS_MOST = 16, FLOW_STEP = 2 };

/* --- lines --- */

static bool ends_with(const char *s, size_t len, const char *end)
{
	const size_t n = strlen(end);

	return len >= n && !memcmp(s + len - n, end, n) && (len == n || s[len - n - 1] == '-');
}

/* "  0  -> read", further to the right the deeper the call is. */
static void flow_line(struct printer *p, uint32_t cpu, const char *name)
{
	size_t len, func_len, prov_len;
	const char *last = d_name_part(name, 3, &len), *func = d_name_part(name, 2, &func_len);
	const char *prov = d_name_part(name, 0, &prov_len);
	const bool entry = ends_with(last, len, "entry"), ret = ends_with(last, len, "return");
	const bool call = prov_len == 7 && !memcmp(prov, "syscall", 7);
	struct strbuf *const line = &p->line;

	line->len = 0;
	if (!p->has_heading)
		strbuf_fmt(line, "%3s %-41s\n", "CPU", "FUNCTION");
	p->has_heading = true;
	if (ret && p->indent >= FLOW_STEP)
		p->indent -= FLOW_STEP;
	strbuf_fmt(line, "%3u ", cpu);
	const size_t from = line->len;
	strbuf_fmt(line, "%*s%s ", (int)p->indent + 1, "",
		   entry ? (call ? "=>" : "->")
		   : ret ? (call ? "<=" : "<-")
			 : "|");
	strbuf_add(line, func, func_len);
	if (!entry && !ret) {
		strbuf_str(line, ":");
		strbuf_add(line, last, len);
	}
	while (line->len < from + 41 && !line->failed)
		strbuf_str(line, " ");
	if (entry && p->indent < 200)
		p->indent += FLOW_STEP;
}

void print_d_line(struct printer *p, uint32_t cpu, uint32_t name)
{
	const bool known = p->script && name < p->script->n_probe_names;
	const char *full = known ? p->script->probe_names[name] : "";
	size_t func_len, len;
	const char *func = d_name_part(full, 2, &func_len), *last = d_name_part(full, 3, &len);
	struct strbuf *const line = &p->line;

	line->len = 0;
	line->failed = false;
	if (p->format == PRINT_JSON) {
		strbuf_fmt(line,
			   "{\"type\": \"probe\", \"data\": {\"cpu\": %u, \"id\": %u, "
			   "\"name\": ",
			   cpu, name + 1);
		quote_json(line, full, strlen(full));
		strbuf_str(line, "}}\n");
	} else if (p->script && p->script->d && p->script->d->flowindent) {
		flow_line(p, cpu, full);
	} else {
		if (!p->has_heading)
			strbuf_fmt(line, "%3s %6s %32s\n", "CPU", "ID", "FUNCTION:NAME");
		p->has_heading = true;
		const int room = 31 - (int)len > 0 ? 31 - (int)len : 0;
		strbuf_fmt(line, "%3u %6u %*.*s:%.*s ", cpu, name + 1, room, (int)func_len, func,
			   (int)len, last);
	}
	if (!line->failed)
		out_add(p->out, line->data, line->len);
}

int print_d_clause(struct printer *p, const struct site *site, const void *payload,
		   int (*act)(void *arg, const struct site *part, const void *payload, size_t len),
		   void *arg)
{
	uint32_t at[2];
	int r = 0;

	memcpy(at, payload, sizeof(at));
	if (site->has_line)
		print_d_line(p, at[0], at[1]);
	for (uint32_t i = 0; !r && i < site->n_parts; i++) {
		const struct site *part = &p->script->sites[site->parts[i].site];
		const uint8_t *bytes = (const uint8_t *)payload + site->parts[i].off;
		struct record_head head;

		memcpy(&head, bytes, sizeof(head));
		if (head.ts_ns)
			r = act(arg, part, bytes + sizeof(head), part->payload_len);
	}
	if (site->has_line && p->format == PRINT_TEXT)
		out_str(p->out, "\n");
	return r;
}

/* --- rows of one or several aggregations --- */

struct table {
	struct printer *p;
	const struct d_agg *aggs;
	size_t n_aggs;
	uint32_t *order;      /* owned: rows of the first aggregation */
	const uint8_t **vals; /* owned: of a row @n_aggs values; NULL where one has none */
	size_t n;
};

static void table_fini(struct table *t)
{
	free(t->order);
	free(t->vals);
}

static const uint8_t *key_at(const struct rows *r, size_t i)
{
	return r->keys + i * r->key_len;
}

static const uint8_t *val_at_row(const struct rows *r, size_t i)
{
	return r->vals + i * r->val_len;
}

static int compare_part(const struct type *t, const uint8_t *a, const uint8_t *b)
{
	uint64_t x = 0, y = 0;

	if (t->kind == TYPE_STR)
		return strncmp((const char *)a, (const char *)b, t->size);
	if (value_number(t, a, &x) && value_number(t, b, &y))
		return ((int64_t)x > (int64_t)y) - ((int64_t)x < (int64_t)y);
	return memcmp(a, b, t->size);
}

static int compare_keys(const struct table *t, const uint8_t *a, const uint8_t *b)
{
	const struct type *k = t->aggs[0].map->key;
	const uint32_t first = t->p->script && t->p->script->d ? t->p->script->d->sort_key_pos : 0;

	if (k->kind == TYPE_NONE)
		return 0;
	if (k->kind != TYPE_TUPLE)
		return compare_part(k, a, b);
	for (uint32_t i = 0; i < k->n; i++) {
		const struct type_field *f = &k->fields[(i + first) % k->n];
		const int r = compare_part(f->type, a + f->off, b + f->off);
		if (r)
			return r;
	}
	return 0;
}

/* Rows in the order of their keys' bytes, to be found by them. */
struct by_key {
	const struct rows *rows;
	uint32_t *order; /* owned: of the first @n; there may be more since */
	size_t n;
};

static int compare_bytes(const void *pa, const void *pb, void *arg)
{
	const struct rows *r = arg;

	return memcmp(key_at(r, *(const uint32_t *)pa), key_at(r, *(const uint32_t *)pb),
		      r->key_len);
}

static int by_key_init(struct by_key *b, const struct rows *rows)
{
	*b = (struct by_key){ .rows = rows, .n = rows->n };
	if (rows->n >= UINT32_MAX)
		return sonde_fail(-ENOMEM, "an aggregation has too many rows");
	b->order = malloc((rows->n + 1) * sizeof(*b->order));
	if (!b->order)
		return sonde_fail(-ENOMEM, "out of memory for the rows of an aggregation");
	for (size_t i = 0; i < rows->n; i++)
		b->order[i] = (uint32_t)i;
	qsort_r(b->order, rows->n, sizeof(*b->order), compare_bytes, (void *)(uintptr_t)rows);
	return 0;
}

static void by_key_fini(struct by_key *b)
{
	free(b->order);
}

/* The value of @key; NULL: there is none. */
static const uint8_t *by_key_find(const struct by_key *b, const uint8_t *key)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const uint32_t row = b->order[middle];
		const int r = memcmp(key, key_at(b->rows, row), b->rows->key_len);
		if (!r)
			return val_at_row(b->rows, row);
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const uint8_t *value_of(const struct table *t, size_t agg, uint32_t row)
{
	return t->vals[(size_t)row * t->n_aggs + agg];
}

static int compare_values(const struct table *t, size_t agg, uint32_t a, uint32_t b)
{
	const uint8_t *x = value_of(t, agg, a), *y = value_of(t, agg, b);

	if (!x || !y)
		return (x != NULL) - (y != NULL);
	return d_value_compare(t->aggs[agg].map->val, x, y);
}

static int compare_rows(const void *pa, const void *pb, void *arg)
{
	const uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct table *t = arg;
	const struct ast_d *d = t->p->script ? t->p->script->d : NULL;
	const struct rows *rows = t->aggs[0].rows;
	const size_t first = d && d->sort_pos < t->n_aggs ? d->sort_pos : 0;
	int r = 0;

	if (d && d->sort_key)
		r = compare_keys(t, key_at(rows, a), key_at(rows, b));
	for (size_t i = 0; !r && i < t->n_aggs; i++)
		r = compare_values(t, (i + first) % t->n_aggs, a, b);
	if (!r)
		r = compare_keys(t, key_at(rows, a), key_at(rows, b));
	if (!r)
		r = (a > b) - (a < b);
	return d && d->sort_rev ? -r : r;
}

/* Values of all aggregations for the keys of the first one. */
static int find_values(struct table *t)
{
	const struct rows *rows = t->aggs[0].rows;
	int r = 0;

	t->vals = calloc(rows->n * t->n_aggs + 1, sizeof(*t->vals));
	if (!t->vals)
		return sonde_fail(-ENOMEM, "out of memory for an aggregation");
	for (size_t i = 0; i < rows->n; i++)
		t->vals[i * t->n_aggs] = val_at_row(rows, i);
	for (size_t k = 1; !r && k < t->n_aggs; k++) {
		sonde_auto(by_key_fini) struct by_key b = { 0 };
		r = by_key_init(&b, t->aggs[k].rows);
		for (size_t i = 0; !r && i < rows->n; i++)
			t->vals[i * t->n_aggs + k] = by_key_find(&b, key_at(rows, i));
	}
	return r;
}

static int sort(struct table *t)
{
	const struct rows *rows = t->aggs[0].rows;

	if (rows->n >= UINT32_MAX)
		return sonde_fail(-ENOMEM, "an aggregation has too many rows");
	t->order = malloc((rows->n + 1) * sizeof(*t->order));
	if (!t->order)
		return sonde_fail(-ENOMEM, "out of memory for the order of an aggregation");
	for (size_t i = 0; i < rows->n; i++)
		t->order[i] = (uint32_t)i;
	t->n = rows->n;
	int r = find_values(t);
	if (r < 0)
		return r;
	qsort_r(t->order, t->n, sizeof(*t->order), compare_rows, t);
	return 0;
}

/* --- functions as keys --- */

/** Symbols that were seen, each with the address that stands for all of it; by their text. */
struct symbols {
	struct symbol {
		const char *text;
		uint64_t addr;
	} * all; /* owned */
	size_t n, cap;
	struct arena arena; /* for the texts */
};

static void symbols_fini(struct symbols *s)
{
	free(s->all);
	arena_fini(&s->arena);
}

/* The address of the symbol with this text; @addr where it is a new one. */
static int symbol_address(struct symbols *s, const char *text, uint64_t addr, uint64_t *ret)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int r = strcmp(text, s->all[middle].text);
		if (!r) {
			*ret = s->all[middle].addr;
			return 0;
		}
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	int r = mem_grow(&s->all, &s->cap, s->n + 1);
	const char *copy = r < 0 ? NULL : arena_strndup(&s->arena, text, strlen(text));
	if (!copy)
		return -ENOMEM;
	memmove(&s->all[low + 1], &s->all[low], (s->n - low) * sizeof(s->all[0]));
	s->all[low] = (struct symbol){ copy, addr };
	s->n++;
	*ret = addr;
	return 0;
}

/* The address at @bytes becomes that of its symbol's. */
static int one_address(struct printer *p, struct symbols *s, const struct type *t, uint8_t *bytes)
{
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };
	struct usym_value u = { .addr = load_u64(bytes) };

	if (t->kind == TYPE_USYM) {
		memcpy(&u, bytes, sizeof(u));
		strbuf_fmt(&text, "%u ", u.pid);
	}
	d_symbol_add(p, t, bytes, false, &text);
	int r = strbuf_ok(&text);
	if (!r)
		r = symbol_address(s, strbuf_text(&text), u.addr, &u.addr);
	if (!r)
		memcpy(bytes, &u.addr, sizeof(u.addr));
	return r;
}

static bool is_symbol(const struct type *t)
{
	return t->kind == TYPE_KSYM || t->kind == TYPE_USYM;
}

/* Places within one function are one key. */
static int merge_symbols(struct printer *p, const struct d_agg *agg)
{
	sonde_auto(symbols_fini) struct symbols s = { 0 };
	const struct type *k = agg->map->key;
	bool any = is_symbol(k);
	int r = 0;

	for (uint32_t i = 0; k->kind == TYPE_TUPLE && i < k->n; i++)
		any = any || is_symbol(k->fields[i].type);
	for (size_t row = 0; any && !r && row < agg->rows->n; row++) {
		uint8_t *key = agg->rows->keys + row * agg->rows->key_len;

		if (is_symbol(k))
			r = one_address(p, &s, k, key);
		for (uint32_t i = 0; k->kind == TYPE_TUPLE && !r && i < k->n; i++)
			if (is_symbol(k->fields[i].type))
				r = one_address(p, &s, k->fields[i].type, key + k->fields[i].off);
	}
	return !r && any ? rows_merge(agg->rows, agg->map) : r;
}

/* Keys that only later aggregations have come to the first one, with a value of nothing. */
static int join(const struct d_agg *aggs, size_t n)
{
	struct rows *first = aggs[0].rows;
	sonde_auto(mem_freep) uint8_t *zeros = calloc(1, first->val_len + 1);
	int r = zeros ? 0 : sonde_fail(-ENOMEM, "out of memory");

	for (size_t i = 1; !r && i < n; i++) {
		const struct rows *other = aggs[i].rows;
		sonde_auto(by_key_fini) struct by_key b = { 0 };

		r = by_key_init(&b, first);
		for (size_t k = 0; !r && k < other->n; k++)
			if (!by_key_find(&b, key_at(other, k)))
				r = rows_add(first, key_at(other, k), zeros);
	}
	return r;
}

static void add_key(struct printer *p, const struct type *t, const uint8_t *key, struct strbuf *ret)
{
	const struct value_how how = { .p = p, .div = 1 };

	if (t->kind == TYPE_NONE)
		return;
	if (t->kind != TYPE_TUPLE) {
		d_value_add(&how, t, key, KEY_WIDTH, false, ret);
		return;
	}
	for (uint32_t i = 0; i < t->n; i++)
		d_value_add(&how, t->fields[i].type, key + t->fields[i].off, KEY_WIDTH, false, ret);
}

/* Values of the row in all aggregations: "  key   1   2". */
static void plain_row(const struct table *t, uint32_t row, struct strbuf *ret)
{
	uint8_t zeros[64] = { 0 };

	add_key(t->p, t->aggs[0].map->key, key_at(t->aggs[0].rows, row), ret);
	for (size_t i = 0; i < t->n_aggs; i++) {
		const struct d_agg *g = &t->aggs[i];
		const struct value_how how = { .p = t->p, .div = (int64_t)g->normal };
		const uint8_t *val = value_of(t, i, row);

		if (val || g->map->val->size <= sizeof(zeros))
			d_value_add(&how, g->map->val, val ? val : zeros, KEY_WIDTH, false, ret);
	}
	strbuf_str(ret, "\n");
}

/* --- rows by a format --- */

/** A site whose arguments are the parts of a key and the values of all aggregations. */
struct row_format {
	struct site site;
	struct type_field args[64 + AGGS_MOST];
	struct format *format; /* owned */
	uint8_t *row;	       /* owned: key and values behind each other */
	uint32_t offs[AGGS_MOST];
	uint32_t len;
};

static void row_format_fini(struct row_format *f)
{
	format_free(f->format);
	free(f->row);
}

static int row_format_init(struct row_format *f, const struct site *site, const struct d_agg *aggs,
			   size_t n)
{
	const struct type *k = aggs[0].map->key;
	uint32_t at = 0;

	for (uint32_t i = 0; k->kind == TYPE_TUPLE && i < k->n && i < 64; i++)
		f->args[at++] = k->fields[i];
	if (k->kind != TYPE_TUPLE && k->kind != TYPE_NONE)
		f->args[at++] = (struct type_field){ k, 0 };
	f->len = (k->size + 7) & ~7U;
	for (size_t i = 0; i < n; i++) {
		const struct type *v = aggs[i].map->val;
		f->offs[i] = f->len;
		f->args[at++] = (struct type_field){ v, f->len };
		f->len += (v->size + 7) & ~7U;
	}
	f->site = *site;
	f->site.args = f->args;
	f->site.n_args = at;
	f->site.n_maps = (uint32_t)n;
	f->row = calloc(1, f->len + 1);
	if (!f->row)
		return sonde_fail(-ENOMEM, "out of memory for a row");
	return format_new(&f->site, &f->format);
}

static int format_row(const struct table *t, struct row_format *f, uint32_t row, struct strbuf *ret)
{
	memset(f->row, 0, f->len);
	memcpy(f->row, key_at(t->aggs[0].rows, row), t->aggs[0].rows->key_len);
	for (size_t i = 0; i < t->n_aggs; i++) {
		const uint8_t *val = value_of(t, i, row);
		if (val)
			memcpy(f->row + f->offs[i], val, t->aggs[i].map->val->size);
	}
	return format_add(f->format, t->p, f->row, f->len, ret);
}

static int print_rows(const struct table *t, const struct site *site)
{
	sonde_auto(row_format_fini) struct row_format f = { 0 };
	struct strbuf text = { 0 };
	int r = site && site->fmt ? row_format_init(&f, site, t->aggs, t->n_aggs) : 0;

	for (size_t i = 0; !r && i < t->n; i++) {
		if (f.format)
			r = format_row(t, &f, t->order[i], &text);
		else
			plain_row(t, t->order[i], &text);
		if (!r)
			r = strbuf_ok(&text);
		if (!r)
			print_output(t->p, "printa", strbuf_text(&text), text.len);
		text.len = 0;
	}
	strbuf_fini(&text);
	return r;
}

static int print_json(struct printer *p, const struct d_agg *aggs, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = print_map(p, aggs[i].map, aggs[i].rows, 0, (int64_t)aggs[i].normal);
	return r;
}

int print_d_aggs(struct printer *p, const struct site *site, const struct d_agg *aggs, size_t n)
{
	uint64_t normals[AGGS_MOST];

	if (!n || n > AGGS_MOST)
		return sonde_fail(-EINVAL, "printa() of %zu aggregations", n);
	int r = 0;
	for (size_t i = 0; !r && i < n; i++)
		r = merge_symbols(p, &aggs[i]);
	if (!r && p->format == PRINT_JSON)
		return print_json(p, aggs, n);
	if (!r)
		r = join(aggs, n);
	if (r < 0)
		return r;
	sonde_auto(table_fini) struct table t = { .p = p, .aggs = aggs, .n_aggs = n };
	r = sort(&t);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		normals[i] = aggs[i].normal ? aggs[i].normal : 1;
	p->normals = normals;
	if (site && !site->fmt)
		print_output(p, "printa", "\n", 1);
	r = print_rows(&t, site);
	p->normals = NULL;
	return r;
}

/* --- trunc() --- */

int d_truncate(const struct script_map *m, struct rows *rows, int64_t most)
{
	struct printer p = { 0 };
	const struct d_agg agg = { m, rows, 1 };
	sonde_auto(table_fini) struct table t = { .p = &p, .aggs = &agg, .n_aggs = 1 };
	const size_t keep = most < 0 ? 0 - (uint64_t)most : (uint64_t)most;

	if (!keep || keep >= rows->n) {
		rows->n = keep ? rows->n : 0;
		return 0;
	}
	int r = sort(&t);
	if (r < 0)
		return r;
	const size_t first = most < 0 ? 0 : t.n - keep;
	struct rows kept;
	rows_init(&kept, m);
	for (size_t i = first; !r && i < first + keep; i++)
		r = rows_add(&kept, key_at(rows, t.order[i]), val_at_row(rows, t.order[i]));
	if (!r) {
		rows_fini(rows);
		*rows = kept;
		return 0;
	}
	rows_fini(&kept);
	return r;
}
