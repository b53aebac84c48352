/* SPDX-License-Identifier: MIT */
/** Suspects and what becomes of them: the rules for what is out of line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "analysis/odd/odd.h"
#include "base/mem.h"
#include "base/ns.h"

static const int64_t MS = 1000000;

const struct odd_rule odd_rules[ODD_N_KINDS] = {
	[ODD_BLOCKED] = { "blocked", 10 * 1000000, 100 * 1000000, true },
	[ODD_LATE] = { "late", 20 * 1000000, 100 * 1000000, true },
	[ODD_HOG] = { "hog", 20 * 1000000, 100 * 1000000, true },
	[ODD_QUEUE] = { "queue", 0, 0, false },
	[ODD_IDLE] = { "idle", 10 * 1000000, 0, false },
	[ODD_CALL] = { "call", 10 * 1000000, 100 * 1000000, true },
	[ODD_REQUEST] = { "request", 10 * 1000000, 100 * 1000000, true },
	[ODD_LOCK] = { "lock", 10 * 1000000, 100 * 1000000, true },
	[ODD_CONVOY] = { "convoy", 0, 0, false },
	[ODD_IRQ] = { "irq", 0, 0, false },
	[ODD_SOFTIRQ] = { "softirq", 0, 0, false },
	[ODD_LOST] = { "lost", 0, 0, false },
	[ODD_BACKWARD] = { "backward", 0, 0, false },
};

void odd_list_fini(struct odd_list *l)
{
	free(l->suspects);
	free(l->dists);
	free(l->finds);
	u64map_fini(&l->by_key);
	*l = (struct odd_list){ .n = 0 };
}

struct odd_suspect *odd_keep(struct odd_list *l, struct odd_suspect s)
{
	if (l->n >= ODD_SUSPECTS_MOST) {
		l->over++;
		return NULL;
	}
	if (mem_grow(&l->suspects, &l->cap, l->n + 1) < 0) {
		l->failed = true;
		return NULL;
	}
	s.n = s.n ? s.n : 1;
	l->suspects[l->n] = s;
	return &l->suspects[l->n++];
}

/* The number of a distribution; UINT32_MAX: no memory. */
static uint32_t dist_of(struct odd_list *l, uint64_t key)
{
	enum { DISTS_MOST = 1 << 13 };
	uint32_t i;

	if (u64map_get(&l->by_key, key, &i))
		return i;
	// Beyond any number of calls and disks, the rest is one kind.
	if (l->n_dists >= DISTS_MOST)
		return DISTS_MOST - 1;
	if (mem_grow(&l->dists, &l->cap_dists, l->n_dists + 1) < 0 ||
	    u64map_put(&l->by_key, key, (uint32_t)l->n_dists) < 0) {
		l->failed = true;
		return UINT32_MAX;
	}
	memset(&l->dists[l->n_dists], 0, sizeof(l->dists[0]));
	return (uint32_t)l->n_dists++;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

struct odd_suspect *odd_take(struct odd_list *l, struct odd_suspect s, uint64_t sort)
{
	const struct odd_rule *rule = &odd_rules[s.kind];
	const int64_t ns = ns_between(s.begin_ns, s.end_ns);

	s.lost_ns = s.lost_ns ? s.lost_ns : ns;
	if (rule->is_compared) {
		const uint64_t kind = (uint64_t)s.kind + 1;

		s.dist = dist_of(l, mix(mix(mix(1, kind), s.host->trace->index), sort));
		if (s.dist == UINT32_MAX)
			return NULL;
		dist_add(&l->dists[s.dist], s.lost_ns);
	}
	return s.lost_ns >= rule->floor_ns ? odd_keep(l, s) : NULL;
}

/* What is usual, and from where on it is odd, of one distribution. */
struct line {
	int64_t median, least;
};

static struct line line_of(const struct dist *d, const struct odd_rule *rule)
{
	struct line l = { 0, rule->floor_ns };

	if (d->n < ODD_FEW) {
		l.least = rule->alone_ns;
		return l;
	}
	l.median = dist_median(d);
	const __int128 medians = (__int128)l.median * ODD_MEDIANS;
	const __int128 deviations = (__int128)dist_mad(d, l.median) * ODD_DEVIATIONS + l.median;
	const __int128 most = medians > deviations ? medians : deviations;

	if (most > l.least)
		l.least = most > INT64_MAX ? INT64_MAX : (int64_t)most;
	return l;
}

static uint64_t thread_key(const struct kernel_thread *t)
{
	return t ? (uint64_t)t->index + 1 : 0;
}

#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

/* Whose name a find has: that of who did it, where that is known. */
static const struct kernel_thread *named_by(const struct odd_suspect *s)
{
	return s->kind == ODD_HOG ? s->by : s->kind == ODD_REQUEST ? NULL : s->thread;
}

/* The process of a lock. */
static int64_t lock_pid(const struct odd_suspect *s)
{
	return (s->kind == ODD_CONVOY || s->kind == ODD_LOCK) && s->thread ? s->thread->pid : 0;
}

/* Those that are one find are equal. */
static int by_kind(const struct odd_suspect *x, const struct odd_suspect *y)
{
	const struct kernel_thread *a = named_by(x), *b = named_by(y);

	COMPARE(x->kind, y->kind);
	COMPARE(x->host->trace->index, y->host->trace->index);
	COMPARE(lock_pid(x), lock_pid(y));
	COMPARE(x->what, y->what);
	if (x->kind == ODD_IRQ || x->kind == ODD_SOFTIRQ)
		COMPARE(x->cpu, y->cpu);
	COMPARE(!a, !b);
	// A convoy is one of many threads.
	return a && b && x->kind != ODD_CONVOY ? strcmp(a->name, b->name) : 0;
}

/* And neighbours in this order. */
static int by_find(const void *a, const void *b)
{
	const struct odd_suspect *x = a, *y = b;
	const int order = by_kind(x, y);

	if (order)
		return order;
	COMPARE(thread_key(named_by(x)), thread_key(named_by(y)));
	COMPARE(x->begin_ns, y->begin_ns);
	COMPARE(x->end_ns, y->end_ns);
	return 0;
}

static bool is_one(const struct odd_suspect *x, const struct odd_suspect *y)
{
	// Spikes are each their own.
	return by_kind(x, y) == 0 && x->kind != ODD_QUEUE;
}

static void add_to(struct odd_find *f, const struct odd_suspect *s, int64_t usual_ns,
		   const struct odd_suspect *before)
{
	const int64_t lost = s->lost_ns > usual_ns ? s->lost_ns - usual_ns : 0;

	if (!f->n || s->lost_ns > f->worst.lost_ns)
		f->worst = *s;
	if (!f->n || s->begin_ns < f->begin_ns)
		f->begin_ns = s->begin_ns;
	if (!f->n || s->end_ns > f->end_ns)
		f->end_ns = s->end_ns;
	f->n_threads += !f->n || !before || thread_key(named_by(s)) != thread_key(named_by(before));
	f->usual_ns = usual_ns;
	f->n += s->n;
	f->lost_ns = ns_after(f->lost_ns, lost);
}

static int by_loss(const void *a, const void *b)
{
	const struct odd_find *x = a, *y = b;

	COMPARE(y->lost_ns, x->lost_ns);
	COMPARE(x->worst.kind, y->worst.kind);
	COMPARE(x->begin_ns, y->begin_ns);
	COMPARE(thread_key(x->worst.thread), thread_key(y->worst.thread));
	COMPARE(x->worst.what, y->worst.what);
	return 0;
}

/* What time is lost in all is worth a line from here on; what the trace lacks always is. */
static bool is_worth(const struct odd_find *f)
{
	return f->worst.kind >= ODD_LOST || f->lost_ns >= MS;
}

static uint64_t lock_key(const struct odd_suspect *s)
{
	return mix(mix(s->host->trace->index + 1, (uint64_t)(s->thread ? s->thread->pid : 0)),
		   s->what);
}

/* What has shown in a convoy is not told once more for each that waited in it. */
static int drop_told(struct odd_list *l)
{
	struct u64map convoys = { 0 };
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < l->n_finds && r >= 0; i++) {
		if (l->finds[i].worst.kind == ODD_CONVOY && is_worth(&l->finds[i]))
			r = u64map_put(&convoys, lock_key(&l->finds[i].worst), 1);
	}
	for (size_t i = 0; i < l->n_finds && r >= 0; i++) {
		const struct odd_find *f = &l->finds[i];
		uint32_t found;

		if (is_worth(f) && (f->worst.kind != ODD_LOCK ||
				    !u64map_get(&convoys, lock_key(&f->worst), &found)))
			l->finds[kept++] = *f;
	}
	u64map_fini(&convoys);
	l->n_finds = kept;
	return r;
}

int odd_judge(struct odd_list *l, odd_wants *wants, const void *arg)
{
	sonde_auto(mem_freep) struct line *lines = calloc(l->n_dists + 1, sizeof(*lines));
	const struct odd_suspect *before = NULL;

	if (l->failed || !lines)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	l->finds = calloc(l->n + 1, sizeof(*l->finds));
	if (!l->finds)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	for (size_t i = 0; i < l->n; i++) {
		const struct odd_suspect *s = &l->suspects[i];

		// The same for all of a distribution, as its kind is.
		if (odd_rules[s->kind].is_compared && !lines[s->dist].least)
			lines[s->dist] = line_of(&l->dists[s->dist], &odd_rules[s->kind]);
	}
	if (l->n)
		qsort(l->suspects, l->n, sizeof(*l->suspects), by_find);
	for (size_t i = 0; i < l->n; i++) {
		const struct odd_suspect *s = &l->suspects[i];
		const bool compared = odd_rules[s->kind].is_compared;

		if ((compared && s->lost_ns < lines[s->dist].least) || (wants && !wants(arg, s)))
			continue;
		if (!before || !is_one(before, s))
			l->finds[l->n_finds++] = (struct odd_find){ .n = 0 };
		add_to(&l->finds[l->n_finds - 1], s, compared ? lines[s->dist].median : 0, before);
		before = s;
	}
	int r = drop_told(l);
	if (r < 0)
		return r;
	if (l->n_finds)
		qsort(l->finds, l->n_finds, sizeof(*l->finds), by_loss);
	return 0;
}
