/* SPDX-License-Identifier: MIT */
/** Writes a CTF 1.8 trace folder. */
#include "ctf/writer.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/writer_layout.h"

enum {
	HEAD_LEN = 80,
	CONTENT_MIN = 76,
	// Full packets end at multiples of this in their file: the kernel takes whole pages faster.
	FULL_ALIGN = 4096,
	FULL_ALIGN_FROM = 1 << 16, /* smaller ones do not: it would be too much padding */
};

struct writer_file {
	char *name;
	int fd, index_fd; /* -1 until the first packet */
	uint64_t off, index_off;
	uint64_t last_off; /* of the last packet, where seq is not 0 */
	uint64_t seq;
	uint64_t told_discarded; /* in packets so far */
	uint64_t stream_id;
	int32_t cpu;
	uint64_t start_ts; /* when the stream began to exist */
};

struct writer {
	char *dir;
	int dir_fd, index_dir_fd;
	uint8_t uuid[16];
	struct writer_stream *streams;
	_Atomic uint64_t bytes;
	bool replace, has_metadata;
	uint64_t metadata_len;
};

static void stream_free(struct writer_stream *s)
{
	if (s->file) {
		mem_closep(&s->file->fd);
		mem_closep(&s->file->index_fd);
		free(s->file->name);
	}
	free(s->file);
	free(s->buf);
	free(s);
}
SONDE_DEFINE_AUTO(struct writer_stream *, stream_free)

void writer_close(struct writer *w)
{
	if (!w)
		return;
	while (w->streams) {
		struct writer_stream *s = w->streams;
		w->streams = s->next;
		stream_free(s);
	}
	mem_closep(&w->index_dir_fd);
	mem_closep(&w->dir_fd);
	free(w->dir);
	free(w);
}
SONDE_DEFINE_AUTO(struct writer *, writer_close)

/* Removes the files of a folder, and folders in it down to @depth more levels. */
static int empty_folder(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		int r = -errno;
		close(fd);
		return r;
	}
	int r = 0;
	const struct dirent *e;
	while (!r && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!unlinkat(fd, e->d_name, 0))
			continue;
		if (errno != EISDIR && errno != EPERM) {
			r = -errno;
			break;
		}
		r = depth ? empty_folder(fd, e->d_name, depth - 1) : -ENOTEMPTY;
		if (!r && unlinkat(fd, e->d_name, AT_REMOVEDIR) < 0)
			r = -errno;
	}
	(void)closedir(dir);
	return r;
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool empty = true;

	if (!d)
		return false;
	while (empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	(void)closedir(d);
	return empty;
}

/* 0: nothing is there; 1: a trace or an empty folder, to be replaced; else a negative errno. */
static int look_at_folder(const char *dir, bool replace)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return errno == ENOENT ? 0 : sonde_fail_errno(-errno, "'%s'", dir);
	if (!S_ISDIR(st.st_mode))
		return sonde_fail(-EEXIST, "'%s' exists and is no folder", dir);
	if (!replace)
		return sonde_fail(-EEXIST, "'%s' exists; --force replaces it, -o names another",
				  dir);
	if (is_empty(dir))
		return 1;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "'%s'", dir);
	bool is_trace = !fstatat(fd, "metadata", &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
	close(fd);
	if (!is_trace)
		return sonde_fail(-EEXIST, "'%s' exists and is no trace: not replaced", dir);
	return 1;
}

/* The folder, empty, in dir_fd. */
static int make_folder(struct writer *w)
{
	int r = look_at_folder(w->dir, w->replace);

	if (r < 0)
		return r;
	if (r > 0)
		r = empty_folder(AT_FDCWD, w->dir, 4);
	if (r < 0)
		return sonde_fail_errno(r, "'%s': cannot remove the earlier trace", w->dir);
	if (mkdir(w->dir, 0777) < 0 && errno != EEXIST)
		return sonde_fail_errno(-errno, "cannot make the folder '%s'", w->dir);
	w->dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->dir_fd < 0 ? sonde_fail_errno(-errno, "'%s'", w->dir) : 0;
}

static int new_uuid(uint8_t *ret)
{
	if (getrandom(ret, 16, 0) != 16)
		return sonde_fail_errno(-errno, "no random numbers");
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
	return 0;
}

int writer_open(const char *dir, bool replace, struct writer **ret)
{
	sonde_auto(writer_closep) struct writer *w = calloc(1, sizeof(*w));
	if (!w)
		return sonde_fail(-ENOMEM, "trace '%s': out of memory", dir);
	w->dir_fd = w->index_dir_fd = -1;
	w->dir = strdup(dir);
	if (!w->dir)
		return sonde_fail(-ENOMEM, "trace '%s': out of memory", dir);
	int r = new_uuid(w->uuid);
	if (r < 0)
		return r;

	w->replace = replace;
	r = look_at_folder(dir, replace);
	if (r < 0)
		return r;
	*ret = sonde_take(w);
	return 0;
}

const uint8_t *writer_uuid(const struct writer *w)
{
	return w->uuid;
}

const char *writer_dir(const struct writer *w)
{
	return w->dir;
}

uint64_t writer_bytes(const struct writer *w)
{
	return atomic_load(&w->bytes) + w->metadata_len;
}

/* All of it at @off, or a negative errno. */
static int write_at(int fd, const void *data, size_t len, uint64_t off)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Made behind the metadata: a folder without it is empty, and so may be replaced. */
static int make_index_dir(struct writer *w)
{
	if (mkdirat(w->dir_fd, "index", 0777) < 0)
		return sonde_fail_errno(-errno, "cannot make the folder '%s/index'", w->dir);
	w->index_dir_fd = openat(w->dir_fd, "index", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->index_dir_fd < 0)
		return sonde_fail_errno(-errno, "'%s/index'", w->dir);
	return 0;
}

int writer_metadata(struct writer *w, const char *text, size_t len)
{
	// Hidden, so that no reader takes it for a data stream.
	static const char tmp[] = ".metadata.new";
	if (w->dir_fd < 0) {
		int err = make_folder(w);
		if (err < 0)
			return err;
	}
	int fd = openat(w->dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot make '%s/metadata'", w->dir);
	int r = write_at(fd, text, len, 0);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(w->dir_fd, tmp, w->dir_fd, "metadata") < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(w->dir_fd, tmp, 0);
		return sonde_fail_errno(r, "'%s/metadata'", w->dir);
	}
	w->metadata_len = len;
	if (w->has_metadata)
		return 0;
	w->has_metadata = true;
	return make_index_dir(w);
}

/* The time of the clock that describe_trace() describes. */
static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int writer_stream_new(struct writer *w, const struct writer_stream_opts *opts,
		      struct writer_stream **ret)
{
	size_t cap = opts->packet ? opts->packet : WRITER_PACKET_USUAL;

	sonde_check(cap > HEAD_LEN && cap <= WRITER_PACKET_MAX);
	sonde_auto(stream_freep) struct writer_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return sonde_fail(-ENOMEM, "stream '%s': out of memory", opts->name);
	s->file = calloc(1, sizeof(*s->file));
	s->buf = calloc(1, cap + FULL_ALIGN);
	if (!s->file || !s->buf)
		return sonde_fail(-ENOMEM, "stream '%s': out of memory", opts->name);
	s->file->fd = s->file->index_fd = -1;
	s->file->name = strdup(opts->name);
	if (!s->file->name)
		return sonde_fail(-ENOMEM, "stream '%s': out of memory", opts->name);
	s->file->stream_id = opts->id;
	s->file->cpu = opts->cpu;
	s->file->start_ts = now_ns();
	s->cap = cap;
	s->len = HEAD_LEN;
	s->w = w;
	s->next = w->streams;
	w->streams = s;
	*ret = sonde_take(s);
	return 0;
}

size_t writer_event_max(const struct writer_stream *s)
{
	return s->cap - HEAD_LEN;
}

/* Makes the stream's two files. */
static int open_files(struct writer_stream *s)
{
	struct writer_file *f = s->file;
	char index[128];

	sonde_check(s->w->has_metadata);
	f->fd = openat(s->w->dir_fd, f->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (f->fd < 0)
		return sonde_fail_errno(-errno, "cannot make '%s/%s'", s->w->dir, f->name);
	(void)snprintf(index, sizeof(index), "%s.idx", f->name);
	f->index_fd =
		openat(s->w->index_dir_fd, index, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (f->index_fd < 0)
		return sonde_fail_errno(-errno, "cannot make '%s/index/%s'", s->w->dir, index);

	const struct index_head head = {
		.magic = htobe32(INDEX_MAGIC),
		.major = htobe32(1),
		.minor = htobe32(1),
		.entry_len = htobe32(sizeof(struct index_entry)),
	};
	int r = write_at(f->index_fd, &head, sizeof(head), 0);
	if (r < 0)
		return sonde_fail_errno(r, "'%s/index/%s'", s->w->dir, index);
	f->index_off = sizeof(head);
	atomic_fetch_add(&s->w->bytes, sizeof(head));
	return 0;
}

void index_entry_fill(struct index_entry *e, const struct packet_head *head, uint64_t off)
{
	*e = (struct index_entry){
		.off = htobe64(off),
		.packet_bits = htobe64(head->packet_bits),
		.content_bits = htobe64(head->content_bits),
		.begin = htobe64(head->begin),
		.end = htobe64(head->end),
		.discarded = htobe64(head->discarded),
		.stream_id = htobe64(head->stream_id),
		.instance = htobe64(head->cpu),
		.seq = htobe64(head->seq),
	};
}

/* Writes the packet of @content bytes with the times @begin and @end. */
static int put_packet(struct writer_stream *s, size_t content, uint64_t begin, uint64_t end)
{
	struct writer_file *f = s->file;
	size_t len = (content + WRITER_EVENT_ALIGN - 1) & ~(size_t)(WRITER_EVENT_ALIGN - 1);

	if (s->full && s->cap >= FULL_ALIGN_FROM)
		len += (FULL_ALIGN - (f->off + len) % FULL_ALIGN) % FULL_ALIGN;

	if (f->fd < 0) {
		int r = open_files(s);
		if (r < 0)
			return r;
	}
	struct packet_head head = {
		.magic = CTF_MAGIC,
		.stream_id = (uint32_t)f->stream_id,
		.begin = begin,
		.end = end,
		.content_bits = content * 8,
		.packet_bits = len * 8,
		.seq = f->seq,
		.discarded = s->discarded,
		.cpu = (uint32_t)f->cpu,
	};
	memcpy(head.uuid, s->w->uuid, sizeof(head.uuid));
	memcpy(s->buf, &head, sizeof(head));
	memset(s->buf + content, 0, len - content);

	int r = write_at(f->fd, s->buf, len, f->off);
	if (r < 0) {
		// What is there of it would only be in a reader's way.
		(void)!ftruncate(f->fd, (off_t)f->off);
		return sonde_fail_errno(r, "'%s/%s'", s->w->dir, f->name);
	}
	struct index_entry entry;
	index_entry_fill(&entry, &head, f->off);
	f->last_off = f->off;
	f->off += len;
	f->seq++;
	f->told_discarded = s->discarded;
	atomic_fetch_add(&s->w->bytes, len);

	r = write_at(f->index_fd, &entry, sizeof(entry), f->index_off);
	if (r < 0) {
		(void)!ftruncate(f->index_fd, (off_t)f->index_off);
		return sonde_fail_errno(r, "'%s/index/%s.idx'", s->w->dir, f->name);
	}
	f->index_off += sizeof(entry);
	atomic_fetch_add(&s->w->bytes, sizeof(entry));
	return 0;
}

int writer_flush(struct writer_stream *s)
{
	if (s->err)
		return sonde_fail_errno(s->err, "'%s/%s'", s->w->dir, s->file->name);
	if (!s->end)
		return 0;
	int r = put_packet(s, s->end, s->first_ts, s->last_ts);
	if (r < 0) {
		s->err = r;
		return r;
	}
	s->n_written = s->n_events;
	s->len = HEAD_LEN;
	s->end = 0;
	return 0;
}

uint8_t *writer_reserve_slow(struct writer_stream *s, size_t len)
{
	s->full = true;
	int r = writer_flush(s);
	s->full = false;
	if (r < 0)
		return NULL;
	if (len > s->cap - s->len) {
		s->err = sonde_fail(-EMSGSIZE, "an event of %zu bytes, most is %zu", len,
				    s->cap - s->len);
		return NULL;
	}
	return s->buf + s->len;
}

int writer_lost(struct writer_stream *s, uint64_t n)
{
	int r = writer_flush(s);

	// Readers see losses as differences between packets: the first one needs one before it.
	if (!r && s->file->seq == 0) {
		r = put_packet(s, CONTENT_MIN, s->file->start_ts, s->file->start_ts);
		s->err = r;
	}
	s->discarded += n;
	return r;
}

uint64_t writer_give_up(struct writer_stream *s, uint64_t more)
{
	const uint64_t lost = s->n_events - s->n_written + more;
	struct writer_file *f = s->file;

	s->n_events = s->n_written;
	s->discarded += lost;
	if (!f->seq || s->discarded == f->told_discarded)
		return lost;
	const uint64_t told = htobe64(s->discarded);
	// The stream has failed for a reason that was told; this is as much as can be done.
	(void)write_at(f->fd, &s->discarded, sizeof(s->discarded),
		       f->last_off + offsetof(struct packet_head, discarded));
	if (f->index_off == sizeof(struct index_head) + f->seq * sizeof(struct index_entry))
		(void)write_at(f->index_fd, &told, sizeof(told),
			       f->index_off - sizeof(struct index_entry) +
				       offsetof(struct index_entry, discarded));
	f->told_discarded = s->discarded;
	return lost;
}

int writer_finish(struct writer_stream *s, uint64_t ts)
{
	int r = writer_flush(s);

	if (r < 0 || s->discarded == s->file->told_discarded)
		return r;
	uint64_t begin = s->last_ts && s->last_ts < ts ? s->last_ts : ts;
	r = put_packet(s, CONTENT_MIN, begin, ts);
	if (r < 0)
		s->err = r;
	return r;
}
