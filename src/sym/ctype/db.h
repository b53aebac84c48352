/* SPDX-License-Identifier: MIT */
/** What a database of types must be able to do: one table of functions for each format. */
#ifndef SYM_CTYPE_DB_H
#define SYM_CTYPE_DB_H

#include "base/arena.h"
#include "sym/ctype.h"

/** C's spaces of names. */
enum ctypes_space {
	SPACE_TYPE, /* typedefs, and names of base types */
	SPACE_STRUCT,
	SPACE_UNION,
	SPACE_ENUM,
	SPACE_FUNC,
	SPACE_VAR,
};

struct ctypes_ops {
	/** All -ENOENT where there is none, without words. */
	int (*find)(struct ctypes *db, enum ctypes_space space, const char *name,
		    const struct ctype **ret);
	int (*by_id)(struct ctypes *db, uint64_t id, const struct ctype **ret);
	int (*enumerator)(struct ctypes *db, const char *name, int64_t *ret);
	int (*tracepoint)(struct ctypes *db, const char *name, uint32_t *ret_btf_id,
			  const struct ctype **ret_func);
	/** False: none. NULL: this format tells of none. */
	bool (*percpu)(struct ctypes *db, const char *name, uint64_t *ret_off);
	/** Calls @f for each name of the space (with id, if it is told), until it returns not 0. */
	int (*each)(struct ctypes *db, enum ctypes_space space,
		    int (*f)(void *arg, const char *name, uint64_t id), void *arg);
	/** Fills elem and members of @t; @t is done afterwards, unless this fails with -ENOMEM. */
	int (*fill)(struct ctypes *db, struct ctype *t);
	/** Whether what is behind it has run out of memory. NULL: there is nothing. */
	bool (*ran_out)(const struct ctypes *db);
	/** NULL: never. */
	bool (*broken)(const struct ctypes *db);
	void (*free)(struct ctypes *db);
};

/** The begin of each database. */
struct ctypes {
	const struct ctypes_ops *ops;
	struct arena arena; /* of the types */
	bool ran_out;	    /* an answer was none as there was no memory */
};

/** void; also what cannot be had. */
extern const struct ctype ctype_void;

#endif
