/* SPDX-License-Identifier: MIT */
/** Which events of a trace an attach point names. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/near.h"
#include "lang/recorded/context.h"
#include "lang/recorded/parts.h"
#include "lang/syntax/diag.h"

static const struct {
	const char *name, *full;
} providers[] = {
	{ "t", "tracepoint" },	   { "tracepoint", "tracepoint" },
	{ "rt", "rawtracepoint" }, { "rawtracepoint", "rawtracepoint" },
	{ "U", "usdt" },	   { "usdt", "usdt" },
	{ "u", "uprobe" },	   { "uprobe", "uprobe" },
	{ "p", "profile" },	   { "profile", "profile" },
	{ "s", "software" },	   { "software", "software" },
	{ "h", "hardware" },	   { "hardware", "hardware" },
	{ "i", "interval" },	   { "interval", "interval" },
	{ "BEGIN", "BEGIN" },	   { "begin", "BEGIN" },
	{ "END", "END" },	   { "end", "END" },
	{ "event", "event" },
};

const char *rec_provider(const char *name)
{
	for (size_t i = 0; i < MEM_LEN(providers); i++)
		if (!strcmp(providers[i].name, name))
			return providers[i].full;
	return NULL;
}

struct rec_place *rec_place_add(struct rec_search *s, const char *name)
{
	struct rec_place *p = arena_new(s->arena, struct rec_place);

	if (!p || !(p->probe.name = arena_strndup(s->arena, name, strlen(name)))) {
		s->no_memory = true;
		return NULL;
	}
	p->probe.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	p->probe.attach = (struct attach_spec){ .kind = ATTACH_NONE, .pid = -1, .cpu = -1 };
	if (s->last)
		s->last->probe.next = &p->probe;
	else
		s->first = p;
	s->last = p;
	return p;
}

/* Events of which nothing is asked can share one program. */
static struct rec_place *add_same(struct rec_search *s, const char *name)
{
	struct rec_place *last = s->last, *p = rec_place_add(s, name);

	if (!p || !last) {
		s->n_shared = 1;
		return p;
	}
	last->probe.next = NULL;
	s->last = last;
	p->probe.same = s->first->probe.same;
	// The list of equal places hangs on the first one, by next.
	p->probe.next = s->first->probe.same;
	p->probe.same = NULL;
	s->first->probe.same = &p->probe;
	p->number = s->n_shared++;
	return p;
}

/* Nothing is asked of the event itself. */
static bool is_plain(const struct rec_search *s)
{
	return s->wants && !s->wants->fields && !s->wants->regs && !(s->wants->name && s->ap->d);
}

/* With the first place; whose name is asked for is known by its number, of which there are few. */
static bool may_share(const struct rec_search *s)
{
	return is_plain(s) && (!s->first || s->first->is_plain) &&
	       (!s->wants->name || s->n_shared < PROBE_CALLS_MOST);
}

void rec_place_add_class(struct rec_search *s, const struct sonde_event_class *cls)
{
	struct rec_told is;
	char name[512];

	if (!strcmp(s->provider, "tracepoint") && rec_told(cls, &is) &&
	    (!s->group || glob_is(s->group) || glob_match(s->group, is.group)))
		(void)snprintf(name, sizeof(name), "tracepoint:%s:%s", is.group, is.name);
	else if (!strcmp(s->provider, "event") || strchr(cls->name, ':'))
		(void)snprintf(name, sizeof(name), "%s", cls->name);
	else
		(void)snprintf(name, sizeof(name), "%s:%s:%s", s->provider,
			       s->group && !glob_is(s->group) ? s->group : "", cls->name);
	const bool plain = is_plain(s);
	struct rec_place *p = may_share(s) ? add_same(s, name) : rec_place_add(s, name);
	if (!p)
		return;
	p->is_plain = plain;
	p->cls = cls;
	p->probe.args = ARGS_FORMAT;
	p->probe.is_syscall_exit = false;
	if (!plain &&
	    (rec_fields(s->w, s->arena, cls, p) < 0 ||
	     (s->group && !strcmp(s->group, "raw_syscalls") && rec_call_number(s, p) < 0)))
		s->no_memory = true;
}

static bool is_of_samples(const char *provider)
{
	return !strcmp(provider, "profile") || !strcmp(provider, "software") ||
	       !strcmp(provider, "hardware");
}

/* LTTng has the group in front of most names, in one word. */
static bool is_lttngs_name(const struct rec_search *s, const char *name)
{
	static const char *const heads[] = { "", "x86_" };
	char full[256];

	for (size_t i = 0; s->group && !glob_is(s->group) && i < MEM_LEN(heads); i++) {
		const int n = snprintf(full, sizeof(full), "%s%s_%s", heads[i], s->group, s->name);
		if (n > 0 && (size_t)n < sizeof(full) && glob_match(full, name))
			return true;
	}
	return false;
}

/* usdt and uprobe: PROVIDER:NAME, however the script names the program; or NAME alone. */
static bool matches_user(const struct rec_search *s, const char *name)
{
	const char *split = strchr(name, ':');
	char full[512];

	if (!s->group || !split)
		return glob_match(s->name, split ? split + 1 : name);
	return snprintf(full, sizeof(full), "%s:%s", s->group, s->name) < (int)sizeof(full) &&
	       glob_match(full, name);
}

static bool is_of_all_calls(const struct rec_search *s, const struct sonde_event_class *cls)
{
	static const char *const names[] = { "sys_enter", "sys_exit" };

	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (glob_match(s->name, names[i]) &&
		    (!strcmp(names[i], cls->name) || rec_is_of_all_calls(names[i], cls)))
			return true;
	return false;
}

/*
 * One name finds its event whatever the group is, which kernels and tracers call in various ways;
 * of many names, the group says which are meant.
 */
static bool matches_kernel(const struct rec_search *s, const struct sonde_event_class *cls)
{
	const bool is_many = s->group && glob_is(s->name);
	struct rec_told is;

	const bool is_raw = s->group && !strcmp(s->group, "raw_syscalls");

	if (is_raw && is_of_all_calls(s, cls))
		return true;
	if (is_many && (is_raw || !rec_group_has(s->group, cls)))
		return false;
	return glob_match(s->name, cls->name) || is_lttngs_name(s, cls->name) ||
	       (rec_told(cls, &is) && glob_match(s->name, is.name));
}

static bool matches(const struct rec_search *s, const struct sonde_event_class *cls)
{
	const char *name = cls->name;

	if (is_of_samples(s->provider))
		return !strcmp(name, "perf:sample") || !strncmp(name, "perf_cpu_clock", 14);
	if (!strcmp(s->provider, "tracepoint") || !strcmp(s->provider, "rawtracepoint"))
		return matches_kernel(s, cls);
	if (!strcmp(s->provider, "event"))
		return glob_match(s->name, name);
	return matches_user(s, name);
}

static void each_class(struct rec_search *s,
		       void (*f)(struct rec_search *s, const struct sonde_event_class *cls))
{
	for (size_t i = 0; i < s->w->n_traces; i++) {
		const struct sonde_trace *t = s->w->traces[i];
		for (size_t k = 0; k < t->n_streams; k++)
			for (size_t n = 0; n < t->streams[k]->n_events; n++)
				f(s, t->streams[k]->events[n]);
	}
}

static void match_class(struct rec_search *s, const struct sonde_event_class *cls)
{
	const bool user = *s->provider == 'u';

	if (user && rec_is_of_kernel(cls))
		return;
	if ((s->group && !strcmp(s->group, "syscalls")) ||
	    (!strcmp(s->provider, "tracepoint") && rec_is_of_call(s->name)))
		rec_syscall_match(s, cls);
	else if (matches(s, cls))
		rec_place_add_class(s, cls);
}

struct near {
	const char *best;
	unsigned distance;
};

static int nothing_found(struct rec_search *s)
{
	struct near n = { NULL, NEAR_NOT };

	for (size_t i = 0; i < s->w->n_traces; i++)
		for (size_t k = 0; k < s->w->traces[i]->n_streams; k++) {
			const struct sonde_stream_class *c = s->w->traces[i]->streams[k];
			for (size_t e = 0; e < c->n_events; e++) {
				const unsigned d = near_distance(s->name, c->events[e]->name);
				if (d < n.distance)
					n = (struct near){ c->events[e]->name, d };
			}
		}
	if (n.best)
		return diag_error(s->d, s->ap->pos, "unknown-event",
				  "the trace has no event for '%s'; did you mean '%s'?",
				  s->ap->text, n.best);
	return diag_error(s->d, s->ap->pos, "unknown-event", "the trace has no event for '%s'",
			  s->ap->text);
}

bool rec_period(const struct ast_attach *ap, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "hz", 0 } };
	const char *unit = ap->n_parts == 3 ? ap->parts[1] : NULL;
	char *end;

	if (ap->n_parts < 2 || ap->n_parts > 3)
		return false;
	errno = 0;
	const unsigned long long n = strtoull(ap->parts[ap->n_parts - 1], &end, 10);
	if (errno || !n || end == ap->parts[ap->n_parts - 1] || n > 1000000000)
		return false;
	if (!unit)
		unit = *end ? end : "s";
	else if (*end)
		return false;
	for (size_t i = 0; i < MEM_LEN(units); i++) {
		if (strcmp(units[i].name, unit) != 0)
			continue;
		*ret_ns = units[i].ns ? n * units[i].ns : 1000000000 / n;
		return *ret_ns > 0;
	}
	return false;
}

static int add_tick(struct rec_search *s)
{
	uint64_t ns;

	if (!rec_period(s->ap, &ns))
		return diag_error(s->d, s->ap->pos, "bad-attach-point",
				  "'%s' is not of the form interval:UNIT:N", s->ap->text);
	if (!rec_has_time(s->w))
		return diag_error(s->d, s->ap->pos, "not-here",
				  "the trace has no clock, so there is no '%s'", s->ap->text);
	struct rec_place *p = rec_place_add(s, s->ap->text);
	if (p)
		p->period_ns = ns;
	return 0;
}

/* Samples are taken as time goes by, be it that of a clock or of the CPU's; of nothing else. */
static bool is_time(const struct rec_search *s)
{
	static const char *const software[] = { "cpu-clock", "cpu", "task-clock", NULL };
	static const char *const hardware[] = { "cpu-cycles", "cycles", "ref-cycles", NULL };
	const char *const *names = *s->provider == 's' ? software : hardware;

	if (!strcmp(s->provider, "profile"))
		return true;
	for (; *names; names++)
		if (!strcmp(*names, s->ap->parts[1]))
			return true;
	return false;
}

/* All behind "event:": names of events may have a ':' in them. */
static const char *whole_name(struct rec_search *s)
{
	struct strbuf name = { 0 };
	const char *ret = NULL;

	for (size_t i = 1; i < s->ap->n_parts; i++) {
		strbuf_str(&name, i > 1 ? ":" : "");
		strbuf_str(&name, s->ap->parts[i]);
	}
	if (!name.failed)
		ret = arena_strndup(s->arena, strbuf_text(&name), name.len);
	strbuf_fini(&name);
	s->no_memory = s->no_memory || !ret;
	return ret ? ret : "";
}

static int add_events(struct rec_search *s)
{
	const size_t n = s->ap->n_parts;
	const bool is_profile = is_of_samples(s->provider);

	if (n < 2)
		return diag_error(s->d, s->ap->pos, "bad-attach-point", "'%s' names no event",
				  s->ap->text);
	if (is_profile && !is_time(s))
		return diag_error(s->d, s->ap->pos, "not-here",
				  "a trace's samples are taken by time, none by '%s'",
				  s->ap->parts[1]);
	const bool is_event = !strcmp(s->provider, "event");
	s->name = is_event ? whole_name(s) : s->ap->parts[n - 1];
	s->group = !is_event && n > 2 && !is_profile ? s->ap->parts[n - 2] : NULL;
	// usdt:PATH:NAME has a path there, and no provider.
	if (s->group && strchr(s->group, '/'))
		s->group = NULL;
	each_class(s, match_class);
	if (!s->first && *s->provider == 'u' && s->group) {
		s->group = NULL; // it was the program's name, which no trace has
		each_class(s, match_class);
	}
	if (is_event && !s->first && !strcmp(s->name, "*"))
		(void)rec_place_add(
			s, "event:*"); // NULL is noted; all events of a trace that describes none
	return s->first || s->no_memory ? 0 : nothing_found(s);
}

/* Tells the names of places that share a program. */
static void name_shared(struct rec_search *s)
{
	struct probe *first = s->first ? &s->first->probe : NULL;

	if (!first || !first->same || !s->wants->name)
		return;
	uint32_t *numbers = arena_array(s->arena, s->n_shared, sizeof(*numbers));
	const char **names = arena_array(s->arena, s->n_shared, sizeof(*names));
	if (!numbers || !names) {
		s->no_memory = true;
		return;
	}
	names[0] = first->name;
	for (const struct probe *p = first->same; p; p = p->next) {
		const uint32_t i = ((const struct rec_place *)p)->number;

		numbers[i] = i;
		names[i] = p->name;
	}
	first->nr_call = MACHINE_PLACE;
	first->syscalls = numbers;
	first->n_syscalls = s->n_shared;
	first->syscall_names = names;
}

static void match_own(struct rec_search *s, const struct sonde_event_class *cls)
{
	if (!strcmp(cls->name, s->name))
		rec_place_add_class(s, cls);
}

/* Events that were made for this very attach point. */
static bool find_own(struct rec_search *s)
{
	s->provider = "event";
	s->name = recorded_own_name(s->arena, s->ap);
	s->no_memory = !s->name;
	if (s->ap->n_parts > 1 && s->name)
		each_class(s, match_own);
	for (struct rec_place *p = s->first; p; p = (struct rec_place *)(uintptr_t)p->probe.next)
		p->first = s->first;
	if (s->first)
		name_shared(s);
	return s->first;
}

/* Whether events were made for any attach points of that kind. */
static bool has_own(const struct rec_search *s, const char *provider)
{
	const size_t len = strlen(provider);

	for (size_t i = 0; i < s->w->n_traces; i++)
		for (size_t k = 0; k < s->w->traces[i]->n_streams; k++) {
			const struct sonde_stream_class *c = s->w->traces[i]->streams[k];
			for (size_t e = 0; e < c->n_events; e++)
				if (!strncmp(c->events[e]->name, provider, len) &&
				    c->events[e]->name[len] == ':')
					return true;
		}
	return false;
}

int rec_probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
	       const struct probe_wants *wants, const struct probe **ret)
{
	struct rec_search s = {
		.w = (struct rec_world *)w, .d = d, .arena = arena, .ap = ap, .wants = wants
	};
	int r = 0;

	if (find_own(&s)) {
		*ret = &s.first->probe;
		return s.no_memory ? sonde_fail(-ENOMEM, "out of memory") : 0;
	}
	s.provider = rec_provider(ap->parts[0]);
	if (s.no_memory)
		return sonde_fail(-ENOMEM, "out of memory");
	if (!s.provider && has_own(&s, ap->parts[0]))
		return diag_error(d, ap->pos, "unknown-event", "the trace has no event for '%s'",
				  ap->text);
	if (!s.provider)
		return diag_error(d, ap->pos, "not-here", "a trace has no '%s' probes",
				  ap->parts[0]);
	if (!strcmp(s.provider, "BEGIN") || !strcmp(s.provider, "END"))
		(void)rec_place_add(&s, s.provider); // NULL is noted
	else if (!strcmp(s.provider, "interval"))
		r = add_tick(&s);
	else
		r = add_events(&s);
	if (!r)
		name_shared(&s);
	if (s.no_memory)
		return sonde_fail(-ENOMEM, "out of memory");
	if (r)
		return r;
	for (const struct probe *p = &s.first->probe; p; p = p->next)
		((struct rec_place *)(uintptr_t)p)->first = s.first;
	*ret = &s.first->probe;
	return 0;
}
