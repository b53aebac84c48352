/* SPDX-License-Identifier: MIT */
/** Writes a boot's log as XML, as docs/boot.md has it. */
#include <inttypes.h>
#include <string.h>

#include "analysis/boot/boot.h"
#include "analysis/flame/svg.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "model/host.h"

struct xml {
	const struct boot *b;
	struct sonde_out *out;
	struct strbuf text;
};

static void put_text(struct xml *x, const char *name, const char *value)
{
	x->text.len = 0;
	flame_escape(&x->text, value, strlen(value));
	out_fmt(x->out, " %s=\"%s\"", name, x->text.len ? strbuf_text(&x->text) : "");
}

static void put_int(struct xml *x, const char *name, int64_t value)
{
	out_fmt(x->out, " %s=\"%" PRId64 "\"", name, value);
}

static void put_bool(struct xml *x, const char *name, bool value)
{
	out_fmt(x->out, " %s=\"%s\"", name, value ? "yes" : "no");
}

static const char *state_name(enum exec_type type)
{
	static const char *const names[EXEC_N_TYPES] = {
		[EXEC_UNKNOWN] = "unknown",
		[EXEC_RUNNING] = "running",
		[EXEC_PREEMPTED] = "runnable",
		[EXEC_BLOCKED] = "blocked",
		[EXEC_TIMER] = "timer",
		[EXEC_NETWORK] = "network",
		[EXEC_BLOCK_DEVICE] = "disk",
		[EXEC_INTERRUPTED] = "interrupt",
		[EXEC_IPI] = "ipi",
		[EXEC_DEFAULT] = "wakeup",
	};

	return names[type];
}

static void put_state(struct xml *x, const struct exec_vertex *e, int64_t begin_ns)
{
	out_fmt(x->out, "<state is=\"%s\"", state_name((enum exec_type)e->type));
	put_int(x, "begin", begin_ns);
	put_int(x, "end", e->ts_ns < x->b->to_ns ? e->ts_ns : x->b->to_ns);
	if (e->call)
		put_text(x, "call", kernel_call_name(exec_build_kernel(x->b->build), e->call));
	const char *label = exec_build_label(x->b->build, e->label);
	if (label)
		put_text(x, "by", label);
	out_str(x->out, "/>\n");
}

/* Vertices where nothing changes but that others refer to them part no states. */
static void put_states(struct xml *x, uint32_t worker)
{
	const struct exec_graph *g = exec_build_graph(x->b->build);
	int64_t begin = g->vertices[g->workers[worker].first].ts_ns;

	for (uint32_t v = g->vertices[g->workers[worker].first].next; v != EXEC_NONE;
	     v = g->vertices[v].next) {
		const struct exec_vertex *e = &g->vertices[v];
		const struct exec_vertex *n = e->next == EXEC_NONE ? NULL : &g->vertices[e->next];

		if (begin >= x->b->to_ns)
			return;
		if (begin == e->ts_ns ||
		    (n && n->type == e->type && n->label == e->label && n->call == e->call))
			continue;
		put_state(x, e, begin);
		begin = e->ts_ns;
	}
}

static void put_thread(struct xml *x, const struct kernel_thread *t)
{
	const uint32_t w = exec_build_worker(x->b->build, t);
	const struct exec_graph *g = exec_build_graph(x->b->build);

	if (w == EXEC_NONE || g->workers[w].first == EXEC_NONE ||
	    g->vertices[g->workers[w].first].ts_ns > x->b->to_ns)
		return;
	const int64_t last = g->vertices[g->workers[w].last].ts_ns;
	int64_t until;
	out_str(x->out, "<thread");
	put_int(x, "tid", t->tid);
	put_text(x, "name", exec_build_name(x->b->build, w, INT64_MAX, &until));
	put_int(x, "begin", g->vertices[g->workers[w].first].ts_ns);
	put_int(x, "end", last < x->b->to_ns ? last : x->b->to_ns);
	out_str(x->out, ">\n");
	put_states(x, w);
	out_str(x->out, "</thread>\n");
}

static void put_process(struct xml *x, uint32_t i)
{
	const struct boot_tree *t = &x->b->tree;
	const struct boot_process *p = &t->all[i];
	struct kernel_thread *const *threads;

	(void)kernel_threads(exec_build_kernel(x->b->build), &threads);
	out_fmt(x->out, "<process id=\"p%" PRIu32 "\"", i);
	if (p->parent != BOOT_NONE && x->b->rows.of[p->parent] != BOOT_NONE)
		out_fmt(x->out, " parent=\"p%" PRIu32 "\"", p->parent);
	put_text(x, "host", host_name(p->host->trace));
	put_int(x, "pid", p->pid);
	put_text(x, "name", p->name);
	put_int(x, "begin", p->begin_ns);
	put_int(x, "end", p->end_ns);
	put_bool(x, "born", p->born);
	put_bool(x, "gone", p->gone);
	put_bool(x, "inside", p->inside);
	put_int(x, "running", p->ns[BOOT_RUN]);
	put_int(x, "runnable", p->ns[BOOT_WAIT]);
	put_int(x, "blocked", p->ns[BOOT_BLOCKED]);
	put_int(x, "disk", p->ns[BOOT_DISK]);
	put_int(x, "unknown", p->ns[BOOT_OTHER]);
	put_int(x, "path", p->path_ns);
	out_str(x->out, ">\n");
	for (uint32_t th = p->threads; th != BOOT_NONE; th = t->next_thread[th])
		put_thread(x, threads[th]);
	out_str(x->out, "</process>\n");
}

static void put_execs(struct xml *x)
{
	struct exec_start e;

	for (size_t i = 0; exec_build_exec(x->b->build, i, &e); i++) {
		const uint32_t p = boot_tree_of(&x->b->tree, e.worker);

		if (p == BOOT_NONE || x->b->rows.of[p] == BOOT_NONE)
			continue;
		out_fmt(x->out, "<exec process=\"p%" PRIu32 "\"", p);
		put_int(x, "at", e.ts_ns);
		put_text(x, "file", e.file);
		out_str(x->out, "/>\n");
	}
}

static void put_requests(struct xml *x)
{
	static const char *const ops[KERNEL_IO_N_OPS] = { "read", "write", "discard", "flush",
							  "other" };

	for (size_t i = 0; i < x->b->n_done; i++) {
		const struct request *q = &x->b->done[i];
		char disk[KERNEL_DISK_MOST];

		kernel_disk_name(q->host, q->dev, disk);
		out_fmt(x->out, "<request op=\"%s\"", ops[q->op]);
		put_text(x, "host", host_name(q->host->trace));
		put_text(x, "disk", disk);
		put_int(x, "begin", q->issue_ns);
		put_int(x, "end", q->end_ns);
		put_int(x, "bytes", q->bytes);
		if (q->thread)
			put_int(x, "tid", q->thread->tid);
		out_str(x->out, "/>\n");
	}
}

static void put_path(struct xml *x)
{
	const struct path *p = &x->b->path;

	if (!p->n)
		return;
	out_str(x->out, "<path");
	put_int(x, "begin", p->begin_ns);
	put_int(x, "end", p->end_ns);
	put_int(x, "segments", p->segments_ns);
	put_int(x, "hops", p->hops_ns);
	out_str(x->out, ">\n");
	for (size_t i = 0; i < p->n; i++) {
		const struct path_step *s = &p->steps[i];
		const struct exec_who who = exec_build_who(x->b->build, s->worker);

		out_fmt(x->out, "<%s is=\"%s\"", s->from == EXEC_NONE ? "segment" : "hop",
			state_name(s->type));
		put_text(x, "host", host_name(who.host->trace));
		if (who.thread)
			put_int(x, "tid", who.thread->tid);
		else
			put_int(x, "cpu", who.cpu);
		put_int(x, "begin", s->begin_ns);
		put_int(x, "end", s->end_ns);
		out_str(x->out, "/>\n");
	}
	out_str(x->out, "</path>\n");
}

int boot_xml(const struct boot *b, struct sonde_out *out)
{
	struct xml x = { .b = b, .out = out };
	const struct kernel_doubts *d = kernel_doubts(exec_build_kernel(b->build));
	sonde_auto(strbuf_fini) struct strbuf title = { 0 };

	boot_title(b, &title);
	out_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<boot version=\"1\"");
	put_text(&x, "title", strbuf_text(&title));
	put_int(&x, "begin", b->tree.begin_ns);
	put_int(&x, "end", b->tree.end_ns);
	if (b->root != BOOT_NONE)
		out_fmt(out, " root=\"p%" PRIu32 "\"", b->root);
	put_int(&x, "lost-events", (int64_t)d->lost_events);
	put_int(&x, "lost-packets", (int64_t)d->lost_packets);
	put_int(&x, "missing-switches", (int64_t)d->mismatches);
	out_str(out, ">\n");
	for (uint32_t i = b->tree.root; i != BOOT_NONE; i = boot_tree_next(&b->tree, i, true)) {
		if (b->rows.of[i] != BOOT_NONE)
			put_process(&x, i);
	}
	put_execs(&x);
	put_requests(&x);
	put_path(&x);
	out_str(out, "</boot>\n");
	int r = strbuf_ok(&x.text);
	strbuf_fini(&x.text);
	return r < 0 ? r : strbuf_ok(&title);
}
