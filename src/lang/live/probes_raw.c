/* SPDX-License-Identifier: MIT */
/** Raw tracepoints: the numbers that the kernel's code hands to a tracepoint. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/live/events.h"
#include "lang/live/probes.h"
#include "sym/probe/tp_format.h"

/* Names and types of the arguments, from the function that calls the tracepoint's probes. */
static int typed_args(struct lookup *l, const char *name, struct probe *p)
{
	char iterator[128];
	const struct ctype *proto = NULL, *f = NULL;
	struct ctypes *types = live_types(l->live);
	size_t n = 0;

	int len = snprintf(iterator, sizeof(iterator), "__traceiter_%s", name);
	if (!types || len < 0 || (size_t)len >= sizeof(iterator) ||
	    ctypes_tracepoint(types, name, &p->btf_id, &proto) < 0 ||
	    ctypes_func(types, iterator, &f) < 0)
		return 0;
	const struct cmember *m = ctype_members(f, &n);
	// The first one is the tracepoint's own.
	if (n < 1)
		return 0;
	struct probe_field *fields = arena_array(l->arena, n, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	for (size_t i = 1; i < n; i++) {
		fields[i - 1] = (struct probe_field){
			.name = m[i].name,
			.type = m[i].type,
			.off = (uint32_t)i - 1,
			.len = (uint32_t)m[i].type->size,
			.is_signed = m[i].type->is_signed,
		};
	}
	p->args = ARGS_TYPED;
	p->fields = fields;
	p->n_fields = n - 1;
	p->prog_type = BPF_PROG_TYPE_TRACING;
	p->attach_type = BPF_TRACE_RAW_TP;
	p->attach.kind = ATTACH_TP_BTF;
	return 0;
}

static int add_raw(struct lookup *l, const char *name)
{
	struct probe p = {
		.name = lookup_text(l, "rawtracepoint:%s", name),
		.args = ARGS_RAW,
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.attach = { .kind = ATTACH_RAW_TP, .name = name, .pid = -1, .cpu = -1 },
	};

	if (!p.name)
		return -ENOMEM;
	int r = l->wants->fields ? typed_args(l, name, &p) : 0;
	return r < 0 ? r : lookup_add_same(l, &p);
}

/* Whether there is such a tracepoint; some are in no group of tracefs, all are in the types. */
static int count(void *arg, const char *group, const char *name)
{
	bool *found = arg;

	(void)name;
	*found = *found || strcmp(group, "syscalls");
	return *found;
}

static int exists(struct lookup *l, const char *name, bool *ret)
{
	struct ctypes *types = live_types(l->live);
	const struct ctype *proto = NULL;
	uint32_t id;
	bool found = types && ctypes_tracepoint(types, name, &id, &proto) >= 0;

	// Modules have types of their own.
	int r = found ? 0 : tp_each("*", name, count, &found);
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}

/* Names without those of system calls, which are no tracepoints of the kernel's code. */
static int collect_raw(void *arg, const char *group, const char *name)
{
	struct events *es = arg;

	if (!strcmp(group, "syscalls"))
		return 0;
	int r = mem_grow(&es->v, &es->cap, es->n + 1);
	const char *copy = r < 0 ? NULL : arena_strndup(es->arena, name, strlen(name));
	if (!copy)
		return -ENOMEM;
	es->v[es->n++] = (struct event){ .group = "", .name = copy };
	return 0;
}

static int suggest(void *arg, const char *group, const char *name)
{
	if (strcmp(group, "syscalls"))
		nearest_see(arg, name);
	return 0;
}

static int unknown_raw(struct lookup *l, const char *name)
{
	struct nearest n = { .word = name };
	int r = tp_each("*", "*", suggest, &n);

	if (r < 0)
		return r;
	return lookup_error(l, "unknown-event", "no raw tracepoint '%s'%s", name,
			    nearest_words(&n));
}

static int event_order(const void *a, const void *b)
{
	return strcmp(((const struct event *)a)->name, ((const struct event *)b)->name);
}

static int add_matching(struct lookup *l, const char *pattern)
{
	struct events es = { .arena = l->arena };
	int r = tp_each("*", pattern, collect_raw, &es);

	if (r >= 0 && es.n)
		qsort(es.v, es.n, sizeof(es.v[0]), event_order);
	for (size_t i = 0; i < es.n && r >= 0 && !(l->is_first && l->first); i++) {
		if (!i || strcmp(es.v[i].name, es.v[i - 1].name))
			r = add_raw(l, es.v[i].name);
	}
	free(es.v);
	return r;
}

int find_rawtracepoint(struct lookup *l)
{
	// A module may stand before the name, which is no other one without it.
	const char *name = l->ap->parts[l->ap->n_parts - 1];
	bool found = false;

	if (glob_is(name))
		return add_matching(l, name);
	int r = exists(l, name, &found);
	if (r < 0)
		return r;
	return found ? add_raw(l, name) : unknown_raw(l, name);
}

static int list_raw(void *arg, const char *group, const char *name)
{
	return strcmp(group, "syscalls") ? listing_give(arg, name, NULL, NULL) : 0;
}

int list_rawtracepoint(struct listing *l)
{
	return tp_each("*", "*", list_raw, l);
}
