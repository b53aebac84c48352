/* SPDX-License-Identifier: MIT */
/** Lists of CPUs from sysfs. */
#include "bpf/cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/sys.h"

/* Reads a number below CPUS_MOST at *@s and moves on; false: there is none. */
static bool number(const char **s, unsigned *ret)
{
	unsigned n = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9' && n < CPUS_MOST; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (p == *s || n >= CPUS_MOST)
		return false;
	*s = p;
	*ret = n;
	return true;
}

static int range(const char **s, int (*f)(void *arg, unsigned cpu), void *arg)
{
	unsigned first, last;

	if (!number(s, &first))
		return -EBADMSG;
	last = first;
	if (**s == '-') {
		(*s)++;
		if (!number(s, &last) || last < first)
			return -EBADMSG;
	}
	for (unsigned cpu = first; cpu <= last; cpu++) {
		int r = f(arg, cpu);
		if (r < 0)
			return r;
	}
	return 0;
}

int cpus_each(const char *text, int (*f)(void *arg, unsigned cpu), void *arg)
{
	for (const char *s = text;;) {
		int r = range(&s, f, arg);
		if (r < 0)
			return r;
		if (*s == '\n' || !*s)
			return 0;
		if (*s++ != ',')
			return -EBADMSG;
	}
}

int cpus_each_online(int (*f)(void *arg, unsigned cpu), void *arg)
{
	static const char path[] = "/sys/devices/system/cpu/online";
	char text[4096];

	int r = sys_read_text(path, text, sizeof(text));
	if (r < 0)
		return sonde_fail_errno(r, "cannot read '%s'", path);
	r = cpus_each(text, f, arg);
	return r == -EBADMSG ? sonde_fail(r, "'%s' holds no list of CPUs", path) : r;
}

static int count(void *arg, unsigned cpu)
{
	(void)cpu; // values of per-CPU maps lie close together, whatever the numbers are
	++*(unsigned *)arg;
	return 0;
}

static int last(void *arg, unsigned cpu)
{
	*(unsigned *)arg = cpu;
	return 0;
}

unsigned cpus_end(void)
{
	char text[4096];
	unsigned n = 0;

	if (sys_read_text("/sys/devices/system/cpu/possible", text, sizeof(text)) > 0 &&
	    cpus_each(text, last, &n) == 0)
		return n + 1;
	long conf = sysconf(_SC_NPROCESSORS_CONF);
	return conf > 0 && conf < CPUS_MOST ? (unsigned)conf : CPUS_MOST;
}

unsigned cpus_possible(void)
{
	char text[4096];
	unsigned n = 0;

	// Too few would let the kernel write behind a buffer: rather ask libc, then be generous.
	if (sys_read_text("/sys/devices/system/cpu/possible", text, sizeof(text)) > 0 &&
	    cpus_each(text, count, &n) == 0 && n)
		return n;
	long conf = sysconf(_SC_NPROCESSORS_CONF);
	return conf > 0 && conf < CPUS_MOST ? (unsigned)conf : CPUS_MOST;
}
