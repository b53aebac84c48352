/* SPDX-License-Identifier: MIT */
/** The sockets of sonde crash CORE net: those that processes had open, and the kernel's tables'. */
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "crash/linux/file/fd.h"
#include "crash/linux/file/socket.h"
#include "crash/linux/show/show.h"

enum { SOCKETS_MOST = 1 << 18 };

enum { NETNS = 9 };

static const struct table_column columns[] = {
	{ "type", "TYPE", TABLE_TEXT },	   { "state", "STATE", TABLE_TEXT },
	{ "recv_q", "RECV-Q", TABLE_ID },  { "send_q", "SEND-Q", TABLE_ID },
	{ "local", "LOCAL", TABLE_TEXT },  { "peer", "PEER", TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },	   { "fd", "FD", TABLE_ID },
	{ "comm", "PROCESS", TABLE_TEXT }, [NETNS] = { "netns", NULL, TABLE_ID },
	{ "inode", NULL, TABLE_ID },	   { "addr", NULL, TABLE_TEXT },
};

/** One socket, by the first of those that have it open. */
struct seen {
	uint64_t sk;
	const struct crash_task *task; /* NULL: none */
	int64_t fd;
	uint32_t n; /* of them */
	unsigned rank;
	uint64_t inode;
};

struct sockets {
	struct linux_kernel *k;
	struct socket_fields f;
	const struct namespaces *namespaces; /* borrowed, as the next */
	const struct namespace *only;	     /* NULL: all */
	struct seen *all;		     /* owned */
	size_t n, cap;
	struct u64map by_address;
	bool full;
	int err;
};

static int keep(struct sockets *s, uint64_t sk, const struct crash_task *t, int64_t fd)
{
	uint32_t i;

	if (u64map_get(&s->by_address, sk, &i)) {
		s->all[i].n += t != NULL;
		return 0;
	}
	if (s->n == SOCKETS_MOST) {
		s->full = true;
		return 1;
	}
	s->err = mem_grow(&s->all, &s->cap, s->n + 1);
	if (!s->err)
		s->err = u64map_put(&s->by_address, sk, (uint32_t)s->n);
	if (!s->err)
		s->all[s->n++] = (struct seen){ sk, t, fd, t != NULL, 0, 0 };
	return s->err;
}

static int keep_file(void *arg, const struct crash_task *t, int64_t fd, uint64_t file)
{
	struct sockets *s = arg;
	uint64_t sk = socket_of_file(s->k, &s->f, file);

	return sk ? keep(s, sk, t, fd) : 0;
}

static int keep_alone(void *arg, uint64_t sk)
{
	return keep(arg, sk, NULL, -1);
}

/* What people look for first stands first: TCP, UDP ... and what listens before the rest. */
static unsigned rank(const struct socket_about *a)
{
	static const char *const first[] = { "tcp", "udp" };
	unsigned i = 0;

	while (i < MEM_LEN(first) && strcmp(a->type, first[i]) != 0)
		i++;
	if (i == MEM_LEN(first))
		i += !strncmp(a->type, "u_", 2);
	return 2 * i + (strcmp(a->state, "LISTEN") != 0);
}

static int by_rank(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->sk < y->sk ? -1 : x->sk > y->sk;
}

static void add(struct sockets *s, struct table *t, const struct seen *one)
{
	struct linux_kernel *k = s->k;
	struct socket_about a;

	(void)socket_about(k, &s->f, one->sk, &a); // what cannot be read is "?"
	const struct namespace *in = namespaces_at(s->namespaces, a.net);
	if (s->only && in != s->only)
		return;
	table_str(t, a.type);
	table_str(t, a.state);
	table_int(t, (int64_t)a.receive_queue);
	table_int(t, (int64_t)a.send_queue);
	table_str(t, linux_keep(k, "%s", a.local));
	table_str(t, linux_keep(k, "%s", a.peer));
	if (one->task) {
		table_int(t, one->task->pid);
		table_int(t, one->fd);
		table_str(t, one->n > 1 ? linux_keep(k, "%s (and %u more)", one->task->comm,
						     one->n - 1)
					: one->task->comm);
	} else {
		table_none(t);
		table_none(t);
		table_none(t);
	}
	if (in)
		table_int(t, (int64_t)in->inode);
	else
		table_none(t);
	table_int(t, (int64_t)a.inode);
	table_str(t, linux_keep(k, "0x%llx", (unsigned long long)one->sk));
}

/* All that there are, in s->all. */
static int collect(struct sockets *s, const struct crash_tasks *tasks, const char **ret_cut)
{
	struct socket_about a;
	struct fd_walk walk;
	const char *cut = NULL;

	int err = fd_walk_begin(&walk, s->k);
	for (size_t i = 0; !err && !s->err && !s->full && i < tasks->n; i++) {
		if (tasks->all[i].tid == tasks->all[i].pid)
			(void)fd_walk_task(&walk, &tasks->all[i], keep_file, s); // s->err has it
	}
	if (!err && !s->err && !s->full) {
		err = socket_tables(s->k, keep_alone, s, &cut);
		err = err < 0 ? err : 0;
	}
	err = err ? err : s->err;
	for (size_t i = 0; !err && i < s->n; i++) {
		(void)socket_about(s->k, &s->f, s->all[i].sk, &a); // else it is of the last rank
		s->all[i].rank = rank(&a);
		s->all[i].inode = a.inode;
	}
	if (s->n)
		qsort(s->all, s->n, sizeof(*s->all), by_rank);
	*ret_cut = s->full ? "there are more sockets than can be shown" : cut ? cut : walk.cut;
	return err;
}

int linux_show_sockets(struct crash_run *r, struct page *p, const struct crash_tasks *tasks,
		       const struct namespaces *all, const struct namespace *only)
{
	struct sockets s = { .k = linux_of(r->core), .namespaces = all, .only = only };
	struct table_column cols[MEM_LEN(columns)];
	const char *cut = NULL;
	struct table t;
	int err = 0;

	memcpy(cols, columns, sizeof(cols));
	cols[NETNS].head = all->n > 1 && !only ? "NETNS" : NULL;
	table_init(&t, cols, MEM_LEN(columns));
	if (socket_fields_find(s.k, &s.f) < 0)
		r->note(sonde_err_str());
	else
		err = collect(&s, tasks, &cut);
	if (!err && cut)
		r->note(cut);
	for (size_t i = 0; !err && i < s.n; i++)
		add(&s, &t, &s.all[i]);
	if (!err)
		err = page_table(p, "sockets", "Sockets", &t);
	table_fini(&t);
	free(s.all);
	u64map_fini(&s.by_address);
	return err;
}
