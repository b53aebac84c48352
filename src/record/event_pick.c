/* SPDX-License-Identifier: MIT */
/** Chooses kernel events by globs, and suggests near names for those that do not exist. */
#include "record/event_pick.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/near.h"
#include "base/strbuf.h"

/* What the analyses need, where the kernel has it. */
static const char *const usual[] = {
	"sched:sched_switch",
	"sched:sched_waking",
	"sched:sched_wakeup_new",
	"sched:sched_process_fork",
	"sched:sched_process_exec",
	"sched:sched_process_exit",
	"sched:sched_process_free",
	"sched:sched_migrate_task",
	"sched:sched_pi_setprio",
	"task:task_newtask",
	"task:task_rename",
	"irq:irq_handler_entry",
	"irq:irq_handler_exit",
	"irq:softirq_raise",
	"irq:softirq_entry",
	"irq:softirq_exit",
	"irq_vectors:call_function_entry",
	"irq_vectors:call_function_exit",
	"irq_vectors:call_function_single_entry",
	"irq_vectors:call_function_single_exit",
	"irq_vectors:irq_work_entry",
	"irq_vectors:irq_work_exit",
	"irq_vectors:reschedule_entry",
	"irq_vectors:reschedule_exit",
	"timer:hrtimer_expire_entry",
	"timer:hrtimer_expire_exit",
	"workqueue:workqueue_queue_work",
	"workqueue:workqueue_execute_start",
	"raw_syscalls:sys_enter",
	"raw_syscalls:sys_exit",
	"block:block_rq_issue",
	"block:block_rq_complete",
	"lock:contention_begin",
	"lock:contention_end",
	"tcp:tcp_probe",
	"sock:inet_sock_set_state",
	"sock:sock_send_length",
	"sock:sock_recv_length",
	"net:net_dev_start_xmit",
	"net:netif_receive_skb_entry",
	"net:netif_receive_skb_exit",
	"signal:signal_generate",
	"signal:signal_deliver",
	"power:cpu_frequency",
};

/* What tells which message of one host made a thread of another go on, where the kernel has it. */
static const char *const net[] = {
	"sched:sched_switch",
	"sched:sched_waking",
	"sched:sched_wakeup_new",
	"sched:sched_process_fork",
	"sched:sched_process_exec",
	"sched:sched_process_exit",
	"task:task_newtask",
	"task:task_rename",
	"irq:irq_handler_entry",
	"irq:irq_handler_exit",
	"irq:softirq_entry",
	"irq:softirq_exit",
	"timer:hrtimer_expire_entry",
	"timer:hrtimer_expire_exit",
	"sock:inet_sock_set_state",
	"sock:sock_send_length",
	"sock:sock_recv_length",
	"tcp:tcp_probe",
	"tcp:tcp_retransmit_skb",
	"net:net_dev_start_xmit",
	"net:netif_receive_skb_entry",
	"net:netif_receive_skb_exit",
	"net:netif_receive_skb",
	"net:net_dev_xmit",
	"workqueue:workqueue_queue_work",
	"workqueue:workqueue_execute_start",
};

/* Who waits for which lock, until when, and who wakes it. */
static const char *const locks[] = {
	"lock:contention_begin",    "lock:contention_end",	"raw_syscalls:sys_enter",
	"raw_syscalls:sys_exit",    "sched:sched_switch",	"sched:sched_waking",
	"sched:sched_wakeup_new",   "sched:sched_process_fork", "sched:sched_process_exec",
	"sched:sched_process_exit", "task:task_newtask",	"task:task_rename",
	"irq:irq_handler_entry",    "irq:irq_handler_exit",	"irq:softirq_entry",
	"irq:softirq_exit",
};

/* When threads are blocked, and who wakes them. */
static const char *const blocking[] = {
	"sched:sched_switch",	    "sched:sched_waking",	"sched:sched_wakeup_new",
	"sched:sched_process_fork", "sched:sched_process_exec", "sched:sched_process_exit",
	"task:task_newtask",	    "task:task_rename",
};

enum { SUGGEST_MOST = 4, NAME_LEN_MOST = 128 };

void event_list_fini(struct event_list *l)
{
	free(l->events);
	*l = (struct event_list){ 0 };
}

static int add_event(struct event_list *l, struct arena *arena, const char *system,
		     const char *name)
{
	int r = mem_grow(&l->events, &l->cap, l->n + 1);
	if (r < 0)
		return r;
	const char *last = l->n ? l->events[l->n - 1].system : "";
	char *copy = arena_strndup(arena, name, strlen(name));
	if (strcmp(last, system) != 0)
		last = arena_strndup(arena, system, strlen(system));
	if (!copy || !last)
		return -ENOMEM;
	l->events[l->n++] = (struct event_pick){ .system = last, .name = copy, .shown = copy };
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct event_pick *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->system, y->system);
}

static int by_system(const void *a, const void *b)
{
	const struct event_pick *x = a, *y = b;
	int r = strcmp(x->system, y->system);

	return r ? r : strcmp(x->name, y->name);
}

/* Names that several systems have get their system before them. */
static int name_apart(struct event_list *l, struct arena *arena)
{
	char text[2 * NAME_LEN_MOST];

	qsort(l->events, l->n, sizeof(*l->events), by_name);
	for (size_t i = 0; i < l->n; i++) {
		struct event_pick *e = &l->events[i];
		bool twice = (i && !strcmp(e[-1].name, e->name)) ||
			     (i + 1 < l->n && !strcmp(e[1].name, e->name));
		if (!twice)
			continue;
		(void)snprintf(text, sizeof(text), "%s:%s", e->system, e->name);
		e->shown = arena_strndup(arena, text, strlen(text));
		if (!e->shown)
			return -ENOMEM;
	}
	qsort(l->events, l->n, sizeof(*l->events), by_system);
	return 0;
}

/* One line of available_events: "system:name". */
static int add_line(struct event_list *l, struct arena *arena, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	char *name = strchr(line, ':');
	if (!name || name == line || !name[1] || strlen(line) > NAME_LEN_MOST)
		return 0;
	*name++ = '\0';
	// The tracer's own records cannot be enabled one by one.
	if (!strcmp(line, "ftrace"))
		return 0;
	return add_event(l, arena, line, name);
}

int event_list_read(struct event_list *l, const char *dir, struct arena *arena)
{
	char path[PATH_MAX], line[2 * NAME_LEN_MOST];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s/available_events", dir);
	FILE *f = fopen(path, "re");
	if (!f)
		return sonde_fail_errno(-errno, "'%s'", path);
	while (!r && fgets(line, sizeof(line), f))
		r = add_line(l, arena, line);
	(void)fclose(f);
	if (!r && !l->n)
		r = sonde_fail(-ENOTSUP, "this kernel has no trace events");
	return r < 0 ? r : name_apart(l, arena);
}

static bool matches(const struct event_pick *e, const char *glob)
{
	char full[2 * NAME_LEN_MOST];

	if (!strchr(glob, ':'))
		return !fnmatch(glob, e->name, 0) || !strcmp(glob, e->system);
	(void)snprintf(full, sizeof(full), "%s:%s", e->system, e->name);
	return !fnmatch(glob, full, 0);
}

/* 0: the same; large: not near at all. */
static unsigned far_from(const struct event_pick *e, const char *word)
{
	char full[2 * NAME_LEN_MOST];

	(void)snprintf(full, sizeof(full), "%s:%s", e->system, e->name);
	unsigned d = near_distance(word, strchr(word, ':') ? full : e->name);
	const char *last = strrchr(word, ':') ? strrchr(word, ':') + 1 : word;
	// A part of a name, or a name of another system, is as near as two letters.
	if (d > 2 && strlen(last) >= 4 && strstr(e->name, last))
		d = 2;
	return d;
}

static int unknown_event(const struct event_list *l, const char *glob)
{
	struct strbuf near = { 0 };
	unsigned most = (unsigned)strlen(glob) / 3;
	unsigned n = 0;

	if (most < 2)
		most = 2;
	for (unsigned d = 0; d <= most && n < SUGGEST_MOST; d++) {
		for (size_t i = 0; i < l->n && n < SUGGEST_MOST; i++) {
			if (far_from(&l->events[i], glob) != d)
				continue;
			strbuf_fmt(&near, "%s'%s:%s'", n ? ", " : "; did you mean ",
				   l->events[i].system, l->events[i].name);
			n++;
		}
	}
	int r = sonde_fail(-EINVAL, "this kernel has no event '%s'%s%s", glob, strbuf_text(&near),
			   n ? "?" : "");
	strbuf_fini(&near);
	return r;
}

static size_t pick(struct event_list *l, const struct record_event *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct event_pick *e = &l->events[i];
		if (!matches(e, wanted->glob))
			continue;
		e->picked = true;
		e->whole |= wanted->whole;
		if (e->whole)
			e->filter = NULL;
		else if (wanted->filter)
			e->filter = wanted->filter;
		n++;
	}
	return n;
}

static void drop(struct event_list *l, const char *glob)
{
	for (size_t i = 0; i < l->n; i++)
		if (matches(&l->events[i], glob))
			l->events[i].picked = false;
}

int event_list_pick(struct event_list *l, const struct record_opts *o)
{
	bool wants_usual = !o->no_usual;
	size_t found = 0;

	for (size_t i = 0; i < o->n_events; i++)
		wants_usual &= o->events[i].is_made;

	for (size_t i = 0; i < o->n_events; i++) {
		const struct record_event *e = &o->events[i];
		if (!e->is_made && !pick(l, e) && !e->may_lack)
			return unknown_event(l, e->glob);
	}
	for (size_t i = 0; o->net && i < MEM_LEN(net); i++)
		(void)pick(l, &(struct record_event){ .glob = net[i] });
	for (size_t i = 0; o->locks && i < MEM_LEN(locks); i++)
		(void)pick(l, &(struct record_event){ .glob = locks[i] });
	for (size_t i = 0; o->blocking && i < MEM_LEN(blocking); i++)
		(void)pick(l, &(struct record_event){ .glob = blocking[i] });
	for (size_t i = 0; wants_usual && i < MEM_LEN(usual); i++)
		found += pick(l, &(struct record_event){ .glob = usual[i] });
	for (size_t i = 0; i < o->n_events; i++)
		if (o->events[i].is_made)
			drop(l, o->events[i].glob);
	if (wants_usual && !found)
		return sonde_fail(-ENOTSUP, "this kernel has none of the usual trace events");
	return 0;
}

/* Names and globs of them have none of these; every filter has one. */
static const char of_filters[] = "=<>&| ()~";

char *event_list_next(char **list)
{
	char *text = *list + strspn(*list, " ");
	unsigned colons = 0;
	bool in_set = false; /* of a glob: "[ab]" */

	*list = NULL;
	for (char *p = text; *p; p++) {
		in_set = *p == '[' || (in_set && *p != ']');
		colons += *p == ':';
		if (colons == 2 || (colons && strchr(of_filters, *p)))
			return text;
		if (*p == ',' && !in_set) {
			*p = '\0';
			*list = p + 1;
			return text;
		}
	}
	return text;
}

struct record_event event_split(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return (struct record_event){ .glob = text };
	char *second = strchr(colon + 1, ':');
	const size_t first_len = second ? (size_t)(second - colon - 1) : strlen(colon + 1);
	const bool is_filter = strcspn(colon + 1, of_filters) < first_len;
	if (is_filter || second) {
		char *cut = is_filter ? colon : second;
		*cut = '\0';
		return (struct record_event){ .glob = text, .filter = cut + 1 };
	}
	return (struct record_event){ .glob = text };
}
