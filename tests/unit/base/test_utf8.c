/* SPDX-License-Identifier: MIT */
/** What is UTF-8, what of it is shown, and that all who print keep to that. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/table.h"
#include "base/utf8.h"
#include "test.h"

TEST(lengths)
{
	static const struct {
		const char *text;
		size_t len, shown;
	} cases[] = {
		{ "a", 1, 1 },
		{ "", 1, 0 }, // the end
		{ "\033[2J", 1, 0 },
		{ "\x7f", 1, 0 },
		{ "\xc3\xa4", 2, 2 },
		{ "\xc2\x9b"
		  "2J",
		  2, 0 }, // what some terminals take as ESC [
		{ "\xc2\x80", 2, 0 },
		{ "\xc2\xa0", 2, 2 },
		{ "\xe2\x80\xa6", 3, 3 },
		{ "\xf0\x9f\x98\x80", 4, 4 },
		{ "\x9b", 0, 0 },
		{ "\xc3", 0, 1 },	      // cut
		{ "\xe2\x80", 0, 1 },	      // cut
		{ "\xc0\xaf", 0, 1 },	      // longer than need be
		{ "\xe0\x80\xaf", 0, 1 },     // the same
		{ "\xed\xa0\x80", 0, 1 },     // a surrogate
		{ "\xf4\x90\x80\x80", 0, 1 }, // beyond Unicode
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		EXPECT_EQ(utf8_len(cases[i].text), cases[i].len);
		EXPECT_EQ(utf8_shown_len(cases[i].text), cases[i].shown);
	}
}

static const char hostile[] = "a\033]0;x\007\xc2\x9b"
			      "1m\x9b\x7f\n\t\xc3\xa4";

static void read_back(struct sonde_out *o, char *ret, size_t cap)
{
	EXPECT_EQ(out_flush(o), 0);
	ssize_t n = pread(o->fd, ret, cap - 1, 0);
	ret[n > 0 ? n : 0] = '\0';
	out_fini(o);
}

TEST(all_that_print)
{
	static const struct table_column columns[] = { { "k", "K", TABLE_TEXT } };
	sonde_auto(mem_closep) int fd = memfd_create("out", MFD_CLOEXEC);
	char text[256];
	struct sonde_out out;
	struct table t;
	struct json j;

	EXPECT_EQ(out_init(&out, fd), 0);
	out_safe(&out, hostile);
	read_back(&out, text, sizeof(text));
	EXPECT_STR(text, "a?]0;x??1m??  \xc3\xa4");

	EXPECT_EQ(ftruncate(fd, 0), 0);
	EXPECT_EQ((int)lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQ(out_init(&out, fd), 0);
	table_init(&t, columns, 1);
	table_str(&t, hostile);
	EXPECT_EQ(table_print(&t, &out, 0, 0), 0);
	table_fini(&t);
	read_back(&out, text, sizeof(text));
	EXPECT_STR(text, "K\na?]0;x??1m????\xc3\xa4\n");

	EXPECT_EQ(ftruncate(fd, 0), 0);
	EXPECT_EQ((int)lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQ(out_init(&out, fd), 0);
	json_init(&j, &out);
	json_array(&j, NULL);
	json_str(&j, NULL, hostile);
	json_end_array(&j);
	read_back(&out, text, sizeof(text));
	EXPECT(strstr(text, "\"a\\u001b]0;x\\u0007\\u009b1m\xef\xbf\xbd\\u007f\\n\\t\xc3\xa4\""));
}
