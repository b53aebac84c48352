/* SPDX-License-Identifier: MIT */
/** sonde sync: copies of traces whose clocks say the time of one host. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "cmd/all.h"
#include "cmd/sync_arg.h"
#include "cmd/terminal.h"
#include "comp/all.h"
#include "ctf/clock_edit.h"
#include "ctf/file.h"
#include "ctf/trace.h"
#include "model/clock_map.h"
#include "model/host.h"

enum { KEY_JSON = 256, DEPTH_MOST = 64, CLOCKS_MOST = 64 };

struct sync_cmd {
	const char *dir; /* -o */
	bool json;
	struct arena arena; /* what the table's cells point to */
	struct sync_hosts hosts;
	struct table table;
};

SONDE_DEFINE_AUTO(DIR *, closedir)
SONDE_DEFINE_AUTO(struct graph *, graph_free)
SONDE_DEFINE_AUTO(struct ctf_trace *, ctf_trace_free)
SONDE_DEFINE_AUTO(struct sync *, sync_free)

static const struct cmd_option options[] = {
	{ 'o', "output", "DIR", "Write the traces below this new folder." },
	{ KEY_JSON, "json", NULL, "Write JSON: what became of each trace." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde sync -o together client server",
	  "Traces of two hosts, then to be read as one: sonde cat together.", false },
	{ "sonde sync -o copy sonde-trace", "A single host needs no change.", true },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "trace", "TRACE", TABLE_TEXT },	  { "host", "HOST", TABLE_TEXT },
	{ "quality", "QUALITY", TABLE_TEXT },	  { "freq", "FREQUENCY", TABLE_COUNT },
	{ "off_ns", "OFF BY AT MOST", TABLE_NS },
};

static int sync_set(void *state, int key, const char *value)
{
	struct sync_cmd *s = state;

	if (key == 'o')
		s->dir = value;
	else
		s->json = true;
	return 0;
}

static void sync_fini_cmd(void *state)
{
	arena_fini(&((struct sync_cmd *)state)->arena);
}

static int path_of(char ret[PATH_MAX], const char *dir, const char *name)
{
	const int n = snprintf(ret, PATH_MAX, "%s%s%s", dir, *name ? "/" : "", name);

	return n < PATH_MAX ? 0 : sonde_fail(-ENAMETOOLONG, "'%s/%s'", dir, name);
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* Makes the folder and those above it. */
static int make_folders(const char *path)
{
	char part[PATH_MAX];
	int r = path_of(part, path, "");

	for (char *p = part + 1; r >= 0 && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			r = sonde_fail_errno(-errno, "cannot make folder '%s'", part);
		*p = '/';
	}
	if (r >= 0 && mkdir(part, 0777) < 0 && errno != EEXIST)
		r = sonde_fail_errno(-errno, "cannot make folder '%s'", part);
	return r;
}

static int link_file(const char *from, const char *to, const char *name)
{
	char source[PATH_MAX], target[PATH_MAX];
	int r = path_of(source, from, name);

	if (r >= 0)
		r = path_of(target, to, name);
	if (r >= 0 && symlink(source, target) < 0)
		r = sonde_fail_errno(-errno, "cannot make link '%s'", target);
	return r;
}

/* Links to all files of a trace, its index too; folders that may hold other traces are none. */
static int link_files(const char *from, const char *to, bool metadata)
{
	char path[PATH_MAX];
	sonde_auto(closedirp) DIR *dir = opendir(from);
	if (!dir)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", from);

	int r = 0;
	struct dirent *e;
	while (r >= 0 && (errno = 0, e = readdir(dir))) {
		const bool is_metadata = !strcmp(e->d_name, "metadata");

		if (e->d_name[0] == '.' || (is_metadata && !metadata))
			continue;
		r = path_of(path, from, e->d_name);
		if (r >= 0 && (is_kind(path, S_IFREG) ||
			       (!strcmp(e->d_name, "index") && is_kind(path, S_IFDIR))))
			r = link_file(from, to, e->d_name);
	}
	if (r >= 0 && errno)
		r = sonde_fail_errno(-errno, "cannot read folder '%s'", from);
	return r;
}

static int write_all(const char *path, const struct strbuf *text)
{
	sonde_auto(mem_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot write '%s'", path);
	for (size_t done = 0; done < text->len;) {
		const ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return sonde_fail_errno(-errno, "cannot write '%s'", path);
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* When the trace in the folder begins and ends, by its own clock. */
static int span_of(const char *from, int64_t ret_ns[2])
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	const struct sonde_param path = { "path", from };
	const struct sonde_setup setup = { .params = &path, .n_params = 1 };
	int r = graph_new(&g);

	if (r >= 0)
		r = graph_add(g, comp_find("src.ctf"), &setup);
	return r < 0 ? r : graph_span(g, &ret_ns[0], &ret_ns[1]);
}

/* What became of a trace's clocks. */
struct change {
	uint64_t freq; /* of the first */
	int64_t off_ns;
};

/* The metadata of a trace, with clocks that show the reference's time. */
static int write_metadata(const struct sonde_trace *t, const struct sync_host *h, const char *from,
			  const char *to, struct change *ret)
{
	struct clock_edit edits[CLOCKS_MOST];
	char path[PATH_MAX];
	int64_t ns[2], off;
	int r = span_of(from, ns);

	if (r >= 0 && t->n_clocks > CLOCKS_MOST)
		r = sonde_fail(-E2BIG, "more than %d clocks", CLOCKS_MOST);
	for (size_t i = 0; i < t->n_clocks && r >= 0; i++) {
		struct sonde_clock_map m;

		r = clock_map_make(h->slope, h->offset_ns, ns[0], &m);
		if (r >= 0)
			r = clock_edit_find(t->clocks[i], &m, ns[0], ns[1], &edits[i], &off);
		if (r >= 0 && i == 0)
			ret->freq = edits[0].freq;
		if (r >= 0 && off > ret->off_ns)
			ret->off_ns = off;
	}
	if (r >= 0)
		r = path_of(path, from, "metadata");
	sonde_auto(file_unmap) struct file_map map = { 0 };
	if (r >= 0)
		r = file_map(path, &map);
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };
	if (r >= 0)
		r = clock_edit_text(path, (struct sonde_span){ map.data, map.len }, edits,
				    t->n_clocks, &text);
	if (r >= 0)
		r = path_of(path, to, "metadata");
	return r < 0 ? r : write_all(path, &text);
}

static const struct sync_host *host_of(const struct sync_cmd *s, const struct sonde_trace *t)
{
	char key[HOST_KEY_MOST];

	host_key(t, key);
	for (size_t i = 0; i < s->hosts.n; i++) {
		if (!strcmp(s->hosts.all[i].key, key))
			return &s->hosts.all[i];
	}
	return NULL;
}

static void add_row(struct sync_cmd *s, const char *to, const struct sync_host *h,
		    const struct sonde_trace *t, const struct change *c)
{
	const bool changed = h && h->synced && !h->is_reference;
	const char *path = arena_strndup(&s->arena, to, strlen(to));
	const char *name =
		h ? h->name : arena_strndup(&s->arena, host_name(t), strlen(host_name(t)));

	table_str(&s->table, path ? path : "");
	table_str(&s->table, name ? name : "");
	table_str(&s->table, changed		    ? hull_quality_name(h->quality)
			     : h && h->is_reference ? "reference"
						    : "unsynchronised");
	if (t->n_clocks)
		table_int(&s->table, (int64_t)c->freq);
	else
		table_none(&s->table);
	if (changed)
		table_int(&s->table, c->off_ns);
	else
		table_none(&s->table);
}

/* One trace: the folder @from, to @to. */
static int take_trace(struct sync_cmd *s, const char *from, const char *to)
{
	sonde_auto(ctf_trace_freep) struct ctf_trace *t = NULL;
	int r = ctf_trace_open(from, &t);
	if (r < 0)
		return r;
	struct change c = { .freq = t->trace->n_clocks ? t->trace->clocks[0]->freq : 0 };
	const struct sync_host *h = host_of(s, t->trace);
	const bool changed = h && h->synced && !h->is_reference;
	r = make_folders(to);
	if (r >= 0 && changed)
		r = write_metadata(t->trace, h, from, to, &c);
	if (r >= 0)
		r = link_files(from, to, !changed);
	if (r >= 0)
		add_row(s, to, h, t->trace, &c);
	return r;
}

/* The trace in a folder, and those below it. */
static int take_folder(struct sync_cmd *s, const char *from, const char *to, unsigned depth)
{
	char path[PATH_MAX], below[PATH_MAX];
	int r = path_of(path, from, "metadata");

	if (r >= 0 && is_kind(path, S_IFREG))
		r = take_trace(s, from, to);
	if (r < 0 || depth == DEPTH_MOST)
		return r;
	sonde_auto(closedirp) DIR *dir = opendir(from);
	if (!dir)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", from);
	struct dirent *e;
	while (r >= 0 && (errno = 0, e = readdir(dir))) {
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		r = path_of(path, from, e->d_name);
		if (r >= 0)
			r = path_of(below, to, e->d_name);
		if (r >= 0 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			r = take_folder(s, path, below, depth + 1);
	}
	if (r >= 0 && errno)
		r = sonde_fail_errno(-errno, "cannot read folder '%s'", from);
	return r;
}

/* An argument goes to the folder of its own name, with a number where that is taken. */
static int take_argument(struct sync_cmd *s, const char *arg)
{
	char from[PATH_MAX], to[PATH_MAX], name[NAME_MAX + 16];

	if (!realpath(arg, from))
		return sonde_fail_errno(-errno, "'%s'", arg);
	const char *base = strrchr(from, '/') + 1;
	for (unsigned i = 1;; i++) {
		(void)snprintf(name, sizeof(name), i > 1 ? "%s-%u" : "%s", base, i);
		int r = path_of(to, s->dir, name);
		if (r < 0)
			return r;
		if (access(to, F_OK) < 0)
			return take_folder(s, from, to, 0);
	}
}

static int show(struct sync_cmd *s)
{
	struct sonde_out out;
	int r = out_init(&out, STDOUT_FILENO);

	if (r < 0)
		return r;
	if (s->json) {
		struct json j;

		json_init(&j, &out);
		json_object(&j, NULL);
		json_str(&j, "reference", s->hosts.reference->name);
		r = table_json(&s->table, &j, "traces");
		json_end_object(&j);
	} else {
		r = table_print(&s->table, &out, 0, terminal_width(STDOUT_FILENO));
	}
	if (r >= 0)
		r = out_flush(&out);
	out_fini(&out);
	return r;
}

static int take_all(struct sync_cmd *s, const struct trace_args *traces)
{
	sonde_auto(sync_freep) struct sync *sync = NULL;
	int r = sync_arg_find(traces, &sync, &s->hosts);

	if (r >= 0 && mkdir(s->dir, 0777) < 0)
		r = sonde_fail_errno(-errno, "cannot make folder '%s'", s->dir);
	table_init(&s->table, columns, MEM_LEN(columns));
	for (size_t i = 0; i < traces->n && r >= 0; i++)
		r = take_argument(s, traces->params[i].value);
	if (r >= 0)
		r = show(s);
	table_fini(&s->table);
	return r;
}

static int sync_run(void *state, int argc, char **argv)
{
	struct sync_cmd *s = state;
	struct trace_args traces = { 0 };

	if (!s->dir) {
		(void)sonde_fail(-EINVAL, "-o DIR says where to write");
		return cmd_usage(&cmd_sync);
	}
	int r = trace_args_take(argc, argv, &traces);
	if (r >= 0)
		r = take_all(s, &traces);
	trace_args_fini(&traces);
	if (r == -EPIPE)
		return CMD_OK;
	return r < 0 ? cmd_failed(&cmd_sync) : CMD_OK;
}

const struct command cmd_sync = {
	.name = "sync",
	.args = "-o DIR TRACE...",
	.summary = "Write traces of several hosts with clocks that agree",
	.about = "Finds from the packets that hosts sent each other how their clocks go ('sonde "
		 "report "
		 "sync' shows that), and writes for each trace a folder with links to its data and "
		 "a "
		 "description whose clock says the time of the reference. All tools that read CTF "
		 "then "
		 "see one time.\n\n"
		 "A clock in CTF has a whole number of cycles a second, so its pace cannot be said "
		 "exactly: OFF BY AT MOST is the largest error in the trace, at its begin and end; "
		 "for a "
		 "clock of 1 GHz up to 1 ns for every 2 s from the middle. Where that matters, "
		 "give the "
		 "original traces to Sonde, whose reports bring clocks together exactly.\n\n"
		 "Hosts that share no packets with the others stay as they are and are said to be "
		 "unsynchronised.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct sync_cmd),
	.set = sync_set,
	.run = sync_run,
	.fini = sync_fini_cmd,
};
