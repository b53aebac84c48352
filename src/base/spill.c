/* SPDX-License-Identifier: MIT */
/** Large arrays: anonymous memory first, then a mapped file. */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { LEAST = 64 << 10, STEP_MOST = 64 << 20 };

void spill_fini(struct spill *s)
{
	if (s->p)
		(void)munmap(s->p, s->cap);
	if (s->in_file)
		(void)close(s->fd);
	*s = (struct spill){ .p = NULL };
}

/* A file without a name; -1: there is no place for one. */
static int open_temp(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];

	dir = dir && *dir ? dir : "/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const int n = snprintf(path, sizeof(path), "%s/.sonde-XXXXXX", dir);
	if (fd >= 0 || n < 0 || (size_t)n >= sizeof(path))
		return fd;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path); // it is gone when it is closed
	return fd;
}

/* What is there goes to another mapping of @cap bytes; false: that cannot be. */
static bool move_to(struct spill *s, size_t cap, int fd)
{
	void *p = mmap(NULL, cap, PROT_READ | PROT_WRITE,
		       fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);

	if (p == MAP_FAILED)
		return false;
	if (s->p) {
		memcpy(p, s->p, s->cap);
		(void)munmap(s->p, s->cap);
	}
	if (s->in_file)
		(void)close(s->fd);
	s->p = p;
	s->cap = cap;
	s->fd = fd;
	s->in_file = fd >= 0;
	return true;
}

/* From memory into a file. */
static bool enter_file(struct spill *s, size_t cap)
{
	const int fd = open_temp();

	// Room is taken now: a page that found none later would end the process.
	if (fd >= 0 && posix_fallocate(fd, 0, (off_t)cap) == 0 && move_to(s, cap, fd))
		return true;
	if (fd >= 0)
		(void)close(fd);
	s->no_file = true;
	return false;
}

static bool grow_file(struct spill *s, size_t cap)
{
	spill_trim(s);
	if (posix_fallocate(s->fd, (off_t)s->cap, (off_t)(cap - s->cap)) == 0) {
		void *p = mremap(s->p, s->cap, cap, MREMAP_MAYMOVE);

		if (p == MAP_FAILED)
			return false;
		s->p = p;
		s->cap = cap;
		return true;
	}
	s->no_file = true; // the disk is full
	return move_to(s, cap, -1);
}

static bool grow_memory(struct spill *s, size_t cap)
{
	if (!s->p)
		return move_to(s, cap, -1);
	void *p = mremap(s->p, s->cap, cap, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return false;
	s->p = p;
	s->cap = cap;
	return true;
}

static bool grow(struct spill *s, size_t cap)
{
	if (s->in_file)
		return grow_file(s, cap);
	if (cap > SPILL_MEMORY && !s->no_file && enter_file(s, cap))
		return true;
	return grow_memory(s, cap);
}

int spill_room_(struct spill *s, void **arr, size_t n, size_t size)
{
	size_t len, cap = s->cap ? s->cap : LEAST;

	if (!mem_mul(n, size, &len) || len > SIZE_MAX / 4)
		return sonde_fail(-ENOMEM, "out of memory: %zu elements of %zu bytes", n, size);
	while (cap < len)
		cap += cap < STEP_MOST ? cap : STEP_MOST;
	if (cap > s->cap && !grow(s, cap))
		return sonde_fail(-ENOMEM, "out of memory: %zu elements of %zu bytes", n, size);
	*arr = s->p;
	return 0;
}

void spill_trim(const struct spill *s)
{
	if (s->in_file)
		(void)madvise(s->p, s->cap, MADV_DONTNEED); // a hint
}
