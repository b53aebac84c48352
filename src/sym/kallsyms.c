/* SPDX-License-Identifier: MIT */
/**
 * Reads kallsyms. It has no lengths: a function reaches to the next symbol, but not beyond the text
 * of the kernel, or the module, that it belongs to.
 */
#include "sym/kallsyms.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

/* What makes code on its own, as BPF, says no length: no more than this is believed. */
enum { LOOSE_MOST = 4096, READ_LEN = 1 << 16 };

struct module {
	char name[64];
	uint64_t base, end;
};

struct texts {
	uint64_t text, etext, inittext, einittext; /* of the kernel proper; 0: not known */
	struct module *modules;			   /* owned */
	size_t n, cap;
};

/* A line of kallsyms; the strings point into the line. */
struct line {
	uint64_t addr;
	char type;
	char *name;
	char *module; /* or NULL */
};

static bool parse_line(char *s, struct line *ret)
{
	char *end;

	errno = 0;
	ret->addr = strtoull(s, &end, 16);
	if (errno || end == s || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	ret->type = end[1];
	ret->name = end + 3;
	ret->module = NULL;
	end = ret->name + strcspn(ret->name, "\t \n");
	char *open = strchr(end, '[');
	*end = '\0';
	if (open) {
		ret->module = open + 1;
		ret->module[strcspn(ret->module, "]\n")] = '\0';
	}
	return *ret->name != '\0';
}

static int read_modules(FILE *f, struct texts *t)
{
	char *line = NULL;
	size_t cap = 0;
	int r = 0;

	while (f && !r && getline(&line, &cap, f) > 0) {
		struct module m = { 0 };
		uint64_t len;

		if (sscanf(line, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64, m.name, &len, &m.base) !=
		    3)
			continue;
		m.end = m.base + len;
		r = mem_grow(&t->modules, &t->cap, t->n + 1);
		if (!r)
			t->modules[t->n++] = m;
	}
	free(line);
	return r;
}

/* Where the text ends that holds the symbol; 0: nothing is known of it. */
static uint64_t limit_of(const struct texts *t, const struct line *l)
{
	if (!l->module) {
		if (!t->etext)
			return l->addr + LOOSE_MOST;
		if (l->addr >= t->text && l->addr < t->etext)
			return t->etext;
		if (l->addr >= t->inittext && l->addr < t->einittext)
			return t->einittext;
		return 0;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct module *m = &t->modules[i];

		if (!strcmp(m->name, l->module) && l->addr >= m->base && l->addr < m->end)
			return m->end;
	}
	return l->addr + LOOSE_MOST;
}

static void note_text(struct texts *t, const struct line *l)
{
	static const struct {
		const char *name;
		size_t at;
	} marks[] = {
		{ "_stext", offsetof(struct texts, text) },
		{ "_etext", offsetof(struct texts, etext) },
		{ "_sinittext", offsetof(struct texts, inittext) },
		{ "_einittext", offsetof(struct texts, einittext) },
	};

	for (size_t i = 0; i < MEM_LEN(marks) && !l->module; i++) {
		if (!strcmp(l->name, marks[i].name))
			*(uint64_t *)((char *)t + marks[i].at) = l->addr;
	}
}

static int add_line(struct symtab *st, const struct texts *t, const struct line *l)
{
	char name[512];
	int len = snprintf(name, sizeof(name), l->module ? "%s [%s]" : "%s", l->name, l->module);
	uint64_t limit = limit_of(t, l);

	// The ends of texts are names of nothing; they only stop what is before them.
	if (!limit || (!l->module && (!strcmp(l->name, "_etext") || !strcmp(l->name, "_stext"))))
		return 0;
	if ((size_t)len >= sizeof(name))
		len = sizeof(name) - 1;
	return symtab_add(st, l->addr, 0, limit, name, (size_t)len, l->type == 'T' ? 0 : 2);
}

/* One pass: marks of texts (@st NULL), or functions. Counts the addresses that are not 0. */
static int pass(FILE *f, struct symtab *st, struct texts *t, uint64_t *ret_shown)
{
	char *line = NULL;
	size_t cap = 0;
	struct line l;
	int r = 0;

	while (!r && getline(&line, &cap, f) > 0) {
		if (!parse_line(line, &l))
			continue;
		*ret_shown += l.addr != 0;
		if (!st)
			note_text(t, &l);
		else if (l.addr && strchr("tTwW", l.type))
			r = add_line(st, t, &l);
	}
	free(line);
	return r;
}

int kallsyms_read(FILE *symbols, FILE *modules, struct symtab *ret)
{
	struct texts t = { 0 };
	uint64_t shown = 0;

	int r = read_modules(modules, &t);
	if (!r)
		r = pass(symbols, NULL, &t, &shown);
	if (!r && !shown)
		r = sonde_fail(-EPERM, "the kernel hides its addresses from this user: be root, or "
				       "'sysctl kernel.kptr_restrict=0'");
	if (!r && fseek(symbols, 0, SEEK_SET) != 0)
		r = sonde_fail_errno(-errno, "cannot read kallsyms again");
	if (!r)
		r = pass(symbols, ret, &t, &shown);
	if (!r)
		r = symtab_finish(ret);
	free(t.modules);
	return r;
}

int kallsyms_load(struct symtab *ret)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	if (!symbols)
		return sonde_fail_errno(-errno, "cannot open '/proc/kallsyms'");
	(void)setvbuf(symbols, NULL, _IOFBF, READ_LEN); // else 1 KiB at a time: 5,000 calls
	FILE *modules = fopen("/proc/modules", "re");
	int r = kallsyms_read(symbols, modules, ret);

	fclose(symbols);
	if (modules)
		fclose(modules);
	return r;
}
