/* SPDX-License-Identifier: MIT */
/** Begins walks, and goes along lists. */
#include "crash/walk/walk.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/walk/parts.h"

int walking_give(struct walking *w, uint64_t index, uint64_t at)
{
	if (w->n >= (w->over->limit ? w->over->limit : WALK_MOST)) {
		w->cut = "there are more";
		w->limited = true;
		return 1;
	}
	w->n++;
	return w->f(w->arg, index, at);
}

int walking_enter(struct walking *w, uint64_t node)
{
	uint32_t before;

	if (u64map_get(&w->seen, node, &before)) {
		w->cut = "it goes round";
		return 0;
	}
	if (w->seen.n >= 2ul * WALK_MOST) {
		w->cut = "there are too many";
		return 0;
	}
	int r = u64map_put(&w->seen, node, 0);
	return r < 0 ? r : 1;
}

bool walking_read(struct walking *w, uint64_t at, uint64_t *ret)
{
	if (!crash_read_uint(w->core, at, 8, ret))
		return true;
	w->cut = "a part of it is not in the dump";
	return false;
}

int walking_member(struct walking *w, const char *type, const char *member, uint64_t *ret_off,
		   uint64_t *ret_n)
{
	struct ctypes *types = w->core->system->types(w->core, NULL);
	const struct ctype *t;
	struct cmember m;

	if (!types || ctypes_find(types, type, &t) < 0 || !ctype_member(t, member, &m) ||
	    (ret_n && (m.type->kind != CT_ARRAY || !m.type->n)))
		return sonde_fail(-ENOTSUP, "this kernel has no '%s' of '%s'", member, type);
	*ret_off = m.bit_off / 8;
	if (ret_n)
		*ret_n = m.type->n;
	return 0;
}

static int walk_list(struct walking *w)
{
	uint64_t at = w->over->head;
	int r = 0;

	while (!r && walking_read(w, at, &at) && at && at != w->over->head) {
		r = walking_enter(w, at);
		if (r <= 0)
			return r;
		r = walking_give(w, w->n, at);
	}
	return r;
}

/* Lists of sockets end with an odd number instead of 0. */
static int walk_chain(struct walking *w)
{
	uint64_t at;
	int r = 0;

	for (bool more = walking_read(w, w->over->head, &at); !r && more && at && !(at & 1);) {
		r = walking_enter(w, at);
		if (r <= 0)
			return r;
		r = walking_give(w, w->n, at);
		more = !r && walking_read(w, at + w->over->link, &at);
	}
	return r;
}

int crash_walk(struct crash_core *c, const struct walk_over *over,
	       int (*f)(void *arg, uint64_t index, uint64_t at), void *arg, const char **ret_cut)
{
	static int (*const walks[])(struct walking *) = {
		[WALK_LIST] = walk_list,     [WALK_CHAIN] = walk_chain, [WALK_RBTREE] = walk_rbtree,
		[WALK_XARRAY] = walk_xarray, [WALK_MAPLE] = walk_maple,
	};
	struct walking w = { .core = c, .over = over, .f = f, .arg = arg };

	int r = walks[over->kind](&w);
	u64map_fini(&w.seen);
	if (r < 0)
		return r;
	*ret_cut = w.cut;
	return w.limited ? 0 : r;
}

bool crash_walk_kind(const struct ctype *type, enum walk_kind *ret)
{
	static const struct {
		const char *name;
		enum walk_kind kind;
	} kinds[] = {
		{ "list_head", WALK_LIST },	    { "hlist_node", WALK_CHAIN },
		{ "hlist_nulls_node", WALK_CHAIN }, { "llist_node", WALK_CHAIN },
		{ "hlist_bl_node", WALK_CHAIN },    { "rb_node", WALK_RBTREE },
	};

	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (type->kind == CT_STRUCT && !strcmp(type->name, kinds[i].name)) {
			*ret = kinds[i].kind;
			return true;
		}
	}
	return false;
}
