/* SPDX-License-Identifier: MIT */
/** What single expressions and attach points mean, limits, and memory that runs out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "same_ast.h"

static const struct ast *expr(struct arena *arena, const char *text, size_t len)
{
	struct diag d = { .name = "expr", .text = text, .text_len = len };
	struct ast *a = NULL;

	if (parse_bt_expr(&d, arena, &a) != 0)
		test_failed(__FILE__, __LINE__, "'%.80s': %s", text, strbuf_text(&d.out));
	diag_fini(&d);
	return a;
}

static const struct {
	const char *text, *same;
} same_cases[] = {
	{ "a + b * c", "a + (b * c)" },
	{ "a - b - c", "(a - b) - c" },
	{ "a / b * c % d", "((a / b) * c) % d" },
	{ "a << b + c", "a << (b + c)" },
	{ "a < b << c", "a < (b << c)" },
	{ "a == b < c", "a == (b < c)" },
	{ "a & b == c", "a & (b == c)" },
	{ "a ^ b & c", "a ^ (b & c)" },
	{ "a | b ^ c", "a | (b ^ c)" },
	{ "a && b | c", "a && (b | c)" },
	{ "a || b && c", "a || (b && c)" },
	{ "a ? b : c ? d : e", "a ? b : (c ? d : e)" },
	{ "a || b ? c : d", "(a || b) ? c : d" },
	{ "-a * b", "(-a) * b" },
	{ "!a == b", "(!a) == b" },
	{ "*a.b", "*(a.b)" },
	{ "*a[1]", "*(a[1])" },
	{ "-a->b", "-(a->b)" },
	{ "~$x++", "~($x++)" },
	{ "- - a", "-(-a)" },
	{ "a & & b", "a & (&b)" },
	{ "(int8)a + b", "((int8)a) + b" },
	{ "(int8)-1", "(int8)(-1)" },
	{ "(struct a *)b.c", "(struct a *)(b.c)" },
	{ "(foo)a.b", "(foo)(a.b)" },
	{ "(foo *)-a", "(foo *)(-a)" },
	{ "(foo)(a)", "(foo)a" },
	{ "(foo)!a", "(foo)(!a)" },
	{ "(foo_t)*a", "(foo_t)(*a)" },
	{ "(pid) - 1", "pid - 1" },
	{ "(pid) * 2", "pid * 2" },
	{ "(pid)", "pid" },
	{ "(a)[1]", "a[1]" },
	{ "(int8 [4])a", "(int8[4])(a)" },
	{ "(long unsigned int)a", "(unsigned long)a" },
	{ "(const char *const)a", "(char *)a" },
	{ "(unsigned)a", "(unsigned int)a" },
	{ "(short int)a", "(short)a" },
	{ "sizeof(foo *)", "sizeof( foo* )" },
	{ "0x10", "16" },
	{ "0X1f", "31" },
	{ "010", "8" },
	{ "0", "00" },
	{ "1_000_000", "1000000" },
	{ "1e6", "1000000" },
	{ "12e3", "12000" },
	{ "0e9999999", "0" },
	{ "5ULL", "5" },
	{ "5lu", "5" },
	{ "1us", "1000" },
	{ "2ms", "2000000" },
	{ "3s", "3000000000" },
	{ "1m", "60000000000" },
	{ "1h", "3600000000000" },
	{ "1d", "86400000000000" },
	{ "7ns", "7" },
	{ "18446744073709551615", "0xffffffffffffffff" },
	{ "'a'", "97" },
	{ "'\\n'", "10" },
	{ "'\\''", "39" },
	{ "\"\\x41\\102\\t\"", "\"AB\t\"" },
	{ "\"\\0a\"", "\"\\x00a\"" },
	{ "\"\\1234\"", "\"S4\"" },
	{ "@x /* c */ [1]", "@x[1]" },
	{ "f(a, b,\n c) // end", "f(a,b,c)" },
	{ "a.if->for", "a . if -> for" },
};

TEST(expressions_mean)
{
	for (size_t i = 0; i < MEM_LEN(same_cases); i++) {
		struct arena arena = { 0 };
		const struct ast *a = expr(&arena, same_cases[i].text, strlen(same_cases[i].text));
		const struct ast *b = expr(&arena, same_cases[i].same, strlen(same_cases[i].same));

		if (!a || !same_expr(a, b))
			test_failed(__FILE__, __LINE__, "'%s' is not '%s'", same_cases[i].text,
				    same_cases[i].same);
		arena_fini(&arena);
	}
}

TEST(expressions_differ)
{
	static const struct {
		const char *text, *other;
	} cases[] = {
		{ "a - (b - c)", "a - b - c" },
		{ "(@x)[1]", "@x[1]" },
		{ "@x[(1, 2)]", "@x[1, 2]" },
		{ "(1,)", "1" },
		{ "$x++", "++$x" },
		{ "a.b", "a->b" },
		{ "(int8)a", "(uint8)a" },
		{ "(int8 *)a", "(int8)a" },
		{ "\"a\"", "a" },
		{ "$1", "$x" },
		{ "$#", "$1" },
		{ "sizeof(int8)", "sizeof(int16)" },
		{ "f()", "f" },
		{ "a ? b : c", "a ? c : b" },
		{ "(int8[])a", "(int8[1])a" },
		{ "(foo)a", "(bar)a" },
		{ "offsetof(x, a.b)", "offsetof(x, a)" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct arena arena = { 0 };
		const struct ast *a = expr(&arena, cases[i].text, strlen(cases[i].text));
		const struct ast *b = expr(&arena, cases[i].other, strlen(cases[i].other));

		if (!a || !b || same_expr(a, b))
			test_failed(__FILE__, __LINE__, "'%s' is '%s'", cases[i].text,
				    cases[i].other);
		arena_fini(&arena);
	}
}

TEST(attach_points_have_parts)
{
	static const struct {
		const char *text, *parts; /* joined by '|' */
	} cases[] = {
		{ "BEGIN{}", "BEGIN" },
		{ "kprobe:f{}", "kprobe|f" },
		{ "kprobe:f/1/{}", "kprobe|f" },
		{ "kprobe:f//comment\n{}", "kprobe|f" },
		{ "kprobe:f/*comment*/{}", "kprobe|f" },
		{ "kprobe:f*[a,b]? {}", "kprobe|f*[a,b]?" },
		{ "uprobe:/bin/x:f{}", "uprobe|/bin/x|f" },
		{ "uprobe:/bin/x:f/1/{}", "uprobe|/bin/x|f" },
		{ "uprobe:/bin/*//x:f/ 1 /{}", "uprobe|/bin/*//x|f" },
		{ "u:bin/x:f{}", "u|bin/x|f" },
		{ "iter:task:/sys/fs/x {}", "iter|task|/sys/fs/x" },
		{ "uprobe:/bin/x:\"a::b(int, c)\"{}", "uprobe|/bin/x|a::b(int, c)" },
		{ "uprobe:\"/a b/x\":\"q\\\"q\" {}", "uprobe|/a b/x|q\"q" },
		{ "uprobe:/bin/x:\"f\"+4{}", "uprobe|/bin/x|f+4" },
		{ "uprobe:/bin/x:cpp:f{}", "uprobe|/bin/x|cpp|f" },
		{ "usdt:/a/$1/b:$2{}", "usdt|/a/one/b|2" },
		{ "software:faults:{}", "software|faults|" },
		{ "usdt:$1::x$y{}", "usdt|one||x$y" },
		{ "hardware:x:$#{}", "hardware|x|5" },
		{ "watchpoint::f+arg1:8:w{}", "watchpoint||f+arg1|8|w" },
		{ "uprobe:/a\\ b/x:f{}", "uprobe|/a b/x|f" },
		{ "$3{}", "uprobe|/a/b|f" },
		{ "kpr$4:f{}", "kprobe|f" },
		{ "kprobe:f$5/pid/{}", "kprobe|f" },
		{ "kprobe:f /\"a/{\" == comm/ {}", "kprobe|f" },
		{ "kprobe:f /x / 2 / y/ {}", "kprobe|f" },
	};
	static const char *const params[] = { "one", "2", "uprobe:/a/b:f", "obe", "" };

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		const char *text = cases[i].text;
		struct diag d = { .name = "attach", .text = text, .text_len = strlen(text) };
		struct arena arena = { 0 };
		struct script_ast s = { 0 };
		struct strbuf got = { 0 };

		if (parse_bt(&d, &arena, params, MEM_LEN(params), &s) != 0)
			test_failed(__FILE__, __LINE__, "%s", strbuf_text(&d.out));
		for (size_t k = 0; s.probes && k < s.probes->attach->n_parts; k++)
			strbuf_fmt(&got, "%s%s", k ? "|" : "", s.probes->attach->parts[k]);
		EXPECT_STR(strbuf_text(&got), cases[i].parts);
		strbuf_fini(&got);
		diag_fini(&d);
		arena_fini(&arena);
	}
}

/* @head, @n times @more, @tail: what the parser says. */
static int parse_many(const char *head, const char *more, size_t n, const char *tail,
		      struct strbuf *ret_words)
{
	struct strbuf text = { 0 }, printed = { 0 };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };

	strbuf_str(&text, head);
	for (size_t i = 0; i < n; i++)
		strbuf_str(&text, more);
	strbuf_str(&text, tail);
	struct diag d = { .name = "many", .text = strbuf_text(&text), .text_len = text.len };
	int r = parse_bt(&d, &arena, NULL, 0, &s);
	if (r == 0)
		ast_print(&s, &printed);
	strbuf_str(ret_words, strbuf_text(&d.out));
	strbuf_fini(&text);
	strbuf_fini(&printed);
	diag_fini(&d);
	arena_fini(&arena);
	return r;
}

TEST(nothing_overflows_the_stack)
{
	static const struct {
		const char *head, *more;
		size_t n;
		const char *tail, *words; /* NULL: it is fine */
	} cases[] = {
		{ "BEGIN { $x = 1", " + 1", 3900, "; }", NULL },
		{ "BEGIN { $x = 1", " + 1", 200000, "; }", "[too-deep]" },
		{ "BEGIN { $x = a", ".b", 3900, "; }", NULL },
		{ "BEGIN { $x = a", "[1]", 200000, "; }", "[too-deep]" },
		{ "BEGIN { $x = ", "(", 190, "", "[syntax]" },
		{ "BEGIN { $x = ", "(", 500000, "", "[too-deep]" },
		{ "BEGIN { $x = ", "-", 500000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "- ", 500000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "!", 190, "1; }", NULL },
		{ "BEGIN { $x = ", "(int8)", 100000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "1 ? 2 : ", 100000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "1 + (", 100000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "f(", 100000, "1; }", "[too-deep]" },
		{ "BEGIN { $x = ", "@[", 100000, "1; }", "[too-deep]" },
		{ "BEGIN { ", "{", 500000, "}", "[too-deep]" },
		{ "BEGIN { ", "if (1) {", 100000, "}", "[too-deep]" },
		{ "BEGIN { if (1) { }", " else if (1) { }", 50000, " }", NULL },
		{ "BEGIN { ", "$x = 1; ", 100000, "}", NULL },
		{ "", "struct a { ", 90000, "}", "[too-deep]" },
		{ "struct a { int x", "[2]", 1000, "; };", "[bad-type]" },
		{ "struct a { int ", "*", 1000, "x; };", "[bad-type]" },
		{ "enum a { X = ", "(", 1000, "1 };", "[bad-constant]" },
		{ "enum a { X = 1", " + 1", 2000, " };", NULL },
		{ "enum a { X = ", "- ", 2000, "1 };", "[bad-constant]" },
		{ "", "#if 1\n", 100, "", "[bad-directive]" },
		{ "#define A(x) x x\nBEGIN { $x = ", "A(", 10000, "1", "[bad-macro]" },
		{ "BEGIN ", ",BEGIN,", 50000, "{ }", "[bad-attach]" },
		{ "BEGIN", ",BEGIN ", 50000, "{ }", NULL },
		{ "", "BEGIN { } ", 100000, "", NULL },
		{ "kprobe", ":a", 100, "{ }", "[bad-attach]" },
		{ "kprobe:", "a", 100000, "{ }", "[bad-attach]" },
		{ "", " ", PARSE_BYTES_MOST + 1, "", "[too-long]" },
		{ "", "\n", PARSE_BYTES_MOST, "", NULL },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct strbuf words = { 0 };
		int r = parse_many(cases[i].head, cases[i].more, cases[i].n, cases[i].tail, &words);

		if (r != (cases[i].words ? -EINVAL : 0) ||
		    (cases[i].words && !strstr(strbuf_text(&words), cases[i].words)))
			test_failed(__FILE__, __LINE__, "%s%s...: %d %s", cases[i].head,
				    cases[i].more, r, strbuf_text(&words));
		strbuf_fini(&words);
	}
}

TEST(macros_do_not_explode)
{
	struct strbuf text = { 0 };
	struct arena arena = { .limit = 256 << 20 };
	struct script_ast s = { 0 };

	strbuf_str(&text, "#define A0 1\n");
	for (unsigned i = 1; i < 40; i++)
		strbuf_fmt(&text, "#define A%u A%u + A%u\n", i, i - 1, i - 1);
	strbuf_str(&text, "#if A39\n#endif\nBEGIN { $x = A39; $y = A39; }");
	struct diag d = { .name = "x", .text = strbuf_text(&text), .text_len = text.len };
	EXPECT_EQ(parse_bt(&d, &arena, NULL, 0, &s), -EINVAL);
	EXPECT(strstr(strbuf_text(&d.out), "[bad-macro]"));
	EXPECT(d.n_errors < 5);
	strbuf_fini(&text);
	diag_fini(&d);
	arena_fini(&arena);
}

TEST(errors_are_counted_and_cut)
{
	struct strbuf words = { 0 };
	unsigned n = 0;

	EXPECT_EQ(parse_many("BEGIN { ", "$x = ; ", 1000, "}", &words), -EINVAL);
	for (const char *at = strbuf_text(&words); (at = strstr(at, "error:")); at++)
		n++;
	EXPECT_EQ(n, DIAG_MOST);
	strbuf_fini(&words);
}

TEST(includes_are_remembered)
{
	static const char text[] = "#include <linux/sched.h>\n# include \"a b.h\" // x\nBEGIN { }";
	struct diag d = { .name = "x", .text = text, .text_len = strlen(text) };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };

	EXPECT_EQ(parse_bt(&d, &arena, NULL, 0, &s), 0);
	EXPECT(s.includes && s.includes->next && !s.includes->next->next);
	if (s.includes && s.includes->next) {
		EXPECT_STR(s.includes->path, "linux/sched.h");
		EXPECT_STR(s.includes->next->path, "a b.h");
		EXPECT_EQ(s.includes->next->pos.line, 2);
	}
	diag_fini(&d);
	arena_fini(&arena);
}

TEST(places_are_right)
{
	static const char text[] = "#define M bad\n\nBEGIN\n{\n\t$x = pid +\n\t\tM;\n}";
	struct diag d = { .name = "x", .text = text, .text_len = strlen(text) };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };

	EXPECT_EQ(parse_bt(&d, &arena, NULL, 0, &s), 0);
	if (s.probes) {
		const struct ast *set = s.probes->body->u.list.first;
		const struct ast *sum = set->u.op.b;

		EXPECT_EQ(s.probes->pos.line, 3);
		EXPECT_EQ(s.probes->attach->pos.len, 5);
		EXPECT_EQ(set->pos.line, 5);
		EXPECT_EQ(set->u.op.a->pos.col, 2);
		EXPECT_EQ(sum->pos.col, 11);
		EXPECT_EQ(sum->height, 2);
		EXPECT_EQ(sum->u.op.b->pos.line, 6);
		EXPECT_EQ(sum->u.op.b->pos.col, 3);
		EXPECT_STR(sum->u.op.b->u.name, "bad");
	}
	diag_fini(&d);
	arena_fini(&arena);
}

static char *everything;
static size_t everything_len;

static int oom_parse(void)
{
	static const char *const params[] = { "one", "2" };
	struct diag d = { .name = "x", .text = everything, .text_len = everything_len };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };
	struct strbuf text = { 0 };

	int r = parse_bt(&d, &arena, params, MEM_LEN(params), &s);
	if (r == 0) {
		ast_print(&s, &text);
		r = strbuf_ok(&text);
	}
	strbuf_fini(&text);
	diag_fini(&d);
	arena_fini(&arena);
	return r;
}

static int oom_errors(void)
{
	static const char text[] = "BEGIN { $x = ; f(1; } kprobe:f:\"x { } struct x { int a[y]; };"
				   "\n#define A(x) x\nEND { A(1, 2) ` }\n#if 1 / 0\n";
	struct diag d = { .name = "x", .text = text, .text_len = strlen(text) };
	struct arena arena = { 0 };
	struct script_ast s = { 0 };

	int r = parse_bt(&d, &arena, NULL, 0, &s);
	diag_fini(&d);
	arena_fini(&arena);
	return r == -EINVAL ? 0 : r;
}

TEST(memory_may_run_out)
{
	enum { ROOM = 1 << 16 };
	FILE *f = fopen(SCRIPTS "/good/everything.bt", "rb");

	everything = malloc(ROOM);
	EXPECT(f && everything);
	if (f && everything) {
		everything_len = fread(everything, 1, ROOM, f);
		test_oom(oom_parse);
	}
	test_oom(oom_errors);
	free(everything);
	if (f)
		fclose(f);
}
