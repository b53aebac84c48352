/* SPDX-License-Identifier: MIT */
/**
 * Rows of pixels. Their borders are found from left to right, each from the place of the one
 * before:
 *
 *              level 2                [ . a . . b . ]      a, b: the children that lead to the two
 *              level 1     [..a=]    ====    ====   [=b..]       borders of a pixel
 *              level 0     [ ..|==]                [==|..]  =    what is summed up for the pixel
 *
 * Of a pixel that takes parts of two leaves, these two and those above them up to where they meet
 * are looked at, which the pixels beside it have in common with it.
 */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "state/store_state.h"

/* A border: a moment inside of the track, or its end. */
struct border {
	int64_t ns;
	struct node path[FORMAT_LEVELS];
	unsigned child[FORMAT_LEVELS]; /* of .path, from level 1 on */
	unsigned meets; /* the lowest level whose node is also that of the border before */
	const struct leaf *leaf;
	unsigned seg;		  /* of the leaf: where .ns is in; behind all at the track's end */
	struct store_segment at;  /* that one, or a hole */
	struct store_totals sums; /* of the track up to there */
};

struct row {
	struct asked a;
	struct store_copies *copies; /* of the caller's; NULL: the map shows all */
	struct border borders[2];    /* in turn */
	struct border *left, *right; /* .right: the latest; NULL: not yet */
	struct leaf leaves[2];	     /* theirs */
};

static int child(const struct row *w, const struct node *n, unsigned i, struct node *ret)
{
	return w->copies ? store_child_copy(w->a.s, w->a.track, n, i, w->copies, ret)
			 : store_child(w->a.s, w->a.track, n, i, ret);
}

/* Goes down to the leaf of a moment; as far as that is the way of @old (or NULL), with it. */
static int go_down(const struct row *w, const struct border *old, int64_t ns, struct border *ret)
{
	bool same = old;

	ret->path[w->a.root.level] = w->a.root;
	ret->meets = w->a.root.level;
	for (unsigned level = w->a.root.level; level; level--) {
		const struct node *n = &ret->path[level];
		const unsigned i = node_find(n, same ? old->child[level] : 0, ns);

		same = same && old->child[level] == i;
		ret->child[level] = i;
		if (same) {
			ret->path[level - 1] = old->path[level - 1];
			ret->meets = level - 1;
			continue;
		}
		int r = child(w, n, i, &ret->path[level - 1]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The leaf that go_down() has found, taken apart. */
static int take_leaf(struct row *w, const struct border *old, struct border *b)
{
	struct leaf *leaf = old && old->leaf == &w->leaves[0] ? &w->leaves[1] : &w->leaves[0];
	const struct node *n = &b->path[0];

	b->leaf = old ? old->leaf : NULL;
	if (old && !b->meets)
		return 0;
	b->leaf = leaf;
	int r = store_leaf(n, w->a.n_states, leaf);
	if (r >= 0 && (b->ns < n->begin_ns || b->ns > n->end_ns))
		r = sonde_fail(-EBADMSG, "the index is damaged: a leaf at a wrong place");
	return r;
}

/* Sums up to the border; from @old on, if that is in the same leaf. */
static void sum_up(const struct row *w, const struct border *old, struct border *b)
{
	const struct leaf *leaf = b->leaf;
	const bool same = old && !b->meets;

	if (same) {
		b->sums = old->sums;
	} else {
		memset(&b->sums, 0, sizeof(b->sums));
		memcpy(b->sums.ns, leaf->ns, w->a.n_states * sizeof(*leaf->ns));
		b->sums.n = leaf->n_known;
	}
	b->seg = leaf_sum(leaf, same ? old->seg : 0, same ? old->ns : leaf->segs[0].begin_ns, b->ns,
			  &b->sums);
	// The one behind begins at the border, or what is summed up last goes on.
	if (b->seg < leaf->n ? leaf->segs[b->seg].begin_ns > b->ns : b->ns < leaf->end_ns)
		b->seg--;
	b->at = b->seg < leaf->n ? leaf_segment(leaf, b->seg)
				 : (struct store_segment){ w->a.end_ns, INT64_MAX, 0, 0 };
}

/* The next border, not before the latest one, and not outside of the track. */
static int next_border(struct row *w, int64_t ns)
{
	const struct border *old = w->right;
	struct border *b = old == &w->borders[0] ? &w->borders[1] : &w->borders[0];

	b->ns = ns;
	int r = go_down(w, old, ns < w->a.end_ns ? ns : w->a.end_ns - 1, b);
	if (r >= 0)
		r = take_leaf(w, old, b);
	if (r < 0)
		return r;
	sum_up(w, old, b);
	w->left = w->right;
	w->right = b;
	return 0;
}

/* The longest known segment between two borders, counted as far as it is there. */
struct best {
	uint64_t ns;
	struct store_segment seg;
};

static void best_of_leaf(const struct row *w, const struct leaf *leaf, unsigned i,
			 struct best *best)
{
	const int64_t from_ns = w->left->ns, to_ns = w->right->ns;

	for (; i < leaf->n && leaf->segs[i].begin_ns < to_ns; i++) {
		const struct store_segment seg = leaf_segment(leaf, i);
		const int64_t begin = seg.begin_ns > from_ns ? seg.begin_ns : from_ns;
		const int64_t end = seg.end_ns < to_ns ? seg.end_ns : to_ns;

		if (seg.state && span_ns(begin, end) > best->ns) {
			best->ns = span_ns(begin, end);
			best->seg = seg;
		}
	}
}

/* Of children [i, end): all of each is there, and each is closed, as others follow it. */
static void best_of_children(const struct node *n, unsigned i, unsigned end, struct best *best)
{
	const uint64_t *longest = node_column(n, FORMAT_LONGEST);

	for (; i < end; i++) {
		if (longest[i] > best->ns) {
			best->ns = longest[i];
			best->seg = node_longest(n, i);
		}
	}
}

/* From left to right, so that of several the first one is it. */
static struct store_segment best_between(const struct row *w)
{
	const struct border *left = w->left, *right = w->right;
	const unsigned meets = right->meets;
	struct best best = { .ns = 0 };

	best_of_leaf(w, left->leaf, left->seg, &best);
	if (!meets)
		return best.seg;
	for (unsigned level = 1; level < meets; level++)
		best_of_children(&left->path[level], left->child[level] + 1, left->path[level].n,
				 &best);
	best_of_children(&right->path[meets], left->child[meets] + 1, right->child[meets], &best);
	for (unsigned level = meets - 1; level; level--)
		best_of_children(&right->path[level], 0, right->child[level], &best);
	best_of_leaf(w, right->leaf, 0, &best);
	return best.seg;
}

/* The pixel between the two latest borders, in which more than one segment is. */
static int fill_cell(const struct row *w, struct store_cell *ret)
{
	const struct border *left = w->left;
	struct store_totals t;
	uint64_t most = 0;

	totals_subtract(&left->sums, &w->right->sums, left->ns, &left->at, &t);
	*ret = (struct store_cell){ .n = t.n };
	for (uint32_t i = 1; i < w->a.n_states; i++) {
		ret->known_ns += t.ns[i];
		if (t.ns[i] > most) {
			most = t.ns[i];
			ret->state = i;
		}
	}
	if (most)
		ret->longest = best_between(w);
	return ret->longest.state < w->a.n_states
		       ? 0
		       : sonde_fail(-EBADMSG, "the index is damaged: a wrong segment");
}

/* A pixel inside of one segment, or of a hole. */
static struct store_cell cell_inside(const struct store_segment *seg, int64_t from_ns,
				     int64_t to_ns)
{
	if (!seg->state)
		return (struct store_cell){ .n = 0 };
	return (struct store_cell){
		.longest = *seg,
		.n = 1,
		.known_ns = span_ns(from_ns, to_ns),
		.state = seg->state,
	};
}

static int64_t pixel_at(int64_t from_ns, int64_t to_ns, size_t i, size_t n)
{
	const unsigned __int128 len = span_ns(from_ns, to_ns);

	return (int64_t)((uint64_t)from_ns + (uint64_t)(len * i / n));
}

/* The pixel [begin_ns, end_ns), which is inside of the track; there is a border before it. */
static int fill_pixel(struct row *w, int64_t begin_ns, int64_t end_ns, struct store_cell *ret)
{
	int r = 0;

	if (w->right->at.end_ns <= begin_ns && begin_ns < w->a.end_ns)
		r = next_border(w, begin_ns);
	if (r < 0)
		return r;
	if (w->right->at.end_ns >= end_ns || begin_ns == end_ns) {
		*ret = cell_inside(&w->right->at, begin_ns, end_ns);
		return 0;
	}
	if (w->right->ns != begin_ns)
		r = next_border(w, begin_ns);
	if (r >= 0)
		r = next_border(w, end_ns);
	return r < 0 ? r : fill_cell(w, ret);
}

static int fill_row(struct row *w, int64_t from_ns, int64_t to_ns, struct store_cell *ret, size_t n)
{
	const int64_t first = w->a.begin_ns, last = w->a.end_ns;
	int64_t begin = from_ns;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const int64_t end = pixel_at(from_ns, to_ns, i + 1, n);
		const int64_t b = begin > first ? begin : first, e = end < last ? end : last;

		if (b > e || b >= last || (begin < first && b == e)) {
			ret[i] = (struct store_cell){ .n = 0 };
		} else {
			r = w->right ? 0 : next_border(w, b);
			if (r >= 0)
				r = fill_pixel(w, b, e, &ret[i]);
		}
		begin = end;
	}
	return r;
}

/*
 * Whether a pixel is so long that few of its row share what the system maps at once. Then each
 * would cost a fault, and many pages to map and unmap.
 */
static bool is_wide(const struct asked *a, uint64_t pixel_ns)
{
	enum { LEAVES = 32 };
	const uint64_t n = store_n_known(a->s, a->track) / FORMAT_WORDS + 1;

	return a->root.level > 1 && pixel_ns / LEAVES >= span_ns(a->begin_ns, a->end_ns) / n;
}

int store_row(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
	      struct store_cell *ret, size_t n)
{
	struct store_copies copies;
	struct row w;

	if (from_ns > to_ns || n > STORE_PIXELS_MOST)
		return sonde_fail(-EINVAL, "a row that ends before it begins, or of more than %d",
				  STORE_PIXELS_MOST);
	w.copies = NULL;
	w.left = w.right = NULL;
	store_lock(s);
	int r = store_ask(s, track, &w.a);
	if (r >= 0 && n && is_wide(&w.a, span_ns(from_ns, to_ns) / n)) {
		memset(copies.next, 0, sizeof(copies.next));
		w.copies = &copies;
	}
	if (r >= 0)
		r = fill_row(&w, from_ns, to_ns, ret, n);
	store_unlock(s);
	return r < 0 ? r : 0;
}
