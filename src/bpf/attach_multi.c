/* SPDX-License-Identifier: MIT */
/** Many probes by one link. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/attach_state.h"
#include "bpf/sys.h"

/* Since 6.6; our header may be older than that. */
enum { TRACE_UPROBE_MULTI = 48, UPROBE_MULTI_RETURN = 1 };

/* BPF_LINK_CREATE with many uprobes. */
struct uprobe_multi_attr {
	uint32_t prog_fd, target_fd, attach_type, link_flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t n, flags, pid, pad;
};

/* A part of the places that goes into one link, as the kernel wants it. */
struct places {
	const struct attach_many *m;
	size_t first, n;
	uint64_t *offs, *refs, *cookies; /* owned, of @n */
	const char **names;		 /* owned; of kernel functions */
	bool has_refs, has_cookies;
};

static void places_fini(struct places *p)
{
	free(p->offs);
	free(p->refs);
	free(p->cookies);
	free(p->names);
}

static int places_init(struct places *p, const struct attach_many *m, size_t first, size_t n)
{
	*p = (struct places){ .m = m, .first = first, .n = n };
	p->offs = calloc(n, sizeof(*p->offs));
	p->refs = calloc(n, sizeof(*p->refs));
	p->cookies = calloc(n, sizeof(*p->cookies));
	p->names = calloc(n, sizeof(*p->names));
	if (!p->offs || !p->refs || !p->cookies || !p->names)
		return sonde_fail(-ENOMEM, "attachments: out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct attach_spec *s = m->specs[first + i];

		p->offs[i] = s->off;
		p->refs[i] = s->ref_ctr_off;
		p->cookies[i] = s->cookie;
		p->names[i] = s->name;
		p->has_refs |= s->ref_ctr_off != 0;
		p->has_cookies |= s->cookie != 0;
	}
	return 0;
}

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int link_uprobes(const struct places *p)
{
	const struct attach_spec *s = p->m->specs[p->first];
	const struct uprobe_multi_attr a = {
		.prog_fd = (uint32_t)p->m->prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = ptr(s->path),
		.offsets = ptr(p->offs),
		.ref_ctr_offsets = p->has_refs ? ptr(p->refs) : 0,
		.cookies = p->has_cookies ? ptr(p->cookies) : 0,
		.n = (uint32_t)p->n,
		.flags = s->kind == ATTACH_URETPROBE ? UPROBE_MULTI_RETURN : 0,
		.pid = s->pid > 0 ? (uint32_t)s->pid : 0,
	};
	union bpf_attr attr = sys_attr();

	memcpy(&attr, &a, sizeof(a));
	return sys_bpf(BPF_LINK_CREATE, &attr);
}

static int link_kprobes(const struct places *p)
{
	union bpf_attr a = sys_attr();

	a.link_create.prog_fd = (uint32_t)p->m->prog_fd;
	a.link_create.attach_type = BPF_TRACE_KPROBE_MULTI;
	a.link_create.kprobe_multi.cnt = (uint32_t)p->n;
	a.link_create.kprobe_multi.syms = ptr(p->names);
	a.link_create.kprobe_multi.cookies = p->has_cookies ? ptr(p->cookies) : 0;
	if (p->m->specs[p->first]->kind == ATTACH_KRETPROBE)
		a.link_create.kprobe_multi.flags = BPF_F_KPROBE_MULTI_RETURN;
	return sys_bpf(BPF_LINK_CREATE, &a);
}

static bool is_user(enum attach_kind kind)
{
	return kind == ATTACH_UPROBE || kind == ATTACH_URETPROBE;
}

static bool is_kernel(enum attach_kind kind)
{
	return kind == ATTACH_KPROBE || kind == ATTACH_KRETPROBE;
}

/* Links the places from @first on; a negative errno without words where the kernel refuses. */
static int link_some(struct attachments *a, const struct attach_many *m, size_t first, size_t n)
{
	sonde_auto(places_fini) struct places p = { 0 };

	int fd = places_init(&p, m, first, n);
	if (fd < 0)
		return fd;
	fd = is_user(m->specs[first]->kind) ? link_uprobes(&p) : link_kprobes(&p);
	if (fd < 0)
		return fd;
	fd = keeper_add(&a->slow_links, &fd);
	if (fd < 0)
		return fd;
	a->n += n;
	return (int)n;
}

static int tell_refused(const struct attach_many *m, size_t i, int err)
{
	return m->refused ? m->refused(m->arg, i, err) : err;
}

/*
 * All or nothing, says the kernel, and not which place it was: halves are tried, down to the single
 * place that cannot be had.
 */
static int add_halves(struct attachments *a, const struct attach_many *m, size_t first, size_t n)
{
	const struct attach_spec *s = m->specs[first];
	int r = link_some(a, m, first, n);

	if (r >= 0 || r == -ENOMEM)
		return r;
	if (n == 1) {
		r = is_user(s->kind) ? uprobe_failed(r, s) : kprobe_failed(r, s);
		return tell_refused(m, first, r);
	}
	int left = add_halves(a, m, first, n / 2);
	if (left < 0)
		return left;
	r = add_halves(a, m, first + n / 2, n - n / 2);
	return r < 0 ? r : left + r;
}

static bool same_link(const struct attach_spec *a, const struct attach_spec *b)
{
	return a->kind == b->kind && (a->pid > 0 ? a->pid : 0) == (b->pid > 0 ? b->pid : 0) &&
	       (!is_user(a->kind) || !strcmp(a->path, b->path));
}

static int add_single(struct attachments *a, const struct attach_many *m, size_t i)
{
	int r = attachments_add(a, m->prog_fd, m->specs[i]);

	if (r >= 0)
		return 1;
	return r == -ENOMEM ? r : tell_refused(m, i, r);
}

/* How many places from @first on go together. */
static size_t run_len(const struct attach_many *m, size_t first)
{
	enum { LINK_MOST = 1 << 20 }; // the kernel's own limit
	size_t n = 1;

	while (first + n < m->n && n < LINK_MOST && same_link(m->specs[first], m->specs[first + n]))
		n++;
	return n;
}

/* What @multi_type cannot express: the middle of a kernel function, and other kinds. */
static bool fits(const struct attach_many *m, const struct attach_spec *s)
{
	return m->multi_type == TRACE_UPROBE_MULTI ? is_user(s->kind)
						   : is_kernel(s->kind) && !s->off && s->name;
}

int attachments_add_multi(struct attachments *a, const struct attach_many *m)
{
	int n = 0;

	for (size_t i = 0; i < m->n;) {
		size_t len = m->multi_type ? run_len(m, i) : 1;
		int r;

		if (!m->multi_type)
			r = add_single(a, m, i);
		else if (fits(m, m->specs[i]))
			r = add_halves(a, m, i, len);
		else
			return sonde_fail(-EINVAL, "this place needs a program of its own: '%s'",
					  m->specs[i]->name ? m->specs[i]->name : "");
		if (r < 0)
			return r;
		n += r;
		i += len;
	}
	return n;
}

static int load_trial(uint32_t attach_type)
{
	const struct bpf_insn in[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr a = sys_attr();

	a.prog_type = BPF_PROG_TYPE_KPROBE;
	a.insn_cnt = MEM_LEN(in);
	a.insns = ptr(in);
	a.license = ptr("GPL");
	a.expected_attach_type = attach_type;
	return sys_bpf(BPF_PROG_LOAD, &a);
}

/* Only a kernel that knows such links sees that "/" holds no code. */
static bool can_uprobes(int prog)
{
	const struct attach_spec s = { .kind = ATTACH_UPROBE, .path = "/" }, *specs = &s;
	const struct attach_many m = { .prog_fd = prog, .specs = &specs, .n = 1 };
	uint64_t off = 0;
	const struct places p = { .m = &m, .n = 1, .offs = &off };

	int fd = link_uprobes(&p);
	if (fd >= 0)
		close(fd);
	return fd == -EBADF;
}

/*
 * Kernels may load such programs and then have no way to attach them: only a function that is
 * really attached to shows it. This one is called when a task dies of a bad system call.
 */
static bool can_kprobes(int prog)
{
	const struct attach_spec s = { .kind = ATTACH_KPROBE }, *specs = &s;
	const struct attach_many m = { .prog_fd = prog, .specs = &specs, .n = 1 };
	const char *name = "force_sig";
	const struct places p = { .m = &m, .n = 1, .names = &name };

	int fd = link_kprobes(&p);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

uint32_t attach_multi_type(enum attach_kind kind)
{
	const uint32_t type = is_user(kind)	? (uint32_t)TRACE_UPROBE_MULTI
			      : is_kernel(kind) ? (uint32_t)BPF_TRACE_KPROBE_MULTI
						: 0;
	sonde_auto(mem_closep) int prog = type ? load_trial(type) : -1;

	if (prog < 0)
		return 0;
	return (is_user(kind) ? can_uprobes(prog) : can_kprobes(prog)) ? type : 0;
}
