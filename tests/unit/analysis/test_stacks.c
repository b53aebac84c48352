/* SPDX-License-Identifier: MIT */
/** Tests folded stacks and their picture. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/flame_svg.h"
#include "analysis/stacks.h"
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
		EXPECT_EQ(flame_svg(s, &(struct flame_text){ "a <title>", "1 & 2" }, &out), 0);
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
