/* SPDX-License-Identifier: MIT */
/** Tests that the store of a trace holds what the kernel model tells of it. */
#include "analysis/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "events.h"
#include "test.h"

static const char text[] = "0 0 switch 0 0 7\n"
			   "2 1 switch 0 0 8\n"
			   "5 0 enter read\n"
			   "7 0 irq+ 3\n"
			   "9 0 irq- 3\n"
			   "10 0 switch 7 1 0\n"
			   "12 1 raise 1\n"
			   "13 1 soft+ 1\n"
			   "14 1 waking 7 0\n"
			   "15 1 soft- 1\n"
			   "16 1 fork 8 8 9 9\n"
			   "17 1 waking 9 1\n"
			   "20 0 switch 0 0 7\n"
			   "22 0 exit read 5\n"
			   "24 0 exec 7 7 /bin/other\n"
			   "30 1 switch 8 16 9\n"
			   "35 1 exec 11 9 /bin/new\n"
			   "35 1 now 11\n"
			   "40 0 switch 7 1 0\n"
			   "45 1 switch 11 2 0\n"
			   "50 0 other\n"
			   "52 1 switch 0 0 8\n"
			   "60 0 switch 0 0 0\n";

static const char *const kinds[] = { "", "cpu", "current", "irq", "softirq", "thread", "name" };

/* All that a store has, one line each. */
static int tell(struct store *s, struct strbuf *b)
{
	int r = 0;

	for (uint32_t t = 0; r >= 0 && t < store_n_tracks(s); t++) {
		struct store_segment segs[100];
		struct store_track track = { .kind = 0 };
		size_t n = 0;

		r = store_get_track(s, t, &track);
		if (r >= 0)
			r = store_read(s, t, INT64_MIN, INT64_MAX, segs, 100, &n);
		if (r < 0)
			return r;
		strbuf_fmt(b, "%s %ld%s%s:", kinds[track.kind], track.id, track.name ? " " : "",
			   store_text(s, track.name));
		for (size_t i = 0; i < n; i++) {
			const bool is_text =
				track.kind == TIMELINE_NAME || (track.kind == TIMELINE_THREAD &&
								(segs[i].state == KERNEL_SYSCALL ||
								 segs[i].state == KERNEL_BLOCKED));

			strbuf_fmt(b, " %ld-%ld %u", segs[i].begin_ns, segs[i].end_ns,
				   segs[i].state);
			if (is_text && segs[i].value)
				strbuf_fmt(b, "=%s", store_text(s, segs[i].value));
			else if (track.kind == TIMELINE_THREAD && segs[i].value)
				strbuf_fmt(b, "=%u", segs[i].value);
		}
		strbuf_str(b, "\n");
	}
	return r < 0 ? r : strbuf_ok(b);
}

static char folder[32];

static void on_note(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* Builds the index, in batches of @batch, and tells what it holds. */
static int build(const struct maker *m, size_t batch, struct strbuf *b)
{
	const struct sonde_trace *trace;
	struct timeline *tl = NULL;
	int r = timeline_new(NULL, on_note, NULL, &tl);

	for (size_t i = 0; r == 0 && i < m->n_events; i += batch) {
		const size_t left = m->n_events - i;

		r = timeline_consume(
			tl, &(struct sonde_batch){ m->events + i, left < batch ? left : batch });
	}
	if (r >= 0)
		r = timeline_finish(tl);
	if (r >= 0 && timeline_stores(tl))
		r = tell(timeline_store(tl, 0, &trace), b);
	timeline_free(tl);
	return r;
}

static void make_folder(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/sonde-line-XXXXXX");
	EXPECT(mkdtemp(folder));
}

static void remove_folder(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/.sonde/kernel", folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/.sonde", folder);
	(void)rmdir(path);
	EXPECT_EQ(rmdir(folder), 0);
}

/* states: 1 user, 2 call, 3 interrupted, 4 blocked, 5 waits for a CPU, 6 made */
static const char want[] = "thread 7 t7: 0-5 1 5-7 2=read 7-9 3 9-10 2=read 10-14 4=read 14-20 5=1 "
			   "20-22 2=read 22-40 1 "
			   "40-60 4\n"
			   "thread 8 t8: 2-13 1 13-15 3 15-30 1\n"
			   "cpu 0: 0-7 2 7-9 4 9-10 2 10-20 1 20-40 2 40-60 1\n"
			   "irq 3: 7-9 1\n"
			   "current 0: 0-10 2 10-20 1 20-40 2 40-60 1\n"
			   "cpu 1: 2-13 2 13-15 3 15-45 2 45-52 1 52-60 2\n"
			   "softirq 1: 13-15 1\n"
			   "thread 11 t11: 16-17 6 17-30 5=2 30-45 1 45-60 4\n"
			   "name 7: 0-24 1=t7 24-40 1=other 40-60 1=t7\n"
			   "current 1: 2-30 2 30-45 2 45-52 1 52-60 2\n"
			   "name 11: 16-35 1=t9 35-45 1=new 45-60 1=t11\n"
			   "thread 8 t8: 52-60 1\n";

TEST(an_index_holds_what_the_model_tells)
{
	struct maker *m = malloc(sizeof(*m));

	for (int f = 0; m && f < N_FLAVOURS; f++) {
		struct strbuf b = { 0 }, again = { 0 };
		struct store *s = NULL;

		make_folder();
		maker_init(m, (enum flavour)f, INT64_MIN, text);
		m->trace.path = folder;
		EXPECT_EQ(timeline_open(&m->trace, NULL, &s), -ENOENT);
		EXPECT_EQ(build(m, 3, &b), 0);
		if (f == LTTNG)
			EXPECT_STR(strbuf_text(&b), want);
		// Of any batch size the same, and the same when it is opened.
		EXPECT_EQ(build(m, 100, &again), 0);
		EXPECT_STR(strbuf_text(&again), strbuf_text(&b));
		strbuf_fini(&again);
		EXPECT_EQ(timeline_open(&m->trace, NULL, &s), 0);
		again = (struct strbuf){ 0 };
		EXPECT_EQ(tell(s, &again), 0);
		EXPECT_STR(strbuf_text(&again), strbuf_text(&b));
		store_free(s);
		strbuf_fini(&again);
		strbuf_fini(&b);
		maker_fini(m);
		remove_folder();
	}
	free(m);
}

/* The maker's events of one trace behind those of another, in one run. */
TEST(each_trace_has_an_index_of_its_own)
{
	struct maker *m = malloc(2 * sizeof(*m));
	struct strbuf alone = { 0 }, beside = { 0 };
	const struct sonde_trace *trace;
	struct timeline *tl = NULL;

	if (!m)
		return;
	maker_init(&m[0], LTTNG, INT64_MIN, text);
	maker_init(&m[1], LTTNG, INT64_MIN, "70 0 switch 0 0 7\n80 0 gap lost 5 75\n90 0 other\n");
	m[1].stream_class.id = 1;
	EXPECT_EQ(build(&m[0], 3, &alone), 0);
	EXPECT_EQ(timeline_new(NULL, on_note, NULL, &tl), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(timeline_consume(tl, &(struct sonde_batch){ m[i].events, m[i].n_events }),
			  0);
	EXPECT_EQ(timeline_finish(tl), 0);
	EXPECT_EQ(timeline_stores(tl), 2);
	struct store *s = timeline_store(tl, 0, &trace);
	EXPECT(trace == &m[0].trace);
	EXPECT_EQ(tell(s, &beside), 0);
	EXPECT_STR(strbuf_text(&beside), strbuf_text(&alone));
	EXPECT_EQ((int64_t)store_count(s, TIMELINE_END), 60);
	EXPECT_EQ(store_count(s, TIMELINE_DOUBTS), 0);
	s = timeline_store(tl, 1, &trace);
	EXPECT_EQ((int64_t)store_count(s, TIMELINE_BEGIN), 70);
	EXPECT_EQ(store_count(s, TIMELINE_DOUBTS), 5);
	timeline_free(tl);
	strbuf_fini(&alone);
	strbuf_fini(&beside);
	maker_fini(&m[0]);
	maker_fini(&m[1]);
	free(m);
}

static struct maker *oom_events;

static int build_once(void)
{
	struct strbuf b = { 0 };
	int r = build(oom_events, 7, &b);

	strbuf_fini(&b);
	return r;
}

TEST(without_memory_nothing_leaks)
{
	oom_events = malloc(sizeof(*oom_events));
	if (!oom_events)
		return;
	make_folder();
	maker_init(oom_events, LTTNG, INT64_MIN, text);
	oom_events->trace.path = folder;
	test_oom(build_once);
	maker_fini(oom_events);
	free(oom_events);
	remove_folder();
}
