/* SPDX-License-Identifier: MIT */
/** Takes C's names of types apart and asks the database that is behind. */
#include "sym/ctype/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "sym/ctype.h"
#include "sym/ctype/name.h"

void ctypes_free(struct ctypes *db)
{
	if (!db)
		return;
	arena_fini(&db->arena);
	db->ops->free(db);
}

bool ctypes_ran_out(const struct ctypes *db)
{
	return db->ran_out || (db->ops->ran_out && db->ops->ran_out(db));
}

bool ctypes_broken(const struct ctypes *db)
{
	return db->ops->broken && db->ops->broken(db);
}

static int not_found(struct ctypes *db, int r, const char *what, const char *name)
{
	db->ran_out |= r == -ENOMEM;
	if (r == -ENOENT && db->ops->ran_out && db->ops->ran_out(db))
		return sonde_fail(-ENOMEM, "out of memory");
	if (r == -ENOENT && ctypes_broken(db))
		return sonde_fail(-EBADMSG, "there is no %s '%s' in what can be read of the types",
				  what, name);
	return r == -ENOENT ? sonde_fail(r, "there is no %s '%s'", what, name) : r;
}

/* A name without struct, union or enum before it. */
static int find_bare(struct ctypes *db, const char *name, const struct ctype **ret)
{
	static const enum ctypes_space tags[] = { SPACE_STRUCT, SPACE_UNION, SPACE_ENUM };
	const struct ctype *basic = ctype_basic(name);

	// Words of C itself mean the same everywhere; "u32" may be what a program made of it.
	if (basic && ctype_name_is_c(name)) {
		*ret = basic;
		return 0;
	}
	int r = db->ops->find(db, SPACE_TYPE, name, ret);
	if (r == -ENOENT && basic) {
		*ret = basic;
		return 0;
	}
	for (size_t i = 0; r == -ENOENT && i < MEM_LEN(tags); i++)
		r = db->ops->find(db, tags[i], name, ret);
	return r;
}

int ctypes_find(struct ctypes *db, const char *name, const struct ctype **ret)
{
	static const struct {
		const char *word;
		enum ctypes_space space;
	} words[] = {
		{ "struct", SPACE_STRUCT },
		{ "class", SPACE_STRUCT },
		{ "union", SPACE_UNION },
		{ "enum", SPACE_ENUM },
	};
	char text[CTYPE_NAME_MOST];

	if (!ctype_name_trim(name, text))
		return sonde_fail(-ENOENT, "there is no type '%s'", name);
	for (size_t i = 0; i < MEM_LEN(words); i++) {
		const char *tag = ctype_name_after(text, words[i].word);

		if (tag)
			return not_found(db, db->ops->find(db, words[i].space, tag, ret), "type",
					 text);
	}
	return not_found(db, find_bare(db, text, ret), "type", text);
}

int ctypes_func(struct ctypes *db, const char *name, const struct ctype **ret)
{
	return not_found(db, db->ops->find(db, SPACE_FUNC, name, ret), "function", name);
}

int ctypes_var(struct ctypes *db, const char *name, const struct ctype **ret)
{
	return not_found(db, db->ops->find(db, SPACE_VAR, name, ret), "variable", name);
}

bool ctypes_percpu(struct ctypes *db, const char *name, uint64_t *ret_off)
{
	return db->ops->percpu && db->ops->percpu(db, name, ret_off);
}

bool ctypes_enumerator(struct ctypes *db, const char *name, int64_t *ret)
{
	return !db->ops->enumerator(db, name, ret);
}

int ctypes_by_id(struct ctypes *db, uint64_t id, const struct ctype **ret)
{
	int r = db->ops->by_id(db, id, ret);

	return r == -ENOENT ? sonde_fail(r, "there is no type with the number %llu",
					 (unsigned long long)id)
			    : r;
}

int ctypes_tracepoint(struct ctypes *db, const char *name, uint32_t *ret_btf_id,
		      const struct ctype **ret_func)
{
	int r = db->ops->tracepoint ? db->ops->tracepoint(db, name, ret_btf_id, ret_func) : -ENOENT;

	return not_found(db, r, "tracepoint", name);
}

int ctypes_each_func(struct ctypes *db, int (*f)(void *arg, const char *name, uint64_t id),
		     void *arg)
{
	return db->ops->each(db, SPACE_FUNC, f, arg);
}

struct each_struct {
	int (*f)(void *arg, const char *name);
	void *arg;
};

static int without_id(void *arg, const char *name, uint64_t id)
{
	struct each_struct *e = arg;

	(void)id;
	return e->f(e->arg, name);
}

int ctypes_each_struct(struct ctypes *db, int (*f)(void *arg, const char *name), void *arg)
{
	struct each_struct e = { f, arg };
	int r = db->ops->each(db, SPACE_STRUCT, without_id, &e);

	return r ? r : db->ops->each(db, SPACE_UNION, without_id, &e);
}
