/* SPDX-License-Identifier: MIT */
/** Descriptors in events that are no system calls. */
#include "analysis/files/told.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/u64map.h"
#include "model/field.h"

enum { CLOEXEC = 0x80000 };

enum kind { KIND_UNKNOWN, KIND_NONE, KIND_FD, KIND_PROCESS, KIND_OPEN, KIND_CLOSE };

struct class_info {
	uint8_t kind;
	struct field_ref pid, tid, table, fd, flags, path, us;
};

struct fd_tolds {
	struct class_info *classes; /* owned, by class index */
	size_t cap;
	struct u64map by_table; /* trace and address of a table -> a thread that has it */
};

int fd_tolds_new(struct fd_tolds **ret)
{
	struct fd_tolds *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for files");
	*ret = s;
	return 0;
}

void fd_tolds_free(struct fd_tolds *s)
{
	if (!s)
		return;
	free(s->classes);
	u64map_fini(&s->by_table);
	free(s);
}

/* A script's event, with the thread and the process that all of its events have. */
static void resolve_script(const struct sonde_event_class *cls, struct class_info *c)
{
	const bool is_open = !strcmp(cls->name, "file:open");

	if (!field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "tid", &c->tid) ||
	    !field_find(cls, SONDE_SCOPE_PAYLOAD, "fd", &c->fd) ||
	    (is_open && !field_find(cls, SONDE_SCOPE_PAYLOAD, "path", &c->path)))
		return;
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "pid", &c->pid);
	(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "flags", &c->flags);
	(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "us", &c->us);
	c->kind = is_open ? KIND_OPEN : KIND_CLOSE;
}

/* LTTng before 2.13 tells each descriptor's process, later ones the address of its table. */
static void resolve(const struct sonde_event_class *cls, struct class_info *c)
{
	*c = (struct class_info){ .kind = KIND_NONE };
	const bool has_table =
		field_find(cls, SONDE_SCOPE_PAYLOAD, "file_table_address", &c->table);

	if (!strcmp(cls->name, "file:open") || !strcmp(cls->name, "file:close"))
		resolve_script(cls, c);
	if (!strcmp(cls->name, "lttng_statedump_process_state")) {
		if (has_table && field_find(cls, SONDE_SCOPE_PAYLOAD, "tid", &c->tid))
			c->kind = KIND_PROCESS;
		return;
	}
	if (strcmp(cls->name, "lttng_statedump_file_descriptor") != 0)
		return;
	(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "flags", &c->flags);
	if ((has_table || field_find(cls, SONDE_SCOPE_PAYLOAD, "pid", &c->pid)) &&
	    field_find(cls, SONDE_SCOPE_PAYLOAD, "fd", &c->fd) &&
	    field_find(cls, SONDE_SCOPE_PAYLOAD, "filename", &c->path))
		c->kind = KIND_FD;
}

static uint64_t table_key(const struct sonde_event *e, int64_t address)
{
	return (uint64_t)address ^ (uint64_t)e->cls->stream_class->trace->index << 56;
}

/* The thread that a descriptor's table is of; -1: not known. */
static int64_t owner(const struct fd_tolds *s, const struct class_info *c,
		     const struct sonde_event *e, int64_t *ret_pid)
{
	int64_t address, pid = -1;
	uint32_t tid;

	*ret_pid = -1;
	if (field_int(e, &c->table, &address))
		return u64map_get(&s->by_table, table_key(e, address), &tid) ? (int64_t)tid : -1;
	if (field_int(e, &c->pid, &pid))
		*ret_pid = pid;
	return pid;
}

static int read_one(const struct fd_tolds *s, const struct class_info *c,
		    const struct sonde_event *e, struct fd_told *ret)
{
	int64_t fd, flags, us;

	if (c->kind == KIND_FD) {
		ret->tid = owner(s, c, e, &ret->pid);
	} else if (!field_int(e, &c->tid, &ret->tid) || !field_int(e, &c->pid, &ret->pid)) {
		return 0;
	}
	ret->kind = c->kind == KIND_FD	   ? FD_TOLD_HAS
		    : c->kind == KIND_OPEN ? FD_TOLD_OPEN
					   : FD_TOLD_CLOSE;
	if (ret->tid <= 0 || !field_int(e, &c->fd, &fd) || fd < INT32_MIN || fd > INT32_MAX)
		return 0;
	ret->fd = (int32_t)fd;
	if (c->kind != KIND_CLOSE && !field_text(e, &c->path, &ret->path))
		return 0;
	if (field_int(e, &c->flags, &flags))
		ret->cloexec = (flags & CLOEXEC) != 0;
	if (field_int(e, &c->us, &us) && us >= 0 && us < INT64_MAX / 1000)
		ret->took_ns = us * 1000;
	return 1;
}

int fd_told_read(struct fd_tolds *s, const struct sonde_event *e, struct fd_told *ret)
{
	const size_t old = s->cap;
	const uint32_t at = e->cls->index;
	int64_t tid, address;

	if (at >= old) {
		if (mem_grow(&s->classes, &s->cap, (size_t)at + 1) < 0)
			return -ENOMEM;
		memset(s->classes + old, 0, (s->cap - old) * sizeof(*s->classes));
	}
	struct class_info *c = &s->classes[at];
	if (c->kind == KIND_UNKNOWN)
		resolve(e->cls, c);
	if (c->kind == KIND_NONE)
		return 0;
	if (c->kind == KIND_PROCESS) {
		if (!field_int(e, &c->tid, &tid) || tid <= 0 || tid > INT32_MAX ||
		    !field_int(e, &c->table, &address))
			return 0;
		return u64map_put(&s->by_table, table_key(e, address), (uint32_t)tid);
	}
	*ret = (struct fd_told){ .cloexec = -1, .took_ns = -1 };
	return read_one(s, c, e, ret);
}
