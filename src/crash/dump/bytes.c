/* SPDX-License-Identifier: MIT */
/** The bytes of a dump's file: mapped, or read where they cannot be. */
#include "crash/dump/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

/** What could not be lent. */
struct bytes_copy {
	struct bytes_copy *next;
	uint8_t data[];
};

void bytes_close(struct bytes *b)
{
	if (!b)
		return;
	if (b->class && b->class->close)
		b->class->close(b);
	while (b->copies) {
		struct bytes_copy *c = b->copies;

		b->copies = c->next;
		free(c);
	}
	free(b->path);
	free(b->cut);
	free(b->device);
	free(b);
}

int bytes_read(struct bytes *b, uint64_t off, void *ret, size_t n)
{
	if (off > b->len || n > b->len - off)
		return sonde_fail(-ENODATA,
				  "ends at byte %" PRIu64 ", %zu bytes at %" PRIu64 " are wanted",
				  b->len, n, off);
	if (!b->map)
		return b->class->read(b, off, ret, n);
	memcpy(ret, b->map + off, n);
	return 0;
}

int bytes_keep(struct bytes *b, uint64_t off, size_t n, const uint8_t **ret)
{
	const uint8_t *lent = bytes_lend(b, off, n);
	if (lent) {
		*ret = lent;
		return 0;
	}
	if (off > b->len || n > b->len - off)
		return sonde_fail(-ENODATA,
				  "ends at byte %" PRIu64 ", %zu bytes at %" PRIu64 " are wanted",
				  b->len, n, off);

	size_t size;
	sonde_auto(mem_freep) struct bytes_copy *c =
		mem_add(sizeof(*c), n, &size) ? malloc(size) : NULL;
	if (!c)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = bytes_read(b, off, c->data, n);
	if (r < 0)
		return r;
	c->next = b->copies;
	b->copies = c;
	*ret = c->data;
	sonde_take(c);
	return 0;
}

static void mapped_close(struct bytes *b)
{
	if (b->map)
		munmap((void *)(uintptr_t)b->map, b->len);
}

static const struct bytes_class mapped_class = { .close = mapped_close };

/* A file, or the device that a dump was written to. */
static int length_of(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sonde_fail_errno(-errno, "cannot look at");
	if (S_ISBLK(st.st_mode)) {
		off_t end = lseek(fd, 0, SEEK_END);
		if (end < 0)
			return sonde_fail_errno(-errno, "cannot find its end");
		*ret = (uint64_t)end;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return sonde_fail(-EINVAL, "is no regular file");
	*ret = (uint64_t)st.st_size;
	return 0;
}

/** A file that cannot be mapped: as /proc/kcore, or larger than what addresses are left. */
struct unmapped {
	struct bytes base;
	int fd; /* owned */
};

static int unmapped_read(struct bytes *b, uint64_t off, void *ret, size_t n)
{
	const struct unmapped *u = (const struct unmapped *)b;
	uint8_t *to = ret;

	while (n) {
		ssize_t got = pread(u->fd, to, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sonde_fail_errno(-errno, "cannot read at byte %" PRIu64, off);
		if (!got)
			return sonde_fail(-ENODATA, "ends at byte %" PRIu64, off);
		to += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static void unmapped_close(struct bytes *b)
{
	(void)close(((struct unmapped *)b)->fd); // nothing was written
}

static const struct bytes_class unmapped_class = { .read = unmapped_read, .close = unmapped_close };

static bool is_kcore(int fd)
{
	struct stat own, kcore;

	return fstat(fd, &own) == 0 && stat("/proc/kcore", &kcore) == 0 &&
	       own.st_dev == kcore.st_dev && own.st_ino == kcore.st_ino;
}

static int open_plain(const char *path, struct unmapped *u)
{
	struct bytes *b = &u->base;

	// Opening a pipe must not wait for its writer.
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open");
	int r = length_of(fd, &b->len);
	if (r < 0)
		return r;
	b->live = is_kcore(fd);
	if (b->live)
		b->len = INT64_MAX; // what stat(2) says of it need not be so
	if (!b->len)
		return sonde_fail(-EBADMSG, "is empty");
	void *p = b->live ? MAP_FAILED : mmap(NULL, b->len, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		b->class = &unmapped_class;
		u->fd = mem_take_fd(&fd);
		return 0;
	}
	b->map = p;
	b->class = &mapped_class;
	// Dumps are read here and there; what lies beside is not wanted.
	(void)madvise(p, b->len, MADV_RANDOM);
	return 0;
}

int bytes_map(const char *path, struct bytes **ret)
{
	struct unmapped *u = calloc(1, sizeof(*u));
	if (!u)
		return sonde_fail(-ENOMEM, "out of memory");
	sonde_auto(bytes_closep) struct bytes *b = &u->base;
	b->path = strdup(path);
	if (!b->path)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = open_plain(path, u);
	if (r == 0)
		*ret = sonde_take(b);
	return r;
}
