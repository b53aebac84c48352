/* SPDX-License-Identifier: MIT */
/**
 * Fuzzes what scripts print: types, a format and the bytes of a record or of a map's rows.
 *
 * The input: output format, site kind, number of arguments; a description of each type (one byte
 * for its kind, others as it needs them); the format's length and text; the rest is the payload.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "lang/out/printer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	const uint8_t *p;
	size_t left;
	struct arena arena;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static void add_number(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	(void)arg;
	(void)with_offset;
	strbuf_fmt(ret, "0x%llx", (unsigned long long)addr);
}

static void add_usym(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		     struct strbuf *ret)
{
	(void)with_module;
	add_number(arg, addr + pid, with_offset, ret);
}

static void add_user(void *arg, uint32_t uid, struct strbuf *ret)
{
	add_number(arg, uid, false, ret);
}

static void add_cgroup(void *arg, uint64_t id, struct strbuf *ret)
{
	add_number(arg, id, false, ret);
}

static size_t find_stack(void *arg, uint64_t id, uint64_t *ret)
{
	(void)arg;
	for (size_t i = 0; i < STACK_MOST; i++)
		ret[i] = id + i;
	return id % (STACK_MOST + 1);
}

static int64_t wall(void *arg, uint64_t ns)
{
	(void)arg;
	return (int64_t)ns;
}

static const struct names names = { .ksym = add_number,
				    .usym = add_usym,
				    .user = add_user,
				    .cgroup = add_cgroup,
				    .stack = find_stack,
				    .wall = wall };

/* Sizes of kinds that have but one. */
static uint32_t size_of(enum type_kind kind, uint8_t byte)
{
	switch (kind) {
	case TYPE_INT: return 1U << (byte & 3);
	case TYPE_STR: return byte;
	case TYPE_BUF: return 4U + byte;
	case TYPE_USTACK:
	case TYPE_USYM:
	case TYPE_MIN:
	case TYPE_MAX:
	case TYPE_AVG:
	case TYPE_STATS: return 16;
	case TYPE_INET: return sizeof(struct inet_value);
	case TYPE_USER:
	case TYPE_PROBE:
	case TYPE_ERRNO:
	case TYPE_SIGNAL: return 4;
	case TYPE_NONE: return 0;
	default: return 8;
	}
}

enum { MOST_ELEM = 1 << 23 }; /* 255 of them fit into 31 bits */

static const struct type *made_type(struct input *in, unsigned depth);

static void fill_hist(struct input *in, struct type *t)
{
	if (t->kind == TYPE_HIST) {
		t->hist_bits = take(in) % (HIST_BITS_MOST + 1);
		t->size = 8 * hist_len(t->hist_bits);
	} else if (t->kind == TYPE_LHIST) {
		t->lhist_step = 1 + take(in);
		t->lhist_min = (int8_t)take(in);
		t->lhist_max = t->lhist_min + take(in);
		t->size = (uint32_t)(8 * lhist_len(t));
	}
}

/* A struct with an array, a bit field and a nameless union inside. */
static void fill_record(struct input *in, struct type *t)
{
	static const char *const ints[] = { "char", "int", "unsigned long", "short" };
	struct cmember *m = arena_array(&in->arena, 4, sizeof(*m));
	struct ctype *whole = ctype_new(&in->arena, CT_STRUCT, "s", 8U + take(in));
	struct ctype *nameless = ctype_new(&in->arena, CT_UNION, "", 8);

	if (!m || !whole || !nameless)
		abort();
	for (size_t i = 0; i < 4; i++) {
		m[i] = (struct cmember){ .name = i == 2 ? "" : "m",
					 .bit_off = take(in),
					 .type = ctype_basic(ints[take(in) & 3]) };
		if (i == 1)
			m[i].bit_size = take(in) & 63;
	}
	m[2].type = nameless;
	m[3].type = ctype_array(&in->arena, m[3].type, take(in));
	nameless->members = m;
	nameless->n_members = 1;
	whole->members = m;
	whole->n_members = 4;
	whole->done = nameless->done = true;
	t->c = whole;
	t->size = (uint32_t)whole->size;
}

static const struct type *made_type(struct input *in, unsigned depth)
{
	static const char *const times[] = { "%H:%M:%S.%f", "", "%", "%c%f%f%f" };
	const uint8_t byte = take(in), more = take(in);
	enum type_kind kind = (enum type_kind)(byte % (TYPE_LHIST + 1));
	const struct type *parts[4];

	if (depth > 20)
		kind = TYPE_INT;
	if (kind == TYPE_TUPLE) {
		const uint32_t n = more % 5;

		for (uint32_t i = 0; i < n; i++)
			parts[i] = made_type(in, depth + 1);
		const struct type *tuple = type_tuple(&in->arena, parts, n);
		return tuple ? tuple : &type_i64; // the compiler refuses those that are too large
	}
	struct type *t = type_new(&in->arena, kind, size_of(kind, more), 1);
	if (!t)
		abort();
	t->is_signed = byte & 0x80;
	t->is_bool = byte & 0x40;
	t->stack_mode = (enum stack_mode)(more % 3);
	t->stack_depth = more;
	t->fmt = times[more & 3];
	fill_hist(in, t);
	if (kind == TYPE_RECORD)
		fill_record(in, t);
	if (kind == TYPE_ARRAY) {
		t->elem = made_type(in, depth + 1);
		t->n = t->elem->size < MOST_ELEM ? more : 1;
		t->size = t->elem->size * t->n;
	}
	return t;
}

static void run_record(struct input *in, struct printer *p, struct site *site)
{
	struct strbuf text = { 0 };
	uint8_t *payload = malloc(in->left ? in->left : 1); // exact: reading behind it is found

	if (!payload)
		abort();
	memcpy(payload, in->p, in->left);
	if (print_record(p, site, payload, in->left) > 0 ||
	    print_format(p, site, payload, in->left, &text) > 0)
		abort();
	strbuf_fini(&text);
	free(payload);
}

static void run_map(struct input *in, struct printer *p, const struct script_map *m)
{
	const size_t row = (size_t)m->key->size + m->val->size;
	struct rows rows;

	rows_init(&rows, m);
	for (; row && in->left >= row; in->p += row, in->left -= row)
		if (rows_add(&rows, in->p, in->p + m->key->size) < 0)
			abort();
	if (rows_merge(&rows, m) < 0 || print_map(p, m, &rows, take(in), take(in)) < 0)
		abort();
	rows_fini(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum site_kind kinds[] = { SITE_PRINTF, SITE_PRINT, SITE_PRINT_ELEM,
						SITE_TIME,   SITE_JOIN,	 SITE_PRINT_MAP };
	struct input in = { data, len, { .limit = 1 << 20 } };
	struct type_field args[4] = { 0 };
	struct script_map map = { .name = "x", .key = &type_none, .val = &type_u64 };
	struct site site = { .args = args, .n_args = 0 };
	struct script script = { .sites = &site, .n_sites = 1, .maps = &map, .n_maps = 1 };
	struct sonde_out out;

	if (len > 1 << 16 || out_init(&out, -1) < 0)
		return 0;
	struct printer p = { .script = &script, .names = &names, .out = &out };
	p.format = take(&in) & 1 ? PRINT_JSON : PRINT_TEXT;
	site.kind = kinds[take(&in) % MEM_LEN(kinds)];
	for (uint8_t n = take(&in) % 5, off = 0; site.n_args < n; off = (uint8_t)(off + take(&in)))
		args[site.n_args++] = (struct type_field){ made_type(&in, 0), off };
	if (site.n_args == 2) {
		map.key = args[0].type;
		map.val = args[1].type;
	}
	const size_t fmt = take(&in);
	char *text = arena_strndup(&in.arena, (const char *)in.p, fmt < in.left ? fmt : in.left);
	if (!text)
		abort();
	in.p += fmt < in.left ? fmt : in.left;
	in.left -= fmt < in.left ? fmt : in.left;
	site.fmt = text;

	if (site.kind == SITE_PRINT_MAP)
		run_map(&in, &p, &map);
	else
		run_record(&in, &p, &site);
	printer_fini(&p);
	out_fini(&out);
	arena_fini(&in.arena);
	return 0;
}
