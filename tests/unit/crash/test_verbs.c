/* SPDX-License-Identifier: MIT */
/** What verbs stand on: values by their types, addresses, groups of stacks, pages. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/verbs/family.h"
#include "crash/verbs/layout.h"
#include "crash/verbs/page.h"
#include "crash/verbs/stacks.h"
#include "crash/verbs/value.h"
#include "crash/verbs/verb.h"
#include "test.h"

/* struct node { int a; struct { char name[8]; unsigned lo : 3, hi : 5; }; struct node *next;
 *               enum colour c; unsigned long v[20]; }; */
struct node {
	int a;
	char name[8];
	unsigned char bits;
	struct node *next;
	int colour;
	unsigned long v[20];
};

/* struct words { char *text; unsigned char *bytes; char (*block)[8]; char *list[2];
 *                unsigned char raw[4]; unsigned short flags : 3; int (*call)(int); }; */
struct words {
	uint64_t text, bytes, block, list[2];
	unsigned char raw[4];
	unsigned short flags;
	uint64_t call;
};

enum { BASE = 0x1000, WORDS = BASE + 2 * sizeof(struct node), TEXT = WORDS + sizeof(struct words) };
static struct ctypes *types;
static struct {
	struct node nodes[2];
	struct words words;
	char text[600];
} memory_all;
static struct node *const memory = memory_all.nodes;

static void make_words(struct btf *b, int ch, int i32, int block)
{
	int uch = btf__add_int(b, "unsigned char", 1, 0);
	int u16 = btf__add_int(b, "unsigned short", 2, 0);
	int text = btf__add_ptr(b, ch), bytes = btf__add_ptr(b, uch);
	int of_block = btf__add_ptr(b, block), list = btf__add_array(b, i32, text, 2);
	int raw = btf__add_array(b, i32, uch, 4), proto = btf__add_func_proto(b, i32);
	btf__add_func_param(b, "n", i32);
	int call = btf__add_ptr(b, proto);
	btf__add_struct(b, "words", sizeof(struct words));
	btf__add_field(b, "text", text, 0, 0);
	btf__add_field(b, "bytes", bytes, 64, 0);
	btf__add_field(b, "block", of_block, 128, 0);
	btf__add_field(b, "list", list, 192, 0);
	btf__add_field(b, "raw", raw, 8 * offsetof(struct words, raw), 0);
	btf__add_field(b, "flags", u16, 8 * offsetof(struct words, flags), 3);
	btf__add_field(b, "call", call, 8 * offsetof(struct words, call), 0);
}

static void make_types(void)
{
	struct btf *b = btf__new_empty();
	uint32_t len;
	int i32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int u32 = btf__add_int(b, "unsigned int", 4, 0);
	int u64 = btf__add_int(b, "unsigned long", 8, 0);
	int text = btf__add_array(b, i32, ch, 8);
	int words = btf__add_array(b, i32, u64, 20);
	int inner = btf__add_struct(b, NULL, 12);
	btf__add_field(b, "name", text, 0, 0);
	btf__add_field(b, "lo", u32, 64, 3);
	btf__add_field(b, "hi", u32, 67, 5);
	int colour = btf__add_enum(b, "colour", 4);
	btf__add_enum_value(b, "RED", 1);
	btf__add_enum_value(b, "BLUE", 2);
	int next = btf__type_cnt(b) + 1;
	next = btf__add_ptr(b, next);
	int node = btf__add_struct(b, "node", sizeof(struct node));
	EXPECT_EQ(node, next + 1);
	btf__add_field(b, "a", i32, 0, 0);
	btf__add_field(b, "", inner, 32, 0);
	btf__add_field(b, "next", next, 8 * offsetof(struct node, next), 0);
	btf__add_field(b, "c", colour, 8 * offsetof(struct node, colour), 0);
	btf__add_field(b, "v", words, 8 * offsetof(struct node, v), 0);
	make_words(b, ch, i32, text);
	const void *raw = btf__raw_data(b, &len);
	EXPECT_EQ(ctypes_open_btf(raw, len, &types), 0);
	btf__free(b);
	memory[0] = (struct node){ .a = -5, .name = "one", .bits = 6 | 9 << 3, .colour = 2 };
	memory[0].next = (struct node *)(uintptr_t)(BASE + sizeof(struct node));
	memory[1] = (struct node){ .a = 7, .name = "a\"b", .colour = 9, .v = { [3] = 1ul << 40 } };
}

static int read_memory(struct crash_core *c, uint64_t va, void *ret, size_t n)
{
	(void)c;
	if (va < BASE || va + n > BASE + sizeof(memory_all))
		return -EFAULT;
	memcpy(ret, (const char *)&memory_all + (va - BASE), n);
	return 0;
}

static bool symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret)
{
	(void)c;
	if (addr < BASE || addr >= BASE + sizeof(memory_all))
		return false;
	*ret = (struct crash_symbol){ .name = "nodes", .start = BASE, .size = WORDS - BASE };
	return true;
}

static bool symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret)
{
	return !strcmp(name, "nodes") && symbol_at(c, BASE, ret);
}

static struct ctypes *types_of(struct crash_core *c, const char *module)
{
	(void)c;
	return module ? NULL : types;
}

static const struct crash_system made = {
	.read = read_memory,
	.symbol_at = symbol_at,
	.symbol_named = symbol_named,
	.types = types_of,
};
static struct crash_core core = { .system = &made };

static struct value_style style;

static const char *value_at(const char *type, uint64_t addr, const char *path)
{
	static char out[1024];
	struct strbuf b = { 0 };
	struct crash_value v = { .addr = addr };

	EXPECT_EQ(crash_type_find(&core, type, &v.type), 0);
	if (crash_value_walk(&core, &v, path, &v) < 0)
		return sonde_err_str();
	value_print(&core, &v, &style, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
}

/* What is at @path of the first node. */
static const char *at(const char *path)
{
	return value_at("struct node", BASE, path);
}

/* Types are read anew in each test. */
static void forget_types(void)
{
	ctypes_free(core.types);
	ctypes_free(types);
	core.types = NULL;
}

TEST(values_by_path)
{
	make_types();
	EXPECT_STR(at("a"), "-5");
	EXPECT_STR(at("name"), "\"one\"");
	EXPECT_STR(at("lo"), "6");
	EXPECT_STR(at("hi"), "9");
	EXPECT_STR(at("c"), "BLUE");
	EXPECT_STR(at("next"), "0x10c0 <nodes+0xc0>");
	EXPECT_STR(at("next->name"), "\"a\\x22b\"");
	EXPECT_STR(at("next.c"), "9");
	EXPECT_STR(at("next->next"), "NULL");
	EXPECT_STR(at("next->v[3]"), "0x10000000000");
	EXPECT_STR(at("next[-1]"), "'next[-1]': wanted a number and ']' behind '['");
	EXPECT_STR(at("next->next->a"), "?");
	EXPECT_STR(at("v[20]"), "'v[20]': element 20 of 20");
	EXPECT_STR(at("a.b"), "'a.b': int has no fields");
	EXPECT_STR(at("nmae"), "'nmae': 'node' has no field 'nmae'; did you mean 'name'?");
	EXPECT_STR(at("->"), "'->': wanted a field's name at ''");
	forget_types();
}

TEST(whole_structs)
{
	make_types();
	EXPECT_STR(at(""),
		   "{\n  .a = -5,\n  {\n    .name = \"one\",\n    .lo = 6,\n    .hi = 9,\n  },\n"
		   "  .next = 0x10c0 <nodes+0xc0>,\n  .c = BLUE,\n"
		   "  .v = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 4 more },\n}");
	forget_types();
}

/* What is at @path of the words. */
static const char *word(const char *path)
{
	return value_at("words", WORDS, path);
}

TEST(text_by_pointers)
{
	struct words *w = &memory_all.words;

	make_types();
	*w = (struct words){ .text = TEXT, .bytes = TEXT, .block = TEXT, .list = { 0, TEXT + 2 } };
	(void)snprintf(memory_all.text, sizeof(memory_all.text), "hello, \033[1m\n");
	EXPECT_STR(word("text"), "0x11b8 \"hello, \\x1b[1m\\n\"");
	EXPECT_STR(word("list"), "{ NULL, 0x11ba \"llo, \\x1b[1m\\n\" }");
	EXPECT_STR(word("block"), "0x11b8 \"hello, \\x1b\"");
	// These may be numbers: only what all can be read is text.
	EXPECT_STR(word("bytes"), "0x11b8");
	memory_all.text[7] = '\0';
	EXPECT_STR(word("bytes"), "0x11b8 \"hello, \"");
	EXPECT_STR(word("raw"), "{ 0, 0, 0, 0 }");
	memcpy(w->raw, "ab\0", 4);
	EXPECT_STR(word("raw"), "\"ab\"");
	// One without an end is cut, and one that is nowhere is an address.
	memset(memory_all.text, 'x', sizeof(memory_all.text));
	const char *cut = word("text");
	EXPECT_EQ(strlen(cut), strlen("0x11b8 \"\"...") + 255);
	EXPECT_STR(cut + strlen(cut) - 6, "xx\"...");
	w->text = 0xffff000000001234;
	EXPECT_STR(word("text"), "0xffff000000001234");
	w->text = BASE + sizeof(memory_all) - 3;
	EXPECT(strstr(word("text"), " \"xxx\""));
	memset(&memory_all.words, 0, sizeof(memory_all.words));
	forget_types();
}

TEST(numbers_in_base_16)
{
	make_types();
	style.hex = true;
	EXPECT_STR(at("a"), "0xfffffffb");
	EXPECT_STR(at("hi"), "0x9");
	EXPECT_STR(at("c"), "BLUE");
	style = (struct value_style){ .elements = 3 };
	EXPECT_STR(at("v"), "{ 0, 0, 0, ... 17 more }");
	style = (struct value_style){ .elements = 20 };
	EXPECT(!strstr(at("v"), "more"));
	style = (struct value_style){ 0 };
	forget_types();
}

/* How a type lies in memory, as text or JSON. */
static const char *layout(const char *type, const uint64_t *off, bool as_json)
{
	static char text[2048];
	struct layout_of of = { .off = off };
	struct strbuf b = { 0 };
	struct sonde_out out;
	struct json j;

	EXPECT_EQ(crash_type_find(&core, type, &of.type), 0);
	EXPECT_EQ(out_init(&out, -1), 0);
	json_init(&j, &out);
	if (as_json)
		layout_json(&of, &j);
	else
		layout_print(&of, &b);
	(void)snprintf(text, sizeof(text), "%.*s%s", (int)out.len, out.buf, strbuf_text(&b));
	strbuf_fini(&b);
	out_fini(&out);
	return text;
}

TEST(layouts)
{
	const uint64_t off = 8;

	make_types();
	EXPECT_STR(layout("words", NULL, false), "struct words {\n"
						 "  [0] char *text;\n"
						 "  [8] unsigned char *bytes;\n"
						 "  [16] char (*block)[8];\n"
						 "  [24] char *list[2];\n"
						 "  [40] unsigned char raw[4];\n"
						 "  [44] unsigned short flags:3, from bit 0;\n"
						 "  [48] int (*call)(int);\n"
						 "}\nsize: 56");
	EXPECT_STR(layout("node", NULL, false), "struct node {\n"
						"  [0] int a;\n"
						"  struct {\n"
						"    [4] char name[8];\n"
						"    [12] unsigned int lo:3, from bit 0;\n"
						"    [12] unsigned int hi:5, from bit 3;\n"
						"  };\n"
						"  [16] struct node *next;\n"
						"  [24] enum colour c;\n"
						"  [32] unsigned long v[20];\n"
						"}\nsize: 192");
	EXPECT_STR(layout("enum colour", &off, false),
		   "enum colour {\n  RED = 1,\n  BLUE = 2,\n}\nsize: 4, offset: 8");
	EXPECT_STR(layout("unsigned int", NULL, false), "unsigned int\nsize: 4");
	const char *json = layout("node", NULL, true);
	EXPECT(strstr(json, "{\"name\": \"hi\", \"type\": \"unsigned int\", \"offset\": 12, "
			    "\"size\": 4, \"bit\": 3, \"bits\": 5}"));
	forget_types();
}

TEST(types_by_name)
{
	const struct ctype *t;

	make_types();
	EXPECT_EQ(crash_type_find(&core, "node", &t), 0);
	EXPECT_EQ(crash_type_find(&core, "struct nod", &t), -ENOENT);
	EXPECT_STR(sonde_err_str(), "there is no type 'struct nod'");
	EXPECT_EQ(crash_type_find(&core, "node@mod", &t), -ENOTSUP);
	forget_types();
}

TEST(addresses)
{
	uint64_t a = 0;

	EXPECT_EQ(crash_address(&core, "nodes", &a), 0);
	EXPECT_EQ(a, BASE);
	EXPECT_EQ(crash_address(&core, "nodes+0x10", &a), 0);
	EXPECT_EQ(a, BASE + 16);
	EXPECT_EQ(crash_address(&core, "nodes-16", &a), 0);
	EXPECT_EQ(a, BASE - 16);
	EXPECT_EQ(crash_address(&core, "ffffffff81000000", &a), 0);
	EXPECT_EQ(a, 0xffffffff81000000);
	EXPECT_EQ(crash_address(&core, "12", &a), 0);
	EXPECT_EQ(a, 12);
	EXPECT_EQ(crash_address(&core, "node", &a), -EINVAL);
	EXPECT_EQ(crash_address(&core, "nodes+x", &a), -EINVAL);
	EXPECT_EQ(crash_address(&core, "", &a), -EINVAL);
}

static int group_some(void)
{
	struct crash_frame one[] = { { .pc = 1 }, { .pc = 2 } }, other[] = { { .pc = 1 } };
	const struct crash_stack stacks[] = { { .frames = one, .n = 2 },
					      { .frames = other, .n = 1 },
					      { .n = 0 } };
	const struct crash_task tasks[] = {
		{ .tid = 1 }, { .tid = 2 }, { .tid = 3 }, { .tid = 4 }
	};
	struct crash_groups g = { 0 };
	int r = crash_groups_add(&g, &tasks[0], &stacks[1]);

	for (unsigned i = 1; !r && i < 3; i++)
		r = crash_groups_add(&g, &tasks[i], &stacks[0]);
	if (!r)
		r = crash_groups_add(&g, &tasks[3], &stacks[2]);
	if (!r) {
		crash_groups_sort(&g);
		EXPECT_EQ(g.n, 3);
		EXPECT_EQ(g.all[0].n_tasks, 2);
		EXPECT_EQ(g.all[0].tasks[1]->tid, 3);
		EXPECT_EQ(g.all[0].n_frames, 2);
		EXPECT_EQ(g.all[1].tasks[0]->tid, 1);
		EXPECT_EQ(g.all[2].n_frames, 0);
	}
	crash_groups_fini(&g);
	return r;
}

TEST(the_same_stacks_are_one)
{
	EXPECT_EQ(group_some(), 0);
	test_oom(group_some);
}

TEST(who_is_wanted)
{
	struct crash_args a = { 0 };
	struct crash_task t = { .pid = 5, .tid = 6, .state = 'D' };
	struct crash_task idle = { .is_idle = true, .on_cpu = true };

	EXPECT(crash_args_want(&a, &t));
	EXPECT(!crash_args_want(&a, &idle));
	a.running = true;
	EXPECT(!crash_args_want(&a, &t));
	EXPECT(crash_args_want(&a, &idle));
	a = (struct crash_args){ .pids = { 9, 5 }, .n_pids = 2 };
	EXPECT(crash_args_want(&a, &t));
	a.pids[1] = 6;
	EXPECT(crash_args_want(&a, &t));
	a.pids[1] = 7;
	EXPECT(!crash_args_want(&a, &t));
	a = (struct crash_args){ .state = 'D' };
	EXPECT(crash_args_want(&a, &t));
	a.state = 'S';
	EXPECT(!crash_args_want(&a, &t));
}

static char noted[128];

static void note(const char *line)
{
	(void)snprintf(noted, sizeof(noted), "%s", line);
}

TEST(who_is_named_and_not_there_is_told)
{
	struct crash_task all[] = { { .pid = 5, .tid = 6 }, { .pid = 7, .tid = 7 } };
	const struct crash_tasks tasks = { .all = all, .n = 2 };
	const struct crash_run run = { .note = note };
	struct crash_args a = { 0 };

	EXPECT_EQ(crash_args_check(&run, &a, &tasks), 0);
	a = (struct crash_args){ .pids = { 6, 5, 7 }, .n_pids = 3 };
	EXPECT_EQ(crash_args_check(&run, &a, &tasks), 0);
	EXPECT_STR(noted, "");
	a.pids[1] = 8;
	EXPECT_EQ(crash_args_check(&run, &a, &tasks), 0);
	EXPECT_STR(noted, "there is no task 8");
	a = (struct crash_args){ .pids = { 9 }, .n_pids = 1 };
	EXPECT_EQ(crash_args_check(&run, &a, &tasks), -ESRCH);
	EXPECT_STR(sonde_err_str(), "there is no task 9");
	a = (struct crash_args){ .pids = { 9, 8 }, .n_pids = 2 };
	EXPECT_EQ(crash_args_check(&run, &a, &tasks), -ESRCH);
	EXPECT_STR(sonde_err_str(), "there is no task 9, nor one of the others");
}

TEST(verbs_by_other_words)
{
	static const char *const pairs[][2] = {
		{ "dmesg", "log" },  { "?", "help" }, { "foreach", "bt" },    { "struct", "print" },
		{ "lsof", "files" }, { "pss", "ps" }, { "serach", "search" },
	};

	for (size_t i = 0; i < MEM_LEN(pairs); i++)
		EXPECT_STR(crash_verb_meant(NULL, pairs[i][0]), pairs[i][1]);
	EXPECT(!crash_verb_meant(NULL, "vmcore.old"));
	// Each system has its own.
	EXPECT(!crash_verb_meant(crash_systems[0], "iostat") !=
	       !crash_verb_meant(crash_systems[1], "iostat"));
}

TEST(what_a_verb_does_not_take_is_refused)
{
	struct crash_system system = { .name = "Linux" };
	struct crash_core dump = { .system = &system };
	char word[] = "word";
	char *words[] = { word };
	struct crash_args args = { .format = CRASH_HTML };
	struct crash_run run = { .core = &dump, .args = &args, .argc = 1, .argv = words };

	EXPECT_EQ(crash_verb_run(crash_verb_find(NULL, "bt"), &run), -EINVAL);
	EXPECT_STR(sonde_err_str(), "bt has no html: want text or json");
	args.format = CRASH_TEXT;
	EXPECT_EQ(crash_verb_run(crash_verb_find(NULL, "log"), &run), -EINVAL);
	EXPECT_STR(sonde_err_str(), "log takes no words: 'word'");
}

/* What a page of one fact, one line and one table is, in a format. */
static const char *page(enum crash_format format)
{
	static const struct table_column columns[] = { { "n", "N", TABLE_ID },
						       { "who", "WHO", TABLE_TEXT } };
	static char text[2048];
	const struct crash_args args = { .format = format };
	struct sonde_out out;
	struct crash_run run = { .args = &args, .out = &out };
	struct table t;
	struct page p;

	EXPECT_EQ(out_init(&out, -1), 0);
	table_init(&t, columns, 2);
	table_int(&t, 3);
	table_str(&t, "<b>&");
	page_begin(&p, &run, "A title");
	page_fact(&p, "fact", "Fact", "\x1b[1m<i>");
	page_fact(&p, "none", "None", NULL);
	page_lines_begin(&p, "lines", "Lines");
	page_line(&p, "a & b");
	page_lines_end(&p);
	EXPECT_EQ(page_table(&p, "rows", "Rows", &t), 0);
	page_end(&p);
	(void)snprintf(text, sizeof(text), "%.*s", (int)out.len, out.buf);
	table_fini(&t);
	out_fini(&out);
	return text;
}

TEST(pages)
{
	EXPECT_STR(page(CRASH_TEXT),
		   "Fact        ?[1m<i>\n\nLines\n  a & b\n\nRows\n  N  WHO\n  3  <b>&\n");
	const char *html = page(CRASH_HTML);
	EXPECT(strstr(html, "<table class=\"facts\"><tr><th>Fact<td>?[1m&#60;i&#62;\n</table>"));
	EXPECT(strstr(html, "<h2>Lines</h2>\n<pre>a &#38; b\n</pre>"));
	EXPECT(strstr(html, "<tr><td class=n>3<td>&#60;b&#62;&#38;\n</table>"));
	const char *json = page(CRASH_JSON);
	EXPECT(strstr(json, "\"lines\": [") && strstr(json, "\"a & b\""));
	EXPECT(strstr(json, "\"fact\": \"\\u001b[1m<i>\""));
}

/* Places of the tasks in a tree, as "tid:depth". */
static void expect_family(struct crash_task *all, size_t n, const char *wanted)
{
	const struct crash_tasks tasks = { .all = all, .n = n };
	struct family_member *got = NULL;
	char text[256] = "";

	EXPECT_EQ(family_order(&tasks, &got), 0);
	for (size_t i = 0; got && i < n; i++) {
		size_t len = strlen(text);

		EXPECT(got[i].parent == FAMILY_NONE
			       ? !got[i].depth
			       : got[i].parent < i && got[got[i].parent].depth + 1 == got[i].depth);
		(void)snprintf(text + len, sizeof(text) - len, "%lld:%u ",
			       (long long)got[i].task->tid, got[i].depth);
	}
	EXPECT_STR(text, wanted);
	free(got);
}

TEST(children_stand_below_their_parents)
{
	struct crash_task tree[] = {
		{ .tid = 0, .pid = 0, .ppid = 0 },     { .tid = 1, .pid = 1, .ppid = 0 },
		{ .tid = 2, .pid = 2, .ppid = 0 },     { .tid = 5, .pid = 5, .ppid = 9 },
		{ .tid = 7, .pid = 9, .ppid = 1 },     { .tid = 9, .pid = 9, .ppid = 1 },
		{ .tid = 11, .pid = 11, .ppid = 999 }, { .tid = 12, .pid = 12, .ppid = -1 }
	};
	struct crash_task circle[] = { { .tid = 3, .pid = 3, .ppid = 5 },
				       { .tid = 4, .pid = 4, .ppid = 3 },
				       { .tid = 5, .pid = 5, .ppid = 4 },
				       { .tid = 6, .pid = 6, .ppid = 6 } };
	struct crash_task twins[] = { { .tid = 4, .pid = 8, .ppid = -1 },
				      { .tid = 4, .pid = 8, .ppid = -1 } };

	expect_family(tree, MEM_LEN(tree), "0:0 1:1 9:2 5:3 7:3 2:1 11:0 12:0 ");
	expect_family(circle, MEM_LEN(circle), "6:0 3:0 4:1 5:2 ");
	expect_family(twins, MEM_LEN(twins), "4:0 4:1 ");
	expect_family(twins, 0, "");
}
