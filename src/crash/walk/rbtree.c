/* SPDX-License-Identifier: MIT */
/** Red-black trees, in order. */
#include <errno.h>

#include <sonde/err.h>

#include "crash/walk/parts.h"

/* The kernel's are never deeper than twice the bits of their number. */
enum { DEPTH = 128 };

int walk_rbtree(struct walking *w)
{
	uint64_t stack[DEPTH], at, left, right;
	size_t depth = 0;

	int r = walking_member(w, "struct rb_node", "rb_left", &left, NULL);
	r = r ? r : walking_member(w, "struct rb_node", "rb_right", &right, NULL);
	if (r < 0 || !walking_read(w, w->over->head, &at))
		return r;
	while (!r && (at || depth)) {
		while (at) {
			if (depth == DEPTH) {
				w->cut = "it is too deep";
				return 0;
			}
			r = walking_enter(w, at);
			if (r <= 0)
				return r;
			stack[depth++] = at;
			if (!walking_read(w, at + left, &at))
				at = 0;
		}
		uint64_t here = stack[--depth];
		r = walking_give(w, w->n, here);
		if (!r && !walking_read(w, here + right, &at))
			at = 0;
	}
	return r;
}
