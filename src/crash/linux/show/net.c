/* SPDX-License-Identifier: MIT */
/** sonde crash CORE net: interfaces and their addresses; sockets are in sockets.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/show/show.h"

enum { IFNAMSIZ_LEN = 16, DEVICES_MOST = 1 << 16, ADDRESSES_MOST = 64, UP = 1, RUNNING = 0x40 };

enum { NETNS = 6 };

static const struct table_column columns[] = {
	{ "index", "INDEX", TABLE_ID },	       { "name", "NAME", TABLE_TEXT },
	{ "state", "STATE", TABLE_TEXT },      { "mtu", "MTU", TABLE_ID },
	{ "ipv4", "IPV4", TABLE_TEXT },	       { "ipv6", "IPV6", TABLE_TEXT },
	[NETNS] = { "netns", NULL, TABLE_ID }, { "addr", NULL, TABLE_TEXT },
};

enum {
	HEAD,
	LIST,
	NAME,
	INDEX,
	MTU,
	FLAGS,
	IP_PTR,
	IFA_LIST,
	IFA_LOCAL,
	IFA_LEN,
	IFA_NEXT,
	IP6_PTR,
	ADDR_LIST,
	IF_LIST,
	ADDR6,
	PREFIX_LEN,
	FIELDS
};

static const struct kfield_want wanted[FIELDS] = {
	[HEAD] = { "struct net", "dev_base_head" },
	[LIST] = { "struct net_device", "dev_list" },
	[NAME] = { "struct net_device", "name" },
	[INDEX] = { "struct net_device", "ifindex" },
	[MTU] = { "struct net_device", "mtu" },
	[FLAGS] = { "struct net_device", "flags" },
	[IP_PTR] = { "struct net_device", "ip_ptr" },
	[IFA_LIST] = { "struct in_device", "ifa_list" },
	[IFA_LOCAL] = { "struct in_ifaddr", "ifa_local" },
	[IFA_LEN] = { "struct in_ifaddr", "ifa_prefixlen" },
	[IFA_NEXT] = { "struct in_ifaddr", "ifa_next" },
	[IP6_PTR] = { "struct net_device", "ip6_ptr" },
	[ADDR_LIST] = { "struct inet6_dev", "addr_list" },
	[IF_LIST] = { "struct inet6_ifaddr", "if_list" },
	[ADDR6] = { "struct inet6_ifaddr", "addr" },
	[PREFIX_LEN] = { "struct inet6_ifaddr", "prefix_len" },
};

static const char *addresses(struct linux_kernel *k, const struct kfield *f, uint64_t dev)
{
	uint64_t in = linux_field_or(k, dev, &f[IP_PTR], 0);
	uint64_t at = in ? linux_field_or(k, in, &f[IFA_LIST], 0) : 0;
	const char *all = "-";

	for (unsigned i = 0; at && i < ADDRESSES_MOST; i++) {
		uint32_t ip = (uint32_t)linux_field_or(k, at, &f[IFA_LOCAL], 0); // first byte first
		const char *one =
			linux_keep(k, "%u.%u.%u.%u/%u", ip & 255, ip >> 8 & 255, ip >> 16 & 255,
				   ip >> 24, (unsigned)linux_field_or(k, at, &f[IFA_LEN], 0));

		all = i ? linux_keep(k, "%s, %s", all, one) : one;
		at = linux_field_or(k, at, &f[IFA_NEXT], 0);
	}
	return all;
}

static const char *addresses6(struct linux_kernel *k, const struct kfield *f, uint64_t dev)
{
	uint64_t in = linux_field_or(k, dev, &f[IP6_PTR], 0);
	const char *all = "-";
	struct linux_list list;

	if (!in || !f[ADDR_LIST].type || !f[IF_LIST].type || !f[ADDR6].type)
		return all;
	linux_list_begin(&list, in + f[ADDR_LIST].off);
	while (list.n < ADDRESSES_MOST && linux_list_next(k, &list)) {
		const uint64_t at = list.at - f[IF_LIST].off;
		char text[INET6_ADDRSTRLEN] = "?";
		uint8_t ip[16];

		if (!linux_read(k, at + f[ADDR6].off, ip, sizeof(ip)))
			(void)inet_ntop(AF_INET6, ip, text, sizeof(text)); // there is room
		const char *one = linux_keep(k, "%s/%u", text,
					     (unsigned)linux_field_or(k, at, &f[PREFIX_LEN], 0));
		all = list.n > 1 ? linux_keep(k, "%s, %s", all, one) : one;
	}
	return all;
}

static void add(struct linux_kernel *k, struct table *t, const struct kfield *f, uint64_t dev,
		const struct namespace *in)
{
	char name[IFNAMSIZ_LEN + 1] = "?";
	uint64_t flags = linux_field_or(k, dev, &f[FLAGS], 0);

	(void)space_string(&k->mem, dev + f[NAME].off, name, sizeof(name)); // else it stays "?"
	table_int(t, (int64_t)linux_field_or(k, dev, &f[INDEX], 0));
	table_str(t, linux_keep(k, "%s", name));
	table_str(t, !(flags & UP) ? "down" : flags & RUNNING ? "up, running" : "up");
	table_int(t, (int64_t)linux_field_or(k, dev, &f[MTU], 0));
	table_str(t, addresses(k, f, dev));
	table_str(t, addresses6(k, f, dev));
	table_int(t, (int64_t)in->inode);
	table_str(t, linux_keep(k, "0x%llx", (unsigned long long)dev));
}

/* The interfaces of @only, or (NULL) of all. */
static int show_interfaces(struct crash_run *r, struct page *p, const struct namespaces *all,
			   const struct namespace *only)
{
	struct linux_kernel *k = linux_of(r->core);
	struct table_column cols[MEM_LEN(columns)];
	struct kfield f[FIELDS];
	struct table t;

	kfield_find_all(k->types, wanted, FIELDS, f);
	if (!all->n || !f[HEAD].type || !f[LIST].type || !f[NAME].type)
		return linux_fail_place(k, "interfaces");
	memcpy(cols, columns, sizeof(cols));
	cols[NETNS].head = all->n > 1 && !only ? "NETNS" : NULL;
	table_init(&t, cols, MEM_LEN(columns));
	for (size_t i = 0; i < all->n && table_rows(&t) < DEVICES_MOST; i++) {
		const struct namespace *in = &all->all[i];
		struct linux_list list;

		if (only && in != only)
			continue;
		linux_list_begin(&list, in->addr + f[HEAD].off);
		while (table_rows(&t) < DEVICES_MOST && linux_list_next(k, &list))
			add(k, &t, f, list.at - f[LIST].off, in);
		if (list.cut)
			r->note(list.cut);
	}
	int err = page_table(p, "interfaces", "Interfaces", &t);
	table_fini(&t);
	return err;
}

static int show(struct crash_run *r, const struct crash_tasks *tasks, const struct namespaces *all)
{
	const struct namespace *only = NULL;
	const struct crash_task *task;
	struct page p;

	int err = linux_take_namespace(r, tasks, all, &only, &task);
	if (err < 0)
		return err;
	page_begin(&p, r, "Network");
	err = only ? 0 : linux_show_namespaces(&p, linux_of(r->core), all);
	if (!err)
		err = show_interfaces(r, &p, all, only);
	if (!err)
		err = linux_show_sockets(r, &p, tasks, all, only);
	page_end(&p);
	return err;
}

static int run(struct crash_run *r)
{
	return linux_in_namespaces(r, NAMESPACE_NET, show);
}

const struct crash_verb linux_net = {
	.name = "net",
	.args = "[PID]",
	.summary = "Network interfaces with their addresses, and sockets, of all namespaces",
	.has_html = true,
	.run = run,
};
