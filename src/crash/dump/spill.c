/* SPDX-License-Identifier: MIT */
/** A temporary file without a name. */
#include "crash/dump/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { HOLE = 4096 }; /* the grain of holes in files */

/* Not every file system can make a file without a name: then it loses its name at once. */
static int open_in(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/sonde-XXXXXX", folder);
	if (n < 0 || n >= (int)sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path); // it would only be left behind
	return fd;
}

int spill_open(int *ret_fd)
{
	const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < MEM_LEN(folders); i++) {
		if (folders[i] && *folders[i])
			fd = open_in(folders[i]);
	}
	if (fd < 0)
		return sonde_fail_errno(-errno, "no room for a temporary file in $TMPDIR, "
						"/var/tmp or /tmp");
	*ret_fd = fd;
	return 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static int write_all(int fd, uint64_t off, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t done = pwrite(fd, data, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return sonde_fail_errno(-errno, "cannot write a temporary file");
		data += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int spill_write(int fd, uint64_t off, const uint8_t *data, size_t n)
{
	const uint8_t *from = data, *p = data, *end = data + n;

	if (off > INT64_MAX - n)
		return sonde_fail(-EFBIG, "unpacked data is larger than a file can be");
	while (p < end) {
		size_t left = (size_t)(end - p), step = HOLE - (off + (uint64_t)(p - data)) % HOLE;

		if (step > left)
			step = left;
		if (is_zero(p, step)) {
			int r = write_all(fd, off + (uint64_t)(from - data), from,
					  (size_t)(p - from));
			if (r < 0)
				return r;
			from = p + step;
		}
		p += step;
	}
	return write_all(fd, off + (uint64_t)(from - data), from, (size_t)(end - from));
}

static int map(int fd, uint64_t len, int how, void **ret)
{
	if (len > INT64_MAX || ftruncate(fd, (off_t)len) < 0)
		return sonde_fail_errno(-errno, "cannot make a temporary file of %" PRIu64 " bytes",
					len);
	void *p = mmap(NULL, len, how, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return sonde_fail_errno(-errno, "cannot map a temporary file");
	*ret = p;
	return 0;
}

int spill_map(int fd, uint64_t len, const uint8_t **ret)
{
	void *p = NULL;

	int r = map(fd, len, PROT_READ, &p);
	if (r == 0)
		*ret = p;
	return r;
}

/* A disk that is full would tell it by SIGBUS when a page is written: the room is taken before. */
int spill_room(int fd, uint64_t len, void **ret)
{
	if (len <= INT64_MAX) {
		int err = posix_fallocate(fd, 0, (off_t)len);
		if (err)
			return sonde_fail_errno(
				-err, "no room for a temporary file of %" PRIu64 " bytes", len);
	}
	return map(fd, len, PROT_READ | PROT_WRITE, ret);
}
