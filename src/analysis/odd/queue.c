/* SPDX-License-Identifier: MIT */
/** The run queue in slots, which grow longer where the trace is long. */
#include "analysis/odd/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/ns.h"

void odd_queue_fini(struct odd_queue *q)
{
	free(q->ns);
	free(q->more);
	*q = (struct odd_queue){ .n = 0 };
}

static int begin(struct odd_queue *q, int64_t at_ns)
{
	q->ns = calloc(QUEUE_SLOTS, sizeof(*q->ns));
	q->more = calloc(QUEUE_SLOTS + 1, sizeof(*q->more));
	if (!q->ns || !q->more) {
		odd_queue_fini(q);
		return sonde_fail(-ENOMEM, "out of memory for the report");
	}
	q->begin_ns = at_ns;
	q->width_ns = QUEUE_SLOT_NS;
	return 0;
}

/* Puts those who waited for all of a slot into its time. */
static void settle(struct odd_queue *q)
{
	int64_t n = 0;

	for (size_t i = 0; i < q->n; i++) {
		int64_t ns;

		n += q->more[i];
		if (__builtin_mul_overflow(n, q->width_ns, &ns))
			ns = INT64_MAX;
		q->ns[i] = ns_after(q->ns[i], ns);
	}
	memset(q->more, 0, (QUEUE_SLOTS + 1) * sizeof(*q->more));
}

/* Slots of twice the length. */
static void widen(struct odd_queue *q)
{
	settle(q);
	for (size_t i = 0; i < QUEUE_SLOTS / 2; i++)
		q->ns[i] = ns_after(q->ns[2 * i], q->ns[2 * i + 1]);
	memset(q->ns + QUEUE_SLOTS / 2, 0, QUEUE_SLOTS / 2 * sizeof(*q->ns));
	q->n = (q->n + 1) / 2;
	q->width_ns *= 2;
}

int odd_queue_add(struct odd_queue *q, int64_t from_ns, int64_t to_ns)
{
	int r = q->ns ? 0 : begin(q, from_ns);

	if (r < 0)
		return r;
	from_ns = from_ns < q->begin_ns ? q->begin_ns : from_ns;
	if (from_ns >= to_ns)
		return 0;
	while (ns_between(q->begin_ns, to_ns) / q->width_ns >= QUEUE_SLOTS)
		widen(q);
	const int64_t from = ns_between(q->begin_ns, from_ns), to = ns_between(q->begin_ns, to_ns);
	const size_t first = (size_t)(from / q->width_ns), last = (size_t)(to / q->width_ns);

	q->n = last + 1 > q->n ? last + 1 : q->n;
	if (first == last) {
		q->ns[first] = ns_after(q->ns[first], to - from);
		return 0;
	}
	q->ns[first] = ns_after(q->ns[first], q->width_ns - from % q->width_ns);
	q->ns[last] = ns_after(q->ns[last], to % q->width_ns);
	q->more[first + 1]++;
	q->more[last]--;
	return 0;
}

/* Where slot @i begins. */
static int64_t slot_ns(const struct odd_queue *q, size_t i)
{
	const __int128 at = q->begin_ns + (__int128)i * q->width_ns;

	return at > INT64_MAX ? INT64_MAX : (int64_t)at;
}

void odd_queue_finish(struct odd_queue *q, size_t n_cpus, const struct kernel_host *host,
		      struct odd_list *list)
{
	struct odd_suspect s = { .kind = ODD_QUEUE, .host = host, .cpu = -1 };
	struct dist d = { .n = 0 };

	if (!q->ns || !n_cpus)
		return;
	settle(q);
	for (size_t i = 0; i < q->n; i++)
		dist_add(&d, q->ns[i]);
	const int64_t usual = dist_median(&d);
	double least = (double)usual + ODD_DEVIATIONS * (double)dist_mad(&d, usual);
	if (least < (double)n_cpus * QUEUE_A_CPU * (double)q->width_ns)
		least = (double)n_cpus * QUEUE_A_CPU * (double)q->width_ns;
	for (size_t i = 0; i <= q->n; i++) {
		const bool high = i < q->n && (double)q->ns[i] > least;
		const uint64_t waiting = i < q->n ? (uint64_t)(q->ns[i] / q->width_ns) : 0;

		if (high && !s.n)
			s.begin_ns = slot_ns(q, i);
		if (high) {
			s.n++;
			s.end_ns = slot_ns(q, i + 1);
			s.lost_ns = ns_after(s.lost_ns, q->ns[i] - usual);
			s.what = waiting > s.what ? waiting : s.what;
		} else if (s.n) {
			(void)odd_keep(list, s);
			s.n = 0;
			s.lost_ns = 0;
			s.what = 0;
		}
	}
}
