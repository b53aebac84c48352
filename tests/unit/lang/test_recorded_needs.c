/* SPDX-License-Identifier: MIT */
/** What a recording must hold for a script. */
#include "lang/recorded/needs.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "test.h"

/* The needs as text: "EVENT EVENT; NS; threads". */
static int needs_of(struct diag *d, const char *text, struct strbuf *ret)
{
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };
	struct recorded_needs n;

	d->name = "x";
	d->text = text;
	d->text_len = strlen(text);
	int r = parse_bt(d, &arena, NULL, 0, &ast);
	if (!r)
		r = recorded_needs(d, &arena, &ast, &n);
	for (size_t i = 0; !r && i < n.n_events; i++)
		strbuf_fmt(ret, "%s%s%s ", n.events[i].glob, n.events[i].kernel_stack ? "+k" : "",
			   n.events[i].user_stack ? "+u" : "");
	if (!r)
		strbuf_fmt(ret, "%llu%s%s", (unsigned long long)n.sample_ns,
			   n.threads ? " threads" : "", n.texts ? " texts" : "");
	for (size_t i = 0; !r && i < n.n_fields; i++)
		strbuf_fmt(ret, " .%s", n.fields[i]);
	arena_fini(&arena);
	return r;
}

static const struct {
	const char *script, *needs;
} cases[] = {
	{ "BEGIN { exit(); }", "0" },
	{ "interval:s:1 { @ = count(); }", "0" },
	{ "t:sched:sched_switch, tracepoint:block:* { @ = count(); }",
	  "sched:sched_switch block:* 0" },
	{ "rt:sched_switch { @[comm] = count(); }", "*:sched_switch 0 threads" },
	{ "event:sys_enter / pid == 1 / { @ = count(); }", "*:sys_enter 0 threads" },
	{ "t:a:b { @[tid, cpu, nsecs, args.x] = count(); }", "a:b 0 .x" },
	{ "t:a:b / args.y > args.x / { print(str(args->x)); }", "a:b 0 texts .y .x" },
	{ "t:a:b, t:a:c { @[kstack(3)] = 1; } t:d:e / len(ustack) > 1 / { @a = 1; } t:f:g { @b = "
	  "1; }",
	  "a:b+k a:c+k d:e+u f:g 0 threads" },
	{ "t:a:b { if (1) { while (@x) { @[(1, \"\", usym(@y))] = 1; } } }", "a:b 0 threads" },
	{ "t:a:b { for ($i : 0..@n) { print((uint8)sizeof(pid)); } }", "a:b 0 threads" },
	{ "profile:hz:99 { @[kstack] = count(); }", "10101010" },
	{ "p:ms:10 { @[ustack(3)] = count(); } profile:hz:100 { @ = 1; }", "10000000 threads" },
	{ "profile:250us { @ = count(); }", "250000" },
	{ "kprobe:f { @[comm] = 1; } uprobe:/bin/x:f { @ = 1; }",
	  "kprobe:f uprobe:/bin/x:f 0 threads" },
	{ "interval:s:1 { @ = count(); }", "0" },
	{ "self:signal:SIGUSR1 { @ = 1; }", "0" },
};

TEST(scripts_need_events_samples_and_names)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct diag d = { 0 };
		struct strbuf got = { 0 };

		EXPECT_EQ(needs_of(&d, cases[i].script, &got), 0);
		EXPECT_STR(strbuf_text(&got), cases[i].needs);
		strbuf_fini(&got);
		diag_fini(&d);
	}
}

static const struct {
	const char *script, *says;
} bad[] = {
	{ "p:hz:9 { @ = 1; }\np:hz:8 { @ = 1; }",
	  "x:2:1: error: samples are recorded at one rate" },
	{ "p:hz:0 { @ = 1; }", "x:1:1: error: 'p:hz:0' is not of the form profile:UNIT:N" },
	{ "p:a:b:c { @ = 1; }", "x:1:1: error: 'p:a:b:c' is not of the form" },
};

TEST(what_no_recording_gives_names_its_place)
{
	for (size_t i = 0; i < MEM_LEN(bad); i++) {
		struct diag d = { 0 };
		struct strbuf got = { 0 };

		EXPECT_EQ(needs_of(&d, bad[i].script, &got), -EINVAL);
		EXPECT(!strncmp(strbuf_text(&d.out), bad[i].says, strlen(bad[i].says)));
		strbuf_fini(&got);
		diag_fini(&d);
	}
}

static int once(void)
{
	struct diag d = { 0 };
	struct strbuf got = { 0 };
	int r = needs_of(&d, "t:a:b, t:c:d { @[comm] = count(); }", &got);

	if (!r)
		r = strbuf_ok(&got);
	strbuf_fini(&got);
	diag_fini(&d);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	test_oom(once);
}
