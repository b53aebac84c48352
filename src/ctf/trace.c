/* SPDX-License-Identifier: MIT */
/** A CTF trace: a folder with a metadata file and data files, or several of one recording. */
#include "ctf/trace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "ctf/metadata.h"
#include "model/clock_map.h"

/* Descriptions larger than that are no traces. */
enum { METADATA_MOST = 256 << 20, DESCRIPTION_MOST = 1 << 30 };

void ctf_trace_free(struct ctf_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_files; i++) {
		file_unmap(&t->files[i].map);
		free(t->files[i].path);
	}
	free(t->files);
	for (size_t i = 0; i < t->n_streams; i++)
		ctf_stream_fini(&t->streams[i]);
	free(t->streams);
	arena_fini(&t->arena);
	free(t);
}
SONDE_DEFINE_AUTO(struct ctf_trace *, ctf_trace_free)
SONDE_DEFINE_AUTO(DIR *, closedir)

/* A trace without files in folder @dir (or NULL), whose metadata came from @path. */
static int trace_of(const char *dir, const char *path, struct sonde_span metadata,
		    struct ctf_trace **ret)
{
	sonde_auto(ctf_trace_freep) struct ctf_trace *t = calloc(1, sizeof(*t));
	if (!t)
		return sonde_fail(-ENOMEM, "out of memory for a trace");
	t->arena.limit = DESCRIPTION_MOST;
	int r = ctf_metadata_parse(path, metadata, &t->arena, &t->trace);
	if (r < 0)
		return r;
	r = packet_layout_new(&t->arena, t->trace, &t->layout);
	if (r < 0)
		return sonde_wrap(r, "%s", path);
	if (dir)
		t->trace->path = arena_strndup(&t->arena, dir, strlen(dir));
	if (dir && !t->trace->path)
		return -ENOMEM;
	*ret = sonde_take(t);
	return 0;
}

/* Notes what the first packet of @f says. */
static int look_at(struct ctf_trace *t, struct ctf_file *f)
{
	uint64_t *locals = calloc(t->layout->n_locals, sizeof(*locals));
	if (!locals)
		return sonde_fail(-ENOMEM, "out of memory for a packet");

	struct packet_info info = { .locals = locals };
	if (packet_read(t->layout, f->map.data, f->map.len, &info) >= 0) {
		f->cls = info.cls;
		f->has_id = packet_has(&info, PACKET_STREAM_INSTANCE_ID);
		f->id = info.value[PACKET_STREAM_INSTANCE_ID];
		f->has_begin = packet_has(&info, PACKET_TIMESTAMP_BEGIN) && info.cls->cls->clock;
		if (f->has_begin)
			f->begin_ns = sonde_clock_ns(info.cls->cls->clock,
						     info.value[PACKET_TIMESTAMP_BEGIN]);
	}
	free(locals);
	return 0;
}

/* Adds a data file, unless it is empty; takes @path over. */
static int add_file(struct ctf_trace *t, char *path, struct file_map map)
{
	struct ctf_file f = { .path = path, .map = map };
	int r = map.len ? mem_grow(&t->files, &t->cap_files, t->n_files + 1) : 0;

	if (r >= 0 && map.len)
		r = look_at(t, &f);
	if (!f.map.borrowed)
		file_unmap(&f.map);
	if (r < 0 || !map.len) {
		free(path);
		return r;
	}
	t->files[t->n_files++] = f;
	return 0;
}

static int add_path(struct ctf_trace *t, const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	sonde_auto(mem_freep) char *path = malloc(len);
	if (!path)
		return sonde_fail(-ENOMEM, "out of memory for a path");
	(void)snprintf(path, len, "%s/%s", dir, name);

	struct stat st;
	if (stat(path, &st) < 0)
		return sonde_fail_errno(-errno, "'%s'", path);
	if (S_ISDIR(st.st_mode))
		return 0;

	struct file_map map = { 0 };
	int r = file_map(path, &map);
	if (r < 0)
		return r;
	file_hop(&map);
	return add_file(t, sonde_take(path), map);
}

/* All data files. */
static int add_folder(struct ctf_trace *t, const char *path)
{
	sonde_auto(closedirp) DIR *dir = opendir(path);
	if (!dir)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", path);

	int r = 0;
	struct dirent *e;
	while (r >= 0 && (errno = 0, e = readdir(dir))) {
		if (e->d_name[0] != '.' && strcmp(e->d_name, "metadata") != 0)
			r = add_path(t, path, e->d_name);
	}
	if (r >= 0 && errno)
		r = sonde_fail_errno(-errno, "cannot read folder '%s'", path);
	return r;
}

int ctf_trace_open(const char *dir, struct ctf_trace **ret)
{
	size_t len = strlen(dir) + sizeof("/metadata");
	sonde_auto(mem_freep) char *path = malloc(len);
	if (!path)
		return sonde_fail(-ENOMEM, "out of memory for a path");
	(void)snprintf(path, len, "%s/metadata", dir);

	sonde_auto(file_unmap) struct file_map map = { 0 };
	int r = file_map(path, &map);
	if (r < 0)
		return r;
	if (map.len > METADATA_MOST)
		return sonde_fail(-EBADMSG, "'%s': is larger than %d MiB", path,
				  METADATA_MOST >> 20);

	sonde_auto(ctf_trace_freep) struct ctf_trace *t = NULL;
	r = trace_of(dir, path, (struct sonde_span){ map.data, map.len }, &t);
	if (r < 0)
		return r;
	r = add_folder(t, dir);
	if (r < 0)
		return r;
	*ret = sonde_take(t);
	return 0;
}

int ctf_trace_of_bytes(struct sonde_span metadata, const struct sonde_span *files, size_t n_files,
		       struct ctf_trace **ret)
{
	sonde_auto(ctf_trace_freep) struct ctf_trace *t = NULL;
	int r = trace_of(NULL, "metadata", metadata, &t);

	for (size_t i = 0; r >= 0 && i < n_files; i++)
		r = add_file(t, NULL,
			     (struct file_map){ .data = files[i].data,
						.len = files[i].len,
						.borrowed = true });
	if (r < 0)
		return r;
	*ret = sonde_take(t);
	return 0;
}

int ctf_trace_set_name(struct ctf_trace *t, const char *suffix)
{
	const struct sonde_env *env = sonde_trace_env(t->trace, "hostname");
	const bool has_host =
		env && env->str; // it may be empty: babeltrace2 puts the "/" all the same
	const char *host = has_host ? env->str : "";
	size_t len = strlen(host) + strlen(suffix) + 2;
	char *name = arena_alloc(&t->arena, len);

	if (!name)
		return -ENOMEM;
	(void)snprintf(name, len, "%s%s%s", host, has_host && *suffix ? "/" : "", suffix);
	t->trace->name = name;
	return 0;
}

/* The folders of @src become parts of @t. */
static int add_parts(struct ctf_trace *t, const struct sonde_trace *src)
{
	struct sonde_trace *to = t->trace;
	const size_t n = to->n_parts + src->n_parts + 1;
	const char **parts = arena_array(&t->arena, n, sizeof(*parts));

	for (size_t i = 0; parts && i < n; i++) {
		const size_t k = i - to->n_parts;
		const char *path = i < to->n_parts    ? to->parts[i]
				   : k < src->n_parts ? src->parts[k]
				   : src->path	      ? src->path
						      : "";

		parts[i] = arena_strndup(&t->arena, path, strlen(path));
		if (!parts[i])
			return -ENOMEM;
	}
	if (!parts)
		return -ENOMEM;
	to->parts = parts;
	to->n_parts = n;
	return 0;
}

int ctf_trace_absorb(struct ctf_trace *t, struct ctf_trace *src)
{
	int r = mem_grow(&t->files, &t->cap_files, t->n_files + src->n_files);

	if (r >= 0)
		r = add_parts(t, src->trace);

	for (size_t i = 0; r >= 0 && i < src->n_files; i++) {
		struct ctf_file *f = &src->files[i];
		const struct packet_class *cls = NULL;

		for (size_t k = 0; f->cls && k < t->trace->n_streams; k++) {
			if (t->trace->streams[k]->id == f->cls->cls->id)
				cls = &t->layout->classes[k];
		}
		f->cls = cls;
		t->files[t->n_files++] = *f;
	}
	if (r >= 0)
		src->n_files = 0;
	return r;
}

/* The stream that @f continues, or a new one. */
static struct ctf_stream *stream_of(struct ctf_trace *t, const struct ctf_file *f)
{
	for (size_t i = 0; f->cls && f->has_id && f->has_begin && i < t->n_streams; i++) {
		struct ctf_stream *s = &t->streams[i];

		// The same id does not help where there is no time to order the files by.
		if (s->cls == f->cls && s->pub.has_id && s->pub.id == f->id &&
		    s->files[0].has_begin)
			return s;
	}
	struct ctf_stream *s = &t->streams[t->n_streams++];
	s->layout = t->layout;
	s->cls = f->cls ? f->cls : &t->layout->classes[0];
	s->pub.cls = s->cls->cls;
	s->pub.id = f->id;
	s->pub.has_id = f->has_id;
	return s;
}

static int compare_paths(const void *a, const void *b)
{
	const struct ctf_stream *x = a, *y = b;

	return strcmp(x->files[0].path, y->files[0].path);
}

int ctf_trace_map_clocks(struct ctf_trace *t, struct decimal slope, struct decimal offset_ns)
{
	for (size_t i = 0; i < t->trace->n_clocks; i++) {
		struct sonde_clock *c = (struct sonde_clock *)t->trace->clocks[i]; // this arena's
		struct sonde_clock_map *m = arena_new(&t->arena, struct sonde_clock_map);

		if (!m)
			return sonde_fail(-ENOMEM, "out of memory for a clock");
		c->map = NULL;
		int r = clock_map_make(slope, offset_ns, sonde_clock_ns(c, 0), m);
		if (r < 0)
			return sonde_wrap(r, "clock '%s'", c->name);
		c->map = m;
	}
	return 0;
}

void ctf_trace_set_apart(struct ctf_trace *t)
{
	for (size_t i = 0; i < t->trace->n_clocks; i++)
		((struct sonde_clock *)t->trace->clocks[i])->is_apart = true; // this arena's
}

int ctf_trace_streams(struct ctf_trace *t)
{
	if (t->n_files && !t->trace->n_streams)
		return sonde_fail(-EBADMSG, "there are data files, but no stream class");
	t->streams = calloc(t->n_files + 1, sizeof(*t->streams));
	if (!t->streams)
		return sonde_fail(-ENOMEM, "out of memory for %zu streams", t->n_files);

	for (size_t i = 0; i < t->n_files; i++) {
		struct ctf_file *f = &t->files[i];
		struct ctf_stream *s = stream_of(t, f);
		int r = mem_grow(&s->files, &s->cap_files, s->n_files + 1);
		if (r < 0)
			return r;

		size_t at = s->n_files++;
		for (; at > 0 && f->begin_ns < s->files[at - 1].begin_ns; at--)
			s->files[at] = s->files[at - 1];
		s->files[at] = *f;
		*f = (struct ctf_file){ 0 };
	}
	t->n_files = 0;
	// Streams without ids are numbered by name, whatever the order of the folder.
	sonde_dcheck(!t->n_streams || t->streams[0].files);
	if (t->n_streams && t->streams[0].files[0].path)
		qsort(t->streams, t->n_streams, sizeof(*t->streams), compare_paths);
	for (size_t i = 0; i < t->n_streams; i++)
		t->streams[i].pub.path = t->streams[i].files[0].path;
	return 0;
}
