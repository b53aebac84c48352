/* SPDX-License-Identifier: MIT */
/** Report wakeups: who wakes whom, how often, and how long that one then took to run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/kernel.h"
#include "analysis/report.h"
#include "analysis/spread.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { ROWS = 25, PAIRS_MOST = 1 << 20 };

/* What wakes: a thread, or what interrupted it. */
enum waker { WAKER_THREAD, WAKER_IRQ, WAKER_SOFTIRQ, WAKER_UNKNOWN };

struct pair {
	enum waker kind;
	uint32_t id;			/* index of the thread, number of the interrupt or vector */
	const struct kernel_thread *to; /* who was woken */
	uint64_t n;
	struct spread took; /* from there to running */
};

/* Who woke a thread that does not yet run. */
struct woken {
	uint32_t pair1; /* its number, plus 1; 0: none */
};

struct wakeups_report {
	struct report report;
	struct kernel *kernel; /* owned */
	struct pair *pairs;    /* owned */
	size_t n_pairs, cap_pairs;
	struct u64map by_key; /* waker and woken -> pair */
	struct woken *woken;  /* owned; by thread index */
	size_t cap_woken;
	struct arena arena; /* text of the tables */
	uint64_t over;	    /* wake-ups beyond PAIRS_MOST */
	bool failed;	    /* out of memory */
};

static uint32_t lowest_bit(uint32_t bits)
{
	return bits ? (uint32_t)__builtin_ctz(bits) : 0;
}

/* What runs on @c: the innermost interrupt, else a softirq, else its thread. */
static enum waker waker_of(const struct kernel_cpu *c, uint32_t *ret_id)
{
	*ret_id = 0;
	if (c->irqs) {
		const uint32_t top = c->irqs - 1;

		*ret_id = top < KERNEL_IRQS_NESTED ? (uint32_t)c->irq_nr[top] : UINT32_MAX;
		return WAKER_IRQ;
	}
	if (c->softirqs) {
		*ret_id = lowest_bit(c->softirqs);
		return WAKER_SOFTIRQ;
	}
	if (!c->current)
		return WAKER_UNKNOWN;
	*ret_id = c->current->index;
	return WAKER_THREAD;
}

static struct woken *woken_of(struct wakeups_report *s, const struct kernel_thread *t)
{
	const size_t old = s->cap_woken;

	if (t->index < old)
		return &s->woken[t->index];
	if (mem_grow(&s->woken, &s->cap_woken, (size_t)t->index + 1) < 0) {
		s->failed = true;
		return NULL;
	}
	memset(s->woken + old, 0, (s->cap_woken - old) * sizeof(*s->woken));
	return &s->woken[t->index];
}

/* The number of a pair; PAIRS_MOST: there is no room. */
static uint32_t find_pair(struct wakeups_report *s, enum waker kind, uint32_t id,
			  const struct kernel_thread *t)
{
	const uint64_t key = (uint64_t)kind << 62 | (uint64_t)(id & 0x3fffffff) << 32 | t->index;
	uint32_t i;

	if (u64map_get(&s->by_key, key, &i))
		return i;
	if (s->n_pairs >= PAIRS_MOST) {
		s->over++;
		return PAIRS_MOST;
	}
	if (mem_grow(&s->pairs, &s->cap_pairs, s->n_pairs + 1) < 0 ||
	    u64map_put(&s->by_key, key, (uint32_t)s->n_pairs) < 0) {
		s->failed = true;
		return PAIRS_MOST;
	}
	s->pairs[s->n_pairs] = (struct pair){ .kind = kind, .id = id, .to = t };
	return (uint32_t)s->n_pairs++;
}

static void on_waking(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      int64_t at_ns)
{
	struct wakeups_report *s = arg;
	struct woken *w = woken_of(s, t);
	uint32_t id;
	const enum waker kind = waker_of(c, &id);

	(void)at_ns;
	if (!w)
		return;
	w->pair1 = 0;
	const bool wanted = report_wants(&s->report, t) ||
			    (kind == WAKER_THREAD && report_wants(&s->report, c->current));
	const uint32_t pair = wanted ? find_pair(s, kind, id, t) : PAIRS_MOST;
	if (pair == PAIRS_MOST)
		return;
	s->pairs[pair].n++;
	w->pair1 = pair + 1;
}

static void on_woken(void *arg, const struct kernel_thread *t, int64_t begin_ns, int64_t end_ns)
{
	struct wakeups_report *s = arg;
	struct woken *w = woken_of(s, t);

	if (!w || !w->pair1 || begin_ns < s->report.from_ns || begin_ns > end_ns)
		return;
	spread_add(&s->pairs[w->pair1 - 1].took, ns_between(begin_ns, end_ns), end_ns);
	w->pair1 = 0;
}

static const struct kernel_watch watch = { .waking = on_waking, .woken = on_woken };

static int wakeups_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct wakeups_report *s = c->state;
	int r = report_init(&s->report, setup);

	return r < 0 ? r : kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void wakeups_fini(struct sonde_component *c)
{
	struct wakeups_report *s = c->state;

	kernel_free(s->kernel);
	free(s->pairs);
	free(s->woken);
	u64map_fini(&s->by_key);
	arena_fini(&s->arena);
}

static int wakeups_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct wakeups_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The table. */

static const struct table_column columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "waker_kind", NULL, TABLE_TEXT },
	{ "waker_tid", "TID", TABLE_ID },
	{ "waker", "WAKER", TABLE_TEXT },
	{ "tid", "TID", TABLE_ID },
	{ "thread", "WOKEN", TABLE_TEXT },
	{ "wakeups", "WAKE-UPS", TABLE_COUNT },
	{ "took_count", NULL, TABLE_COUNT },
	{ "took_total_ns", "TOOK IN ALL", TABLE_NS },
	{ "took_min_ns", "MIN", TABLE_NS },
	{ "took_mean_ns", "MEAN", TABLE_NS },
	{ "took_max_ns", "MAX", TABLE_NS },
	{ "took_sd_ns", "STD DEV", TABLE_NS },
};

/* "irq 27 virtio2-req.0", "softirq NET_RX"; "" where there is no memory, which the table tells. */
static const char *waker_name(struct wakeups_report *s, const struct pair *p)
{
	struct kernel_thread *const *threads;
	char text[96];

	switch (p->kind) {
	case WAKER_THREAD:
		(void)kernel_threads(s->kernel, &threads);
		if (threads[p->id]->tid)
			return threads[p->id]->name;
		(void)snprintf(text, sizeof(text), "idle of CPU %" PRId32,
			       threads[p->id]->last_cpu);
		break;
	case WAKER_IRQ:
		(void)snprintf(text, sizeof(text), "irq %" PRId32 " %s", (int32_t)p->id,
			       kernel_irq_names(p->to->host, (int32_t)p->id));
		break;
	case WAKER_SOFTIRQ:
		(void)snprintf(text, sizeof(text), "softirq %s", report_softirq((int32_t)p->id));
		break;
	case WAKER_UNKNOWN: return "";
	}
	const char *copy = arena_strndup(&s->arena, text, strlen(text));
	s->failed |= !copy;
	return copy ? copy : "";
}

static void add_pair(struct wakeups_report *s, struct table *t, const struct pair *p)
{
	static const char *const kinds[] = { "thread", "irq", "softirq", "unknown" };
	struct kernel_thread *const *threads;

	(void)kernel_threads(s->kernel, &threads);
	report_host(t, p->to->host);
	table_str(t, kinds[p->kind]);
	report_id(t, p->kind == WAKER_THREAD && threads[p->id]->tid ? threads[p->id]->tid : -1);
	table_str(t, waker_name(s, p));
	table_int(t, p->to->tid);
	table_str(t, p->to->name);
	table_int(t, (int64_t)p->n);
	spread_cells(&p->took, t);
}

static int show_pairs(struct wakeups_report *s)
{
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, columns, MEM_LEN(columns));
	for (size_t i = 0; i < s->n_pairs; i++)
		add_pair(s, &t, &s->pairs[i]);
	int r = s->failed ? sonde_fail(-ENOMEM, "out of memory for the report")
			  : report_table(&s->report, &t, "wakeups",
					 "Who woke whom, and how long that one took to run",
					 "wakeups", ROWS);
	table_fini(&t);
	return r;
}

static int wakeups_finish(struct sonde_component *c)
{
	struct wakeups_report *s = c->state;
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	int r = kernel_span(s->kernel, &begin, &end);
	if (r < 0)
		return r;
	const unsigned has = kernel_recorded(s->kernel);
	if (!(has & KERNEL_HAS_WAKING))
		return report_lacks(&s->report, false, "sched_waking",
				    "-e sched:sched_waking -e sched:sched_switch");

	report_begin(&s->report, kernel_cpus(s->kernel, &cpus), begin, end);
	r = show_pairs(s);
	report_lack(&s->report, has & KERNEL_HAS_SWITCH, "sched_switch", "-e sched:sched_switch");
	report_lack(&s->report, has & (KERNEL_HAS_IRQ | KERNEL_HAS_SOFTIRQ),
		    "irq_handler_entry or softirq_entry", "-e 'irq:*'");
	if (s->over)
		report_note(&s->report,
			    "there are more than %d pairs: %" PRIu64 " wake-ups are left out",
			    PAIRS_MOST, s->over);
	report_doubts(&s->report, s->kernel);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_wakeups = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.wakeups",
	.help = "Who wakes whom, how often, and how long that one then took to run",
	.state_size = sizeof(struct wakeups_report),
	.init = wakeups_init,
	.fini = wakeups_fini,
	.consume = wakeups_consume,
	.finish = wakeups_finish,
};
