/* SPDX-License-Identifier: MIT */
/**
 * Reads available_filter_functions ("name" or "name [module]"), or kallsyms ("address type name
 * [module]"), of which it leaves out what kprobes refuse: entry code, code that must not be traced,
 * code of the kernel's start that is gone.
 */
#include "sym/probe/kernel_funcs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/glob.h"
#include "base/near.h"
#include "sym/probe/tracefs.h"

enum { TEXT_MOST = 1 << 28 };

struct kernel_funcs {
	char *text;		 /* owned; names point into it */
	struct kernel_func *all; /* owned */
	size_t n, cap;
};

/* Stretches of the kernel's code between two symbols, where no probe may be. */
enum { BANNED_N = 5 };
static const struct {
	const char *begin, *end;
} banned[BANNED_N] = {
	{ "_sinittext", "_einittext" },
	{ "__entry_text_start", "__entry_text_end" },
	{ "__noinstr_text_start", "__noinstr_text_end" },
	{ "__kprobes_text_start", "__kprobes_text_end" },
	{ "__idmap_text_start", "__idmap_text_end" },
};

struct ranges {
	uint64_t begin[BANNED_N], end[BANNED_N];
};

/* A line of kallsyms; texts end with 0. */
struct line {
	uint64_t addr;
	char type;
	char *name, *module;
};

void kernel_funcs_free(struct kernel_funcs *k)
{
	if (!k)
		return;
	free(k->all);
	free(k->text);
	free(k);
}

/* Splits "name [module]" at its blanks. */
static void split_name(char *s, struct line *ret)
{
	static char none[] = "";
	char *end = s + strcspn(s, " \t");
	char *open = strchr(end, '[');

	ret->name = s;
	ret->module = none;
	*end = '\0';
	if (!open)
		return;
	ret->module = open + 1;
	open[strcspn(open, "]")] = '\0';
}

/* False: no line of kallsyms. */
static bool split_symbol(char *s, struct line *ret)
{
	char *end;

	ret->addr = strtoull(s, &end, 16);
	if (end == s || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	ret->type = end[1];
	split_name(end + 3, ret);
	return true;
}

static void note_range(struct ranges *r, const struct line *l)
{
	for (int i = 0; i < BANNED_N; i++) {
		if (!strcmp(l->name, banned[i].begin))
			r->begin[i] = l->addr;
		else if (!strcmp(l->name, banned[i].end))
			r->end[i] = l->addr;
	}
}

static bool is_banned(const struct ranges *r, const struct line *l)
{
	for (int i = 0; i < BANNED_N; i++) {
		if (l->addr >= r->begin[i] && l->addr < r->end[i])
			return true;
	}
	return false;
}

/* Names that only say where code begins and ends. */
static bool is_mark(const char *name)
{
	static const char *const marks[] = { "_text", "_stext", "_etext", "__init_begin",
					     "__init_end" };

	for (int i = 0; i < BANNED_N; i++) {
		if (!strcmp(name, banned[i].begin) || !strcmp(name, banned[i].end))
			return true;
	}
	for (size_t i = 0; i < MEM_LEN(marks); i++) {
		if (!strcmp(name, marks[i]))
			return true;
	}
	return false;
}

/* Names that are no functions: of BPF and of ftrace's own code, and paddings before functions. */
static bool is_odd(const struct line *l)
{
	static const char *const begins[] = { "__pfx_", "__cfi_", "__ftrace_invalid_address___" };
	static const char *const modules[] = { "bpf", "__builtin__ftrace", "__builtin__kprobes" };

	for (size_t i = 0; i < MEM_LEN(begins); i++) {
		if (!strncmp(l->name, begins[i], strlen(begins[i])))
			return true;
	}
	for (size_t i = 0; i < MEM_LEN(modules); i++) {
		if (!strcmp(l->module, modules[i]))
			return true;
	}
	return !*l->name;
}

static int add(struct kernel_funcs *k, const struct line *l)
{
	if (is_odd(l))
		return 0;
	int r = mem_grow(&k->all, &k->cap, k->n + 1);
	if (!r)
		k->all[k->n++] = (struct kernel_func){ l->name, l->module };
	return r;
}

/* Takes the next line, and ends it with 0; NULL: there is no more. */
static char *next_line(char **at)
{
	char *line = *at, *end;

	if (!*line)
		return NULL;
	end = line + strcspn(line, "\n");
	*at = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

/* Ranges are told by symbols that may stand behind: the list is made first, then sifted. */
static int parse_symbols(struct kernel_funcs *k)
{
	struct line *lines = NULL;
	size_t n = 0, cap = 0;
	struct ranges ranges = { { 0 }, { 0 } };
	struct line l;
	char *at = k->text, *s;
	int r = 0;

	while (!r && (s = next_line(&at))) {
		if (!split_symbol(s, &l))
			continue;
		if (!*l.module)
			note_range(&ranges, &l);
		if (!strchr("tTwW", l.type) || is_mark(l.name))
			continue;
		r = mem_grow(&lines, &cap, n + 1);
		if (!r)
			lines[n++] = l;
	}
	for (size_t i = 0; !r && i < n; i++) {
		if (*lines[i].module || !is_banned(&ranges, &lines[i]))
			r = add(k, &lines[i]);
	}
	free(lines);
	return r;
}

static int parse_names(struct kernel_funcs *k)
{
	struct line l = { 0 };
	char *at = k->text, *s;
	int r = 0;

	while (!r && (s = next_line(&at))) {
		split_name(s, &l);
		r = add(k, &l);
	}
	return r;
}

/* Whether the first line has an address: "ffffffff81000000 T _stext". */
static bool is_kallsyms(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n >= 8 && s[n] == ' ' && s[n + 1] && s[n + 2] == ' ';
}

/* Makes the list of @text, which it owns. */
static int parse(char *text, struct kernel_funcs **ret)
{
	sonde_auto(kernel_funcs_freep) struct kernel_funcs *k = calloc(1, sizeof(*k));

	if (!k) {
		free(text);
		return sonde_fail(-ENOMEM, "functions of the kernel: out of memory");
	}
	k->text = text;
	int r = is_kallsyms(text) ? parse_symbols(k) : parse_names(k);
	if (r < 0)
		return r;
	*ret = sonde_take(k);
	return 0;
}

int kernel_funcs_parse(const char *text, size_t len, struct kernel_funcs **ret)
{
	char *copy = strndup(text, len);

	if (!copy)
		return sonde_fail(-ENOMEM, "functions of the kernel: out of memory");
	return parse(copy, ret);
}

static int read_text(const char *path, char **ret)
{
	sonde_auto(mem_freep) char *text = NULL;
	size_t n = 0, cap = 0;

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", path);
	for (;;) {
		int r = mem_grow(&text, &cap, n + (1 << 16) + 1);
		if (r < 0)
			return r;
		ssize_t got = read(fd, text + n, cap - n - 1);
		if (got < 0)
			return sonde_fail_errno(-errno, "cannot read '%s'", path);
		n += (size_t)got;
		text[n] = '\0';
		if (!got)
			break;
		if (n > TEXT_MOST)
			return sonde_fail(-EFBIG, "'%s' does not end", path);
	}
	*ret = sonde_take(text);
	return 0;
}

int kernel_funcs_open(struct kernel_funcs **ret)
{
	char path[PATH_MAX], *text = NULL;
	const char *dir = NULL;

	int r = tracing_mount(&dir);
	if (!r) {
		(void)snprintf(path, sizeof(path), "%s/available_filter_functions", dir);
		r = read_text(path, &text);
	}
	if (r < 0 && r != -ENOMEM)
		r = read_text("/proc/kallsyms", &text);
	if (r < 0)
		return r;
	sonde_dcheck(text); // read_text() gave it
	return parse(text, ret);
}

const struct kernel_func *kernel_funcs_all(const struct kernel_funcs *k, size_t *ret_n)
{
	*ret_n = k->n;
	return k->all;
}

const struct kernel_func *kernel_funcs_find(const struct kernel_funcs *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++) {
		if (!strcmp(k->all[i].name, name))
			return &k->all[i];
	}
	return NULL;
}

static bool is_of(const struct kernel_func *f, const char *module)
{
	if (!module)
		return true;
	return glob_match(module, *f->module ? f->module : "vmlinux");
}

/* By name; of one name that of the kernel itself first. */
static int by_name(const void *pa, const void *pb)
{
	const struct kernel_func *a = *(const struct kernel_func *const *)pa;
	const struct kernel_func *b = *(const struct kernel_func *const *)pb;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->module, b->module);
}

int kernel_funcs_each(const struct kernel_funcs *k, const char *module, const char *pattern,
		      int (*f)(void *arg, const struct kernel_func *fn), void *arg)
{
	const struct kernel_func **found = NULL;
	size_t n = 0, cap = 0;
	int r = 0;

	for (size_t i = 0; !r && i < k->n; i++) {
		if (!glob_match(pattern, k->all[i].name) || !is_of(&k->all[i], module))
			continue;
		r = mem_grow(&found, &cap, n + 1);
		if (!r)
			found[n++] = &k->all[i];
	}
	if (n)
		qsort(found, n, sizeof(*found), by_name);
	for (size_t i = 0; !r && i < n; i++) {
		if (!i || strcmp(found[i]->name, found[i - 1]->name) != 0)
			r = f(arg, found[i]);
	}
	free(found);
	return r;
}

const char *kernel_funcs_near(const struct kernel_funcs *k, const char *name)
{
	const char *near = NULL;
	unsigned best = NEAR_NOT;

	for (size_t i = 0; i < k->n; i++) {
		unsigned d = near_distance(name, k->all[i].name);

		if (d < best) {
			best = d;
			near = k->all[i].name;
		}
	}
	return near;
}
