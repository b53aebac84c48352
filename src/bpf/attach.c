/* SPDX-License-Identifier: MIT */
/** Attaches programs, each kind in its way; lets all of them go. */
#include "bpf/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/attach_state.h"
#include "bpf/sys.h"

int attachments_new(struct attachments **ret)
{
	struct attachments *a = calloc(1, sizeof(*a));

	if (!a)
		return sonde_fail(-ENOMEM, "attachments: out of memory");
	keeper_init(&a->events, KEEP_EVENTS);
	keeper_init(&a->slow_links, KEEP_LINKS);
	a->events_dir = -1;
	*ret = a;
	return 0;
}

void attachments_free(struct attachments *a)
{
	if (!a)
		return;
	attachments_stop(a);
	mem_closep(&a->events_dir);
	free(a);
}

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int raw_tp_failed(int err, const struct attach_spec *s)
{
	if (err == -ENOENT)
		return sonde_fail(err, "the kernel has no raw tracepoint '%s'", s->name);
	return sys_bpf_failed(err, "attach to raw tracepoint '%s'", s->name);
}

/* Since 6.10 a cookie may follow; our header may be older than that. */
struct raw_tp_attr {
	uint64_t name;
	uint32_t prog_fd, pad;
	uint64_t cookie;
};

static int attach_raw_tp(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	union bpf_attr attr = sys_attr();
	const struct raw_tp_attr raw = { .name = ptr(s->name),
					 .prog_fd = (uint32_t)prog_fd,
					 .cookie = s->cookie };

	memcpy(&attr, &raw, sizeof(raw));
	int fd = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
	if (fd == -EINVAL && s->cookie)
		return sonde_fail(-ENOTSUP, "this kernel knows no cookies at raw tracepoints");
	if (fd < 0)
		return raw_tp_failed(fd, s);
	return fd_list_add(&a->links, &fd);
}

static int traced_failed(int err, const struct attach_spec *s)
{
	const char *name = s->name ? s->name : "?";

	// Also what a kernel says that was built without live patching of its functions.
	if (err == -ENOTSUP || err == -EBUSY || err == -EINVAL)
		return sonde_fail(-ENOTSUP, "this kernel cannot attach to function '%s' (%s)", name,
				  strerrordesc_np(-err));
	return sys_bpf_failed(err, "attach to '%s'", name);
}

/* What it attaches to was said when the program was loaded. */
static int attach_traced(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	union bpf_attr attr = sys_attr();
	int fd;

	if (s->cookie) {
		attr.link_create.prog_fd = (uint32_t)prog_fd;
		attr.link_create.attach_type = s->kind == ATTACH_TP_BTF	  ? BPF_TRACE_RAW_TP
					       : s->kind == ATTACH_FENTRY ? BPF_TRACE_FENTRY
									  : BPF_TRACE_FEXIT;
		attr.link_create.tracing.cookie = s->cookie;
		fd = sys_bpf(BPF_LINK_CREATE, &attr);
	} else {
		attr.raw_tracepoint.prog_fd = (uint32_t)prog_fd;
		fd = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
	}
	if (fd < 0)
		return traced_failed(fd, s);
	return fd_list_add(&a->links, &fd);
}

int attachments_add(struct attachments *a, int prog_fd, const struct attach_spec *s)
{
	int r = 0;

	switch (s->kind) {
	case ATTACH_NONE:
	case ATTACH_ITER: return 0; // run when asked to
	case ATTACH_RAW_TP: r = attach_raw_tp(a, prog_fd, s); break;
	case ATTACH_TP_BTF:
	case ATTACH_FENTRY:
	case ATTACH_FEXIT: r = attach_traced(a, prog_fd, s); break;
	case ATTACH_TRACEPOINT: r = attach_tracepoint(a, prog_fd, s); break;
	case ATTACH_KPROBE:
	case ATTACH_KRETPROBE:
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE: r = attach_probe(a, prog_fd, s); break;
	case ATTACH_PERF:
	case ATTACH_WATCH: r = attach_timed(a, prog_fd, s); break;
	}
	a->n += r >= 0;
	return r;
}

int attachments_enable(struct attachments *a)
{
	for (size_t i = 0; i < a->timed.n; i++) {
		if (ioctl(a->timed.fds[i], PERF_EVENT_IOC_ENABLE, 0) < 0)
			return sonde_fail_errno(-errno, "cannot start a perf event");
	}
	return 0;
}

void attachments_stop(struct attachments *a)
{
	for (size_t i = 0; i < a->timed.n; i++)
		(void)ioctl(a->timed.fds[i], PERF_EVENT_IOC_DISABLE, 0); // closed below
	fd_list_close(&a->links, /* at_once= */ false);
	fd_list_close(&a->timed, /* at_once= */ false);
	keeper_drop(&a->slow_links);
	keeper_drop(&a->events);
}

size_t attachments_n(const struct attachments *a)
{
	return a->n;
}

static int iter_link(int prog_fd, const union bpf_iter_link_info *info)
{
	union bpf_attr a = sys_attr();

	a.link_create.prog_fd = (uint32_t)prog_fd;
	a.link_create.attach_type = BPF_TRACE_ITER;
	a.link_create.iter_info = (uint64_t)(uintptr_t)info;
	a.link_create.iter_info_len = info ? sizeof(*info) : 0;
	return sys_bpf(BPF_LINK_CREATE, &a);
}

static int iter_open(int prog_fd, int *ret_fd)
{
	union bpf_attr a = sys_attr();
	union bpf_iter_link_info order;

	sonde_auto(mem_closep) int link = iter_link(prog_fd, NULL);
	if (link == -EINVAL) { // cgroups must be told in which order: from the root to the leaves
		memset(&order, 0, sizeof(order));
		order.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
		link = iter_link(prog_fd, &order);
	}
	if (link < 0)
		return sys_bpf_failed(link, "attach to the iterator");

	a.iter_create.link_fd = (uint32_t)link;
	int fd = sys_bpf(BPF_ITER_CREATE, &a);
	if (fd < 0)
		return sys_bpf_failed(fd, "make the iterator");
	*ret_fd = fd;
	return 0;
}

int bpf_iter_run(int prog_fd, int (*f)(void *arg, const char *text, size_t len), void *arg)
{
	sonde_auto(mem_closep) int fd = -1;
	char text[16 << 10];

	int r = iter_open(prog_fd, &fd);
	if (r < 0)
		return r;
	for (;;) {
		ssize_t n = read(fd, text, sizeof(text));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue; // many objects without text, or a signal: it goes on where it was
		if (n < 0)
			return sonde_fail_errno(-errno, "cannot read the iterator");
		if (n == 0)
			return 0;
		r = f(arg, text, (size_t)n);
		if (r)
			return r;
	}
}
