/* SPDX-License-Identifier: MIT */
/** Tracepoints: with their records by perf, and by name alone where no field is read. */
#include <errno.h>
#include <fcntl.h>
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
#include "sym/probe/tracefs.h"

/* Events that were made at run time, one a line ("p:GROUP/NAME ..."); "" where there are none. */
static int dynamic_events(struct live *live, const char **ret)
{
	enum { MOST = 1 << 20 };
	char path[512], buf[4096];
	const char *dir = NULL;
	struct strbuf text = { 0 };

	if (live->dynamic) {
		*ret = live->dynamic;
		return 0;
	}
	int r = tracing_mount(&dir);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/dynamic_events", dir);
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf));
	for (; n > 0 && text.len < MOST; n = read(fd, buf, sizeof(buf)))
		strbuf_add(&text, buf, (size_t)n);
	r = strbuf_ok(&text);
	if (r >= 0)
		live->dynamic = arena_strndup(&live->arena, strbuf_text(&text), text.len);
	strbuf_fini(&text);
	if (r < 0 || !live->dynamic)
		return -ENOMEM;
	*ret = live->dynamic;
	return 0;
}

/* Whether the event was made at run time: then no tracepoint of the kernel is behind its name. */
static int is_dynamic(struct live *live, const char *group, const char *name, bool *ret)
{
	const size_t group_len = strlen(group), len = strlen(name);
	const char *text = "";
	int r = dynamic_events(live, &text);

	if (r < 0)
		return r;
	*ret = false;
	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		const char *p = line + strcspn(line, ":\n");
		if (*p != ':' || strncmp(p + 1, group, group_len) || p[1 + group_len] != '/')
			continue;
		p += 2 + group_len;
		if (!strncmp(p, name, len) && (!p[len] || strchr(" \n", p[len])))
			*ret = true;
	}
	return 0;
}

static struct probe_field to_field(const struct tp_field *f)
{
	return (struct probe_field){
		.name = f->name,
		.type = f->type,
		.off = f->off,
		.len = f->len,
		.is_signed = f->is_signed,
		.place = f->place == TP_FIXED	   ? FIELD_FIXED
			 : f->place == TP_DATA_LOC ? FIELD_DATA_LOC
						   : FIELD_REL_LOC,
	};
}

int event_fields(struct lookup *l, const char *group, const char *name, struct probe *ret)
{
	struct tp_format format;

	int r = tp_format_read(l->arena, live_types(l->live), group, name, &format);
	if (r < 0)
		return r;
	struct probe_field *fields =
		arena_array(l->arena, format.n_fields, sizeof(struct probe_field));
	if (!fields)
		return -ENOMEM;
	size_t n = 0;
	for (size_t i = 0; i < format.n_fields; i++) {
		// The kernel hides the first 8 bytes from programs.
		if (!format.fields[i].is_common && format.fields[i].off >= 8)
			fields[n++] = to_field(&format.fields[i]);
	}
	ret->fields = fields;
	ret->n_fields = n;
	return 0;
}

/* Adds one event that is no system call. */
static int add_event(struct lookup *l, const struct event *e)
{
	struct probe p = {
		.name = lookup_text(l, "tracepoint:%s:%s", e->group, e->name),
		.args = ARGS_NONE,
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.attach = {
			.kind = ATTACH_RAW_TP,
			.group = e->group,
			.name = e->name,
			.pid = -1,
			.cpu = -1,
		},
	};
	bool dynamic = false;
	int r = p.name ? is_dynamic(l->live, e->group, e->name, &dynamic) : -ENOMEM;

	// System calls whose numbers are not known have no tracepoints of their own either.
	if (r >= 0 && (dynamic || l->wants->fields || !strcmp(e->group, "syscalls"))) {
		p.prog_type = BPF_PROG_TYPE_TRACEPOINT;
		p.attach.kind = ATTACH_TRACEPOINT;
	}
	if (r >= 0 && l->wants->fields) {
		p.args = ARGS_FORMAT;
		r = event_fields(l, e->group, e->name, &p);
	}
	return r < 0 ? r : lookup_add_same(l, &p);
}

static int collect(void *arg, const char *group, const char *name)
{
	struct events *es = arg;
	int r = mem_grow(&es->v, &es->cap, es->n + 1);

	if (r < 0)
		return r;
	const char *g = arena_strndup(es->arena, group, strlen(group));
	const char *n = arena_strndup(es->arena, name, strlen(name));
	if (!g || !n)
		return -ENOMEM;
	es->v[es->n++] = (struct event){ .group = g, .name = n };
	return es->only_first;
}

/* The nearest names, of the group's events or of the groups. */
struct suggestion {
	const char *group;
	struct nearest group_near, name_near;
	bool has_group;
};

static int suggest(void *arg, const char *group, const char *name)
{
	struct suggestion *s = arg;

	nearest_see(&s->group_near, group);
	if (!strcmp(group, s->group)) {
		s->has_group = true;
		nearest_see(&s->name_near, name);
	}
	return 0;
}

static int unknown_event(struct lookup *l, const char *group, const char *name)
{
	struct suggestion s = {
		.group = group,
		.group_near = { .word = group },
		.name_near = { .word = name },
	};

	if (glob_is(group) || glob_is(name))
		return lookup_error(l, "no-match", "no tracepoint matches '%s:%s'", group, name);
	int r = tp_each("*", "*", suggest, &s);
	if (r < 0)
		return r;
	if (!s.has_group)
		return lookup_error(l, "unknown-event", "no tracepoint group '%s'%s", group,
				    nearest_words(&s.group_near));
	return lookup_error(l, "unknown-event", "no tracepoint '%s' in the group '%s'%s", name,
			    group, nearest_words(&s.name_near));
}

static int add_events(struct lookup *l, struct events *es)
{
	int r = syscalls_add(l, es);

	for (size_t i = 0; i < es->n && r >= 0 && !(l->is_first && l->first); i++) {
		if (!es->v[i].is_syscall)
			r = add_event(l, &es->v[i]);
	}
	return r;
}

int find_tracepoint(struct lookup *l)
{
	const char *group = l->ap->parts[1], *name = l->ap->parts[2];
	struct events es = { .arena = l->arena, .only_first = l->is_first };

	if (!strcmp(group, "raw_syscalls") &&
	    (!strcmp(name, "sys_enter") || !strcmp(name, "sys_exit")))
		return raw_syscalls_add(l, !strcmp(name, "sys_exit"));
	int r = tp_each(group, name, collect, &es);
	if (r >= 0 && !es.n)
		r = unknown_event(l, group, name);
	if (r >= 0)
		r = add_events(l, &es);
	free(es.v);
	return r;
}

static int list_event(void *arg, const char *group, const char *name)
{
	return listing_give(arg, group, name, NULL);
}

int list_tracepoint(struct listing *l)
{
	return tp_each("*", "*", list_event, l);
}
