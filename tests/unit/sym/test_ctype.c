/* SPDX-License-Identifier: MIT */
/** Types of C: names as C writes them, types made by hand, members in nameless structs. */
#include <stdio.h>

#include "base/strbuf.h"
#include "sym/ctype.h"
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

TEST(basic_types_in_any_order_of_words)
{
	static const struct {
		const char *name, *wanted;
		unsigned size;
		bool is_signed;
	} cases[] = {
		{ "int", "int", 4, true },
		{ "unsigned", "unsigned int", 4, false },
		{ "signed", "int", 4, true },
		{ "long unsigned int", "unsigned long", 8, false },
		{ " unsigned \t long ", "unsigned long", 8, false },
		{ "long long int", "long long", 8, true },
		{ "long int long unsigned", "unsigned long long", 8, false },
		{ "short int", "short", 2, true },
		{ "unsigned char", "unsigned char", 1, false },
		{ "signed char", "signed char", 1, true },
		{ "_Bool", "bool", 1, false },
		{ "unsigned __int128", "unsigned __int128", 16, false },
		{ "u8", "u8", 1, false },
		{ "s64", "s64", 8, true },
		{ "__be32", "__be32", 4, false },
		{ "uint16_t", "uint16_t", 2, false },
		{ "size_t", "size_t", 8, false },
		{ "double", "double", 8, false },
		{ "long double", "long double", 16, false },
		{ "void", "void", 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct ctype *t = ctype_basic(cases[i].name);

		EXPECT(t);
		if (!t)
			continue;
		EXPECT_STR(text(t), cases[i].wanted);
		EXPECT_EQ(t->size, cases[i].size);
		EXPECT_EQ(t->is_signed, cases[i].is_signed);
	}
	EXPECT(ctype_basic("char")->is_char);
	EXPECT(!ctype_basic("unsigned char")->is_char);
	EXPECT(ctype_basic("bool")->is_bool);
}

TEST(what_is_no_basic_type)
{
	static const char *const names[] = {
		"",
		" ",
		"signed unsigned",
		"long long long",
		"short long",
		"int int",
		"char int",
		"unsigned double",
		"bool int",
		"struct u8",
		"unsigned u8",
		"int *",
		"short char",
		"long bool",
		"void int",
		"short float",
		"__int128 int",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		EXPECT(!ctype_basic(names[i]));
		if (ctype_basic(names[i]))
			printf("# '%s'\n", names[i]);
	}
}

TEST(prints_as_c_writes_it)
{
	struct arena a = { 0 };
	struct ctype *sock = ctype_new(&a, CT_STRUCT, "sock", 8);
	struct ctype *func = ctype_new(&a, CT_FUNC, "", 0);
	struct cmember params[] = { { .name = "sk", .type = ctype_ptr(&a, sock) },
				    { .name = "n", .type = ctype_basic("int") } };

	func->elem = ctype_ptr(&a, ctype_basic("char"));
	EXPECT_STR(text(sock), "struct sock");
	EXPECT_STR(text(ctype_ptr(&a, sock)), "struct sock *");
	EXPECT_STR(text(ctype_ptr(&a, ctype_ptr(&a, sock))), "struct sock **");
	EXPECT_STR(text(ctype_array(&a, ctype_basic("unsigned"), 4)), "unsigned int[4]");
	EXPECT_STR(text(ctype_array(&a, ctype_array(&a, ctype_basic("int"), 4), 3)), "int[3][4]");
	EXPECT_STR(text(ctype_array(&a, ctype_ptr(&a, sock), 0)), "struct sock *[]");
	EXPECT_STR(text(ctype_ptr(&a, ctype_array(&a, ctype_basic("int"), 4))), "int (*)[4]");
	EXPECT_STR(text(ctype_ptr(&a, func)), "char * (*)(void)");
	func->members = params;
	func->n_members = 2;
	EXPECT_STR(text(ctype_ptr(&a, func)), "char * (*)(struct sock *, int)");
	EXPECT_STR(text(ctype_new(&a, CT_UNION, "", 8)), "union {...}");
	arena_fini(&a);
}

TEST(sizes_of_arrays_do_not_overflow)
{
	struct arena a = { 0 };

	EXPECT_EQ(ctype_array(&a, ctype_basic("int"), 5)->size, 20);
	EXPECT(ctype_array(&a, ctype_basic("int"), UINT64_MAX / 2)->size == UINT64_MAX);
	arena_fini(&a);
}

TEST(members_of_nameless_structs)
{
	struct arena a = { 0 };
	struct cmember inner[] = { { .name = "x", .type = ctype_basic("int"), .bit_off = 0 },
				   { .name = "y", .type = ctype_basic("int"), .bit_off = 32 } };
	struct ctype *in = ctype_new(&a, CT_STRUCT, "", 8);
	struct ctype *out = ctype_new(&a, CT_STRUCT, "point", 16);
	struct cmember outer[] = { { .name = "id", .type = ctype_basic("u64") },
				   { .name = "", .type = in, .bit_off = 64 } };
	struct cmember m;

	in->members = inner;
	in->n_members = 2;
	out->members = outer;
	out->n_members = 2;
	EXPECT(ctype_member(out, "y", &m));
	EXPECT_EQ(m.bit_off, 96);
	EXPECT(!ctype_member(out, "z", &m));
	EXPECT(!ctype_member(out, "", &m));
	EXPECT(!ctype_member(ctype_basic("int"), "x", &m));
	out->members = inner;
	inner[0].name = "position";
	inner[1].name = "distance";
	EXPECT_STR(ctype_member_near(out, "positon"), "position");
	EXPECT(!ctype_member_near(out, "colour"));
	arena_fini(&a);
}

TEST(a_struct_in_itself_ends)
{
	struct arena a = { 0 };
	struct ctype *t = ctype_new(&a, CT_STRUCT, "", 8);
	struct cmember loops[40];
	struct cmember m;

	for (size_t i = 0; i < 40; i++)
		loops[i] = (struct cmember){ .name = "", .type = t };
	t->members = loops;
	t->n_members = 40;
	EXPECT(!ctype_member(t, "x", &m));
	EXPECT(!ctype_member_near(t, "x"));
	struct ctype *p = ctype_ptr(&a, NULL);
	p->elem = p;
	EXPECT_STR(text(p), "{...}****************");
	arena_fini(&a);
}
