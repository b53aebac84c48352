/* SPDX-License-Identifier: MIT */
/**
 * Tracepoints of system calls. The kernel has two of them for all calls, sys_enter and sys_exit;
 * tracefs shows two for each call. 350 events that perf would attach one by one are one program
 * that looks at the call's number.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/live/events.h"
#include "lang/live/probes.h"
#include "sym/syscall_names.h"

/* Places in the records that tracefs describes, which are those of the raw_syscalls events too. */
enum { OFF_NR = 8, OFF_ARGS = 16, N_ARGS = 6 };

static enum syscall_abi machine_abi(const struct live *live)
{
	struct utsname u;

	if (live->opt.machine)
		return syscall_abi(live->opt.machine);
	return uname(&u) < 0 ? SYSCALL_ABI_UNKNOWN : syscall_abi(u.machine);
}

static bool is_syscall(enum syscall_abi abi, struct event *e)
{
	static const char enter[] = "sys_enter_", exit[] = "sys_exit_";
	const char *name = NULL;

	if (strcmp(e->group, "syscalls"))
		return false;
	if (!strncmp(e->name, enter, sizeof(enter) - 1))
		name = e->name + sizeof(enter) - 1;
	e->is_exit = !strncmp(e->name, exit, sizeof(exit) - 1);
	if (e->is_exit)
		name = e->name + sizeof(exit) - 1;
	return name && syscall_number(abi, name, &e->nr);
}

/*
 * Attached by BTF the registers are read by plain loads, and the task's mode is one of them. That
 * is worth opening the types, but where the number alone is wanted, which is an argument.
 */
static void attach_by(struct lookup *l, struct probe *p)
{
	const struct ctype *proto = NULL;
	struct ctypes *types = NULL;

	p->args = ARGS_SYSCALL;
	p->prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	p->attach = (struct attach_spec){
		.kind = ATTACH_RAW_TP,
		.name = p->is_syscall_exit ? "sys_exit" : "sys_enter",
		.pid = -1,
		.cpu = -1,
	};
	if (p->syscalls || l->wants->fields)
		types = live_types(l->live);
	if (!types || ctypes_tracepoint(types, p->attach.name, &p->btf_id, &proto) < 0)
		return;
	p->prog_type = BPF_PROG_TYPE_TRACING;
	p->attach_type = BPF_TRACE_RAW_TP;
	p->attach.kind = ATTACH_TP_BTF;
}

static const struct probe_field *new_fields(struct lookup *l, const char *a, const char *a_type,
					    const char *b, const struct ctype *b_type)
{
	struct probe_field *f = arena_array(l->arena, 2, sizeof(*f));
	const struct ctype *t = ctype_basic(a_type);

	if (!f || !b_type)
		return NULL;
	f[0] = (struct probe_field){
		.name = a,
		.type = t,
		.off = OFF_NR,
		.len = (uint32_t)t->size,
		.is_signed = true,
	};
	f[1] = (struct probe_field){
		.name = b,
		.type = b_type,
		.off = OFF_ARGS,
		.len = (uint32_t)b_type->size,
		.is_signed = b_type->is_signed,
	};
	return f;
}

int raw_syscalls_add(struct lookup *l, bool is_exit)
{
	struct probe p = {
		.name = is_exit ? "tracepoint:raw_syscalls:sys_exit"
				: "tracepoint:raw_syscalls:sys_enter",
		.is_syscall_exit = is_exit,
		.n_fields = 2,
	};

	p.fields =
		is_exit ? new_fields(l, "id", "long", "ret", ctype_basic("long"))
			: new_fields(l, "id", "long", "args",
				     ctype_array(l->arena, ctype_basic("unsigned long"), N_ARGS));
	if (!p.fields)
		return -ENOMEM;
	attach_by(l, &p);
	return lookup_add(l, &p);
}

/* Calls whose records the program may read in the same way. */
struct call_group {
	struct probe probe;
	struct call {
		uint32_t nr;
		const char *name;
	} * calls; /* owned */
	size_t n, cap;
};

struct call_groups {
	struct call_group *v; /* owned */
	size_t n, cap;
};

static int join_group(struct lookup *l, struct call_groups *gs, const struct probe *p, uint32_t nr)
{
	struct call_group *g = NULL;

	// A program tells the calls' names apart by their numbers, as far as these are small.
	const bool alone = l->wants->name && nr >= PROBE_CALLS_MOST;
	for (size_t i = 0; i < gs->n && !alone && !g; i++) {
		if (gs->v[i].probe.is_syscall_exit == p->is_syscall_exit &&
		    lookup_same_fields(l, &gs->v[i].probe, p))
			g = &gs->v[i];
	}
	if (!g) {
		int r = mem_grow(&gs->v, &gs->cap, gs->n + 1);
		if (r < 0)
			return r;
		g = &gs->v[gs->n++];
		*g = (struct call_group){ .probe = *p };
	}
	int r = mem_grow(&g->calls, &g->cap, g->n + 1);
	if (r < 0)
		return r;
	g->calls[g->n++] = (struct call){ nr, p->name };
	return 0;
}

static int group_call(struct lookup *l, struct call_groups *gs, const struct event *e)
{
	struct probe p = {
		.name = lookup_text(l, "tracepoint:syscalls:%s", e->name),
		.is_syscall_exit = e->is_exit,
	};

	if (!p.name)
		return -ENOMEM;
	// All exits are alike: that needs no format of 350.
	if (e->is_exit) {
		p.n_fields = 2;
		p.fields = new_fields(l, "__syscall_nr", "int", "ret", ctype_basic("long"));
		return p.fields ? join_group(l, gs, &p, e->nr) : -ENOMEM;
	}
	int r = l->wants->fields ? event_fields(l, e->group, e->name, &p) : 0;
	return r < 0 ? r : join_group(l, gs, &p, e->nr);
}

static int call_order(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

static int add_group(struct lookup *l, struct call_group *g)
{
	uint32_t *nrs = arena_array(l->arena, g->n, sizeof(*nrs));
	const char **names = arena_array(l->arena, g->n, sizeof(*names));

	if (!nrs || !names)
		return -ENOMEM;
	qsort(g->calls, g->n, sizeof(*g->calls), call_order);
	for (size_t i = 0; i < g->n; i++) {
		nrs[i] = g->calls[i].nr;
		names[i] = g->calls[i].name;
	}
	if (g->n > 1)
		g->probe.name =
			lookup_text(l, "tracepoint:%s:%s", l->ap->parts[1], l->ap->parts[2]);
	if (!g->probe.name)
		return -ENOMEM;
	g->probe.syscall_names = g->n > 1 && l->wants->name ? names : NULL;
	g->probe.syscalls = nrs;
	g->probe.n_syscalls = g->n;
	attach_by(l, &g->probe);
	return lookup_add(l, &g->probe);
}

int syscalls_add(struct lookup *l, struct events *es)
{
	const enum syscall_abi abi = machine_abi(l->live);
	struct call_groups gs = { 0 };
	int r = 0;

	for (size_t i = 0; i < es->n && r >= 0; i++) {
		struct event *e = &es->v[i];
		e->is_syscall = is_syscall(abi, e);
		if (e->is_syscall)
			r = group_call(l, &gs, e);
	}
	for (size_t i = 0; i < gs.n; i++) {
		if (r >= 0)
			r = add_group(l, &gs.v[i]);
		free(gs.v[i].calls);
	}
	free(gs.v);
	return r;
}
