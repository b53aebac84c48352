/* SPDX-License-Identifier: MIT */
/** What the client and the server of NFS counted: nfsstat. */
#include <string.h>

#include "crash/freebsd/show/net/net.h"

/* Calls of the client, as version 3 of the protocol numbers them. */
static const char *const calls[] = { "null",	 "getattr", "setattr",	   "lookup", "access",
				     "readlink", "read",    "write",	   "create", "mkdir",
				     "symlink",	 "mknod",   "remove",	   "rmdir",  "rename",
				     "link",	 "readdir", "readdirplus", "fsstat", "fsinfo",
				     "pathconf", "commit" };

struct rows {
	struct bsd_show *s;
	struct table *t;
};

static void add(void *arg, const char *name, int index, uint64_t v)
{
	bool is_server = !strncmp(name, "srv", 3);
	const struct rows *r = arg;

	if (!v || !strcmp(name, "vers"))
		return;
	table_str(r->t, is_server ? "server" : "client");
	if (!strcmp(name, "rpccnt") && (size_t)index < MEM_LEN(calls))
		table_str(r->t, bsd_keep(r->s, "calls: %s", calls[index]));
	else if (index >= 0)
		table_str(r->t, bsd_keep(r->s, "%s[%d]", name, index));
	else
		table_str(r->t, name);
	table_int(r->t, (int64_t)v);
}

int bsd_nfs(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "side", "SIDE", TABLE_TEXT },
		{ "what", "WHAT", TABLE_TEXT },
		{ "count", "COUNT", TABLE_COUNT },
	};
	// Of FreeBSD 12 and later, and before.
	static const char *const known[][2] = { { "nfsstatsv1", "struct nfsstatsv1" },
						{ "newnfsstats", "struct ext_nfsstats" } };
	static const char what[] = "NFS (nfsstat)";
	struct table t;
	uint64_t at;
	size_t i = 0;

	if (!bsd_has_types(s, what))
		return 0;
	while (i < MEM_LEN(known) && !freebsd_symbol(s->k, known[i][0], &at))
		i++;
	if (i == MEM_LEN(known)) {
		bsd_lack(s, what,
			 "the kernel's file has no NFS; a module's counters are not found");
		return 0;
	}
	table_init(&t, columns, MEM_LEN(columns));
	struct rows rows = { .s = s, .t = &t };
	if (!bsd_numbers(s, known[i][1], at, add, &rows))
		bsd_lack(s, what, "its counters are not known, or not in the dump");
	int r = page_table(&s->page, "nfs", "NFS (nfsstat)", &t);
	table_fini(&t);
	return r;
}
