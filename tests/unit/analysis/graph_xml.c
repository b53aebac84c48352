/* SPDX-License-Identifier: MIT */
/**
 * Reads traces in the XML form of Trace Compass's stub traces, builds their execution graph and
 * prints it, and the critical paths of the threads that were asked for.
 *
 * usage: graph_xml FILE... [-- FILE:TID]...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/path/build.h"
#include "analysis/path/walk.h"
#include "base/check.h"
#include "base/strbuf.h"
#include "events.h"

enum { FILES_MOST = 4, NAMES_MOST = 64, FIELDS_MOST = 16, CLASSES_APART = 100 };

struct file {
	const char *name; /* without folders */
	struct maker maker;
	struct {
		long tid;
		char name[32];
	} names[NAMES_MOST];
	size_t n_names;
	size_t next; /* event */
};

struct fields {
	char event[64];
	long ts;
	char name[FIELDS_MOST][32], value[FIELDS_MOST][64];
	size_t n;
};

static const char *field(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->name[i], name))
			return f->value[i];
	}
	return "0";
}

static void learn_name(struct file *file, const char *tid, const char *name)
{
	const long number = strtol(tid, NULL, 10);

	for (size_t i = 0; i < file->n_names; i++) {
		if (file->names[i].tid == number)
			return;
	}
	sonde_check(file->n_names < NAMES_MOST);
	file->names[file->n_names].tid = number;
	(void)snprintf(file->names[file->n_names++].name, sizeof(file->names->name), "%s", name);
}

static const char *name_of(const struct file *file, long tid)
{
	for (size_t i = 0; i < file->n_names; i++) {
		if (file->names[i].tid == tid)
			return file->names[i].name;
	}
	return "?";
}

/* One event as a line of the maker's language; events that a graph has no use for are left out. */
static void take_event(struct file *file, const struct fields *f, struct strbuf *text)
{
	static const struct {
		const char *event, *verb, *arg;
	} simple[] = {
		{ "irq_handler_entry", "irq+", "irq" },
		{ "irq_handler_exit", "irq-", "irq" },
		{ "softirq_raise", "raise", "vec" },
		{ "softirq_entry", "soft+", "vec" },
		{ "softirq_exit", "soft-", "vec" },
		{ "do_IRQ_entry", "ipi+", "irq" },
		{ "do_IRQ_return", "ipi-", "irq" },
		{ "netif_receive_skb_internal_entry", "netif+", "skb" },
		{ "netif_receive_skb_internal_return", "netif-", "skb" },
		{ "packet_sent", "out", "msgid" },
		{ "packet_received", "in", "msgid" },
		{ "sched_wakeup", "wakeup", "tid" },
	};
	const char *cpu = field(f, "cpu");

	if (!strcmp(f->event, "sched_switch")) {
		learn_name(file, field(f, "prev_tid"), field(f, "prev_comm"));
		learn_name(file, field(f, "next_tid"), field(f, "next_comm"));
		strbuf_fmt(text, "%ld %s switch %s %s %s\n", f->ts, cpu, field(f, "prev_tid"),
			   field(f, "prev_state"), field(f, "next_tid"));
	}
	for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++) {
		if (!strcmp(f->event, simple[i].event))
			strbuf_fmt(text, "%ld %s %s %s\n", f->ts, cpu, simple[i].verb,
				   field(f, simple[i].arg));
	}
	if (!strcmp(f->event, "sched_wakeup"))
		learn_name(file, field(f, "tid"), field(f, "comm"));
}

static void read_file(struct file *file, const char *path, uint32_t number)
{
	FILE *in = fopen(path, "r");
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };
	struct fields f = { .n = 0 };
	char line[256];

	if (!in) {
		fprintf(stderr, "cannot open %s\n", path);
		exit(2);
	}
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, " <event timestamp=\"%ld\" name=\"%63[^\"]\"", &f.ts, f.event) ==
		    2)
			f.n = 0;
		else if (f.n < FIELDS_MOST &&
			 sscanf(line, " <field name=\"%31[^\"]\" value=\"%63[^\"]\"", f.name[f.n],
				f.value[f.n]) == 2)
			f.n++;
		else if (strstr(line, "</event>"))
			take_event(file, &f, &text);
	}
	(void)fclose(in);
	const char *slash = strrchr(path, '/');
	file->name = slash ? slash + 1 : path;
	maker_init(&file->maker, LTTNG, INT64_MIN, strbuf_text(&text));
	file->maker.trace.index = number;
	for (size_t i = 0; i < file->maker.stream_class.n_events; i++)
		file->maker.classes[i]->index += number * CLASSES_APART;
	for (uint32_t i = 0; i <= MAKER_CPUS; i++)
		file->maker.streams[i].index += number * (MAKER_CPUS + 1);
}

/* The file that has the next event. */
static struct file *next_file(struct file *files, size_t n)
{
	struct file *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct file *f = &files[i];

		if (f->next < f->maker.n_events &&
		    (!best ||
		     f->maker.events[f->next].ts_ns < best->maker.events[best->next].ts_ns))
			best = f;
	}
	return best;
}

static const struct file *file_of(const struct file *files, const struct kernel_host *host)
{
	return &files[host->trace->index];
}

static const char *shown(const struct exec_build *b, const struct file *files, uint32_t worker)
{
	static char text[2][128];
	static unsigned turn;
	const struct exec_who who = exec_build_who(b, worker);
	const struct file *f = file_of(files, who.host);

	turn = !turn;
	if (who.thread)
		(void)snprintf(text[turn], sizeof(text[turn]), "%s:%ld(%s)", f->name,
			       who.thread->tid, name_of(f, who.thread->tid));
	else
		(void)snprintf(text[turn], sizeof(text[turn]), "%s:-1(kernel/%u)", f->name,
			       who.cpu);
	return text[turn];
}

static void show_edge(const struct exec_build *b, const struct file *f, enum exec_type type,
		      uint16_t label, int64_t ts_ns)
{
	const char *text = exec_build_label(b, label);

	// The maker calls thread 5 "t5".
	if (text && *text == 't')
		printf(" -%s(%s)-> %ld", exec_type_name(type),
		       name_of(f, strtol(text + 1, NULL, 10)), ts_ns);
	else
		printf(" -%s-> %ld", exec_type_name(type), ts_ns);
}

static void show_graph(const struct exec_build *b, const struct file *files)
{
	const struct exec_graph *g = exec_build_graph(b);
	size_t n = 0;

	for (size_t i = 0; i < g->n_workers; i++)
		n += g->workers[i].first != EXEC_NONE;
	printf("workers %zu\n", n);
	for (uint32_t i = 0; i < g->n_workers; i++) {
		uint32_t v = g->workers[i].first;

		if (v == EXEC_NONE)
			continue;
		printf("   %s : %ld", shown(b, files, i), g->vertices[v].ts_ns);
		while ((v = g->vertices[v].next) != EXEC_NONE)
			show_edge(b, file_of(files, exec_build_who(b, i).host), g->vertices[v].type,
				  g->vertices[v].label, g->vertices[v].ts_ns);
		printf("\n");
	}
	for (size_t i = 0; i < g->n_vertices; i++) {
		const struct exec_vertex *to = &g->vertices[i];

		if (to->cause == EXEC_NONE)
			continue;
		const struct exec_vertex *from = &g->vertices[to->cause];
		printf("   V %s %ld -> %s %ld %s\n", shown(b, files, from->worker), from->ts_ns,
		       shown(b, files, to->worker), to->ts_ns, exec_type_name(to->cause_type));
	}
}

/* The part of a path that is of one worker. */
static void show_worker(const struct exec_build *b, const struct file *files, const struct path *p,
			uint32_t worker)
{
	const struct file *f = file_of(files, exec_build_who(b, worker).host);
	int64_t at = INT64_MIN;

	for (size_t i = 0; i < p->n; i++) {
		const struct path_step *s = &p->steps[i];
		const bool starts =
			i == 0 && (s->from == EXEC_NONE ? s->worker : s->from) == worker;
		const int64_t here = starts || s->from == EXEC_NONE ? s->begin_ns : s->end_ns;

		if (!starts && s->worker != worker)
			continue;
		if (here != at)
			printf("%s %ld", at == INT64_MIN ? "" : " |", here);
		at = here;
		if (s->from != EXEC_NONE)
			continue;
		show_edge(b, f, s->type, s->label, s->end_ns);
		at = s->end_ns;
	}
}

static bool on_path(const struct path *p, uint32_t worker)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->steps[i].worker == worker || p->steps[i].from == worker)
			return true;
	}
	return false;
}

static int show_path(const struct exec_build *b, const struct file *files, const char *who)
{
	const struct exec_graph *g = exec_build_graph(b);
	struct path p = { 0 };
	uint32_t worker = 0;

	while (worker < g->n_workers && strncmp(shown(b, files, worker), who, strlen(who)) != 0)
		worker++;
	if (worker == g->n_workers || path_find(g, worker, INT64_MIN, INT64_MAX, &p) < 0)
		return 1;
	printf("  -- critical path of %s\n", shown(b, files, worker));
	for (uint32_t i = 0; i < g->n_workers; i++) {
		if (!on_path(&p, i))
			continue;
		printf("   %s :", shown(b, files, i));
		show_worker(b, files, &p, i);
		printf("\n");
	}
	for (size_t i = 0; i < p.n; i++) {
		const struct path_step *s = &p.steps[i];

		if (s->from != EXEC_NONE)
			printf("   V %s %ld -> %s %ld %s\n", shown(b, files, s->from), s->begin_ns,
			       shown(b, files, s->worker), s->end_ns, exec_type_name(s->type));
	}
	const int status = path_adds_up(&p) ? 0 : 1;
	path_fini(&p);
	return status;
}

int main(int argc, char **argv)
{
	static struct file files[FILES_MOST];
	struct exec_build *b;
	size_t n = 0;
	int i = 1, status = 0;

	for (; i < argc && strcmp(argv[i], "--") != 0 && n < FILES_MOST; i++, n++)
		read_file(&files[n], argv[i], (uint32_t)n);
	if (exec_build_new(INT64_MIN, INT64_MAX, &b) < 0)
		return 2;
	// What is open at the end has no end in the graphs that are expected.
	for (struct file *f; (f = next_file(files, n));) {
		const struct sonde_batch one = { &f->maker.events[f->next++], 1 };

		if (exec_build_consume(b, &one) < 0) {
			fprintf(stderr, "%s\n", sonde_err_str());
			return 2;
		}
	}
	show_graph(b, files);
	for (i++; i < argc && !status; i++)
		status = show_path(b, files, argv[i]);
	exec_build_free(b);
	for (size_t k = 0; k < n; k++)
		maker_fini(&files[k].maker);
	return status;
}
