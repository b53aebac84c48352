/* SPDX-License-Identifier: MIT */
/** Formats of tracepoints: written here, and all of the running kernel's against libtraceevent. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <traceevent/event-parse.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/strbuf.h"
#include "sym/probe/tp_format.h"
#include "sym/probe/tracefs.h"
#include "test.h"

#define HEAD  "name: e\nID: 316\nformat:\n"
#define PLACE ";\toffset:8;\tsize:"

static struct ctypes *const no_types = NULL;

static int parse(struct arena *a, const char *text, struct tp_format *ret)
{
	return tp_format_parse(a, no_types, text, strlen(text), ret);
}

TEST(a_whole_file)
{
	static const char text[] =
		"name: sched_switch\n"
		"ID: 316\n"
		"format:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
		"\n"
		"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
		"\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
		"\tfield:__data_loc char[] name;\toffset:28;\tsize:4;\tsigned:0;\n"
		"\tfield:__rel_loc u32[] list;\toffset:32;\tsize:4;\tsigned:0;\n"
		"\n"
		"print fmt: \"field:int x;\toffset:0;\", REC->prev_comm\n";
	struct arena a = { 0 };
	struct tp_format f = { 0 };

	EXPECT_EQ(parse(&a, text, &f), 0);
	EXPECT_STR(f.name, "sched_switch");
	EXPECT_EQ(f.id, 316);
	EXPECT_EQ(f.n_fields, 6);
	EXPECT_EQ(f.len, 36);
	EXPECT_STR(f.fields[0].name, "common_type");
	EXPECT(f.fields[0].is_common && f.fields[1].is_common && !f.fields[2].is_common);
	EXPECT_STR(f.fields[2].name, "prev_comm");
	EXPECT_EQ(f.fields[2].off, 8);
	EXPECT_EQ(f.fields[2].len, 16);
	EXPECT_EQ(f.fields[4].place, TP_DATA_LOC);
	EXPECT_EQ(f.fields[5].place, TP_REL_LOC);
	EXPECT_EQ(f.fields[3].place, TP_FIXED);
	arena_fini(&a);
}

TEST(types_of_fields)
{
	static const struct {
		const char *line, *wanted; /* type, with sign or kind where it matters */
		unsigned size;
		int is_signed;
	} cases[] = {
		{ "char prev_comm[16]" PLACE "16;\tsigned:0;", "char[16]", 16, -1 },
		{ "const char * filename" PLACE "8;\tsigned:0;", "char *", 8, -1 },
		{ "const char *const * argv" PLACE "8;\tsigned:0;", "char **", 8, -1 },
		{ "const void* p" PLACE "8;\tsigned:0;", "void *", 8, -1 },
		{ "void __seg_gs * p" PLACE "8;\tsigned:0;", "void *", 8, -1 },
		{ "struct foo * p" PLACE "8;\tsigned:0;", "struct foo *", 8, -1 },
		{ "union bar * p" PLACE "8;\tsigned:0;", "union bar *", 8, -1 },
		{ "const struct foo __attribute__((btf_type_tag(\"user\"))) * p" PLACE
		  "8;\tsigned:0;",
		  "struct foo *", 8, -1 },
		{ "no_such_t * p" PLACE "8;\tsigned:0;", "void *", 8, -1 },
		{ "unsigned long args[6]" PLACE "48;\tsigned:0;", "unsigned long[6]", 48, -1 },
		{ "int a[N_OF_THEM]" PLACE "16;\tsigned:1;", "int[4]", 16, -1 },
		{ "unsigned long args[]" PLACE "0;\tsigned:0;", "unsigned long[]", 0, -1 },
		{ "__u8 x[16]" PLACE "16;\tsigned:0;", "__u8[16]", 16, -1 },
		{ "__data_loc char[] name" PLACE "4;\tsigned:0;", "char[]", 0, -1 },
		{ "__data_loc cpumask_t cpus" PLACE "4;\tsigned:0;", "unsigned long[]", 0, -1 },
		{ "__rel_loc u32[] l" PLACE "4;\tsigned:0;", "u32[]", 0, -1 },
		{ "unsigned int n" PLACE "4;\tsigned:0;", "unsigned int", 4, 0 },
		{ "pid_t n" PLACE "4;\tsigned:1;", "pid_t", 4, 1 },
		{ "umode_t n" PLACE "2;\tsigned:0;", "umode_t", 2, 0 },
		{ "bool n" PLACE "1;\tsigned:0;", "bool", 1, 0 },
		{ "no_such_t n" PLACE "4;\tsigned:1;", "s32", 4, 1 },
		{ "no_such_t n" PLACE "8;\tsigned:0;", "u64", 8, 0 },
		{ "no_such_t n" PLACE "12;\tsigned:0;", "u8[12]", 12, -1 },
		{ "enum x n" PLACE "4;\tsigned:0;", "enum x", 4, 0 },
		{ "enum x n" PLACE "4;\tsigned:1;", "enum x", 4, 1 },
		{ "unsigned long n" PLACE "4;\tsigned:0;", "u32", 4, 0 }, // a 32-bit record
		{ "int n" PLACE "4;\tsigned:0;", "u32", 4, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena a = { 0 };
		struct tp_format f = { 0 };
		struct strbuf text = { 0 }, type = { 0 };

		strbuf_fmt(&text, HEAD "\tfield:%s\n", cases[i].line);
		EXPECT_EQ(parse(&a, strbuf_text(&text), &f), 0);
		if (f.n_fields == 1) {
			const struct ctype *t = f.fields[0].type;

			ctype_print(t, &type);
			EXPECT_STR(strbuf_text(&type), cases[i].wanted);
			EXPECT_EQ(t->size, cases[i].size);
			EXPECT(cases[i].is_signed < 0 || t->is_signed == !!cases[i].is_signed);
		}
		strbuf_fini(&text);
		strbuf_fini(&type);
		arena_fini(&a);
	}
}

TEST(texts_that_are_no_formats)
{
	static const char *const cases[] = {
		"",
		"name: x\n",
		"\tfield:int a" PLACE "4;\tsigned:1;\n",
		HEAD "\tfield:;\toffset:8;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int;\toffset:8;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:[];\toffset:8;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int ]]];\toffset:8;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int a;\n",
		HEAD "\tfield:int a;\toffset:;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int a;\toffset:99999999999;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int a;\toffset:-8;\tsize:4;\tsigned:0;\n",
		HEAD "\tfield:int a" PLACE "4;\tsigned:no;\n",
		HEAD "\tfield:__data_loc char[] a" PLACE "8;\tsigned:0;\n",
		"name: e\nID: x\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena a = { 0 };
		struct tp_format f = { 0 };

		EXPECT_EQ(parse(&a, cases[i], &f), -EBADMSG);
		arena_fini(&a);
	}
}

static int parse_once(void)
{
	struct arena a = { 0 };
	struct tp_format f = { 0 };
	int r = parse(&a, HEAD "\tfield:struct foo * p" PLACE "8;\tsigned:0;\n", &f);

	arena_fini(&a);
	return r;
}

TEST(out_of_memory)
{
	test_oom(parse_once);
}

TEST(globs)
{
	EXPECT(glob_match("sys_enter_*", "sys_enter_read"));
	EXPECT(!glob_match("sys_enter_*", "sys_exit_read"));
	EXPECT(glob_match("*", ""));
	EXPECT(glob_match("a*b*c", "aXbYbZc"));
	EXPECT(!glob_match("a*b*c", "aXbYbZ"));
	EXPECT(glob_match("?a?", "bab"));
	EXPECT(!glob_match("?", ""));
	EXPECT(glob_match("operator[]", "operator[]"));
	EXPECT(!glob_match("abc", "ab"));
	EXPECT(!glob_match("ab", "abc"));
	EXPECT(glob_is("a?") && glob_is("*") && !glob_is("a[b]"));
}

static char *read_all(const char *path, size_t *ret_len)
{
	enum { MOST = 1 << 20 };
	char *text = malloc(MOST);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	*ret_len = 0;
	while (text && fd >= 0 && n > 0) {
		n = read(fd, text + *ret_len, MOST - *ret_len);
		*ret_len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

struct seen {
	struct ctypes *db;
	unsigned events, fields, bad;
};

static bool same_field(const struct tp_field *f, const struct tep_format_field *o)
{
	bool is_dynamic = o->flags & TEP_FIELD_IS_DYNAMIC;
	bool is_elsewhere = is_dynamic && f->place != TP_FIXED;

	// Arguments of system calls: registers without a sign, by the kernel's words.
	bool is_arg = f->is_signed && !(o->flags & TEP_FIELD_IS_SIGNED) && o->size == 8 &&
		      !strncmp(o->event->name, "sys_enter_", 10);

	if (strcmp(f->name, o->name) || f->off != (uint32_t)o->offset ||
	    (f->len != (uint32_t)o->size && !(is_arg && f->len == 4)))
		return false;
	if (f->is_signed != !!(o->flags & TEP_FIELD_IS_SIGNED) && !is_arg)
		return false;
	if (is_dynamic != is_elsewhere)
		return false;
	if (f->place == TP_FIXED && f->type->size != f->len)
		return false;
	return !(o->flags & TEP_FIELD_IS_POINTER) || is_dynamic || f->type->kind == CT_PTR ||
	       f->type->kind == CT_ARRAY;
}

static unsigned compare(const struct tp_format *f, const struct tep_event *o, bool common)
{
	const struct tep_format_field *of = common ? o->format.common_fields : o->format.fields;
	unsigned bad = 0;

	for (size_t i = 0; i < f->n_fields; i++) {
		if (f->fields[i].is_common != common)
			continue;
		if (!of || !same_field(&f->fields[i], of)) {
			printf("# %s: field '%s' differs\n", f->name, f->fields[i].name);
			bad++;
		}
		of = of ? of->next : NULL;
	}
	return bad + (of != NULL);
}

/* Without the text for printing: libtraceevent 1.7 leaks some of it. */
static const struct tep_event *oracle(struct tep_handle *tep, const char *text, size_t len,
				      const char *group, const char *name)
{
	const char *print = memmem(text, len, "print fmt:", 10);
	struct strbuf b = { 0 };

	strbuf_add(&b, text, print ? (size_t)(print - text) : len);
	strbuf_str(&b, "print fmt: \"x\"\n");
	bool bad = !tep || tep_parse_event(tep, strbuf_text(&b), b.len, group);
	strbuf_fini(&b);
	return bad ? NULL : tep_find_event_by_name(tep, group, name);
}

static int check_event(void *arg, const char *group, const char *name)
{
	struct seen *s = arg;
	struct tp_format f = { 0 };
	struct arena a = { 0 };
	char path[PATH_MAX];
	const char *dir = NULL;
	const struct tep_event *o = NULL;
	struct tep_handle *tep = tep_alloc();
	size_t len;

	if (tracing_mount(&dir) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/events/%s/%s/format", dir, group, name);
	char *text = read_all(path, &len);
	int r = tp_format_read(&a, s->db, group, name, &f);
	s->events++;
	// Events that have no file (as those of ftrace's own group may) have none for both.
	if (r == -ENOENT && !len) {
		s->events--;
	} else if (r < 0 || !(o = oracle(tep, text, len, group, f.name))) {
		printf("# %s:%s: %s\n", group, name, r < 0 ? sonde_err_str() : "no oracle");
		s->bad++;
	} else {
		s->fields += (unsigned)f.n_fields;
		s->bad += compare(&f, o, true) + compare(&f, o, false) + (f.id != (uint32_t)o->id);
	}
	free(text);
	arena_fini(&a);
	tep_free(tep);
	return 0;
}

TEST(all_events_of_this_kernel)
{
	struct seen s = { 0 };
	const char *dir = NULL;

	if (geteuid() || tracing_mount(&dir) < 0) {
		test_skip("no tracefs, or no right to read it");
		return;
	}
	if (ctypes_open_kernel(&s.db) < 0)
		s.db = NULL;
	EXPECT_EQ(tp_each("*", "*", check_event, &s), 0);
	printf("# %u events, %u fields\n", s.events, s.fields);
	EXPECT(s.events > 100);
	EXPECT_EQ(s.bad, 0);
	ctypes_free(s.db);
}

static int note_name(void *arg, const char *group, const char *name)
{
	struct strbuf *b = arg;

	strbuf_fmt(b, "%s:%s ", group, name);
	return 0;
}

static int stop_at_once(void *arg, const char *group, const char *name)
{
	(void)arg;
	(void)group;
	(void)name;
	return 7;
}

TEST(events_by_pattern)
{
	struct strbuf b = { 0 };
	struct tp_format f;
	struct arena a = { 0 };
	const char *dir = NULL;

	if (geteuid() || tracing_mount(&dir) < 0) {
		test_skip("no tracefs, or no right to read it");
		return;
	}
	EXPECT_EQ(tp_each("sched", "sched_switch", note_name, &b), 0);
	EXPECT_EQ(tp_each("sche*", "sched_wakeup*", note_name, &b), 0);
	EXPECT_EQ(tp_each("sched", "no_such", note_name, &b), 0);
	EXPECT_EQ(tp_each("../events/sched", "sched_switch", note_name, &b), 0);
	EXPECT_STR(strbuf_text(&b),
		   "sched:sched_switch sched:sched_wakeup sched:sched_wakeup_new ");
	EXPECT_EQ(tp_each("*", "*", stop_at_once, NULL), 7);
	EXPECT_EQ(tp_format_read(&a, NULL, "sched", "no_such", &f), -ENOENT);
	EXPECT_STR(sonde_err_str(), "there is no tracepoint 'sched:no_such'");
	EXPECT_EQ(tp_format_read(&a, NULL, "../sched", "sched_switch", &f), -ENOENT);
	strbuf_fini(&b);
	arena_fini(&a);
}
