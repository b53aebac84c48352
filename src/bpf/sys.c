/* SPDX-License-Identifier: MIT */
/** bpf(2), perf_event_open(2), and what a refusal means. */
#include "bpf/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

/* Raises a limit as far as it goes; true: there is more room than before. */
static bool raise_limit(__rlimit_resource_t which)
{
	struct rlimit old, all = { RLIM_INFINITY, RLIM_INFINITY };

	if (getrlimit(which, &old) < 0 || old.rlim_cur == RLIM_INFINITY)
		return false;
	// Only memory may be without limit, and only with the right to raise the hard limit.
	if (which == RLIMIT_MEMLOCK && setrlimit(which, &all) == 0)
		return true;
	if (old.rlim_cur >= old.rlim_max)
		return false;
	old.rlim_cur = old.rlim_max;
	return setrlimit(which, &old) == 0;
}

int sys_bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));
	int err = r < 0 ? errno : 0;

	// Before 5.11 maps and programs count as locked memory, and too much of it is EPERM.
	if ((err == EPERM && (cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD) &&
	     raise_limit(RLIMIT_MEMLOCK)) ||
	    (err == EMFILE && raise_limit(RLIMIT_NOFILE))) {
		r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));
		err = r < 0 ? errno : 0;
	}
	return err ? -err : (int)r;
}

int sys_perf_open(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	const unsigned long flags = PERF_FLAG_FD_CLOEXEC;
	long r = syscall(SYS_perf_event_open, attr, pid, cpu, -1, flags);
	int err = r < 0 ? errno : 0;

	if (err == EMFILE && raise_limit(RLIMIT_NOFILE)) {
		r = syscall(SYS_perf_event_open, attr, pid, cpu, -1, flags);
		err = r < 0 ? errno : 0;
	}
	return err ? -err : (int)r;
}

int sys_read_text(const char *path, char *buf, size_t cap)
{
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, cap - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return (int)n;
}

static long read_number(const char *path, long otherwise)
{
	char text[32], *end;

	if (sys_read_text(path, text, sizeof(text)) <= 0)
		return otherwise;
	long n = strtol(text, &end, 10);
	return end == text ? otherwise : n;
}

/* Whether this process has capability @cap; it may have lost it in a container. */
static bool has_cap(unsigned cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return data[cap / 32].effective & (1U << cap % 32);
}

static bool locked_down(void)
{
	char text[64];

	// "none [integrity] confidentiality": only the last keeps programs from reading memory,
	// but which of them refused cannot be seen from here.
	return sys_read_text("/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       !strstr(text, "[none]");
}

static int not_permitted(int err, const char *what)
{
	char missing[64] = "";

	if (!has_cap(CAP_SYS_ADMIN)) {
		bool bpf = has_cap(CAP_BPF), perf = has_cap(CAP_PERFMON);

		if (!bpf || !perf)
			(void)snprintf(missing, sizeof(missing), "%s%s%s", bpf ? "" : "CAP_BPF",
				       bpf || perf ? "" : " and ", perf ? "" : "CAP_PERFMON");
		else
			(void)snprintf(missing, sizeof(missing), "CAP_SYS_ADMIN");
		return sonde_fail(err, "not permitted to %s: this needs root, or the capability %s",
				  what, missing);
	}
	if (locked_down())
		return sonde_fail(err,
				  "not permitted to %s: the kernel is locked down "
				  "(/sys/kernel/security/lockdown)",
				  what);
	return sonde_fail(err,
			  "not permitted to %s: this process has the rights, but the kernel, a "
			  "container's filter or a security module forbids it",
			  what);
}

int sys_bpf_failed(int err, const char *what, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, what);
	(void)vsnprintf(words, sizeof(words), what, ap);
	va_end(ap);

	if (err == -EPERM) {
		long off = read_number("/proc/sys/kernel/unprivileged_bpf_disabled", 0);

		(void)not_permitted(err, words);
		if (off && !has_cap(CAP_SYS_ADMIN) && !has_cap(CAP_BPF))
			return sonde_wrap(err, "kernel.unprivileged_bpf_disabled is %ld", off);
		return err;
	}
	if (err == -ENOSYS)
		return sonde_fail(-ENOTSUP, "cannot %s: this kernel has no bpf(2)", words);
	return sonde_fail_errno(err, "cannot %s", words);
}

int sys_perf_failed(int err, const char *what, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, what);
	(void)vsnprintf(words, sizeof(words), what, ap);
	va_end(ap);

	if (err == -EPERM || err == -EACCES) {
		long level = read_number("/proc/sys/kernel/perf_event_paranoid", 2);

		(void)not_permitted(err, words);
		if (!has_cap(CAP_SYS_ADMIN) && !has_cap(CAP_PERFMON))
			return sonde_wrap(err, "kernel.perf_event_paranoid is %ld", level);
		return err;
	}
	if (err == -ENOSYS)
		return sonde_fail(-ENOTSUP, "cannot %s: this kernel has no perf events", words);
	return sonde_fail_errno(err, "cannot %s", words);
}
