/* SPDX-License-Identifier: MIT */
/** Tests descriptions made from format files, and how records are copied and rewritten. */
#include "record/kernel_class.h"

#include <errno.h>
#include <stdio.h>
#include <traceevent/event-parse.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "test.h"

#define COMMON                                                                         \
	"format:\n"                                                                    \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define F(decl, off, size, sign) \
	"\tfield:" decl ";\toffset:" #off ";\tsize:" #size ";\tsigned:" #sign ";\n"
#define EVENT(name, fields, print) \
	"name: " name "\nID: 77\n" COMMON fields "\nprint fmt: " print "\n"

/* One event class as one line: name, u/i/x (base 16) and bits, @ alignment where not natural. */
static void show_type(struct strbuf *b, const struct sonde_type *t)
{
	const bool is_list = t->kind == SONDE_ARRAY || t->kind == SONDE_SEQUENCE;

	if (is_list && t->u.array.is_text) {
		strbuf_str(b, "text");
	} else if (is_list) {
		show_type(b, t->u.array.elem);
	} else {
		const struct sonde_int *i = &t->u.integer;
		strbuf_fmt(b, "%c%u", i->base == 16 ? 'x' : i->is_signed ? 'i' : 'u', i->len);
		if (t->align != i->len)
			strbuf_fmt(b, "@%u", t->align);
		if (t->save)
			strbuf_fmt(b, "=%u", t->save);
	}
	if (t->kind == SONDE_ARRAY)
		strbuf_fmt(b, "[%llu]", (unsigned long long)t->u.array.n);
	if (t->kind == SONDE_SEQUENCE)
		strbuf_fmt(b, "[=%u]", t->ref);
}

static void show_event(struct strbuf *b, const struct sonde_event_class *e)
{
	strbuf_str(b, e->name);
	for (size_t i = 0; i < e->payload->u.structure.n_members; i++) {
		const struct sonde_member *m = &e->payload->u.structure.members[i];
		strbuf_fmt(b, " %s:", m->shown);
		show_type(b, m->type);
	}
}

/* All that a description needs, and what it gave. */
struct made {
	struct arena arena;
	struct describe d;
	struct tep_handle *tep;
	struct sonde_stream_class *stream;
	struct kernel_class cls;
	struct strbuf shown;
	int r;
};

static void make(struct made *m, const char *system, const char *format)
{
	const struct tep_event *ev = NULL;

	*m = (struct made){ 0 };
	m->d.arena = &m->arena;
	tep_set_loglevel(TEP_LOG_NONE);
	m->tep = tep_alloc();
	describe_trace(&m->d, (const uint8_t[16]){ 0 });
	m->stream = describe_stream(&m->d, 0, describe_event_header(&m->d),
				    kernel_describe_context(&m->d));
	(void)tep_parse_event(m->tep, format, strlen(format), system);
	ev = tep_find_event(m->tep, 77);
	EXPECT(ev != NULL);
	m->r = ev ? kernel_describe_event(&m->d, m->stream, ev, ev->name, &m->cls) : -1;
	if (!m->r)
		show_event(&m->shown, m->stream->events[0]);
}

static void unmake(struct made *m)
{
	strbuf_fini(&m->shown);
	tep_free(m->tep);
	arena_fini(&m->arena);
}

static const struct {
	const char *system, *format, *want;
	unsigned fixed_len;
} formats[] = {
	{ "sched",
	  EVENT("sched_switch",
		F("char prev_comm[16]", 8, 16, 0) F("pid_t prev_pid", 24, 4, 1)
			F("int prev_prio", 28, 4, 1) F("long prev_state", 32, 8, 1)
				F("char next_comm[16]", 40, 16, 0) F("pid_t next_pid", 56, 4, 1),
		"\"%s %d\", REC->prev_comm, REC->prev_pid"),
	  "sched_switch prev_comm:text[16] prev_pid:i32 prev_prio:i32 prev_state:i64 "
	  "next_comm:text[16] next_pid:i32",
	  60 },
	{ "raw_syscalls",
	  EVENT("sys_enter", F("long id", 8, 8, 1) F("unsigned long args[6]", 16, 48, 0),
		"\"NR %ld (%lx, %lx)\", REC->id, REC->args[0], REC->args[1]"),
	  "sys_enter id:i64 args:x64[6]", 64 },
	{ "syscalls", // prints all its arguments in base 16; integers are wider than their type
	  EVENT("sys_enter_x",
		F("int __syscall_nr", 8, 4, 1) F("int fd", 16, 8, 0)
			F("const char * name", 24, 8, 0) F("umode_t mode", 32, 8, 0),
		"\"fd: 0x%08lx\", ((unsigned long)(REC->fd))"),
	  "sys_enter_x __syscall_nr:i32 fd:u64 name:x64 mode:u64", 40 },
	{ "s", // base 16 by the print format, also through casts; %pI4 is no address to us
	  EVENT("hex",
		F("unsigned long ip", 8, 8, 0) F("u32 flags", 16, 4, 0) F("u32 n", 20, 4, 0)
			F("__u8 saddr[4]", 24, 4, 0) F("u8 mac[6]", 28, 6, 0),
		"\"%pS %d%% 0x%x %pI4\", (void *)REC->ip, REC->n, (u32)(REC->flags), REC->saddr"),
	  "hex ip:x64 flags:x32 n:u32 saddr:u8[4] mac:x8[6]", 34 },
	{ "s", // all sizes and signs; natural holes need no padding
	  EVENT("ints",
		F("u8 a", 8, 1, 0) F("s8 b", 9, 1, 1) F("short c", 10, 2, 1)
			F("unsigned short d", 12, 2, 0) F("bool e", 14, 1, 0) F("u32 f", 16, 4, 0)
				F("s64 g", 24, 8, 1) F("char h", 32, 1, 0),
		"\"\""),
	  "ints a:u8 b:i8 c:i16 d:u16 e:u8 f:u32 g:i64 h:u8", 33 },
	{ "s", // packed, and holes that alignment does not explain
	  EVENT("odd",
		F("u8 a", 8, 1, 0) F("u32 b", 9, 4, 0) F("u64 c", 20, 8, 0) F("u16 d", 34, 2, 0)
			F("struct in6 e", 36, 12, 0),
		"\"\""),
	  "odd a:u8 b:u32@8 __pad_13:x8[7] c:u64@32 __pad_28:x8[6] d:u16 e:x8[12]", 48 },
	{ "s", // arrays of varying length: text, numbers, relative
	  EVENT("dyn",
		F("__data_loc char[] name", 8, 4, 0) F("u8 a", 12, 1, 0)
			F("__data_loc u64[] addrs", 16, 4, 0) F("__rel_loc char[] dev", 20, 4, 0)
				F("u8 b", 24, 1, 0),
		"\"%s\", __get_str(name)"),
	  "dyn _name_offset:u16@32 _name_length:u16=1 a:u8 _addrs_offset:u16@32 "
	  "_addrs_length:u16=2 _dev_offset:u16@32 _dev_length:u16=3 b:u8 name:text[=1] "
	  "addrs:x64@8[=2] dev:text[=3]",
	  25 },
	{ "s", // fields in another order than their places
	  EVENT("mixed", F("u32 b", 12, 4, 0) F("u32 a", 8, 4, 0), "\"\""), "mixed a:u32 b:u32",
	  16 },
	{ "s", EVENT("none", "", "\"\""), "none", 8 },
	{ "s", // a print format that nobody understands
	  EVENT("strange", F("u32 a", 8, 4, 0), "\"%d %s\", REC->a, what_is_this(REC->b, {{"),
	  "strange a:u32", 12 },
};

TEST(formats_become_descriptions)
{
	for (size_t i = 0; i < MEM_LEN(formats); i++) {
		struct made m;

		make(&m, formats[i].system, formats[i].format);
		EXPECT_EQ(m.r, 0);
		EXPECT_STR(strbuf_text(&m.shown), formats[i].want);
		EXPECT_EQ(m.cls.fixed_len, formats[i].fixed_len);
		unmake(&m);
	}
}

TEST(addresses_of_code_are_known)
{
	struct made m;

	make(&m, "timer",
	     EVENT("expire",
		   F("void * timer", 8, 8, 0) F("s64 now", 16, 8, 1) F("void * function", 24, 8, 0),
		   "\"%p %pS %llu\", REC->timer, REC->function, REC->now"));
	EXPECT_EQ(m.cls.n_code, 1);
	EXPECT_EQ(m.cls.code[0], 24);
	unmake(&m);
}

TEST(what_cannot_be_described_is_refused)
{
	static const struct {
		const char *format, *says;
	} cases[] = {
		{ EVENT("far", F("u8 a[70000]", 8, 70000, 0), "\"\""), "field 'a' at 8" },
		{ EVENT("overlap", F("u64 a", 8, 8, 0) F("u64 b", 12, 8, 0), "\"\""),
		  "field 'b' at 12" },
		{ EVENT("common", F("u32 a", 4, 4, 0), "\"\""), "field 'a' at 4" },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct made m;

		make(&m, "s", cases[i].format);
		EXPECT_EQ(m.r, -ENOTSUP);
		EXPECT(strstr(sonde_err_str(), cases[i].says) != NULL);
		unmake(&m);
	}
}

/* { type, flags, preempt, pid } then text, where it is said to be, then numbers. */
static const struct kernel_dyn two[] = { { 8, 1, false }, { 12, 1, true } };
static const struct kernel_dyn counted[] = { { 8, 8, false } };
static const struct kernel_class fixed = { .fixed_len = 12 };
static const struct kernel_class dynamic = { .fixed_len = 16, .n_dyn = 2, .dyn = two };
static const struct kernel_class counts = {
	.fixed_len = 12, .n_dyn = 1, .counts = true, .dyn = counted
};
static const struct kernel_class unknown;

#define LOC(at, len) ((uint32_t)(len) << 16 | (at))

static const struct {
	const char *what;
	const struct kernel_class *cls;
	uint32_t rec[8];
	size_t len, copied; /* 0: rewritten */
	uint32_t out[12];
	size_t out_len;
} records[] = {
	{ "fixed, with padding behind", &fixed, { 77, 1, 5, 9 }, 16, 12, { 0 }, 0 },
	{ "too short for its class", &fixed, { 77, 1 }, 8, 0, { 0, 1, 77 }, 12 },
	{ "unknown", &unknown, { 77 | 3 << 16, 1, 5 }, 12, 0, { 3 << 16, 1, 77 | 4 << 16, 5 }, 16 },
	{ "in order",
	  &dynamic,
	  { 77, 1, LOC(16, 4), LOC(4, 4), 0x61616161, 0x62626262 },
	  24,
	  24,
	  { 0 },
	  0 },
	{ "empty arrays may be anywhere", &dynamic, { 77, 1, LOC(999, 0), 0 }, 16, 16, { 0 }, 0 },
	{ "swapped",
	  &dynamic,
	  { 77, 1, LOC(20, 4), LOC(0, 4), 0x62626262, 0x61616161 },
	  24,
	  0,
	  { 77, 1, LOC(16, 4), LOC(4, 4), 0x61616161, 0x62626262 },
	  24 },
	{ "a hole before",
	  &dynamic,
	  { 77, 1, LOC(24, 4), LOC(12, 0), 0, 0, 0x61616161 },
	  28,
	  0,
	  { 77, 1, LOC(16, 4), LOC(4, 0), 0x61616161 },
	  20 },
	{ "out of the record",
	  &dynamic,
	  { 77, 1, LOC(16, 400), 0, 7 },
	  20,
	  0,
	  { 0, 1, 77 | 12 << 16, LOC(16, 400), 0, 7 },
	  24 },
	{ "bytes become counts",
	  &counts,
	  { 77, 1, LOC(12, 16), 1, 2, 3, 4 },
	  28,
	  0,
	  { 77, 1, LOC(12, 2), 1, 2, 3, 4 },
	  28 },
	{ "half an element",
	  &counts,
	  { 77, 1, LOC(12, 4), 1 },
	  16,
	  0,
	  { 0, 1, 77 | 8 << 16, LOC(12, 4), 1 },
	  20 },
};

TEST(records_are_copied_or_rewritten)
{
	for (size_t i = 0; i < MEM_LEN(records); i++) {
		uint8_t out[1024];
		const uint8_t *rec = (const uint8_t *)records[i].rec;
		const size_t len = records[i].len;
		const size_t n = kernel_copy_len(records[i].cls, rec, len);

		if (n != records[i].copied)
			test_failed(__FILE__, __LINE__, "%s: %zu", records[i].what, n);
		if (n)
			continue;
		EXPECT(kernel_rewrite_max(records[i].cls, len) <= sizeof(out));
		const size_t m = kernel_rewrite(records[i].cls, rec, len, out);
		if (m != records[i].out_len || memcmp(out, records[i].out, m) != 0)
			test_failed(__FILE__, __LINE__, "%s: %zu bytes", records[i].what, m);
	}
}

static int describe_one(void)
{
	struct made m = { 0 };
	struct strbuf none = { 0 };
	int r;

	// libtraceevent's own allocations are not ours to test.
	m.tep = tep_alloc();
	if (!m.tep)
		return -ENOMEM;
	(void)tep_parse_event(m.tep, formats[6].format, strlen(formats[6].format), "s");
	const struct tep_event *ev = tep_find_event(m.tep, 77);
	m.d.arena = &m.arena;
	describe_trace(&m.d, (const uint8_t[16]){ 0 });
	m.stream = describe_stream(&m.d, 0, describe_event_header(&m.d),
				   kernel_describe_context(&m.d));
	r = ev ? kernel_describe_event(&m.d, m.stream, ev, "x", &m.cls) : -ENOMEM;
	m.shown = none;
	unmake(&m);
	return r;
}

TEST(no_memory_is_an_ordinary_failure)
{
	test_oom(describe_one);
}
