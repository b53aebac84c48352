/* SPDX-License-Identifier: MIT */
/** Types out of DWARF, compared with what the compiler knows of them. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "sym/ctype.h"
#include "sym/subject/subject.h"
#include "test.h"

static const char *text(const struct ctype *t)
{
	static char out[256];
	struct strbuf b = { 0 };

	ctype_print(t, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
}

static const char *path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", SUBJECTS, name);
	return path;
}

static struct ctypes *open_file(const char *name)
{
	struct ctypes *db = NULL;
	int r = ctypes_open_dwarf(path_of(name), &db);

	if (r < 0)
		printf("# %s\n", sonde_err_str());
	EXPECT_EQ(r, 0);
	return db;
}

static const struct ctype *find(struct ctypes *db, const char *name)
{
	const struct ctype *t = ctype_basic("void");
	int r = ctypes_find(db, name, &t);

	if (r < 0)
		printf("# %s\n", sonde_err_str());
	EXPECT_EQ(r, 0);
	return t;
}

#define NODE(field, printed)                                                    \
	{                                                                       \
#field, offsetof(struct subject_node, field),                   \
			sizeof(((struct subject_node *)NULL)->field), (printed) \
	}

static void check_node(const char *file)
{
	static const struct {
		const char *name;
		size_t off, size;
		const char *printed;
	} fields[] = {
		NODE(next, "struct subject_node *"),
		NODE(id, "unsigned int"),
		NODE(name, "char[20]"),
		NODE(depth, "short"),
		NODE(number, "long"),
		NODE(real, "double"),
		NODE(inner, "struct subject_inner[2]"),
		NODE(is_last, "_Bool"),
		NODE(colour, "enum subject_colour"),
		NODE(small, "enum subject_small"),
		NODE(call, "int (*)(struct subject_node *, long)"),
		NODE(grid, "int[2][3][4]"),
		NODE(later, "struct subject_later *"),
		NODE(precise, "long double"),
	};
	struct ctypes *db = open_file(file);
	const struct ctype *t = find(db, "struct subject_node");
	struct cmember m;

	EXPECT_EQ(t->size, sizeof(struct subject_node));
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		bool there = ctype_member(t, fields[i].name, &m);

		EXPECT(there);
		if (!there)
			continue;
		EXPECT_EQ(m.bit_off, fields[i].off * 8);
		EXPECT_EQ(m.type->size, fields[i].size);
		// Compilers differ in the order of words, as in "long int" and "long".
		const struct ctype *basic = ctype_basic(text(m.type));
		if (basic && strcmp(fields[i].printed, "_Bool") != 0)
			EXPECT(basic == ctype_basic(fields[i].printed));
		else if (m.type->kind != CT_PTR && !m.type->is_bool)
			EXPECT_STR(text(m.type), fields[i].printed);
	}
	EXPECT(ctype_member(t, "open", &m));
	EXPECT_EQ(m.type->kind, CT_ARRAY);
	EXPECT_EQ(m.type->n, 0);
	EXPECT_EQ(m.bit_off, offsetof(struct subject_node, open) * 8);
	EXPECT(ctype_member(t, "later", &m));
	EXPECT(ctype_elem(m.type)->is_forward);
	EXPECT(ctype_member(t, "next", &m));
	EXPECT(ctype_elem(m.type) == t);
	ctypes_free(db);
}

TEST(a_struct_as_the_compiler_lays_it_out)
{
	check_node("subject");
}

TEST(types_in_a_separate_file)
{
	check_node("subject.stripped");
}

/* Sets one bit field in a real object and looks where the bits went. */
static void check_bits(const struct ctype *t, const char *name, const struct subject_node *n)
{
	const uint8_t *bytes = (const uint8_t *)n;
	struct cmember m = { .bit_size = 0 };
	uint64_t found = 0;

	EXPECT(ctype_member(t, name, &m));
	for (uint32_t i = 0; i < m.bit_size; i++)
		found |= (uint64_t)(bytes[(m.bit_off + i) / 8] >> ((m.bit_off + i) % 8) & 1) << i;
	EXPECT(m.bit_size && found == (1ull << m.bit_size) - 1);
	uint64_t ones = 0;
	for (size_t i = 0; i < sizeof(*n); i++)
		ones += (unsigned)__builtin_popcount(bytes[i]);
	EXPECT_EQ(ones, m.bit_size);
}

TEST(bit_fields)
{
	struct ctypes *db = open_file("subject");
	const struct ctype *t = find(db, "subject_node");
	struct subject_node n;

	memset(&n, 0, sizeof(n));
	n.flags = 7;
	check_bits(t, "flags", &n);
	memset(&n, 0, sizeof(n));
	n.mode = 127;
	check_bits(t, "mode", &n);
	memset(&n, 0, sizeof(n));
	n.wide = (1ull << 40) - 1;
	check_bits(t, "wide", &n);
	ctypes_free(db);
}

TEST(enums_and_typedefs)
{
	struct ctypes *db = open_file("subject");
	const struct ctype *t = find(db, "enum subject_colour");
	struct cmember m;
	int64_t v = 0;

	EXPECT(t->is_signed);
	EXPECT(ctype_member(t, "SUBJECT_RED", &m));
	EXPECT_EQ(m.value, SUBJECT_RED);
	EXPECT(ctypes_enumerator(db, "SUBJECT_BLUE", &v));
	EXPECT_EQ(v, SUBJECT_BLUE);
	t = find(db, "enum subject_small");
	EXPECT_EQ(t->size, sizeof(enum subject_small));
	EXPECT(!t->is_signed);
	EXPECT(ctypes_enumerator(db, "SUBJECT_MANY", &v));
	EXPECT_EQ(v, 255);
	EXPECT(!ctypes_enumerator(db, "SUBJECT_NONE", &v));
	EXPECT_EQ(find(db, "subject_id_t")->size, 4);
	t = find(db, "subject_point_t");
	EXPECT_EQ(t->kind, CT_STRUCT);
	EXPECT(ctype_member(t, "y", &m));
	EXPECT_EQ(m.bit_off, 32);
	EXPECT_EQ(ctypes_find(db, "struct subject_none", &t), -ENOENT);
	ctypes_free(db);
}

TEST(functions_and_their_parameters)
{
	struct ctypes *db = open_file("subject");
	const struct ctype *t = NULL;
	size_t n = 0;

	EXPECT_EQ(ctypes_func(db, "subject_walk", &t), 0);
	const struct cmember *m = ctype_members(t, &n);
	EXPECT_EQ(n, 2);
	EXPECT_STR(m[0].name, "node");
	EXPECT_STR(text(m[0].type), "struct subject_node *");
	EXPECT_STR(m[1].name, "id");
	EXPECT_STR(text(ctype_elem(t)), "int");
	EXPECT_EQ(ctypes_func(db, "subject_inlined", &t), 0);
	m = ctype_members(t, &n);
	EXPECT_EQ(n, 2);
	EXPECT_STR(m[1].name, "text");
	EXPECT_STR(text(m[1].type), "char *");
	EXPECT_EQ(ctypes_func(db, "subject_none", &t), -ENOENT);
	EXPECT_EQ(ctypes_func(db, "subject_same", &t), 0); // another name of subject_add
	m = ctype_members(t, &n);
	EXPECT_EQ(n, 2);
	EXPECT_STR(m[0].name, "left");
	EXPECT_EQ(ctypes_var(db, "subject_list", &t), 0);
	EXPECT_STR(text(t), "struct subject_node *");
	EXPECT_EQ(ctypes_var(db, "subject_counter", &t), 0);
	EXPECT_STR(text(t), "int");
	ctypes_free(db);
}

static int note_name(void *arg, const char *name, uint64_t id)
{
	(void)id;
	*(int *)arg += !strcmp(name, "subject_add");
	return 0;
}

static int note_struct(void *arg, const char *name)
{
	*(int *)arg += !strcmp(name, "subject_node");
	return 0;
}

TEST(all_names_once)
{
	struct ctypes *db = open_file("subject");
	int funcs = 0, structs = 0;
	uint32_t id;
	const struct ctype *t;

	EXPECT_EQ(ctypes_each_func(db, note_name, &funcs), 0);
	EXPECT_EQ(funcs, 1);
	EXPECT_EQ(ctypes_each_struct(db, note_struct, &structs), 0);
	EXPECT_EQ(structs, 1);
	EXPECT_EQ(ctypes_tracepoint(db, "sched_switch", &id, &t), -ENOENT);
	ctypes_free(db);
}

TEST(files_without_types)
{
	struct ctypes *db = NULL;

	EXPECT_EQ(ctypes_open_dwarf("/nonexistent/x", &db), -ENOENT);
	EXPECT_EQ(ctypes_open_dwarf("/dev/null", &db), -EBADMSG);
	EXPECT_EQ(ctypes_open_dwarf(path_of("../meson.build"), &db) < 0, true);
	EXPECT(!db);
}
