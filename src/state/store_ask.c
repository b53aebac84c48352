/* SPDX-License-Identifier: MIT */
/** Asking a store: a moment, a range, sums, and rows of pixels. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "base/check.h"
#include "state/store_state.h"

/* A track that is asked, and its root. */
struct asked {
	struct store *s;
	uint32_t track;
	unsigned n_states;
	int64_t begin_ns, end_ns; /* the same: it has no segments */
	struct node root;
	struct store_copies *copies; /* of the caller's; NULL: the map shows all */
};

/*
 * Whoever asks for one track after the other reads all of the file once: what was read is given
 * back now and then, so that the process does not become as large. It is still in the page cache.
 */
static void give_back(struct store *s, uint32_t track)
{
	enum { EACH = 1024 };

	if (atomic_load_explicit(&s->last_asked, memory_order_relaxed) == track)
		return;
	atomic_store_explicit(&s->last_asked, track, memory_order_relaxed);
	const uint32_t n = atomic_fetch_add_explicit(&s->n_asked, 1, memory_order_relaxed);
	if (n % EACH != EACH - 1)
		return;
	if (s->map)
		(void)madvise((void *)(uintptr_t)s->map, s->map_len, MADV_DONTNEED); // a hint
	spill_trim(&s->built_mem);
}

static int ask(struct store *s, uint32_t track, struct asked *ret)
{
	const struct format_track *rec = store_record(s, track);

	if (!rec)
		return sonde_fail(-EINVAL, "there is no track %u", track);
	give_back(s, track);
	if (s->is_built && s->err)
		return sonde_fail_errno(s->err, "the index could not be written");
	*ret = (struct asked){ .s = s,
			       .track = track,
			       .n_states = rec->n_states,
			       .begin_ns = rec->begin_ns,
			       .end_ns = rec->end_ns };
	if (rec->begin_ns >= rec->end_ns)
		return 0;
	int r = store_map(s);
	return r < 0 ? r : store_root(s, track, &ret->root);
}

static int child(const struct asked *a, const struct node *n, unsigned i, struct node *ret)
{
	return a->copies ? store_child_copy(a->s, a->track, n, i, a->copies, ret)
			 : store_child(a->s, a->track, n, i, ret);
}

/* The last item that begins at or before @ns; the first if none does. */
static unsigned find_item(const struct node *n, int64_t ns)
{
	unsigned low = 0, high = n->n;

	while (high - low > 1) {
		const unsigned mid = (low + high) / 2;

		if (node_begin(n, mid) <= ns)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The leaf of a moment inside of the track; what came before that leaf is added to @before. */
static int find_leaf(const struct asked *a, int64_t ns, struct node *ret,
		     struct store_totals *before)
{
	const uint64_t *last = NULL;
	struct node n = a->root;

	while (n.level) {
		const unsigned i = find_item(&n, ns);

		last = node_ns(&n, i, a->n_states);
		if (before)
			before->n = node_column(&n, FORMAT_KNOWN)[i];
		int r = child(a, &n, i, &n);
		if (r < 0)
			return r;
	}
	*ret = n;
	if (last && before)
		memcpy(before->ns, last, a->n_states * sizeof(*last));
	return 0;
}

/*
 * Time by state from the track's begin to @ns, and how many known segments begin before @ns.
 * *@ret_at becomes the segment at @ns; where the track has none, a hole.
 */
static int sum_before(const struct asked *a, int64_t ns, struct store_totals *ret,
		      struct store_segment *ret_at)
{
	const bool behind = ns >= a->end_ns;
	struct node leaf = { .n = 0 };

	memset(ret, 0, sizeof(*ret));
	*ret_at = (struct store_segment){ INT64_MIN, a->begin_ns, 0, 0 };
	if (ns < a->begin_ns)
		return 0;
	*ret_at = (struct store_segment){ a->end_ns, INT64_MAX, 0, 0 };
	if (a->begin_ns >= a->end_ns)
		return 0;
	int r = find_leaf(a, behind ? a->end_ns - 1 : ns, &leaf, ret);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < leaf.n; i++) {
		const struct store_segment seg = node_whole(&leaf, i);
		const int64_t end = seg.end_ns < ns ? seg.end_ns : ns;

		if (seg.state >= a->n_states || seg.begin_ns > seg.end_ns)
			return sonde_fail(-EBADMSG, "the index is damaged: a wrong segment");
		if (seg.begin_ns <= ns && ns < seg.end_ns)
			*ret_at = seg;
		if (seg.begin_ns >= ns)
			break;
		ret->ns[seg.state] += span_ns(seg.begin_ns, end);
		ret->n += seg.state != 0;
	}
	return 0;
}

int store_at(struct store *s, uint32_t track, int64_t ns, struct store_segment *ret)
{
	struct asked a = { .s = s };
	struct node leaf = { .n = 0 };

	store_lock(s);
	int r = ask(s, track, &a);
	if (r >= 0 && (ns < a.begin_ns || ns >= a.end_ns)) {
		store_unlock(s);
		return 0;
	}
	if (r >= 0)
		r = find_leaf(&a, ns, &leaf, NULL);
	if (r >= 0)
		*ret = node_whole(&leaf, find_item(&leaf, ns));
	store_unlock(s);
	return r < 0 ? r : 1;
}

/* The known segments of a leaf that are in the range. */
static size_t take_leaf(const struct node *leaf, int64_t from_ns, int64_t to_ns,
			struct store_segment *ret, size_t cap)
{
	size_t n = 0;

	for (unsigned i = find_item(leaf, from_ns); i < leaf->n && n < cap; i++) {
		const struct store_segment seg = node_whole(leaf, i);

		if (seg.begin_ns >= to_ns)
			break;
		if (seg.state && seg.end_ns > from_ns)
			ret[n++] = seg;
	}
	return n;
}

int store_read(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
	       struct store_segment *ret, size_t cap, size_t *ret_n)
{
	struct asked a = { .s = s };
	size_t n = 0;

	store_lock(s);
	int r = ask(s, track, &a);
	int64_t at = r >= 0 && from_ns < a.begin_ns ? a.begin_ns : from_ns;
	while (r >= 0 && n < cap && at < to_ns && at < a.end_ns) {
		struct node leaf = { .n = 0 };

		r = find_leaf(&a, at, &leaf, NULL);
		if (r < 0)
			break;
		n += take_leaf(&leaf, at, to_ns, ret + n, cap - n);
		if (leaf.end_ns <= at)
			r = sonde_fail(-EBADMSG, "the index is damaged: a leaf that goes back");
		at = leaf.end_ns;
	}
	store_unlock(s);
	if (r >= 0)
		*ret_n = n;
	return r < 0 ? r : 0;
}

/* @ret becomes what is between two sums; @at is the segment at the first one's moment. */
static void subtract(const struct store_totals *from, const struct store_totals *to,
		     int64_t from_ns, const struct store_segment *at, struct store_totals *ret)
{
	for (unsigned i = 0; i < STORE_STATES_MOST; i++)
		ret->ns[i] = to->ns[i] - from->ns[i];
	ret->n = to->n - from->n + (at->state && at->begin_ns < from_ns);
}

int store_sum(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
	      struct store_totals *ret)
{
	struct store_totals sums[2] = { 0 };
	struct store_segment at = { 0 }, end;
	struct asked a = { .s = s };

	store_lock(s);
	int r = ask(s, track, &a);
	if (r >= 0 && from_ns < to_ns)
		r = sum_before(&a, from_ns, &sums[0], &at);
	if (r >= 0 && from_ns < to_ns)
		r = sum_before(&a, to_ns, &sums[1], &end);
	store_unlock(s);
	if (r >= 0)
		subtract(&sums[0], &sums[1], from_ns, &at, ret);
	return r;
}

/* The longest known segment of a range, counted as far as it is inside. */
struct best {
	int64_t from_ns, to_ns;
	uint64_t ns;
	struct store_segment seg;
};

static void best_of_leaf(const struct node *leaf, struct best *b)
{
	for (unsigned i = find_item(leaf, b->from_ns); i < leaf->n; i++) {
		const struct store_segment seg = node_whole(leaf, i);
		const int64_t begin = seg.begin_ns > b->from_ns ? seg.begin_ns : b->from_ns;
		const int64_t end = seg.end_ns < b->to_ns ? seg.end_ns : b->to_ns;

		if (seg.begin_ns >= b->to_ns)
			break;
		if (seg.state && begin < end && span_ns(begin, end) > b->ns) {
			b->ns = span_ns(begin, end);
			b->seg = seg;
		}
	}
}

/* Goes down only where a child is partly inside: at most two of each level. */
static int best_of_node(const struct asked *a, const struct node *n, struct best *b)
{
	if (!n->level) {
		best_of_leaf(n, b);
		return 0;
	}
	const uint64_t *longest = node_column(n, FORMAT_LONGEST);

	for (unsigned i = find_item(n, b->from_ns); i < n->n; i++) {
		const int64_t begin = node_begin(n, i), end = node_item_end(n, i);
		struct node below;

		if (begin >= b->to_ns)
			break;
		if (begin >= b->from_ns && end <= b->to_ns && node_column(n, FORMAT_AT)[i]) {
			if (longest[i] > b->ns) {
				b->ns = longest[i];
				b->seg = node_longest(n, i);
			}
			continue;
		}
		int r = child(a, n, i, &below);
		if (r >= 0)
			r = best_of_node(a, &below, b);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One pixel that several segments are in. */
static int fill_cell(const struct asked *a, int64_t from_ns, int64_t to_ns,
		     const struct store_totals *t, struct store_cell *ret)
{
	struct best b = { .from_ns = from_ns, .to_ns = to_ns };
	uint64_t most = 0;

	*ret = (struct store_cell){ .n = t->n };
	for (uint32_t i = 1; i < a->n_states; i++) {
		ret->known_ns += t->ns[i];
		if (t->ns[i] > most) {
			most = t->ns[i];
			ret->state = i;
		}
	}
	if (!most)
		return 0;
	int r = best_of_node(a, &a->root, &b);
	if (r >= 0 && b.seg.state >= a->n_states)
		r = sonde_fail(-EBADMSG, "the index is damaged: a wrong segment");
	ret->longest = b.seg;
	return r;
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

static int fill_row(const struct asked *a, int64_t from_ns, int64_t to_ns, struct store_cell *ret,
		    size_t n)
{
	struct store_totals before, after, inside;
	struct store_segment at, next;
	int64_t begin = from_ns, summed_ns = from_ns; /* of @before */

	int r = sum_before(a, begin, &before, &at);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const int64_t end = pixel_at(from_ns, to_ns, i + 1, n);

		if (at.end_ns >= end || begin == end) {
			ret[i] = cell_inside(&at, begin, end);
		} else {
			if (summed_ns != begin)
				r = sum_before(a, begin, &before, &at);
			if (r >= 0)
				r = sum_before(a, end, &after, &next);
			if (r < 0)
				break;
			subtract(&before, &after, begin, &at, &inside);
			r = fill_cell(a, begin, end, &inside, &ret[i]);
			before = after;
			at = next;
			summed_ns = end;
		}
		begin = end;
		if (r >= 0 && at.end_ns <= begin && begin < INT64_MAX) {
			r = sum_before(a, begin, &before, &at);
			summed_ns = begin;
		}
	}
	return r;
}

/*
 * Whether a pixel is so long that no two of its row share what the system maps at once. Then each
 * would cost two of its faults, and as many pages to unmap.
 */
static bool is_wide(const struct asked *a, uint64_t pixel_ns)
{
	enum { LEAVES = 16 };
	const uint64_t n = store_record(a->s, a->track)->n_known / FORMAT_SEGMENTS + 1;

	return a->root.level > 1 && pixel_ns / LEAVES >= span_ns(a->begin_ns, a->end_ns) / n;
}

int store_row(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
	      struct store_cell *ret, size_t n)
{
	struct store_copies copies;
	struct asked a = { .s = s };

	if (from_ns > to_ns || n > STORE_PIXELS_MOST)
		return sonde_fail(-EINVAL, "a row that ends before it begins, or of more than %d",
				  STORE_PIXELS_MOST);
	store_lock(s);
	int r = ask(s, track, &a);
	if (r >= 0 && n && is_wide(&a, span_ns(from_ns, to_ns) / n)) {
		for (unsigned i = 0; i < STORE_COPY_LEVELS; i++) {
			copies.nodes[i][0].at = copies.nodes[i][1].at = 0;
			copies.next[i] = 0;
		}
		a.copies = &copies;
	}
	if (r >= 0)
		r = fill_row(&a, from_ns, to_ns, ret, n);
	store_unlock(s);
	return r < 0 ? r : 0;
}
