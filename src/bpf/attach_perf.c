/* SPDX-License-Identifier: MIT */
/** Attaches programs by perf events. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/attach_state.h"
#include "bpf/cpus.h"
#include "bpf/sys.h"

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/*
 * Lets @event run the program. With a cookie it takes a link, which keeps the program attached for
 * as long as it is open; without one the event itself does.
 */
static int set_program(struct attachments *a, int prog_fd, int event, uint64_t cookie)
{
	if (!cookie) {
		if (ioctl(event, PERF_EVENT_IOC_SET_BPF, prog_fd) < 0)
			return -errno;
		return 0;
	}
	union bpf_attr attr = sys_attr();
	attr.link_create.prog_fd = (uint32_t)prog_fd;
	attr.link_create.target_fd = (uint32_t)event;
	attr.link_create.attach_type = BPF_PERF_EVENT;
	attr.link_create.perf_event.bpf_cookie = cookie;
	int link = sys_bpf(BPF_LINK_CREATE, &attr);
	return link < 0 ? link : keeper_add(&a->slow_links, &link);
}

static int set_failed(int err, const struct attach_spec *s, const char *what)
{
	if (err == -EINVAL && s->cookie)
		return sonde_fail(
			-ENOTSUP,
			"cannot attach to %s: this kernel knows no cookies (it needs 5.15)", what);
	if (err == -EACCES)
		return sonde_fail(-EINVAL,
				  "cannot attach to %s: the program reads more than its event has",
				  what);
	if (err == -EEXIST)
		return sonde_fail(err, "this program is attached to %s already", what);
	if (err == -E2BIG)
		return sonde_fail(err, "cannot attach to %s: it has 64 programs already", what);
	return sys_perf_failed(err, "attach to %s", what);
}

/*
 * Programs of tracepoints and probes hang on the event's class, not on the perf event: a single one
 * on any CPU brings all that happens on all of them.
 */
static int open_once(struct perf_event_attr *attr, pid_t pid)
{
	if (pid > 0)
		return sys_perf_open(attr, pid, -1);
	int fd = sys_perf_open(attr, -1, 0);
	// The first CPU may be offline, not the one that we run on.
	return fd == -ENODEV ? sys_perf_open(attr, -1, sched_getcpu()) : fd;
}

int attach_tracepoint(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_TRACEPOINT,
					.sample_period = 1 };
	uint64_t id;
	char what[300];

	int r = tracepoint_id(a, s->group, s->name, &id);
	if (r < 0)
		return r;
	attr.config = id;
	(void)snprintf(what, sizeof(what), "tracepoint '%s:%s'", s->group, s->name);
	// Programs run for all processes whatever @pid says, so the event is always opened for all.
	sonde_auto(mem_closep) int fd = open_once(&attr, -1);
	if (fd < 0)
		return sys_perf_failed(fd, "attach to %s", what);
	r = set_program(a, prog_fd, fd, s->cookie);
	return r < 0 ? set_failed(r, s, what) : keeper_add(&a->events, &fd);
}

/* Where the kernel says how its kprobes and uprobes are opened. */
struct probe_pmu {
	uint32_t type;
	unsigned ret_bit; /* of attr.config: at return */
	unsigned ref_bit; /* of attr.config: 32 bits of the semaphore's offset from here on */
};

static bool read_field(const char *pmu, const char *field, unsigned *ret)
{
	char path[128], text[64], *end;

	(void)snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, field);
	if (sys_read_text(path, text, sizeof(text)) <= 0)
		return false;
	const char *s = strncmp(text, "config:", 7) == 0 ? text + 7 : text;
	unsigned long n = strtoul(s, &end, 10);
	if (end == s || n > UINT32_MAX)
		return false;
	*ret = (unsigned)n;
	return true;
}

static int find_pmu(bool is_user, struct probe_pmu *ret)
{
	const char *pmu = is_user ? "uprobe" : "kprobe";
	struct probe_pmu p = { .ref_bit = 64 };

	if (!read_field(pmu, "type", &p.type) || !read_field(pmu, "format/retprobe", &p.ret_bit) ||
	    p.ret_bit > 63)
		return sonde_fail(-ENOTSUP, "this kernel has no %ss", pmu);
	if (is_user && (!read_field(pmu, "format/ref_ctr_offset", &p.ref_bit) || p.ref_bit > 32))
		p.ref_bit = 64;
	*ret = p;
	return 0;
}

int kprobe_failed(int err, const struct attach_spec *s)
{
	if (err == -ENOENT || err == -EADDRNOTAVAIL)
		return sonde_fail(-ENOENT, "the kernel has no function '%s'", s->name);
	if (err == -EINVAL || err == -EILSEQ)
		return sonde_fail(-EINVAL, "the kernel does not allow a probe at '%s'+%llu",
				  s->name, (unsigned long long)s->off);
	if (err == -EOPNOTSUPP)
		return sonde_fail(-ENOTSUP, "this kernel cannot probe its functions ('%s')",
				  s->name);
	return sys_perf_failed(err, "probe kernel function '%s'", s->name);
}

int uprobe_failed(int err, const struct attach_spec *s)
{
	if (err == -EINVAL)
		return sonde_fail(err,
				  "cannot probe '%s' at offset 0x%llx: no code there, not the "
				  "begin of an instruction, or a marker that is probed as well",
				  s->path, (unsigned long long)s->off);
	return sys_perf_failed(err, "probe '%s' at offset 0x%llx", s->path,
			       (unsigned long long)s->off);
}

static int probe_attr(const struct attach_spec *s, bool is_user, struct perf_event_attr *attr)
{
	struct probe_pmu pmu = { 0 };

	int r = find_pmu(is_user, &pmu);
	if (r < 0)
		return r;
	*attr = (struct perf_event_attr){ .size = sizeof(*attr), .type = pmu.type };
	attr->config1 = ptr(is_user ? s->path : s->name);
	attr->config2 = s->off;
	if (s->kind == ATTACH_KRETPROBE || s->kind == ATTACH_URETPROBE)
		attr->config |= 1ULL << pmu.ret_bit;
	if (!s->ref_ctr_off)
		return 0;
	if (pmu.ref_bit > 32)
		return sonde_fail(-ENOTSUP,
				  "this kernel cannot count markers in use (it needs 4.20): '%s'",
				  s->path);
	if (s->ref_ctr_off > UINT32_MAX)
		return sonde_fail(-EINVAL, "'%s': semaphore at offset 0x%llx", s->path,
				  (unsigned long long)s->ref_ctr_off);
	attr->config |= s->ref_ctr_off << pmu.ref_bit;
	return 0;
}

int attach_probe(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	const bool is_user = s->kind == ATTACH_UPROBE || s->kind == ATTACH_URETPROBE;
	struct perf_event_attr attr;
	char what[300];

	int r = probe_attr(s, is_user, &attr);
	if (r < 0)
		return r;
	sonde_auto(mem_closep) int fd = open_once(&attr, is_user ? s->pid : -1);
	if (fd < 0)
		return is_user ? uprobe_failed(fd, s) : kprobe_failed(fd, s);
	(void)snprintf(what, sizeof(what), "'%s' at offset 0x%llx", is_user ? s->path : s->name,
		       (unsigned long long)s->off); // cut where too long
	r = set_program(a, prog_fd, fd, s->cookie);
	return r < 0 ? set_failed(r, s, what) : keeper_add(&a->events, &fd);
}

static int timed_failed(int err, const struct attach_spec *s, int cpu)
{
	bool no_cpu = err == -ENODEV || (err == -EINVAL && (unsigned)cpu >= cpus_possible());
	if (cpu >= 0 && no_cpu)
		return sonde_fail(-ENODEV, "CPU %d is not online", cpu);
	if (s->kind == ATTACH_WATCH && err == -ENOSPC)
		return sonde_fail(err, "all watchpoints of the CPU are in use");
	if (s->kind == ATTACH_WATCH && (err == -ENODEV || err == -EOPNOTSUPP))
		return sonde_fail(-ENOTSUP, "this machine has no watchpoints");
	if (s->kind == ATTACH_WATCH && err == -EINVAL)
		return sonde_fail(err,
				  "the CPU cannot watch %u bytes at 0x%llx for '%s': 1, 2, 4 or 8 "
				  "aligned bytes, w or rw, or x",
				  s->len, (unsigned long long)s->addr, s->mode);
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV)
		return sonde_fail(-ENOTSUP, "this machine has no such perf event (type %u, 0x%llx)",
				  s->perf_type, (unsigned long long)s->perf_config);
	if (err == -EINVAL && s->freq)
		return sonde_fail(err,
				  "the kernel takes no %llu samples a second (see "
				  "kernel.perf_event_max_sample_rate)",
				  (unsigned long long)s->freq);
	return sys_perf_failed(err, "open perf event (type %u, 0x%llx)", s->perf_type,
			       (unsigned long long)s->perf_config);
}

static int watch_attr(const struct attach_spec *s, struct perf_event_attr *attr)
{
	const char *mode = s->mode ? s->mode : "";

	*attr = (struct perf_event_attr){ .size = sizeof(*attr),
					  .type = PERF_TYPE_BREAKPOINT,
					  .sample_period = 1,
					  .bp_addr = s->addr,
					  .bp_len = s->len };
	for (const char *c = mode; *c; c++) {
		if (*c != 'r' && *c != 'w' && *c != 'x')
			return sonde_fail(-EINVAL, "watchpoint: '%s' is none of r, w, rw, x", mode);
		attr->bp_type |= *c == 'r'   ? HW_BREAKPOINT_R
				 : *c == 'w' ? HW_BREAKPOINT_W
					     : HW_BREAKPOINT_X;
	}
	// The CPU wants instructions to be "as long as a word".
	if (attr->bp_type == HW_BREAKPOINT_X)
		attr->bp_len = sizeof(long);
	return 0;
}

static int perf_attr(const struct attach_spec *s, struct perf_event_attr *attr)
{
	*attr = (struct perf_event_attr){ .size = sizeof(*attr),
					  .type = s->perf_type,
					  .config = s->perf_config };
	if (!s->freq == !s->period)
		return sonde_fail(-EINVAL, "a perf event has a period or a frequency");
	attr->freq = s->freq != 0;
	attr->sample_period = s->freq ? s->freq : s->period;
	return 0;
}

struct timed {
	struct attachments *a;
	const struct attach_spec *spec;
	struct perf_event_attr attr;
	int prog_fd;
};

static int add_timed(struct timed *t, pid_t pid, int cpu)
{
	sonde_auto(mem_closep) int fd = sys_perf_open(&t->attr, pid, cpu);

	if (fd < 0)
		return timed_failed(fd, t->spec, cpu);
	int r = set_program(t->a, t->prog_fd, fd, t->spec->cookie);
	return r < 0 ? set_failed(r, t->spec, "a perf event") : fd_list_add(&t->a->timed, &fd);
}

static int add_timed_cpu(void *arg, unsigned cpu)
{
	return add_timed(arg, -1, (int)cpu);
}

int attach_timed(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	struct timed t = { .a = a, .spec = s, .prog_fd = prog_fd };

	int r = s->kind == ATTACH_WATCH ? watch_attr(s, &t.attr) : perf_attr(s, &t.attr);
	if (r < 0)
		return r;
	t.attr.disabled = 1;
	if (s->pid > 0) {
		t.attr.inherit = 1; // its threads and children to come
		return add_timed(&t, s->pid, s->cpu);
	}
	return s->cpu >= 0 ? add_timed(&t, -1, s->cpu) : cpus_each_online(add_timed_cpu, &t);
}
