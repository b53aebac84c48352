/* SPDX-License-Identifier: MIT */
/** Data files, mapped whole and read-only. */
#include "ctf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <sonde/err.h>

int file_map(const char *path, struct file_map *ret)
{
	// Opening a pipe must not wait for its writer.
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return sonde_fail_errno(-errno, "'%s': cannot open", path);

	struct stat st;
	if (fstat(fd, &st) < 0)
		return sonde_fail_errno(-errno, "'%s': cannot look at", path);
	if (!S_ISREG(st.st_mode))
		return sonde_fail(-EINVAL, "'%s': is no regular file, and cannot be mapped", path);

	*ret = (struct file_map){ .len = (uint64_t)st.st_size };
	if (!st.st_size)
		return 0;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return sonde_fail_errno(-errno, "'%s': cannot map", path);
	ret->data = p;
	return 0;
}

void file_unmap(struct file_map *f)
{
	if (f->data && !f->borrowed)
		munmap((void *)(uintptr_t)f->data, f->len);
	*f = (struct file_map){ 0 };
}

/* Advice only: a kernel that does not take it is no failure. */
static void advise(const struct file_map *f, uint64_t from, uint64_t to, int advice)
{
	if (f->data && !f->borrowed && to > from)
		(void)madvise((void *)((uintptr_t)f->data + from), to - from, advice);
}

void file_hop(const struct file_map *f)
{
	advise(f, 0, f->len, MADV_RANDOM);
}

void file_scan(const struct file_map *f)
{
	advise(f, 0, f->len, MADV_SEQUENTIAL);
}

void file_drop(struct file_map *f, uint64_t off, uint64_t slack)
{
	const uint64_t page = 1 << 16; // a multiple of every page size in use

	off &= ~(page - 1);
	if (off <= f->dropped || off - f->dropped < slack)
		return;
	advise(f, f->dropped, off, MADV_DONTNEED);
	f->dropped = off;
}
