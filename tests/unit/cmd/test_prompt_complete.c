/* SPDX-License-Identifier: MIT */
/** What may follow a line of the crash prompt, of a made-up kernel. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/prompt/complete.h"
#include "sym/ctype.h"
#include "test.h"

static struct ctypes *types;

/* struct inner { int deep; }; struct node { int a; struct { char name; struct inner in; };
 * struct node *next; struct inner all[2]; }; */
static void make_types(void)
{
	struct btf *b = btf__new_empty();
	uint32_t len;
	int i32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int deep = btf__add_struct(b, "inner", 4);
	btf__add_field(b, "deep", i32, 0, 0);
	int all = btf__add_array(b, i32, deep, 2);
	int nameless = btf__add_struct(b, NULL, 8);
	btf__add_field(b, "name", ch, 0, 0);
	btf__add_field(b, "in", deep, 32, 0);
	int next = btf__add_ptr(b, btf__type_cnt(b) + 1);
	btf__add_struct(b, "node", 40);
	btf__add_field(b, "a", i32, 0, 0);
	btf__add_field(b, "", nameless, 32, 0);
	btf__add_field(b, "next", next, 128, 0);
	btf__add_field(b, "all", all, 192, 0);
	const void *raw = btf__raw_data(b, &len);
	EXPECT_EQ(ctypes_open_btf(raw, len, &types), 0);
	btf__free(b);
}

static struct ctypes *types_of(struct crash_core *c, const char *module)
{
	(void)c;
	return module ? NULL : types;
}

static int each_symbol(struct crash_core *c, int (*f)(void *arg, const struct crash_symbol *s),
		       void *arg)
{
	static const struct crash_symbol all[] = { { .name = "init_net" },
						   { .name = "init_task" },
						   { .name = "init_task" },
						   { .name = "jiffies" } };
	int r = 0;

	(void)c;
	for (size_t i = 0; !r && i < MEM_LEN(all); i++)
		r = f(arg, &all[i]);
	return r;
}

static int tasks_of(struct crash_core *c, struct crash_tasks *ret)
{
	(void)c;
	ret->all = calloc(2, sizeof(*ret->all));
	if (!ret->all)
		return -ENOMEM;
	ret->n = 2;
	ret->all[0].tid = 17;
	ret->all[1].tid = 171;
	return 0;
}

static const struct crash_verb *const no_verbs[] = { NULL };
static const struct crash_system made = {
	.types = types_of,
	.each_symbol = each_symbol,
	.tasks = tasks_of,
	.verbs = no_verbs,
};
static const struct cmd_option options[] = { { 'p', "pid", "PID", "" },
					     { 'u', "unique", NULL, "" },
					     { 0 } };
static struct crash_core core = { .system = &made };

TEST(what_may_follow)
{
	static const struct {
		const char *line, *common;
		size_t n;
	} lines[] = {
		{ "pri", "print", 1 },
		{ "  q", "quit", 1 },
		{ "zzz", "", 0 },
		{ "zzz i", "", 0 },
		{ "sym init", "init_", 2 },
		{ "read j", "jiffies", 1 },
		{ "read jiffies j", "", 0 },
		{ "print no", "node", 1 },
		{ "print struct in", "inner", 1 },
		{ "print node j", "jiffies", 1 },
		{ "print struct node j", "jiffies", 1 },
		{ "print node jiffies na", "name", 1 },
		{ "print node jiffies next->next.in.", "next->next.in.deep", 1 },
		{ "print node jiffies all[1].d", "all[1].deep", 1 },
		{ "print node jiffies all[1", "", 0 },
		{ "print node jiffies [", "", 0 },
		{ "print node jiffies name.x", "", 0 },
		{ "print node jiffies ", "", 5 },
		{ "list jiffies node ne", "next", 1 },
		{ "ps ", "17", 2 },
		{ "ps 17 171", "171", 1 },
		{ "bt --uni", "--unique", 1 },
		{ "bt -u 17", "17", 2 },
		{ "log --pid 171", "171", 1 },
		{ "log -p 171 1", "", 0 },
		{ "thin ps bt l", "l", 2 },
		{ "ps | gr", "", 0 },
		{ "ps 'x", "", 0 },
		{ "", "", 12 },
	};
	const struct complete c = { .core = &core, .more = no_verbs, .options = options };
	size_t n_verbs = 0;

	make_types();
	while (crash_verbs[n_verbs])
		n_verbs++;
	for (size_t i = 0; i < MEM_LEN(lines); i++) {
		struct choices got = { 0 };
		size_t n = *lines[i].line ? lines[i].n : n_verbs + 1;

		complete_line(&c, lines[i].line, &got);
		if (got.n != n || strcmp(strbuf_text(&got.common), lines[i].common) != 0)
			test_failed(__FILE__, __LINE__, "'%s': %zu, '%s'", lines[i].line, got.n,
				    strbuf_text(&got.common));
		choices_fini(&got);
	}
	ctypes_free(types);
}

TEST(more_than_can_be_shown_are_counted)
{
	struct choices c = { .typed = "n" };
	char name[16] = "n0000";

	for (unsigned i = 0; i < 3 * CHOICES_KEPT; i++) {
		name[1] = (char)('0' + i / 100 % 10);
		name[2] = (char)('0' + i / 10 % 10);
		name[3] = (char)('0' + i % 10);
		choices_add(&c, name);
	}
	choices_add(&c, "another");
	EXPECT_EQ(c.n, 3 * CHOICES_KEPT);
	EXPECT_EQ(c.n_kept, CHOICES_KEPT);
	EXPECT_STR(strbuf_text(&c.common), "n");
	choices_fini(&c);
}
