/* SPDX-License-Identifier: MIT */
/** perf_event_open(2), by trying: what the kernel refuses is left out and tried again. */
#include "perf/event.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

static int sys_open(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static struct perf_event_attr base_attr(const struct perf_wish *wish)
{
	return (struct perf_event_attr){
		.size = sizeof(struct perf_event_attr),
		.disabled = 1,
		.inherit = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = wish->watermark,
		.sample_id_all = 1,
		.exclude_hv = 1,
	};
}

static struct perf_event_attr clock_attr(const struct perf_ability *can,
					 const struct perf_wish *wish)
{
	struct perf_event_attr a = base_attr(wish);

	a.type = can->hardware ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE;
	a.config = can->hardware ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK;
	a.freq = 1;
	a.sample_freq = wish->hz;
	a.sample_type = PERF_SAMPLE_BASE;
	a.exclude_idle = 1;
	if (wish->period_ns) {
		a.type = PERF_TYPE_SOFTWARE;
		a.config = PERF_COUNT_SW_CPU_CLOCK;
		a.freq = 0;
		a.sample_period = wish->period_ns;
		a.exclude_idle = 0;
	}
	a.exclude_kernel = can->no_kernel;
	a.exclude_callchain_kernel = can->no_kernel;
	if (wish->user_regs) {
		a.sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
		a.sample_regs_user = wish->user_regs;
		a.sample_stack_user = wish->user_stack;
		a.exclude_callchain_user = 1;
	}
	return a;
}

static struct perf_event_attr tasks_attr(const struct perf_ability *can,
					 const struct perf_wish *wish)
{
	struct perf_event_attr a = base_attr(wish);

	a.type = PERF_TYPE_SOFTWARE;
	a.config = PERF_COUNT_SW_DUMMY;
	a.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
	a.mmap = 1;
	a.mmap2 = 1;
	a.comm = 1;
	a.comm_exec = 1;
	a.task = 1;
	a.build_id = can->build_id;
	a.exclude_kernel = 1;
	return a;
}

static struct perf_event_attr point_attr(const struct perf_wish *wish)
{
	struct perf_event_attr a = base_attr(wish);

	a.type = PERF_TYPE_TRACEPOINT;
	a.config = wish->point;
	a.sample_period = 1;
	a.sample_type =
		PERF_SAMPLE_BASE | PERF_SAMPLE_RAW | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	a.sample_regs_user = wish->user_regs;
	a.sample_stack_user = wish->point_stack;
	a.exclude_callchain_user = 1;
	return a;
}

static bool works(struct perf_event_attr *a, pid_t pid, int *ret_err)
{
	int fd = sys_open(a, pid, pid == -1 ? 0 : -1);

	*ret_err = fd < 0 ? fd : 0;
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int not_permitted(int err)
{
	int level = 2;
	FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "re");

	if (!f)
		return sonde_fail(-ENOTSUP, "this kernel takes no samples (no perf events)");
	if (fscanf(f, "%d", &level) != 1)
		level = 2;
	fclose(f);
	if (err == -EACCES || err == -EPERM)
		return sonde_fail(-EACCES,
				  "not permitted to take samples (kernel.perf_event_paranoid is "
				  "%d): be root, or 'sysctl kernel.perf_event_paranoid=-1'",
				  level);
	return sonde_fail_errno(err, "the kernel takes no samples");
}

int perf_probe(pid_t pid, struct perf_ability *ret)
{
	static const struct perf_wish wish = { .hz = 99, .watermark = 4096 };
	struct perf_ability can = { .hardware = true };
	int err;

	for (;;) {
		struct perf_event_attr a = clock_attr(&can, &wish);

		if (works(&a, pid, &err))
			break;
		if (can.hardware && err != -EACCES && err != -EPERM)
			can.hardware = false;
		else if (!can.no_kernel && (err == -EACCES || err == -EPERM) && pid != -1)
			can.no_kernel = true;
		else
			return not_permitted(err);
	}
	can.build_id = true;
	struct perf_event_attr a = tasks_attr(&can, &wish);
	can.build_id = works(&a, pid, &err);
	*ret = can;
	return 0;
}

int perf_open_clock(const struct perf_ability *can, const struct perf_wish *wish, pid_t pid,
		    int cpu)
{
	struct perf_event_attr a = clock_attr(can, wish);
	int fd = sys_open(&a, pid, cpu);

	return fd < 0 ? sonde_fail_errno(fd, "cannot take samples on CPU %d", cpu) : fd;
}

int perf_open_point(const struct perf_wish *wish, pid_t pid, int cpu)
{
	struct perf_event_attr a = point_attr(wish);
	int fd = sys_open(&a, pid, cpu);

	if (fd < 0)
		return sonde_fail_errno(fd, "cannot take samples of a tracepoint on CPU %d", cpu);
	if (wish->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, wish->filter) != 0) {
		const int r = sonde_fail_errno(-errno, "cannot filter samples of a tracepoint");
		close(fd);
		return r;
	}
	return fd;
}

int perf_open_tasks(const struct perf_ability *can, const struct perf_wish *wish, pid_t pid,
		    int cpu)
{
	struct perf_event_attr a = tasks_attr(can, wish);
	int fd = sys_open(&a, pid, cpu);

	return fd < 0 ? sonde_fail_errno(fd, "cannot follow processes on CPU %d", cpu) : fd;
}
