/* SPDX-License-Identifier: MIT */
/** Writes the script that emits events with what no trace would have of them. */
#include "lang/recorded/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/glob.h"
#include "base/mem.h"
#include "lang/check/check.h"
#include "sym/ctype.h"
#include "sym/probe/tp_format.h"

// With fewer frames than there can be, the kernel's calls of its tracepoints' users are left out.
enum { EVENTS_MOST = 128, KERNEL_FRAMES = STACK_MOST - 1, USER_FRAMES = STACK_MOST };

struct making {
	struct arena *arena;
	const struct recorded_needs *const *all;
	size_t n;
	const struct recorded_event *event; /* that is looked for */
	bool texts, joins;		    /* its script reads strings; shows arrays of them */
	struct recorded_capture *out;
};

void recorded_capture_fini(struct recorded_capture *c)
{
	strbuf_fini(&c->script);
	for (size_t i = 0; i < c->n; i++)
		free(c->events[i].contexts);
	free(c->events);
	*c = (struct recorded_capture){ 0 };
}

static bool is_used(const struct making *m, const char *field)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < m->all[i]->n_fields; k++)
			if (!strcmp(m->all[i]->fields[k], field) ||
			    m->all[i]->fields[k][0] == '#') // by its place: any may be it
				return true;
	return false;
}

/* A pointer to text: of a field of the record, "const char * filename". */
static bool is_text_pointer(const struct tp_field *f)
{
	const struct ctype *to = f->type->kind == CT_PTR ? ctype_elem(f->type) : NULL;

	return to && to->kind == CT_INT && to->size == 1 && !to->is_bool;
}

/* Whether its texts are shown by join(): of an array of pointers to them. */
static bool is_joined(const struct making *m, const struct tp_field *f)
{
	const struct ctype *to = f->type->kind == CT_PTR ? ctype_elem(f->type) : NULL;

	for (size_t i = 0; to && to->kind == CT_PTR && i < m->n; i++)
		for (size_t k = 0; k < m->all[i]->n_joins; k++)
			if (!strcmp(m->all[i]->joins[k], f->name))
				return true;
	return false;
}

static bool points_to_text(const struct making *m, const struct tp_format *format)
{
	for (size_t i = 0; i < format->n_fields; i++)
		if (!format->fields[i].is_common && is_used(m, format->fields[i].name) &&
		    (is_joined(m, &format->fields[i]) ||
		     (m->texts && is_text_pointer(&format->fields[i]))))
			return true;
	return false;
}

static struct captured *find(struct recorded_capture *c, const char *group, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->events[i].group, group) && !strcmp(c->events[i].name, name))
			return &c->events[i];
	return NULL;
}

static int add(struct making *m, const char *group, const char *name)
{
	struct recorded_capture *c = m->out;
	char glob[256];
	int r = c->n < EVENTS_MOST
			? mem_grow(&c->events, &c->cap, c->n + 1)
			: sonde_fail(-E2BIG,
				     "stacks and strings are recorded with at most %d kinds of "
				     "events",
				     EVENTS_MOST);

	if (r < 0)
		return r;
	(void)snprintf(glob, sizeof(glob), "%s:%s", group, name);
	struct captured e = { .group = arena_strndup(m->arena, group, strlen(group)),
			      .name = arena_strndup(m->arena, name, strlen(name)),
			      .glob = arena_strndup(m->arena, glob, strlen(glob)) };
	if (!e.group || !e.name || !e.glob)
		return -ENOMEM;
	c->events[c->n++] = e;
	return 0;
}

static const struct tp_field *field_of(const struct tp_format *format, const char *name)
{
	for (size_t i = 0; i < format->n_fields; i++)
		if (!strcmp(format->fields[i].name, name))
			return &format->fields[i];
	return NULL;
}

/* Whether the event's record has it: an element of an array that lies in it. */
static bool is_in_record(const struct tp_format *format, const struct ast_context *k)
{
	const struct tp_field *f = format && k->arg ? field_of(format, k->arg) : NULL;

	return f && f->type->kind != CT_PTR;
}

/* @format: NULL where the kernel has no event of its own. */
static bool asks_more(const struct recorded_event *e, const struct tp_format *format)
{
	for (size_t i = 0; i < e->n_contexts; i++)
		if (!is_in_record(format, e->contexts[i]))
			return true;
	return false;
}

static int add_context(struct captured *c, const struct ast_context *k)
{
	for (size_t i = 0; i < c->n_contexts; i++) {
		if (strcmp(c->contexts[i]->name, k->name) != 0)
			continue;
		if (!strcmp(c->contexts[i]->text, k->text))
			return 0;
		return sonde_fail(-E2BIG, "'%s' and '%s' are too much alike to be recorded both",
				  c->contexts[i]->text, k->text);
	}
	int r = mem_grow(&c->contexts, &c->cap_contexts, c->n_contexts + 1);

	if (!r)
		c->contexts[c->n_contexts++] = k;
	return r;
}

static int add_contexts(struct captured *c, const struct recorded_event *e,
			const struct tp_format *format)
{
	int r = 0;

	for (size_t i = 0; i < e->n_contexts && !r; i++)
		if (!is_in_record(format, e->contexts[i]))
			r = add_context(c, e->contexts[i]);
	return r;
}

/* The one that is made so, a new one where there is none so far. */
static struct captured *find_or_add(struct making *m, const char *group, const char *name,
				    int *ret_error)
{
	struct captured *c = find(m->out, group, name);

	*ret_error = c ? 0 : add(m, group, name);
	if (c || *ret_error < 0)
		return c;
	return &m->out->events[m->out->n - 1];
}

static int see_own(struct making *m)
{
	const struct recorded_event *e = m->event;
	int r;

	struct captured *c = find_or_add(m, "", e->name, &r);
	if (!c)
		return r;
	c->attach = e->attach;
	c->kernel_stack |= e->kernel_stack;
	c->user_stack |= e->user_stack;
	return add_contexts(c, e, NULL);
}

/* One event that the attach point names: is there need of more than its record? */
static int see_event(void *arg, const char *group, const char *name)
{
	struct making *m = arg;
	const struct recorded_event *e = m->event;
	const bool stacks = e->kernel_stack || e->user_stack;
	struct tp_format format;

	if (!strcmp(group, "ftrace"))
		return 0;
	int r = tp_format_read(m->arena, NULL, group, name, &format);
	if (r < 0) // what has no format has no fields
		return r == -ENOMEM ? r : 0;
	if (!stacks && !asks_more(e, &format) && !points_to_text(m, &format))
		return 0;
	struct captured *c = find_or_add(m, group, name, &r);
	if (!c)
		return r;
	c->kernel_stack |= e->kernel_stack;
	c->user_stack |= e->user_stack;
	return add_contexts(c, e, &format);
}

/* Names of fields that emit() takes. */
static bool is_name(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
		      (p > s && *p >= '0' && *p <= '9')))
			return false;
	return *s;
}

/* $argv_0, $argv_1 ...: the addresses in an array up to its end, which is a 0. */
static void write_elements(struct making *m, const char *name)
{
	struct strbuf *s = &m->out->script;

	strbuf_fmt(s, "$%s_0 = (uint64)args.%s[0]; ", name, name);
	for (unsigned i = 1; i < JOIN_MOST; i++)
		strbuf_fmt(s, "$%s_%u = $%s_%u ? (uint64)args.%s[%u] : 0; ", name, i, name, i - 1,
			   name, i);
}

/* Threads that left a CPU while they were followed: switches and wake-ups name no process. */
#define LEFT_MAP AST_OWN_MAP "left"

static bool is_named(const struct captured *c, const char *group, const char *name)
{
	return !strcmp(c->group, group) && !strcmp(c->name, name);
}

/* Whether it is known which threads have left: only by switches. */
static bool knows_left(const struct making *m)
{
	bool some = false;

	for (size_t i = 0; i < m->out->n; i++)
		some |= is_named(&m->out->events[i], "sched", "sched_switch");
	return some && m->out->only_map;
}

/* Which events are wanted where only some processes are. */
static void write_condition(struct making *m, const struct captured *c)
{
	struct strbuf *s = &m->out->script;
	const char *map = m->out->only_map;

	if (is_named(c, "sched", "sched_switch")) {
		strbuf_fmt(s, "if (@%s[pid]) { @" LEFT_MAP "[tid] = 1; } ", map);
		strbuf_fmt(s, "if (@%s[pid] || @" LEFT_MAP "[args.next_pid]) { ", map);
	} else if (knows_left(m) && is_named(c, "sched", "sched_waking")) {
		strbuf_fmt(s, "if (@%s[pid] || @" LEFT_MAP "[args.pid]) { ", map);
	} else {
		strbuf_fmt(s, "if (@%s[pid]) { ", map);
	}
}

/* Of no process, as time goes on for all. */
static bool is_tick(const char *attach)
{
	return attach && (!strncmp(attach, "interval:", 9) || !strncmp(attach, "i:", 2));
}

static int write_event(struct making *m, const struct captured *c)
{
	struct strbuf *s = &m->out->script;
	const bool is_of_some = m->out->only_map && !is_tick(c->attach);
	struct tp_format format = { 0 };

	int r = c->attach ? 0 : tp_format_read(m->arena, NULL, c->group, c->name, &format);
	if (r < 0)
		return r;
	if (c->attach)
		strbuf_fmt(s, "%s { ", c->attach);
	else
		strbuf_fmt(s, "tracepoint:%s:%s { ", c->group, c->name);
	if (is_of_some)
		write_condition(m, c);
	for (size_t i = 0; i < format.n_fields; i++)
		if (!format.fields[i].is_common && is_joined(m, &format.fields[i]))
			write_elements(m, format.fields[i].name);
	strbuf_fmt(s, "emit(\"%s\"", c->name);
	for (size_t i = 0; i < format.n_fields; i++) {
		const struct tp_field *f = &format.fields[i];

		if (f->is_common || !is_name(f->name) || !is_used(m, f->name))
			continue;
		if (is_joined(m, f)) {
			for (unsigned k = 0; k < JOIN_MOST; k++)
				strbuf_fmt(s, ", %s_%u = str(uptr($%s_%u))", f->name, k, f->name,
					   k);
			continue;
		}
		strbuf_fmt(s, is_text_pointer(f) ? ", %s = str(args.%s)" : ", %s = args.%s",
			   f->name, f->name);
	}
	for (size_t i = 0; i < c->n_contexts; i++)
		strbuf_fmt(s, ", %s = %s", c->contexts[i]->name, c->contexts[i]->text);
	if (c->kernel_stack)
		strbuf_fmt(s, ", callstack_kernel = kstack(%d)", KERNEL_FRAMES);
	if (c->user_stack)
		strbuf_fmt(s, ", callstack_user = ustack(%d)", USER_FRAMES);
	strbuf_str(s, is_of_some ? "); } }\n" : "); }\n");
	return 0;
}

static bool has_def(const struct recorded_needs *const *all, size_t n, const struct ast_def *def)
{
	for (size_t i = 0; i < n; i++)
		for (const struct ast_def *d = all[i]->defs; d; d = d->next)
			if (d->kind == def->kind && !strcmp(d->name, def->name))
				return true;
	return false;
}

/* Types of the scripts' own; of several with one name the first. */
static void write_defs(struct making *m)
{
	for (size_t i = 0; i < m->n; i++)
		for (const struct ast_def *d = m->all[i]->defs; d; d = d->next) {
			struct ast_def one = *d;
			const struct script_ast script = { .defs = &one };

			one.next = NULL;
			if (!has_def(m->all, i, d))
				ast_print(&script, &m->out->script);
		}
}

static void write_settings(struct making *m)
{
	const char *most = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const char *one = m->all[i]->n_joins ? "1024" : m->all[i]->strlen_of;
		if (one && (!most || strtoul(one, NULL, 10) > strtoul(most, NULL, 10)))
			most = one;
	}
	if (knows_left(m))
		strbuf_str(&m->out->script,
			   "let @" LEFT_MAP " = hash(65536);\n"
			   "tracepoint:sched:sched_process_exit { delete(@" LEFT_MAP
			   "[args.pid]); }\n");
	write_defs(m);
	// Scripts name what different systems call differently; that they name nothing was told.
	for (size_t i = 0; i < m->out->n; i++)
		if (m->out->events[i].attach) {
			strbuf_str(&m->out->script, "config = { missing_probes = ignore; }\n");
			break;
		}
	if (most)
		strbuf_fmt(&m->out->script, "config = { max_strlen = %s; }\n", most);
}

int recorded_capture(struct arena *arena, const struct recorded_needs *const *all, size_t n,
		     struct recorded_capture *ret)
{
	struct making m = { .arena = arena, .all = all, .n = n, .out = ret };
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		m.texts = all[i]->texts;
		m.joins = all[i]->n_joins > 0;
		for (size_t k = 0; k < all[i]->n_events && !r; k++) {
			m.event = &all[i]->events[k];
			if (m.event->attach)
				r = see_own(&m);
			else if (m.texts || m.joins || m.event->kernel_stack ||
				 m.event->user_stack || m.event->n_contexts)
				r = tp_each(m.event->group, m.event->name, see_event, &m);
		}
	}
	if (r < 0 || !ret->n)
		return r;
	write_settings(&m);
	for (size_t i = 0; i < ret->n && !r; i++)
		r = write_event(&m, &ret->events[i]);
	return r < 0 ? r : strbuf_ok(&ret->script);
}

struct whole {
	struct arena *arena;
	struct recorded_needs *needs;
	size_t cap_events, cap_fields;
	const char *glob;
};

static int add_fields(struct whole *w, const struct tp_format *format)
{
	struct recorded_needs *n = w->needs;

	for (size_t i = 0; i < format->n_fields; i++) {
		if (format->fields[i].is_common)
			continue;
		if (n->n_fields == w->cap_fields)
			return sonde_fail(-E2BIG, "more than %zu fields", w->cap_fields);
		n->fields[n->n_fields++] = format->fields[i].name;
	}
	return 0;
}

static int see_whole(void *arg, const char *group, const char *name)
{
	struct whole *w = arg;
	struct recorded_needs *n = w->needs;
	struct tp_format format;

	if (n->n_events == w->cap_events || !strcmp(group, "ftrace"))
		return 0;
	const int r = tp_format_read(w->arena, NULL, group, name, &format);
	if (r < 0)
		return r == -ENOMEM ? r : 0; // what has no format cannot be made again
	const char *own = arena_strndup(w->arena, group, strlen(group));
	const char *own_name = arena_strndup(w->arena, name, strlen(name));
	if (!own || !own_name)
		return sonde_fail(-ENOMEM, "out of memory");
	n->events[n->n_events++] = (struct recorded_event){ .glob = w->glob,
							    .group = own,
							    .name = own_name,
							    .kernel_stack = true,
							    .user_stack = true };
	return add_fields(w, &format);
}

int recorded_whole(struct arena *arena, const char *const *events, struct recorded_needs *ret)
{
	enum { FIELDS_MOST = 256 };
	struct whole w = { .arena = arena, .needs = ret, .cap_fields = FIELDS_MOST };
	int r = 0;

	while (events[w.cap_events])
		w.cap_events++;
	*ret = (struct recorded_needs){ .threads = true };
	ret->events = arena_array(arena, w.cap_events + 1, sizeof(*ret->events));
	ret->fields = arena_array(arena, FIELDS_MOST, sizeof(*ret->fields));
	if (!ret->events || !ret->fields)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; events[i] && !r; i++) {
		char group[64];
		const char *colon = strchr(events[i], ':');

		sonde_check(colon && (size_t)(colon - events[i]) < sizeof(group));
		(void)snprintf(group, sizeof(group), "%.*s", (int)(colon - events[i]), events[i]);
		w.glob = events[i];
		r = tp_each(group, colon + 1, see_whole, &w);
	}
	return r;
}
