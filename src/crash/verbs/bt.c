/* SPDX-License-Identifier: MIT */
/** sonde crash CORE bt: the stacks of tasks. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "base/json.h"
#include "crash/debug/debug.h"
#include "crash/verbs/all.h"
#include "crash/verbs/frame.h"
#include "crash/verbs/stacks.h"

enum { TASKS_SHOWN = 8 };

static void print_frame(struct sonde_out *o, size_t i, const struct crash_frame *f)
{
	char text[CRASH_FRAME_TEXT];

	crash_frame_text(f, text);
	out_fmt(o, "  #%-2zu ", i);
	out_safe(o, text);
	out_str(o, "\n");
}

static void print_stack(struct sonde_out *o, const struct crash_stack *s)
{
	for (size_t i = 0; i < s->n; i++)
		print_frame(o, i, &s->frames[i]);
	if (s->user_pc)
		out_fmt(o, "  %s user code at 0x%llx\n", s->n ? "called from" : "in",
			(unsigned long long)s->user_pc);
	if (s->cut)
		out_fmt(o, "  ends here: %s\n", s->cut);
}

static void print_task(struct sonde_out *o, const struct crash_task *t)
{
	out_fmt(o, "%lld ", (long long)t->tid);
	out_safe(o, t->comm);
	if (t->pid != t->tid)
		out_fmt(o, ", process %lld", (long long)t->pid);
	out_fmt(o, ": %s", t->state_name);
	if (t->on_cpu)
		out_fmt(o, " on CPU %d", t->cpu);
	if (t->crashed)
		out_str(o, ", crashed");
	out_str(o, "\n");
}

static void json_frame(struct json *j, const struct crash_frame *f)
{
	char text[24];

	json_object(j, NULL);
	(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)f->pc);
	json_str(j, "pc", text);
	json_str(j, "symbol", f->symbol.name);
	json_bool(j, "inlined", f->inlined);
	if (f->symbol.name && !f->inlined)
		json_uint(j, "offset", f->pc - f->symbol.start);
	if (f->symbol.module)
		json_str(j, "module", f->symbol.module);
	if (f->file) {
		json_str(j, "file", f->file);
		json_uint(j, "line", f->line);
	}
	if (f->guessed)
		json_bool(j, "guessed", true);
	json_end_object(j);
}

static void json_task(struct json *j, const struct crash_system *system, const struct crash_task *t,
		      const struct crash_stack *s)
{
	char text[24];

	json_object(j, NULL);
	// Linux has a pid for each thread; elsewhere several threads are of one.
	json_int(j, "pid", system->kind == DUMP_LINUX ? t->tid : t->pid);
	json_int(j, "tid", t->tid);
	json_str(j, "comm", t->comm);
	json_array(j, "frames");
	for (size_t i = 0; i < s->n; i++)
		json_frame(j, &s->frames[i]);
	json_end_array(j);
	json_int(j, "process", t->pid);
	json_str(j, "state", t->state_name);
	if (t->on_cpu)
		json_int(j, "cpu", t->cpu);
	if (s->user_pc) {
		(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)s->user_pc);
		json_str(j, "user_pc", text);
	}
	if (s->cut)
		json_str(j, "cut", s->cut);
	json_end_object(j);
}

static int stack_of(struct crash_run *r, const struct crash_task *t, struct crash_stack *s)
{
	int err = r->core->system->stack(r->core, t, s);

	return err < 0 ? err : crash_debug_expand(r->core, s);
}

static int each(struct crash_run *r, const struct crash_args *args, const struct crash_tasks *tasks,
		struct json *j, struct crash_stack *s)
{
	size_t n = 0;

	for (size_t i = 0; i < tasks->n; i++) {
		const struct crash_task *t = &tasks->all[i];

		if (!crash_args_want(args, t) || (args->limit && n >= args->limit))
			continue;
		int err = stack_of(r, t, s);
		if (err < 0)
			return err;
		if (j) {
			json_task(j, r->core->system, t, s);
		} else {
			if (n)
				out_str(r->out, "\n");
			print_task(r->out, t);
			print_stack(r->out, s);
		}
		n++;
	}
	return 0;
}

static void print_group(struct sonde_out *o, const struct crash_group *g)
{
	out_fmt(o, "%zu task%s:", g->n_tasks, g->n_tasks == 1 ? "" : "s");
	for (size_t i = 0; i < g->n_tasks && i < TASKS_SHOWN; i++) {
		out_fmt(o, "%s %lld ", i ? "," : "", (long long)g->tasks[i]->tid);
		out_safe(o, g->tasks[i]->comm);
	}
	if (g->n_tasks > TASKS_SHOWN)
		out_fmt(o, " and %zu more", g->n_tasks - TASKS_SHOWN);
	out_str(o, "\n");
	for (size_t i = 0; i < g->n_frames; i++)
		print_frame(o, i, &g->frames[i]);
}

static void json_group(struct json *j, const struct crash_group *g)
{
	json_object(j, NULL);
	json_uint(j, "count", g->n_tasks);
	json_array(j, "pids");
	for (size_t i = 0; i < g->n_tasks; i++)
		json_int(j, NULL, g->tasks[i]->tid);
	json_end_array(j);
	json_array(j, "frames");
	for (size_t i = 0; i < g->n_frames; i++)
		json_frame(j, &g->frames[i]);
	json_end_array(j);
	json_end_object(j);
}

/* The same stacks once. */
static int unique(struct crash_run *r, const struct crash_args *args,
		  const struct crash_tasks *tasks, struct json *j, struct crash_stack *s)
{
	struct crash_groups g = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < tasks->n; i++) {
		if (!crash_args_want(args, &tasks->all[i]))
			continue;
		err = stack_of(r, &tasks->all[i], s);
		if (!err)
			err = crash_groups_add(&g, &tasks->all[i], s);
	}
	crash_groups_sort(&g);
	for (size_t i = 0; !err && i < g.n && (!args->limit || i < args->limit); i++) {
		if (j) {
			json_group(j, &g.all[i]);
		} else {
			out_str(r->out, i ? "\n" : "");
			print_group(r->out, &g.all[i]);
		}
	}
	crash_groups_fini(&g);
	return err;
}

static int run(struct crash_run *r)
{
	struct crash_stack s = { 0 };
	struct crash_tasks tasks = { 0 };
	struct json j;
	struct crash_args args;
	bool json = r->args->format == CRASH_JSON;

	int err = crash_args_pids(r, &args);
	if (!err)
		err = r->core->system->tasks(r->core, &tasks);
	if (!err)
		err = crash_args_check(r, &args, &tasks);
	if (err < 0) {
		crash_tasks_fini(&tasks);
		return err;
	}
	if (json) {
		json_init(&j, r->out);
		json_array(&j, NULL);
	}
	err = (args.unique ? unique : each)(r, &args, &tasks, json ? &j : NULL, &s);
	if (json)
		json_end_array(&j);
	if (tasks.cut)
		r->note(tasks.cut);
	if (crash_debug_problem(r->core))
		r->note(crash_debug_problem(r->core));
	crash_stack_fini(&s);
	crash_tasks_fini(&tasks);
	return err;
}

const struct crash_verb crash_bt = {
	.name = "bt",
	.args = "[PID]...",
	.summary = "Stacks of tasks",
	.run = run,
};
