/* SPDX-License-Identifier: MIT */
/**
 * src.ctf: reads CTF traces. path=DIR (repeated): a trace, or a folder with traces at any depth.
 * events=GLOB (repeated): only streams that have a class of such a name are read, though whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/component.h>
#include <sonde/err.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "comp/all.h"
#include "ctf/trace.h"
#include "model/host.h"

enum {
	DEPTH_MOST = 64,
	TRACES_MOST = 1 << 16,
	BATCH_LEAST = 32,
	EVENTS_MOST = 1 << 16, /* in the batches of all lanes */
	SLACK_MOST = 1 << 22,  /* bytes a lane keeps in memory behind what it reads .. */
	SLACK_ALL = 1 << 24,   /* .. and all of them, roughly */
	SLACK_LEAST = 1 << 16,
	HELD_MOST = 1 << 10, /* lanes that hold batches */
};

struct src_ctf {
	struct ctf_trace **traces; /* owned */
	size_t n_traces, cap_traces;
	struct ctf_stream **lanes; /* owned array; the streams are the traces' */
	bool *wanted;		   /* owned array; by lane: it is read */
	size_t n_lanes;
	struct sonde_trace **pub_traces;   /* owned array */
	struct sonde_stream **pub_streams; /* owned array */
};

SONDE_DEFINE_AUTO(DIR *, closedir)

static void src_fini(struct sonde_component *c)
{
	struct src_ctf *s = sonde_component_state(c);

	for (size_t i = 0; i < s->n_traces; i++)
		ctf_trace_free(s->traces[i]);
	free(s->traces);
	free(s->lanes);
	free(s->wanted);
	free(s->pub_traces);
	free(s->pub_streams);
}

static char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir), end = len + strlen(name) + 2;
	char *path = malloc(end);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (path)
		(void)snprintf(path, end, "%.*s%s%s", (int)len, dir, *name ? "/" : "", name);
	else
		(void)sonde_fail(-ENOMEM, "out of memory for a path");
	return path;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_trace(const char *path)
{
	sonde_auto(mem_freep) char *metadata = path_join(path, "metadata");
	struct stat st;

	return metadata && stat(metadata, &st) == 0 && S_ISREG(st.st_mode);
}

/* What is behind the folder that was named, and is empty where that is the trace itself. */
static int add_trace(struct src_ctf *s, const char *path, size_t root_len)
{
	if (s->n_traces >= TRACES_MOST)
		return sonde_fail(-E2BIG, "more than %d traces", TRACES_MOST);
	int r = mem_grow(&s->traces, &s->cap_traces, s->n_traces + 1);
	if (r >= 0)
		r = ctf_trace_open(path, &s->traces[s->n_traces]);
	if (r < 0)
		return r; // the words name the file

	const char *below = path + root_len;
	return ctf_trace_set_name(s->traces[s->n_traces++], below + (*below == '/'));
}

static int find_traces(struct src_ctf *s, const char *path, size_t root_len, unsigned depth);

/* Adds the traces in the folders in @path. */
static int find_below(struct src_ctf *s, const char *path, size_t root_len, unsigned depth)
{
	sonde_auto(closedirp) DIR *dir = opendir(path);
	if (!dir)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", path);

	int r = 0;
	struct dirent *e;
	while (r >= 0 && (errno = 0, e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		sonde_auto(mem_freep) char *sub = path_join(path, e->d_name);
		if (!sub)
			return -ENOMEM;
		if (depth < DEPTH_MOST && is_folder(sub))
			r = find_traces(s, sub, root_len, depth + 1);
	}
	if (r >= 0 && errno)
		r = sonde_fail_errno(-errno, "cannot read folder '%s'", path);
	return r;
}

/* Takes the trace @i away where others, which came behind it, stand for it. */
static void drop_trace(struct src_ctf *s, size_t i)
{
	ctf_trace_free(s->traces[i]);
	s->n_traces--;
	memmove(&s->traces[i], &s->traces[i + 1], (s->n_traces - i) * sizeof(*s->traces));
}

/*
 * Adds the trace in the folder @path, or those below it. A description alone, without data files,
 * hides no trace below. @root_len: of the folder that was named.
 */
static int find_traces(struct src_ctf *s, const char *path, size_t root_len, unsigned depth)
{
	const size_t mine = s->n_traces;

	if (!is_trace(path))
		return find_below(s, path, root_len, depth);
	int r = add_trace(s, path, root_len);
	if (r < 0 || s->traces[mine]->n_files)
		return r;
	r = find_below(s, path, root_len, depth);
	if (r >= 0 && s->n_traces > mine + 1)
		drop_trace(s, mine);
	return r;
}

static size_t count_classes(const struct sonde_trace *t)
{
	size_t n = t->n_streams;

	for (size_t i = 0; i < t->n_streams; i++)
		n += t->streams[i]->n_events;
	return n;
}

static bool same_recording(const struct ctf_trace *a, const struct ctf_trace *b)
{
	return a->trace->has_uuid && b->trace->has_uuid &&
	       !memcmp(a->trace->uuid, b->trace->uuid, sizeof(a->trace->uuid));
}

/*
 * Puts the parts of one recording (rotated away to folders of their own) together again, under
 * the part whose metadata says most.
 */
static int join_parts(struct src_ctf *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_traces; i++) {
		struct ctf_trace *t = s->traces[i];
		size_t k = 0;

		while (k < n && !same_recording(s->traces[k], t))
			k++;
		s->traces[i] = NULL;
		if (k == n) {
			s->traces[n++] = t;
			continue;
		}
		if (count_classes(t->trace) > count_classes(s->traces[k]->trace)) {
			struct ctf_trace *less = s->traces[k];
			s->traces[k] = t;
			t = less;
		}
		int r = ctf_trace_set_name(s->traces[k], "");
		if (r >= 0)
			r = ctf_trace_absorb(s->traces[k], t);
		ctf_trace_free(t);
		if (r < 0)
			return r; // those behind i are freed by src_fini()
	}
	s->n_traces = n;
	return 0;
}

static size_t clamp(size_t v, size_t least, size_t most)
{
	return v < least ? least : v > most ? most : v;
}

/* Whether a stream may hold events that were asked for: 'events' are globs, none means all. */
static bool is_wanted(const struct sonde_stream_class *cls, const struct sonde_setup *setup)
{
	bool all = true;

	for (size_t i = 0; i < setup->n_params; i++) {
		if (strcmp(setup->params[i].key, "events") != 0)
			continue;
		all = false;
		for (size_t k = 0; k < cls->n_events; k++) {
			if (fnmatch(setup->params[i].value, cls->events[k]->name, 0) == 0)
				return true;
		}
	}
	return all;
}

static int make_lanes(struct src_ctf *s, const struct sonde_setup *setup)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_traces; i++) {
		int r = ctf_trace_streams(s->traces[i]);
		if (r < 0)
			return sonde_wrap(r, "trace '%s'", s->traces[i]->trace->path);
		n += s->traces[i]->n_streams;
	}
	s->lanes = calloc(n + 1, sizeof(*s->lanes));
	s->wanted = calloc(n + 1, sizeof(*s->wanted));
	s->pub_streams = calloc(n + 1, sizeof(*s->pub_streams));
	s->pub_traces = calloc(s->n_traces + 1, sizeof(*s->pub_traces));
	if (!s->lanes || !s->wanted || !s->pub_streams || !s->pub_traces)
		return sonde_fail(-ENOMEM, "out of memory for %zu streams", n);

	const size_t cap = clamp(EVENTS_MOST / (n + 1), BATCH_LEAST, SONDE_BATCH_MAX);
	const size_t slack = clamp(SLACK_ALL / (n + 1), SLACK_LEAST, SLACK_MOST);
	for (size_t i = 0; i < s->n_traces; i++) {
		s->pub_traces[i] = s->traces[i]->trace;
		for (size_t k = 0; k < s->traces[i]->n_streams; k++) {
			struct ctf_stream *stream = &s->traces[i]->streams[k];
			int r = ctf_stream_start(stream, cap, slack);
			if (r < 0)
				return r;
			s->wanted[s->n_lanes] = is_wanted(stream->pub.cls, setup);
			s->pub_streams[s->n_lanes] = &stream->pub;
			s->lanes[s->n_lanes++] = stream;
		}
	}
	return 0;
}

/* A parameter 'clock': "SLOPE OFFSET KEY", the line to another clock of the host with that key. */
static int map_clocks(struct src_ctf *s, const char *value)
{
	char text[2][DECIMAL_TEXT_MOST], key[HOST_KEY_MOST];
	struct decimal line[2];
	int r = 0;

	for (unsigned i = 0; i < 2 && r >= 0; i++) {
		const size_t len = strcspn(value, " ");

		if (!value[len] || len >= DECIMAL_TEXT_MOST)
			return sonde_fail(-EINVAL, "clock '%s' is not 'SLOPE OFFSET KEY'", value);
		memcpy(text[i], value, len);
		text[i][len] = '\0';
		value += len + 1;
		r = decimal_parse(text[i], &line[i]);
	}
	for (size_t i = 0; i < s->n_traces && r >= 0; i++) {
		host_key(s->traces[i]->trace, key);
		if (!strcmp(key, value))
			r = ctf_trace_map_clocks(s->traces[i], line[0], line[1]);
	}
	return r;
}

/* A parameter 'apart': the key of a host whose clock could not be compared with others. */
static void set_apart(struct src_ctf *s, const char *value)
{
	char key[HOST_KEY_MOST];

	for (size_t i = 0; i < s->n_traces; i++) {
		host_key(s->traces[i]->trace, key);
		if (!strcmp(key, value))
			ctf_trace_set_apart(s->traces[i]);
	}
}

static int map_all_clocks(struct src_ctf *s, const struct sonde_setup *setup)
{
	int r = 0;

	for (size_t i = 0; i < setup->n_params && r >= 0; i++) {
		if (!strcmp(setup->params[i].key, "clock"))
			r = map_clocks(s, setup->params[i].value);
		else if (!strcmp(setup->params[i].key, "apart"))
			set_apart(s, setup->params[i].value);
	}
	return r;
}

static int src_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct src_ctf *s = sonde_component_state(c);
	size_t n_paths = 0;

	for (size_t i = 0; i < setup->n_params; i++) {
		const char *path = setup->params[i].value;
		size_t before = s->n_traces;
		struct stat st;

		if (strcmp(setup->params[i].key, "path") != 0)
			continue;
		n_paths++;
		if (stat(path, &st) < 0)
			return sonde_fail_errno(-errno, "'%s'", path);
		if (!S_ISDIR(st.st_mode))
			return sonde_fail(-ENOTDIR,
					  "'%s' is no folder: name the one with the trace", path);
		sonde_auto(mem_freep) char *clean = path_join(path, "");
		int r = clean ? find_traces(s, clean, strlen(clean), 0) : -ENOMEM;
		if (r < 0)
			return r;
		if (s->n_traces == before)
			return sonde_fail(-ENOENT,
					  "'%s' holds no trace: no metadata file, there or "
					  "below",
					  path);
	}
	if (!n_paths)
		return sonde_fail(-EINVAL, "src.ctf needs a parameter 'path'");
	int r = join_parts(s);
	if (r >= 0)
		r = map_all_clocks(s, setup);
	return r < 0 ? r : make_lanes(s, setup);
}

static size_t src_lanes(struct sonde_component *c)
{
	return ((struct src_ctf *)sonde_component_state(c))->n_lanes;
}

static int src_next(struct sonde_component *c, size_t lane, struct sonde_batch *ret)
{
	struct src_ctf *s = sonde_component_state(c);

	return s->wanted[lane] ? ctf_stream_next(s->lanes[lane], ret) : 0;
}

static int src_hold(struct sonde_component *c, size_t n)
{
	struct src_ctf *s = sonde_component_state(c);

	if (s->n_lanes > HELD_MOST)
		return sonde_fail(-ENOTSUP, "more than %d streams", HELD_MOST);
	for (size_t i = 0; i < s->n_lanes; i++) {
		int r = s->wanted[i] ? ctf_stream_hold(s->lanes[i], n) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static size_t src_traces(struct sonde_component *c, struct sonde_trace *const **ret)
{
	struct src_ctf *s = sonde_component_state(c);

	*ret = s->pub_traces;
	return s->n_traces;
}

static size_t src_streams(struct sonde_component *c, struct sonde_stream *const **ret)
{
	struct src_ctf *s = sonde_component_state(c);

	*ret = s->pub_streams;
	return s->n_lanes;
}

static int src_span(struct sonde_component *c, int64_t *ret_begin_ns, int64_t *ret_end_ns)
{
	struct src_ctf *s = sonde_component_state(c);
	int64_t begin = INT64_MAX, end = INT64_MIN;

	for (size_t i = 0; i < s->n_lanes; i++) {
		int64_t b, e;
		int r = ctf_stream_span(s->lanes[i], &b, &e);

		if (r == -ENODATA)
			continue;
		if (r < 0)
			return r;
		begin = b < begin ? b : begin;
		end = e > end ? e : end;
	}
	if (begin > end)
		return sonde_fail(-ENODATA, "the packets have no times");
	*ret_begin_ns = begin;
	*ret_end_ns = end;
	return 0;
}

static int src_pieces(struct sonde_component *c,
		      void (*take)(void *arg, const struct sonde_piece *p), void *arg)
{
	struct src_ctf *s = sonde_component_state(c);
	int r = 0;

	for (size_t i = 0; i < s->n_lanes && r >= 0; i++)
		r = s->wanted[i] ? ctf_stream_pieces(s->lanes[i], take, arg) : 0;
	return r;
}

static int src_seek(struct sonde_component *c, int64_t from_ns, int64_t to_ns)
{
	struct src_ctf *s = sonde_component_state(c);

	for (size_t i = 0; i < s->n_lanes; i++)
		ctf_stream_seek(s->lanes[i], from_ns, to_ns);
	return 0;
}

const struct sonde_component_class src_ctf = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.ctf",
	.help = "Read CTF traces; path=DIR names a trace or a folder with traces.",
	.state_size = sizeof(struct src_ctf),
	.init = src_init,
	.fini = src_fini,
	.lanes = src_lanes,
	.next = src_next,
	.hold = src_hold,
	.traces = src_traces,
	.streams = src_streams,
	.span = src_span,
	.pieces = src_pieces,
	.seek = src_seek,
};
