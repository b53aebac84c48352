/* SPDX-License-Identifier: MIT */
/** Numbers of tracepoints, from tracefs wherever it is, or from a mount that nobody else sees. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/attach_state.h"

/* A mount that hangs nowhere in the tree of files, and goes with its descriptor. */
static int mount_unseen(void)
{
	sonde_auto(mem_closep) int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int open_events(int *ret_fd)
{
	static const char *const places[] = { "/sys/kernel/tracing/events",
					      "/sys/kernel/debug/tracing/events" };
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = -1;

	for (size_t i = 0; i < MEM_LEN(places) && fd < 0; i++)
		fd = open(places[i], flags);
	if (fd < 0) {
		int refused = errno;
		sonde_auto(mem_closep) int top = mount_unseen();

		fd = top < 0 ? -1 : openat(top, "events", flags);
		if (fd < 0 && (refused == EACCES || top == -EPERM))
			return sonde_fail(-EACCES, "not permitted to read the tracepoints of "
						   "/sys/kernel/tracing: this needs root");
		if (fd < 0)
			return sonde_fail(-ENOTSUP,
					  "this kernel has no tracefs, so no tracepoints");
	}
	*ret_fd = fd;
	return 0;
}

static bool is_name(const char *s)
{
	return s && *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

int tracepoint_id(struct attachments *a, const char *group, const char *name, uint64_t *ret)
{
	char path[512], text[32], *end;
	int len;

	if (!is_name(group) || !is_name(name))
		return sonde_fail(-ENOENT, "'%s:%s' is no name of a tracepoint", group ? group : "",
				  name ? name : "");
	int r = a->events_dir < 0 ? open_events(&a->events_dir) : 0;
	if (r < 0)
		return r;
	len = snprintf(path, sizeof(path), "%s/%s/id", group, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return sonde_fail(-ENOENT, "the kernel has no tracepoint with so long a name");
	sonde_auto(mem_closep) int fd = openat(a->events_dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return sonde_fail(-ENOENT, "the kernel has no tracepoint '%s:%s'", group, name);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return sonde_fail_errno(-errno, "cannot read tracepoint '%s:%s'", group, name);
	text[n] = '\0';
	uint64_t id = strtoull(text, &end, 10);
	if (end == text)
		return sonde_fail(-EBADMSG, "tracepoint '%s:%s' has no number", group, name);
	*ret = id;
	return 0;
}
