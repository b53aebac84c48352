/* SPDX-License-Identifier: MIT */
/** Opens a dump with the system that it is of. */
#include "crash/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/debug/debug.h"
#include "sym/ctype.h"

void crash_tasks_fini(struct crash_tasks *t)
{
	free(t->all);
	*t = (struct crash_tasks){ 0 };
}

void crash_stack_fini(struct crash_stack *s)
{
	free(s->frames);
	*s = (struct crash_stack){ 0 };
}

void crash_close(struct crash_core *c)
{
	if (!c)
		return;
	if (c->system && c->state)
		c->system->close(c);
	crash_debug_free(c->debug);
	ctypes_free(c->types);
	ctypes_free(c->file_types);
	if (!c->lent)
		dump_close(c->dump);
	arena_fini(&c->arena);
	free(c);
}

/* What the dump's format tells, else the first system that finds itself in it. */
static const struct crash_system *choose(struct dump *d, uint64_t *at)
{
	enum dump_system kind = dump_about(d)->system;

	for (size_t i = 0; crash_systems[i]; i++) {
		const struct crash_system *s = crash_systems[i];

		if (kind == DUMP_SYSTEM_UNKNOWN ? s->looks_like(d, at) : s->kind == kind)
			return s;
	}
	return NULL;
}

int crash_open(const char *const *paths, size_t n_paths, const char *kernel,
	       struct crash_core **ret)
{
	sonde_auto(crash_closep) struct crash_core *c = calloc(1, sizeof(*c));
	if (!c)
		return sonde_fail(-ENOMEM, "dump '%s': out of memory", paths[0]);
	int r = dump_open(paths, n_paths, &c->dump);
	if (r < 0)
		return r;
	c->about = dump_about(c->dump);
	c->kernel_path = kernel;
	c->path = paths[0];
	c->system = choose(c->dump, &c->found_at);
	if (!c->system)
		return sonde_fail(
			-EBADMSG, "'%s': %s of %llu pages, but the system it is of was not found",
			paths[0], c->about->format, (unsigned long long)c->about->pages_held);
	r = c->system->open(c);
	if (r < 0)
		return sonde_wrap(r, "'%s' (%s, %s)", paths[0], c->about->format, c->system->name);
	*ret = sonde_take(c);
	return 0;
}

int crash_open_again(const struct crash_core *c, struct crash_core **ret)
{
	sonde_auto(crash_closep) struct crash_core *again = calloc(1, sizeof(*again));
	if (!again)
		return sonde_fail(-ENOMEM, "out of memory");
	*again = (struct crash_core){ .dump = c->dump,
				      .lent = true,
				      .about = c->about,
				      .system = c->system,
				      .found_at = c->found_at,
				      .kernel_path = c->kernel_path,
				      .path = c->path,
				      .debug_options = c->debug_options };
	int r = again->system->open(again);
	if (r == 0)
		*ret = sonde_take(again);
	return r;
}

int crash_fail_read(int r, uint64_t va)
{
	if (r == -EFAULT)
		return sonde_fail(r, "nothing is mapped at 0x%" PRIx64, va);
	return r == -ENODATA ? sonde_wrap(r, "memory at 0x%" PRIx64, va) : r;
}

/* The kernel's, then those of each module. */
static bool types_at(void *arg, size_t i, struct ctypes **ret)
{
	struct crash_core *c = arg;
	const char *module = i && c->system->module ? c->system->module(c, i - 1) : NULL;

	if (i && !module)
		return false;
	*ret = c->system->types(c, module);
	return true;
}

struct ctypes *crash_types(struct crash_core *c)
{
	const struct ctypes_parts parts = { types_at, c };

	if (!c->types && c->system->types && c->system->types(c, NULL))
		c->ran_out |= ctypes_open_parts(&parts, &c->types) < 0; // as nothing else can fail
	return c->types;
}

int crash_var_type(struct crash_core *c, const char *name, const struct ctype **ret)
{
	struct ctypes *types = crash_types(c);

	int r = types ? ctypes_var(types, name, ret) : -ENOENT;
	if (r != -ENOENT || !c->kernel_path)
		return r;
	// In memory there are types of the few variables alone that each CPU has.
	r = c->file_types ? 0 : ctypes_open_dwarf_mapped(c->kernel_path, &c->file_types);
	return r < 0 ? r : ctypes_var(c->file_types, name, ret);
}

int crash_read_uint(struct crash_core *c, uint64_t va, unsigned size, uint64_t *ret)
{
	uint8_t bytes[8] = { 0 };
	uint64_t v;

	if (size > sizeof(bytes))
		return -EINVAL;
	int r = c->system->read(c, va, bytes, size);
	if (r < 0)
		return r;
	memcpy(&v, bytes, sizeof(v)); // all systems whose dumps are read are little-endian
	*ret = v;
	return 0;
}

int crash_read_text(struct crash_core *c, uint64_t va, char *ret, size_t cap)
{
	size_t n = 0;

	for (; n + 1 < cap; n++) {
		int r = c->system->read(c, va + n, ret + n, 1);
		if (r < 0 && !n)
			return r;
		if (r < 0 || !ret[n])
			break;
	}
	ret[n] = '\0';
	return (int)n;
}
