/* SPDX-License-Identifier: MIT */
/** Finds namespaces by the tasks that are in them, and those of networks by the kernel's list. */
#include "crash/linux/file/namespace.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

enum { NAMESPACES_MOST = 1 << 20 };

static const struct kfield_want of_task[] = {
	[NAMESPACE_NET] = { "struct nsproxy", "net_ns" },
	[NAMESPACE_MOUNT] = { "struct nsproxy", "mnt_ns" },
};

static const struct kfield_want inode[] = {
	[NAMESPACE_NET] = { "struct net", "ns.inum" },
	[NAMESPACE_MOUNT] = { "struct mnt_namespace", "ns.inum" },
};

void namespaces_fini(struct namespaces *s)
{
	free(s->all);
	u64map_fini(&s->by_addr);
	*s = (struct namespaces){ .all = NULL };
}

static uint64_t addr_of(struct linux_kernel *k, enum namespace_kind kind, uint64_t task)
{
	struct kfield proxy, to;

	(void)kfield_find(k->types, "struct task_struct", "nsproxy", &proxy);
	(void)kfield_find(k->types, of_task[kind].type, of_task[kind].path, &to);
	const uint64_t at = linux_field_or(k, task, &proxy, 0); // 0: it has ended
	return at ? linux_field_or(k, at, &to, 0) : 0;
}

static int add(struct linux_kernel *k, struct namespaces *s, uint64_t addr,
	       const struct crash_task *t)
{
	struct kfield f;
	uint32_t at;

	if (u64map_get(&s->by_addr, addr, &at)) {
		s->all[at].n_tasks += t != NULL;
		return 0;
	}
	if (s->n == NAMESPACES_MOST) {
		s->cut = "there are too many namespaces";
		return 0;
	}
	(void)kfield_find(k->types, inode[s->kind].type, inode[s->kind].path, &f);
	int r = mem_grow(&s->all, &s->cap, s->n + 1);
	if (!r)
		r = u64map_put(&s->by_addr, addr, (uint32_t)s->n);
	if (!r)
		s->all[s->n++] =
			(struct namespace){ .addr = addr,
					    .inode = linux_field_or(k, addr, &f, 0) & UINT32_MAX,
					    .task = t,
					    .n_tasks = t != NULL };
	return r;
}

/* Those of networks stay as long as anything has them open. */
static int add_listed(struct linux_kernel *k, struct namespaces *s)
{
	struct linux_list list;
	struct kfield node;
	uint64_t head, first;
	int r = 0;

	if (linux_symbol(k, "init_net", &first))
		r = add(k, s, first, NULL);
	if (r < 0 || !kfield_find(k->types, "struct net", "list", &node) ||
	    !linux_symbol(k, "net_namespace_list", &head))
		return r;
	linux_list_begin(&list, head);
	while (!r && s->n < NAMESPACES_MOST && linux_list_next(k, &list))
		r = add(k, s, list.at - node.off, NULL);
	if (list.cut)
		s->cut = list.cut;
	return r;
}

int namespaces_find(struct linux_kernel *k, enum namespace_kind kind,
		    const struct crash_tasks *tasks, struct namespaces *ret)
{
	int r = 0;

	*ret = (struct namespaces){ .kind = kind };
	for (size_t i = 0; !r && i < tasks->n; i++) {
		const struct crash_task *t = &tasks->all[i];
		const uint64_t addr = t->is_idle ? 0 : addr_of(k, kind, t->addr);

		if (addr)
			r = add(k, ret, addr, t);
	}
	if (!r && kind == NAMESPACE_NET)
		r = add_listed(k, ret);
	if (r < 0)
		namespaces_fini(ret);
	return r;
}

const struct namespace *namespaces_at(const struct namespaces *s, uint64_t addr)
{
	uint32_t i;

	return u64map_get(&s->by_addr, addr, &i) ? &s->all[i] : NULL;
}

const struct namespace *namespaces_of(struct linux_kernel *k, const struct namespaces *s,
				      const struct crash_task *t)
{
	const uint64_t addr = addr_of(k, s->kind, t->addr);

	return addr ? namespaces_at(s, addr) : NULL;
}
