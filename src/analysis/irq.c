/* SPDX-License-Identifier: MIT */
/** Report irq: how long interrupt handlers and softirqs ran, and how late softirqs were. */
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
#include "base/mem.h"
#include "base/ns.h"
#include "base/u64map.h"
#include "graph/component.h"

enum { ROWS = 20 };

/* One interrupt line, or one kind of softirq, of one host. */
struct source {
	const struct kernel_host *host;
	bool soft;
	int32_t nr;
	struct spread ran;
	struct spread late; /* from raise to entry */
};

struct irq_report {
	struct report report;
	struct kernel *kernel;	/* owned */
	struct source *sources; /* owned */
	size_t n_sources, cap_sources;
	struct u64map by_key; /* host, kind and number -> source */
	bool failed;	      /* out of memory */
};

static struct source *find_source(struct irq_report *s, const struct kernel_host *h, bool soft,
				  int32_t nr)
{
	const uint64_t key = (uint64_t)h->trace->index << 33 | (uint64_t)soft << 32 | (uint32_t)nr;
	uint32_t i;

	if (u64map_get(&s->by_key, key, &i))
		return &s->sources[i];
	if (mem_grow(&s->sources, &s->cap_sources, s->n_sources + 1) < 0 ||
	    u64map_put(&s->by_key, key, (uint32_t)s->n_sources) < 0) {
		s->failed = true;
		return NULL;
	}
	s->sources[s->n_sources] = (struct source){ .host = h, .soft = soft, .nr = nr };
	return &s->sources[s->n_sources++];
}

/* With -p and --tid: those that interrupted these. */
static bool is_wanted(const struct irq_report *s, const struct kernel_cpu *c)
{
	if (!s->report.n_pids && !s->report.n_tids)
		return true;
	return c->current && report_wants(&s->report, c->current);
}

static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	struct irq_report *s = arg;
	struct source *src = is_wanted(s, c) ? find_source(s, c->host, false, nr) : NULL;

	if (src)
		spread_add(&src->ran, ns_between(begin_ns, end_ns), end_ns);
}

static void on_softirq(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
		       int64_t begin_ns, int64_t end_ns)
{
	struct irq_report *s = arg;
	struct source *src = is_wanted(s, c) ? find_source(s, c->host, true, (int32_t)vec) : NULL;

	if (!src)
		return;
	spread_add(&src->ran, ns_between(begin_ns, end_ns), end_ns);
	if (raised_ns != KERNEL_NO_TIME && raised_ns <= begin_ns)
		spread_add(&src->late, ns_between(raised_ns, begin_ns), begin_ns);
}

static const struct kernel_watch watch = { .irq = on_irq, .softirq = on_softirq };

static int irq_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct irq_report *s = c->state;
	int r = report_init(&s->report, setup);

	return r < 0 ? r : kernel_new(&watch, s, s->report.from_ns, s->report.to_ns, &s->kernel);
}

static void irq_fini(struct sonde_component *c)
{
	struct irq_report *s = c->state;

	kernel_free(s->kernel);
	free(s->sources);
	u64map_fini(&s->by_key);
}

static int irq_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct irq_report *s = c->state;
	int r = kernel_consume(s->kernel, in);

	return s->failed ? sonde_fail(-ENOMEM, "out of memory for the report") : r;
}

/* The tables. */

static const struct table_column irq_columns[] = {
	{ "host", NULL, TABLE_TEXT },	 { "irq", "IRQ", TABLE_ID },
	{ "name", "NAME", TABLE_TEXT },	 SPREAD_COLUMNS("", ""),
	{ "max_at_ns", NULL, TABLE_ID },
};

static const struct table_column softirq_columns[] = {
	{ "host", NULL, TABLE_TEXT },	 { "vec", "VEC", TABLE_ID },
	{ "name", "NAME", TABLE_TEXT },	 SPREAD_COLUMNS("", ""),
	{ "max_at_ns", NULL, TABLE_ID },
};

static const struct table_column raise_columns[] = {
	{ "host", NULL, TABLE_TEXT },	 { "vec", "VEC", TABLE_ID },
	{ "name", "NAME", TABLE_TEXT },	 SPREAD_COLUMNS("", ""),
	{ "max_at_ns", NULL, TABLE_ID },
};

static int by_number(const void *pa, const void *pb)
{
	const struct source *a = pa, *b = pb;

	if (a->host->trace->index != b->host->trace->index)
		return a->host->trace->index < b->host->trace->index ? -1 : 1;
	return (a->nr > b->nr) - (a->nr < b->nr);
}

enum part { PART_IRQ, PART_SOFTIRQ, PART_RAISE };

static int show_part(struct irq_report *s, enum part part)
{
	static const struct {
		const char *key, *title;
		const struct table_column *cols;
	} parts[] = {
		[PART_IRQ] = { "irqs", "Interrupt handlers: how long each ran", irq_columns },
		[PART_SOFTIRQ] = { "softirqs", "Softirqs: how long each ran", softirq_columns },
		[PART_RAISE] = { "raises", "Softirqs: from being raised to running",
				 raise_columns },
	};
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, s->kernel, cols, parts[part].cols, MEM_LEN(irq_columns));
	for (size_t i = 0; i < s->n_sources; i++) {
		const struct source *src = &s->sources[i];
		const struct spread *sp = part == PART_RAISE ? &src->late : &src->ran;

		if (src->soft == (part == PART_IRQ) || !sp->n)
			continue;
		report_host(&t, src->host);
		report_id(&t, src->nr);
		table_str(&t, src->soft ? report_softirq(src->nr)
					: kernel_irq_names(src->host, src->nr));
		spread_cells(sp, &t);
		table_int(&t, sp->most_at_ns);
	}
	int r = report_table(&s->report, &t, parts[part].key, parts[part].title, NULL, ROWS);
	table_fini(&t);
	return r;
}

static int show_all(struct irq_report *s)
{
	const unsigned has = kernel_recorded(s->kernel);
	int r = 0;

	report_sorts(&s->report, irq_columns, MEM_LEN(irq_columns));
	report_sorts(&s->report, softirq_columns, MEM_LEN(softirq_columns));
	report_sorts(&s->report, raise_columns, MEM_LEN(raise_columns));
	if (s->n_sources)
		qsort(s->sources, s->n_sources, sizeof(*s->sources), by_number);
	if (has & KERNEL_HAS_IRQ)
		r = show_part(s, PART_IRQ);
	if (r >= 0 && has & KERNEL_HAS_SOFTIRQ)
		r = show_part(s, PART_SOFTIRQ);
	if (r >= 0 && has & KERNEL_HAS_SOFTIRQ && has & KERNEL_HAS_RAISE)
		r = show_part(s, PART_RAISE);
	report_lack(&s->report, has & KERNEL_HAS_IRQ, "irq_handler_entry and irq_handler_exit",
		    "-e 'irq:irq_handler_*'");
	report_lack(&s->report, has & KERNEL_HAS_SOFTIRQ, "softirq_entry and softirq_exit",
		    "-e 'irq:softirq_*'");
	report_lack(&s->report, has & KERNEL_HAS_RAISE, "softirq_raise", "-e irq:softirq_raise");
	return r;
}

static int irq_finish(struct sonde_component *c)
{
	struct irq_report *s = c->state;
	struct kernel_cpu *const *cpus;
	int64_t begin, end;

	kernel_finish(s->kernel);
	int r = kernel_span(s->kernel, &begin, &end);
	if (r < 0)
		return r;
	if (!(kernel_recorded(s->kernel) & (KERNEL_HAS_IRQ | KERNEL_HAS_SOFTIRQ)))
		return report_lacks(&s->report, false, "irq_handler_entry or softirq_entry",
				    "-e 'irq:*'");

	report_begin(&s->report, kernel_cpus(s->kernel, &cpus), begin, end);
	r = show_all(s);
	report_doubts(&s->report, s->kernel);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_irq = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.irq",
	.help = "How long interrupt handlers and softirqs ran, and how late softirqs were",
	.state_size = sizeof(struct irq_report),
	.init = irq_init,
	.fini = irq_fini,
	.consume = irq_consume,
	.finish = irq_finish,
};
