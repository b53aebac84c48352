/* SPDX-License-Identifier: MIT */
/** What processes share by System V's ways: ipcs -a, and what there may be: ipcs -T. */
#include <inttypes.h>

#include "crash/freebsd/show/show.h"

enum { ENTRIES_MOST = 1 << 16 };

/** One of the three kinds: an array of structs, of which some are in use. */
struct kind {
	const char *name, *array, *type, *most; /* @most: of the array's length */
	const char *key, *uid, *mode, *size;	/* paths of fields */
	const char *size_name;
	unsigned in_use; /* bit of the mode; 0: in use where the size is not 0 */
};

static const struct kind kinds[] = {
	{ "memory", "shmsegs", "struct shmid_kernel", "shmalloced", "u.shm_perm.key",
	  "u.shm_perm.uid", "u.shm_perm.mode", "u.shm_segsz", "bytes", 0x800 },
	{ "messages", "msqids", "struct msqid_kernel", "msginfo", "u.msg_perm.key",
	  "u.msg_perm.uid", "u.msg_perm.mode", "u.msg_qbytes", "bytes at most", 0 },
	{ "semaphores", "sema", "struct semid_kernel", "seminfo", "u.sem_perm.key",
	  "u.sem_perm.uid", "u.sem_perm.mode", "u.sem_nsems", "semaphores", 0x200 },
};

/* How long the array is: a number of its own, or a member of the kind's limits. */
static bool length(struct bsd_show *s, const struct kind *k, uint64_t *ret)
{
	static const char *const limits[][3] = { { "msginfo", "struct msginfo", "msgmni" },
						 { "seminfo", "struct seminfo", "semmni" } };
	struct kfield f;
	uint64_t at;

	for (size_t i = 0; i < MEM_LEN(limits); i++) {
		if (k->most == kinds[i + 1].most)
			return freebsd_symbol(s->k, limits[i][0], &at) &&
			       kfield_find(s->types, limits[i][1], limits[i][2], &f) &&
			       freebsd_field(s->k, at, &f, ret);
	}
	return freebsd_number(s->k, k->most, ret);
}

static bool add_kind(struct bsd_show *s, struct table *t, const struct kind *k)
{
	const char *const paths[] = { k->key, k->uid, k->mode, k->size };
	uint64_t at, n, v[4], step = kfield_sizeof(s->types, k->type);
	struct kfield f[4];

	if (!freebsd_symbol(s->k, k->array, &at))
		return true; // a kernel without
	if (!step || freebsd_pointer(s->k, at, &at) < 0 || !length(s, k, &n))
		return false;
	for (size_t i = 0; i < 4; i++)
		(void)kfield_find(s->types, k->type, paths[i], &f[i]); // then it is not read
	for (uint64_t i = 0; at && i < n && i < ENTRIES_MOST; i++) {
		for (size_t j = 0; j < 4; j++) {
			if (!freebsd_field(s->k, at + i * step, &f[j], &v[j]))
				return false;
		}
		if (k->in_use ? !(v[2] & k->in_use) : !v[3])
			continue;
		table_str(t, k->name);
		table_int(t, (int64_t)i);
		table_str(t, bsd_keep(s, "0x%08" PRIx64, v[0] & UINT32_MAX));
		table_int(t, (int64_t)v[1]);
		table_str(t, bsd_keep(s, "%03" PRIo64, v[2] & 0777));
		table_int(t, (int64_t)v[3]);
		table_str(t, k->size_name);
	}
	return true;
}

struct limits {
	struct table t;
	const char *kind;
};

static void add_limit(void *arg, const char *name, int index, uint64_t v)
{
	struct limits *l = arg;

	(void)index;
	table_str(&l->t, l->kind);
	table_str(&l->t, name);
	table_int(&l->t, (int64_t)v);
}

static int show_limits(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "kind", "KIND", TABLE_TEXT },
		{ "limit", "LIMIT", TABLE_TEXT },
		{ "value", "VALUE", TABLE_COUNT },
	};
	static const char *const known[][3] = { { "memory", "shminfo", "struct shminfo" },
						{ "messages", "msginfo", "struct msginfo" },
						{ "semaphores", "seminfo", "struct seminfo" } };
	struct limits l;
	uint64_t at;

	table_init(&l.t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < MEM_LEN(known); i++) {
		l.kind = known[i][0];
		if (freebsd_symbol(s->k, known[i][1], &at) &&
		    !bsd_numbers(s, known[i][2], at, add_limit, &l))
			bsd_lack(s, "limits of System V IPC (ipcs -T)",
				 bsd_keep(s, "those of %s are not known, or not in the dump",
					  l.kind));
	}
	int r = page_table(&s->page, "ipc_limits", "Limits of System V IPC (ipcs -T)", &l.t);
	table_fini(&l.t);
	return r;
}

int bsd_ipc(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "kind", "KIND", TABLE_TEXT },	 { "index", "INDEX", TABLE_ID },
		{ "key", "KEY", TABLE_TEXT },	 { "uid", "UID", TABLE_ID },
		{ "mode", "MODE", TABLE_TEXT },	 { "size", "SIZE", TABLE_COUNT },
		{ "size_of", "OF", TABLE_TEXT },
	};
	static const char what[] = "System V IPC (ipcs -a, -T)";
	struct table t;

	if (!bsd_has_types(s, what))
		return 0;
	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (!add_kind(s, &t, &kinds[i]))
			bsd_lack(
				s, what,
				bsd_keep(s, "%s are not in the dump, or not known", kinds[i].name));
	}
	int r = page_table(&s->page, "ipc", "System V IPC (ipcs -a)", &t);
	table_fini(&t);
	return r < 0 ? r : show_limits(s);
}
