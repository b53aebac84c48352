/* SPDX-License-Identifier: MIT */
/** Asking a store: a moment, a range, and sums. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "base/check.h"
#include "state/store_state.h"

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
	spill_trim(&s->edges_mem);
}

int store_ask(struct store *s, uint32_t track, struct asked *ret)
{
	const struct format_track *rec = store_record(s, track);

	if (!rec)
		return sonde_fail(-EINVAL, "there is no track %u", track);
	give_back(s, track);
	if (s->is_built && s->err)
		return sonde_fail_errno(s->err, "the index could not be written");
	*ret = (struct asked){ .s = s, .track = track, .n_states = rec->n_states };
	store_span(s, track, &ret->begin_ns, &ret->end_ns);
	if (ret->begin_ns >= ret->end_ns)
		return 0;
	int r = store_map(s);
	return r < 0 ? r : store_root(s, track, &ret->root);
}

/* The leaf of a moment inside of the track. */
static int find_leaf(const struct asked *a, int64_t ns, struct leaf *ret)
{
	struct node n = a->root;

	while (n.level) {
		int r = store_child(a->s, a->track, &n, node_find(&n, 0, ns), &n);
		if (r < 0)
			return r;
	}
	int r = store_leaf(&n, a->n_states, ret);
	if (r >= 0 && (ns < n.begin_ns || ns >= n.end_ns))
		r = sonde_fail(-EBADMSG, "the index is damaged: a leaf at a wrong place");
	return r;
}

/*
 * Time by state from the track's begin to @ns, and how many known segments begin before @ns.
 * *@ret_at becomes the segment at @ns; where the track has none, a hole. @leaf: the one that was
 * looked at last (.n is 0: none), and is now.
 */
static int sum_before(const struct asked *a, int64_t ns, struct leaf *leaf,
		      struct store_totals *ret, struct store_segment *ret_at)
{
	const int64_t inside = ns < a->end_ns ? ns : a->end_ns - 1;

	memset(ret, 0, sizeof(*ret));
	*ret_at = (struct store_segment){ INT64_MIN, a->begin_ns, 0, 0 };
	if (ns < a->begin_ns)
		return 0;
	*ret_at = (struct store_segment){ a->end_ns, INT64_MAX, 0, 0 };
	if (a->begin_ns >= a->end_ns)
		return 0;
	if (!leaf->n || inside < leaf->segs[0].begin_ns || inside >= leaf->end_ns) {
		int r = find_leaf(a, inside, leaf);
		if (r < 0)
			return r;
	}
	memcpy(ret->ns, leaf->ns, a->n_states * sizeof(*ret->ns));
	ret->n = leaf->n_known;
	leaf_sum(leaf, 0, leaf->segs[0].begin_ns, ns, ret);
	if (ns < a->end_ns)
		*ret_at = leaf_segment(leaf, leaf_find(leaf, ns));
	return 0;
}

int store_at(struct store *s, uint32_t track, int64_t ns, struct store_segment *ret)
{
	struct asked a = { .s = s };
	struct leaf leaf;

	store_lock(s);
	int r = store_ask(s, track, &a);
	if (r >= 0 && (ns < a.begin_ns || ns >= a.end_ns)) {
		store_unlock(s);
		return 0;
	}
	if (r >= 0)
		r = find_leaf(&a, ns, &leaf);
	if (r >= 0)
		*ret = leaf_segment(&leaf, leaf_find(&leaf, ns));
	store_unlock(s);
	return r < 0 ? r : 1;
}

/* The known segments of a leaf that are in the range. */
static size_t take_leaf(const struct leaf *leaf, int64_t from_ns, int64_t to_ns,
			struct store_segment *ret, size_t cap)
{
	size_t n = 0;

	for (unsigned i = leaf_find(leaf, from_ns); i < leaf->n && n < cap; i++) {
		const struct store_segment seg = leaf_segment(leaf, i);

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
	int r = store_ask(s, track, &a);
	int64_t at = r >= 0 && from_ns < a.begin_ns ? a.begin_ns : from_ns;
	while (r >= 0 && n < cap && at < to_ns && at < a.end_ns) {
		struct leaf leaf;

		r = find_leaf(&a, at, &leaf);
		if (r < 0)
			break;
		n += take_leaf(&leaf, at, to_ns, ret + n, cap - n);
		at = leaf.end_ns;
	}
	store_unlock(s);
	if (r >= 0)
		*ret_n = n;
	return r < 0 ? r : 0;
}

int store_sum(struct store *s, uint32_t track, int64_t from_ns, int64_t to_ns,
	      struct store_totals *ret)
{
	struct store_totals sums[2] = { 0 };
	struct store_segment at = { 0 }, end;
	struct asked a = { .s = s };
	struct leaf leaf;

	leaf.n = 0;
	store_lock(s);
	int r = store_ask(s, track, &a);
	if (r >= 0 && from_ns < to_ns)
		r = sum_before(&a, from_ns, &leaf, &sums[0], &at);
	if (r >= 0 && from_ns < to_ns)
		r = sum_before(&a, to_ns, &leaf, &sums[1], &end);
	store_unlock(s);
	if (r >= 0)
		totals_subtract(&sums[0], &sums[1], from_ns, &at, ret);
	return r;
}
