/* SPDX-License-Identifier: MIT */
/** Whole maps, histograms and JSON lines; the texts are those of bpftrace 0.17. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "out_made.h"

#define FULL "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define NONE "                                                    "
#define TWO3 "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@                  "
#define ONE3 "@@@@@@@@@@@@@@@@@                                   "
#define HALF "@@@@@@@@@@@@@@@@@@@@@@@@@@                          "

static struct type hist = { .kind = TYPE_HIST, .size = 66 * 8, .align = 8 };
static struct type lhist = {
	.kind = TYPE_LHIST, .lhist_max = 100, .lhist_step = 10, .size = 12 * 8, .align = 8
};
static const struct type count = { .kind = TYPE_COUNT, .size = 8, .align = 8 };
static const struct type sum = { .kind = TYPE_SUM, .size = 8, .align = 8, .is_signed = true };
static const struct type minimum = { .kind = TYPE_MIN, .size = 16, .align = 8, .is_signed = true };
static const struct type avg = { .kind = TYPE_AVG, .size = 16, .align = 8, .is_signed = true };
static const struct type stats = { .kind = TYPE_STATS, .size = 16, .align = 8, .is_signed = true };
static const struct type str = { .kind = TYPE_STR, .size = 8, .align = 1 };

/* A map and its rows. */
struct table {
	struct script_map map;
	struct rows rows;
};

static struct table made_table(const struct type *key, const struct type *val)
{
	struct table t = { .map = { .name = "x", .key = key, .val = val } };

	rows_init(&t.rows, &t.map);
	return t;
}

static void add(struct table *t, const void *key, const void *val)
{
	EXPECT_EQ(rows_add(&t->rows, key, val), 0);
}

static void add_int(struct table *t, int64_t key, int64_t val)
{
	add(t, &key, &val);
}

/* Prints and forgets it. */
static const char *shown(struct table *t, enum print_format format, int64_t top, int64_t div)
{
	static char text[1 << 16];
	struct made m;

	made_init(&m, format, NULL, 0, &t->map, 1);
	EXPECT_EQ(print_map(&m.p, &t->map, &t->rows, top, div), 0);
	const char *printed = made_text(&m);
	memcpy(text, printed, strlen(printed) + 1);
	made_fini(&m);
	rows_fini(&t->rows);
	return text;
}

TEST(maps_without_keys)
{
	struct table t = made_table(&type_none, &type_i64);
	const int64_t v = 5;

	add(&t, "", &v);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x: 5\n");
	t = made_table(&type_none, &type_i64);
	t.map.name = "";
	add(&t, "", &v);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@: 5\n");
	t = made_table(&type_none, &type_i64);
	add(&t, "", &v);
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0), "{\"type\": \"map\", \"data\": {\"@x\": 5}}\n");
}

TEST(maps_with_nothing_in_them)
{
	static const struct {
		const struct type *key, *val;
		const char *text, *json;
	} cases[] = {
		{ &type_i64, &type_i64, "\n", "" },
		{ &type_none, &type_i64, "\n", "" },
		{ &type_none, &count, "@x: 0\n", "{\"type\": \"map\", \"data\": {\"@x\": 0}}\n" },
		{ &type_i64, &count, "\n", "" },
		{ &type_none, &sum, "\n", "" },
		{ &type_none, &avg, "\n\n", "" },
		{ &type_i64, &stats, "\n\n", "" },
		{ &type_none, &hist, "\n", "" },
		{ &type_none, &lhist, "\n", "" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct table t = made_table(cases[i].key, cases[i].val);
		EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), cases[i].text);
		t = made_table(cases[i].key, cases[i].val);
		EXPECT_STR(shown(&t, PRINT_JSON, 0, 0), cases[i].json);
	}
}

TEST(order_is_by_value_then_by_key)
{
	struct table t = made_table(&str, &type_i64);
	static const struct {
		const char key[8];
		int64_t val;
	} entries[] = { { "z", 1 }, { "b", 5 }, { "c", -3 }, { "d", 5 }, { "a", 5 }, { "e", 1 } };

	for (size_t i = 0; i < MEM_LEN(entries); i++)
		add(&t, entries[i].key, &entries[i].val);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0),
		   "@x[c]: -3\n@x[e]: 1\n@x[z]: 1\n@x[a]: 5\n@x[b]: 5\n@x[d]: 5\n");

	// Texts are not ordered by themselves; negative keys come last.
	t = made_table(&type_i64, &str);
	for (const int64_t *k = (const int64_t[]){ -1, 5, -7, 0 }, *end = k + 4; k < end; k++)
		add(&t, k, "v\0\0\0\0\0\0");
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[0]: v\n@x[5]: v\n@x[-7]: v\n@x[-1]: v\n");

	t = made_table(&type_u64, &type_u64); // unsigned values are
	add_int(&t, 1, -1);
	add_int(&t, 2, 5);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[2]: 5\n@x[1]: 18446744073709551615\n");

	t = made_table(&type_i64, &avg);
	for (int64_t i = 1; i <= 3; i++)
		add(&t, &i, &(struct average_value){ i == 1 ? -5 : i == 2 ? 3 : -9, 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[3]: -9\n@x[1]: -5\n@x[2]: 3\n\n");

	t = made_table(&type_i64, &minimum);
	for (int64_t i = 1; i <= 3; i++)
		add(&t, &i, &(struct extreme_value){ i == 1 ? 5 : i == 2 ? -4 : 1, 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[2]: -4\n@x[3]: 1\n@x[1]: 5\n");
}

/* A key of a number and a text. */
struct two {
	int64_t n;
	char s[8];
};

TEST(keys_of_several_parts)
{
	struct arena a = { 0 };
	const struct type *parts[] = { &type_i64, &str };
	const struct type *key = type_tuple(&a, parts, 2);
	static const struct two keys[] = { { 1, "b" }, { 1, "a" }, { 0, "z" }, { -1, "c" } };
	struct table t = made_table(key, &str);

	for (size_t i = 0; i < MEM_LEN(keys); i++)
		add(&t, &keys[i], "x\0\0\0\0\0\0");
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0),
		   "@x[0, z]: x\n@x[1, a]: x\n@x[1, b]: x\n@x[-1, c]: x\n");

	t = made_table(key, &type_i64);
	add(&t, &(struct two){ 3, "y\"" }, &(int64_t){ 1 });
	add(&t, &(struct two){ 1, "x" }, &(int64_t){ 2 });
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0), "{\"type\": \"map\", \"data\": {\"@x\": "
						"{\"3,y\\\"\": 1, \"1,x\": 2}}}\n");
	arena_fini(&a);
}

TEST(stacks_as_keys_and_values)
{
	struct arena a = { 0 };
	const struct type stack = { .kind = TYPE_KSTACK, .size = 8, .align = 8, .stack_depth = 1 };
	const struct type ksym = { .kind = TYPE_KSYM, .size = 8, .align = 8 };
	const struct type *parts[] = { &stack, &type_i64 };
	const struct {
		uint64_t id;
		int64_t n;
	} both = { 7, 1 };
	struct table t = made_table(&stack, &count);

	add_int(&t, 7, 1);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[\n    kfn+16\n]: 1\n");
	t = made_table(type_tuple(&a, parts, 2), &count);
	add(&t, &both, &(int64_t){ 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[\n    kfn+16\n, 1]: 1\n");
	t = made_table(type_tuple(&a, parts, 2), &count);
	add(&t, &both, &(int64_t){ 1 });
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0),
		   "{\"type\": \"map\", \"data\": {\"@x\": {\"\\n    kfn+16\\n,1\": 1}}}\n");
	t = made_table(&type_i64, &stack);
	add_int(&t, 1, 7);
	add_int(&t, 2, 7);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0),
		   "@x[1]: \n        kfn+16\n@x[2]: \n        kfn+16\n\n");
	t = made_table(&type_i64, &ksym); // on one line, as in bpftrace
	add_int(&t, 1, 0);
	add_int(&t, 2, (int64_t)made_frames[0]);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[1]: 0x0@x[2]: kfn\n");
	arena_fini(&a);
}

static struct table three(void)
{
	struct table t = made_table(&type_i64, &type_i64);

	add_int(&t, 1, 1);
	add_int(&t, 3, 300);
	add_int(&t, 2, 20);
	return t;
}

TEST(top_and_div)
{
	struct table t = three();
	EXPECT_STR(shown(&t, PRINT_TEXT, 2, 0), "@x[2]: 20\n@x[3]: 300\n");
	t = three();
	EXPECT_STR(shown(&t, PRINT_TEXT, 2, 10), "@x[2]: 2\n@x[3]: 30\n");
	t = three();
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 7), "@x[1]: 0\n@x[2]: 2\n@x[3]: 42\n");
	t = three();
	EXPECT_STR(shown(&t, PRINT_TEXT, 50, -3), "@x[1]: 1\n@x[2]: 20\n@x[3]: 300\n");
	t = three();
	EXPECT_STR(shown(&t, PRINT_JSON, 2, 10),
		   "{\"type\": \"map\", \"data\": {\"@x\": {\"2\": 2, \"3\": 30}}}\n");

	t = made_table(&type_i64, &sum);
	add_int(&t, 1, -9);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 2), "@x[1]: -4\n");

	t = made_table(&type_i64, &avg);
	for (int64_t i = 1; i <= 2; i++)
		add(&t, &i, &(struct average_value){ i == 1 ? 5 : 50, 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 1, 3), "@x[2]: 16\n\n");

	t = made_table(&type_i64, &stats); // no div; the average ranks, but the total with a top
	for (int64_t i = 1; i <= 2; i++)
		add(&t, &i, &(struct average_value){ i == 1 ? 500 : 50, i == 1 ? 100 : 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 5), "@x[1]: count 100, average 5, total 500\n"
						"@x[2]: count 1, average 50, total 50\n\n");
	t = made_table(&type_i64, &stats);
	for (int64_t i = 1; i <= 2; i++)
		add(&t, &i, &(struct average_value){ i == 1 ? 500 : 50, i == 1 ? 100 : 1 });
	EXPECT_STR(shown(&t, PRINT_TEXT, 1, 5), "@x[1]: count 100, average 5, total 500\n\n");
}

static void count_in(uint64_t *counts, size_t i, uint64_t n)
{
	counts[i] += n;
}

TEST(histograms)
{
	uint64_t counts[66] = { 0 };
	struct table t = made_table(&type_none, &hist);

	count_in(counts, 0, 2); // -5, -1
	count_in(counts, 1, 1); // 0
	count_in(counts, 2, 1); // 1
	count_in(counts, 3, 2); // 2, 3
	count_in(counts, 5, 3); // 8
	add(&t, "", counts);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x: \n"
						"(..., 0)               2 |" TWO3 "|\n"
						"[0]                    1 |" ONE3 "|\n"
						"[1]                    1 |" ONE3 "|\n"
						"[2, 4)                 2 |" TWO3 "|\n"
						"[4, 8)                 0 |" NONE "|\n"
						"[8, 16)                3 |" FULL "|\n"
						"\n");
	t = made_table(&type_none, &hist);
	add(&t, "", counts);
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0),
		   "{\"type\": \"hist\", \"data\": {\"@x\": [{\"max\": -1, \"count\": 2}, "
		   "{\"min\": 0, \"max\": 0, \"count\": 1}, "
		   "{\"min\": 1, \"max\": 1, \"count\": 1}, "
		   "{\"min\": 2, \"max\": 3, \"count\": 2}, "
		   "{\"min\": 4, \"max\": 7, \"count\": 0}, "
		   "{\"min\": 8, \"max\": 15, \"count\": 3}]}}\n");
}

TEST(histograms_by_keys)
{
	uint64_t a[66] = { [4] = 2, [5] = 1 }, b[66] = { [2] = 1 }, zero[66] = { 0 };
	struct table t = made_table(&str, &hist);

	add(&t, "a\0\0\0\0\0\0", a);
	add(&t, "b\0\0\0\0\0\0", b);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[b]: \n"
						"[1]                    1 |" FULL "|\n"
						"\n"
						"@x[a]: \n"
						"[4, 8)                 2 |" FULL "|\n"
						"[8, 16)                1 |" HALF "|\n"
						"\n");
	t = made_table(&str, &hist); // the divisor is for the counts alone
	add(&t, "a\0\0\0\0\0\0", a);
	add(&t, "b\0\0\0\0\0\0", b);
	EXPECT_STR(shown(&t, PRINT_TEXT, 1, 2), "@x[a]: \n"
						"[4, 8)                 1 |" FULL "|\n"
						"[8, 16)                0 |" HALF "|\n"
						"\n");
	t = made_table(&str, &hist);
	add(&t, "b\0\0\0\0\0\0", zero);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 0), "@x[b]: \n\n");
	t = made_table(&str, &hist);
	add(&t, "b\0\0\0\0\0\0", zero);
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0),
		   "{\"type\": \"hist\", \"data\": {\"@x\": {\"b\": []}}}\n");
}

/* The first column of a histogram that has something in bucket @i alone. */
static const char *label(const struct type *h, size_t i)
{
	static char text[64];
	uint64_t counts[2048] = { 0 };

	counts[i] = 1;
	const char *bar = made_value(PRINT_TEXT, h, counts), *end = strstr(bar, "  ");
	const size_t len = end ? (size_t)(end - bar) : 0;
	memcpy(text, bar, len);
	text[len] = '\0';
	return text;
}

TEST(labels_of_histograms)
{
	EXPECT_STR(label(&hist, 0), "(..., 0)");
	EXPECT_STR(label(&hist, 1), "[0]");
	EXPECT_STR(label(&hist, 2), "[1]");
	EXPECT_STR(label(&hist, 11), "[512, 1K)");
	EXPECT_STR(label(&hist, 12), "[1K, 2K)");
	EXPECT_STR(label(&hist, 21), "[512K, 1M)");
	EXPECT_STR(label(&hist, 33), "[2G, 4G)");
	EXPECT_STR(label(&hist, 42), "[1T, 2T)");
	EXPECT_STR(label(&hist, 64), "[4E, 8E)");
	EXPECT_STR(label(&hist, 65), "[8E, 16E)");

	struct type fine = { .kind = TYPE_HIST, .hist_bits = 2, .size = 8 * hist_len(2) };
	EXPECT_STR(label(&fine, 0), "(..., 0)");
	EXPECT_STR(label(&fine, 4), "[3]");
	EXPECT_STR(label(&fine, 8), "[7]");
	EXPECT_STR(label(&fine, 9), "[8, 10)");
	EXPECT_STR(label(&fine, 36), "[896, 1024)");
	EXPECT_STR(label(&fine, 37), "[1024, 1280)");
	EXPECT_STR(label(&fine, hist_len(2) - 1), "[14E, 16E)");
}

TEST(linear_histograms)
{
	uint64_t counts[12] = { [0] = 1, [1] = 1, [3] = 2, [11] = 1 };
	struct table t = made_table(&type_none, &lhist);

	add(&t, "", counts);
	EXPECT_STR(shown(&t, PRINT_TEXT, 0, 7), // without a divisor
		   "@x: \n"
		   "(..., 0)               1 |" HALF "|\n"
		   "[0, 10)                1 |" HALF "|\n"
		   "[10, 20)               0 |" NONE "|\n"
		   "[20, 30)               2 |" FULL "|\n"
		   "[30, 40)               0 |" NONE "|\n"
		   "[40, 50)               0 |" NONE "|\n"
		   "[50, 60)               0 |" NONE "|\n"
		   "[60, 70)               0 |" NONE "|\n"
		   "[70, 80)               0 |" NONE "|\n"
		   "[80, 90)               0 |" NONE "|\n"
		   "[90, 100)              0 |" NONE "|\n"
		   "[100, ...)             1 |" HALF "|\n"
		   "\n");
	memset(&counts[3], 0, 8 * 8);
	t = made_table(&type_none, &lhist);
	add(&t, "", counts);
	const char *json = shown(&t, PRINT_JSON, 0, 0);
	EXPECT(strstr(json, "{\"@x\": [{\"max\": -1, \"count\": 1}, {\"min\": 0, \"max\": 9, "));
	EXPECT(strstr(json, "{\"min\": 90, \"max\": 99, \"count\": 0}, "
			    "{\"min\": 100, \"count\": 1}]}}\n"));
}

TEST(labels_of_linear_histograms)
{
	struct type t = { .kind = TYPE_LHIST, .lhist_max = 4096, .lhist_step = 512, .size = 80 };

	EXPECT_STR(label(&t, 3), "[1K, 1536)");
	t.lhist_max = 2 << 20;
	t.lhist_step = 1 << 20;
	EXPECT_STR(label(&t, 2), "[1M, 2M)");
	t.lhist_min = 10;
	t.lhist_max = 20;
	t.lhist_step = 3; // does not fit: the last one ends where max is
	EXPECT_STR(label(&t, 0), "(..., 10)");
	EXPECT_STR(label(&t, 3), "[16, 19)");
	EXPECT_STR(label(&t, 4), "[20, ...)");
	t = (struct type){ .kind = TYPE_LHIST,
			   .lhist_min = INT64_MIN,
			   .lhist_max = INT64_MIN + 4,
			   .lhist_step = 2,
			   .size = 32 };
	EXPECT_STR(label(&t, 1), "[-8796093022208M, -9223372036854775806)");
}

TEST(averages_in_json)
{
	struct table t = made_table(&type_i64, &stats);
	const struct average_value v = { 5, 1 };

	add(&t, &(int64_t){ 1 }, &v);
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0),
		   "{\"type\": \"stats\", \"data\": {\"@x\": {\"1\": {\"count\": 1, "
		   "\"average\": 5, \"total\": 5}}}}\n");
	t = made_table(&type_none, &avg);
	add(&t, "", &v);
	EXPECT_STR(shown(&t, PRINT_JSON, 0, 0), "{\"type\": \"stats\", \"data\": {\"@x\": 5}}\n");
}

static int print_some(void)
{
	struct table t = made_table(&type_i64, &type_i64);
	struct sonde_out out = { 0 };
	struct printer p = { .out = &out, .format = PRINT_JSON };

	int r = out_init(&out, -1);
	for (int64_t i = 0; i < 3 && r == 0; i++)
		r = rows_add(&t.rows, &i, &i);
	if (r == 0)
		r = rows_merge(&t.rows, &t.map);
	if (r == 0)
		r = print_map(&p, &t.map, &t.rows, 0, 0);
	rows_fini(&t.rows);
	printer_fini(&p);
	out_fini(&out);
	return r;
}

TEST(out_of_memory)
{
	test_oom(print_some);
}
