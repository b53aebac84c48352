/* SPDX-License-Identifier: MIT */
/** Reads perf's records of processes out of events. */
#include "sym/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/field.h"

enum kind { UNLOOKED, OTHER, MAP, COMM, FORK, EXIT, FORGET };

enum field {
	F_PID,
	F_TID,
	F_PPID,
	F_PTID,
	F_ADDR,
	F_LEN,
	F_PGOFF,
	F_MAJ,
	F_MIN,
	F_INO,
	F_GEN,
	F_BUILD_ID,
	F_FILENAME,
	F_COMM,
	F_EXEC,
	F_LOST,
	F_N
};

static const char *const field_names[F_N] = {
	[F_PID] = "pid",
	[F_TID] = "tid",
	[F_PPID] = "ppid",
	[F_PTID] = "ptid",
	[F_ADDR] = "addr",
	[F_LEN] = "len",
	[F_PGOFF] = "pgoff",
	[F_MAJ] = "maj",
	[F_MIN] = "min",
	[F_INO] = "ino",
	[F_GEN] = "ino_generation",
	[F_BUILD_ID] = "build_id",
	[F_FILENAME] = "filename",
	[F_COMM] = "comm",
	[F_EXEC] = "exec",
	[F_LOST] = "lost",
};

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{ "perf:mmap2", MAP }, { "perf:comm", COMM },	  { "perf:fork", FORK },
	{ "perf:exit", EXIT }, { "perf:forget", FORGET },
};

/* What an event class is to us, and where its fields are. */
struct history_class {
	enum kind kind;
	struct field_ref *f; /* owned; F_N; NULL where there is nothing to be told */
};

static void trace_free(struct history_trace *t)
{
	if (!t)
		return;
	naming_free(t->naming);
	procs_free(t->procs);
	free(t);
}
SONDE_DEFINE_AUTO(struct history_trace *, trace_free)

void history_fini(struct history *h)
{
	for (size_t i = 0; i < h->n_traces; i++)
		trace_free(h->traces[i]);
	for (size_t i = 0; i < h->n_classes; i++)
		free(h->classes[i].f);
	free(h->traces);
	free(h->classes);
}

static int look_at_class(const struct sonde_event_class *cls, struct history_class *ret)
{
	enum kind kind = OTHER;

	for (size_t i = 0; i < MEM_LEN(kinds); i++)
		if (!strcmp(cls->name, kinds[i].name))
			kind = kinds[i].kind;
	if (kind != OTHER) {
		ret->f = calloc(F_N, sizeof(*ret->f));
		if (!ret->f)
			return sonde_fail(-ENOMEM, "out of memory");
		for (size_t i = 0; i < F_N; i++)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, field_names[i], &ret->f[i]);
	}
	ret->kind = kind;
	return 0;
}

static int class_of(struct history *h, const struct sonde_event_class *cls,
		    struct history_class **ret)
{
	const size_t n = (size_t)cls->index + 1;

	if (n > h->n_classes) {
		int r = mem_grow(&h->classes, &h->cap_classes, n);
		if (r < 0)
			return r;
		memset(&h->classes[h->n_classes], 0, (n - h->n_classes) * sizeof(*h->classes));
		h->n_classes = n;
	}
	*ret = &h->classes[cls->index];
	return (*ret)->kind == UNLOOKED ? look_at_class(cls, *ret) : 0;
}

static int open_trace(struct history *h, const struct sonde_trace *trace,
		      struct history_trace **ret)
{
	sonde_auto(trace_freep) struct history_trace *t = calloc(1, sizeof(*t));

	if (!t)
		return sonde_fail(-ENOMEM, "out of memory");
	t->trace = trace;
	int r = procs_new(&t->procs);
	if (!r)
		r = naming_new(trace->path, &t->naming);
	if (r < 0 && r != -ENOMEM) { // names are lost, not what happened
		if (h->note)
			h->note(h->note_arg, sonde_err_str());
		r = naming_new(NULL, &t->naming);
	}
	if (!r)
		*ret = sonde_take(t);
	return r;
}

int history_of(struct history *h, const struct sonde_trace *trace, struct history_trace **ret)
{
	const size_t n = (size_t)trace->index + 1;

	if (n > h->n_traces) {
		int r = mem_grow(&h->traces, &h->cap_traces, n);
		if (r < 0)
			return r;
		memset(&h->traces[h->n_traces], 0, (n - h->n_traces) * sizeof(*h->traces));
		h->n_traces = n;
	}
	struct history_trace **at = &h->traces[trace->index];
	int r = *at ? 0 : open_trace(h, trace, at);
	if (!r)
		*ret = *at;
	return r;
}

static int64_t int_of(const struct sonde_event *e, const struct history_class *c, enum field f)
{
	int64_t v = 0;

	(void)field_int(e, &c->f[f], &v); // 0 where it is not there
	return v;
}

static struct sonde_span text_of(const struct sonde_event *e, const struct history_class *c,
				 enum field f)
{
	struct sonde_span s = { (const uint8_t *)"", 0 };

	(void)field_text(e, &c->f[f], &s); // empty likewise
	return s;
}

static int take_map(struct history_trace *t, const struct sonde_event *e,
		    const struct history_class *c)
{
	struct sonde_span id = text_of(e, c, F_BUILD_ID), path = text_of(e, c, F_FILENAME);
	struct map map = { .start = (uint64_t)int_of(e, c, F_ADDR),
			   .off = (uint64_t)int_of(e, c, F_PGOFF) };
	struct dso key = {
		.path = (const char *)path.data,
		.maj = (uint32_t)int_of(e, c, F_MAJ),
		.min = (uint32_t)int_of(e, c, F_MIN),
		.ino = (uint64_t)int_of(e, c, F_INO),
		.gen = (uint64_t)int_of(e, c, F_GEN),
	};

	if (__builtin_add_overflow(map.start, (uint64_t)int_of(e, c, F_LEN), &map.end))
		return 0;
	(void)build_id_parse((const char *)id.data, id.len, &key.id);
	int r = dsos_intern(naming_dsos(t->naming), &key, path.len, &map.dso);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	return procs_mmap(t->procs, (pid_t)int_of(e, c, F_PID), &map);
}

static int take_comm(struct history_trace *t, const struct sonde_event *e,
		     const struct history_class *c)
{
	const struct sonde_span comm = text_of(e, c, F_COMM);

	return procs_comm(t->procs, (pid_t)int_of(e, c, F_PID), (pid_t)int_of(e, c, F_TID),
			  (const char *)comm.data, comm.len, int_of(e, c, F_EXEC) != 0);
}

/* After a loss of records nothing that was known of processes is believed. */
static int forget(struct history *h, struct history_trace *t, uint64_t lost)
{
	struct procs *fresh = NULL;

	h->lost += lost;
	int r = procs_new(&fresh);
	if (r < 0)
		return r;
	procs_free(t->procs);
	t->procs = fresh;
	return 0;
}

int history_take(struct history *h, const struct sonde_event *e)
{
	struct history_trace *t = NULL;
	struct history_class *c;
	int r = class_of(h, e->cls, &c);

	if (r < 0 || c->kind == OTHER)
		return r;
	r = history_of(h, e->cls->stream_class->trace, &t);
	if (r < 0 || !t)
		return r;
	const pid_t pid = (pid_t)int_of(e, c, F_PID), tid = (pid_t)int_of(e, c, F_TID);
	switch (c->kind) {
	case MAP: return take_map(t, e, c);
	case COMM: return take_comm(t, e, c);
	case FORK:
		return procs_fork(t->procs, pid, tid, (pid_t)int_of(e, c, F_PPID),
				  (pid_t)int_of(e, c, F_PTID));
	case EXIT: return procs_exit(t->procs, pid, tid);
	default: return forget(h, t, (uint64_t)int_of(e, c, F_LOST));
	}
}
