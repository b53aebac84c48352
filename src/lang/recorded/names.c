/* SPDX-License-Identifier: MIT */
/** Names of addresses that lie in traces: by what they tell of their kernels and processes. */
#include <inttypes.h>
#include <string.h>

#include "lang/engine/names.h"
#include "lang/recorded/outcome.h"
#include "lang/recorded/parts.h"
#include "sym/demangle.h"
#include "sym/kallsyms.h"

/** A function, and how far from its begin. */
struct function {
	const char *name; /* NULL: not known */
	uint64_t off;
	const char *path; /* of the file that it is of; NULL: not known */
};

static bool kernel_function(struct history_trace *t, uint64_t addr, struct function *ret)
{
	return naming_kernel_function(t->naming, addr, &ret->name, &ret->off) >= 0 && ret->name;
}

static bool user_function(struct history_trace *t, pid_t pid, uint64_t addr, struct function *ret)
{
	struct map map;

	if (!procs_find(t->procs, pid, addr, &map) && !procs_find_older(t->procs, pid, addr, &map))
		return false;
	ret->path = naming_dsos(t->naming)->all[map.dso].path;
	return naming_user_function(t->naming, &map, addr, &ret->name, &ret->off) >= 0;
}

/* A call that does not come back is its function's last instruction: it returns to another one. */
static void look_in(struct history_trace *t, bool user, pid_t pid, uint64_t addr,
		    struct function *ret)
{
	for (unsigned back = 0; back < 2 && addr >= back && !ret->name; back++) {
		if (user ? user_function(t, pid, addr - back, ret)
			 : kernel_function(t, addr - back, ret))
			ret->off += back;
	}
}

/*
 * An address is one of the trace whose event is at work. Behind that, any trace may be meant; where
 * two have other names for it, there is none.
 */
static struct function look_up(struct rec_names *n, bool user, pid_t pid, uint64_t addr)
{
	struct function one = { 0 };

	for (size_t i = 0; i < n->world->n_traces; i++) {
		struct function f = { 0 };
		struct history_trace *t;

		if ((n->now && n->now != n->world->traces[i]) ||
		    history_of(&n->history, n->world->traces[i], &t) < 0)
			continue;
		look_in(t, user, pid, addr, &f);
		if (one.name && f.name && (strcmp(one.name, f.name) != 0 || one.off != f.off))
			return (struct function){ 0 };
		if (f.name || !one.path)
			one = f;
	}
	return one;
}

static void put_address(uint64_t addr, struct strbuf *ret)
{
	strbuf_fmt(ret, "0x%" PRIx64, addr);
}

static void ksym(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	const struct function f = look_up(arg, false, 0, addr);

	if (!f.name) {
		put_address(addr, ret);
		return;
	}
	const char *split = strstr(f.name, KALLSYMS_SPLIT);
	strbuf_add(ret, f.name, split ? (size_t)(split - f.name) : strlen(f.name));
	if (with_offset)
		strbuf_fmt(ret, "+%" PRIu64, f.off);
}

static void kmod(void *arg, uint64_t addr, struct strbuf *ret)
{
	const struct function f = look_up(arg, false, 0, addr);
	const char *split = f.name ? strstr(f.name, KALLSYMS_SPLIT) : NULL;

	if (!split)
		strbuf_str(ret, "vmlinux");
	else
		strbuf_add(ret, split + strlen(KALLSYMS_SPLIT), strcspn(split + 2, "]"));
}

static void usym(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		 struct strbuf *ret)
{
	const struct function f = look_up(arg, true, (pid_t)pid, addr);

	if (!f.name)
		put_address(addr, ret);
	else if (!demangle(f.name, ret))
		strbuf_str(ret, f.name);
	if (f.name && with_offset)
		strbuf_fmt(ret, "+%" PRIu64, f.off);
	if (with_module)
		strbuf_fmt(ret, " (%s)", f.path ? f.path : "[unknown]");
}

/* --- what has no names in a trace --- */

static void user(void *arg, uint32_t uid, struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, "%" PRIu32, uid);
}

static void cgroup(void *arg, uint64_t id, struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, "%" PRIu64, id);
}

static size_t frames_of(void *arg, uint64_t id, uint64_t *ret)
{
	const struct rec_names *n = arg;

	return outcome_frames(n->script, n->machine, id, ret);
}

/* The trace's times are of the wall clock, where it has one. */
static int64_t wall(void *arg, uint64_t ns)
{
	(void)arg;
	return (int64_t)ns;
}

void rec_names_init(struct rec_names *n, struct rec_world *w, const struct script *s,
		    struct machine *m)
{
	n->names = (struct names){ n, ksym, usym, user, cgroup, frames_of, wall, kmod, NULL };
	n->world = w;
	n->script = s;
	n->machine = m;
	n->has_user = script_has_user_code(s);
}

void rec_names_fini(struct rec_names *n)
{
	history_fini(&n->history);
}

int rec_names_take(struct rec_names *n, const struct sonde_event *e)
{
	return n->has_user ? history_take(&n->history, e) : 0;
}
