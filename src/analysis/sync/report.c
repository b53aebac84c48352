/* SPDX-License-Identifier: MIT */
/** report sync: how the clocks of several hosts go, and how well that is known. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/report.h"
#include "analysis/sync/sync.h"
#include "base/mem.h"
#include "base/out.h"
#include "graph/component.h"

struct sync_report {
	struct report report;
	struct sync *sync; /* owned */
};

static int sync_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct sync_report *s = sonde_component_state(c);
	int r = report_init(&s->report, setup);

	if (r < 0)
		return r;
	if (s->report.sort)
		return sonde_fail(-EINVAL,
				  "report sync takes no --sort: hosts come in the order of "
				  "their ids");
	if (s->report.n_pids || s->report.n_tids)
		return sonde_fail(-EINVAL, "report sync takes no --pid and no --tid: clocks are of "
					   "hosts");
	return sync_new(&s->sync);
}

static void sync_fini(struct sonde_component *c)
{
	sync_free(((struct sync_report *)sonde_component_state(c))->sync);
}

/* Only events of the window. */
static int sync_take(struct sonde_component *c, const struct sonde_batch *in)
{
	struct sync_report *s = sonde_component_state(c);
	size_t from = 0, to = in->n;

	while (from < to && in->events[from].ts_ns < s->report.from_ns)
		from++;
	while (to > from && in->events[to - 1].ts_ns > s->report.to_ns)
		to--;
	return sync_consume(s->sync, &(struct sonde_batch){ in->events + from, to - from });
}

static void write_json(struct sync_report *s, const struct sync_hosts *hosts)
{
	const size_t most = report_most(&s->report, 0);
	struct json *j = &s->report.j;
	char text[DECIMAL_TEXT_MOST];

	json_object(j, NULL);
	json_str(j, "reference", hosts->reference->name);
	json_array(j, "hosts");
	for (size_t i = 0; i < hosts->n && (!most || i < most); i++) {
		const struct sync_host *h = &hosts->all[i];

		json_object(j, NULL);
		json_str(j, "name", h->name);
		json_str(j, "id", h->key);
		decimal_text(h->slope, text);
		json_str(j, "slope", h->synced ? text : NULL);
		decimal_text(h->offset_ns, text);
		json_str(j, "offset_ns", h->synced ? text : NULL);
		json_str(j, "quality",
			 h->is_reference ? "reference" : hull_quality_name(h->quality));
		json_uint(j, "matches", h->n_matches);
		json_uint(j, "alone", h->n_alone);
		json_uint(j, "accurate", h->line.n_accurate);
		json_uint(j, "hull_sent", h->line.n_sent);
		json_uint(j, "hull_received", h->line.n_received);
		json_str(j, "via", h->synced && !h->is_reference ? hosts->all[h->via].name : NULL);
		json_end_object(j);
	}
	json_end_array(j);
	json_uint(j, "packets", sync_packets(s->sync));
	json_end_object(j);
}

static const struct table_column columns[] = {
	{ "name", "HOST", TABLE_TEXT },
	{ "quality", "QUALITY", TABLE_TEXT },
	{ "matches", "PACKETS", TABLE_COUNT },
	{ "accurate", "NARROWING", TABLE_COUNT },
	{ "drift", "DRIFT", TABLE_TEXT },
	{ "slope", "SLOPE", TABLE_TEXT },
	{ "offset_ns", "OFFSET IN NS", TABLE_TEXT },
};

/* What a row's cells point to. */
struct row_text {
	char slope[DECIMAL_TEXT_MOST], offset[DECIMAL_TEXT_MOST], drift[TABLE_VALUE_MOST];
};

static void add_row(struct table *t, const struct sync_host *h, struct row_text *text)
{
	const struct decimal drift = decimal_add(h->slope, decimal_int(-1));

	table_str(t, h->name);
	table_str(t, h->is_reference ? "reference"
		     : h->synced     ? hull_quality_name(h->quality)
				     : "unsynchronised");
	table_int(t, (int64_t)h->n_matches);
	table_int(t, (int64_t)h->line.n_accurate);
	if (!h->synced) {
		table_none(t);
		table_none(t);
		table_none(t);
		return;
	}
	(void)snprintf(text->drift, sizeof(text->drift), "%+.3f ppm", 1e6 * decimal_real(drift));
	decimal_text(h->slope, text->slope);
	decimal_text(h->offset_ns, text->offset);
	table_str(t, text->drift);
	table_str(t, text->slope);
	table_str(t, text->offset);
}

static int write_table(struct sync_report *s, const struct sync_hosts *hosts)
{
	sonde_auto(mem_freep) struct row_text *texts = calloc(hosts->n, sizeof(*texts));
	struct table t;

	if (!texts)
		return sonde_fail(-ENOMEM, "out of memory for the report");
	out_fmt(s->report.setup->out,
		"%zu host%s; the clock of %s is the reference: its time = SLOPE * time + OFFSET\n",
		hosts->n, hosts->n == 1 ? "" : "s", hosts->reference->name);
	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < hosts->n; i++)
		add_row(&t, &hosts->all[i], &texts[i]);
	int r = report_beside(&s->report, &t, "hosts", "Clocks", NULL, 0);
	table_fini(&t);
	return r;
}

/* Nothing leads to the host: why, as far as that can be told. */
static void note_absent(const struct sync_report *s, const struct sync_host *h,
			const char *reference)
{
	if (h->n_alone)
		report_note(&s->report,
			    "%s: unsynchronised, no packets lead from it to %s: of %" PRIu64
			    " of its connections no trace has the other end, or not under the same "
			    "addresses (NAT)",
			    h->name, reference, h->n_alone);
	else
		report_note(&s->report, "%s: unsynchronised, no packets lead from it to %s",
			    h->name, reference);
}

static void note_doubts(const struct sync_report *s, const struct sync_hosts *hosts)
{
	const uint64_t forgotten = sync_forgotten(s->sync), broken = sync_broken(s->sync);

	for (size_t i = 0; i < hosts->n; i++) {
		const struct sync_host *h = &hosts->all[i];

		if (!h->synced && h->quality == HULL_INCOMPLETE)
			report_note(&s->report,
				    "%s: unsynchronised, all packets that matched went one way",
				    h->name);
		else if (!h->synced)
			note_absent(s, h, hosts->reference->name);
		else if (h->quality == HULL_FAILED)
			report_note(&s->report,
				    "%s: no straight line fits all packets: a clock was set or "
				    "changed its pace; the last line that fitted is shown",
				    h->name);
	}
	if (hosts->n > 1 && !sync_packets(s->sync))
		report_note(&s->report,
			    "no event tells of TCP packets: record with 'sonde record --net', or "
			    "net_dev_queue and net_if_receive_skb with LTTng");
	if (hosts->n > 1 && broken)
		report_note(&s->report,
			    "of %" PRIu64
			    " connection%s only what was sent before events were lost, data was "
			    "sent again, or the ports used again counts",
			    broken, broken == 1 ? "" : "s");
	if (forgotten)
		report_note(&s->report,
			    "%" PRIu64 " packets whose other end did not come in "
			    "time were not matched",
			    forgotten);
}

static int sync_finish(struct sonde_component *c)
{
	struct sync_report *s = sonde_component_state(c);
	struct sync_hosts hosts;
	int r = sync_solve(s->sync, &hosts);

	if (r < 0)
		return r;
	if (s->report.json)
		write_json(s, &hosts);
	else
		r = write_table(s, &hosts);
	note_doubts(s, &hosts);
	return r;
}

const struct sonde_component_class analysis_sync = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.sync",
	.help = "How the clocks of several hosts go, from the packets they sent each other",
	.state_size = sizeof(struct sync_report),
	.init = sync_init,
	.fini = sync_fini,
	.consume = sync_take,
	.finish = sync_finish,
};
