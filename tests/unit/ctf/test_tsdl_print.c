/* SPDX-License-Identifier: MIT */
/** Tests that printed metadata says what the description says. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "ctf/describe.h"
#include "ctf/metadata.h"
#include "ctf/tsdl_print.h"
#include "same_trace.h"
#include "test.h"

static const char everything[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; } := uint8_t;\n"
	"typealias integer { size = 16; byte_order = le; } := le16;\n"
	"env { a = \"x\\\"y\\n\\001\"; b = -5; };\n"
	"clock { name = c; freq = 1000; offset = 2500; offset_s = -7; description = \"d\";\n"
	"	uuid = \"2a6422d0-6cee-11e0-8c08-cb07d7b3a564\"; precision = 3; };\n"
	"trace { major = 1; minor = 8; byte_order = be;\n"
	"	uuid = \"2a6422d0-6cee-11e0-8c08-cb07d7b3a565\";\n"
	"	packet.header := struct { integer { size = 32; base = hex; } magic;\n"
	"		uint8_t uuid[16]; uint8_t stream_id; }; };\n"
	"stream { id = 1;\n"
	"	packet.context := struct { uint8_t n; string s[n];\n"
	"		integer { size = 64; map = clock.c.value; } timestamp_begin; };\n"
	"	event.header := struct {\n"
	"		enum : integer { size = 5; } { compact = 0 ... 30, extended = 31 } id;\n"
	"		variant <id> {\n"
	"			struct { integer { size = 27; map = clock.c.value; } timestamp; } "
	"compact;\n"
	"			struct { integer { size = 32; } id;\n"
	"				 integer { size = 64; map = clock.c.value; } timestamp; }\n"
	"				extended; } v; } align(8);\n"
	"	event.context := struct { uint8_t len; struct { uint8_t q; } s; }; };\n"
	"stream { id = 2; };\n"
	"event { name = \"e \\\\\"; id = 5; stream_id = 1; loglevel = -2; model.emf.uri = \"u\";\n"
	"	context := struct { uint8_t k; uint8_t x[stream.packet.context.n]; };\n"
	"	fields := struct {\n"
	"		uint8_t __len; uint8_t _x[__len]; uint8_t y[s.q];\n"
	"		enum : integer { size = 8; signed = 1; } { A = -3 ... 3, B, \"C D\" = 9 } "
	"tag;\n"
	"		variant <tag> { string A; uint8_t B[3]; } v;\n"
	"		struct { uint8_t len; struct { uint8_t z[len]; uint8_t w[k]; } "
	"in[2][len];\n"
	"			 uint8_t len2; } deep;\n"
	"		uint8_t z[deep.len2]; le16 seq[stream.event.context.len];\n"
	"		integer { size = 8; encoding = UTF8; } text[10];\n"
	"		string { encoding = ASCII; } t2;\n"
	"		floating_point { exp_dig = 11; mant_dig = 53; byte_order = le; } f;\n"
	"}; };\n"
	"event { name = none; id = 1; stream_id = 2; };\n";

static int parse(const char *s, size_t len, struct arena *a, struct sonde_trace **ret)
{
	return ctf_metadata_parse("m", (struct sonde_span){ (const uint8_t *)s, len }, a, ret);
}

static int print_and_parse(void)
{
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct sonde_trace *t = NULL, *again = NULL;

	int r = parse(everything, sizeof(everything) - 1, &a, &t);
	if (r == 0)
		r = tsdl_print(t, &out);
	if (r == 0)
		r = parse(strbuf_text(&out), out.len, &a, &again);
	if (r == 0 && !same_trace(t, again))
		r = -EINVAL;
	if (r < 0 && r != -ENOMEM)
		printf("# %s\n", sonde_err_str());
	strbuf_fini(&out);
	arena_fini(&a);
	return r;
}

TEST(parses_back)
{
	EXPECT_EQ(print_and_parse(), 0);
	test_oom(print_and_parse);
}

TEST(described_in_memory)
{
	struct arena a = { 0 };
	struct describe d = { .arena = &a };
	struct strbuf out = { 0 };
	struct sonde_trace *again = NULL;

	describe_trace(&d, (const uint8_t *)"0123456789abcdef");
	describe_env_host(&d);
	describe_env_int(&d, "low", INT64_MIN);
	describe_env_str(&d, "text", "a\"b\\c\n\xc3\xa9");
	struct sonde_type *context = describe_struct(&d);
	struct sonde_type *depth = describe_int(&d, 8, false);
	describe_member(&d, context, "depth", depth);
	struct sonde_stream_class *s = describe_stream(&d, 3, describe_event_header(&d), context);
	struct sonde_type *fields = describe_struct(&d), *inner = describe_struct(&d);
	struct sonde_type *len = describe_int(&d, 16, false);
	describe_member(&d, inner, "len", len);
	describe_member(&d, inner, "ints", describe_sequence(&d, describe_hex(&d, 64), len));
	describe_member(&d, fields, "stream", inner);
	describe_member(&d, fields, "comm", describe_text(&d, 16));
	describe_member(&d, fields, "pair", describe_array(&d, describe_int(&d, 32, true), 2));
	describe_member(&d, fields, "more", describe_text_sequence(&d, len));
	describe_member(&d, fields, "up", describe_sequence(&d, describe_string(&d), depth));
	(void)describe_event(&d, s, "a:b", 7, fields);
	(void)describe_event(&d, s, "c", 9, describe_struct(&d));

	EXPECT_EQ(describe_ok(&d), 0);
	EXPECT_EQ(tsdl_print(&d.trace, &out), 0);
	EXPECT_EQ(parse(strbuf_text(&out), out.len, &a, &again), 0);
	EXPECT(again && same_trace(&d.trace, again));
	strbuf_fini(&out);
	arena_fini(&a);
}

TEST(refuses_what_metadata_cannot_say)
{
	struct sonde_type i = { .kind = SONDE_INT, .align = 8, .u.integer = { .len = 8 } };
	struct sonde_type seq = {
		.kind = SONDE_SEQUENCE, .align = 8, .ref = 1, .u.array = { .elem = &i }
	};
	struct sonde_member m = { "x", "x", &seq };
	struct sonde_type s = { .kind = SONDE_STRUCT, .align = 8, .u.structure = { &m, 1 } };
	struct sonde_trace t = { .packet_header = &s, .n_slots = 1 };
	struct strbuf out = { 0 };

	EXPECT_EQ(tsdl_print(&t, &out), -EINVAL);
	EXPECT_STR(sonde_err_str(), "no earlier field has slot 1");
	m = (struct sonde_member){ "x y", "x y", &i };
	EXPECT_EQ(tsdl_print(&t, &out), -EINVAL);
	EXPECT_STR(sonde_err_str(), "'x y' cannot be a name in metadata");
	strbuf_fini(&out);
}
