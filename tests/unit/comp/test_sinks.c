/* SPDX-License-Identifier: MIT */
/** Tests the sinks and filters on a made-up source. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "made.h"
#include "test.h"

static char text[1 << 16];

#define FIELDS "{ a = 42, s = \"q\\\"\\n\xff\", n = 2, list = [ [0] = 0xA, [1] = 0xFF ], d = 1.5 }"

static const struct made_event few[] = { { 0, 5 }, { 1, 10 }, { 2, 10 }, { 0, 2000000020 } };

static void give(const struct made_event *events, size_t n)
{
	made_events = events;
	made_n = n;
	made_short = 0;
	setenv("TZ", "UTC0", 1);
}

TEST(text_of_a_few)
{
	const struct made_part sink = { .name = "sink.text" };

	give(few, 4);
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), 0);
	EXPECT_STR(text,
		   "[00:00:00.000000005] (+?.?????????"
		   ") box:(12) first: { cpu_id = 3 }, " FIELDS
		   "\n[00:00:00.000000010] (+0.000000005) box:(12) second: { cpu_id = 3 }, " FIELDS
		   "\n[00:00:02.000000020] (+2.000000010) box:(12) first: { cpu_id = 3 }, " FIELDS
		   "\n");
	EXPECT_STR(made_notes, "dir/chan_0: 5 events lost between 00:00:00.000000010 and "
			       "00:00:00.000000020\n");
}

TEST(text_with_names_and_fields)
{
	const struct made_part sink = { .name = "sink.text",
					.params = { { "names", "all" },
						    { "fields", "loglevel" },
						    { "clock-cycles", "yes" } },
					.n_params = 3 };

	give(few + 1, 1);
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), 0);
	EXPECT_STR(text, "timestamp = 00000000000000000010, delta = +????????????, "
			 "loglevel = TRACE_WARNING (4), name = second, "
			 "stream.packet.context = { cpu_id = 3 }, event.fields = " FIELDS "\n");
}

TEST(wrong_names)
{
	const struct made_part sink = { .name = "sink.text",
					.params = { { "names", "payload,rubbish" } },
					.n_params = 1 };

	give(few, 1);
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), -EINVAL);
	EXPECT_STR(sonde_err_str(), "unknown name 'rubbish'");
}

#define JSON_FIELDS                                                                     \
	"\"cpu\":3,\"stream\":\"chan_0\",\"packet_context\":{\"cpu_id\":3},\"fields\":" \
	"{\"a\":42,\"s\":\"q\\\"\\n\xef\xbf\xbd"                                        \
	"ff\",\"n\":2,\"list\":[10,255],\"d\":1.5}}\n"

TEST(json_of_a_few)
{
	const struct made_part sink = { .name = "sink.json" };

	give(few + 1, 2);
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), 0);
	EXPECT_STR(text, "{\"ts_ns\":10,\"event\":\"second\",\"loglevel\":4," JSON_FIELDS
			 "{\"ts_ns\":10,\"gap\":\"lost_events\",\"count\":5,\"begin_ns\":10,"
			 "\"end_ns\":20,\"stream\":\"dir/chan_0\",\"path\":\"dir/chan_0\","
			 "\"offset\":4096}\n");
}

/* Wherever the event ends, nothing behind it is read, and JSON stays whole. */
TEST(cut_events)
{
	const struct made_part sinks[] = { { .name = "sink.text" }, { .name = "sink.json" } };

	give(few, 1);
	for (made_short = 1; made_short <= 160; made_short++) {
		EXPECT_EQ(made_run(&sinks[0], 1, text, sizeof(text)), 0);
		EXPECT(strstr(text, "<cut>") && text[strlen(text) - 1] == '\n');
		EXPECT_EQ(made_run(&sinks[1], 1, text, sizeof(text)), 0);
		EXPECT(strstr(text, "null"));
		EXPECT(!strcmp(text + strlen(text) - 3, "}}\n"));
	}
	made_short = 0;
}

TEST(none_prints_nothing)
{
	const struct made_part sink = { .name = "sink.none" };

	give(few, 4);
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), 0);
	EXPECT_STR(text, "");
	EXPECT(strstr(made_notes, "5 events lost"));
}

static size_t count(const char *what)
{
	size_t n = 0;

	for (const char *s = text; (s = strstr(s, what)); s++)
		n++;
	return n;
}

static struct made_event many[1000];

static void give_many(void)
{
	for (size_t i = 0; i < MEM_LEN(many); i++)
		many[i] = (struct made_event){ i % 3 != 0, (int64_t)i };
	give(many, MEM_LEN(many));
}

static char large[1 << 20];

TEST(filters)
{
	static const struct {
		struct made_part filter;
		size_t want;
	} rows[] = {
		{ { "flt.name", { { "glob", "*" } }, 1 }, 1000 },
		{ { "flt.name", { { "glob", "first" } }, 1 }, 334 },
		{ { "flt.name", { { "glob", "f*" }, { "glob", "sec[o]nd" } }, 2 }, 1000 },
		{ { "flt.name", { { "glob", "irst" } }, 1 }, 0 },
		{ { "flt.window", { { "from", "10" }, { "to", "12" } }, 2 }, 3 },
		{ { "flt.window", { { "from", "990" } }, 1 }, 10 },
		{ { "flt.window", { { "to", "0" } }, 1 }, 1 },
		{ { "flt.window", { { "to", "-1" } }, 1 }, 0 },
		{ { "flt.limit", { { "n", "0" } }, 1 }, 0 },
		{ { "flt.limit", { { "n", "17" } }, 1 }, 17 },
		{ { "flt.limit", { { "n", "5000" } }, 1 }, 1000 },
	};

	give_many();
	for (size_t i = 0; i < MEM_LEN(rows); i++) {
		const struct made_part parts[] = { rows[i].filter, { .name = "sink.json" } };
		size_t lines = 0;

		EXPECT_EQ(made_run(parts, 2, large, sizeof(large)), 0);
		for (const char *s = large; (s = strchr(s, '\n')); s++)
			lines++;
		EXPECT_EQ(lines, rows[i].want);
	}
}

TEST(wrong_filters)
{
	static const struct made_part rows[] = {
		{ "flt.name", { { "other", "x" } }, 1 },
		{ "flt.window", { { "from", "soon" } }, 1 },
		{ "flt.limit", { { "n", "-3" } }, 1 },
		{ "flt.limit", { { "m", "3" } }, 1 },
	};

	give(few, 4);
	for (size_t i = 0; i < MEM_LEN(rows); i++)
		EXPECT_EQ(made_run(&rows[i], 1, text, sizeof(text)), -EINVAL);
}

/* Of many gaps in one stream, ten are told and the rest is counted. */
TEST(gaps_are_bounded)
{
	const struct made_part sink = { .name = "sink.none" };
	struct made_event gaps[100];

	for (size_t i = 0; i < MEM_LEN(gaps); i++)
		gaps[i] = (struct made_event){ 2, 10 };
	give(gaps, MEM_LEN(gaps));
	EXPECT_EQ(made_run(&sink, 1, text, sizeof(text)), 0);
	snprintf(text, sizeof(text), "%s", made_notes);
	EXPECT_EQ(count("5 events lost"), 10);
	EXPECT_EQ(count("dir/chan_0: 90 more gaps like these, with 450 events lost\n"), 1);
}

static int allocations_of(size_t n, const char *sink_name, uint64_t *ret)
{
	const struct made_part sink = { .name = sink_name };
	uint64_t before = test_allocations();

	made_n = n;
	int r = made_run(&sink, 1, text, sizeof(text));
	*ret = test_allocations() - before;
	return r;
}

TEST(no_allocation_per_event)
{
	static const char *const sinks[] = { "sink.text", "sink.json", "sink.none" };

	give_many();
	for (size_t i = 0; i < MEM_LEN(sinks); i++) {
		uint64_t few_events = 0, many_events = 1;

		EXPECT_EQ(allocations_of(10, sinks[i], &few_events), 0);
		EXPECT_EQ(allocations_of(1000, sinks[i], &many_events), 0);
		EXPECT_EQ(many_events, few_events);
	}
}

static int run_text(void)
{
	const struct made_part parts[] = { { "flt.name", { { "glob", "*" } }, 1 },
					   { .name = "sink.text" } };

	return made_run(parts, 2, text, sizeof(text));
}

static int run_json(void)
{
	const struct made_part sink = { .name = "sink.json" };

	return made_run(&sink, 1, text, sizeof(text));
}

TEST(out_of_memory)
{
	give(few, 4);
	test_oom(run_text);
	test_oom(run_json);
}
