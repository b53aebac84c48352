/* SPDX-License-Identifier: MIT */
/** Making, finishing and opening the file of a store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "state/store_state.h"

SONDE_DEFINE_AUTO(struct store *, store_free)

static void drop_temp(struct store *s)
{
	if (s->temp)
		(void)unlink(s->temp); // nobody waits for it
	free(s->temp);
	s->temp = NULL;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->is_built && i < s->head.n_tracks; i++)
		store_free_open(s, i);
	drop_temp(s);
	if (s->map)
		(void)munmap((void *)(uintptr_t)s->map, s->map_len);
	if (s->fd >= 0)
		(void)close(s->fd);
	(void)pthread_mutex_destroy(&s->lock);
	spill_fini(&s->built_mem);
	spill_fini(&s->edges_mem);
	chunks_fini(&s->chunks);
	free(s->path);
	free(s->buf);
	free(s->texts);
	free((void *)s->checked);
	u64map_fini(&s->text_of);
	arena_fini(&s->arena);
	free(s);
}

/* NULL (sonde_fail()): no memory. */
static struct store *store_new(const char *path)
{
	struct store *s = calloc(1, sizeof(*s));
	char *copy = path ? strdup(path) : NULL;

	if (!s || (path && !copy)) {
		free(s);
		free(copy);
		(void)sonde_fail(-ENOMEM, "out of memory for the index");
		return NULL;
	}
	s->fd = -1;
	s->path = copy;
	(void)pthread_mutex_init(&s->lock, NULL); // of the default kind: cannot fail
	return s;
}

/* The folder of the store's file at its place; owned, NULL: no memory. */
static char *folder_of(const struct store *s)
{
	const char *tmp = getenv("TMPDIR");
	const char *slash = s->path ? strrchr(s->path, '/') : NULL;

	if (s->place == STORE_AT_TEMP)
		return strdup(tmp && *tmp ? tmp : "/tmp");
	if (slash)
		return strndup(s->path, slash > s->path ? (size_t)(slash - s->path) : 1);
	return strdup(".");
}

/* A file without a name in that folder, or where that cannot be, one with a name. */
static int open_in(struct store *s, const char *folder, int *ret_fd)
{
	sonde_auto(mem_freep) char *temp = NULL;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);

	if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return sonde_fail_errno(-errno, "cannot write to '%s'", folder);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (asprintf(&temp, "%s/.index-XXXXXX", folder) < 0) {
		temp = NULL;
		return sonde_fail(-ENOMEM, "out of memory for the index");
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot write to '%s'", folder);
	(void)fchmod(fd, 0644); // else it is its owner's alone, which is no failure
	s->temp = sonde_take(temp);
	*ret_fd = fd;
	return 0;
}

/* An empty file at the store's place. */
static int open_place(struct store *s, int *ret_fd)
{
	if (s->place == STORE_IN_MEMORY) {
		const int fd = memfd_create("index", MFD_CLOEXEC);

		if (fd < 0)
			return sonde_fail_errno(-errno, "no memory for the index");
		*ret_fd = fd;
		return 0;
	}
	sonde_auto(mem_freep) char *folder = folder_of(s);
	return folder ? open_in(s, folder, ret_fd)
		      : sonde_fail(-ENOMEM, "out of memory for the index");
}

/* Copies the first @len bytes of a file. */
static int copy_file(int to, int from, uint64_t len)
{
	off_t at = 0;

	while ((uint64_t)at < len) {
		const ssize_t n = sendfile(to, from, &at, len - (uint64_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/* What is in the file goes to the next place. */
static int move_to(struct store *s, enum store_place place)
{
	int fd = -1;

	drop_temp(s);
	s->place = place;
	int r = open_place(s, &fd);
	if (r >= 0 && s->fd >= 0)
		r = copy_file(fd, s->fd, s->buf_at);
	if (r < 0) {
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	if (s->map)
		(void)munmap((void *)(uintptr_t)s->map, s->map_len);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->map = NULL;
	s->map_len = 0;
	s->fd = fd;
	return 0;
}

int store_move(struct store *s, int err)
{
	if (s->path && !s->unkept)
		s->unkept = err;
	for (enum store_place p = s->place; p < STORE_IN_MEMORY;) {
		if (move_to(s, ++p) >= 0)
			return 0;
	}
	return sonde_fail_errno(err, "cannot write the index");
}

int store_create(const char *path, const struct store_print *print, struct store **ret)
{
	sonde_auto(store_freep) struct store *s = store_new(path);

	if (!s)
		return -ENOMEM;
	s->is_built = true;
	s->open_most = UINT64_C(64) << 20;
	s->head = (struct format_header){
		.magic = FORMAT_MAGIC,
		.version = FORMAT_VERSION,
		.endian = FORMAT_ENDIAN,
		.print = *print,
	};
	s->buf_at = FORMAT_PAGE;
	s->buf = malloc(STORE_BUF);
	if (!s->buf)
		return sonde_fail(-ENOMEM, "out of memory for the index");
	s->place = path ? STORE_AT_PATH : STORE_AT_TEMP;
	int r = open_place(s, &s->fd);
	if (r < 0 && !path)
		r = store_move(s, r);
	if (r < 0)
		return sonde_wrap(r, "index");
	*ret = sonde_take(s);
	return 0;
}

/* Gives the finished file its name, in one step. */
static int give_name(struct store *s)
{
	if (!s->path || s->place != STORE_AT_PATH)
		return 0;
	if (!s->temp) {
		char self[32];

		(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", s->fd);
		if (linkat(AT_FDCWD, self, AT_FDCWD, s->path, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		// Another one is there, which is replaced in one step.
		if (asprintf(&s->temp, "%s.%ld", s->path, (long)getpid()) < 0) {
			s->temp = NULL;
			return sonde_fail(-ENOMEM, "out of memory for the index");
		}
		(void)unlink(s->temp); // of an earlier process of this number
		if (linkat(AT_FDCWD, self, AT_FDCWD, s->temp, AT_SYMLINK_FOLLOW) < 0) {
			const int err = errno;

			free(s->temp);
			s->temp = NULL;
			return sonde_fail_errno(-err, "cannot name the index '%s'", s->path);
		}
	}
	if (rename(s->temp, s->path) < 0)
		return sonde_fail_errno(-errno, "cannot name the index '%s'", s->path);
	free(s->temp);
	s->temp = NULL;
	return 0;
}

static int write_texts(struct store *s)
{
	struct format_header *h = &s->head;
	int r = store_pad(s);

	h->texts_at = s->buf_at + s->buf_len;
	h->n_texts = s->n_texts;
	for (size_t i = 0; r >= 0 && i < s->n_texts; i++) {
		const size_t len = strlen(s->texts[i]) + 1;

		h->texts_sum = h->texts_sum * 31 + format_sum(s->texts[i], len);
		h->texts_len += len;
		r = store_write(s, s->texts[i], len);
	}
	return r;
}

static int write_tracks(struct store *s)
{
	struct format_header *h = &s->head;
	int r = store_pad(s);

	h->tracks_at = s->buf_at + s->buf_len;
	for (uint32_t i = 0; r >= 0 && i < h->n_tracks; i++) {
		const struct format_track *t = &store_track_of(s, i)->rec;

		h->tracks_sum = h->tracks_sum * 31 + format_sum(t, sizeof(*t));
		r = store_write(s, t, sizeof(*t));
	}
	return r;
}

static int finish_locked(struct store *s)
{
	struct format_header *h = &s->head;
	int r = s->err;

	for (uint32_t i = 0; r >= 0 && i < h->n_tracks; i++)
		r = store_seal(s, i);
	if (r >= 0)
		r = write_texts(s);
	if (r >= 0)
		r = write_tracks(s);
	if (r >= 0)
		r = store_flush(s);
	if (r < 0)
		return r;
	h->len = s->buf_at;
	h->sum = format_sum(h, offsetof(struct format_header, sum));
	while (r >= 0 && pwrite(s->fd, h, sizeof(*h), 0) != (ssize_t)sizeof(*h))
		r = store_move(s, errno ? -errno : -EIO);
	if (r < 0)
		return r;
	// It can be asked without a name, too.
	r = give_name(s);
	if (r < 0 && r != -ENOMEM)
		s->unkept = r;
	return r == -ENOMEM ? r : 0;
}

int store_finish(struct store *s)
{
	sonde_check(s->is_built);
	store_lock(s);
	int r = finish_locked(s);
	if (r < 0)
		s->err = r;
	store_unlock(s);
	return r;
}

int store_unkept(const struct store *s)
{
	return s->unkept;
}

/* Opening. */

static int check_header(const struct format_header *h, const struct store_print *print, size_t len)
{
	size_t tracks_len, end;

	if (memcmp(h->magic, FORMAT_MAGIC, sizeof(h->magic)) != 0)
		return sonde_fail(-EBADMSG, "it is no index");
	if (h->endian != FORMAT_ENDIAN || h->version != FORMAT_VERSION)
		return sonde_fail(-ESTALE, "it is of another version");
	if (h->sum != format_sum(h, offsetof(struct format_header, sum)) || h->len != len)
		return sonde_fail(-EBADMSG, "its header is damaged");
	if (memcmp(&h->print, print, sizeof(*print)) != 0)
		return sonde_fail(-ESTALE, "it is of another trace");
	if (h->n_tracks > STORE_TRACKS_MOST || h->tracks_at % FORMAT_ALIGN ||
	    !mem_mul(h->n_tracks, sizeof(struct format_track), &tracks_len) ||
	    !mem_add(h->tracks_at, tracks_len, &end) || end > len ||
	    h->n_texts > STORE_TEXTS_MOST || !mem_add(h->texts_at, h->texts_len, &end) || end > len)
		return sonde_fail(-EBADMSG, "its header makes no sense");
	return 0;
}

static int open_texts(struct store *s)
{
	const struct format_header *h = &s->head;
	const char *at = (const char *)s->map + h->texts_at, *end = at + h->texts_len;
	uint64_t sum = 0;

	if (h->n_texts > h->texts_len)
		return sonde_fail(-EBADMSG, "its texts are damaged");
	if (h->n_texts && mem_grow(&s->texts, &s->cap_texts, h->n_texts) < 0)
		return -ENOMEM;
	while (s->n_texts < h->n_texts) {
		const char *zero = memchr(at, 0, (size_t)(end - at));
		if (!zero)
			return sonde_fail(-EBADMSG, "its texts are damaged");
		s->texts[s->n_texts++] = at;
		sum = sum * 31 + format_sum(at, (size_t)(zero - at) + 1);
		at = zero + 1;
	}
	return at == end && sum == h->texts_sum ? 0 : sonde_fail(-EBADMSG, "its texts are damaged");
}

static int open_tracks(struct store *s)
{
	const struct format_header *h = &s->head;
	uint64_t sum = 0;

	s->tracks = (const void *)(s->map + h->tracks_at);
	for (uint32_t i = 0; i < h->n_tracks; i++) {
		const struct format_track *t = &s->tracks[i];

		sum = sum * 31 + format_sum(t, sizeof(*t));
		if (!t->n_states || t->n_states > STORE_STATES_MOST || t->level >= FORMAT_LEVELS)
			return sonde_fail(-EBADMSG, "its tracks make no sense");
	}
	return sum == h->tracks_sum ? 0 : sonde_fail(-EBADMSG, "its tracks are damaged");
}

static int open_map(struct store *s)
{
	struct stat st;

	// To note when it was read takes time at each read; only its owner may leave that out.
	s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (s->fd < 0 && errno == EPERM)
		s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return sonde_fail_errno(-errno, "cannot open it");
	if (!S_ISREG(st.st_mode) || st.st_size < FORMAT_PAGE)
		return sonde_fail(-EBADMSG, "it is no index");
	s->map_len = (size_t)st.st_size;
	void *map = mmap(NULL, s->map_len, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return sonde_fail_errno(-errno, "cannot map it");
	s->map = map;
	s->checked = calloc(s->map_len / FORMAT_ALIGN / 8 + 1, 1);
	return s->checked ? 0 : sonde_fail(-ENOMEM, "out of memory for the index");
}

int store_open(const char *path, const struct store_print *print, struct store **ret)
{
	sonde_auto(store_freep) struct store *s = store_new(path);

	if (!s)
		return -ENOMEM;
	int r = open_map(s);
	if (r >= 0) {
		memcpy(&s->head, s->map, sizeof(s->head));
		r = check_header(&s->head, print, s->map_len);
	}
	if (r >= 0)
		r = open_texts(s);
	if (r >= 0)
		r = open_tracks(s);
	if (r < 0)
		return sonde_wrap(r, "index '%s'", path);
	*ret = sonde_take(s);
	return 0;
}
