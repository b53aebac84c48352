/* SPDX-License-Identifier: MIT */
/** Makes kernel events from lines of text, as different tracers would have written them. */
#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "sym/syscall_names.h"

enum { ARGS_MOST = 6, FIELDS_MOST = 8, ALL = 0x0f, LT = 0x03, FT = 0x0c, NAMELESS = -1 };

/* How a field is made of the line's argument. */
enum make {
	MAKE_NONE,
	MAKE_I32,
	MAKE_I64,
	MAKE_NAME, /* "t" and the tid */
	MAKE_TEXT,
	MAKE_PRIO,    /* the usual one */
	MAKE_CALL,    /* a call's number */
	MAKE_HANDLER, /* "h" */
};

struct field {
	const char *name;
	enum make make;
	int arg;
};

#define FTRACE_REQUEST                                                                   \
	{ "dev", MAKE_I32, 0 }, { "sector", MAKE_I64, 1 }, { "nr_sector", MAKE_I32, 2 }, \
	{                                                                                \
		"bytes", MAKE_I32, 3                                                     \
	}
#define REQUEST                     \
	FTRACE_REQUEST,             \
	{                           \
		"rwbs", MAKE_I32, 4 \
	}

#define FUTEX                                                                    \
	{ "uaddr", MAKE_I64, 0 }, { "op", MAKE_I32, 1 }, { "val", MAKE_I32, 2 }, \
		{ "utime", MAKE_I64, 3 },                                        \
	{                                                                        \
		"uaddr2", MAKE_I64, 4                                            \
	}

static const struct verb {
	const char *verb;
	unsigned flavours;
	const char *event; /* "%s": the first argument */
	struct field fields[FIELDS_MOST];
} verbs[] = {
	{ "switch",
	  LT,
	  "sched_switch",
	  { { "prev_comm", MAKE_NAME, 0 },
	    { "prev_tid", MAKE_I32, 0 },
	    { "prev_prio", MAKE_PRIO, 0 },
	    { "prev_state", MAKE_I64, 1 },
	    { "next_comm", MAKE_NAME, 2 },
	    { "next_tid", MAKE_I32, 2 },
	    { "next_prio", MAKE_PRIO, 0 } } },
	{ "switch",
	  FT,
	  "sched:sched_switch",
	  { { "prev_comm", MAKE_NAME, 0 },
	    { "prev_pid", MAKE_I32, 0 },
	    { "prev_prio", MAKE_PRIO, 0 },
	    { "prev_state", MAKE_I64, 1 },
	    { "next_comm", MAKE_NAME, 2 },
	    { "next_pid", MAKE_I32, 2 },
	    { "next_prio", MAKE_PRIO, 0 } } },
	{ "waking",
	  LT,
	  "sched_waking",
	  { { "comm", MAKE_NAME, 0 }, { "tid", MAKE_I32, 0 }, { "target_cpu", MAKE_I32, 1 } } },
	{ "waking",
	  FT,
	  "sched_waking",
	  { { "comm", MAKE_NAME, 0 }, { "pid", MAKE_I32, 0 }, { "target_cpu", MAKE_I32, 1 } } },
	{ "wakeup", LT, "sched_wakeup", { { "comm", MAKE_NAME, 0 }, { "tid", MAKE_I32, 0 } } },
	{ "wakeup", FT, "sched_wakeup_new", { { "comm", MAKE_NAME, 0 }, { "pid", MAKE_I32, 0 } } },
	{ "migrate", LT, "sched_migrate_task", { { "tid", MAKE_I32, 0 } } },
	{ "migrate", FT, "sched_migrate_task", { { "pid", MAKE_I32, 0 } } },
	{ "irq+",
	  ALL,
	  "irq_handler_entry",
	  { { "irq", MAKE_I32, 0 }, { "name", MAKE_HANDLER, 0 } } },
	{ "irq-", ALL, "irq_handler_exit", { { "irq", MAKE_I32, 0 } } },
	{ "raise", 1 << LTTNG, "irq_softirq_raise", { { "vec", MAKE_I32, 0 } } },
	{ "soft+", 1 << LTTNG, "irq_softirq_entry", { { "vec", MAKE_I32, 0 } } },
	{ "soft-", 1 << LTTNG, "irq_softirq_exit", { { "vec", MAKE_I32, 0 } } },
	{ "raise", ALL, "softirq_raise", { { "vec", MAKE_I32, 0 } } },
	{ "soft+", ALL, "softirq_entry", { { "vec", MAKE_I32, 0 } } },
	{ "soft-", ALL, "softirq_exit", { { "vec", MAKE_I32, 0 } } },
	{ "enter", 1 << LTTNG, "syscall_entry_%s", { { NULL, MAKE_NONE, 0 } } },
	{ "exit", 1 << LTTNG, "syscall_exit_%s", { { "ret", MAKE_I64, 1 } } },
	{ "enter", 1 << LTTNG_OLD, "sys_%s", { { NULL, MAKE_NONE, 0 } } },
	{ "exit", 1 << LTTNG_OLD, "exit_syscall", { { "ret", MAKE_I64, 1 } } },
	{ "enter", FT, "sys_enter", { { "id", MAKE_CALL, 0 } } },
	{ "exit", FT, "sys_exit", { { "id", MAKE_CALL, 0 }, { "ret", MAKE_I64, 1 } } },
	{ "fork",
	  LT,
	  "sched_process_fork",
	  { { "parent_tid", MAKE_I32, 0 },
	    { "parent_pid", MAKE_I32, 1 },
	    { "child_comm", MAKE_NAME, 2 },
	    { "child_tid", MAKE_I32, 2 },
	    { "child_pid", MAKE_I32, 3 } } },
	{ "fork",
	  FT,
	  "sched_process_fork",
	  { { "parent_pid", MAKE_I32, 0 },
	    { "child_comm", MAKE_NAME, 2 },
	    { "child_pid", MAKE_I32, 2 } } },
	{ "newtask",
	  FT,
	  "task_newtask",
	  { { "pid", MAKE_I32, 0 }, { "comm", MAKE_NAME, 0 }, { "clone_flags", MAKE_I64, 1 } } },
	{ "exec",
	  LT,
	  "sched_process_exec",
	  { { "tid", MAKE_I32, 0 }, { "old_tid", MAKE_I32, 1 }, { "filename", MAKE_TEXT, 2 } } },
	{ "exec",
	  FT,
	  "sched_process_exec",
	  { { "pid", MAKE_I32, 0 }, { "old_pid", MAKE_I32, 1 }, { "filename", MAKE_TEXT, 2 } } },
	{ "rename",
	  FT,
	  "task_rename",
	  { { "pid", MAKE_I32, 0 }, { "oldcomm", MAKE_NAME, 0 }, { "newcomm", MAKE_TEXT, 1 } } },
	{ "end", LT, "sched_process_exit", { { "tid", MAKE_I32, 0 } } },
	{ "end", FT, "sched_process_exit", { { "pid", MAKE_I32, 0 } } },
	{ "free", LT, "sched_process_free", { { "tid", MAKE_I32, 0 } } },
	{ "free", FT, "sched_process_free", { { "pid", MAKE_I32, 0 } } },
	{ "dump",
	  LT,
	  "lttng_statedump_process_state",
	  { { "tid", MAKE_I32, 0 },
	    { "pid", MAKE_I32, 1 },
	    { "name", MAKE_NAME, 0 },
	    { "status", MAKE_I32, 2 } } },
	{ "pcomm",
	  FT,
	  "perf:comm",
	  { { "pid", MAKE_I32, 1 }, { "tid", MAKE_I32, 0 }, { "comm", MAKE_TEXT, 2 } } },
	{ "psample", FT, "perf:sample", { { "pid", MAKE_I32, 1 }, { "tid", MAKE_I32, 0 } } },
	{ "pfork",
	  FT,
	  "perf:fork",
	  { { "pid", MAKE_I32, 1 }, { "ppid", MAKE_I32, 2 }, { "tid", MAKE_I32, 0 } } },
	{ "out",
	  LT,
	  "inet_sock_local_out",
	  { { "seq", MAKE_I32, 0 }, { "ack_seq", MAKE_I32, 1 }, { "flags", MAKE_I32, 1 } } },
	{ "in",
	  LT,
	  "inet_sock_local_in",
	  { { "seq", MAKE_I32, 0 }, { "ack_seq", MAKE_I32, 1 }, { "flags", MAKE_I32, 1 } } },
	{ "timer+", LT, "timer_hrtimer_expire_entry", { { "hrtimer", MAKE_I64, 0 } } },
	{ "timer-", LT, "timer_hrtimer_expire_exit", { { "hrtimer", MAKE_I64, 0 } } },
	{ "timer+", FT, "hrtimer_expire_entry", { { "hrtimer", MAKE_I64, 0 } } },
	{ "timer-", FT, "hrtimer_expire_exit", { { "hrtimer", MAKE_I64, 0 } } },
	{ "netif+", LT, "net_if_receive_skb_entry", { { "skbaddr", MAKE_I64, 0 } } },
	{ "netif-", LT, "net_if_receive_skb_exit", { { "ret", MAKE_I32, 0 } } },
	{ "netif+", FT, "netif_receive_skb_entry", { { "skbaddr", MAKE_I64, 0 } } },
	{ "netif-", FT, "netif_receive_skb_exit", { { "ret", MAKE_I32, 0 } } },
	{ "ipi+", LT, "x86_irq_vectors_reschedule_entry", { { "vector", MAKE_I32, 0 } } },
	{ "ipi-", LT, "x86_irq_vectors_reschedule_exit", { { "vector", MAKE_I32, 0 } } },
	{ "ipi+", FT, "reschedule_entry", { { "vector", MAKE_I32, 0 } } },
	{ "ipi-", FT, "reschedule_exit", { { "vector", MAKE_I32, 0 } } },
	{ "disk",
	  LT,
	  "lttng_statedump_block_device",
	  { { "dev", MAKE_I32, 0 }, { "diskname", MAKE_TEXT, 1 } } },
	{ "insert", LT, "block_rq_insert", { REQUEST, { "tid", MAKE_I32, 5 } } },
	{ "issue", LT, "block_rq_issue", { REQUEST, { "tid", MAKE_I32, 5 } } },
	{ "complete",
	  LT,
	  "block_rq_complete",
	  { { "dev", MAKE_I32, 0 },
	    { "sector", MAKE_I64, 1 },
	    { "nr_sector", MAKE_I32, 2 },
	    { "rwbs", MAKE_I32, 3 } } },
	{ "finsert", FT, "block_rq_insert", { FTRACE_REQUEST, { "rwbs", MAKE_TEXT, 4 } } },
	{ "fissue", FT, "block_rq_issue", { FTRACE_REQUEST, { "rwbs", MAKE_TEXT, 4 } } },
	{ "fcomplete",
	  FT,
	  "block_rq_complete",
	  { { "dev", MAKE_I32, 0 },
	    { "sector", MAKE_I64, 1 },
	    { "nr_sector", MAKE_I32, 2 },
	    { "rwbs", MAKE_TEXT, 3 } } },
	{ "lock+",
	  ALL,
	  "contention_begin",
	  { { "lock_addr", MAKE_I64, 0 }, { "flags", MAKE_I32, 1 } } },
	{ "lock-",
	  ALL,
	  "lock:contention_end",
	  { { "lock_addr", MAKE_I64, 0 }, { "ret", MAKE_I32, 1 } } },
	{ "futex", 1 << LTTNG, "syscall_entry_futex", { FUTEX } },
	{ "futex", 1 << LTTNG_OLD, "sys_futex", { FUTEX } },
	{ "futex", FT, "sys_enter_futex", { FUTEX } },
	{ "queue", ALL, "workqueue_queue_work", { { "work", MAKE_I64, 0 } } },
	{ "work", ALL, "workqueue_execute_start", { { "work", MAKE_I64, 0 } } },
	{ "other", ALL, "kmem_kfree", { { "ptr", MAKE_I64, 0 } } },
};

static unsigned bytes_of(enum make make)
{
	switch (make) {
	case MAKE_NONE: return 0;
	case MAKE_I32:
	case MAKE_PRIO: return 4;
	case MAKE_I64:
	case MAKE_CALL: return 8;
	case MAKE_NAME:
	case MAKE_HANDLER:
	case MAKE_TEXT: return 16;
	}
	return 0;
}

static struct sonde_type *new_int(struct arena *a, unsigned bytes)
{
	struct sonde_type *t = arena_new(a, struct sonde_type);

	sonde_check(t);
	t->kind = SONDE_INT;
	t->align = 8;
	t->fixed_len = bytes * 8;
	t->u.integer.len = (uint8_t)(bytes * 8);
	t->u.integer.base = 10;
	t->u.integer.is_signed = true;
	return t;
}

static struct sonde_type *new_text(struct arena *a)
{
	struct sonde_type *t = arena_new(a, struct sonde_type);
	struct sonde_type *elem = new_int(a, 1);

	sonde_check(t);
	elem->u.integer.encoding = SONDE_ENC_UTF8;
	t->kind = SONDE_ARRAY;
	t->align = 8;
	t->fixed_len = 16 * 8;
	t->u.array.elem = elem;
	t->u.array.n = 16;
	t->u.array.is_text = true;
	return t;
}

static struct sonde_type *new_struct(struct arena *a, const struct field *fields)
{
	struct sonde_member *members = arena_array(a, FIELDS_MOST, sizeof(*members));
	struct sonde_type *t = arena_new(a, struct sonde_type);

	sonde_check(t && members);
	t->kind = SONDE_STRUCT;
	t->align = 8;
	t->u.structure.members = members;
	for (size_t i = 0; i < FIELDS_MOST && fields[i].name; i++) {
		const unsigned bytes = bytes_of(fields[i].make);

		members[i].name = members[i].shown = fields[i].name;
		members[i].type = bytes == 16 ? new_text(a) : new_int(a, bytes);
		t->fixed_len += bytes * 8;
		t->u.structure.n_members++;
	}
	return t;
}

static struct sonde_event_class *class_of(struct maker *m, const char *name,
					  const struct field *fields)
{
	size_t i = 0;

	for (; i < m->stream_class.n_events; i++) {
		if (!strcmp(m->classes[i]->name, name))
			return m->classes[i];
	}
	struct sonde_event_class *c = arena_new(&m->arena, struct sonde_event_class);
	sonde_check(c && i < MAKER_CLASSES);
	c->stream_class = &m->stream_class;
	c->name = arena_strndup(&m->arena, name, strlen(name));
	c->payload = new_struct(&m->arena, fields);
	c->index = (uint32_t)i;
	m->classes[m->stream_class.n_events++] = c;
	return c;
}

static void put(struct maker *m, const void *data, size_t len)
{
	sonde_check(m->used + len <= MAKER_DATA);
	memcpy(m->data + m->used, data, len);
	m->used += len;
}

static int64_t call_number(const char *name)
{
	char known[SYSCALL_NAME_MOST];

	for (int64_t nr = 0; nr < 500; nr++) {
		if (syscall_name(SYSCALL_ABI_X86_64, nr, known) && !strcmp(known, name))
			return nr;
	}
	return strtoll(name, NULL, 10);
}

static void put_field(struct maker *m, const struct field *f, const char *arg)
{
	const int64_t v = strtoll(arg, NULL, 0);
	const int32_t small = (int32_t)v, prio = m->flavour >= FTRACE ? 120 : 20;
	const int64_t nr = call_number(arg);
	char text[16] = { 0 };

	switch (f->make) {
	case MAKE_NONE: break;
	case MAKE_I32: put(m, &small, 4); break;
	case MAKE_I64: put(m, &v, 8); break;
	case MAKE_PRIO: put(m, &prio, 4); break;
	case MAKE_CALL: put(m, &nr, 8); break;
	case MAKE_NAME:
		snprintf(text, sizeof(text), "t%lld", (long long)v);
		put(m, text, sizeof(text));
		break;
	case MAKE_HANDLER: put(m, "h\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(text)); break;
	case MAKE_TEXT:
		snprintf(text, sizeof(text), "%s", arg);
		put(m, text, sizeof(text));
		break;
	}
}

static void make_gap(struct maker *m, struct sonde_event *e, size_t cpu, char **args)
{
	static const char *const kinds[] = { "lost", "packets", "cut", "backward" };
	struct sonde_gap *g = &m->gaps[m->n_events];

	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (!strcmp(kinds[i], args[0]))
			g->kind = (enum sonde_gap_kind)i;
	}
	g->stream = &m->streams[cpu];
	g->has_count = true;
	g->count = strtoull(args[1], NULL, 10);
	g->begin_ns = strtoll(args[2], NULL, 10);
	g->end_ns = e->ts_ns;
	e->u.gap = g;
	m->n_events++;
}

static void make_event(struct maker *m, struct sonde_event *e, size_t cpu, const char *verb,
		       char **args)
{
	const struct verb *v = verbs;
	char name[64];

	while (v < verbs + MEM_LEN(verbs) &&
	       (strcmp(v->verb, verb) != 0 || !(v->flavours >> m->flavour & 1)))
		v++;
	if (v == verbs + MEM_LEN(verbs))
		return;
	(void)snprintf(name, sizeof(name), "%s", v->event);
	char *hole = strchr(name, '%');
	if (hole)
		(void)snprintf(hole, sizeof(name) - (size_t)(hole - name), "%s", args[0]);
	e->cls = class_of(m, name, v->fields);
	e->u.pkt = &m->packets[cpu];
	e->at = m->used * 8;
	if (!strcmp(verb, "switch"))
		m->current[cpu] = strtol(args[0], NULL, 10);
	if (m->flavour == FTRACE_CURRENT) {
		const int32_t current = (int32_t)m->current[cpu];

		put(m, &current, 4);
		e->payload = 32;
	}
	for (size_t i = 0; i < FIELDS_MOST && v->fields[i].name; i++)
		put_field(m, &v->fields[i], args[v->fields[i].arg]);
	e->end = (uint32_t)(m->used * 8 - e->at);
	if (!strcmp(verb, "switch"))
		m->current[cpu] = strtol(args[2], NULL, 10);
	m->n_events++;
}

static void make_line(struct maker *m, char *line)
{
	char none[] = "", *args[ARGS_MOST + 3] = { none, none, none, none, none, none, none, none };
	size_t n = 0;

	for (char *at = line; n < ARGS_MOST + 3;) {
		at += strspn(at, " \t");
		if (!*at)
			break;
		args[n++] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
	if (n < 3)
		return;
	sonde_check(m->n_events < MAKER_EVENTS);
	const size_t cpu = *args[1] == '-' ? MAKER_CPUS : strtoul(args[1], NULL, 10);
	struct sonde_event *e = &m->events[m->n_events];
	sonde_check(cpu <= MAKER_CPUS);
	e->ts_ns = strtoll(args[0], NULL, 10);
	if (!strcmp(args[2], "now"))
		m->current[cpu] = strtol(args[3], NULL, 10);
	else if (!strcmp(args[2], "gap"))
		make_gap(m, e, cpu, args + 3);
	else
		make_event(m, e, cpu, args[2], args + 3);
}

void maker_init(struct maker *m, enum flavour f, int64_t begin_ns, const char *text)
{
	static const struct field context[FIELDS_MOST] = { { "common_pid", MAKE_I32, 0 } };

	memset(m, 0, sizeof(*m));
	m->flavour = f;
	m->env[0] = (struct sonde_env){ "hostname", "box", 0 };
	m->env[1] = (struct sonde_env){ "architecture", "x86_64", 0 };
	m->env[2] = (struct sonde_env){ "only_pids", "7", 0 };
	m->trace.env = m->env;
	m->trace.n_env = 2 + !strncmp(text, "only", 4);
	m->stream_classes[0] = &m->stream_class;
	m->trace.streams = m->stream_classes;
	m->trace.n_streams = 1;
	m->stream_class.trace = &m->trace;
	m->stream_class.events = m->classes;
	if (f == FTRACE_CURRENT)
		m->stream_class.event_context = new_struct(&m->arena, context);
	for (uint32_t i = 0; i <= MAKER_CPUS; i++) {
		m->current[i] = i == 3 ? 103 : 0;
		m->streams[i].cls = &m->stream_class;
		m->streams[i].index = i;
		m->packets[i] = (struct sonde_packet){
			.stream = &m->streams[i],
			.data = m->data,
			.n_bits = MAKER_DATA * 8,
			.begin_ns = begin_ns,
			.has_begin = begin_ns != INT64_MIN,
			.cpu = i < MAKER_CPUS ? (int32_t)i : -1,
		};
	}
	char *copy = strdup(text), *rest = copy;
	sonde_check(copy);
	for (char *line; (line = strsep(&rest, "\n"));)
		make_line(m, line);
	free(copy);
}

void maker_fini(struct maker *m)
{
	arena_fini(&m->arena);
}
