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

enum { BASE = 0x1000 };
static struct ctypes *types;
static struct node memory[2];

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
	if (va < BASE || va + n > BASE + sizeof(memory))
		return -EFAULT;
	memcpy(ret, (const char *)memory + (va - BASE), n);
	return 0;
}

static bool symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret)
{
	(void)c;
	if (addr < BASE || addr >= BASE + sizeof(memory))
		return false;
	*ret = (struct crash_symbol){ .name = "nodes", .start = BASE, .size = sizeof(memory) };
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

/* What is at @path of the first node. */
static const char *at(const char *path)
{
	static char out[1024];
	struct strbuf b = { 0 };
	struct value v = { .addr = BASE };

	EXPECT_EQ(value_type(&core, "struct node", &v.type), 0);
	if (value_follow(&core, &v, path) < 0)
		return sonde_err_str();
	value_print(&core, &v, 0, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
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
	EXPECT_STR(at("next[-1]"), "'[-1]': want [NUMBER]");
	EXPECT_STR(at("next->next->a"), "?");
	EXPECT_STR(at("v[20]"), "[20] of 20 elements");
	EXPECT_STR(at("a.b"), "'int' has no member 'b'");
	EXPECT_STR(at("nmae"), "'node' has no member 'nmae'; did you mean 'name'?");
	EXPECT_STR(at("->"), "'' is no path of members");
	ctypes_free(types);
}

TEST(whole_structs)
{
	make_types();
	EXPECT_STR(at(""),
		   "{\n  .a = -5,\n  {\n    .name = \"one\",\n    .lo = 6,\n    .hi = 9,\n  },\n"
		   "  .next = 0x10c0 <nodes+0xc0>,\n  .c = BLUE,\n"
		   "  .v = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 4 more },\n}");
	ctypes_free(types);
}

TEST(types_by_name)
{
	const struct ctype *t;

	make_types();
	EXPECT_EQ(value_type(&core, "node", &t), 0);
	EXPECT_EQ(value_type(&core, "struct nod", &t), -ENOENT);
	EXPECT_STR(sonde_err_str(), "there is no type 'struct nod'");
	EXPECT_EQ(value_type(&core, "node@mod", &t), -ENOTSUP);
	ctypes_free(types);
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
		{ "dmesg", "log" },  { "foreach", "bt" }, { "struct", "print" },
		{ "lsof", "files" }, { "pss", "ps" },	  { "serach", "search" },
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
