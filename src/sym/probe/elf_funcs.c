/* SPDX-License-Identifier: MIT */
/** Names of functions to places: exact ones, patterns, and C++ and Rust names as written. */
#include "sym/probe/elf_funcs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/near.h"
#include "base/strbuf.h"
#include "sym/demangle.h"
#include "sym/probe/elf_image.h"
#include "sym/probe/elf_symbols.h"

struct elf_funcs {
	struct elf_image image;
	struct elf_symbols symbols;
	bool is_read;
};

/* Functions that were found, one for each place. */
struct found {
	const struct elf_symbol **all; /* owned */
	size_t n, cap;
};

int elf_funcs_open(const char *path, struct elf_funcs **ret)
{
	struct elf_funcs *f = calloc(1, sizeof(*f));

	if (!f)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	int r = elf_image_open(path, &f->image);
	if (r < 0) {
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void elf_funcs_free(struct elf_funcs *f)
{
	if (!f)
		return;
	elf_symbols_fini(&f->symbols);
	elf_image_fini(&f->image);
	free(f);
}

bool elf_funcs_is_pie(const struct elf_funcs *f)
{
	return f->image.header.e_type == ET_DYN;
}

bool elf_funcs_is_stripped(const struct elf_funcs *f)
{
	return f->symbols.is_stripped;
}

static int read_once(struct elf_funcs *f)
{
	if (f->is_read)
		return 0;
	int r = elf_symbols_read(&f->image, &f->symbols);
	if (r < 0) {
		elf_symbols_fini(&f->symbols);
		return sonde_wrap(r, "'%s'", f->image.path);
	}
	f->is_read = true;
	return 0;
}

/* By place; of one place the name that is known outside first. A total order. */
static int by_place(const struct elf_symbol *a, const struct elf_symbol *b)
{
	if (a->f.off != b->f.off)
		return a->f.off < b->f.off ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	size_t la = strspn(a->f.name, "_"), lb = strspn(b->f.name, "_");
	return la != lb ? (la < lb ? -1 : 1) : strcmp(a->f.name, b->f.name);
}

static int compare_found(const void *a, const void *b)
{
	return by_place(*(const struct elf_symbol *const *)a, *(const struct elf_symbol *const *)b);
}

/* A name that is asked for. */
struct wanted {
	struct strbuf *text; /* what was demangled last */
	const char *pattern;
	char *name;	     /* owned: of a pattern "name@VERSION" */
	const char *version; /* or NULL */
	bool is_glob, is_full;
	char part[64]; /* letters that the mangled name must have, too */
};

/* Compares without blanks: "fn(int,char *)" is "fn(int, char*)". */
static bool same_text(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static bool is_plain_match(const struct wanted *w, const struct elf_symbol *s)
{
	if (w->is_glob)
		return s->is_func && glob_match(w->pattern, s->f.name);
	if (w->name)
		return s->version && !strcmp(s->version, w->version) && !strcmp(s->f.name, w->name);
	return !strcmp(s->f.name, w->pattern);
}

/* Nobody writes the compiler's own mark: "fn[abi:cxx11](int)" is "fn(int)". */
static void drop_abi_tags(struct strbuf *text)
{
	char *from = text->data;

	if (!from)
		return;
	while ((from = strstr(from, "[abi:"))) {
		const char *end = strchr(from, ']');
		if (!end)
			return;
		text->len -= (size_t)(end + 1 - from);
		memmove(from, end + 1, strlen(end + 1) + 1);
	}
}

static bool is_written_match(const struct wanted *w, const struct elf_symbol *s)
{
	if (!s->is_func || s->f.name[0] != '_' || !strstr(s->f.name, w->part))
		return false;
	w->text->len = 0;
	bool done = w->is_full ? demangle_full(s->f.name, w->text) : demangle(s->f.name, w->text);
	if (!done)
		return false;
	if (!strstr(w->pattern, "[abi:"))
		drop_abi_tags(w->text);
	const char *text = strbuf_text(w->text);
	return w->is_glob ? glob_match(w->pattern, text) : same_text(w->pattern, text);
}

static int collect(const struct elf_funcs *f, const struct wanted *w,
		   bool (*matches)(const struct wanted *w, const struct elf_symbol *s),
		   struct found *ret)
{
	for (size_t i = 0; i < f->symbols.n; i++) {
		const struct elf_symbol *s = &f->symbols.all[i];

		if (!(s->is_func || s->is_label) || !matches(w, s))
			continue;
		int r = mem_grow(&ret->all, &ret->cap, ret->n + 1);
		if (r < 0)
			return r;
		ret->all[ret->n++] = s;
	}
	if (ret->n)
		qsort(ret->all, ret->n, sizeof(*ret->all), compare_found);
	return 0;
}

/* The last name in "ns::cls::fn<int>(char)", which mangling leaves as it is. */
static void find_part(struct wanted *w)
{
	size_t end = strcspn(w->pattern, "(<"), begin = end;

	while (begin && (w->pattern[begin - 1] == '_' || ((w->pattern[begin - 1] | 0x20) >= 'a' &&
							  (w->pattern[begin - 1] | 0x20) <= 'z')))
		begin--;
	if (w->is_glob || end - begin >= sizeof(w->part) ||
	    !strncmp(w->pattern + begin, "operator", 8))
		return;
	memcpy(w->part, w->pattern + begin, end - begin);
}

static int prepare(struct wanted *w)
{
	const char *at = strchr(w->pattern, '@');

	w->is_glob = glob_is(w->pattern) && !strchr(w->pattern, '(');
	w->is_full = strchr(w->pattern, '(') != NULL;
	find_part(w);
	if (!at || w->is_glob)
		return 0;
	w->name = strndup(w->pattern, (size_t)(at - w->pattern));
	w->version = at + strspn(at, "@");
	return w->name ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

static int find(struct elf_funcs *f, struct wanted *w, struct found *ret)
{
	int r = read_once(f);

	if (!r)
		r = prepare(w);
	if (!r)
		r = collect(f, w, is_plain_match, ret);
	if (!r && !ret->n)
		r = collect(f, w, is_written_match, ret);
	if (!r)
		r = strbuf_ok(w->text);
	return r;
}

int elf_funcs_each(struct elf_funcs *f, const char *pattern,
		   int (*each)(void *arg, const struct elf_func *fn), void *arg)
{
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };
	struct wanted w = { .pattern = pattern, .text = &text };
	struct found found = { 0 };

	int r = find(f, &w, &found);
	for (size_t i = 0; !r && i < found.n; i++) {
		if (!i || found.all[i]->f.off != found.all[i - 1]->f.off)
			r = each(arg, &found.all[i]->f);
	}
	free(found.all);
	free(w.name);
	return r;
}

/* Whether @s tells more of an address than @best: the function that begins last before it. */
static bool is_nearer(const struct elf_symbol *s, const struct elf_symbol *best, uint64_t addr)
{
	if (!s->is_func || s->f.addr > addr || (addr - s->f.addr >= s->f.len && addr != s->f.addr))
		return false;
	if (!best || s->f.addr != best->f.addr)
		return !best || s->f.addr > best->f.addr;
	return by_place(s, best) < 0;
}

int elf_funcs_at(struct elf_funcs *f, uint64_t addr, uint64_t *ret_off, const struct elf_func **ret)
{
	const struct elf_symbol *best = NULL;
	uint64_t off;

	if (!elf_image_off(&f->image, addr, /* is_code= */ true, &off))
		return sonde_fail(-ENOENT, "'%s' has no code at the address 0x%llx", f->image.path,
				  (unsigned long long)addr);
	int r = read_once(f);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f->symbols.n; i++) {
		if (is_nearer(&f->symbols.all[i], best, addr))
			best = &f->symbols.all[i];
	}
	*ret_off = off;
	*ret = best ? &best->f : NULL;
	return 0;
}

int elf_funcs_symbol(struct elf_funcs *f, const char *name, struct elf_func *ret)
{
	const struct elf_symbol *best = NULL;

	int r = read_once(f);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f->symbols.n; i++) {
		const struct elf_symbol *s = &f->symbols.all[i];

		if (!strcmp(s->f.name, name) && (!best || s->rank < best->rank))
			best = s;
	}
	if (!best)
		return sonde_fail(-ENOENT, "'%s' has no symbol '%s'", f->image.path, name);
	*ret = best->f;
	return 0;
}

const char *elf_funcs_near(struct elf_funcs *f, const char *name)
{
	const char *near = NULL;
	unsigned best = NEAR_NOT;

	if (read_once(f) < 0)
		return NULL;
	for (size_t i = 0; i < f->symbols.n; i++) {
		const struct elf_symbol *s = &f->symbols.all[i];
		unsigned d = s->is_func ? near_distance(name, s->f.name) : NEAR_NOT;

		if (d < best) {
			best = d;
			near = s->f.name;
		}
	}
	return near;
}
