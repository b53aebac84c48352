/* SPDX-License-Identifier: MIT */
/** Tests folded stacks and their picture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/flame/diff.h"
#include "analysis/flame/stacks.h"
#include "analysis/flame/svg.h"
#include "test.h"

/* Adds "kind text" frames, given as "tname;uname;kname". */
static int add(struct stacks *s, const char *stack, uint64_t weight)
{
	static const char letters[] = "tukx";
	uint32_t names[16];
	size_t n = 0;

	while (*stack) {
		const char *end = strchr(stack, '|');
		const size_t len = end ? (size_t)(end - stack) : strlen(stack);
		const enum frame_kind kind = (enum frame_kind)(strchr(letters, stack[0]) - letters);

		int r = stacks_name(s, kind, stack + 1, len - 1, &names[n++]);
		if (r < 0)
			return r;
		stack += len + (end != NULL);
	}
	return stacks_add(s, names, n, weight);
}

static int fill(struct stacks *s)
{
	static const struct {
		const char *stack;
		uint64_t weight;
	} all[] = {
		{ "tsh|umain|uread|kvfs_read", 3 }, { "tsh|umain|uread", 1 },
		{ "tsh|umain|uread|kvfs_read", 2 }, { "tsh|umain", 5 },
		{ "tsh|ufoo<a;b>\n|u\"&'", 40 },    { "tzz|umain", 4000 },
		{ "tsh|umain|kread", 7 },
	};
	int r = stacks_init(s);

	for (size_t i = 0; !r && i < sizeof(all) / sizeof(*all); i++)
		r = add(s, all[i].stack, all[i].weight);
	return r < 0 ? r : stacks_finish(s);
}

/* What a printer writes, 0-ended and owned. */
static char *text_of(struct stacks *s, bool svg)
{
	struct sonde_out out;
	int fds[2];

	if (pipe(fds) != 0 || out_init(&out, fds[1]) < 0)
		return NULL;
	if (svg)
		EXPECT_EQ(flame_svg(s, &(struct flame_text){ "a <title>", "1 & 2", FLAME_SAMPLES },
				    &out),
			  0);
	else
		stacks_print_folded(s, &out);
	char *text = calloc(1, out.len + 1);
	if (text)
		memcpy(text, out.buf, out.len);
	out_fini(&out);
	close(fds[0]);
	close(fds[1]);
	return text;
}

TEST(folded)
{
	struct stacks s = { 0 };

	EXPECT_EQ(fill(&s), 0);
	char *text = text_of(&s, false);
	EXPECT_STR(text, "sh;foo<a:b>?;\"&' 40\n"
			 "sh;main 5\n"
			 "sh;main;read 1\n"
			 "sh;main;read;vfs_read 5\n"
			 "sh;main;read 7\n"
			 "zz;main 4000\n");
	EXPECT_EQ(s.nodes[0].total, 4058);
	free(text);
	stacks_fini(&s);
}

static int fold_once(void)
{
	struct stacks s = { 0 };
	int r = fill(&s);

	stacks_fini(&s);
	return r;
}

TEST(out_of_memory)
{
	test_oom(fold_once);
}

TEST(picture)
{
	struct stacks s = { 0 };

	EXPECT_EQ(fill(&s), 0);
	char *text = text_of(&s, true);
	EXPECT(text && strstr(text, "<title>a &lt;title&gt;</title>"));
	EXPECT(text && strstr(text, ">1 &amp; 2</text>"));
	EXPECT(text && strstr(text, "<title>all (4,058 samples, 100.00 %)</title>"));
	EXPECT(text && strstr(text, "<title>&quot;&amp;' (40 samples, 0.99 %)</title>"));
	// 1168 px wide in all: "zz" begins behind the 58 samples of "sh".
	EXPECT(text && strstr(text, "data-x=\"58\" data-n=\"4000\" data-d=\"1\"><title>zz (4,000 "
				    "samples, 98.57 %)</title><rect x=\"32.693\""));
	EXPECT(text && strstr(text, "width=\"1151.307\""));
	// Nothing is below one in a thousand but vfs_read's caller's own sample, which is no frame.
	EXPECT(text && !strstr(text, "not drawn"));
	EXPECT(text && strstr(text, "</svg>"));
	free(text);
	stacks_fini(&s);
}

TEST(narrow_frames_are_counted)
{
	struct stacks s = { 0 };

	EXPECT_EQ(stacks_init(&s), 0);
	EXPECT_EQ(add(&s, "ta|ub", 1), 0);
	EXPECT_EQ(add(&s, "ta|uc|ud", 1), 0);
	EXPECT_EQ(add(&s, "ta", 2998), 0);
	EXPECT_EQ(stacks_finish(&s), 0);
	char *text = text_of(&s, true);
	EXPECT(text && strstr(text, ">3 frames below 0.1 % not drawn<"));
	EXPECT(text && !strstr(text, "<title>b "));
	free(text);
	stacks_fini(&s);
}

TEST(escaping)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "a<b>&\"'", "a&lt;b&gt;&amp;&quot;'" },
		{ "\x01\t\x7f", "???" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5" },
		{ "\xc3", "?" },
		{ "\xff\xfe", "??" },
		{ "\xc0\xaf", "??" },		// longer than need be
		{ "\xed\xa0\x80", "???" },	// half of a pair
		{ "\xef\xbf\xbf", "???" },	// no letter
		{ "\xf4\x90\x80\x80", "????" }, // beyond the last
	};
	struct strbuf b = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		b.len = 0;
		strbuf_str(&b, "");
		flame_escape(&b, cases[i].in, strlen(cases[i].in));
		EXPECT_EQ(b.len, strlen(cases[i].out));
		EXPECT(!b.len || !memcmp(b.data, cases[i].out, b.len));
	}
	strbuf_fini(&b);
}

TEST(fitting)
{
	static const struct {
		const char *text;
		size_t chars, len;
		bool cut;
	} cases[] = {
		{ "abcdef", 6, 6, false },
		{ "abcdef", 7, 6, false },
		{ "abcdef", 5, 3, true },
		{ "abcdef", 3, 1, true },
		{ "abcdef", 2, 0, false },
		{ "abcdef", 0, 0, false },
		{ "ab", 2, 2, false },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4, 8, false },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 3, 2, true },
		{ "", 3, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool cut = false;

		EXPECT_EQ(flame_fit(cases[i].text, cases[i].chars, &cut), cases[i].len);
		EXPECT_EQ(cut, cases[i].cut);
	}
}

/* What a differential of two texts writes; NULL: it failed with *@ret. */
static char *diff_of(const char *before, const char *now, bool normalize, bool folded, int *ret)
{
	struct flame_diff d;
	struct sonde_out out;
	char *text = NULL;

	*ret = out_init(&out, -1);
	if (*ret < 0)
		return NULL;
	*ret = flame_diff_init(&d);
	d.normalize = normalize;
	if (!*ret)
		*ret = flame_diff_add(&d, "before", before, strlen(before), true);
	if (!*ret)
		*ret = flame_diff_add(&d, "now", now, strlen(now), false);
	if (!*ret)
		*ret = flame_diff_write(&d, "t", FLAME_NS, folded, &out);
	if (!*ret)
		text = calloc(1, out.len + 1);
	if (text)
		memcpy(text, out.buf, out.len);
	flame_diff_fini(&d);
	out_fini(&out);
	return text;
}

TEST(differentials)
{
	static const struct {
		const char *before, *now;
		bool normalize;
		const char *want;
	} cases[] = {
		{ "a;b 3\na;c 4\n", "a;b 3\na;c 4\n", false, "" },
		{ "a;b 3\na;c 4\na 1\n", "a;b 3\na;c 6\na;d e 7", false,
		  "a 1 0\na;c 4 6\na;d e 0 7\n" },
		{ "a;b 1\na;b 2\n", "\r\na;b 3 \r\n\n", false, "" },
		{ "a 1\nb 3\n", "a 50\nb 150\n", true, "" },
		{ "a 1\nb 2\n", "a 10\nb 10\n", true, "a 7 10\nb 13 10\n" },
		{ "", "a 5\n", true, "a 0 5\n" },
		{ "a 5\n", "", false, "a 5 0\n" },
		{ ";;a 1", ";;a 2", false, ";;a 1 2\n" },
		{ "a 9223372036854775807", "a 9223372036854775806", true, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r;
		char *text = diff_of(cases[i].before, cases[i].now, cases[i].normalize, true, &r);

		EXPECT_EQ(r, 0);
		EXPECT_STR(text ? text : "none", cases[i].want);
		free(text);
	}
}

TEST(lines_that_are_none)
{
	static const char *const bad[] = { "a",
					   "a b",
					   "a;b -1",
					   "a 1.5",
					   " 1",
					   "5",
					   "a 18446744073709551616",
					   "a 9223372036854775808",
					   "a 9223372036854775807\nb 1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r;
		char *text = diff_of("", bad[i], false, true, &r);

		EXPECT_EQ(r, -EBADMSG);
		EXPECT(!text);
		EXPECT(strstr(sonde_err_str(), "now:"));
		free(text);
	}
}

TEST(picture_of_a_differential)
{
	int r;
	char *text = diff_of("a;b 1000000\na;c 3000000\n", "a;b 3000000\na;c 1000000\na;d 5", false,
			     false, &r);

	EXPECT_EQ(r, 0);
	EXPECT(text && strstr(text, "class=\"m7\" data-x=\"0\" data-n=\"3000000\""));
	EXPECT(text && strstr(text, "<title>b (3.000 ms, 75.00 %, +2.000 ms)</title>"));
	EXPECT(text && strstr(text, "<title>c (1.000 ms, 25.00 %, -2.000 ms)</title>"));
	EXPECT(text && strstr(text, "<title>a (4.000 ms, 100.00 %, +5 ns)</title>"));
	EXPECT(text && strstr(text, "class=\"l7\""));
	EXPECT(text && strstr(text, "data-unit=\"ns\""));
	free(text);
	text = diff_of("a 1\n", "", false, false, &r);
	EXPECT_EQ(r, -ENODATA);
	EXPECT(!text);
}

static int diff_without_memory(void)
{
	int r;

	free(diff_of("a;b 1\na;c 3\n", "a;b 3\na;d 5", true, false, &r));
	return r;
}

TEST(differentials_out_of_memory)
{
	test_oom(diff_without_memory);
}
