/* SPDX-License-Identifier: MIT */
/** Maps whose values threads carry, @x[tid]: read and cleared by an iterator over all threads. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"
#include "lang/world.h"
#include "sym/ctype.h"

/* Where the kernel has what the iterator needs; looked for once, as it takes some ms. */
static int find_iter(struct engine *e)
{
	const struct ctype *func, *task;
	struct cmember pid;
	const char *why = "";

	if (e->task_iter.btf_id)
		return 0;
	struct world *w = e->opt->world;
	struct ctypes *types = w ? w->ops->types(w, &why) : NULL;
	if (!types)
		return sonde_fail(-ENOTSUP, "%s", why);
	int r = ctypes_func(types, "bpf_iter_task", &func);
	if (!r)
		r = ctypes_find(types, "struct task_struct", &task);
	if (r)
		return r;
	if (!ctype_member(task, "pid", &pid))
		return sonde_fail(-ENOTSUP, "threads have no number");
	e->task_iter.tid_off = (uint32_t)(pid.bit_off / 8);
	e->task_iter.btf_id = (uint32_t)func->id;
	return 0;
}

/* The entries of one map, with the script's keys instead of the kernel's. */
struct widening {
	const struct type *key;
	int (*f)(void *arg, const void *key, const void *val);
	void *arg;
};

static int widen(void *arg, const void *key, const void *val)
{
	const struct widening *w = arg;
	uint64_t wide = 0;

	memcpy(&wide, key, sizeof(uint32_t)); // numbers of threads are positive
	if (w->key->size > sizeof(wide))
		return sonde_fail(-EBADMSG, "a key of %u bytes", w->key->size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	wide >>= 32;
	const char *bytes = (const char *)&wide + sizeof(wide) - w->key->size;
#else
	const char *bytes = (const char *)&wide;
#endif
	return w->f(w->arg, bytes, val);
}

int engine_task_each(struct engine *e, const struct script_map *m,
		     int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	struct widening w = { m->key, f, arg };

	int r = find_iter(e);
	if (!r)
		r = task_map_each(e->maps, (size_t)m->bpf_map, &e->task_iter, widen, &w);
	// Without the kernel's types, or on an old one, what threads carry is theirs alone.
	return r == -ENOTSUP || r == -ENOENT ? 0 : r;
}

int engine_task_clear(struct engine *e, const struct script_map *m)
{
	int r = find_iter(e);

	return r < 0 ? r : task_map_clear(e->maps, (size_t)m->bpf_map, &e->task_iter);
}
