/* SPDX-License-Identifier: MIT */
/** Constants that C headers define by macros, which no type information knows. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "lang/check/check.h"

#define C(name)             \
	{                   \
#name, name \
	}

static const struct {
	const char *name;
	int64_t value;
} constants[] = {
	{ "true", 1 },
	{ "false", 0 },
	{ "NULL", 0 },
	C(AF_UNSPEC),
	C(AF_UNIX),
	C(AF_INET),
	C(AF_INET6),
	C(AF_NETLINK),
	C(AF_PACKET),
	C(PF_INET),
	C(PF_INET6),
	{ "PF_KTHREAD", 0x00200000 },
	C(SOCK_STREAM),
	C(SOCK_DGRAM),
	C(SOCK_RAW),
	C(IPPROTO_IP),
	C(IPPROTO_ICMP),
	C(IPPROTO_TCP),
	C(IPPROTO_UDP),
	C(IPPROTO_IPV6),
	C(O_RDONLY),
	C(O_WRONLY),
	C(O_RDWR),
	C(O_CREAT),
	C(O_EXCL),
	C(O_TRUNC),
	C(O_APPEND),
	C(O_NONBLOCK),
	C(O_DIRECT),
	C(O_SYNC),
	C(O_CLOEXEC),
	C(AT_FDCWD),
	C(S_IFMT),
	C(S_IFREG),
	C(S_IFDIR),
	C(S_IFCHR),
	C(S_IFBLK),
	C(S_IFIFO),
	C(S_IFLNK),
	C(S_IFSOCK),
	C(PROT_READ),
	C(PROT_WRITE),
	C(PROT_EXEC),
	C(MAP_SHARED),
	C(MAP_PRIVATE),
	C(MAP_ANONYMOUS),
	C(CLONE_VM),
	C(CLONE_THREAD),
	C(CLONE_VFORK),
	C(CLONE_NEWPID),
	C(SIGHUP),
	C(SIGINT),
	C(SIGQUIT),
	C(SIGILL),
	C(SIGABRT),
	C(SIGFPE),
	C(SIGKILL),
	C(SIGSEGV),
	C(SIGPIPE),
	C(SIGALRM),
	C(SIGTERM),
	C(SIGCHLD),
	C(SIGCONT),
	C(SIGSTOP),
	C(SIGUSR1),
	C(SIGUSR2),
	C(EPERM),
	C(ENOENT),
	C(EINTR),
	C(EIO),
	C(EAGAIN),
	C(ENOMEM),
	C(EACCES),
	C(EFAULT),
	C(EBUSY),
	C(EEXIST),
	C(ENODEV),
	C(ENOTDIR),
	C(EISDIR),
	C(EINVAL),
	C(ENFILE),
	C(EMFILE),
	C(ENOSPC),
	C(EPIPE),
	C(ETIMEDOUT),
	C(ECONNREFUSED),
	C(EINPROGRESS),
	{ "TASK_RUNNING", 0 },
	{ "TASK_INTERRUPTIBLE", 1 },
	{ "TASK_UNINTERRUPTIBLE", 2 },
	{ "INT8_MAX", INT8_MAX },
	{ "INT16_MAX", INT16_MAX },
	{ "INT32_MAX", INT32_MAX },
	{ "INT64_MAX", INT64_MAX },
	{ "UINT8_MAX", UINT8_MAX },
	{ "UINT16_MAX", UINT16_MAX },
	{ "UINT32_MAX", UINT32_MAX },
	{ "UINT64_MAX", -1 },
	{ "INT64_MIN", INT64_MIN },
};

bool constant_find(const char *name, int64_t *ret)
{
	for (size_t i = 0; i < MEM_LEN(constants); i++) {
		if (!strcmp(constants[i].name, name)) {
			*ret = constants[i].value;
			return true;
		}
	}
	return false;
}
