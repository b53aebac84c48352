/* SPDX-License-Identifier: MIT */
/** Lists of CPUs: those that the kernel writes, and what is none. */
#include <errno.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "bpf/cpus.h"
#include "bpf/map.h"
#include "test.h"

static int note(void *arg, unsigned cpu)
{
	strbuf_fmt(arg, "%u ", cpu);
	return 0;
}

static int stop_at_two(void *arg, unsigned cpu)
{
	++*(int *)arg;
	return cpu == 2 ? -ECANCELED : 0;
}

TEST(lists)
{
	static const struct {
		const char *text;
		int result;
		const char *cpus;
	} cases[] = {
		{ "0\n", 0, "0 " },
		{ "0-3\n", 0, "0 1 2 3 " },
		{ "0-1,4,6-7", 0, "0 1 4 6 7 " },
		{ "8191", 0, "8191 " },
		{ "", -EBADMSG, "" },
		{ "\n", -EBADMSG, "" },
		{ "a", -EBADMSG, "" },
		{ "1,", -EBADMSG, "1 " },
		{ "1-", -EBADMSG, "" },
		{ "3-1", -EBADMSG, "" },
		{ "0 1", -EBADMSG, "0 " },
		{ "-1", -EBADMSG, "" },
		{ "8192", -EBADMSG, "" },
		{ "0-99999999999999999999", -EBADMSG, "" },
		{ "4294967296", -EBADMSG, "" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct strbuf b = { 0 };

		EXPECT_EQ(cpus_each(cases[i].text, note, &b), cases[i].result);
		EXPECT_STR(strbuf_text(&b), cases[i].cpus);
		strbuf_fini(&b);
	}
}

TEST(stops_when_told)
{
	int n = 0;

	EXPECT_EQ(cpus_each("0-9", stop_at_two, &n), -ECANCELED);
	EXPECT_EQ(n, 3);
}

TEST(this_machine)
{
	struct strbuf b = { 0 };

	EXPECT(cpus_possible() >= 1);
	EXPECT_EQ(cpus_possible(), bpf_possible_cpus());
	EXPECT_EQ(cpus_each_online(note, &b), 0);
	EXPECT(b.len >= 2);
	strbuf_fini(&b);
}
