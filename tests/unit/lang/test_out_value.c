/* SPDX-License-Identifier: MIT */
/** Values as print() shows them; the texts are those of bpftrace 0.17. */
#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "out_made.h"

#define TEXT(t, bytes) made_value(PRINT_TEXT, (t), (bytes))
#define JSON(t, bytes) made_value(PRINT_JSON, (t), (bytes))

TEST(integers_by_size_and_sign)
{
	const int64_t minus = -5;
	const uint64_t all = UINT64_MAX;
	const uint8_t b = 250;

	EXPECT_STR(TEXT(type_int(8, true), &minus), "-5");
	EXPECT_STR(TEXT(type_int(1, true), &minus), "-5");
	EXPECT_STR(TEXT(type_int(1, false), &b), "250");
	EXPECT_STR(TEXT(type_int(8, false), &all), "18446744073709551615");
	EXPECT_STR(TEXT(type_int(4, false), &all), "4294967295");
	EXPECT_STR(TEXT(type_int(2, true), &all), "-1");
	EXPECT_STR(TEXT(&type_bool, "\1"), "1");
	EXPECT_STR(JSON(type_int(4, true), &minus), "-5");
}

TEST(strings_end_at_a_zero_or_with_their_room)
{
	struct type t = { .kind = TYPE_STR, .size = 4, .align = 1 };

	EXPECT_STR(TEXT(&t, "abcdef"), "abcd");
	EXPECT_STR(TEXT(&t, "a\0cd"), "a");
	EXPECT_STR(JSON(&t, "a\n\0d"), "\"a\\n\"");
}

TEST(json_escapes)
{
	struct type t = { .kind = TYPE_STR, .size = 32, .align = 1 };
	static const struct {
		const char *bytes, *json;
	} cases[] = {
		{ "hi \"x\"", "\"hi \\\"x\\\"\"" },
		{ "\t\\\x01\x7f\r", "\"\\t\\\\\\u0001\x7f\\r\"" },
		{ "\x1f\b", "\"\\u001f\\u0008\"" },
		{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", // UTF-8 stays
		  "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		{ "\xff\xfe", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },					// cut off
		{ "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },			// too long
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, // a surrogate
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		char room[32] = "";

		memcpy(room, cases[i].bytes, strlen(cases[i].bytes));
		EXPECT_STR(JSON(&t, room), cases[i].json);
	}
}

TEST(buffers)
{
	struct type t = { .kind = TYPE_BUF, .size = 4 + 10, .align = 4 };
	char bytes[4 + 11] = "\x0a\0\0\0a\x01\xff\"\\ \t\n'~";

	EXPECT_STR(TEXT(&t, bytes), "a\\x01\\xff\"\\ \\x09\\x0a'~");
	bytes[0] = 3;
	EXPECT_STR(JSON(&t, bytes), "\"a\\\\x01\\\\xff\"");
	memset(bytes, 0xff, 4); // a length beyond the room
	EXPECT_STR(TEXT(&t, bytes), "a\\x01\\xff\"\\ \\x09\\x0a'~");
}

TEST(tuples_and_arrays)
{
	struct arena a = { 0 };
	const struct type *inner[] = { type_int(8, true), type_int(8, true) };
	const struct type *outer[] = { type_int(8, true), type_str(&a, 4),
				       type_tuple(&a, inner, 2) };
	struct {
		int64_t a;
		char b[8];
		int64_t c, d;
	} v = { 1, "abc", 2, 3 };
	const int32_t numbers[] = { 1, -2, 3 };
	struct type *list = type_new(&a, TYPE_ARRAY, sizeof(numbers), 4);

	list->n = 3;
	list->elem = type_int(4, true);
	EXPECT_STR(TEXT(type_tuple(&a, outer, 3), &v), "(1, abc, (2, 3))");
	EXPECT_STR(JSON(type_tuple(&a, outer, 3), &v), "[1,\"abc\",[2,3]]");
	EXPECT_STR(TEXT(list, numbers), "[1,-2,3]");
	EXPECT_STR(JSON(list, numbers), "[1,-2,3]");
	arena_fini(&a);
}

TEST(deep_values_are_cut)
{
	struct arena a = { 0 };
	const struct type *t = type_int(8, true);
	const int64_t v = 5;

	for (int i = 0; i < 100; i++)
		t = type_tuple(&a, &t, 1);
	EXPECT_STR(TEXT(t, &v), "(((((((((((((((((...)))))))))))))))))");
	arena_fini(&a);
}

static struct type plain(enum type_kind kind, uint32_t size)
{
	return (struct type){ .kind = kind, .size = size, .align = 1 };
}

TEST(names_and_addresses)
{
	const struct type ksym = plain(TYPE_KSYM, 8), ptr = plain(TYPE_PTR, 8);
	const struct type usym = plain(TYPE_USYM, sizeof(struct usym_value));
	const struct type user = plain(TYPE_USER, 4), probe = plain(TYPE_PROBE, 4);
	const struct type cgroup = plain(TYPE_CGROUP, 8), mac = plain(TYPE_MAC, 8);
	const struct type err = plain(TYPE_ERRNO, 4);
	const struct usym_value u = { .addr = 5, .pid = 12 };
	const uint64_t n = 0x1234;
	const uint32_t one = 1, far = 77, err_far = 9999;
	const int32_t minus = -2;

	EXPECT_STR(TEXT(&ksym, &made_frames[0]), "kfn");
	EXPECT_STR(JSON(&ksym, &n), "\"0x1234\"");
	EXPECT_STR(TEXT(&ptr, &n), "0x1234");
	EXPECT_STR(JSON(&ptr, &n), "\"0x1234\"");
	EXPECT_STR(TEXT(&usym, &u), "fn12");
	EXPECT_STR(TEXT(&user, &one), "user1");
	EXPECT_STR(TEXT(&probe, &one), "kprobe:vfs_read");
	EXPECT_STR(TEXT(&probe, &far), "77");
	EXPECT_STR(JSON(&cgroup, &n), "\"unified:/slice4660\"");
	EXPECT_STR(TEXT(&mac, "\xfb\x0f\xff\x01\x02\x03\0"), "FB:0F:FF:01:02:03");
	EXPECT_STR(TEXT(&err, &one), "Operation not permitted");
	EXPECT_STR(TEXT(&err, &err_far), "Unknown error 9999");
	EXPECT_STR(TEXT(&err, &minus), "Unknown error -2");
	EXPECT_STR(TEXT(&type_none, ""), "");
}

TEST(network_addresses)
{
	const struct type t = plain(TYPE_INET, sizeof(struct inet_value));
	struct inet_value v = { .family = AF_INET, .addr = { 127, 0, 0, 1 } };

	EXPECT_STR(TEXT(&t, &v), "127.0.0.1");
	v = (struct inet_value){ .family = AF_INET6, .addr = { [15] = 1 } };
	EXPECT_STR(JSON(&t, &v), "\"::1\"");
	v.family = 77;
	EXPECT_STR(TEXT(&t, &v), "");
}

TEST(stacks)
{
	struct type k = plain(TYPE_KSTACK, 8), u = plain(TYPE_USTACK, sizeof(struct stack_value));
	struct stack_value v = { .id = 7, .pid = 3, .n = 2 };

	EXPECT_STR(TEXT(&k, &v), "\n        kfn+16\n        kfn+32\n        kfn+48\n");
	k.stack_depth = 1;
	EXPECT_STR(JSON(&k, &v), "\"\\n        kfn+16\\n\"");
	EXPECT_STR(TEXT(&u, &v), "\n        fn3+16\n        fn3+32\n");
	u.stack_mode = STACK_PERF;
	EXPECT_STR(TEXT(&u, &v), "\n\tffffffff81000010 fn3+16 (/bin/prog)\n"
				 "\tffffffff81000020 fn3+32 (/bin/prog)\n");
	k.stack_mode = STACK_PERF;
	EXPECT_STR(TEXT(&k, &v), "\n\tffffffff81000010 kfn+16\n");
	k.stack_mode = STACK_RAW;
	EXPECT_STR(TEXT(&k, &v), "\nffffffff81000010\n");
	v.id = 0;
	EXPECT_STR(TEXT(&u, &v), "");
	v.id = 8; // not known
	EXPECT_STR(TEXT(&u, &v), "");
}

TEST(times)
{
	struct type t = plain(TYPE_TIME, 8);
	uint64_t ns = 3661 * 1000000000ULL + 1234567;

	setenv("TZ", "UTC", 1);
	tzset();
	t.fmt = "%H:%M:%S";
	EXPECT_STR(TEXT(&t, &ns), "01:01:01");
	EXPECT_STR(JSON(&t, &ns), "\"01:01:01\"");
	t.fmt = "%S.%f %%f|";
	EXPECT_STR(TEXT(&t, &ns), "01.001234 %f|");
	t.fmt = "%";
	EXPECT_STR(TEXT(&t, &ns), "%");
	ns = (uint64_t)-1; // just before 1970
	t.fmt = "%Y-%m-%d %H:%M:%S.%f";
	EXPECT_STR(TEXT(&t, &ns), "1969-12-31 23:59:59.999999");

	char far[2000];
	memset(far, 'x', sizeof(far));
	far[sizeof(far) - 1] = '\0';
	t.fmt = far;
	EXPECT_STR(TEXT(&t, &ns), "(?)");
}

TEST(aggregations_as_values)
{
	struct type avg = plain(TYPE_AVG, 16), stats = plain(TYPE_STATS, 16);
	const struct average_value v = { -7, 2 }, none = { 0, 0 };

	avg.is_signed = stats.is_signed = true;
	EXPECT_STR(TEXT(&avg, &v), "-3");
	EXPECT_STR(TEXT(&avg, &none), "0");
	EXPECT_STR(TEXT(&stats, &v), "count 2, average -3, total -7");
	EXPECT_STR(JSON(&stats, &v), "{\"count\": 2, \"average\": -3, \"total\": -7}");
	EXPECT_STR(JSON(&stats, &none), "{\"count\": 0, \"average\": 0, \"total\": 0}");
}

/* struct foo { int a; char b[4]; unsigned char c[2]; union { short d; }; int e : 3; void *f; }; */
TEST(structs)
{
	struct arena a = { 0 };
	const struct ctype *i32 = ctype_basic("int");
	const struct cmember in[] = { { .name = "d", .type = ctype_basic("short") } };
	struct ctype *nameless = ctype_new(&a, CT_UNION, "", 2);
	nameless->members = in;
	nameless->n_members = 1;
	nameless->done = true;
	const struct cmember members[] = {
		{ .name = "a", .type = i32 },
		{ .name = "b", .type = ctype_array(&a, ctype_basic("char"), 4), .bit_off = 32 },
		{ .name = "c",
		  .type = ctype_array(&a, ctype_basic("unsigned char"), 2),
		  .bit_off = 64 },
		{ .name = "", .type = nameless, .bit_off = 80 },
		{ .name = "e", .type = i32, .bit_off = 96, .bit_size = 3 },
		{ .name = "f", .type = ctype_ptr(&a, i32), .bit_off = 128 },
	};
	struct ctype *foo = ctype_new(&a, CT_STRUCT, "foo", 24);
	foo->members = members;
	foo->n_members = MEM_LEN(members);
	foo->done = true;
	struct type t = plain(TYPE_RECORD, 24);
	t.c = foo;
	struct {
		int a;
		char b[4];
		unsigned char c[2];
		short d;
		int e;
		void *f;
	} v = { -5, "abc", { 1, 255 }, -2, 0xfe, (void *)16 };

	EXPECT_STR(TEXT(&t, &v),
		   "{ .a = -5, .b = abc, .c = [1,255], .d = -2, .e = -2, .f = 0x10 }");
	EXPECT_STR(JSON(&t, &v), "{ \"a\": -5, \"b\": \"abc\", \"c\": [1,255], \"d\": -2, "
				 "\"e\": -2, \"f\": \"0x10\" }");
	t.size = 10; // cut off: what is not there is not read
	EXPECT_STR(TEXT(&t, &v), "...");
	arena_fini(&a);
}
