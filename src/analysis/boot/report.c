/* SPDX-License-Identifier: MIT */
/** Report boot: which processes there were when, what their time went to, and what held up all. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/boot/boot.h"
#include "analysis/command.h"
#include "analysis/report.h"
#include "base/mem.h"
#include "base/new_file.h"
#include "base/ns.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/time_text.h"
#include "graph/component.h"
#include "model/host.h"

enum {
	ROWS = 40,	    /* of the table */
	PICTURE_ROWS = 250, /* of the picture */
	DONE_MOST = 1 << 22,
	DEPTH_MOST = 20,
	NAME_MOST = 2 * DEPTH_MOST + 80,
	BAR_LEAST = 20,
	BAR_MOST = 200,
	TABLE_WIDTH = 86, /* what the columns beside the bar take */
};

struct boot_report {
	struct report report;
	struct boot boot;
	const char *comm, *svg, *xml; /* or NULL */
};

static int on_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io)
{
	struct boot *b = arg;
	struct request done;
	int r = requests_take(&b->requests, c->host, io, &done);

	b->has_io |= io->at_ns <= b->to_ns;
	if (r <= 0 || done.end_ns < b->from_ns || done.issue_ns > b->to_ns)
		return r < 0 ? r : 0;
	if (b->n_done >= DONE_MOST) {
		b->n_more++;
		return 0;
	}
	r = mem_grow(&b->done, &b->cap_done, b->n_done + 1);
	if (r >= 0)
		b->done[b->n_done++] = done;
	return r;
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int boot_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct boot_report *s = sonde_component_state(c);
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	if (s->report.sort)
		return sonde_fail(-EINVAL, "report boot takes no --sort: it is a tree");
	s->comm = param_get(setup, "comm");
	s->svg = param_get(setup, "svg");
	s->xml = param_get(setup, "xml");
	if (is_stdout(s->svg) + is_stdout(s->xml) + s->report.json > 1)
		return sonde_fail(-EINVAL,
				  "of --svg -, --xml - and --json only one can be written to "
				  "standard output");
	s->boot.root = s->boot.tree.root = BOOT_NONE;
	s->boot.from_ns = s->report.from_ns;
	s->boot.to_ns = s->report.to_ns;
	// What ended a wait that goes on behind the window tells what was waited for within it.
	r = exec_build_new(s->report.from_ns, INT64_MAX, &s->boot.build);
	if (r >= 0)
		exec_build_watch_io(s->boot.build, on_io, &s->boot);
	return r;
}

static void boot_fini(struct sonde_component *c)
{
	struct boot *b = &((struct boot_report *)sonde_component_state(c))->boot;

	exec_build_free(b->build);
	boot_tree_fini(&b->tree);
	boot_rows_fini(&b->rows);
	requests_fini(&b->requests);
	free(b->done);
	path_fini(&b->path);
	sums_fini(&b->sums);
}

static int boot_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct boot_report *s = sonde_component_state(c);

	return exec_build_consume(s->boot.build, in);
}

/* Which processes. */

static bool has_thread(const struct boot_tree *t, const struct boot_process *p,
		       const struct report *r)
{
	struct kernel_thread *const *threads;

	(void)kernel_threads(exec_build_kernel(t->build), &threads);
	for (uint32_t i = p->threads; i != BOOT_NONE; i = t->next_thread[i]) {
		if (report_wants(r, threads[i]))
			return true;
	}
	return false;
}

static bool was_called(const struct boot_tree *t, const struct boot_process *p, const char *name)
{
	const uint32_t w = exec_build_worker(t->build, p->leader);
	int64_t until, at = INT64_MIN;

	if (w == EXEC_NONE)
		return !strcmp(p->name, name);
	do {
		if (!strcmp(exec_build_name(t->build, w, at, &until), name))
			return true;
		at = until;
	} while (until < INT64_MAX);
	return false;
}

/* Whether a boot's first process began to run its program in the trace. */
static bool is_init(const struct boot_process *p)
{
	return p->pid == 1 && p->n_execs;
}

enum choice { BY_OPTIONS, BY_COMMAND, BY_INIT, ALL };

static bool is_root(const struct boot_report *s, enum choice how, const struct boot_process *p)
{
	switch (how) {
	case BY_OPTIONS:
		if (s->comm && !was_called(&s->boot.tree, p, s->comm))
			return false;
		return (!s->report.n_pids && !s->report.n_tids) ||
		       has_thread(&s->boot.tree, p, &s->report);
	case BY_COMMAND: return command_is(p->host->trace, p->pid);
	case BY_INIT: return is_init(p);
	default: return false;
	}
}

static size_t choose(struct boot_report *s, enum choice how, uint32_t *ret_first)
{
	struct boot_tree *t = &s->boot.tree;
	size_t n = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->all[i].begin_ns > t->all[i].end_ns || !is_root(s, how, &t->all[i]))
			continue;
		// What is below another one is not one of its own.
		if (!t->all[i].inside)
			n++;
		if (!t->all[i].inside && n == 1)
			*ret_first = i;
		boot_tree_choose(t, i);
	}
	return n;
}

static int choose_roots(struct boot_report *s)
{
	const bool asked = s->comm || s->report.n_pids || s->report.n_tids;
	uint32_t first = BOOT_NONE;
	size_t n = choose(s, asked ? BY_OPTIONS : BY_COMMAND, &first);

	if (!n && asked)
		return sonde_fail(-ENODATA, "no process that was asked for did anything then");
	if (!n)
		n = choose(s, BY_INIT, &first);
	boot_tree_chosen(&s->boot.tree, /* all= */ !n);
	if (!s->boot.tree.n_inside)
		return sonde_fail(-ENODATA, "no process did anything then");
	s->boot.root = n == 1 ? first : BOOT_NONE;
	return 0;
}

/* The path of the root from its begin to its end. */
static int find_path(struct boot *b)
{
	const struct boot_process *p = b->root == BOOT_NONE ? NULL : &b->tree.all[b->root];
	const uint32_t w = p ? exec_build_worker(b->build, p->leader) : EXEC_NONE;

	if (w == EXEC_NONE)
		return 0;
	int r = path_find_within(exec_build_graph(b->build), w, INT64_MIN, b->to_ns, &b->path);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return r;
	boot_tree_path(&b->tree, &b->path);
	return sums_of(b->build, &b->path, &b->sums);
}

/* The table. */

void boot_title(const struct boot *b, struct strbuf *text)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(exec_build_kernel(b->build), &hosts);

	if (b->root != BOOT_NONE) {
		const struct boot_process *p = &b->tree.all[b->root];

		strbuf_fmt(text, "%s (%" PRId64 ") on %s", p->name, p->pid,
			   host_name(p->host->trace));
	} else if (n == 1) {
		strbuf_fmt(text, "All processes on %s", host_name(hosts[0]->trace));
	} else {
		strbuf_fmt(text, "Processes of %zu hosts", n);
	}
}

/* What a row's cells point to. */
struct row_text {
	char name[NAME_MOST];
	char bar[BAR_MOST + 1];
};

static void draw_bar(const struct boot_report *s, uint32_t row, size_t width, char *ret)
{
	static const char marks[BOOT_N_SHADES] = { [BOOT_RUN] = '#',
						   [BOOT_WAIT] = '+',
						   [BOOT_DISK] = 'o',
						   [BOOT_BLOCKED] = '-',
						   [BOOT_OTHER] = '?' };
	const struct boot_tree *t = &s->boot.tree;
	struct boot_cell cells[BAR_MOST];

	boot_cells(t, &s->boot.rows, row, t->begin_ns, t->end_ns, cells, width);
	for (size_t i = 0; i < width; i++) {
		int best = -1;

		// Blocked is what one is most of the time: it shows where nothing else does.
		for (int k = 0; k < BOOT_N_SHADES; k++) {
			const int64_t ns = cells[i].ns[k];

			if (ns && (best < 0 || (best >= BOOT_BLOCKED && k < BOOT_BLOCKED) ||
				   (ns > cells[i].ns[best] && k < BOOT_BLOCKED)))
				best = k;
		}
		ret[i] = best < 0 ? ' ' : marks[best];
	}
	ret[width] = '\0';
}

static size_t bar_width(const struct boot_report *s)
{
	const int64_t room = (s->report.width ? s->report.width : 132) - TABLE_WIDTH;

	return room < BAR_LEAST ? BAR_LEAST : room > BAR_MOST ? BAR_MOST : (size_t)room;
}

static void fill_text(const struct boot_report *s, uint32_t i, size_t width, struct row_text *ret)
{
	const struct boot_row *row = &s->boot.rows.all[i];
	const int indent = 2 * (int)(row->depth < DEPTH_MOST ? row->depth : DEPTH_MOST);

	if (row->process == BOOT_NONE)
		(void)snprintf(ret->name, sizeof(ret->name), "%*s(%zu more)", indent, "",
			       row->n_hidden);
	else
		(void)snprintf(ret->name, sizeof(ret->name), "%*s%s", indent, "",
			       s->boot.tree.all[row->process].name);
	draw_bar(s, i, width, ret->bar);
}

static const struct table_column process_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ NULL, "PROCESS", TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "ppid", NULL, TABLE_ID },
	{ "process", NULL, TABLE_TEXT },
	{ "file", NULL, TABLE_TEXT },
	{ "depth", NULL, TABLE_ID },
	{ "hidden", NULL, TABLE_ID },
	{ "begin_ns", NULL, TABLE_ID },
	{ "end_ns", NULL, TABLE_ID },
	{ "start_ns", "START", TABLE_NS },
	{ "duration_ns", "DURATION", TABLE_NS },
	{ "run_ns", "RUN", TABLE_NS },
	{ "wait_cpu_ns", "WAIT", TABLE_NS },
	{ "blocked_ns", "BLOCKED", TABLE_NS },
	{ "disk_ns", NULL, TABLE_NS },
	{ "unknown_ns", NULL, TABLE_NS },
	{ "path_ns", "ON PATH", TABLE_NS },
	{ "threads", NULL, TABLE_COUNT },
	{ "born", NULL, TABLE_TEXT },
	{ "gone", NULL, TABLE_TEXT },
	{ NULL, "", TABLE_TEXT },
};

static void add_process(struct table *t, const struct boot_tree *tree, const struct boot_row *row)
{
	const struct boot_process *p = &tree->all[row->process];

	table_int(t, p->pid);
	if (p->parent != BOOT_NONE)
		table_int(t, tree->all[p->parent].pid);
	else
		report_id(t, p->leader->ppid);
	table_str(t, p->name);
	if (p->file)
		table_str(t, p->file);
	else
		table_none(t);
}

static void add_row(struct table *t, const struct boot_report *s, const struct boot_row *row,
		    const struct row_text *text)
{
	const struct boot_tree *tree = &s->boot.tree;
	const struct boot_process *p = row->process == BOOT_NONE ? NULL : &tree->all[row->process];

	if (p)
		report_host(t, p->host);
	else
		table_none(t);
	table_str(t, text->name);
	if (p)
		add_process(t, tree, row);
	for (int i = 0; !p && i < 4; i++)
		table_none(t);
	table_int(t, row->depth);
	table_int(t, (int64_t)row->n_hidden);
	table_int(t, row->begin_ns);
	table_int(t, row->end_ns);
	table_int(t, ns_between(tree->begin_ns, row->begin_ns));
	table_int(t, ns_between(row->begin_ns, row->end_ns));
	table_int(t, row->ns[BOOT_RUN]);
	table_int(t, row->ns[BOOT_WAIT]);
	table_int(t, ns_after(row->ns[BOOT_BLOCKED], row->ns[BOOT_DISK]));
	table_int(t, row->ns[BOOT_DISK]);
	table_int(t, row->ns[BOOT_OTHER]);
	table_int(t, row->path_ns);
	table_int(t, p ? p->n_threads : 0);
	table_json_text(t, p && p->born ? "true" : "false");
	table_json_text(t, p && p->gone ? "true" : "false");
	table_str(t, text->bar);
}

static int show_processes(struct boot_report *s)
{
	const size_t n = s->boot.rows.n, width = bar_width(s);
	struct table_column cols[REPORT_COLUMNS_MOST];
	sonde_auto(mem_freep) struct row_text *texts = calloc(n + 1, sizeof(*texts));
	struct table t;

	if (!texts)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	report_hosts_table(&t, exec_build_kernel(s->boot.build), cols, process_columns,
			   MEM_LEN(process_columns));
	for (uint32_t i = 0; i < n; i++) {
		fill_text(s, i, width, &texts[i]);
		add_row(&t, s, &s->boot.rows.all[i], &texts[i]);
	}
	int r = report_rows(&s->report, &t, "processes", "Processes, each below what started it");
	table_fini(&t);
	if (r >= 0 && !s->report.json) {
		out_str(s->report.setup->out,
			"  # runs  + waits for a CPU  o for a disk  - blocked  ? unknown\n");
		if (s->boot.rows.n_hidden)
			out_fmt(s->report.setup->out,
				"  %zu small processes share rows (--limit 0 shows all)\n",
				s->boot.rows.n_hidden);
	}
	return r;
}

static int show_path(struct boot_report *s)
{
	static const struct table_column cols[] = {
		{ "begin_ns", "BEGIN", TABLE_ID }, { "end_ns", "END", TABLE_ID },
		{ "host", "HOST", TABLE_TEXT },	   { "pid", "PID", TABLE_ID },
		{ "tid", "TID", TABLE_ID },	   { "thread", "THREAD", TABLE_TEXT },
		{ "state", "STATE", TABLE_TEXT },
	};
	const struct boot *b = &s->boot;
	struct table t;

	if (!s->report.json)
		return 0;
	table_init(&t, cols, MEM_LEN(cols));
	for (size_t i = 0; i < b->sums.n_steps; i++) {
		const struct sums_step *x = &b->sums.steps[i];
		const struct exec_who who = exec_build_who(b->build, x->step.worker);

		table_int(&t, x->step.begin_ns);
		table_int(&t, x->step.end_ns);
		table_str(&t, host_name(who.host->trace));
		if (who.thread) {
			report_id(&t, who.thread->pid);
			table_int(&t, who.thread->tid);
		} else {
			table_none(&t);
			table_none(&t);
		}
		table_str(&t, b->sums.parts[x->part].name);
		table_str(&t, x->from_part == EXEC_NONE ? exec_type_name(x->step.type) : "HOP");
	}
	int r = table_json(&t, &s->report.j, "path");
	table_fini(&t);
	return r;
}

static void show_head(struct boot_report *s)
{
	const struct boot *b = &s->boot;
	sonde_auto(strbuf_fini) struct strbuf title = { 0 };
	char ns[TABLE_VALUE_MOST], when[TIME_TEXT_MOST];

	boot_title(b, &title);
	if (s->report.json) {
		json_object(&s->report.j, NULL);
		json_str(&s->report.j, "title", strbuf_text(&title));
		json_int(&s->report.j, "begin_ns", b->tree.begin_ns);
		json_int(&s->report.j, "end_ns", b->tree.end_ns);
		json_int(&s->report.j, "duration_ns", ns_between(b->tree.begin_ns, b->tree.end_ns));
		json_uint(&s->report.j, "n_processes", b->tree.n_inside);
		json_int(&s->report.j, "path_ns", b->path.segments_ns + b->path.hops_ns);
		return;
	}
	table_ns(ns_between(b->tree.begin_ns, b->tree.end_ns), ns);
	time_text(b->tree.begin_ns, when);
	out_fmt(s->report.setup->out, "%s: %zu process%s, %s from %s\n", strbuf_text(&title),
		b->tree.n_inside, b->tree.n_inside == 1 ? "" : "es", ns, when);
}

static int show_table(struct boot_report *s)
{
	const int64_t most = s->report.limit >= 0 ? s->report.limit : s->report.json ? 0 : ROWS;
	const struct kernel *k = exec_build_kernel(s->boot.build);
	int r = boot_rows_make(&s->boot.tree, (size_t)most, &s->boot.rows);

	if (r < 0)
		return r;
	show_head(s);
	r = show_processes(s);
	if (r >= 0)
		r = show_path(s);
	if (s->boot.root == BOOT_NONE)
		report_note(&s->report, "no one process is the root of all: there is no critical "
					"path; --pid or --comm choose one");
	if (!(kernel_recorded(k) & KERNEL_HAS_WAKING))
		report_note(&s->report, "no sched_waking or sched_wakeup events: nothing tells who "
					"ended a wait");
	report_doubts(&s->report, k);
	report_end(&s->report);
	return r;
}

/* Files. */

typedef int write_boot(const struct boot *b, struct sonde_out *out);

static int write_to(const struct boot_report *s, int fd, write_boot *write)
{
	struct sonde_out out;
	int r = out_init(&out, fd);

	if (r < 0)
		return r;
	r = write(&s->boot, &out);
	if (r >= 0)
		r = out_flush(&out);
	out_fini(&out);
	return r;
}

/* Into a new file that takes the place of the old one when it is whole. */
static int write_file(struct boot_report *s, const char *path, int64_t most, write_boot *write)
{
	struct new_file f;

	boot_rows_fini(&s->boot.rows);
	int r = boot_rows_make(&s->boot.tree, (size_t)most, &s->boot.rows);
	if (r < 0)
		return r;
	if (!strcmp(path, "-"))
		return write(&s->boot, s->report.setup->out);
	r = new_file_open(&f, path);
	if (r < 0)
		return r;
	r = write_to(s, f.fd, write);
	if (r >= 0)
		r = new_file_keep(&f);
	new_file_fini(&f);
	if (r >= 0)
		report_note(&s->report, "wrote %s", path);
	return r;
}

static int boot_finish(struct sonde_component *c)
{
	struct boot_report *s = sonde_component_state(c);
	struct boot *b = &s->boot;
	int64_t begin_ns, end_ns;
	int r = exec_build_finish(b->build);

	if (r < 0)
		return r;
	r = kernel_span(exec_build_kernel(b->build), &begin_ns, &end_ns);
	if (r >= 0 && begin_ns > b->to_ns)
		r = sonde_fail(-ENODATA, "there are no events in that time");
	if (r < 0)
		return r;
	exec_build_forget(b->build, b->to_ns);
	if (!(kernel_sources(exec_build_kernel(b->build)) & KERNEL_HAS_SWITCH))
		return report_lacks(&s->report,
				    kernel_recorded(exec_build_kernel(b->build)) &
					    KERNEL_HAS_SWITCH,
				    "sched_switch", "-e sched:sched_switch");
	r = boot_tree_make(b->build, b->to_ns, &b->tree);
	if (r >= 0)
		r = choose_roots(s);
	if (r >= 0)
		r = find_path(b);
	if (r >= 0 && !is_stdout(s->svg) && !is_stdout(s->xml))
		r = show_table(s);
	if (r >= 0 && s->svg)
		r = write_file(s, s->svg, s->report.limit >= 0 ? s->report.limit : PICTURE_ROWS,
			       boot_svg);
	if (r >= 0 && s->xml)
		r = write_file(s, s->xml, 0, boot_xml);
	return r;
}

const struct sonde_component_class analysis_boot = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.boot",
	.help = "Which processes there were when, what their time went to, and what held up all",
	.state_size = sizeof(struct boot_report),
	.init = boot_init,
	.fini = boot_fini,
	.consume = boot_consume,
	.finish = boot_finish,
};
