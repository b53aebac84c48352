/* SPDX-License-Identifier: MIT */
/**
 * The kernel has no command that goes through task storage: a program that runs for each task
 * looks whether it has a value, and writes
 *
 *	u32 thread | u32 0 | value, padded to 8
 */
#include "bpf/task_map.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/attach.h"
#include "bpf/fn.h"
#include "bpf/load.h"
#include "bpf/map_state.h"

enum { HEAD = 8 };

/* The context of such a program: pointers to what the iterator is, and to the task. */
enum { CTX_META = 0, CTX_TASK = 8, META_SEQ = 0 };

/* Bytes that the kernel copies around a value, which begins at a multiple of 8. */
static size_t value_len(const struct bpf_maps *m, size_t map)
{
	return m->maps[map].spec->val_len;
}

/* Writes the number and the value of the task, if it has one. */
static void write_value(struct fn *f, const struct bpf_maps *m, size_t map,
			const struct task_iter *iter)
{
	const int none = fn_label(f);
	struct val ctx = fn_arg(f, 0);
	struct val task = fn_load(f, 8, false, ctx, CTX_TASK);

	fn_if(f, FN_EQ, task, val_imm(0), none);
	struct val val = FN_CALL(f, BPF_FUNC_task_storage_get, val_map((int)map), task, val_imm(0),
				 val_imm(0));
	fn_if(f, FN_EQ, val, val_imm(0), none);
	struct val head = fn_slot(f, HEAD);
	fn_store(f, 8, head, 0, fn_load(f, 4, false, task, iter->tid_off));
	struct val seq = fn_load(f, 8, false, fn_load(f, 8, false, ctx, CTX_META), META_SEQ);
	(void)FN_CALL(f, BPF_FUNC_seq_write, seq, head, val_imm(HEAD));
	// What does not fit is written again, from the head on, when there is room.
	(void)FN_CALL(f, BPF_FUNC_seq_write, seq, val, val_imm((int64_t)value_len(m, map)));
	fn_place(f, none);
	fn_exit(f, val_imm(0));
}

static void delete_value(struct fn *f, size_t map)
{
	const int none = fn_label(f);
	struct val task = fn_load(f, 8, false, fn_arg(f, 0), CTX_TASK);

	fn_if(f, FN_EQ, task, val_imm(0), none);
	(void)FN_CALL(f, BPF_FUNC_task_storage_delete, val_map((int)map), task);
	fn_place(f, none);
	fn_exit(f, val_imm(0));
}

struct program {
	struct unit *unit; /* owned */
	struct bpf_code code;
	struct strbuf log;
};

static void program_fini(struct program *p)
{
	unit_free(p->unit);
	bpf_code_fini(&p->code);
	strbuf_fini(&p->log);
}

/* Loads the program that reads the values, or the one that removes them. */
static int load_iter(struct bpf_maps *m, size_t map, const struct task_iter *iter, bool is_reader,
		     int *ret_fd)
{
	const struct bpf_load how = { .name = "task_map",
				      .type = BPF_PROG_TYPE_TRACING,
				      .attach_type = BPF_TRACE_ITER,
				      .attach_btf_id = iter->btf_id };
	sonde_auto(program_fini) struct program p = { 0 };
	uint32_t line;

	int r = unit_new(&p.unit);
	if (r < 0)
		return r;
	struct fn *f = unit_fn(p.unit, 1);
	if (is_reader)
		write_value(f, m, map, iter);
	else
		delete_value(f, map);
	r = unit_finish(p.unit, &p.code);
	return r < 0 ? r : bpf_load(&how, &p.code, m, &p.log, &line, ret_fd);
}

struct rows {
	int (*f)(void *arg, const void *key, const void *val);
	void *arg;
	uint8_t *row; /* owned; the begin of one that is not complete */
	size_t row_len, have;
};

static void rows_fini(struct rows *r)
{
	free(r->row);
}

/* Pieces of text end anywhere: whole rows are put together. */
static int take_rows(void *arg, const char *text, size_t len)
{
	struct rows *r = arg;

	while (len) {
		size_t n = r->row_len - r->have;

		n = n < len ? n : len;
		memcpy(r->row + r->have, text, n);
		r->have += n;
		text += n;
		len -= n;
		if (r->have < r->row_len)
			return 0;
		r->have = 0;
		int stop = r->f(r->arg, r->row, r->row + HEAD);
		if (stop)
			return stop;
	}
	return 0;
}

int task_map_each(struct bpf_maps *m, size_t map, const struct task_iter *iter,
		  int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	sonde_auto(rows_fini) struct rows rows = { .f = f, .arg = arg };
	sonde_auto(mem_closep) int fd = -1;

	sonde_check(map < m->n && m->maps[map].spec->task_storage);
	rows.row_len = HEAD + value_len(m, map);
	rows.row = malloc(rows.row_len);
	if (!rows.row)
		return sonde_fail(-ENOMEM, "map '%s': out of memory", m->maps[map].spec->name);
	int r = load_iter(m, map, iter, /* is_reader= */ true, &fd);
	if (r >= 0)
		r = bpf_iter_run(fd, take_rows, &rows);
	return r;
}

static int no_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	return 0;
}

int task_map_clear(struct bpf_maps *m, size_t map, const struct task_iter *iter)
{
	sonde_auto(mem_closep) int fd = -1;

	sonde_check(map < m->n && m->maps[map].spec->task_storage);
	int r = load_iter(m, map, iter, /* is_reader= */ false, &fd);
	return r < 0 ? r : bpf_iter_run(fd, no_text, NULL);
}
