/* SPDX-License-Identifier: MIT */
/** printf formats: against a table from bpftrace 0.17, and against the C library's own. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "out_made.h"

enum { ROOM = 32 };

/* Arguments of a site, behind each other in a payload. */
struct args {
	struct type_field fields[4];
	uint8_t payload[256];
	uint32_t n, len;
};

static void add_arg(struct args *a, const struct type *t, const void *bytes)
{
	a->len = (a->len + 7) & ~7U;
	a->fields[a->n++] = (struct type_field){ t, a->len };
	memcpy(a->payload + a->len, bytes, t->size);
	a->len += t->size;
}

static void add_int(struct args *a, int64_t v)
{
	add_arg(a, type_int(8, true), &v);
}

static void add_str(struct args *a, const char *text)
{
	static const struct type str = { .kind = TYPE_STR, .size = ROOM, .align = 1 };
	char bytes[ROOM] = "";

	memcpy(bytes, text, strnlen(text, ROOM));
	add_arg(a, &str, bytes);
}

/* Lent until the next call; "!" and the words where it fails. */
static const char *formatted(const char *fmt, const struct args *a)
{
	static char text[4096];
	struct site site = { .kind = SITE_PRINTF, .fmt = fmt, .args = a->fields, .n_args = a->n };
	struct strbuf b = { 0 };
	struct made m;

	made_init(&m, PRINT_TEXT, &site, 1, NULL, 0);
	int r = print_format(&m.p, &site, a->payload, a->len, &b);
	(void)snprintf(text, sizeof(text), "%s", r < 0 ? sonde_err_str() : strbuf_text(&b));
	strbuf_fini(&b);
	made_fini(&m);
	return text;
}

// What bpftrace 0.17 printed for each.
static const struct {
	const char *fmt;
	int64_t n;
	const char *str, *text;
} of_bpftrace[] = {
	// clang-format off
	{ "%d", 42, NULL, "42" },
	{ "%d", -5, NULL, "-5" },
	{ "%d", 0, NULL, "0" },
	{ "%d", 2147483647, NULL, "2147483647" },
	{ "%d", 4294967295LL, NULL, "4294967295" },
	{ "%d", 78187493520LL, NULL, "78187493520" },
	{ "%d", -1, NULL, "-1" },
	{ "%u", 42, NULL, "42" },
	{ "%u", -5, NULL, "18446744073709551611" },
	{ "%u", 0, NULL, "0" },
	{ "%u", 2147483647, NULL, "2147483647" },
	{ "%u", 4294967295LL, NULL, "4294967295" },
	{ "%u", 78187493520LL, NULL, "78187493520" },
	{ "%u", -1, NULL, "18446744073709551615" },
	{ "%x", 42, NULL, "2a" },
	{ "%x", -5, NULL, "fffffffffffffffb" },
	{ "%x", 0, NULL, "0" },
	{ "%x", 2147483647, NULL, "7fffffff" },
	{ "%x", 4294967295LL, NULL, "ffffffff" },
	{ "%x", 78187493520LL, NULL, "1234567890" },
	{ "%x", -1, NULL, "ffffffffffffffff" },
	{ "%X", 42, NULL, "2A" },
	{ "%X", -5, NULL, "FFFFFFFFFFFFFFFB" },
	{ "%X", 4294967295LL, NULL, "FFFFFFFF" },
	{ "%5d", 42, NULL, "   42" },
	{ "%5d", -5, NULL, "   -5" },
	{ "%5d", 4294967295LL, NULL, "4294967295" },
	{ "%-5d", 42, NULL, "42   " },
	{ "%-5d", -5, NULL, "-5   " },
	{ "%-5d", 4294967295LL, NULL, "4294967295" },
	{ "%05d", 42, NULL, "00042" },
	{ "%05d", -5, NULL, "-0005" },
	{ "%05d", 0, NULL, "00000" },
	{ "%05d", 2147483647, NULL, "2147483647" },
	{ "%05d", 4294967295LL, NULL, "4294967295" },
	{ "%05d", 78187493520LL, NULL, "78187493520" },
	{ "%05d", -1, NULL, "-0001" },
	{ "%-05d", 42, NULL, "42   " },
	{ "%-05d", -5, NULL, "-5   " },
	{ "%-05d", 4294967295LL, NULL, "4294967295" },
	{ "%.3d", 42, NULL, "042" },
	{ "%.3d", -5, NULL, "-005" },
	{ "%.3d", 4294967295LL, NULL, "4294967295" },
	{ "%8.5d", 42, NULL, "   00042" },
	{ "%8.5d", -5, NULL, "  -00005" },
	{ "%8.5d", 0, NULL, "   00000" },
	{ "%8.5d", 2147483647, NULL, "2147483647" },
	{ "%8.5d", 4294967295LL, NULL, "4294967295" },
	{ "%8.5d", 78187493520LL, NULL, "78187493520" },
	{ "%8.5d", -1, NULL, "  -00001" },
	{ "%-8.5d", 42, NULL, "00042   " },
	{ "%-8.5d", -5, NULL, "-00005  " },
	{ "%-8.5d", 4294967295LL, NULL, "4294967295" },
	{ "%ld", 42, NULL, "42" },
	{ "%ld", -5, NULL, "-5" },
	{ "%ld", 0, NULL, "0" },
	{ "%ld", 2147483647, NULL, "2147483647" },
	{ "%ld", 4294967295LL, NULL, "4294967295" },
	{ "%ld", 78187493520LL, NULL, "78187493520" },
	{ "%ld", -1, NULL, "-1" },
	{ "%lld", 42, NULL, "42" },
	{ "%lld", -5, NULL, "-5" },
	{ "%lld", 4294967295LL, NULL, "4294967295" },
	{ "%llu", 42, NULL, "42" },
	{ "%llu", -5, NULL, "18446744073709551611" },
	{ "%llu", 0, NULL, "0" },
	{ "%llu", 2147483647, NULL, "2147483647" },
	{ "%llu", 4294967295LL, NULL, "4294967295" },
	{ "%llu", 78187493520LL, NULL, "78187493520" },
	{ "%llu", -1, NULL, "18446744073709551615" },
	{ "%lx", 42, NULL, "2a" },
	{ "%lx", -5, NULL, "fffffffffffffffb" },
	{ "%lx", 4294967295LL, NULL, "ffffffff" },
	{ "%016lx", 42, NULL, "000000000000002a" },
	{ "%016lx", -5, NULL, "fffffffffffffffb" },
	{ "%016lx", 4294967295LL, NULL, "00000000ffffffff" },
	{ "%hhd", 42, NULL, "42" },
	{ "%hhd", -5, NULL, "-5" },
	{ "%hhd", 0, NULL, "0" },
	{ "%hhd", 2147483647, NULL, "-1" },
	{ "%hhd", 4294967295LL, NULL, "-1" },
	{ "%hhd", 78187493520LL, NULL, "-112" },
	{ "%hhd", -1, NULL, "-1" },
	{ "%hhu", 42, NULL, "42" },
	{ "%hhu", -5, NULL, "251" },
	{ "%hhu", 4294967295LL, NULL, "255" },
	{ "%hd", 42, NULL, "42" },
	{ "%hd", -5, NULL, "-5" },
	{ "%hd", 4294967295LL, NULL, "-1" },
	{ "%hx", 42, NULL, "2a" },
	{ "%hx", -5, NULL, "fffb" },
	{ "%hx", 4294967295LL, NULL, "ffff" },
	{ "%hhx", 42, NULL, "2a" },
	{ "%hhx", -5, NULL, "fb" },
	{ "%hhx", 4294967295LL, NULL, "ff" },
	{ "%jd", 42, NULL, "42" },
	{ "%jd", -5, NULL, "-5" },
	{ "%jd", 4294967295LL, NULL, "4294967295" },
	{ "%zu", 42, NULL, "42" },
	{ "%zu", -5, NULL, "18446744073709551611" },
	{ "%zu", 4294967295LL, NULL, "4294967295" },
	{ "%tx", 42, NULL, "2a" },
	{ "%tx", -5, NULL, "fffffffffffffffb" },
	{ "%tx", 4294967295LL, NULL, "ffffffff" },
	{ "%p", 42, NULL, "0x2a" },
	{ "%p", -5, NULL, "0xfffffffffffffffb" },
	{ "%p", 0, NULL, "(nil)" },
	{ "%p", 2147483647, NULL, "0x7fffffff" },
	{ "%p", 4294967295LL, NULL, "0xffffffff" },
	{ "%p", 78187493520LL, NULL, "0x1234567890" },
	{ "%p", -1, NULL, "0xffffffffffffffff" },
	{ "%20p", 42, NULL, "                0x2a" },
	{ "%20p", -5, NULL, "  0xfffffffffffffffb" },
	{ "%20p", 4294967295LL, NULL, "          0xffffffff" },
	{ "%-20p", 42, NULL, "0x2a                " },
	{ "%-20p", -5, NULL, "0xfffffffffffffffb  " },
	{ "%-20p", 4294967295LL, NULL, "0xffffffff          " },
	{ "%12x", 42, NULL, "          2a" },
	{ "%12x", -5, NULL, "fffffffffffffffb" },
	{ "%12x", 4294967295LL, NULL, "    ffffffff" },
	{ "%012x", 42, NULL, "00000000002a" },
	{ "%012x", -5, NULL, "fffffffffffffffb" },
	{ "%012x", 4294967295LL, NULL, "0000ffffffff" },
	{ "%.0d", 42, NULL, "42" },
	{ "%.0d", -5, NULL, "-5" },
	{ "%.0d", 4294967295LL, NULL, "4294967295" },
	{ "%lX", 42, NULL, "2A" },
	{ "%lX", -5, NULL, "FFFFFFFFFFFFFFFB" },
	{ "%lX", 4294967295LL, NULL, "FFFFFFFF" },
	{ "%c", 42, NULL, "*" },
	{ "%c", 65, NULL, "A" },
	{ "%3c", 42, NULL, "  *" },
	{ "%3c", 65, NULL, "  A" },
	{ "%-3c", 42, NULL, "*  " },
	{ "%-3c", 65, NULL, "A  " },
	{ "%s", 0, "abc", "abc" },
	{ "%s", 0, "", "" },
	{ "%s", 0, "a longer text than ten", "a longer text than ten" },
	{ "%10s", 0, "abc", "       abc" },
	{ "%10s", 0, "", "          " },
	{ "%10s", 0, "a longer text than ten", "a longer text than ten" },
	{ "%-10s", 0, "abc", "abc       " },
	{ "%-10s", 0, "", "          " },
	{ "%-10s", 0, "a longer text than ten", "a longer text than ten" },
	{ "%.2s", 0, "abc", "ab" },
	{ "%.2s", 0, "", "" },
	{ "%.2s", 0, "a longer text than ten", "a " },
	{ "%10.2s", 0, "abc", "        ab" },
	{ "%10.2s", 0, "", "          " },
	{ "%10.2s", 0, "a longer text than ten", "        a " },
	{ "%-10.2s", 0, "abc", "ab        " },
	{ "%-10.2s", 0, "", "          " },
	{ "%-10.2s", 0, "a longer text than ten", "a         " },
	{ "%.0s", 0, "abc", "" },
	{ "%.0s", 0, "", "" },
	{ "%.0s", 0, "a longer text than ten", "" },
	{ "%3s", 0, "abc", "abc" },
	{ "%3s", 0, "", "   " },
	{ "%3s", 0, "a longer text than ten", "a longer text than ten" },
	{ "%-3.30s", 0, "abc", "abc" },
	{ "%-3.30s", 0, "", "   " },
	{ "%-3.30s", 0, "a longer text than ten", "a longer text than ten" },
	// clang-format on
};

TEST(formats_of_bpftrace)
{
	for (size_t i = 0; i < MEM_LEN(of_bpftrace); i++) {
		struct args a = { 0 };

		if (of_bpftrace[i].str)
			add_str(&a, of_bpftrace[i].str);
		else
			add_int(&a, of_bpftrace[i].n);
		const char *text = formatted(of_bpftrace[i].fmt, &a);
		if (strcmp(text, of_bpftrace[i].text))
			test_failed(__FILE__, __LINE__, "'%s' of %lld '%s': '%s', wanted '%s'",
				    of_bpftrace[i].fmt, (long long)of_bpftrace[i].n,
				    of_bpftrace[i].str ? of_bpftrace[i].str : "", text,
				    of_bpftrace[i].text);
	}
}

TEST(text_around_conversions)
{
	struct args a = { 0 };

	EXPECT_STR(formatted("", &a), "");
	EXPECT_STR(formatted("100%", &a), "100%");
	EXPECT_STR(formatted("a%%b%%%%c", &a), "a%b%%c");
	EXPECT_STR(formatted("%y %! %", &a), "%y %! %"); // no conversions: as they are
	add_int(&a, 5);
	add_str(&a, "x");
	EXPECT_STR(formatted("%%<%d>%%<%s>%%", &a), "%<5>%<x>%");
	EXPECT_STR(formatted("%y %d %! %s", &a), "%y 5 %! x");
}

TEST(widths_from_arguments)
{
	struct args a = { 0 };

	add_int(&a, 6);
	add_int(&a, 42);
	EXPECT_STR(formatted("[%*d]", &a), "[    42]");
	EXPECT_STR(formatted("[%.*d]", &a), "[000042]");
	EXPECT_STR(formatted("[%0*d]", &a), "[000042]");
	a = (struct args){ 0 };
	add_int(&a, -6);
	add_int(&a, 2);
	add_str(&a, "abc");
	EXPECT_STR(formatted("[%*.*s]", &a), "[ab    ]");
	EXPECT_STR(formatted("[%*.*s%d]", &a), "a format wants more arguments than there are");
}

TEST(values_of_all_types_as_strings)
{
	static const struct type e = { .kind = TYPE_INT, .size = 1, .is_bool = true };
	static const struct type sym = { .kind = TYPE_KSYM, .size = 8 };
	static const struct type stack = { .kind = TYPE_KSTACK, .size = 8, .stack_depth = 1 };
	struct args a = { 0 };
	const uint64_t id = 7;

	add_int(&a, -5);
	EXPECT_STR(formatted("%5s|", &a), "   -5|");
	a = (struct args){ 0 };
	add_arg(&a, &e, "\1");
	EXPECT_STR(formatted("%s", &a), "true");
	EXPECT_STR(formatted("%d", &a), "1");
	a = (struct args){ 0 };
	add_arg(&a, &sym, &made_frames[0]);
	EXPECT_STR(formatted("%-6s|", &a), "kfn   |");
	EXPECT_STR(formatted("%.2s|", &a), "kf|");
	EXPECT_STR(formatted("%llx", &a), "ffffffff81000010");
	a = (struct args){ 0 };
	add_arg(&a, &stack, &id);
	EXPECT_STR(formatted("%s-", &a), "\n        kfn+16\n-");
	a = (struct args){ 0 };
	add_str(&a, "text");
	EXPECT_STR(formatted("%d|%5", &a), "text|%5"); // the compiler refuses it; no nonsense here
}

TEST(buffers)
{
	static const struct type t = { .kind = TYPE_BUF, .size = 4 + 3 };
	struct args a = { 0 };

	add_arg(&a, &t, "\3\0\0\0ab\1");
	EXPECT_STR(formatted("[%r]", &a), "[ab\\x01]");
	EXPECT_STR(formatted("[%rx]", &a), "[\\x61\\x62\\x01]");
	EXPECT_STR(formatted("[%rh]", &a), "[61 62 01]");
	EXPECT_STR(formatted("[%8r]", &a), "[  ab\\x01]");
	EXPECT_STR(formatted("[%-8r]", &a), "[ab\\x01  ]");
	memset(a.payload, 0xff, 4);
	EXPECT_STR(formatted("[%r]", &a), "[ab\\x01]");
}

TEST(short_payloads_are_refused)
{
	struct args a = { 0 };

	add_int(&a, 5);
	add_str(&a, "x");
	for (; a.len > 0; a.len--) {
		struct site site = {
			.kind = SITE_PRINTF, .fmt = "%d %s", .args = a.fields, .n_args = a.n
		};
		struct made m;

		made_init(&m, PRINT_TEXT, &site, 1, NULL, 0);
		EXPECT_EQ(print_record(&m.p, &site, a.payload, a.len - 1), -EBADMSG);
		EXPECT_STR(made_text(&m), "");
		made_fini(&m);
	}
}

/* The C library's, through a pointer: the format is made at run time. */
static int (*const format_like_c)(char *, size_t, const char *, ...) = snprintf;

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return *state >> 33;
}

/*
 * A conversion with any flags, width, precision and length, and the same for the C library, which
 * must be told that a number has 64 bits.
 */
static void random_conv(uint64_t *seed, char *fmt, char *c_fmt, size_t room)
{
	static const char *const lengths[] = { "", "hh", "h", "l", "ll", "j", "z", "t" };
	static const char flags[] = "-+ #0";
	char set[8] = "", width[8] = "", precision[8] = "";
	char conv = "diuxXoscp"[random_next(seed) % 9];
	size_t n = 0;

	for (size_t i = 0; flags[i]; i++)
		if (random_next(seed) % 4 == 0)
			set[n++] = flags[i];
	if (random_next(seed) % 2)
		(void)snprintf(width, sizeof(width), "%u", 1 + (unsigned)(random_next(seed) % 90));
	if (random_next(seed) % 3 == 0)
		(void)snprintf(precision, sizeof(precision), ".%u",
			       (unsigned)(random_next(seed) % 40));
	const bool number = !strchr("scp", conv);
	const char *length = number ? lengths[random_next(seed) % 8] : "";
	(void)snprintf(fmt, room, "%%%s%s%s%s%c", set, width, precision, length, conv);
	(void)snprintf(c_fmt, room, "%%%s%s%s%s%c", set, width, precision,
		       number && !*length ? "ll" : length, conv);
}

TEST(formats_of_the_c_library)
{
	uint64_t seed = 12345;

	for (int i = 0; i < 30000; i++) {
		static const char *const texts[] = { "", "a", "some text",
						     "a text of 28 bytes, no more" };
		char fmt[64], c_fmt[64], want[256];
		struct args a = { 0 };
		int64_t v = (int64_t)(random_next(&seed) << 33 | random_next(&seed)) >>
			    random_next(&seed) % 64;

		random_conv(&seed, fmt, c_fmt, sizeof(fmt));
		const char conv = fmt[strlen(fmt) - 1];
		if (conv == 's') {
			const char *text = texts[random_next(&seed) % 4];

			add_str(&a, text);
			format_like_c(want, sizeof(want), c_fmt, text);
		} else {
			// No flags for characters and pointers where C leaves their meaning open.
			if ((conv == 'c' || conv == 'p') && strpbrk(fmt, "+ #0."))
				continue;
			if (conv == 'c')
				v = 'a' + (v & 15);
			add_int(&a, v);
			format_like_c(want, sizeof(want), c_fmt, v);
		}
		const char *text = formatted(fmt, &a);
		if (strcmp(text, want))
			test_failed(__FILE__, __LINE__, "round %d: '%s' of %lld: '%s', wanted '%s'",
				    i, fmt, (long long)v, text, want);
	}
}

static int format_all(void)
{
	struct args a = { 0 };
	struct site site = { .kind = SITE_PRINTF, .fmt = "%d %-300s\n" };
	struct made m;

	add_int(&a, 5);
	add_str(&a, "x");
	site.args = a.fields;
	site.n_args = a.n;
	m = (struct made){ .out = { .fd = -1 } };
	int r = out_init(&m.out, -1);
	if (r < 0)
		return r;
	m.script = (struct script){ .sites = &site, .n_sites = 1 };
	m.p = (struct printer){ .script = &m.script, .out = &m.out, .format = PRINT_JSON };
	r = print_record(&m.p, &site, a.payload, a.len);
	printer_fini(&m.p);
	out_fini(&m.out);
	return r;
}

TEST(out_of_memory)
{
	test_oom(format_all);
}

TEST(records_need_no_memory)
{
	struct args a = { 0 };
	struct site site = { .kind = SITE_PRINTF, .fmt = "%d %s\n" };
	struct made m;

	add_int(&a, 5);
	add_str(&a, "x");
	site.args = a.fields;
	site.n_args = a.n;
	for (int format = PRINT_TEXT; format <= PRINT_JSON; format++) {
		made_init(&m, (enum print_format)format, &site, 1, NULL, 0);
		EXPECT_EQ(print_record(&m.p, &site, a.payload, a.len), 0);
		const uint64_t before = test_allocations();
		for (int i = 0; i < 1000; i++)
			EXPECT_EQ(print_record(&m.p, &site, a.payload, a.len), 0);
		EXPECT_EQ(test_allocations(), before);
		made_fini(&m);
	}
}
