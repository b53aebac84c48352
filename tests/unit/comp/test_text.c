/* SPDX-License-Identifier: MIT */
/** Tests the parts of the text: escapes, times, choices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "comp/clock_text.h"
#include "comp/escape.h"
#include "comp/text_choice.h"
#include "test.h"

static const char *escape(const char *s, size_t len, bool json)
{
	static char out[4096];
	const uint8_t *from = (const uint8_t *)s, *end = from + len;
	char *to = out;

	while (from < end) {
		char *next = escape_chunk(to, &from, end, json);
		EXPECT(next - to <= ESCAPE_CHUNK * ESCAPE_GROWTH);
		to = next;
	}
	*to = '\0';
	return out;
}

TEST(escapes)
{
	static const struct {
		const char *in, *text, *json;
	} rows[] = {
		{ "", "", "" },
		{ "plain", "plain", "plain" },
		{ "a\"b\\c", "a\\\"b\\\\c", "a\\\"b\\\\c" },
		{ "'?'", "\\'\\?\\'", "'?'" },
		{ "\a\b\t\n\v\f\r\x1b", "\\a\\b\\t\\n\\v\\f\\r\\e",
		  "\\u0007\\b\\t\\n\\u000b\\f\\r\\u001b" },
		{ "\x01\x1f\x7f", "\\x01\\x1f\\x7f", "\\u0001\\u001f\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff", "\xff",
		  "\xef\xbf\xbd"
		  "ff" },
		{ "\xc3", "\xc3",
		  "\xef\xbf\xbd"
		  "c3" },
		{ "\xc0\x80", "\xc0\x80",
		  "\xef\xbf\xbd"
		  "c0\xef\xbf\xbd"
		  "80" },
		{ "\xed\xa0\x80", "\xed\xa0\x80",
		  "\xef\xbf\xbd"
		  "ed\xef\xbf\xbd"
		  "a0\xef\xbf\xbd"
		  "80" },
		{ "\xf4\x90\x80\x80z", "\xf4\x90\x80\x80z",
		  "\xef\xbf\xbd"
		  "f4\xef\xbf\xbd"
		  "90\xef\xbf\xbd"
		  "80\xef\xbf\xbd"
		  "80z" },
	};

	for (size_t i = 0; i < MEM_LEN(rows); i++) {
		EXPECT_STR(escape(rows[i].in, strlen(rows[i].in), false), rows[i].text);
		EXPECT_STR(escape(rows[i].in, strlen(rows[i].in), true), rows[i].json);
	}
}

/* Sequences of UTF-8 stay whole, wherever a chunk ends. */
TEST(chunks)
{
	for (size_t lead = 0; lead < 2 * ESCAPE_CHUNK; lead++) {
		char in[3 * ESCAPE_CHUNK];

		memset(in, 'x', lead);
		memcpy(in + lead, "\xf0\x9f\x98\x80y", 6);
		EXPECT_STR(escape(in, lead + 5, true), in);
	}
}

static const char *time_text(struct clock_text c, int64_t ns)
{
	static char out[CLOCK_TEXT_MOST + 1];

	*clock_text_put(&c, out, ns) = '\0';
	return out;
}

TEST(times)
{
	const int64_t ns = 1435708799999999999; // 2015-06-30 23:59:59.999999999 GMT

	setenv("TZ", "America/Montreal", 1);
	EXPECT_STR(time_text((struct clock_text){ .gmt = true }, ns), "23:59:59.999999999");
	EXPECT_STR(time_text((struct clock_text){ .gmt = true, .date = true }, ns + 1),
		   "2015-07-01 00:00:00.000000000");
	EXPECT_STR(time_text((struct clock_text){ .seconds = true }, ns), "1435708799.999999999");
	EXPECT_STR(time_text((struct clock_text){ .seconds = true }, -1), "-0.000000001");
	EXPECT_STR(time_text((struct clock_text){ .gmt = true }, -1500000000), "-1.500000000");
	EXPECT_STR(
		time_text((struct clock_text){ .gmt = true, .negative_seen = true }, -1500000000),
		"00:00:01.500000000");
	EXPECT_STR(time_text((struct clock_text){ .seconds = true }, INT64_MIN),
		   "-9223372036.854775808");
	EXPECT_STR(time_text((struct clock_text){ .date = true, .gmt = true }, INT64_MAX),
		   "2262-04-11 23:47:16.854775807");
}

TEST(time_cache)
{
	struct clock_text c = { .gmt = true };
	char out[CLOCK_TEXT_MOST + 1];

	for (int64_t i = 0; i < 200; i++) {
		*clock_text_put(&c, out, i / 2 * 1000000000 + 5) = '\0';
		EXPECT_EQ(strtol(out + 6, NULL, 10), i / 2 % 60);
	}
}

TEST(choices)
{
	struct text_choice c;

	text_choice_init(&c);
	EXPECT(c.names[NAME_PAYLOAD] && c.names[NAME_CONTEXT] && !c.names[NAME_SCOPE]);
	EXPECT_EQ(text_choice_names(&c, ""), 0);
	EXPECT(c.names[NAME_PAYLOAD]);
	EXPECT_EQ(text_choice_names(&c, "scope"), 0);
	EXPECT(!c.names[NAME_PAYLOAD] && c.names[NAME_SCOPE]);
	EXPECT_EQ(text_choice_names(&c, "ctx, header"), 0);
	EXPECT(c.names[NAME_CONTEXT] && c.names[NAME_SCOPE] && c.names[NAME_HEADER]);
	EXPECT_EQ(text_choice_names(&c, "all"), 0);
	EXPECT(c.names[NAME_PAYLOAD]);
	EXPECT_EQ(text_choice_names(&c, "all,none"), -EINVAL);
	EXPECT_EQ(text_choice_names(&c, "payloads"), -EINVAL);
	EXPECT_STR(sonde_err_str(), "unknown name 'payloads'");

	EXPECT(c.fields[FIELD_HOSTNAME] && !c.fields[FIELD_EMF]);
	EXPECT_EQ(text_choice_fields(&c, "emf,trace:vpid"), 0);
	EXPECT(!c.fields[FIELD_HOSTNAME] && c.fields[FIELD_EMF] && c.fields[FIELD_VPID]);
	EXPECT_EQ(text_choice_fields(&c, "none"), -EINVAL);
	EXPECT_EQ(text_choice_fields(&c, "trace:"), -EINVAL);
}
