/* SPDX-License-Identifier: MIT */
/** Which expressions only the running system can tell, and what fields for them are called. */
#include "lang/recorded/context.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "lang/syntax/ast_walk.h"
#include "lang/syntax/parse.h"
#include "test.h"

static bool show(void *arg, const struct ast *x)
{
	struct strbuf *s = arg;
	const struct ast_context *k = x->context;

	if (k)
		strbuf_fmt(s, "%s%s%s=%s ", k->outer ? ">" : "", k->is_plain ? "-" : "", k->name,
			   k->text);
	return false;
}

static int contexts_of(const char *text, struct strbuf *ret)
{
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };
	struct diag d = { .name = "x", .text = text, .text_len = strlen(text) };

	int r = parse_bt(&d, &arena, NULL, 0, &ast);
	if (!r)
		r = recorded_context(&arena, &ast);
	for (const struct ast_probe *p = ast.probes; p && !r; p = p->next) {
		(void)ast_walk(p->pred, show, ret);
		(void)ast_walk(p->body, show, ret);
	}
	diag_fini(&d);
	arena_fini(&arena);
	return r ? r : strbuf_ok(ret);
}

static const struct {
	const char *body, *contexts;
} cases[] = {
	{ "@[pid, comm, tid, cpu, nsecs, @x, rand] = count();", "" },
	{ "@[uid, gid, cgroup] = count();",
	  "context_uid=uid context_gid=gid context_cgroup=cgroup " },
	// Fields of events are asked of those; what they point to is in memory.
	{ "print(args.x);", "-context_args__x=args.x " },
	{ "print(args.x->y);", "context_args__x__y=args.x.y >-context_args__x=args.x " },
	{ "print(str(args.x));",
	  "-context_str_args__x__752a2ae6=str(args.x) >-context_args__x=args.x " },
	{ "print(curtask->a[2].b);",
	  "context_curtask__a_2___b_25ddc483=curtask.a[2].b "
	  ">context_curtask__a_2__817a27cf=curtask.a[2] >context_curtask__a=curtask.a "
	  ">context_curtask=curtask " },
	// A variable that is set once is what it is set to, where that is known.
	{ "$t = curtask; print($t->pid);",
	  "context_curtask=curtask context_curtask__pid=curtask.pid " },
	{ "$t = curtask; if (1) { $t = 0; } print($t->pid);", "context_curtask=curtask " },
	{ "if (@x) { $t = curtask; } print($t->pid);", "context_curtask=curtask " },
	{ "let $t = curtask; $u = $t->p; print($u->q + 1);",
	  "context_curtask=curtask context_curtask__p=curtask.p "
	  "context_curtask__p__q=curtask.p.q " },
	{ "$t = @x; print($t->pid);", "" },
	{ "$i = 0; $i++; print(curtask->a[$i]);",
	  "context_curtask__a=curtask.a >context_curtask=curtask " },
	// Texts at addresses that are kept.
	{ "@p[tid] = arg0; print(str(@p[tid]));", "context_str_arg0__ad2d0e3f=str(arg0) " },
	{ "@p[tid] = arg0; print(@p[tid]);", "context_arg0=arg0 " },
	{ "print(AF_INET); print(kstack(raw, 3)); print(FOO_1);", "context_FOO_1=FOO_1 " },
	{ "$t = curtask; $t = $t; print(pid());", "context_curtask=curtask " },
};

TEST(what_is_asked_has_a_name)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct strbuf text = { 0 }, got = { 0 };

		strbuf_fmt(&text, "t:a:b { %s }", cases[i].body);
		EXPECT_EQ(contexts_of(strbuf_text(&text), &got), 0);
		EXPECT_STR(strbuf_text(&got), cases[i].contexts);
		strbuf_fini(&text);
		strbuf_fini(&got);
	}
}

/* Each is made of the one before twice: what it is by itself would be too long for any memory. */
TEST(long_chains_of_variables_end)
{
	struct strbuf text = { 0 }, got = { 0 };

	strbuf_str(&text, "t:a:b { $x0 = curtask; ");
	for (int i = 1; i < 200; i++)
		strbuf_fmt(&text, "$x%d = $x%d->a + $x%d->b; ", i, i - 1, i - 1);
	strbuf_str(&text, "print($x199->c); }");
	EXPECT_EQ(contexts_of(strbuf_text(&text), &got), 0);
	EXPECT(got.len > 100);
	strbuf_fini(&text);
	strbuf_fini(&got);
}

/* "a.b_c" and "a.b.c" are two. */
TEST(names_differ)
{
	struct strbuf got = { 0 };

	EXPECT_EQ(contexts_of("t:a:b { print(curtask->b_c); print(curtask->b->c); }", &got), 0);
	EXPECT(strstr(strbuf_text(&got), "context_curtask__b_c="));
	EXPECT(strstr(strbuf_text(&got), "context_curtask__b__c="));
	strbuf_fini(&got);
}

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *attach, *name;
} names[] = {
	{ "uprobe:/bin/bash:readline", "uprobe:/bin/bash:readline" },
	{ "uprobe:/bin/x:\"a b(int)\"", "uprobe:/bin/x:a_b(int)" },
	{ "k:vfs_*", "k:vfs_*" },
	{ "kprobe:" LONG LONG, "kprobe:" LONG },
};

TEST(events_are_called_as_their_attach_points)
{
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		struct arena arena = { 0 };
		struct script_ast ast = { 0 };
		char text[256];

		(void)snprintf(text, sizeof(text), "%s { }", names[i].attach);
		struct diag d = { .name = "x", .text = text, .text_len = strlen(text) };
		EXPECT_EQ(parse_bt(&d, &arena, NULL, 0, &ast), 0);
		const char *name = recorded_own_name(&arena, ast.probes->attach);
		EXPECT(name && !strncmp(name, names[i].name, strlen(names[i].name)));
		EXPECT(name && strlen(name) <= 129);
		diag_fini(&d);
		arena_fini(&arena);
	}
}

static int once(void)
{
	struct strbuf got = { 0 };
	const int r =
		contexts_of("t:a:b { $t = curtask; @p = arg0; print((str(@p), $t->x)); }", &got);

	strbuf_fini(&got);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	test_oom(once);
}
