/* SPDX-License-Identifier: MIT */
/** Records of each kind of site, as text and JSON lines; the texts are those of bpftrace 0.17. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "out_made.h"

static const struct type str = { .kind = TYPE_STR, .size = 16, .align = 1 };

/* A site with a number and a text as its arguments. */
static const struct type_field number_and_text[] = { { &type_i64, 0 }, { &str, 8 } };
struct payload {
	int64_t n;
	char s[16];
};

/* What is printed for one record; "!" and the words where it fails. Lent until the next call. */
static const char *shown(enum print_format format, struct site *site, const void *payload,
			 size_t len)
{
	static char text[1 << 16];
	struct script_map map = { .name = "x", .key = &type_i64, .val = &str };
	struct made m;

	made_init(&m, format, site, 1, &map, 1);
	int r = print_record(&m.p, site, payload, len);
	(void)snprintf(text, sizeof(text), "%s%s", made_text(&m), r < 0 ? sonde_err_str() : "");
	made_fini(&m);
	return text;
}

/* The same, and what goes to standard error meanwhile. */
static const char *complained(enum print_format format, struct site *site, const void *payload,
			      size_t len)
{
	static char text[4096];
	const int keep = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);

	(void)dup2(file, STDERR_FILENO);
	(void)shown(format, site, payload, len);
	(void)dup2(keep, STDERR_FILENO);
	const ssize_t n = pread(file, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(keep);
	close(file);
	return text;
}

static struct site site_of(enum site_kind kind, const char *fmt, uint32_t n_args)
{
	return (struct site){ .kind = kind,
			      .fmt = fmt,
			      .args = number_and_text,
			      .n_args = n_args,
			      .name = "it",
			      .pos = { 3, 9, 6 } };
}

TEST(printf_and_print)
{
	const struct payload p = { -5, "a\"b\n" };
	struct site s = site_of(SITE_PRINTF, "%d %s\n", 2);

	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "-5 a\"b\n\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"printf\", \"data\": \"-5 a\\\"b\\n\\n\"}\n");
	s = site_of(SITE_PRINT, NULL, 1);
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "-5\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)), "{\"type\": \"value\", \"data\": -5}\n");
	s.args = &number_and_text[1];
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"value\", \"data\": \"a\\\"b\\n\"}\n");
}

TEST(print_of_one_element)
{
	const struct payload p = { 7, "text" };
	struct site s = site_of(SITE_PRINT_ELEM, NULL, 2);

	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "@x[7]: text\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"map\", \"data\": {\"@x\": {\"7\": \"text\"}}}\n");
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p) - 1), "a record of 23 bytes is too short");
	s.n_args = 1; // of a map without keys
	s.div = 2;
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "@x: 3\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"map\", \"data\": {\"@x\": 3}}\n");
	s.map = 1;
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "a map that is not there");
}

TEST(time_of_day)
{
	const struct payload p = { 3661 * 1000000000LL, "" };
	struct site s = site_of(SITE_TIME, "%H:%M:%S\n", 1);

	setenv("TZ", "UTC", 1);
	tzset();
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "01:01:01\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"time\", \"data\": \"01:01:01\\n\"}\n");
	s.args = &number_and_text[1];
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)), "a time that is no number");
}

TEST(join_leaves_out_what_is_empty)
{
	static const struct type_field three[] = { { &str, 0 }, { &str, 16 }, { &str, 32 } };
	const char p[3][16] = { "/bin/sh", "", "-c" };
	struct site s = site_of(SITE_JOIN, ",", 3);

	s.args = three;
	EXPECT_STR(shown(PRINT_TEXT, &s, p, sizeof(p)), "/bin/sh,-c\n");
	EXPECT_STR(shown(PRINT_JSON, &s, p, sizeof(p)),
		   "{\"type\": \"join\", \"data\": \"/bin/sh,-c\"}\n");
	s.fmt = NULL;
	EXPECT_STR(shown(PRINT_TEXT, &s, p, sizeof(p)), "/bin/sh -c\n");
	EXPECT_STR(shown(PRINT_TEXT, &s, p, 40), "a record of 40 bytes is too short");
}

TEST(cat_prints_the_begin_of_a_file)
{
	const int file = memfd_create("text", MFD_CLOEXEC);
	struct site s = site_of(SITE_CAT, "/proc/self/fd/%d", 1);
	const struct payload p = { file, "" };
	char text[11000];

	memset(text, 'x', sizeof(text));
	EXPECT_EQ(write(file, "a\nb\n", 4), 4);
	EXPECT_STR(shown(PRINT_TEXT, &s, &p, sizeof(p)), "a\nb\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"cat\", \"data\": \"a\\nb\\n\"}\n");
	EXPECT_EQ(write(file, text, sizeof(text)), sizeof(text));
	EXPECT_EQ(strlen(shown(PRINT_TEXT, &s, &p, sizeof(p))), 10240);
	close(file);
}

TEST(cat_of_what_cannot_be_read)
{
	struct site s = site_of(SITE_CAT, "/nonexist%d", 1);
	const struct payload p = { 1, "" };

	EXPECT_STR(complained(PRINT_TEXT, &s, &p, sizeof(p)),
		   "ERROR: failed to open file '/nonexist1': No such file or directory\n");
	EXPECT_STR(complained(PRINT_JSON, &s, &p, sizeof(p)),
		   "ERROR: failed to open file '/nonexist1': No such file or directory\n");
	s.fmt = "/proc%.0d";
	EXPECT_STR(complained(PRINT_TEXT, &s, &(struct payload){ 0, "" }, sizeof(p)),
		   "ERROR: failed to open file '/proc': Is a directory\n");
}

TEST(complaints_name_their_place)
{
	struct site s = site_of(SITE_ERRORF, "bad %d", 1);
	const struct payload p = { 5, "" };

	EXPECT_STR(complained(PRINT_TEXT, &s, &p, sizeof(p)), "test.bt:3:9-15: ERROR: bad 5\n");
	EXPECT_STR(shown(PRINT_JSON, &s, &p, sizeof(p)),
		   "{\"type\": \"print_error\", \"msg\": \"bad 5\", \"filename\": \"test.bt\", "
		   "\"line\": 3, \"col\": 9}\n");
	s = site_of(SITE_WARNF, "line\n", 0);
	EXPECT_STR(complained(PRINT_TEXT, &s, "", 0), "test.bt:3:9-15: WARNING: line\n");
}

TEST(output_of_others)
{
	struct made m;

	made_init(&m, PRINT_TEXT, NULL, 0, NULL, 0);
	print_output(&m.p, "syscall", "hi\n", 3);
	print_attached(&m.p, 1);
	print_attached(&m.p, 2);
	print_lost(&m.p, 7);
	EXPECT_STR(made_text(&m),
		   "hi\nAttaching 1 probe...\nAttaching 2 probes...\nLost 7 events\n");
	made_fini(&m);
	made_init(&m, PRINT_JSON, NULL, 0, NULL, 0);
	print_output(&m.p, "syscall", "hi\n", 3);
	print_attached(&m.p, 1);
	print_lost(&m.p, 7);
	print_note(&m.p, "note", "%d \"%s\"", 1, "x");
	EXPECT_STR(made_text(&m), "{\"type\": \"syscall\", \"data\": \"hi\\n\"}\n"
				  "{\"type\": \"attached_probes\", \"data\": {\"probes\": 1}}\n"
				  "{\"type\": \"lost_events\", \"data\": {\"events\": 7}}\n"
				  "{\"type\": \"note\", \"data\": \"1 \\\"x\\\"\"}\n");
	made_fini(&m);
}

TEST(what_is_not_printed_is_refused)
{
	static const enum site_kind kinds[] = { SITE_PRINT_MAP, SITE_CLEAR, SITE_ZERO,
						SITE_SYSTEM,	SITE_EXIT,  SITE_SKB,
						SITE_LOST_MAP };

	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		struct site s = site_of(kinds[i], "", 0);

		EXPECT_STR(shown(PRINT_TEXT, &s, "", 0), "'it' is not for the printer");
	}
}

TEST(sites_without_arguments)
{
	static const enum site_kind kinds[] = { SITE_PRINT, SITE_PRINT_ELEM, SITE_TIME };

	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		struct site s = site_of(kinds[i], "", 0);

		EXPECT_STR(shown(PRINT_TEXT, &s, "", 0), "a record of 0 bytes is too short");
	}
}
