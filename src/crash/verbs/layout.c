/* SPDX-License-Identifier: MIT */
/** Prints types: members with their offsets and bits, values of enumerations, sizes. */
#include "crash/verbs/layout.h"

#include <inttypes.h>

enum { DEPTH_MOST = 16, INDENT = 2, TYPE_MOST = 1 << 12, BYTES_MOST = 1 << 22 };

static bool has_members(const struct ctype *t)
{
	return t->kind == CT_STRUCT || t->kind == CT_UNION;
}

/* Nameless ones are shown where they stand. */
static bool is_inside(const struct cmember *m)
{
	return has_members(m->type) && !*m->type->name && !*m->name;
}

static void print_members(const struct ctype *t, uint64_t base, unsigned depth, struct strbuf *ret);

static void print_body(const struct ctype *t, uint64_t base, unsigned depth, struct strbuf *ret)
{
	strbuf_fmt(ret, "%s%s%s {\n", t->kind == CT_UNION ? "union" : "struct", *t->name ? " " : "",
		   t->name);
	if (depth < DEPTH_MOST)
		print_members(t, base, depth + 1, ret);
	else
		strbuf_fmt(ret, "%*s...\n", (int)((depth + 1) * INDENT), "");
	strbuf_fmt(ret, "%*s}", (int)(depth * INDENT), "");
}

static void print_members(const struct ctype *t, uint64_t base, unsigned depth, struct strbuf *ret)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	for (size_t i = 0; i < n && ret->len < BYTES_MOST; i++) {
		const uint64_t at = base + m[i].bit_off;

		strbuf_fmt(ret, "%*s", (int)(depth * INDENT), "");
		if (is_inside(&m[i])) {
			print_body(m[i].type, at, depth, ret);
			strbuf_str(ret, ";\n");
			continue;
		}
		strbuf_fmt(ret, "[%" PRIu64 "] ", at / 8);
		// A type without a name is known by this member alone.
		if (has_members(m[i].type) && !*m[i].type->name) {
			print_body(m[i].type, at, depth, ret);
			strbuf_fmt(ret, " %s", m[i].name);
		} else {
			ctype_declare(m[i].type, m[i].name, ret);
		}
		if (m[i].bit_size)
			strbuf_fmt(ret, ":%u, from bit %" PRIu64, m[i].bit_size, at % 8);
		strbuf_str(ret, ";\n");
	}
}

static void print_enumerators(const struct ctype *t, struct strbuf *ret)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	ctype_print(t, ret);
	strbuf_str(ret, " {\n");
	for (size_t i = 0; i < n && ret->len < BYTES_MOST; i++)
		strbuf_fmt(ret, "%*s%s = %" PRId64 ",\n", INDENT, "", m[i].name, m[i].value);
	strbuf_str(ret, "}");
}

void layout_print(const struct layout_of *of, struct strbuf *ret)
{
	const struct ctype *t = of->type;

	if (t->is_forward) {
		ctype_print(t, ret);
		strbuf_str(ret, " is only declared: its members are not known");
		return;
	}
	if (has_members(t))
		print_body(t, 0, 0, ret);
	else if (t->kind == CT_ENUM)
		print_enumerators(t, ret);
	else
		ctype_print(t, ret);
	strbuf_fmt(ret, "\nsize: %" PRIu64, t->size);
	if (of->off)
		strbuf_fmt(ret, ", offset: %" PRIu64, *of->off);
	if (of->bit_size)
		strbuf_fmt(ret, ", %u bits from bit %u", of->bit_size, of->bit_off);
}

static void json_type(const struct ctype *t, struct json *j)
{
	struct strbuf text = { 0 };

	ctype_print(t, &text);
	json_str(j, "type", strbuf_ok(&text) == 0 ? strbuf_text(&text) : NULL);
	strbuf_fini(&text);
}

static void json_members(const struct ctype *t, uint64_t base, unsigned depth, struct json *j)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	for (size_t i = 0; i < n; i++) {
		const uint64_t at = base + m[i].bit_off;

		if (is_inside(&m[i])) {
			if (depth < DEPTH_MOST)
				json_members(m[i].type, at, depth + 1, j);
			continue;
		}
		json_object(j, NULL);
		json_str(j, "name", m[i].name);
		json_type(m[i].type, j);
		json_uint(j, "offset", at / 8);
		json_uint(j, "size", m[i].type->size);
		if (m[i].bit_size) {
			json_uint(j, "bit", at % 8);
			json_uint(j, "bits", m[i].bit_size);
		}
		json_end_object(j);
	}
}

void layout_json(const struct layout_of *of, struct json *j)
{
	const struct ctype *t = of->type;
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	json_object(j, NULL);
	json_type(t, j);
	json_uint(j, "size", t->size);
	if (of->off)
		json_uint(j, "offset", *of->off);
	if (of->bit_size) {
		json_uint(j, "bit", of->bit_off);
		json_uint(j, "bits", of->bit_size);
	}
	if (has_members(t)) {
		json_array(j, "members");
		json_members(t, 0, 0, j);
		json_end_array(j);
	} else if (t->kind == CT_ENUM) {
		json_object(j, "values");
		for (size_t i = 0; i < n; i++)
			json_int(j, m[i].name, m[i].value);
		json_end_object(j);
	}
	json_end_object(j);
}
