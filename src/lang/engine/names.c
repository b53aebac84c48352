/* SPDX-License-Identifier: MIT */
/** Looks names up when they are printed, and keeps what it had to open. */
#include "lang/engine/names.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"
#include "lang/engine/cgroups.h"
#include "lang/engine/processes.h"
#include "sym/kallsyms.h"

enum {
	NS_PER_S = 1000000000,
	CLOCK_STEP_NS = 1000000,
	USER_TEXT_MOST = 1 << 16,
	FRAMES_MOST = 1 << 22
};

struct live_names {
	struct names names;
	struct bpf_maps *maps; /* borrowed */
	int stack_map;
	/** Stacks that were asked for: where in @frames each is, its depth before it. */
	struct u64map stacks;
	uint64_t *frames; /* owned */
	size_t n_frames, cap_frames;
	struct processes *processes; /* owned */
	struct cgroups cgroups;
	struct symtab kernel; /* of the running kernel, where it was looked at */
	bool kernel_looked;
	bool has_user; /* the last one asked for, as most are asked for again */
	uint32_t uid;
	struct strbuf user;
	int64_t wall_off; /* what CLOCK_REALTIME is ahead of CLOCK_BOOTTIME */
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void put_address(uint64_t addr, struct strbuf *ret)
{
	strbuf_fmt(ret, "0x%" PRIx64, addr);
}

static void ksym(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	struct live_names *n = arg;

	if (!n->kernel_looked) {
		n->kernel_looked = true;
		if (kallsyms_load(&n->kernel) < 0) // hidden: numbers are shown
			symtab_fini(&n->kernel);
	}
	const struct sym *s = symtab_find(&n->kernel, addr);
	if (!s) {
		put_address(addr, ret);
		return;
	}
	const char *name = symtab_name(&n->kernel, s);
	const char *split = strstr(name, KALLSYMS_SPLIT);
	strbuf_add(ret, name, split ? (size_t)(split - name) : strlen(name));
	if (with_offset)
		strbuf_fmt(ret, "+%" PRIu64, addr - s->start);
}

static void kmod(void *arg, uint64_t addr, struct strbuf *ret)
{
	struct live_names *n = arg;
	const struct sym *s = symtab_find(&n->kernel, addr);
	const char *split = s ? strstr(symtab_name(&n->kernel, s), KALLSYMS_SPLIT) : NULL;

	if (!split)
		strbuf_str(ret, "vmlinux");
	else
		strbuf_add(ret, split + strlen(KALLSYMS_SPLIT), strcspn(split + 2, "]"));
}

static void usym(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		 struct strbuf *ret)
{
	struct live_names *n = arg;

	processes_name(n->processes, (pid_t)pid, addr, with_offset, with_module, ret);
}

static void user(void *arg, uint32_t uid, struct strbuf *ret)
{
	struct live_names *n = arg;
	struct passwd pw, *found = NULL;

	if (!n->has_user || n->uid != uid) {
		sonde_auto(mem_freep) char *text = malloc(USER_TEXT_MOST);

		if (text)
			(void)getpwuid_r(uid, &pw, text, USER_TEXT_MOST, &found);
		strbuf_fini(&n->user);
		if (found)
			strbuf_str(&n->user, found->pw_name);
		else
			strbuf_fmt(&n->user, "%" PRIu32, uid);
		n->uid = uid;
		n->has_user = true;
	}
	strbuf_str(ret, strbuf_text(&n->user));
}

static void cgroup(void *arg, uint64_t id, struct strbuf *ret)
{
	struct live_names *n = arg;
	const char *path = cgroups_path(&n->cgroups, id);

	if (path)
		strbuf_fmt(ret, "unified:%s", path);
	else
		strbuf_fmt(ret, "%" PRIu64, id);
}

/* Where there is no memory for it, the kernel is asked again. */
static void keep_stack(struct live_names *n, uint64_t id, const uint64_t *frames, size_t depth)
{
	if (n->n_frames + depth >= FRAMES_MOST ||
	    mem_grow(&n->frames, &n->cap_frames, n->n_frames + depth + 1) < 0 ||
	    u64map_put(&n->stacks, id, (uint32_t)n->n_frames) < 0)
		return;
	n->frames[n->n_frames++] = depth;
	memcpy(n->frames + n->n_frames, frames, depth * sizeof(*frames));
	n->n_frames += depth;
}

/*
 * A stack is its id, for good: the kernel is asked for each one once. To ask is a system call, and
 * a script that has one for each event of system calls would never come to an end.
 */
static size_t stack(void *arg, uint64_t id, uint64_t *ret)
{
	struct live_names *n = arg;
	size_t depth = 0;
	uint32_t at;

	if (u64map_get(&n->stacks, id, &at)) {
		memcpy(ret, n->frames + at + 1, n->frames[at] * sizeof(*ret));
		return n->frames[at];
	}
	if (n->stack_map < 0 || !id || bpf_maps_lookup(n->maps, (size_t)n->stack_map, &id, ret) < 0)
		return 0;
	while (depth < STACK_MOST && ret[depth])
		depth++;
	keep_stack(n, id, ret, depth);
	return depth;
}

static int64_t wall(void *arg, uint64_t boot_ns)
{
	const struct live_names *n = arg;

	return (int64_t)boot_ns + n->wall_off;
}

/* The clock may have been set; small steps are noise. */
static void look_at_clock(struct live_names *n)
{
	const int64_t off = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	const int64_t step = off - n->wall_off;

	if (step > CLOCK_STEP_NS || step < -CLOCK_STEP_NS)
		n->wall_off = off;
}

static bool has_user_code(const struct type *t)
{
	if (t->kind == TYPE_USTACK || t->kind == TYPE_USYM)
		return true;
	for (uint32_t i = 0; t->kind == TYPE_TUPLE && i < t->n; i++) {
		if (has_user_code(t->fields[i].type))
			return true;
	}
	return t->kind == TYPE_ARRAY && t->elem && has_user_code(t->elem);
}

bool script_has_user_code(const struct script *s)
{
	for (size_t i = 0; i < s->n_maps; i++) {
		if (has_user_code(s->maps[i].key) || has_user_code(s->maps[i].val))
			return true;
	}
	for (size_t i = 0; i < s->n_sites; i++) {
		for (uint32_t k = 0; k < s->sites[i].n_args; k++) {
			if (has_user_code(s->sites[i].args[k].type))
				return true;
		}
	}
	return false;
}

int live_names_new(const struct script *script, struct bpf_maps *maps, pid_t pid,
		   struct live_names **ret)
{
	sonde_auto(live_names_freep) struct live_names *n = calloc(1, sizeof(*n));

	if (!n)
		return sonde_fail(-ENOMEM, "out of memory");
	n->names = (struct names){ n, ksym, usym, user, cgroup, stack, wall, kmod, NULL };
	n->maps = maps;
	n->stack_map = script->stack_map;
	n->wall_off = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	int r = processes_new(script_has_user_code(script), pid, &n->processes);
	if (r < 0)
		return r;
	*ret = sonde_take(n);
	return 0;
}

void live_names_free(struct live_names *n)
{
	if (!n)
		return;
	processes_free(n->processes);
	cgroups_fini(&n->cgroups);
	u64map_fini(&n->stacks);
	free(n->frames);
	symtab_fini(&n->kernel);
	strbuf_fini(&n->user);
	free(n);
}

const struct names *live_names(const struct live_names *n)
{
	return &n->names;
}

void live_names_drain(struct live_names *n)
{
	look_at_clock(n);
	processes_drain(n->processes);
}
