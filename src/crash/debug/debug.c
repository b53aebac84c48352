/* SPDX-License-Identifier: MIT */
/** Finds debug files of a dump's kernel and modules, and keeps what they told of an address. */
#include "crash/debug/debug.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "crash/debug/fetch.h"
#include "crash/debug/find.h"

enum { PROBLEM_MOST = 512, KNOWN_MOST = 1 << 22 };

/* The kernel, or a module; in the core's arena. */
struct debug_part {
	struct debug_part *next;
	const char *module; /* NULL: the kernel */
	struct crash_image image;
	struct lines *lines; /* owned; NULL: there are none */
	struct crash_core *core;
};

/* What is known of an address. */
struct debug_known {
	const struct line_frame *frames; /* in the core's arena */
	size_t n;
};

struct crash_debug {
	struct debug_part *parts;
	struct module_files files;
	bool files_listed;
	struct u64map by_addr;	   /* places in @known */
	struct debug_known *known; /* owned */
	size_t n_known, cap_known;
	char problem[PROBLEM_MOST];
};

void crash_debug_free(struct crash_debug *d)
{
	if (!d)
		return;
	for (struct debug_part *p = d->parts; p; p = p->next)
		lines_free(p->lines);
	module_files_fini(&d->files);
	u64map_fini(&d->by_addr);
	free(d->known);
	free(d);
}

const char *crash_debug_problem(const struct crash_core *c)
{
	return c->debug && *c->debug->problem ? c->debug->problem : NULL;
}

/* Keeps why something failed: the first one, of which others mostly come. */
static void note_failure(struct crash_debug *d, const char *module)
{
	if (!*d->problem)
		(void)snprintf(d->problem, sizeof(d->problem), "no source lines%s%s: %s",
			       module ? " of " : "", module ? module : "", sonde_err_str());
}

static bool section_address(void *arg, const char *section, uint64_t *ret)
{
	const struct debug_part *p = arg;
	const struct crash_system *s = p->core->system;

	return p->module && s->section && s->section(p->core, p->module, section, ret);
}

/* Opens a file if it is of the same build, as far as that is known. */
static bool try_file(struct debug_part *p, const char *path, bool must_tell)
{
	const struct lines_sections sections = { section_address, p };

	if (p->image.id.len ? !debug_file_is(path, &p->image.id) : must_tell)
		return false;
	return lines_open(path, &sections, &p->lines) == 0;
}

static bool try_by_id(struct debug_part *p)
{
	char hex[BUILD_ID_HEX], path[PATH_MAX];

	if (p->image.id.len < 2)
		return false;
	build_id_hex(&p->image.id, hex);
	(void)snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);
	return try_file(p, path, true);
}

static bool try_fetch(struct debug_part *p)
{
	sonde_auto(mem_freep) char *path = NULL;

	if (!p->core->debug_options.may_fetch || p->image.id.len < 2)
		return false;
	if (debug_fetch(&p->image.id, &path) == 0 && try_file(p, path, true))
		return true;
	note_failure(p->core->debug, p->module);
	return false;
}

/* The file that a person named was compared with the dump when that was opened. */
static void open_kernel(struct debug_part *p)
{
	const char *named = p->core->kernel_path;
	char path[PATH_MAX];

	if (named && lines_open(named, NULL, &p->lines) == 0)
		return;
	bool failed = named != NULL;
	if (failed)
		note_failure(p->core->debug, NULL);
	bool found = false;
	for (size_t i = 0; !found && debug_find_kernel(&p->image, &i, path, sizeof(path));)
		found = lines_open(path, NULL, &p->lines) == 0;
	if (found || try_fetch(p))
		*p->core->debug->problem = '\0';
}

static int list_files(struct crash_core *c, const struct crash_image *kernel)
{
	struct crash_debug *d = c->debug;
	const char *named = c->debug_options.modules;
	char path[PATH_MAX];
	int r = 0;

	d->files_listed = true;
	if (named)
		r = module_files_add(&d->files, named);
	for (size_t i = 0; !r && debug_place(kernel, true, i, path, sizeof(path)); i++)
		r = module_files_add(&d->files, path);
	return r;
}

static void open_module(struct debug_part *p)
{
	struct crash_core *c = p->core;
	const char *path;
	size_t at = 0;
	bool other = false;

	if (try_by_id(p))
		return;
	if (!c->debug->files_listed && list_files(c, &p->image) < 0) {
		note_failure(c->debug, p->module);
		return;
	}
	while ((path = module_files_next(&c->debug->files, p->module, &at))) {
		if (try_file(p, path, false))
			return;
		other = p->image.id.len && !debug_file_is(path, &p->image.id);
	}
	if (!try_fetch(p) && other && c->debug_options.modules) {
		(void)sonde_fail(-ENOENT, "the files found are of another build");
		note_failure(c->debug, p->module);
	}
}

static struct debug_part *part_of(struct crash_core *c, const char *module)
{
	struct debug_part *p = c->debug->parts;

	for (; p; p = p->next) {
		if (module && p->module ? !strcmp(module, p->module) : module == p->module)
			return p;
	}
	p = arena_new(&c->arena, struct debug_part);
	if (!p)
		return NULL;
	*p = (struct debug_part){ .next = c->debug->parts, .module = module, .core = c };
	c->debug->parts = p;
	if (!c->system->image || !c->system->image(c, module, &p->image))
		return p;
	if (module)
		open_module(p);
	else
		open_kernel(p);
	return p;
}

/* Asks the file, and keeps the answer. */
static int learn(struct crash_core *c, const char *module, uint64_t addr, struct debug_known *ret)
{
	struct crash_debug *d = c->debug;
	struct line_frame frames[LINES_DEPTH];
	struct debug_part *p = part_of(c, module);

	if (!p)
		return -ENOMEM;
	size_t n = p->lines ? lines_at(p->lines, addr - p->image.moved, frames, LINES_DEPTH) : 0;
	struct line_frame *kept = n ? arena_array(&c->arena, n, sizeof(*kept)) : NULL;
	if (n && !kept)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		kept[i] = frames[i];
	*ret = (struct debug_known){ kept, n };
	if (d->n_known == KNOWN_MOST)
		return 0;
	int r = mem_grow(&d->known, &d->cap_known, d->n_known + 1);
	if (!r)
		r = u64map_put(&d->by_addr, addr, (uint32_t)d->n_known);
	if (!r)
		d->known[d->n_known++] = *ret;
	return r;
}

static int look_up(struct crash_core *c, const char *module, uint64_t addr, struct debug_known *ret)
{
	uint32_t at;

	if (!c->debug) {
		c->debug = calloc(1, sizeof(*c->debug));
		if (!c->debug)
			return sonde_fail(-ENOMEM, "out of memory");
	}
	if (!u64map_get(&c->debug->by_addr, addr, &at) || at >= c->debug->n_known)
		return learn(c, module, addr, ret);
	*ret = c->debug->known[at];
	return 0;
}

size_t crash_debug_at(struct crash_core *c, const char *module, uint64_t addr,
		      const struct line_frame **ret)
{
	struct debug_known k = { 0 };

	if (look_up(c, module, addr, &k) < 0)
		return 0;
	*ret = k.frames;
	return k.n;
}

/* Puts what is known into the place of frame @at, which is the last of them. */
static int put_frames(struct crash_stack *s, size_t at, const struct debug_known *k)
{
	size_t more = k->n ? k->n - 1 : 0;

	if (s->n + more > CRASH_FRAMES_MOST)
		more = 0;
	int r = mem_grow(&s->frames, &s->cap, s->n + more);
	if (r < 0)
		return r;
	const struct crash_frame whole = s->frames[at];
	memmove(&s->frames[at + more], &s->frames[at], (s->n - at) * sizeof(*s->frames));
	s->n += more;
	for (size_t i = 0; i <= more && k->n; i++) {
		const struct line_frame *l = &k->frames[more ? i : k->n - 1];
		struct crash_frame *f = &s->frames[at + i];

		*f = whole;
		f->file = l->file;
		f->line = l->line;
		if (i == more)
			break;
		f->inlined = true;
		f->symbol = (struct crash_symbol){ .name = l->function,
						   .module = whole.symbol.module,
						   .start = whole.pc };
	}
	return 0;
}

int crash_debug_expand(struct crash_core *c, struct crash_stack *s)
{
	// From the last one on, whose places do not move.
	for (size_t i = s->n; i--;) {
		const struct crash_frame *f = &s->frames[i];
		struct debug_known k = { 0 };

		if (!f->symbol.name)
			continue;
		int r = look_up(c, f->symbol.module, f->exact ? f->pc : f->pc - 1, &k);
		if (!r)
			r = put_frames(s, i, &k);
		if (r < 0)
			return r;
	}
	return 0;
}
