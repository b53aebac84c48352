/* SPDX-License-Identifier: MIT */
/** Several databases of types that are asked one after the other, as a kernel's and its modules'.
 */
#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "sym/ctype.h"
#include "sym/ctype/db.h"

struct parts_db {
	struct ctypes ct;
	struct ctypes_parts from;
	struct ctypes **asked; /* owned: those so far; each is borrowed, and may be NULL */
	size_t n, cap;
};

static struct parts_db *db_of(struct ctypes *ct)
{
	return (struct parts_db *)ct;
}

/* The next one that has types, from place *@i on, which is left behind it. 1, 0: the end, -ENOMEM.
 */
static int next_part(struct parts_db *db, size_t *i, struct ctypes **ret)
{
	for (;; (*i)++) {
		struct ctypes *part = NULL;

		if (*i == db->n) {
			if (!db->from.at(db->from.arg, *i, &part))
				return 0;
			int r = mem_grow(&db->asked, &db->cap, db->n + 1);
			if (r < 0)
				return r;
			db->asked[db->n++] = part;
		}
		part = db->asked[*i];
		if (part) {
			(*i)++;
			*ret = part;
			return 1;
		}
	}
}

/* What one of them only declares may be whole in another. */
static int parts_find(struct ctypes *ct, enum ctypes_space space, const char *name,
		      const struct ctype **ret)
{
	const struct ctype *declared = NULL, *found = NULL;
	struct ctypes *part;
	size_t i = 0;
	int r;

	while ((r = next_part(db_of(ct), &i, &part)) > 0) {
		r = part->ops->find(part, space, name, &found);
		if (r == 0 && !found->is_forward) {
			*ret = found;
			return 0;
		}
		if (r == 0 && !declared)
			declared = found;
		if (r == -ENOMEM)
			return r;
	}
	if (r == 0 && declared)
		*ret = declared;
	return r < 0 ? r : declared ? 0 : -ENOENT;
}

/* Numbers are the first one's. */
static int parts_by_id(struct ctypes *ct, uint64_t id, const struct ctype **ret)
{
	struct ctypes *part;
	size_t i = 0;
	int r = next_part(db_of(ct), &i, &part);

	return r > 0 ? part->ops->by_id(part, id, ret) : r < 0 ? r : -ENOENT;
}

static int parts_enumerator(struct ctypes *ct, const char *name, int64_t *ret)
{
	struct ctypes *part;
	size_t i = 0;
	int r;

	while ((r = next_part(db_of(ct), &i, &part)) > 0) {
		r = part->ops->enumerator(part, name, ret);
		if (r == 0)
			return 0;
	}
	return r < 0 ? r : -ENOENT;
}

static bool parts_percpu(struct ctypes *ct, const char *name, uint64_t *ret_off)
{
	struct ctypes *part;
	size_t i = 0;

	return next_part(db_of(ct), &i, &part) > 0 && part->ops->percpu &&
	       part->ops->percpu(part, name, ret_off);
}

static int parts_each(struct ctypes *ct, enum ctypes_space space,
		      int (*f)(void *arg, const char *name, uint64_t id), void *arg)
{
	struct ctypes *part;
	size_t i = 0;
	int r;

	while ((r = next_part(db_of(ct), &i, &part)) > 0) {
		r = part->ops->each(part, space, f, arg);
		if (r)
			return r;
	}
	return r;
}

static bool parts_ran_out(const struct ctypes *ct)
{
	const struct parts_db *db = (const struct parts_db *)ct;

	for (size_t i = 0; i < db->n; i++) {
		if (db->asked[i] && ctypes_ran_out(db->asked[i]))
			return true;
	}
	return false;
}

static void parts_free(struct ctypes *ct)
{
	free(db_of(ct)->asked);
	free(db_of(ct));
}

/* Each type is of the part that made it, which fills it. */
static const struct ctypes_ops parts_ops = {
	.find = parts_find,
	.by_id = parts_by_id,
	.enumerator = parts_enumerator,
	.percpu = parts_percpu,
	.each = parts_each,
	.ran_out = parts_ran_out,
	.free = parts_free,
};

int ctypes_open_parts(const struct ctypes_parts *from, struct ctypes **ret)
{
	struct parts_db *db = calloc(1, sizeof(*db));

	if (!db)
		return sonde_fail(-ENOMEM, "out of memory");
	db->ct.ops = &parts_ops;
	db->from = *from;
	*ret = &db->ct;
	return 0;
}
