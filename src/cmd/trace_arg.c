/* SPDX-License-Identifier: MIT */
/** The TRACE arguments of a command: those named, or the newest trace below the current folder. */
#include "cmd/trace_arg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/ns.h"
#include "comp/all.h"

/* Where a search ends, so that it stays quick in a home directory too. */
enum { DEPTH_MOST = 8, FOLDERS_MOST = 20000 };

/* How far before the end the last event is looked for at first; then each time twice as far. */
enum { LAST_FIRST_NS = 20000000 };

struct search {
	char path[4096]; /* of the folder being looked into */
	size_t folders;
	char *best; /* owned */
	struct timespec best_time;
};

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int search_dir(struct search *s, int dir_fd, int depth);

/* Looks at one entry of the folder s->path, which is @len bytes long. */
static int search_entry(struct search *s, DIR *dir, const struct dirent *e, int depth)
{
	struct stat st;

	if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISREG(st.st_mode) && !strcmp(e->d_name, "metadata") &&
	    (!s->best || later(&st.st_mtim, &s->best_time))) {
		char *copy = strdup(s->path);
		if (!copy)
			return sonde_fail(-ENOMEM, "out of memory for a path");
		free(s->best);
		s->best = copy;
		s->best_time = st.st_mtim;
	}
	if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MOST || s->folders >= FOLDERS_MOST)
		return 0;

	size_t len = strlen(s->path);
	size_t name_len = strlen(e->d_name);
	if (len + name_len + 2 > sizeof(s->path))
		return 0;
	// "./a" is shown as "a".
	const bool top = !strcmp(s->path, ".");
	snprintf(s->path + (top ? 0 : len), sizeof(s->path) - (top ? 0 : len), "%s%s",
		 top ? "" : "/", e->d_name);
	int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? 0 : search_dir(s, fd, depth + 1);
	if (top)
		snprintf(s->path, sizeof(s->path), ".");
	else
		s->path[len] = '\0';
	return r;
}

/* Looks through a folder; takes over @dir_fd. What cannot be read is passed over. */
static int search_dir(struct search *s, int dir_fd, int depth)
{
	DIR *dir = fdopendir(dir_fd);
	if (!dir) {
		close(dir_fd);
		return 0;
	}

	s->folders++;
	int r = 0;
	for (const struct dirent *e = readdir(dir); r >= 0 && e; e = readdir(dir))
		r = search_entry(s, dir, e, depth);
	closedir(dir);
	return r;
}

int trace_newest(const char *dir, char **ret)
{
	struct search s = { .best = NULL };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", dir);

	snprintf(s.path, sizeof(s.path), "%s", dir);
	int r = search_dir(&s, fd, 0);
	if (r < 0) {
		free(s.best);
		return r;
	}
	if (!s.best)
		return sonde_fail(-ENOENT, "no trace is named, and there is none below '%s'", dir);
	*ret = s.best;
	return 0;
}

int trace_args_take(int argc, char **argv, struct trace_args *ret)
{
	struct trace_args a = { .n = argc > 0 ? (size_t)argc : 1 };

	a.params = calloc(a.n, sizeof(*a.params));
	if (!a.params)
		return sonde_fail(-ENOMEM, "out of memory for %zu paths", a.n);
	for (size_t i = 0; i < a.n; i++)
		a.params[i] = (struct sonde_param){ "path", argc > 0 ? argv[i] : NULL };
	if (argc <= 0) {
		int r = trace_newest(".", &a.found);
		if (r < 0) {
			free(a.params);
			return r;
		}
		a.params[0].value = a.found;
		fprintf(stderr, "sonde: reading the newest trace here, %s\n", a.found);
	}
	*ret = a;
	return 0;
}

void trace_args_fini(struct trace_args *a)
{
	free(a->params);
	free(a->found);
	for (size_t i = 0; i < a->n_texts; i++)
		free(a->texts[i]);
	free(a->texts);
	*a = (struct trace_args){ 0 };
}

/* Times of events; INT64_MAX and INT64_MIN where there are none. */
struct extent {
	int64_t first_ns, last_ns;
};

/* Widens the extent that was the setup's note_arg. */
static int last_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct extent *x = *(struct extent **)sonde_component_state(c);

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event *e = &in->events[i];

		if (!e->cls || !e->cls->stream_class->clock)
			continue;
		x->first_ns = e->ts_ns < x->first_ns ? e->ts_ns : x->first_ns;
		x->last_ns = e->ts_ns > x->last_ns ? e->ts_ns : x->last_ns;
	}
	return 0;
}

static int last_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(void **)sonde_component_state(c) = setup->note_arg;
	return 0;
}

static const struct sonde_component_class sink_last = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "sink.last",
	.help = "Find the times of the first and last event.",
	.state_size = sizeof(struct extent *),
	.init = last_init,
	.consume = last_consume,
};

SONDE_DEFINE_AUTO(struct graph *, graph_free)

/* The events of the packets that may reach into the window. */
static int find_extent(const struct trace_args *a, int64_t from_ns, int64_t to_ns,
		       struct extent *ret)
{
	const struct sonde_setup sink = { .note_arg = ret };
	const struct sonde_setup source = { .params = a->params, .n_params = a->n };
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	*ret = (struct extent){ INT64_MAX, INT64_MIN };
	if (r >= 0)
		r = graph_add(g, comp_find("src.ctf"), &source);
	if (r >= 0)
		r = graph_seek(g, from_ns, to_ns);
	if (r >= 0)
		r = graph_add(g, &sink_last, &sink);
	return r < 0 ? r : graph_run(g);
}

/*
 * Moves *@end_ns, the end of the last packet, to the last event, which may lie long before it.
 * Stays where it is if there is no event since @begin_ns.
 */
static int find_last(const struct trace_args *a, int64_t begin_ns, int64_t *end_ns)
{
	struct extent x = { INT64_MAX, INT64_MIN };
	int64_t from = *end_ns;

	for (int64_t width = LAST_FIRST_NS; from > begin_ns; width = ns_after(width, width)) {
		from = ns_after(*end_ns, -width);
		if (from < begin_ns)
			from = begin_ns;
		int r = find_extent(a, from, *end_ns, &x);
		if (r < 0)
			return r;
		if (x.last_ns >= from)
			break;
		if (x.last_ns == INT64_MIN)
			continue;
		// Packets are read whole: none that ends before this event can hold a later one.
		r = find_extent(a, x.last_ns, *end_ns, &x);
		if (r < 0)
			return r;
		break;
	}
	if (x.last_ns >= begin_ns && x.last_ns < *end_ns)
		*end_ns = x.last_ns;
	return 0;
}

/*
 * Moves *@begin_ns, the begin of the first packet, to the first event, which may lie long behind
 * it: LTTng's first packets begin when their buffers were made. Stays where it is if there is no
 * event until @end_ns.
 */
static int find_first(const struct trace_args *a, int64_t *begin_ns, int64_t end_ns)
{
	struct extent x = { INT64_MAX, INT64_MIN };
	int64_t to = *begin_ns;

	for (int64_t width = LAST_FIRST_NS; to < end_ns; width = ns_after(width, width)) {
		to = ns_after(*begin_ns, width);
		if (to > end_ns)
			to = end_ns;
		int r = find_extent(a, *begin_ns, to, &x);
		if (r < 0)
			return r;
		if (x.first_ns <= to)
			break;
		if (x.first_ns == INT64_MAX)
			continue;
		// Packets are read whole: none that begins behind this event can hold an earlier
		// one.
		r = find_extent(a, *begin_ns, x.first_ns, &x);
		if (r < 0)
			return r;
		break;
	}
	if (x.first_ns > *begin_ns && x.first_ns <= end_ns)
		*begin_ns = x.first_ns;
	return 0;
}

/* Where packets have no times, all events are read. */
static int find_span(const struct trace_args *a, struct graph *g, int64_t *begin_ns,
		     int64_t *end_ns)
{
	struct extent x;
	int r = graph_span(g, begin_ns, end_ns);
	if (r != -ENODATA)
		return r;
	r = find_extent(a, INT64_MIN, INT64_MAX, &x);
	if (r >= 0 && x.first_ns > x.last_ns)
		r = sonde_fail(-ENODATA, "no times are known");
	if (r < 0)
		return r;
	*begin_ns = x.first_ns;
	*end_ns = x.last_ns;
	return 0;
}

static bool is_of_begin(const struct time_arg *t)
{
	return t->kind == TIME_AFTER_BEGIN || t->kind == TIME_OF_DAY;
}

int trace_args_window(const struct trace_args *a, struct graph *g, const struct time_arg *from,
		      const struct time_arg *to, bool gmt, int64_t ret_ns[2])
{
	int64_t begin = 0, end = 0;

	if (time_arg_is_relative(from) || time_arg_is_relative(to)) {
		int r = find_span(a, g, &begin, &end);
		if (r < 0)
			return sonde_wrap(r, "cannot tell when the trace begins and ends");
		if (from->kind == TIME_BEFORE_END || to->kind == TIME_BEFORE_END)
			r = find_last(a, begin, &end);
		if (r >= 0 && (is_of_begin(from) || is_of_begin(to)))
			r = find_first(a, &begin, end);
		if (r < 0)
			return r;
	}
	ret_ns[0] = from->kind == TIME_NONE ? INT64_MIN : time_arg_ns(from, begin, end, gmt);
	ret_ns[1] = to->kind == TIME_NONE ? INT64_MAX : time_arg_ns(to, begin, end, gmt);
	return ret_ns[0] <= ret_ns[1] ? 0 : sonde_fail(-EINVAL, "the window begins behind its end");
}

static int add_param(struct trace_args *a, const char *key, const char *value)
{
	struct sonde_param *more = realloc(a->params, (a->n + 1) * sizeof(*more));

	if (!more)
		return sonde_fail(-ENOMEM, "out of memory");
	more[a->n++] = (struct sonde_param){ key, value };
	a->params = more;
	return 0;
}

int trace_args_want(struct trace_args *a, const char *glob)
{
	return add_param(a, "events", glob);
}

int trace_args_param(struct trace_args *a, const char *key, const char *value)
{
	int r = mem_grow(&a->texts, &a->cap_texts, a->n_texts + 1);
	if (r < 0)
		return r;

	char *copy = strdup(value);
	if (!copy)
		return sonde_fail(-ENOMEM, "out of memory");
	a->texts[a->n_texts++] = copy;
	return add_param(a, key, copy);
}

/* A number of threads in the environment: of one, or of more however little there is to read. */
static int set_threads(struct graph *g)
{
	const char *text = getenv("SONDE_THREADS");
	char *end;

	if (!text || !*text)
		return 0;
	const unsigned long n = strtoul(text, &end, 10);
	if (*end || !n || *text == '-')
		return sonde_fail(-EINVAL, "SONDE_THREADS is '%s', which is no number of threads",
				  text);
	graph_set_ahead(g, n > 1 ? GRAPH_AHEAD_MUST : GRAPH_AHEAD_NOT);
	return 0;
}

static int add_source(const struct trace_args *a, struct graph *g,
		      void (*note)(void *arg, const char *line))
{
	const struct sonde_component_class *source = comp_find("src.ctf");
	const struct sonde_setup setup = {
		.params = a->params,
		.n_params = a->n,
		.note = note,
	};

	if (!source)
		return sonde_fail(-ENOTSUP, "this build reads no CTF traces");
	int r = set_threads(g);
	return r < 0 ? r : graph_add(g, source, &setup);
}

int trace_args_add(const struct trace_args *a, struct graph *g)
{
	return add_source(a, g, cmd_note);
}

int trace_args_add_quietly(const struct trace_args *a, struct graph *g)
{
	return add_source(a, g, NULL);
}
