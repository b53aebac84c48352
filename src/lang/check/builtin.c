/* SPDX-License-Identifier: MIT */
/** The table of built-in values. */
#include "lang/check/builtin.h"

#include <string.h>

const struct builtin builtin_all[] = {
	{ "pid", B_PID, &type_u32, "process id (the kernel's tgid)" },
	{ "tid", B_TID, &type_u32, "thread id (the kernel's pid)" },
	{ "uid", B_UID, &type_u32, "user id" },
	{ "gid", B_GID, &type_u32, "group id" },
	{ "username", B_USERNAME, NULL, "name of the user" },
	{ "nsecs", B_NSECS, &type_u64, "nanoseconds since boot" },
	{ "elapsed", B_ELAPSED, &type_u64, "nanoseconds since the script began" },
	{ "cpu", B_CPU, &type_u32, "number of the CPU" },
	{ "comm", B_COMM, NULL, "name of the thread" },
	{ "kstack", B_KSTACK, NULL, "stack in the kernel" },
	{ "ustack", B_USTACK, NULL, "stack in the program" },
	{ "arg", B_ARG, NULL, "arg0 ... arg9: arguments of the function or marker" },
	{ "sarg", B_SARG, &type_u64, "sarg0 ... sarg9: arguments on the stack" },
	{ "args", B_ARGS, NULL, "arguments by name: args.NAME" },
	{ "retval", B_RETVAL, NULL, "what the function returns" },
	{ "func", B_FUNC, NULL, "name of the function" },
	{ "probe", B_PROBE, NULL, "full name of the probe" },
	{ "curtask", B_CURTASK, NULL, "the thread's struct task_struct" },
	{ "rand", B_RAND, &type_u32, "a random number" },
	{ "cgroup", B_CGROUP, &type_u64, "id of the cgroup (version 2)" },
	{ "ctx", B_CTX, NULL, "the program's context" },
	{ "ncpus", B_NCPUS, &type_u64, "how many CPUs the kernel may have" },
	{ "numaid", B_NUMAID, &type_u32, "number of the NUMA node" },
	{ "ppid", B_PPID, &type_u32, "process id of the parent" },
	{ "cpid", B_CPID, &type_u32, "process id of the command of -c" },
	{ "jiffies", B_JIFFIES, &type_u64, "the kernel's ticks" },
	{ "pcomm", B_PCOMM, NULL, "name of the process's first thread" },
	{ "probeprov", B_PROBEPROV, NULL, "provider of the probe" },
	{ "probemod", B_PROBEMOD, NULL, "module of the probe" },
	{ "probefunc", B_PROBEFUNC, NULL, "function of the probe" },
	{ "probename", B_PROBENAME, NULL, "name of the probe" },
	{ "probeid", B_PROBEID, &type_u32, "number of the probe" },
	{ "walltimestamp", B_WALLTIMESTAMP, &type_i64, "nanoseconds since 1970" },
	{ "faultkind", B_FAULT_KIND, &type_i64, "of ERROR: what went wrong" },
	{ "faultaddr", B_FAULT_ADDR, &type_u64, "of ERROR: the address" },
	{ "caller", B_CALLER, NULL, "who called the function in the kernel" },
	{ "ucaller", B_UCALLER, NULL, "who called the function in the program" },
	{ 0 },
};

/* The number of argN and sargN; -1: it is neither. */
static int64_t arg_number(const char *digits)
{
	int64_t n = 0;

	if (!*digits || (digits[0] == '0' && digits[1]))
		return -1;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9' || n > 99)
			return -1;
		n = 10 * n + (*digits - '0');
	}
	return n;
}

const struct builtin *builtin_find(const char *name, bool is_d, int64_t *ret_n)
{
	for (const struct builtin *b = builtin_all; b->name; b++) {
		const size_t len = strlen(b->name);

		if (builtin_is_of_d(b) && !is_d)
			continue;
		if (b->id != B_ARG && b->id != B_SARG) {
			if (!strcmp(name, b->name))
				return b;
		} else if (!strncmp(name, b->name, len) && arg_number(name + len) >= 0) {
			*ret_n = arg_number(name + len);
			return b;
		}
	}
	return NULL;
}
