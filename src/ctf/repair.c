/* SPDX-License-Identifier: MIT */
/** Tidies a trace whose writer was killed. */
#include "ctf/repair.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/writer_layout.h"

/* The packet at byte @off: its length if it is whole, else 0. */
static uint64_t whole_packet(int fd, uint64_t off, uint64_t size, struct packet_head *ret)
{
	if (size - off < sizeof(*ret) ||
	    pread(fd, ret, sizeof(*ret), (off_t)off) != (ssize_t)sizeof(*ret))
		return 0;
	const uint64_t len = ret->packet_bits / 8;

	if (ret->magic != CTF_MAGIC || len < sizeof(*ret) || len > size - off ||
	    ret->content_bits > ret->packet_bits)
		return 0;
	return len;
}

/* Where the packets that the index tells end; the bytes of their entries in *@ret_len. */
static uint64_t indexed_end(int fd, uint64_t size, uint64_t *ret_len)
{
	struct index_head head;
	struct index_entry e;

	*ret_len = 0;
	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    be32toh(head.magic) != INDEX_MAGIC || be32toh(head.entry_len) != sizeof(e))
		return 0;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return 0;
	for (uint64_t n = ((uint64_t)st.st_size - sizeof(head)) / sizeof(e); n; n--) {
		const uint64_t at = sizeof(head) + (n - 1) * sizeof(e);
		if (pread(fd, &e, sizeof(e), (off_t)at) != (ssize_t)sizeof(e))
			return 0;
		const uint64_t end = be64toh(e.off) + be64toh(e.packet_bits) / 8;
		if (end > size)
			continue; // its packet did not get to the disk
		*ret_len = at + sizeof(e);
		return end;
	}
	*ret_len = sizeof(head);
	return 0;
}

/* One stream with its index. */
static int repair_stream(int fd, int index_fd)
{
	struct packet_head head;
	struct stat st;
	uint64_t index_len, len;

	if (fstat(fd, &st) < 0)
		return -errno;
	const uint64_t size = (uint64_t)st.st_size;
	uint64_t off = indexed_end(index_fd, size, &index_len);
	if (!index_len)
		return -EBADMSG; // not even its head: the caller removes it
	while ((len = whole_packet(fd, off, size, &head)) > 0) {
		struct index_entry e;
		index_entry_fill(&e, &head, off);
		if (pwrite(index_fd, &e, sizeof(e), (off_t)index_len) != (ssize_t)sizeof(e))
			return -EIO;
		index_len += sizeof(e);
		off += len;
	}
	if (off < size && ftruncate(fd, (off_t)off) < 0)
		return -errno;
	return ftruncate(index_fd, (off_t)index_len) < 0 ? -errno : 0;
}

/* A stream whose index has not even a head yet: it goes, and what is no whole packet. */
static int repair_without_index(int dir_fd, const char *index, int fd)
{
	struct packet_head head;
	struct stat st;
	uint64_t off = 0, len;

	if (unlinkat(dir_fd, index, 0) < 0 || fstat(fd, &st) < 0)
		return -errno;
	while ((len = whole_packet(fd, off, (uint64_t)st.st_size, &head)) > 0)
		off += len;
	return ftruncate(fd, (off_t)off) < 0 ? -errno : 0;
}

static int repair_named(int dir_fd, const char *name)
{
	char index[300];
	int r = snprintf(index, sizeof(index), "index/%s.idx", name);

	if (r < 0 || (size_t)r >= sizeof(index))
		return 0; // none of ours
	sonde_auto(mem_closep) int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EISDIR ? 0 : -errno;
	sonde_auto(mem_closep) int index_fd =
		openat(dir_fd, index, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (index_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = repair_stream(fd, index_fd);
	return r == -EBADMSG ? repair_without_index(dir_fd, index, fd) : r;
}

int ctf_repair(const char *dir)
{
	const struct dirent *e;
	int err = 0;

	DIR *d = opendir(dir);
	if (!d)
		return sonde_fail_errno(-errno, "'%s'", dir);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "metadata"))
			continue;
		int r = repair_named(dirfd(d), e->d_name);
		if (r < 0 && !err)
			err = sonde_fail_errno(r, "'%s/%s'", dir, e->d_name);
	}
	(void)closedir(d);
	return err;
}
