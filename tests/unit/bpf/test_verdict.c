/* SPDX-License-Identifier: MIT */
/** What is made of the verifier's words. */
#include <stdio.h>

#include "base/strbuf.h"
#include "bpf/fn.h"
#include "bpf/verdict.h"
#include "test.h"

static struct bpf_line_info_ lines[] = { { 0, 1, 1 }, { 4, 2, 9 }, { 7, 5, 3 } };
static const struct bpf_code code = { .lines = lines, .n_lines = 3 };

static const struct {
	const char *log, *reason;
	uint32_t line;
	bool lacks;
} cases[] = {
	{ "", "", 0, false },
	{ "processed 0 insns (limit 1000000)\n", "", 0, false },
	{ "0: R1=ctx() R10=fp0\n"
	  "; line 2, column 9\n"
	  "5: (79) r0 = *(u64 *)(r0 +0)          ; R0=map_value_or_null\n"
	  "R0 invalid mem access 'map_value_or_null'\n"
	  "processed 6 insns (limit 1000000) max_states_per_insn 0\n",
	  "R0 invalid mem access 'map_value_or_null'", 2, false },
	/* without an end, and the reason before the accounts */
	{ "7: (95) exit\nR0 !read_ok\nverification time 42 usec\nstack depth 0\nprocessed 1 insns",
	  "R0 !read_ok", 5, false },
	/* states have no parenthesis, and are no reason */
	{ "3: (b7) r1 = 1\nmath between fp pointer and register\n4: R0_w=inv1\nfrom 2 to 4: R1=2\n",
	  "math between fp pointer and register", 1, false },
	{ "0: (85) call unknown#9999\ninvalid func unknown#9999\n", "invalid func unknown#9999", 1,
	  true },
	{ "99999999999999999999: (95) exit\nno\n", "no", 0, false },
	{ "4294967295: (95) exit\nlast\n", "last", 5, false },
	{ ": (95) exit\n:\n", ":", 0, false },
	{ "12\n", "12", 0, false },
	{ "\n\n\n", "", 0, false },
};

TEST(words)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct strbuf log = { 0 };
		struct verdict v = { .log = &log };

		EXPECT_EQ(verdict_read(cases[i].log, &code, &v), 0);
		EXPECT_STR(v.reason, cases[i].reason);
		EXPECT_EQ(v.line, cases[i].line);
		EXPECT_EQ(v.lacks, cases[i].lacks);
		EXPECT(!strstr(strbuf_text(&log), "processed"));
		strbuf_fini(&log);
	}
}

TEST(only_the_last_lines_are_kept)
{
	struct strbuf in = { 0 }, log = { 0 };
	struct verdict v = { .log = &log };
	size_t n = 0;

	for (int i = 0; i < 1000; i++)
		strbuf_fmt(&in, "%d: (b7) r0 = %d\n", i, i);
	strbuf_str(&in, "the reason\n");
	EXPECT_EQ(verdict_read(strbuf_text(&in), &code, &v), 0);
	for (size_t i = 0; i < log.len; i++)
		n += log.data[i] == '\n';
	EXPECT_EQ(n, 15);
	EXPECT(!strncmp(strbuf_text(&log), "986: (b7)", 9));
	EXPECT_STR(v.reason, "the reason");
	strbuf_fini(&in);
	strbuf_fini(&log);
}

TEST(a_long_reason_is_cut)
{
	struct strbuf in = { 0 }, log = { 0 };
	struct verdict v = { .log = &log };

	for (int i = 0; i < 1000; i++)
		strbuf_str(&in, "word ");
	EXPECT_EQ(verdict_read(strbuf_text(&in), &code, &v), 0);
	EXPECT_EQ(strlen(v.reason), sizeof(v.reason) - 1);
	strbuf_fini(&in);
	strbuf_fini(&log);
}

static int read_one(void)
{
	struct strbuf log = { 0 };
	struct verdict v = { .log = &log };

	int r = verdict_read(cases[2].log, &code, &v);
	strbuf_fini(&log);
	return r;
}

TEST(out_of_memory)
{
	test_oom(read_one);
}
