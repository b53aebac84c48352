/* SPDX-License-Identifier: MIT */
/**
 * Scripts and what the compiler says of them: its messages, or the types that it found.
 *
 * check/NAME.t holds cases: "== NAME", options as "! ...", the script, "--", and what comes out.
 * UPDATE=1 in the environment writes the files anew. Options:
 *
 *	! params A B ...	positional parameters
 *	! unsafe		functions that change the system are allowed
 *	! no-types		the world has no types of a kernel
 *	! no-memory		nothing lies behind addresses, as in a trace
 *	! pid			as with -p
 *	! d			it is in D
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "made_world.h"
#include "test.h"

enum { ROOM = 1 << 20, PARAMS_MOST = 9 };

struct options {
	struct compile_options compile;
	const char *params[PARAMS_MOST];
	bool no_types, no_memory, is_d;
};

/* To be freed, with a 0 behind; NULL: cannot be read. */
static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? calloc(1, ROOM + 1) : NULL;

	if (text)
		text[fread(text, 1, ROOM, f)] = '\0';
	if (f)
		fclose(f);
	return text;
}

static void read_option(char *line, struct options *o)
{
	const char *word = strsep(&line, " ");

	if (word && !strcmp(word, "params")) {
		while ((word = strsep(&line, " ")) && o->compile.n_params < PARAMS_MOST)
			o->params[o->compile.n_params++] = word;
	} else if (word && !strcmp(word, "unsafe")) {
		o->compile.unsafe = true;
	} else if (word && !strcmp(word, "no-types")) {
		o->no_types = true;
	} else if (word && !strcmp(word, "no-memory")) {
		o->no_memory = true;
	} else if (word && !strcmp(word, "pid")) {
		o->compile.pid = 1;
	} else if (word && !strcmp(word, "d")) {
		o->is_d = true;
	} else {
		test_failed(__FILE__, __LINE__, "no such option: %s", word ? word : "");
	}
}

/* The first line of each message: not those with the source's text. */
static void add_messages(const char *text, struct strbuf *ret)
{
	while (*text) {
		const size_t len = strcspn(text, "\n");
		if (!strncmp(text, "t.bt:", 5)) {
			strbuf_add(ret, text, len);
			strbuf_str(ret, "\n");
		}
		text += len + (text[len] != '\0');
	}
}

/* What comes out of @script, appended to @ret. */
static void run(const char *script, struct options *o, struct strbuf *ret)
{
	sonde_auto(world_freep) struct world *w = NULL;
	struct made m;

	EXPECT_EQ(made_world_new(!o->no_types, &w), 0);
	if (!w)
		return;
	if (o->no_memory)
		made_world_forget_memory(w);
	o->compile.params = o->params;
	if (o->is_d)
		made_compile_d(&m, w, script, &o->compile);
	else
		made_compile(&m, w, script, &o->compile);
	add_messages(strbuf_text(&m.diag.out), ret);
	if (m.script)
		script_print_types(m.script, ret);
	else if (m.r != -EINVAL || !m.diag.n_errors)
		strbuf_fmt(ret, "returned %d: %s\n", m.r, sonde_err_str());
	made_fini(&m);
}

/* Whether @got is what was wanted, but for empty lines behind it. */
static bool is_same(const char *want, const struct strbuf *got)
{
	return !strncmp(want, strbuf_text(got), got->len) &&
	       strspn(want + got->len, "\n") == strlen(want + got->len);
}

/* One case at *@at, which moves behind it; appends it with what came out to @out. */
static void one_case(const char *file, char **at, struct strbuf *out)
{
	struct options o = { 0 };
	struct strbuf got = { 0 };
	char *name = *at, *script = strchr(name, '\n'), *next = strstr(name, "\n== ");

	*at = next ? next + 1 : strchr(name, '\0');
	if (next)
		*next = '\0';
	char *want = script ? strstr(script, "\n--") : NULL;
	if (!want) {
		test_failed(__FILE__, __LINE__, "%s: '%s' has no '--'", file, name);
		return;
	}
	*want = *script++ = '\0';
	want += 3 + (want[3] == '\n');
	strbuf_fmt(out, "%s\n", name);
	while (script[0] == '!') {
		char *line = strsep(&script, "\n");
		strbuf_fmt(out, "%s\n", line);
		read_option(line + 2, &o);
	}
	run(script, &o, &got);
	strbuf_fmt(out, "%s\n--\n%s\n", script, strbuf_text(&got));
	if (!is_same(want, &got))
		test_failed(__FILE__, __LINE__, "%s: '%s' gives\n%s", file, name + 3,
			    strbuf_text(&got));
	strbuf_fini(&got);
}

static void cases(const char *path)
{
	struct strbuf out = { 0 };
	char *text = read_text(path), *at = text ? strstr(text, "== ") : NULL;

	EXPECT(at);
	if (at)
		strbuf_add(&out, text, (size_t)(at - text));
	while (at && *at)
		one_case(strrchr(path, '/') + 1, &at, &out);
	if (at && getenv("UPDATE")) {
		FILE *f = fopen(path, "wb");

		out.len -= out.len > 1; // one line's end is enough at the end
		EXPECT(f && fwrite(out.data, 1, out.len, f) == out.len);
		if (f)
			fclose(f);
	}
	strbuf_fini(&out);
	free(text);
}

TEST(cases_in_files)
{
	glob_t found = { 0 };

	EXPECT_EQ(glob(SCRIPTS "/check/*.t", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		cases(found.gl_pathv[i]);
	globfree(&found);
}

/* --- each message of the compiler is asked for by some case --- */

/* What the parser tells before, or must not come at all; and what a test of its own asks for. */
static bool is_exempt(const char *words)
{
	static const char *const list[] = {
		"[bad-expression]\n",
		"this is no value",
		"only variables and maps can be stepped",
		"only variables ('$x') and maps ('@x') can be assigned",
		"nothing tells of which type this is",
		"an expression of more than ",
		"[too-many-maps]\n",
		" maps",
		"[too-many-variables]\n",
		" variables in one probe",
		"[too-complex]\n",
		"the types of maps do not settle",
		"the types of variables do not settle",
		// of D, with the tag in a variable
		"[argument %u of %s() must be a constant]\n",
		"[%s() %s]\n",
		"[D_TRACE_VOID]\n",
		"this has no value that could be traced",
	};

	for (size_t i = 0; i < MEM_LEN(list); i++)
		if (!strcmp(words, list[i]))
			return true;
	return false;
}

/* Whether a case has @words, as they are or behind "[", as a tag. */
static bool is_asked_for(const glob_t *files, const char *words)
{
	bool found = is_exempt(words);

	for (size_t i = 0; i < files->gl_pathc && !found; i++) {
		char *text = read_text(files->gl_pathv[i]);
		found = text && strstr(text, words);
		free(text);
	}
	return found;
}

/* The longest part of the format at @fmt that has no conversion, up to its quote. */
static void longest_part(const char *fmt, char *ret, size_t cap)
{
	size_t best = 0;

	ret[0] = '\0';
	for (const char *p = fmt; *p && *p != '"';) {
		const size_t len = strcspn(p, "%\"\\");
		if (len > best && len < cap) {
			best = len;
			memcpy(ret, p, len);
			ret[len] = '\0';
		}
		p += len;
		if (*p == '%')
			p += 1 + strspn(p + 1, "lz") + 1;
		else if (*p == '\\')
			p += 2;
	}
}

/* The call of diag_error() and its like at @call: are its tag and its words in some case? */
static void one_message(const char *path, const char *call, const glob_t *files)
{
	char words[200];
	const char *tag = call + strcspn(call, "\";");

	if (*tag++ != '"')
		return;
	const size_t len = strcspn(tag, "\"");
	if (!len || len > 40)
		return;
	snprintf(words, sizeof(words), "[%.*s]\n", (int)len, tag);
	if (!is_asked_for(files, words))
		test_failed(__FILE__, __LINE__, "no case asks for %s of %s", words, path);
	const char *fmt = tag + len + 1;
	fmt += strspn(fmt, ", \t\n");
	if (*fmt != '"')
		return;
	longest_part(fmt + 1, words, sizeof(words));
	if (strlen(words) > 3 && !is_asked_for(files, words))
		test_failed(__FILE__, __LINE__, "no case asks for '%s' of %s", words, path);
}

static void messages_of(const char *path, const glob_t *files)
{
	char *text = read_text(path);

	EXPECT(text);
	for (const char *at = text; at;) {
		const char *call = strstr(at, "_error("), *warn = strstr(at, "_warn(");
		at = !call || (warn && warn < call) ? warn : call;
		if (at)
			one_message(path, at++, files);
	}
	free(text);
}

TEST(each_message_has_a_case)
{
	glob_t files = { 0 }, sources = { 0 };

	EXPECT_EQ(glob(SCRIPTS "/check/*.t", 0, NULL, &files), 0);
	EXPECT_EQ(glob(SOURCES "/src/lang/check/*.c", 0, NULL, &sources), 0);
	EXPECT_EQ(glob(SOURCES "/src/lang/gen/*.c", GLOB_APPEND, NULL, &sources), 0);
	for (size_t i = 0; i < sources.gl_pathc; i++)
		messages_of(sources.gl_pathv[i], &files);
	globfree(&files);
	globfree(&sources);
}

/* --- what is too large for a file --- */

/* @begin, @each with numbers from 0 on, and @end are a script that is refused with @tag. */
static void too_many(const char *begin, const char *each, unsigned n, const char *end,
		     const char *tag)
{
	sonde_auto(world_freep) struct world *w = NULL;
	struct strbuf text = { 0 };
	struct made m;

	EXPECT_EQ(made_world_new(false, &w), 0);
	strbuf_str(&text, begin);
	for (unsigned i = 0; i < n; i++) {
		const char *at = strchr(each, '#');
		strbuf_add(&text, each, at ? (size_t)(at - each) : strlen(each));
		if (at)
			strbuf_fmt(&text, "%u%s", i, at + 1);
	}
	strbuf_str(&text, end);
	made_compile(&m, w, strbuf_text(&text), NULL);
	EXPECT_EQ(m.r, -EINVAL);
	if (!strstr(strbuf_text(&m.diag.out), tag))
		test_failed(__FILE__, __LINE__, "no %s in\n%s", tag, strbuf_text(&m.diag.out));
	made_fini(&m);
	strbuf_fini(&text);
}

TEST(too_many)
{
	too_many("BEGIN { $x = pid", " + 1", 2500, "; }",
		 "an expression of more than 2000 terms [too-deep]");
	too_many("BEGIN {", " @m# = 1;", 600, " }", "more than 500 maps [too-many-maps]");
	too_many("BEGIN {", " $v# = 1;", 2100, " }",
		 "more than 2000 variables in one probe [too-many-variables]");
}
