/* SPDX-License-Identifier: MIT */
/** Events into the execution graph: states become edges, wake-ups and packets links. */
#include "analysis/path/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/net/events.h"
#include "analysis/path/context.h"
#include "analysis/sync/stock.h"
#include "analysis/sync/tcp.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/u64map.h"
#include "model/host.h"

/* softirqs: linux/interrupt.h */
enum { VEC_TIMER = 1, VEC_NET_TX, VEC_NET_RX, VEC_BLOCK, VEC_IRQ_POLL, VEC_SCHED = 7, VEC_HRTIMER };

enum { LABELS_MOST = 4096 };

/* A name that a thread got; the one before is @prev. */
struct name_note {
	int64_t ts_ns;
	const char *name; /* the arena's */
	uint32_t prev;	  /* number + 1; 0: none */
};

struct worker_info {
	const struct kernel_thread *thread; /* NULL: of @cpu */
	const struct kernel_cpu *cpu;
	uint32_t name;	  /* number of the last note + 1 */
	uint32_t receive; /* the packet that waits for its next vertex: number + 1 */
	char text[24];	  /* a CPU's name */
};

/* A packet that came in: who goes on because of it, and who sent it. */
struct receive {
	uint32_t at, to, sender; /* vertices, or EXEC_NONE */
};

/* A thread that began another program. */
struct exec_note {
	int64_t ts_ns;
	uint32_t worker;
	const char *file; /* the arena's */
};

struct exec_build {
	struct exec_graph graph;
	struct kernel *kernel;
	struct kernel_watch watch;
	exec_build_io *on_io; /* of whoever asked for it; or NULL */
	void *io_arg;
	struct arena arena; /* names, labels */
	int64_t from_ns, to_ns;
	int err;		    /* of a callback */
	struct context_rule *rules; /* owned, by class index */
	bool *ruled;
	size_t cap_rules, cap_ruled;
	struct context *contexts; /* owned, by the CPU's index */
	size_t cap_contexts;
	uint32_t *by_thread, *by_cpu; /* owned: worker + 1 */
	size_t cap_threads, cap_cpus;
	struct worker_info *infos; /* owned, by worker */
	size_t n_infos, cap_infos;
	struct name_note *names; /* owned */
	size_t n_names, cap_names;
	const char **labels; /* owned */
	size_t n_labels, cap_labels;
	struct exec_note *execs; /* owned */
	size_t n_execs, cap_execs;
	struct receive *receives; /* owned */
	size_t n_receives, cap_receives;
	struct net_reader *reader;
	struct tcp_ends *ends;
	struct stock *stock;
	const struct sonde_trace **traces; /* owned array, by index; NULL: no packets so far */
	size_t cap_traces;
	struct u64map works; /* work that waits in a queue: the vertex that put it there */
	const struct kernel_host *host;	    /* of the event before */
	const struct kernel_cpu *event_cpu; /* of the event at hand */
	int64_t event_ns;
	uint64_t n_packets, n_matched;
	enum context_kind event_context; /* of the event at hand */
};

void exec_build_free(struct exec_build *b)
{
	if (!b)
		return;
	exec_graph_fini(&b->graph);
	kernel_free(b->kernel);
	free(b->rules);
	free(b->ruled);
	free(b->contexts);
	free(b->by_thread);
	free(b->by_cpu);
	free(b->infos);
	free(b->names);
	free(b->labels);
	free(b->receives);
	free(b->execs);
	net_reader_free(b->reader);
	tcp_ends_free(b->ends);
	stock_free(b->stock);
	free(b->traces);
	u64map_fini(&b->works);
	arena_fini(&b->arena);
	free(b);
}
SONDE_DEFINE_AUTO(struct exec_build *, exec_build_free)

/* Callbacks cannot fail: they note it, and exec_build_consume() tells. */
static bool noted(struct exec_build *b, int r)
{
	if (r < 0 && !b->err)
		b->err = r;
	return r < 0;
}

/* An array of zeros that grows. */
static int grow_zero(void *arr, size_t *cap, size_t n, size_t size)
{
	const size_t old = *cap;
	int r = mem_grow_(arr, cap, n, size);

	if (r >= 0)
		memset(*(char **)arr + old * size, 0, (*cap - old) * size);
	return r;
}

/* Workers. */

static int add_worker(struct exec_build *b, const struct kernel_thread *t,
		      const struct kernel_cpu *c, uint32_t *ret)
{
	int r = mem_grow(&b->infos, &b->cap_infos, b->n_infos + 1);

	if (r >= 0)
		r = exec_graph_worker(&b->graph, ret);
	if (r < 0)
		return r;
	struct worker_info *w = &b->infos[b->n_infos++];
	*w = (struct worker_info){ .thread = t, .cpu = c };
	if (c)
		(void)snprintf(w->text, sizeof(w->text), "kernel/%u", c->cpu);
	return 0;
}

/* The worker of a thread; EXEC_NONE: no memory, noted. */
static uint32_t worker_of(struct exec_build *b, const struct kernel_thread *t)
{
	uint32_t w;

	if (t->index < b->cap_threads && b->by_thread[t->index])
		return b->by_thread[t->index] - 1;
	if (noted(b, grow_zero(&b->by_thread, &b->cap_threads, (size_t)t->index + 1,
			       sizeof(*b->by_thread))) ||
	    noted(b, add_worker(b, t, NULL, &w)))
		return EXEC_NONE;
	b->by_thread[t->index] = w + 1;
	return w;
}

/* The worker for packets that @c handles in interrupts; likewise. */
static uint32_t worker_of_cpu(struct exec_build *b, const struct kernel_cpu *c)
{
	uint32_t w;

	if (c->index < b->cap_cpus && b->by_cpu[c->index])
		return b->by_cpu[c->index] - 1;
	if (noted(b,
		  grow_zero(&b->by_cpu, &b->cap_cpus, (size_t)c->index + 1, sizeof(*b->by_cpu))) ||
	    noted(b, add_worker(b, NULL, c, &w)))
		return EXEC_NONE;
	b->by_cpu[c->index] = w + 1;
	return w;
}

static uint16_t label_of(struct exec_build *b, const char *text)
{
	if (!*text)
		return 0;
	if (b->n_labels >= LABELS_MOST - 1)
		text = "other";
	for (size_t i = 0; i < b->n_labels; i++) {
		if (!strcmp(b->labels[i], text))
			return (uint16_t)(i + 1);
	}
	char *copy = arena_strndup(&b->arena, text, strlen(text));
	if (!copy || noted(b, mem_grow(&b->labels, &b->cap_labels, b->n_labels + 1))) {
		(void)noted(b, -ENOMEM);
		return 0;
	}
	b->labels[b->n_labels++] = copy;
	return (uint16_t)b->n_labels;
}

/* Packets. */

static void try_link(struct exec_build *b, const struct receive *r)
{
	if (r->sender != EXEC_NONE && r->to != EXEC_NONE)
		exec_graph_link(&b->graph, r->sender, r->to, EXEC_NETWORK);
}

/* The packet that @worker got makes @vertex go on. */
static void deliver(struct exec_build *b, uint32_t worker, uint32_t vertex)
{
	struct worker_info *w = &b->infos[worker];

	if (!w->receive)
		return;
	struct receive *r = &b->receives[w->receive - 1];
	if (r->at == vertex)
		return;
	w->receive = 0;
	r->to = vertex;
	b->graph.vertices[vertex].pinned = true;
	try_link(b, r);
}

/* Makes the worker's chain reach @end_ns; false: no memory, noted. */
static bool span(struct exec_build *b, uint32_t worker, int64_t begin_ns, int64_t end_ns,
		 enum exec_type type, uint16_t label, uint32_t *ret)
{
	const size_t before = b->graph.n_vertices;

	if (worker == EXEC_NONE)
		return false;
	begin_ns = begin_ns < b->from_ns ? b->from_ns : begin_ns;
	if (noted(b, exec_graph_span(&b->graph, worker, begin_ns, end_ns, type, label, ret)))
		return false;
	if (b->graph.n_vertices > before)
		deliver(b, worker, *ret);
	return true;
}

/* States. */

static enum exec_type type_of(enum kernel_state s)
{
	switch (s) {
	case KERNEL_USER:
	case KERNEL_SYSCALL:
	case KERNEL_INTERRUPTED: return EXEC_RUNNING;
	case KERNEL_BLOCKED: return EXEC_BLOCKED;
	case KERNEL_WAIT_CPU:
	case KERNEL_WAIT_FORK: return EXEC_PREEMPTED;
	default: return EXEC_UNKNOWN;
	}
}

/* The vertex of @t at @at_ns, in the middle of its state. False: there is none. */
static bool vertex_of(struct exec_build *b, const struct kernel_thread *t, int64_t at_ns,
		      uint32_t *ret)
{
	const int64_t since =
		t->state == KERNEL_UNKNOWN || t->since_ns > at_ns ? at_ns : t->since_ns;

	return t->tid && span(b, worker_of(b, t), since, at_ns, type_of(t->state), 0, ret);
}

/* In which system call @t waited up to the vertex. */
static void note_call(struct exec_build *b, uint32_t vertex, const struct kernel_thread *t)
{
	struct exec_vertex *v = &b->graph.vertices[vertex];

	if (!v->call && v->prev != EXEC_NONE && v->type != EXEC_RUNNING &&
	    v->type != EXEC_PREEMPTED && v->type != EXEC_UNKNOWN)
		v->call = t->call <= UINT16_MAX ? (uint16_t)t->call : 0;
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	struct exec_build *b = arg;
	uint32_t v;

	if (t->tid && state != KERNEL_GONE &&
	    span(b, worker_of(b, t), begin_ns, end_ns, type_of(state), 0, &v))
		note_call(b, v, t);
}

/* Why a thread could go on. */
struct cause {
	enum exec_type type; /* of what it did until then */
	uint16_t label;
	bool by_thread; /* the CPU's current thread did it */
	bool packet;
};

static struct cause softirq_cause(int32_t vec)
{
	switch (vec) {
	case VEC_TIMER:
	case VEC_HRTIMER: return (struct cause){ .type = EXEC_TIMER };
	case VEC_NET_TX:
	case VEC_NET_RX: return (struct cause){ .type = EXEC_NETWORK, .packet = true };
	case VEC_BLOCK:
	case VEC_IRQ_POLL: return (struct cause){ .type = EXEC_BLOCK_DEVICE };
	case VEC_SCHED: return (struct cause){ .type = EXEC_INTERRUPTED };
	default: return (struct cause){ .type = EXEC_BLOCKED };
	}
}

static struct context *context_of(struct exec_build *b, const struct kernel_cpu *c)
{
	if (noted(b, grow_zero(&b->contexts, &b->cap_contexts, (size_t)c->index + 1,
			       sizeof(*b->contexts))))
		return NULL;
	return &b->contexts[c->index];
}

static struct cause cause_of(struct exec_build *b, const struct kernel_cpu *c)
{
	const struct context *x = context_of(b, c);
	int64_t since;
	int32_t nr = -1;
	const bool by_current = c->current && !(x && context_since(x, /* irqs= */ true, &since));

	switch (x ? context_top(x, &nr) : CONTEXT_NONE) {
	case CONTEXT_HRTIMER: return (struct cause){ .type = EXEC_TIMER };
	case CONTEXT_SOFTIRQ: return softirq_cause(nr);
	case CONTEXT_IPI: return (struct cause){ .type = EXEC_IPI };
	case CONTEXT_IRQ:
		if (!nr)
			return (struct cause){ .type = EXEC_INTERRUPTED };
		return (struct cause){ .type = EXEC_BLOCKED,
				       .label = label_of(b, kernel_irq_names(c->host, nr)) };
	case CONTEXT_NETIF:
		return (struct cause){ .type = EXEC_NETWORK,
				       .packet = true,
				       .label = by_current ? label_of(b, c->current->name) : 0 };
	case CONTEXT_NONE: break;
	}
	// An interrupt whose begin no event tells: the current thread has nothing to do with it.
	if (b->event_context == CONTEXT_IRQ)
		return (struct cause){ .type = EXEC_INTERRUPTED };
	return (struct cause){ .type = EXEC_BLOCKED,
			       .by_thread = b->event_context == CONTEXT_NONE };
}

/* Who handles packets on @c now: its kernel in a softirq (or @irqs), or its current thread. */
static uint32_t packet_worker(struct exec_build *b, const struct kernel_cpu *c, bool irqs,
			      int64_t *ret_since_ns)
{
	const struct context *x = context_of(b, c);

	if (x && context_since(x, irqs, ret_since_ns))
		return worker_of_cpu(b, c);
	return c->current && c->current->tid ? worker_of(b, c->current) : EXEC_NONE;
}

static void on_waking(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      int64_t at_ns)
{
	struct exec_build *b = arg;
	const struct cause cause = cause_of(b, c);
	enum exec_type type = cause.type;
	int64_t begin = t->since_ns;
	uint32_t to, from;

	if (t->state == KERNEL_WAIT_CPU || !t->tid)
		return;
	if (t->state == KERNEL_WAIT_FORK)
		type = EXEC_PREEMPTED;
	if (t->state == KERNEL_UNKNOWN || begin > at_ns)
		begin = at_ns;
	if (!span(b, worker_of(b, t), begin, at_ns, type, cause.label, &to))
		return;
	note_call(b, to, t);
	if (cause.packet) {
		const uint32_t receiver = packet_worker(b, c, /* irqs= */ true, &begin);

		if (receiver != EXEC_NONE)
			deliver(b, receiver, to);
	}
	if (cause.by_thread && c->current && c->current != t &&
	    vertex_of(b, c->current, at_ns, &from))
		exec_graph_link(&b->graph, from, to, EXEC_DEFAULT);
}

static void on_born(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct exec_build *b = arg;
	uint32_t from, to;

	if (at_ns < b->from_ns || at_ns > b->to_ns || !t->parent)
		return;
	if (span(b, worker_of(b, t), at_ns, at_ns, EXEC_UNKNOWN, 0, &to) &&
	    vertex_of(b, t->parent, at_ns, &from))
		exec_graph_link(&b->graph, from, to, EXEC_DEFAULT);
}

static void on_named(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct exec_build *b = arg;
	const uint32_t w = t->tid ? worker_of(b, t) : EXEC_NONE;

	if (w == EXEC_NONE)
		return;
	const char *name = arena_strndup(&b->arena, t->name, strlen(t->name));
	if (noted(b, name ? mem_grow(&b->names, &b->cap_names, b->n_names + 1) : -ENOMEM))
		return;
	b->names[b->n_names] = (struct name_note){ at_ns, name, b->infos[w].name };
	b->infos[w].name = (uint32_t)++b->n_names;
}

/* Who listens for interrupts gets their names. */
static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	(void)arg;
	(void)c;
	(void)nr;
	(void)begin_ns;
	(void)end_ns;
}

static const struct kernel_watch watch = {
	.irq = on_irq,
	.state = on_state,
	.waking = on_waking,
	.born = on_born,
	.named = on_named,
};

int exec_build_new(int64_t from_ns, int64_t to_ns, struct exec_build **ret)
{
	sonde_auto(exec_build_freep) struct exec_build *b = calloc(1, sizeof(*b));
	if (!b)
		return sonde_fail(-ENOMEM, "out of memory for the graph");

	b->from_ns = from_ns;
	b->to_ns = to_ns;
	b->watch = watch;
	int r = kernel_new(&b->watch, b, from_ns, to_ns, &b->kernel);
	if (r >= 0)
		r = net_reader_new(&b->reader);
	if (r >= 0)
		r = tcp_ends_new(&b->ends);
	if (r >= 0)
		r = stock_new(b->reader, /* one_clock= */ true, &b->stock);
	if (r < 0)
		return r;
	*ret = sonde_take(b);
	return 0;
}

static void on_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io)
{
	struct exec_build *b = arg;

	(void)noted(b, b->on_io(b->io_arg, c, io));
}

void exec_build_watch_io(struct exec_build *b, exec_build_io *on, void *arg)
{
	b->on_io = on;
	b->io_arg = arg;
	b->watch.io = on_io;
}

/* Packet events. */

static int receive_new(struct exec_build *b, uint32_t worker, uint32_t vertex, uint32_t *ret)
{
	int r = mem_grow(&b->receives, &b->cap_receives, b->n_receives + 1);

	if (r < 0)
		return r;
	b->receives[b->n_receives] = (struct receive){ vertex, EXEC_NONE, EXEC_NONE };
	b->infos[worker].receive = (uint32_t)b->n_receives + 1;
	*ret = (uint32_t)b->n_receives++;
	return 0;
}

/*
 * The value of a packet that is sent or received now: its vertex, or the number of its reception.
 * 0: nobody is known to do that. 1: *@ret.
 */
static int packet_value(struct exec_build *b, enum tcp_way way, uint32_t *ret)
{
	const struct kernel_cpu *c = b->event_cpu;
	const int64_t at_ns = b->event_ns;
	int64_t since = c && c->current ? c->current->since_ns : at_ns;
	const uint32_t worker = c ? packet_worker(b, c, way == TCP_IN, &since) : EXEC_NONE;
	uint32_t v;

	if (!span(b, worker, since > at_ns ? at_ns : since, at_ns, EXEC_RUNNING, 0, &v))
		return b->err;
	b->n_packets++;
	b->graph.vertices[v].pinned = true;
	*ret = v;
	const int r = way == TCP_IN ? receive_new(b, worker, v, ret) : 0;
	return r < 0 ? r : 1;
}

static int on_message(void *arg, const struct tcp_end *from, const struct tcp_end *to)
{
	struct exec_build *b = arg;

	// Times of a host that is unsynchronised say nothing to others.
	if (from->value == EXEC_NONE || to->value == EXEC_NONE ||
	    !host_shares_clock(b->traces[from->host], b->traces[to->host]))
		return 0;
	b->n_matched++;
	b->receives[to->value].sender = from->value;
	try_link(b, &b->receives[to->value]);
	return 0;
}

static int stock_value(void *arg, enum tcp_way way, uint32_t *ret)
{
	const int r = packet_value(arg, way, ret);

	if (r == 0)
		*ret = EXEC_NONE;
	return r;
}

static int take_packet(struct exec_build *b, enum tcp_way way, const struct tcp_id *id,
		       uint32_t host)
{
	struct tcp_end end = { .ts_ns = b->event_ns, .host = host }, other;
	int r = packet_value(b, way, &end.value);

	if (r > 0)
		r = tcp_match(b->ends, way, id, &end, &other);
	if (r <= 0)
		return r;
	return way == TCP_OUT ? on_message(b, &end, &other) : on_message(b, &other, &end);
}

static int take_exec(struct exec_build *b, const struct context_rule *rule,
		     const struct sonde_event *e, const struct kernel_cpu *c)
{
	struct sonde_span file;

	if (!c || !c->current || !c->current->tid || !field_text(e, &rule->file, &file))
		return 0;
	const uint32_t worker = worker_of(b, c->current);
	const char *copy = arena_strndup(&b->arena, (const char *)file.data, file.len);
	int r = copy ? mem_grow(&b->execs, &b->cap_execs, b->n_execs + 1) : -ENOMEM;
	if (r >= 0 && worker != EXEC_NONE)
		b->execs[b->n_execs++] = (struct exec_note){ e->ts_ns, worker, copy };
	return r;
}

/*
 * Work that a thread hands to the kernel's workers. They do the work of many: what one did before
 * has nothing to do with it. Work of interrupts is left to what tells of those.
 */
static int take_work(struct exec_build *b, const struct context_rule *rule,
		     const struct sonde_event *e, const struct kernel_cpu *c)
{
	const struct context *x = c ? context_of(b, c) : NULL;
	int64_t work, since;
	uint32_t from, to;

	if (!c || !c->current || !c->current->tid || !field_int(e, &rule->work, &work))
		return 0;
	const uint64_t key = (uint64_t)work ^ (uint64_t)c->host->trace->index << 56;
	if (rule->enters) {
		u64map_del(&b->works, key);
		if (e->ts_ns < b->from_ns || b->event_context != CONTEXT_NONE ||
		    (x && context_since(x, /* irqs= */ true, &since)) ||
		    !vertex_of(b, c->current, e->ts_ns, &from))
			return 0;
		b->graph.vertices[from].pinned = true;
		return u64map_put(&b->works, key, from);
	}
	if (!u64map_get(&b->works, key, &from))
		return 0;
	u64map_del(&b->works, key);
	if (!vertex_of(b, c->current, e->ts_ns, &to))
		return 0;
	exec_graph_link(&b->graph, from, to, EXEC_DEFAULT);
	b->graph.vertices[to].begins = b->graph.vertices[to].cause == from;
	return 0;
}

/* The CPU that an event was of; NULL: the model has not met it. */
static const struct kernel_cpu *cpu_of(struct exec_build *b, const struct sonde_event *e)
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(b->kernel, &hosts);
	const struct sonde_trace *trace = e->cls->stream_class->trace;
	const int32_t cpu = e->u.pkt->cpu;

	for (size_t i = 0; i < n && (!b->host || b->host->trace != trace); i++) {
		if (hosts[i]->trace == trace)
			b->host = hosts[i];
	}
	if (cpu < 0 || !b->host || b->host->trace != trace || (size_t)cpu >= b->host->n_cpus)
		return NULL;
	return b->host->cpus[cpu];
}

static int rule_of(struct exec_build *b, const struct sonde_event_class *cls,
		   const struct context_rule **ret)
{
	const uint32_t i = cls->index;
	int r = 0;

	if (i >= b->cap_rules)
		r = grow_zero(&b->rules, &b->cap_rules, (size_t)i + 1, sizeof(*b->rules));
	if (r >= 0 && i >= b->cap_ruled)
		r = grow_zero(&b->ruled, &b->cap_ruled, (size_t)i + 1, sizeof(*b->ruled));
	if (r < 0)
		return r;
	if (!b->ruled[i])
		context_rule_find(cls, &b->rules[i]);
	b->ruled[i] = true;
	*ret = &b->rules[i];
	return 0;
}

static int note_trace(struct exec_build *b, const struct sonde_trace *t)
{
	if (t->index >= b->cap_traces) {
		const size_t old = b->cap_traces;
		int r = mem_grow(&b->traces, &b->cap_traces, (size_t)t->index + 1);
		if (r < 0)
			return r;
		memset(b->traces + old, 0, (b->cap_traces - old) * sizeof(*b->traces));
	}
	b->traces[t->index] = t;
	return 0;
}

/* What the kernel model has no use for. */
static int take_more(struct exec_build *b, const struct context_rule *rule,
		     const struct sonde_event *e)
{
	const struct stock_user user = { .value = stock_value, .match = on_message, .arg = b };
	struct net_event ev;
	struct tcp_id id;

	if (rule->kind != CONTEXT_NONE || rule->switches) {
		const struct kernel_cpu *c = cpu_of(b, e);
		struct context *x = c ? context_of(b, c) : NULL;
		if (x)
			context_apply(x, rule, e);
		return 0;
	}
	if (rule->file.type)
		return take_exec(b, rule, e, cpu_of(b, e));
	if (rule->work.type)
		return take_work(b, rule, e, cpu_of(b, e));
	int r = net_read(b->reader, e, &ev);
	if (r < 0)
		return r;
	b->event_cpu = e->ts_ns < b->from_ns ? NULL : cpu_of(b, e);
	b->event_ns = e->ts_ns;
	const uint32_t host = e->cls->stream_class->trace->index;
	r = note_trace(b, e->cls->stream_class->trace);
	if (r < 0)
		return r;
	const enum tcp_way way = tcp_id_of(&ev, &id);
	if (way != TCP_NONE)
		return take_packet(b, way, &id, host);
	r = stock_take(b->stock, e, &ev, host, &user);
	return r < 0 ? r : 0;
}

static uint32_t host_of_gap(const struct sonde_gap *gap)
{
	return gap->stream && gap->stream->cls ? gap->stream->cls->trace->index : STOCK_ANY_HOST;
}

int exec_build_consume(struct exec_build *b, const struct sonde_batch *in)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++) {
		const struct sonde_event *e = &in->events[i];
		const struct context_rule *rule = NULL;

		if (e->cls)
			r = rule_of(b, e->cls, &rule);
		else if (e->u.gap->kind != SONDE_GAP_BACKWARD)
			stock_gap(b->stock, host_of_gap(e->u.gap));
		if (r < 0)
			return r;
		b->event_context = rule ? context_of_event(rule, e) : CONTEXT_NONE;
		r = kernel_consume(b->kernel, &(struct sonde_batch){ e, 1 });
		if (r == 0 && rule)
			r = take_more(b, rule, e);
		if (b->err)
			return sonde_fail(b->err, "out of memory for the graph");
	}
	return r;
}

int exec_build_finish(struct exec_build *b)
{
	kernel_finish(b->kernel);
	return b->err ? sonde_fail(b->err, "out of memory for the graph") : 0;
}

void exec_build_forget(struct exec_build *b, int64_t to_ns)
{
	b->to_ns = to_ns;
	while (b->n_execs && b->execs[b->n_execs - 1].ts_ns > to_ns)
		b->n_execs--;
}

/* Asking. */

const struct exec_graph *exec_build_graph(const struct exec_build *b)
{
	return &b->graph;
}

const struct kernel *exec_build_kernel(const struct exec_build *b)
{
	return b->kernel;
}

struct exec_who exec_build_who(const struct exec_build *b, uint32_t worker)
{
	const struct worker_info *w = &b->infos[worker];

	if (w->thread)
		return (struct exec_who){ w->thread->host, w->thread, 0 };
	return (struct exec_who){ w->cpu->host, NULL, w->cpu->cpu };
}

uint32_t exec_build_worker(const struct exec_build *b, const struct kernel_thread *t)
{
	return t->index < b->cap_threads && b->by_thread[t->index] ? b->by_thread[t->index] - 1
								   : EXEC_NONE;
}

const char *exec_build_name(const struct exec_build *b, uint32_t worker, int64_t ts_ns,
			    int64_t *ret_until_ns)
{
	const struct worker_info *w = &b->infos[worker];
	uint32_t n = w->name;

	*ret_until_ns = INT64_MAX;
	if (!w->thread || !n)
		return w->thread ? w->thread->name : w->text;
	ts_ns = ts_ns > b->to_ns ? b->to_ns : ts_ns;
	// What is before the first name was told under that name, too.
	while (b->names[n - 1].ts_ns > ts_ns && b->names[n - 1].prev) {
		if (b->names[n - 1].ts_ns <= b->to_ns)
			*ret_until_ns = b->names[n - 1].ts_ns;
		n = b->names[n - 1].prev;
	}
	return b->names[n - 1].name;
}

const char *exec_build_label(const struct exec_build *b, uint16_t label)
{
	return label ? b->labels[label - 1] : NULL;
}

bool exec_build_exec(const struct exec_build *b, size_t i, struct exec_start *ret)
{
	if (i >= b->n_execs)
		return false;
	*ret = (struct exec_start){ b->execs[i].ts_ns, b->execs[i].worker, b->execs[i].file };
	return true;
}

void exec_build_packets(const struct exec_build *b, uint64_t *ret_seen, uint64_t *ret_matched)
{
	*ret_seen = b->n_packets;
	*ret_matched = b->n_matched;
}
