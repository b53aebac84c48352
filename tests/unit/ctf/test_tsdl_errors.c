/* SPDX-License-Identifier: MIT */
/** Tests what is said about metadata that makes no sense. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "ctf/metadata.h"
#include "test.h"

#define TRACE  "trace { major = 1; minor = 8; byte_order = be; };\n"
#define U8     "typealias integer { size = 8; } := u8;\n"
#define FIELDS TRACE U8 "event { name = e; fields := struct {\n"

/** Texts, and the first line of what is said about them. */
static const struct {
	const char *text, *words;
} cases[] = {
	// Text and tokens.
	{ "", "m:1:1: no trace block" },
	{ "/* CTF 1.9 */", "m:1:8: not of version 1.8" },
	{ "/* CTF 1.80 */", "m:1:8: not of version 1.8" },
	{ "trace { /* }", "m:1:9: comment without an end" },
	{ "trace @", "m:1:7: byte 0x40 has no meaning here" },
	{ "trace { major = 18446744073709551616;", "m:1:17: integer does not fit in 64 bits" },
	{ "trace { major = 0x; };", "m:1:19: not a digit of a base-16 integer" },
	{ "trace { major = 09; };", "m:1:18: not a digit of a base-8 integer" },
	{ "trace { major = 12ab; };", "m:1:19: not a digit of a base-10 integer" },
	{ "env { a = \"b\n\"; };", "m:1:11: literal without a closing quote" },
	{ "env { a = \"b", "m:1:11: literal without a closing quote" },
	{ "env { a = \"b\\q\"; };", "m:1:13: unknown escape in a literal" },
	{ "env { a = \"b\\0\"; };", "m:1:13: escape of value 0, wanted 1 to 255" },
	{ "env { a = \"b\\777\"; };", "m:1:13: escape of value 511, wanted 1 to 255" },
	{ "env { a = ''; };", "m:1:11: character literal of 0 bytes" },
	// Syntax.
	{ "tracee { };", "m:1:1: 'tracee', wanted a block (trace, env, clock, stream, event) or a "
			 "declaration" },
	{ "trace { major = 1 };", "m:1:18: ';' is missing before '}'" },
	{ TRACE "event { name = e; }", "m:2:20: ';' is missing before the end of the text" },
	{ "trace { major 1; };", "m:1:15: '1', wanted '=' or ':='" },
	{ "trace { major = ; };", "m:1:17: ';', wanted a value" },
	{ "trace { major = -x; };", "m:1:18: 'x', wanted an integer" },
	{ "trace {\n major = 1;", "m:1:7: '{' without its '}'" },
	{ FIELDS "u8 x y; }; };", "m:4:1: no type 'u8 x' is declared before this" },
	{ FIELDS "u8 x = 5; }; };", "m:4:5: ';' is missing before '='" },
	{ FIELDS "u8; 5; }; };", "m:4:5: '5', wanted a type" },
	{ FIELDS "u8 event; }; };", "m:4:4: 'event', wanted a name that is no keyword" },
	{ FIELDS "u8 x[; }; };", "m:4:6: ';', wanted a value" },
	{ FIELDS "enum : u8 { 1 } x; }; };", "m:4:13: '1', wanted a label" },
	{ FIELDS "enum : u8 { A B } x; }; };", "m:4:15: 'B', wanted ',' or '}'" },
	{ FIELDS "struct; }; };", "m:4:7: ';', wanted a name or '{'" },
	{ "typealias integer { size = 8; } = x;", "m:1:33: '=', wanted ':='" },
	{ "typealias integer { size = 8; } := ;", "m:1:36: ';', wanted a type's new name" },
	// Blocks.
	{ TRACE TRACE, "m:2:1: a second trace block" },
	{ "trace { major = 1; minor = 8; };", "m:1:1: trace block without a 'byte_order'" },
	{ "trace { byte_order = native; };", "m:1:22: the trace's byte order cannot be native" },
	{ "trace { byte_order = middle; };",
	  "m:1:22: byte order 'middle', wanted le, be, network or native" },
	{ "trace { major = 2; minor = 8; byte_order = le; };", "m:1:17: major version is not 1" },
	{ "trace { major = 1; minor = 9; byte_order = le; };", "m:1:28: minor version is not 8" },
	{ "trace { byte_order = le; };", "m:1:1: trace block without a 'major' or 'minor'" },
	{ "trace { uuid = \"5\"; byte_order = le; };",
	  "m:1:16: uuid '5', wanted 8-4-4-4-12 hexadecimal digits" },
	{ "trace { major = 1; major = 1; byte_order = le; };", "m:1:20: 'major' is set twice" },
	{ TRACE "clock { freq = 5; };", "m:2:1: clock without a 'name'" },
	{ TRACE "clock { name = a; freq = 0; };", "m:2:26: a clock's frequency cannot be 0" },
	{ TRACE "clock { name = a; };\nclock { name = a; };", "m:3:1: a second clock 'a'" },
	{ TRACE "clock { name = 5; };", "m:2:16: 'name' wants a string" },
	{ TRACE "clock { name = a; absolute = maybe; };",
	  "m:2:30: 'absolute' wants true or false" },
	{ TRACE "event { id = 1; };", "m:2:1: event without a 'name'" },
	{ TRACE "event { name = e; id = -1; };", "m:2:24: 'id' must not be negative" },
	{ TRACE "event { name = e; id = x; };", "m:2:24: 'id' wants an integer" },
	{ TRACE "event { name = e; fields = 5; };", "m:2:19: 'fields' wants ':=' and a structure" },
	{ TRACE "event { name = e; fields := string; };", "m:2:29: 'fields' wants a structure" },
	{ TRACE "event { name = e; stream_id = 3; };\n",
	  "m:2:1: event of stream 3, which is not declared" },
	{ TRACE "event { name = e; };\nevent { name = f; id = 1; };",
	  "m:2:1: several events, but the event header has no 'id'" },
	{ TRACE U8 "stream { event.header := struct { u8 id; }; };\n"
		   "event { name = e; };\nevent { name = f; };",
	  "m:5:1: event without an 'id' where there are several" },
	{ TRACE U8 "stream { event.header := struct { u8 id; }; };\n"
		   "event { name = e; id = 3; };\nevent { name = f; id = 3; };",
	  "m:5:1: a second event of id 3 in its stream" },
	{ TRACE "stream { };\nstream { id = 1; };",
	  "m:3:1: a second stream, but the packet header has no 'stream_id'" },
	{ "trace { major = 1; minor = 8; byte_order = be; packet.header := struct { "
	  "integer { size = 8; } stream_id; }; };\nstream { id = 1; };\nstream { };",
	  "m:3:1: stream without an 'id' where there are several" },
	{ "trace { major = 1; minor = 8; byte_order = be; packet.header := struct { "
	  "integer { size = 8; } stream_id; }; };\nstream { };\nstream { id = 0; };",
	  "m:3:1: a second stream of id 0" },
	{ TRACE "stream { struct { } x; };", "m:2:21: a field outside a structure" },
	// Types.
	{ FIELDS "u9 x; }; };", "m:4:1: no type 'u9' is declared before this; did you mean 'u8'?" },
	{ FIELDS "struct a x; }; };", "m:4:1: no struct 'a' is declared before this" },
	{ FIELDS "struct a { struct a x; } y; }; };",
	  "m:4:12: no struct 'a' is declared before this" },
	{ FIELDS "typealias b := a; typealias u8 := b; a x; }; };",
	  "m:4:11: no type 'b' is declared before this" },
	{ FIELDS "u8 x; u8 x; }; };", "m:4:10: a second 'x'" },
	{ TRACE U8 U8, "m:3:1: 'u8' is declared a second time" },
	{ FIELDS "integer { signed = true; } x; }; };", "m:4:1: integer without a 'size'" },
	{ FIELDS "integer { size = 65; } x; }; };", "m:4:18: 'size' is 65, wanted 1 to 64" },
	{ FIELDS "integer { size = 8; align = 3; } x; }; };",
	  "m:4:29: alignment 3, wanted a power of two up to 1048576" },
	{ FIELDS "integer { size = 8; base = 7; } x; }; };",
	  "m:4:28: base is none of 2, 8, 10, 16 or their names" },
	{ FIELDS "integer { size = 8; encoding = EBCDIC; } x; }; };",
	  "m:4:32: encoding 'EBCDIC', wanted none, UTF8 or ASCII" },
	{ FIELDS "integer { size = 8; size = 8; } x; }; };", "m:4:21: 'size' is set twice" },
	{ FIELDS "integer { size = 8; map = 5; } x; }; };",
	  "m:4:27: 'map' wants clock.NAME.value" },
	{ "clock { name = mono; };\n" FIELDS
	  "integer { size = 8; map = clock.mon.value; } x; }; };",
	  "m:5:27: no clock 'mon'; did you mean 'mono'?" },
	{ FIELDS "floating_point { exp_dig = 8; } x; }; };",
	  "m:4:1: floating_point without 'exp_dig' or 'mant_dig'" },
	{ FIELDS "struct { } align(0) x; }; };",
	  "m:4:18: alignment 0, wanted a power of two up to 1048576" },
	{ FIELDS "enum { A } x; }; };", "m:4:1: no type 'int' is declared before this" },
	{ FIELDS "typealias string := str; enum : str { A } x; }; };",
	  "m:4:33: an enumeration's container must be an integer" },
	{ FIELDS "enum : u8 { A = 5 ... 3 } x; }; };",
	  "m:4:13: range of 'A' ends before it begins" },
	{ FIELDS "enum : u8 { A = \"5\" } x; }; };", "m:4:17: label's value wants an integer" },
	{ FIELDS "integer { size = 8; } *x; }; };", "m:4:1: only a type's alias can have a '*'" },
	// References.
	{ FIELDS "u8 lenn; u8 x[len]; }; };",
	  "m:4:15: no field 'len' before this to be the length; did you mean 'lenn'?" },
	{ FIELDS "u8 x[len]; u8 len; }; };", "m:4:6: no field 'len' before this to be the length" },
	{ FIELDS "struct { u8 a; } len; u8 x[len]; }; };",
	  "m:4:28: length 'len' is no unsigned integer" },
	{ FIELDS "integer { size = 8; signed = 1; } n; u8 x[n]; }; };",
	  "m:4:43: length 'n' is no unsigned integer" },
	{ FIELDS "u8 x[\"n\"]; }; };", "m:4:6: length wants an integer or a field's name" },
	{ FIELDS "u8 x[-1]; }; };", "m:4:6: length wants an integer or a field's name" },
	{ FIELDS "u8 x[env.n]; }; };", "m:4:6: no 'n' in the environment" },
	{ "env { n = x; };\n" FIELDS "u8 x[env.n]; }; };",
	  "m:5:6: length 'env.n' is no unsigned integer" },
	{ FIELDS "struct { u8 n; } a[2]; u8 x[a.n]; }; };",
	  "m:4:29: no field 'a.n' before this to be the length" },
	{ FIELDS "variant { u8 A; } x; }; };", "m:4:1: variant without a '<tag>'" },
	{ FIELDS "variant <t> { u8 A; } x; }; };",
	  "m:4:10: no field 't' before this to be the tag" },
	{ FIELDS "u8 t; variant <t> { u8 A; } x; }; };", "m:4:16: tag 't' is no enumeration" },
	// Fields that readers know.
	{ "trace { major = 1; minor = 8; byte_order = be; packet.header := struct { "
	  "integer { size = 8; } x; integer { size = 32; } magic; }; };",
	  "m:1:48: 'magic' is not the first member" },
	{ "trace { major = 1; minor = 8; byte_order = be; packet.header := struct { "
	  "integer { size = 16; } magic; }; };",
	  "m:1:48: 'magic' has 16 bits, wanted 32" },
	{ "trace { major = 1; minor = 8; byte_order = be; packet.header := struct { string uuid; "
	  "}; };",
	  "m:1:48: 'uuid' is no array of 16 unsigned bytes" },
	{ TRACE "stream { packet.context := struct { string packet_size; }; };",
	  "m:2:10: 'packet_size' in 'packet.context' is no unsigned integer" },
	{ TRACE "clock { name = a; };\nclock { name = b; };\n"
		"stream { event.header := struct { integer { size = 8; } timestamp; }; };",
	  "m:4:10: 'timestamp' does not say which of 2 clocks it is of" },
};

TEST(words)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		const struct sonde_span text = { (const uint8_t *)cases[i].text,
						 strlen(cases[i].text) };
		struct arena a = { 0 };
		struct sonde_trace *t = NULL;
		char first[512];

		EXPECT_EQ(ctf_metadata_parse("m", text, &a, &t), -EBADMSG);
		EXPECT(!t);
		(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(sonde_err_str(), "\n"),
			       sonde_err_str());
		EXPECT_STR(first, cases[i].words);
		arena_fini(&a);
	}
}

static void expect_said(const char *text, size_t len, const char *words)
{
	struct arena a = { 0 };
	struct sonde_trace *t = NULL;

	EXPECT_EQ(
		ctf_metadata_parse("m", (struct sonde_span){ (const uint8_t *)text, len }, &a, &t),
		-EBADMSG);
	EXPECT_STR(sonde_err_str(), words);
	arena_fini(&a);
}

TEST(line_and_caret)
{
	static const char tabs[] = TRACE "event {\n\tname = e;\t\xc3\xa9;\n};";
	static const char nul[] = "env { a = \"b\0c\"; };";
	struct strbuf b = { 0 };

	// A tab and a character of two bytes before the caret keep it below its place.
	expect_said(tabs, sizeof(tabs) - 1,
		    "m:3:12: byte 0xc3 has no meaning here\n"
		    "    \tname = e;\t\xc3\xa9;\n"
		    "    \t         \t^");
	expect_said(nul, sizeof(nul) - 1,
		    "m:1:13: NUL byte in a literal\n"
		    "    env { a = \"b?c\"; };\n"
		    "                ^");

	// Of a long line only what is near is shown.
	strbuf_str(&b, "env {");
	for (int i = 0; i < 300; i++)
		strbuf_str(&b, " a = 1;");
	strbuf_str(&b, " a = @;");
	for (int i = 0; i < 300; i++)
		strbuf_str(&b, " a = 1;");
	expect_said(b.data, b.len,
		    "m:1:2111: byte 0x40 has no meaning here\n"
		    "    a = 1; a = 1; a = 1; a = 1; a = 1; a = 1; a = 1; a = 1; a = @; a = 1; a = "
		    "1; a "
		    "= 1; a = 1; a = \n"
		    "                                                                ^");
	strbuf_fini(&b);
}
