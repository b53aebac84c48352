/* SPDX-License-Identifier: MIT */
/** The text of packet contexts. */
#include "comp/packet_text.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/fmt.h"
#include "base/mem.h"

enum { KEPT_MOST = 8192 };

struct packet_text {
	struct print_program program;
	bool compiled, has_text, too_long;
	/* Which packet it is of. */
	const uint8_t *data;
	const char *path;
	uint64_t off, n_bits;
	int64_t begin_ns;
	char *text; /* owned */
	size_t len, cap;
};

void packet_texts_fini(struct packet_texts *t)
{
	for (size_t i = 0; i < t->n_streams; i++) {
		print_fini(&t->streams[i].program);
		free(t->streams[i].text);
	}
	free(t->streams);
	free(t->slots);
	out_fini(&t->out);
}

/* JSON also says, the same for all of a packet: which trace, which stream, which CPU. */
static void add_json(struct print_program *pr, const struct sonde_packet *pkt)
{
	const struct sonde_trace *trace = pkt->stream->cls->trace;
	const char *path = pkt->stream->path;
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = trace->name ? trace->name : trace->path;

	if (name) {
		print_add_text(pr, ",\"trace\":");
		print_add_quoted(pr, name);
	}
	if (path) {
		print_add_text(pr, ",\"stream\":");
		print_add_quoted(pr, slash ? slash + 1 : path);
	}
}

static int compile(struct packet_texts *t, struct packet_text *p, const struct sonde_packet *pkt)
{
	const struct sonde_type *context = pkt->stream->cls->packet_context;

	p->program.style = t->style;
	if (t->style.json)
		add_json(&p->program, pkt);
	if (print_has_scope(SONDE_SCOPE_PACKET_CONTEXT, context)) {
		print_add_text(&p->program, t->style.json ? ",\"packet_context\":" : "");
		print_add_scope(&p->program, SONDE_SCOPE_PACKET_CONTEXT, context);
	}
	int r = print_end(&p->program);
	if (r >= 0)
		r = mem_grow(&t->slots, &t->cap_slots, p->program.slot_most + 1UL);
	if (r >= 0 && !t->out.buf)
		r = out_init(&t->out, -1);
	if (r < 0)
		return sonde_wrap(r, "packet context");
	p->compiled = true;
	return 0;
}

static int find(struct packet_texts *t, const struct sonde_packet *pkt, struct packet_text **ret)
{
	const size_t index = pkt->stream->index;
	int r = mem_grow(&t->streams, &t->cap_streams, index + 1);

	if (r < 0)
		return r;
	while (t->n_streams <= index)
		t->streams[t->n_streams++] = (struct packet_text){ 0 };
	*ret = &t->streams[index];
	return (*ret)->compiled ? 0 : compile(t, *ret, pkt);
}

static int make(struct packet_texts *t, struct packet_text *p, const struct sonde_packet *pkt)
{
	struct print_run run = { .out = &t->out, .pkt = pkt, .slots = t->slots };

	t->out.len = 0;
	t->out.total = 0;
	print_begin(&run);
	if (t->style.json && pkt->cpu >= 0) {
		memcpy(run.p, ",\"cpu\":", 7);
		run.p = fmt_u64(run.p + 7, (uint64_t)pkt->cpu);
	}
	print_run(&p->program, &run);
	print_finish(&run);
	p->has_text = true;
	p->data = pkt->data;
	p->path = pkt->path;
	p->off = pkt->off;
	p->n_bits = pkt->n_bits;
	p->begin_ns = pkt->begin_ns;
	p->len = t->out.len;
	p->too_long = t->out.total || p->len > KEPT_MOST;
	if (p->too_long)
		return 0;
	int r = mem_grow(&p->text, &p->cap, p->len + 1);
	if (r < 0)
		p->has_text = false;
	else
		memcpy(p->text, t->out.buf, p->len);
	return r;
}

int packet_texts_get(struct packet_texts *t, struct print_run *run)
{
	const struct sonde_packet *pkt = run->pkt;
	struct packet_text *p;
	int r = 0;

	if (pkt->stream->index < t->n_streams && t->streams[pkt->stream->index].compiled)
		p = &t->streams[pkt->stream->index];
	else
		r = find(t, pkt, &p);
	if (r >= 0 &&
	    !(p->has_text && p->data == pkt->data && p->off == pkt->off && p->path == pkt->path &&
	      p->n_bits == pkt->n_bits && p->begin_ns == pkt->begin_ns))
		r = make(t, p, pkt);
	if (r < 0)
		return r;
	run->packet = (struct sonde_span){ (const uint8_t *)p->text, p->too_long ? 0 : p->len };
	run->packet_program = p->too_long ? &p->program : NULL;
	return 0;
}
