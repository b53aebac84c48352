/* SPDX-License-Identifier: MIT */
/** A made-up source. */
#include "made.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "comp/all.h"
#include "graph/graph.h"

const struct made_event *made_events;
size_t made_n;
uint32_t made_short;
char made_notes[4096];

/* clang-format off */
static const struct sonde_type u32 = {
	.kind = SONDE_INT, .align = 8, .fixed_len = 32,
	.u.integer = { .len = 32, .base = 10 },
};
static const struct sonde_type u8_len = {
	.kind = SONDE_INT, .align = 8, .fixed_len = 8, .save = 1,
	.u.integer = { .len = 8, .base = 10 },
};
static const struct sonde_type u8 = {
	.kind = SONDE_INT, .align = 8, .fixed_len = 8,
	.u.integer = { .len = 8, .base = 16 },
};
static const struct sonde_type string = { .kind = SONDE_STRING, .align = 8, .fixed_len = -1 };
static const struct sonde_type list = {
	.kind = SONDE_SEQUENCE, .align = 8, .fixed_len = -1, .ref = 1,
	.u.array = { .elem = &u8 },
};
static const struct sonde_type real = {
	.kind = SONDE_FLOAT, .align = 8, .fixed_len = 64,
	.u.real = { .len = 64, .exp_dig = 11, .mant_dig = 53 },
};
static const struct sonde_member members[] = {
	{ "a", "a", &u32 }, { "s", "s", &string }, { "_n", "n", &u8_len },
	{ "list", "list", &list }, { "d", "d", &real },
};
static const struct sonde_type payload = {
	.kind = SONDE_STRUCT, .align = 8, .fixed_len = -1,
	.u.structure = { members, MEM_LEN(members) },
};
static const struct sonde_member context_members[] = {
	{ "cpu_id", "cpu_id", &u32 }, { "packet_size", "packet_size", &u32 },
};
static const struct sonde_type context = {
	.kind = SONDE_STRUCT, .align = 8, .fixed_len = 64,
	.u.structure = { context_members, 2 },
};
/* clang-format on */

static const struct sonde_clock clock_ns = { .name = "c", .freq = 1000000000 };
static const struct sonde_env env[] = { { "hostname", "box", 0 }, { "vpid", NULL, 12 } };
static struct sonde_stream_class stream_class;
static struct sonde_event_class first = {
	.stream_class = &stream_class, .name = "first", .id = 0, .loglevel = -1, .payload = &payload
};
static struct sonde_event_class second = {
	.stream_class = &stream_class, .name = "second", .id = 1, .loglevel = 4, .payload = &payload
};
static struct sonde_event_class *classes[] = { &first, &second };
static struct sonde_stream_class *stream_classes[] = { &stream_class };
static struct sonde_trace trace = {
	.env = env, .n_env = MEM_LEN(env), .streams = stream_classes, .n_streams = 1, .n_slots = 1
};
static struct sonde_stream_class stream_class = { .trace = &trace,
						  .clock = &clock_ns,
						  .packet_context = &context,
						  .events = classes,
						  .n_events = 2 };
static struct sonde_stream stream = { .cls = &stream_class, .path = "dir/chan_0" };

/* A packet's context, then the one payload that all events have. */
static const uint8_t bytes[] = { 3,    0,    0, 0, 9,  9,   9, 9, 42, 0, 0, 0, 'q',  '"',
				 '\n', 0xff, 0, 2, 10, 255, 0, 0, 0,  0, 0, 0, 0xf8, 0x3f };
static const uint64_t slots[2] = { 0, 77 }; /* the packet's own are not to be taken */
static const struct sonde_packet packet = {
	.stream = &stream,
	.data = bytes,
	.n_bits = 8 * sizeof(bytes),
	.slots = slots,
	.path = "dir/chan_0",
	.cpu = 3,
};
static const struct sonde_gap gap = {
	.kind = SONDE_GAP_LOST_EVENTS,
	.stream = &stream,
	.has_count = true,
	.count = 5,
	.begin_ns = 10,
	.end_ns = 20,
	.path = "dir/chan_0",
	.off = 4096,
};

struct made {
	size_t given;
	struct sonde_event batch[SONDE_BATCH_MAX];
	struct sonde_trace *traces[1];
	struct sonde_stream *streams[1];
};

static size_t made_lanes(struct sonde_component *c)
{
	(void)c;
	return 1;
}

static int made_next(struct sonde_component *c, size_t lane, struct sonde_batch *ret)
{
	struct made *m = sonde_component_state(c);
	size_t n = 0;

	(void)lane;
	for (; n < 5 && m->given < made_n; n++, m->given++) {
		const struct made_event *e = &made_events[m->given];
		struct sonde_event *to = &m->batch[n];

		*to = (struct sonde_event){ .ts_ns = e->ts_ns, .cycles = (uint64_t)e->ts_ns };
		to->cls = e->cls < 2 ? classes[e->cls] : NULL;
		if (e->cls == 2)
			to->u.gap = &gap;
		else
			to->u.pkt = &packet;
		to->at = 64;
		to->end = 8 * sizeof(bytes) - 64 - made_short;
	}
	*ret = (struct sonde_batch){ m->batch, n };
	return n > 0;
}

static size_t made_traces(struct sonde_component *c, struct sonde_trace *const **ret)
{
	struct made *m = sonde_component_state(c);

	m->traces[0] = &trace;
	*ret = m->traces;
	return 1;
}

static size_t made_streams(struct sonde_component *c, struct sonde_stream *const **ret)
{
	struct made *m = sonde_component_state(c);

	m->streams[0] = &stream;
	*ret = m->streams;
	return 1;
}

const struct sonde_component_class made_source = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.made",
	.state_size = sizeof(struct made),
	.lanes = made_lanes,
	.next = made_next,
	.traces = made_traces,
	.streams = made_streams,
};

static void note(void *arg, const char *line)
{
	size_t len = strlen(made_notes);

	(void)arg;
	snprintf(made_notes + len, sizeof(made_notes) - len, "%s\n", line);
}

SONDE_DEFINE_AUTO(struct graph *, graph_free)

static int run_into(const struct made_part *parts, size_t n, struct sonde_out *out)
{
	const struct sonde_setup none = { 0 };
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	if (r >= 0)
		r = graph_add(g, &made_source, &none);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct sonde_setup setup = { .params = parts[i].params,
						   .n_params = parts[i].n_params,
						   .out = out,
						   .note = note };

		r = graph_add(g, comp_find(parts[i].name), &setup);
	}
	return r < 0 ? r : graph_run(g);
}

int made_run(const struct made_part *parts, size_t n, char *text, size_t size)
{
	sonde_auto(mem_closep) int fd = memfd_create("made", MFD_CLOEXEC);
	struct sonde_out out;

	made_notes[0] = '\0';
	text[0] = '\0';
	int r = fd < 0 ? sonde_fail_errno(-errno, "memfd") : out_init(&out, fd);
	if (r < 0)
		return r;
	r = run_into(parts, n, &out);
	out_fini(&out);
	ssize_t len = pread(fd, text, size - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	return r;
}
