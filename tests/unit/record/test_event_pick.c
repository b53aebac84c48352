/* SPDX-License-Identifier: MIT */
/** Tests how kernel events are named, found and suggested. */
#include "record/event_pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "test.h"

TEST(events_and_filters_are_split)
{
	static const struct {
		const char *text, *glob, *filter;
	} cases[] = {
		{ "sched_switch", "sched_switch", NULL },
		{ "sched:sched_switch", "sched:sched_switch", NULL },
		{ "sched:*", "sched:*", NULL },
		{ "sched:sched_switch:prev_pid != 0", "sched:sched_switch", "prev_pid != 0" },
		{ "sched_switch:prev_pid==0", "sched_switch", "prev_pid==0" },
		{ "sched_switch:prev_comm ~ \"a:b*\"", "sched_switch", "prev_comm ~ \"a:b*\"" },
		{ "a:b:c == \"x:y\"", "a:b", "c == \"x:y\"" },
		{ "a:b:", "a:b", "" },
		{ "a:", "a:", NULL },
		{ "syscalls:sys_enter_[a-m]*", "syscalls:sys_enter_[a-m]*", NULL },
		{ "", "", NULL },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		struct record_event e = event_split(text);
		EXPECT_STR(e.glob, cases[i].glob);
		EXPECT_EQ(e.filter == NULL, cases[i].filter == NULL);
		if (cases[i].filter)
			EXPECT_STR(e.filter, cases[i].filter);
	}
}

TEST(commas_stand_between_events)
{
	static const struct {
		const char *text;
		const char *parts[4];
	} cases[] = {
		{ "a", { "a" } },
		{ "a,b:c, d:*", { "a", "b:c", "d:*" } },
		{ "", { "" } },
		{ "a,,b,", { "a", "", "b", "" } },
		{ "a:[x,y]z,b", { "a:[x,y]z", "b" } },
		{ "a,b:c:d == 1,e", { "a", "b:c:d == 1,e" } },
		{ "a,b:d ~ \"x,y\"", { "a", "b:d ~ \"x,y\"" } },
		{ "a,b:c:", { "a", "b:c:" } },
		{ "a,b:c:,d", { "a", "b:c:,d" } },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		char text[64], *rest = text;
		size_t n = 0;

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		for (; rest && n < MEM_LEN(cases[i].parts) && cases[i].parts[n]; n++)
			EXPECT_STR(event_list_next(&rest), cases[i].parts[n]);
		EXPECT(!rest);
		EXPECT(n == MEM_LEN(cases[i].parts) || !cases[i].parts[n]);
	}
}

/* A folder like tracefs, with a few events. */
static char top[] = "/tmp/sonde-pick-XXXXXX";
static const char *const events[] = {
	"sched:sched_switch",
	"sched:sched_waking",
	"sched:sched_wakeup",
	"irq:softirq_entry",
	"irq:irq_handler_entry",
	"a:twice",
	"b:twice",
	"raw_syscalls:sys_enter",
	"ftrace:print",
	"nonsense",
	":",
	"a:",
};

static void make_folder(void)
{
	char path[128];

	if (!mkdtemp(top))
		test_failed(__FILE__, __LINE__, "no folder");
	(void)snprintf(path, sizeof(path), "%s/available_events", top);
	FILE *f = fopen(path, "we");
	for (size_t i = 0; f && i < MEM_LEN(events); i++)
		fprintf(f, "%s\n", events[i]);
	if (f)
		(void)fclose(f);
}

static void remove_folder(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/available_events", top);
	(void)unlink(path);
	EXPECT_EQ(rmdir(top), 0);
	(void)snprintf(top, sizeof(top), "/tmp/sonde-pick-XXXXXX");
}

static const struct {
	const char *glob;
	const char *picked; /* names in the trace; NULL: refused */
	const char *says;
} picks[] = {
	{ "sched_switch", "sched_switch", NULL },
	{ "sched:sched_wak*", "sched_wakeup sched_waking", NULL },
	{ "sched", "sched_switch sched_wakeup sched_waking", NULL }, // a system's name
	{ "*_entry", "irq_handler_entry softirq_entry", NULL },
	{ "twice", "a:twice b:twice", NULL },
	{ "b:twice", "b:twice", NULL },
	{ "*:*",
	  "a:twice b:twice irq_handler_entry softirq_entry sys_enter sched_switch sched_wakeup "
	  "sched_waking",
	  NULL },
	{ "sched_swicth", NULL,
	  "this kernel has no event 'sched_swicth'; did you mean 'sched:sched_switch'?" },
	{ "sched:sched_wakeing", NULL,
	  "this kernel has no event 'sched:sched_wakeing'; did you mean 'sched:sched_waking', "
	  "'sched:sched_wakeup'?" },
	{ "softirq:softirq_entry", NULL,
	  "this kernel has no event 'softirq:softirq_entry'; did you mean 'irq:softirq_entry'?" },
	{ "entry", NULL,
	  "this kernel has no event 'entry'; did you mean 'irq:irq_handler_entry', "
	  "'irq:softirq_entry'?" },
	{ "nothing_like_it", NULL, "this kernel has no event 'nothing_like_it'" },
	{ "ftrace:print", NULL, "this kernel has no event 'ftrace:print'" },
};

TEST(globs_pick_events)
{
	make_folder();
	for (size_t i = 0; i < MEM_LEN(picks); i++) {
		struct arena arena = { 0 };
		struct event_list l = { 0 };
		struct strbuf got = { 0 };
		const struct record_event e = { .glob = picks[i].glob, .filter = "x" };

		EXPECT_EQ(event_list_read(&l, top, &arena), 0);
		int r = event_list_pick(&l, &(struct record_opts){ .events = &e, .n_events = 1 });
		EXPECT_EQ(r, picks[i].picked ? 0 : -EINVAL);
		for (size_t k = 0; k < l.n; k++) {
			EXPECT_EQ(l.events[k].picked, l.events[k].filter != NULL);
			if (l.events[k].picked)
				strbuf_fmt(&got, "%s%s", got.len ? " " : "", l.events[k].shown);
		}
		if (picks[i].picked)
			EXPECT_STR(strbuf_text(&got), picks[i].picked);
		else
			EXPECT_STR(sonde_err_str(), picks[i].says);
		strbuf_fini(&got);
		event_list_fini(&l);
		arena_fini(&arena);
	}
	remove_folder();
}

TEST(the_usual_events_are_those_that_exist)
{
	struct arena arena = { 0 };
	struct event_list l = { 0 };
	size_t n = 0;

	make_folder();
	EXPECT_EQ(event_list_read(&l, top, &arena), 0);
	EXPECT_EQ(event_list_pick(&l, &(struct record_opts){ 0 }), 0);
	for (size_t k = 0; k < l.n; k++)
		n += l.events[k].picked;
	EXPECT_EQ(n, 5); // not sched_wakeup, not twice
	event_list_fini(&l);
	arena_fini(&arena);
	EXPECT_EQ(event_list_read(&l, "/nonexistent", &arena), -ENOENT);
	remove_folder();
}

TEST(what_paths_between_hosts_need_comes_on_top)
{
	const struct record_event e = { .glob = "irq:softirq_entry" };
	struct arena arena = { 0 };
	struct event_list l = { 0 };
	size_t n = 0, n_net = 0;

	make_folder();
	EXPECT_EQ(event_list_read(&l, top, &arena), 0);
	EXPECT_EQ(event_list_pick(&l, &(struct record_opts){ .events = &e, .n_events = 1 }), 0);
	for (size_t k = 0; k < l.n; k++)
		n += l.events[k].picked;
	EXPECT_EQ(event_list_pick(
			  &l, &(struct record_opts){ .events = &e, .n_events = 1, .net = true }),
		  0);
	for (size_t k = 0; k < l.n; k++)
		n_net += l.events[k].picked;
	EXPECT_EQ(n, 1);
	EXPECT(n_net > 1); // sched_switch, at least
	event_list_fini(&l);
	arena_fini(&arena);
	remove_folder();
}

TEST(events_that_may_lack_are_no_mistake)
{
	const struct record_event e[] = { { .glob = "nothing_like_it", .may_lack = true },
					  { .glob = "irq:softirq_entry" } };
	struct arena arena = { 0 };
	struct event_list l = { 0 };
	size_t n = 0;

	make_folder();
	EXPECT_EQ(event_list_read(&l, top, &arena), 0);
	EXPECT_EQ(event_list_pick(&l, &(struct record_opts){ .events = e, .n_events = 1 }), 0);
	EXPECT_EQ(event_list_pick(&l, &(struct record_opts){ .no_usual = true }), 0);
	for (size_t k = 0; k < l.n; k++)
		n += l.events[k].picked;
	EXPECT_EQ(n, 0);
	EXPECT_EQ(event_list_pick(&l, &(struct record_opts){ .events = e, .n_events = 2 }), 0);
	for (size_t k = 0; k < l.n; k++)
		n += l.events[k].picked;
	EXPECT_EQ(n, 1);
	event_list_fini(&l);
	arena_fini(&arena);
	remove_folder();
}

static int read_and_pick(void)
{
	struct arena arena = { 0 };
	struct event_list l = { 0 };

	int r = event_list_read(&l, top, &arena);
	if (!r)
		r = event_list_pick(&l, &(struct record_opts){ 0 });
	event_list_fini(&l);
	arena_fini(&arena);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	make_folder();
	test_oom(read_and_pick);
	remove_folder();
}
