/* SPDX-License-Identifier: MIT */
/** Events of system calls: one for each call, or one for all of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "lang/recorded/parts.h"
#include "lang/syntax/diag.h"
#include "sym/syscall_args.h"
#include "sym/syscall_names.h"

enum { NO_ARG = UINT8_MAX, SIGNED_MOST = 16 };

/* A call that a pattern names. */
struct call {
	uint32_t nr;
	const char *event; /* "newstat" */
	const char *full;  /* the probe's name */
	/** Which arguments the fields are that the script asks for; calls that are alike in that
	 * can share a program. */
	uint8_t args[SIGNED_MOST];
};

struct calls {
	struct call *all;
	size_t n;
};

const char *const rec_nth_names[SYSCALL_ARGS_MOST] = { "#0", "#1", "#2", "#3", "#4", "#5" };

const char *rec_call_of(const char *cls, bool is_exit)
{
	static const char *const enters[] = { "syscall_entry_", "sys_enter_" };
	static const char *const exits[] = { "syscall_exit_", "sys_exit_" };

	for (size_t i = 0; i < MEM_LEN(enters); i++) {
		const char *head = is_exit ? exits[i] : enters[i];
		if (!strncmp(cls, head, strlen(head)))
			return cls + strlen(head);
	}
	// LTTng before 2.6.
	if (!is_exit && !strncmp(cls, "sys_", 4) && strcmp(cls, "sys_enter") &&
	    strcmp(cls, "sys_exit") && strncmp(cls, "sys_exit_", 9))
		return cls + 4;
	return NULL;
}

static bool has_class(const struct sonde_trace *t, const char *name)
{
	for (size_t k = 0; k < t->n_streams; k++)
		for (size_t n = 0; n < t->streams[k]->n_events; n++)
			if (!strcmp(t->streams[k]->events[n]->name, name))
				return true;
	return false;
}

bool rec_is_of_all_calls(const char *name, const struct sonde_event_class *cls)
{
	const bool enter = !strcmp(name, "sys_enter"), exit = !strcmp(name, "sys_exit");

	// LTTng before 2.6 has one event for all exits.
	return (enter || exit) &&
	       (rec_call_of(cls->name, exit) || (exit && !strcmp(cls->name, "exit_syscall"))) &&
	       !has_class(cls->stream_class->trace, name);
}

static bool has_member(const struct sonde_event_class *cls, const char *name)
{
	struct field_ref ref;

	return field_find_any(cls, name, &ref);
}

/* The place of argument @name among those of a call, and its sign. */
static uint8_t arg_at(const char *event, const char *name)
{
	struct syscall_arg args[SYSCALL_ARGS_MOST];
	const unsigned n = syscall_args(event, args);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(args[i].name, name))
			return (uint8_t)(i | args[i].signed_len << 4);
	return NO_ARG;
}

/* Which of the call's arguments the script asks for. */
static void sign(const struct rec_search *s, const struct sonde_event_class *cls, struct call *c)
{
	const struct probe_wants *w = s->wants;
	size_t n = 0;

	for (size_t i = 0; w && i < w->n_field_names && n < SIGNED_MOST; i++)
		if (!has_member(cls, w->field_names[i]))
			c->args[n++] = arg_at(c->event, w->field_names[i]);
}

/* The kernel that was traced. */
static enum syscall_abi abi_of(const struct sonde_event_class *cls)
{
	const struct sonde_trace *t = cls->stream_class->trace;
	const struct sonde_env *e = sonde_trace_env(t, "architecture");

	if (!e || !e->str)
		e = sonde_trace_env(t, "machine");
	return syscall_abi(e && e->str ? e->str : "x86_64");
}

/*
 * Marks the calls that have events of their own in the trace, beside those of all calls: they would
 * come twice. False: there are none.
 */
static bool mark_own(const struct sonde_event_class *cls, bool is_exit, bool ret[PROBE_CALLS_MOST])
{
	const struct sonde_trace *t = cls->stream_class->trace;
	const enum syscall_abi abi = abi_of(cls);
	bool any = false;
	uint32_t nr;

	memset(ret, 0, PROBE_CALLS_MOST);
	for (size_t k = 0; k < t->n_streams; k++) {
		for (size_t n = 0; n < t->streams[k]->n_events; n++) {
			const char *call = rec_call_of(t->streams[k]->events[n]->name, is_exit);
			if (call && syscall_number(abi, call, &nr) && nr < PROBE_CALLS_MOST)
				any = ret[nr] = true;
		}
	}
	return any;
}

/* Whether the script names the events of @call, whose names begin with @head. */
static bool is_named(const struct rec_search *s, const char *head, const char *call)
{
	char full[256];
	const int n = snprintf(full, sizeof(full), "%s%s", head, call);

	return n > 0 && (size_t)n < sizeof(full) && glob_match(s->name, full);
}

/* The calls that the script names, by their own names or those of their events; not @own. */
static void collect(struct rec_search *s, const struct sonde_event_class *cls, const char *head,
		    const bool own[PROBE_CALLS_MOST], struct calls *ret)
{
	const enum syscall_abi abi = abi_of(cls);
	char name[SYSCALL_NAME_MOST], full[256];

	ret->n = 0;
	ret->all = arena_array(s->arena, PROBE_CALLS_MOST, sizeof(*ret->all));
	s->no_memory = s->no_memory || !ret->all;
	for (uint32_t nr = 0; ret->all && nr < PROBE_CALLS_MOST; nr++) {
		if (own[nr])
			continue;
		if (!syscall_name(abi, nr, name))
			(void)snprintf(name, sizeof(name), "%u", nr);
		const char *event = syscall_event(name);
		const bool by_event = is_named(s, head, event);
		if (!by_event && !is_named(s, head, name))
			continue;
		struct call *c = &ret->all[ret->n++];
		*c = (struct call){ .nr = nr };
		(void)snprintf(full, sizeof(full), "tracepoint:syscalls:%s%s", head,
			       by_event ? event : name);
		c->event = arena_strndup(s->arena, event, strlen(event));
		c->full = arena_strndup(s->arena, full, strlen(full));
		s->no_memory = s->no_memory || !c->event || !c->full;
		if (!s->no_memory)
			sign(s, cls, c);
	}
}

static const struct probe_field *field_named(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (!strcmp(p->fields[i].name, name))
			return &p->fields[i];
	return NULL;
}

/* As live: an int is the lower half of a register, whatever is above it. */
static void set_sign(struct rec_world *w, const struct syscall_arg *a, struct probe_field *f)
{
	const bool is_int = f->type->kind == CT_INT && f->type->size >= a->signed_len;

	if (!a->signed_len || !is_int || f->is_signed)
		return;
	if (f->place == FIELD_CALL)
		w->fields[f->off].signed_len = a->signed_len;
	else if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		f->off += f->len - a->signed_len;
	f->type = ctype_basic(a->signed_len == 4 ? "int" : "long");
	f->len = f->place == FIELD_CALL ? f->len : a->signed_len;
	f->is_signed = true;
}

void rec_call_args(struct rec_world *w, struct rec_place *p)
{
	struct probe_field *fields = (struct probe_field *)p->probe.fields;
	const size_t n_fields = p->probe.n_fields;
	struct syscall_arg args[SYSCALL_ARGS_MOST];
	const char *event = rec_call_of(p->cls->name, /* is_exit= */ false);
	const unsigned n = event ? syscall_args(event, args) : 0;

	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < n_fields; k++) {
			if (strcmp(fields[k].name, args[i].name) != 0)
				continue;
			set_sign(w, &args[i], &fields[k]);
			struct probe_field *nth = &fields[p->probe.n_fields++];
			*nth = fields[k];
			nth->name = rec_nth_names[i];
			break;
		}
	}
}

/* The arguments by their names (@event NULL: none), before the other fields, as these go before. */
static int name_args(struct rec_search *s, struct rec_place *p, const char *event)
{
	struct syscall_arg args[SYSCALL_ARGS_MOST];
	const unsigned n = event ? syscall_args(event, args) : 0;
	const size_t was = p->probe.n_fields;
	struct probe_field *fields = arena_array(s->arena, was + n + 1, sizeof(*fields));
	size_t k = 0;

	if (!fields)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		const struct probe_field *raw = field_named(&p->probe, rec_nth_names[i]);
		if (!raw)
			continue; // it lies in no way that programs can read
		fields[k] = *raw;
		fields[k].name = arena_strndup(s->arena, args[i].name, strlen(args[i].name));
		struct ctype *ptr =
			!args[i].is_ptr ? NULL
					: ctype_ptr(s->arena,
						    ctype_basic(args[i].is_text ? "char" : "void"));
		if (!fields[k].name || (args[i].is_ptr && !ptr))
			return -ENOMEM;
		if (ptr) {
			ptr->is_user = true;
			fields[k].type = ptr;
		}
		set_sign(s->w, &args[i], &fields[k++]);
	}
	if (p->probe.nr_field) { // as the events of one call have it
		fields[k] = *p->probe.nr_field;
		fields[k++].name = "__syscall_nr";
	}
	if (was)
		memcpy(fields + k, p->probe.fields, was * sizeof(*fields));
	p->probe.fields = fields;
	p->probe.n_fields = k + was;
	return 0;
}

int rec_call_number(struct rec_search *s, struct rec_place *p)
{
	const char *enter = rec_call_of(p->cls->name, false);
	const char *call = enter ? enter : rec_call_of(p->cls->name, true);
	const size_t was = p->probe.n_fields;
	uint32_t nr;

	if (!call)
		return 0;
	const bool is_known = syscall_number(abi_of(p->cls), call, &nr);
	if (!is_known && field_named(&p->probe, "id"))
		return 0; // LTTng's "unknown": it tells the number
	struct probe_field *fields = arena_array(s->arena, was + 1, sizeof(*fields));
	if (!fields || mem_grow(&s->w->fields, &s->w->cap_fields, s->w->n_fields + 1) < 0)
		return -ENOMEM;
	// Before the others: an argument of the call may have that name, too.
	fields[0] = (struct probe_field){ .name = "id",
					  .place = FIELD_CALL,
					  .type = ctype_basic("long"),
					  .is_signed = true,
					  .off = (uint32_t)s->w->n_fields,
					  .len = 8 };
	s->w->fields[s->w->n_fields++] =
		(struct rec_field){ .kind = REC_CONST, .value = is_known ? (int64_t)nr : -1 };
	if (was)
		memcpy(fields + 1, p->probe.fields, was * sizeof(*fields));
	p->probe.fields = fields;
	p->probe.n_fields = was + 1;
	return 0;
}

/* A place for those of the calls that are like @first. */
static void add_like(struct rec_search *s, const struct sonde_event_class *cls,
		     const struct calls *calls, const struct call *first, bool is_exit)
{
	uint32_t *numbers = arena_array(s->arena, calls->n, sizeof(*numbers));
	const char **names = arena_array(s->arena, calls->n, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; numbers && names && i < calls->n; i++) {
		if (memcmp(calls->all[i].args, first->args, sizeof(first->args)) != 0)
			continue;
		numbers[n] = calls->all[i].nr;
		names[n++] = calls->all[i].full;
	}
	char all[256];
	(void)snprintf(all, sizeof(all), "tracepoint:syscalls:%s", s->name);
	struct rec_place *p = rec_place_add(s, n == 1 ? first->full : all);
	if (!p || !numbers || !names || rec_fields(s->w, s->arena, cls, p) < 0) {
		s->no_memory = true;
		return;
	}
	p->probe.nr_field = field_named(&p->probe, "id");
	p->probe.syscalls = numbers;
	p->probe.n_syscalls = n;
	p->probe.syscall_names = n > 1 && s->wants && s->wants->name ? names : NULL;
	if (name_args(s, p, is_exit ? NULL : first->event) < 0)
		s->no_memory = true;
}

/* All calls, and none of them asked for more than all have. */
static void add_all(struct rec_search *s, const struct sonde_event_class *cls)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "tracepoint:syscalls:%s", s->name);
	struct rec_place *p = rec_place_add(s, name);
	if (!p || rec_fields(s->w, s->arena, cls, p) < 0)
		s->no_memory = true;
}

static bool is_first_like(const struct calls *calls, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!memcmp(calls->all[k].args, calls->all[i].args, sizeof(calls->all[i].args)))
			return false;
	return true;
}

static void add_calls_of_all(struct rec_search *s, const struct sonde_event_class *cls,
			     const char *head, bool is_exit)
{
	const struct probe_wants *w = s->wants;
	bool plain = true; // all fields that are asked for are the class's own
	bool own[PROBE_CALLS_MOST];
	const bool has_own = mark_own(cls, is_exit, own);
	const char *rest = s->name + (strncmp(s->name, head, strlen(head)) ? 0 : strlen(head));

	for (size_t i = 0; w && i < w->n_field_names; i++)
		plain = plain && has_member(cls, w->field_names[i]);
	if (!strcmp(rest, "*") && plain && !has_own && !(w && w->name)) {
		add_all(s, cls);
		return;
	}
	struct calls calls;
	collect(s, cls, head, own, &calls);
	for (size_t i = 0; !s->no_memory && i < calls.n; i++) {
		if (plain)
			memset(calls.all[i].args, 0, sizeof(calls.all[i].args));
		if (is_first_like(&calls, i))
			add_like(s, cls, &calls, &calls.all[i], is_exit);
	}
}

/* What stands before the call's name, in ftrace's or LTTng's words; 0: it is none of a call. */
static size_t head_of(const char *name, bool *ret_is_exit)
{
	static const struct {
		const char *text;
		bool is_exit;
	} heads[] = {
		{ "sys_enter_", false },
		{ "sys_exit_", true },
		{ "syscall_entry_", false },
		{ "syscall_exit_", true },
	};

	for (size_t i = 0; i < MEM_LEN(heads); i++)
		if (!strncmp(name, heads[i].text, strlen(heads[i].text))) {
			*ret_is_exit = heads[i].is_exit;
			return strlen(heads[i].text);
		}
	return 0;
}

bool rec_is_of_call(const char *name)
{
	bool is_exit;

	return head_of(name, &is_exit) != 0;
}

/* The events of calls whose names begin with @head. */
static void match_calls(struct rec_search *s, const struct sonde_event_class *cls, const char *head,
			bool is_exit)
{
	const char *call = rec_call_of(cls->name, is_exit);

	if (call ? is_named(s, head, call) || is_named(s, head, syscall_event(call)) : false)
		rec_place_add_class(s, cls);
	else if (!strcmp(cls->name, is_exit ? "sys_exit" : "sys_enter") && has_member(cls, "id"))
		add_calls_of_all(s, cls, head, is_exit);
}

void rec_syscall_match(struct rec_search *s, const struct sonde_event_class *cls)
{
	char head[32];
	bool is_exit = false;
	const size_t len = head_of(s->name, &is_exit);

	if (len) {
		(void)snprintf(head, sizeof(head), "%.*s", (int)len, s->name);
		match_calls(s, cls, head, is_exit);
	} else if (!glob_is(s->name)) {
		if (!strcmp(s->name, cls->name))
			rec_place_add_class(s, cls);
	} else { // "*_openat" is of both
		match_calls(s, cls, "sys_enter_", false);
		match_calls(s, cls, "sys_exit_", true);
	}
}
