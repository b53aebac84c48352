/* SPDX-License-Identifier: MIT */
/** Turns the addresses that were hit into lines of names. */
#include "record/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "sym/folder.h"
#include "sym/kallsyms.h"

enum { OFF_BITS = 40 };
#define OFF_MASK ((UINT64_C(1) << OFF_BITS) - 1)

void symbols_init(struct symbols *s)
{
	*s = (struct symbols){ 0 };
	s->objects.dsos = &s->dsos;
	s->objects.live = true;
}

void symbols_fini(struct symbols *s)
{
	objects_fini(&s->objects);
	dsos_fini(&s->dsos);
	u64map_fini(&s->kernel);
	u64map_fini(&s->user);
}

static int add(struct symbols *s, struct u64map *m, uint64_t key)
{
	if (m->n >= SYMBOLS_HITS_MOST) {
		s->full = true;
		return 0;
	}
	return u64map_put(m, key, 0);
}

int symbols_kernel(struct symbols *s, uint64_t addr)
{
	return add(s, &s->kernel, addr);
}

int symbols_user(struct symbols *s, const struct map *map, pid_t pid, uint64_t addr)
{
	const uint64_t off = addr - map->start + map->off;
	struct object *ob;

	if (off > OFF_MASK)
		return 0;
	// Opened at once: a file that is deleted before the end keeps its names.
	int r = objects_get(&s->objects, map, pid, &ob);
	return r < 0 ? r : add(s, &s->user, (uint64_t)map->dso << OFF_BITS | off);
}

static void fill_head(struct folder *f)
{
	struct utsname u;

	(void)build_id_of_kernel(&f->kernel_id);
	(void)folder_boot_id(f->boot_id);
	if (uname(&u) == 0)
		snprintf(f->release, sizeof(f->release), "%s", u.release);
}

int symbols_begin(const char *dir)
{
	struct folder head = { 0 };
	struct strbuf b = { 0 };

	fill_head(&head);
	folder_print_kernel_head(&b, &head);
	int r = folder_save(dir, FOLDER_KERNEL, &b);
	strbuf_fini(&b);
	return r;
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

/* The keys in order. The array is the caller's to free, or NULL where there are none. */
static int sorted_keys(const struct u64map *m, uint64_t **ret)
{
	uint64_t *keys = NULL;
	uint32_t ignored;
	size_t at = 0, n = 0;

	if (m->n) {
		keys = malloc(m->n * sizeof(*keys));
		if (!keys)
			return sonde_fail(-ENOMEM, "symbols: out of memory");
		while (u64map_next(m, &at, &keys[n], &ignored))
			n++;
		qsort(keys, n, sizeof(*keys), by_value);
	}
	*ret = keys;
	return 0;
}

/* Prints the functions that hold one of the sorted addresses, each once. */
static void print_hit(struct strbuf *b, const struct symtab *t, const uint64_t *addrs, size_t n,
		      uint64_t mask)
{
	const struct sym *last = NULL;

	sonde_dcheck(addrs || !n);
	for (size_t i = 0; i < n; i++) {
		const struct sym *f = symtab_find(t, addrs[i] & mask);

		if (f && f != last)
			folder_print_function(b, f->start, f->end - f->start, symtab_name(t, f));
		last = f ? f : last;
	}
}

static int save_kernel(struct symbols *s, const char *dir, bool *ret_hidden)
{
	sonde_auto(mem_freep) uint64_t *addrs = NULL;
	struct folder head = { 0 };
	struct symtab t = { 0 };
	struct strbuf b = { 0 };

	int r = sorted_keys(&s->kernel, &addrs);
	if (!r && addrs)
		r = kallsyms_load(&t);
	head.hidden = r == -EPERM;
	*ret_hidden = head.hidden;
	if (r == -ENOMEM) {
		symtab_fini(&t);
		return r;
	}
	fill_head(&head);
	folder_print_kernel_head(&b, &head);
	if (!r)
		print_hit(&b, &t, addrs, s->kernel.n, UINT64_MAX);
	r = folder_save(dir, FOLDER_KERNEL, &b);
	strbuf_fini(&b);
	symtab_fini(&t);
	return r;
}

/* The functions of one file at the sorted offsets. */
static int print_file(struct symbols *s, struct strbuf *b, uint32_t dso, const uint64_t *hits,
		      size_t n)
{
	// A vdso that was hit is found since then; any other file needs no map to be found.
	const struct map map = { .dso = dso };
	const struct symtab *t;
	struct object *ob;

	int r = objects_get(&s->objects, &map, 0, &ob);
	if (r < 0)
		return r;
	folder_print_file(b, &s->dsos.all[dso], object_state_name(ob->state));
	if (!ob->elf)
		return 0;
	r = elf_file_functions(ob->elf, &t);
	if (!r)
		print_hit(b, t, hits, n, OFF_MASK);
	objects_close(&s->objects, ob);
	return r;
}

static int save_user(struct symbols *s, const char *dir)
{
	sonde_auto(mem_freep) uint64_t *hits = NULL;
	struct strbuf b = { 0 };
	int r = sorted_keys(&s->user, &hits);

	folder_print_user_head(&b);
	for (size_t i = 0, next; !r && i < s->user.n; i = next) {
		const uint64_t dso = hits[i] >> OFF_BITS;

		for (next = i + 1; next < s->user.n && hits[next] >> OFF_BITS == dso; next++)
			;
		r = print_file(s, &b, (uint32_t)dso, hits + i, next - i);
	}
	if (!r)
		r = folder_save(dir, FOLDER_USER, &b);
	strbuf_fini(&b);
	return r;
}

int symbols_save(struct symbols *s, const char *dir, bool *ret_hidden)
{
	int r = save_kernel(s, dir, ret_hidden);

	if (!r)
		r = save_user(s, dir);
	return r < 0 ? sonde_wrap(r, "symbols of '%s'", dir) : 0;
}
