/* SPDX-License-Identifier: MIT */
/** Runs a script's programs over the events of a trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/run.h"

enum { TICKS_AT_ONCE_MOST = 1 << 20 };

/* --- what the machine asks --- */

static uint64_t field(void *arg, const struct machine_now *now, uint32_t index)
{
	struct recorded_run *r = arg;

	return now->event ? rec_field_get(r->world, now->event, index) : 0;
}

static uint64_t part(void *arg, const struct machine_now *now, uint32_t index, const uint64_t *at)
{
	struct recorded_run *r = arg;

	return now->event ? rec_part_get(r->world, now->event, index, at) : 0;
}

static bool read_text(void *arg, uint64_t addr, void *ret, size_t len)
{
	const struct recorded_run *r = arg;

	return rec_text_read(&r->world->texts, addr, ret, len);
}

static uint64_t field_len(void *arg, const struct machine_now *now, uint32_t index)
{
	struct recorded_run *r = arg;

	return now->event ? rec_field_len(r->world, now->event, index) : 0;
}

/* Frames that the event itself has: of samples, LTTng's call stack contexts, and of emit(). */
static int64_t stack(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
		     uint64_t flags)
{
	const struct sonde_event *e = now->event;
	const struct sonde_int *type;
	struct sonde_span span;
	struct field_ref ref;
	size_t frames = 0;

	(void)arg;
	if (e && rec_stack_field(e->cls, flags & BPF_F_USER_STACK, &ref) &&
	    !field_ints(e, &ref, &span, &type, &frames))
		frames = 0;
	if (!frames)
		return -EFAULT;
	if (frames > n)
		frames = n;
	for (size_t i = 0; i < frames; i++)
		ret[i] = (uint64_t)field_ints_at(span, type, i);
	return (int64_t)frames * 8;
}

/* --- records --- */

static void take_record(void *arg, const void *data, size_t len)
{
	struct recorded_run *r = arg;

	outcome_take(&r->outcome, data, len);
}

static const struct machine_ops ops = {
	.field = field,
	.part = part,
	.field_len = field_len,
	.read = read_text,
	.record = take_record,
	.stack = stack,
};

/* --- programs --- */

static int bind(struct recorded_run *r, const struct rec_place *p, struct machine_prog *prog,
		bool asks_who)
{
	struct binding *b = arena_new(&r->arena, struct binding), **at;
	struct use *u = &r->uses[p->cls->index];

	if (!b)
		return -ENOMEM;
	b->prog = prog;
	b->place = p->number;
	u->asks_who = u->asks_who || asks_who;
	// In the order of the script.
	for (at = &u->first; *at; at = &(*at)->next)
		;
	*at = b;
	return 0;
}

static bool asks_who(const struct bpf_code *c)
{
	for (size_t i = 0; i < c->n_insns; i++)
		if (c->insns[i].code == (BPF_JMP | BPF_CALL) &&
		    (c->insns[i].imm == BPF_FUNC_get_current_pid_tgid ||
		     c->insns[i].imm == BPF_FUNC_get_current_comm))
			return true;
	return false;
}

static int bind_places(struct recorded_run *r, const struct script_prog *sp,
		       struct machine_prog *prog)
{
	const struct rec_place *p = (const struct rec_place *)sp->probe;
	const bool asks = asks_who(&sp->code);
	int e = 0;

	r->asks_who = r->asks_who || asks;
	if (p->cls)
		rec_repeats_look_at(r, sp);
	if (p->period_ns)
		r->ticks[r->n_ticks++] = (struct tick){ prog, p->period_ns, 0 };
	if (p->cls)
		e = bind(r, p, prog, asks);
	for (const struct probe *same = sp->probe->same; !e && same; same = same->next)
		e = bind(r, (const struct rec_place *)same, prog, asks);
	return e;
}

static int load(struct recorded_run *r)
{
	struct strbuf log = { 0 };
	int e = 0;

	for (size_t i = 0; !e && i < r->script->n_progs; i++) {
		const struct script_prog *sp = &r->script->progs[i];
		const struct rec_place *p = (const struct rec_place *)sp->probe;

		e = machine_load(r->machine, &sp->code, p->ctx_len, r->opt.how, &log, &r->progs[i]);
		if (e < 0)
			e = sonde_fail(e, "probe '%s': %s", sp->probe->name, strbuf_text(&log));
		else
			e = bind_places(r, sp, r->progs[i]);
	}
	strbuf_fini(&log);
	return e;
}

static size_t count_classes(const struct rec_world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_traces; i++)
		for (size_t k = 0; k < w->traces[i]->n_streams; k++)
			for (size_t c = 0; c < w->traces[i]->streams[k]->n_events; c++)
				if (w->traces[i]->streams[k]->events[c]->index >= n)
					n = w->traces[i]->streams[k]->events[c]->index + 1;
	return n;
}

/* The kernel's trace and those of its programs are of one machine that ran at one time. */
static bool is_same_host(const struct sonde_trace *a, const struct sonde_trace *b)
{
	const struct sonde_env *x = sonde_trace_env(a, "hostname");
	const struct sonde_env *y = sonde_trace_env(b, "hostname");
	const struct sonde_clock *c = a->n_clocks ? a->clocks[0] : NULL;
	const struct sonde_clock *d = b->n_clocks ? b->clocks[0] : NULL;

	return x && y && x->str && y->str && !strcmp(x->str, y->str) && c && d && c->has_uuid &&
	       d->has_uuid && !memcmp(c->uuid, d->uuid, sizeof(c->uuid));
}

static int find_hosts(struct recorded_run *r)
{
	const struct rec_world *w = r->world;
	uint32_t most = 0;

	for (size_t i = 0; i < w->n_traces; i++)
		most = w->traces[i]->index > most ? w->traces[i]->index : most;
	r->hosts = calloc(w->n_traces + 1, sizeof(*r->hosts));
	r->host_of = calloc((size_t)most + 1, sizeof(*r->host_of));
	if (!r->hosts || !r->host_of)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < w->n_traces; i++) {
		size_t k = 0;
		while (k < i && !is_same_host(w->traces[k], w->traces[i]))
			k++;
		r->host_of[w->traces[i]->index] =
			k < i ? r->host_of[w->traces[k]->index] : (uint32_t)r->n_hosts++;
	}
	return 0;
}

int recorded_run_new(const struct recorded_options *opt, struct recorded_run **ret)
{
	sonde_auto(recorded_run_freep) struct recorded_run *r = calloc(1, sizeof(*r));
	const struct script *s = opt->script;

	if (!r)
		return sonde_fail(-ENOMEM, "out of memory");
	r->opt = *opt;
	r->world = (struct rec_world *)opt->world;
	r->script = s;
	r->names.history = (struct history){ .note = opt->note, .note_arg = opt->note_arg };
	r->n_uses = count_classes(r->world);
	r->tick_ns = INT64_MAX;
	r->progs = calloc(s->n_progs + 1, sizeof(struct machine_prog *));
	r->uses = calloc(r->n_uses + 1, sizeof(*r->uses));
	r->ticks = calloc(s->n_progs + 1, sizeof(*r->ticks));
	if (!r->progs || !r->uses || !r->ticks)
		return sonde_fail(-ENOMEM, "out of memory");
	int e = find_hosts(r);
	if (!e)
		e = machine_new(s->bpf_maps, s->n_bpf_maps, &ops, r, &r->machine);
	if (!e)
		r->now = machine_now(r->machine);
	if (!e)
		e = outcome_init(&r->outcome, s, r->machine,
				 &(struct outcome_to){ &r->names.names, opt->out, opt->format,
						       opt->note, opt->note_arg });
	if (!e) {
		rec_names_init(&r->names, r->world, s, r->machine);
		r->globals = r->outcome.globals;
		r->globals->times = 1;
		r->repeats = true; // until a program cannot
		e = load(r);
	}
	if (!e)
		*ret = sonde_take(r);
	return e;
}

void recorded_run_free(struct recorded_run *r)
{
	if (!r)
		return;
	for (size_t i = 0; r->progs && i < r->script->n_progs; i++)
		machine_prog_free(r->progs[i]);
	machine_free(r->machine);
	free(r->progs);
	free(r->uses);
	free(r->ticks);
	arena_fini(&r->arena);
	for (size_t i = 0; i < r->n_hosts; i++)
		rec_threads_fini(&r->hosts[i]);
	free(r->hosts);
	free(r->host_of);
	outcome_fini(&r->outcome);
	rec_names_fini(&r->names);
	free(r->put_off);
	rec_world_twin_fini(&r->twin);
	free(r);
}

static void run_named(struct recorded_run *r, const char *name)
{
	static const uint64_t none[8];

	for (size_t i = 0; i < r->script->n_progs; i++)
		if (!strcmp(r->script->progs[i].probe->name, name))
			(void)machine_run(r->progs[i], none); // probes give nothing back
}

/* When the next tick comes. */
static void set_tick(struct recorded_run *r)
{
	r->tick_ns = INT64_MAX;
	for (size_t i = 0; i < r->n_ticks; i++)
		if (r->ticks[i].next_ns < r->tick_ns)
			r->tick_ns = r->ticks[i].next_ns;
}

/* The next one; INT64_MAX: time ends before. */
static int64_t after(int64_t ts_ns, uint64_t period_ns)
{
	int64_t next;

	return __builtin_add_overflow(ts_ns, period_ns, &next) ? INT64_MAX : next;
}

/* Before the first event: its time is when the script begins. */
static void begin(struct recorded_run *r, int64_t ts_ns)
{
	r->has_begun = true;
	r->globals->start_ns = (uint64_t)ts_ns;
	r->now->ts_ns = (uint64_t)ts_ns;
	for (size_t i = 0; i < r->n_ticks; i++)
		r->ticks[i].next_ns = after(ts_ns, r->ticks[i].period_ns);
	set_tick(r);
	run_named(r, "BEGIN");
}

/* The tick that comes first, of those up to @ts_ns. */
static struct tick *due(struct recorded_run *r, int64_t ts_ns)
{
	struct tick *first = NULL;

	for (size_t i = 0; i < r->n_ticks; i++)
		if (r->ticks[i].next_ns <= ts_ns && r->ticks[i].next_ns != INT64_MAX &&
		    (!first || r->ticks[i].next_ns < first->next_ns))
			first = &r->ticks[i];
	return first;
}

static void run_ticks(struct recorded_run *r, int64_t ts_ns)
{
	static const uint64_t none[8];
	struct machine_now *now = r->now;
	uint64_t n = 0;

	if (ts_ns < r->tick_ns)
		return;
	rec_repeats_end(r);
	for (struct tick *t; (t = due(r, ts_ns)) && !r->globals->exiting;) {
		if (n++ >= TICKS_AT_ONCE_MOST) { // a hole of years between two events
			r->cut_ticks++;
			t->next_ns = after(ts_ns, t->period_ns);
			continue;
		}
		*now = (struct machine_now){ .ts_ns = (uint64_t)t->next_ns };
		r->names.now = NULL;
		(void)machine_run(t->prog, none);
		t->next_ns = after(t->next_ns, t->period_ns);
	}
	set_tick(r);
}

static void take_gap(struct recorded_run *r, const struct sonde_gap *g)
{
	if (g->kind == SONDE_GAP_BACKWARD)
		r->backward++;
	else if (g->kind != SONDE_GAP_LOST_EVENTS && g->kind != SONDE_GAP_LOST_PACKETS)
		return; // told by whoever reads
	else if (!g->has_count)
		r->lost_unknown++;
	else if (g->kind == SONDE_GAP_LOST_EVENTS)
		r->lost_events += g->count;
	else
		r->lost_packets += g->count;
}

__attribute__((noinline)) int rec_use_look_at(struct recorded_run *r, struct use *u,
					      const struct sonde_event_class *cls)
{
	u->trace = cls->stream_class->trace;
	u->threads = &r->hosts[r->host_of[u->trace->index]];
	if (!r->asks_who)
		return rec_repeats_of(r, u);
	u->teller = rec_teller_new(&r->arena, cls);
	if (!u->teller)
		return sonde_fail(-ENOMEM, "out of memory");
	u->teaches = rec_teller_teaches(u->teller, &u->is_before);
	return u->teaches ? 0 : rec_repeats_of(r, u);
}

/* False: that is known later, and the event waits for it. */
static inline bool set_who(struct recorded_run *r, const struct use *u, const struct sonde_event *e)
{
	struct rec_thread *th = rec_threads_of(u->threads, u->teller, e);
	struct machine_now *now = r->now;

	if (__builtin_expect(th->guessed, 0)) {
		if (rec_put_off(r, u, e, th))
			return false;
		rec_guess_used(u->threads, th);
	}
	now->pid_tgid = (uint64_t)th->pid << 32 | th->tid;
	memcpy(now->comm, th->comm, sizeof(now->comm));
	return true;
}

/* False: programs did not run so far. */
static inline bool run_event(struct recorded_run *r, const struct sonde_event *e,
			     const struct use *u)
{
	const struct sonde_packet *pkt = e->u.pkt;
	struct machine_now *now = r->now;

	now->ts_ns = (uint64_t)e->ts_ns;
	if (u->asks_who && !set_who(r, u, e))
		return false;
	now->cpu = pkt->cpu >= 0 ? (uint32_t)pkt->cpu : 0;
	now->event = e;
	r->names.now = u->trace;
	now->mem = pkt->data;
	now->mem_len = (size_t)((pkt->n_bits + 7) / 8);
	for (const struct binding *b = u->first; b && !r->globals->exiting; b = b->next) {
		now->place = b->place;
		(void)machine_run(b->prog, pkt->data + (e->at + e->payload) / 8);
	}
	return true;
}

static inline struct repeat *repeat_of(const struct use *u, const struct sonde_event *e)
{
	return &u->repeats[(uint32_t)e->u.pkt->cpu % REPEATS];
}

/* The thread that was found for the event before, and nothing was learned of any since? */
static inline bool is_same_thread(const struct use *u, const struct sonde_event *e,
				  const struct repeat *to)
{
	const struct rec_teller *t = u->teller;
	int64_t tid;

	if (to->changes != u->threads->changes || (uint32_t)e->u.pkt->cpu != to->cpu)
		return false;
	return !t->own_tid.type || (field_number(e, &t->own_tid, &tid) && (uint32_t)tid == to->tid);
}

/* Notes that the thread needs no second look, where its number or the CPU alone says which it is.
 */
static inline void note_thread(const struct use *u, const struct sonde_event *e,
			       const struct rec_thread *th, struct repeat *to)
{
	const struct rec_threads *t = u->threads;
	const size_t cpu = (size_t)e->u.pkt->cpu;
	const bool is_sure = u->teller->own_tid.type || (cpu < t->n_cpus && t->on_cpu[cpu] == th);

	to->changes = u->teller->is_simple && is_sure && th->tid && !th->guessed ? t->changes : 0;
	to->tid = th->tid;
}

/* It is not surely of the thread of the event before: is what programs ask for the same? */
static __attribute__((noinline)) bool is_alike(struct recorded_run *r, const struct use *u,
					       const struct sonde_event *e, struct repeat *to)
{
	const struct rec_thread *th = rec_threads_of(u->threads, u->teller, e);
	const uint64_t who = (uint64_t)th->pid << 32 | th->tid;
	uint64_t comm[2];

	memcpy(comm, th->comm, sizeof(comm));
	if (th->guessed || ((who ^ to->who) & r->asked_who) ||
	    (((comm[0] ^ to->comm[0]) | (comm[1] ^ to->comm[1])) & r->asked_comm))
		return false;
	note_thread(u, e, th, to);
	return true;
}

/* How many events from the first on are like those that the programs of their class ran for last?
 */
static __attribute__((noinline)) size_t count_repeated(struct recorded_run *r,
						       const struct sonde_event *first, size_t n)
{
	const int64_t tick_ns = r->tick_ns;
	size_t k = 0;

	for (; k < n; k++) {
		const struct sonde_event *e = &first[k];

		if (__builtin_expect(!e->cls || e->ts_ns >= tick_ns, 0))
			break;
		const struct use *u = rec_use_of(r, e->cls);
		if (!u->repeats)
			break;
		struct repeat *to = repeat_of(u, e);
		const uint32_t cpu = e->u.pkt->cpu >= 0 ? (uint32_t)e->u.pkt->cpu : 0;
		if (!to->has_run || ((cpu ^ to->cpu) & r->asked_cpu))
			break;
		if (u->asks_who && !is_same_thread(u, e, to) && !is_alike(r, u, e, to))
			break;
		to->times++;
	}
	return k;
}

/* Programs see what was so when the event came: but of an exec the new name. */
static inline int take_event(struct recorded_run *r, const struct sonde_event *e)
{
	struct use *u = rec_use_of(r, e->cls);
	int n = 0;

	if (__builtin_expect(!u->threads, 0))
		n = rec_use_look_at(r, u, e->cls); // once for its class
	if (n < 0)
		return n;
	if (__builtin_expect(u->is_before, 0))
		n = rec_threads_learn(u->threads, u->teller, e);
	const bool has_run = u->first && run_event(r, e, u);
	if (u->repeats && has_run)
		rec_repeat_begin(r, u, repeat_of(u, e));
	if (__builtin_expect(u->teaches && !u->is_before, 0))
		n = rec_threads_learn(u->threads, u->teller, e);
	return n;
}

/* What comes before an event besides its own probes. */
static __attribute__((noinline)) int come_to(struct recorded_run *r, const struct sonde_event *e)
{
	if (!r->has_begun)
		begin(r, e->ts_ns);
	if (r->n_ticks)
		run_ticks(r, e->ts_ns);
	return rec_names_take(&r->names, e);
}

int recorded_run_take(struct recorded_run *r, const struct sonde_batch *batch)
{
	const bool has_more = r->n_ticks || r->names.has_user;
	const bool repeats = r->repeats && !r->names.has_user;

	for (size_t i = 0; i < batch->n; i++) {
		const size_t more =
			repeats ? count_repeated(r, batch->events + i, batch->n - i) : 0;

		i += more;
		if (more)
			r->now->ts_ns = (uint64_t)batch->events[i - 1].ts_ns;
		if (i == batch->n)
			break;
		const struct sonde_event *e = &batch->events[i];
		int n = 0;

		if (__builtin_expect(!e->cls, 0)) {
			take_gap(r, e->u.gap);
			continue;
		}
		if (has_more || __builtin_expect(!r->has_begun, 0))
			n = come_to(r, e);
		if (!n)
			n = take_event(r, e);
		if (__builtin_expect(n < 0 || r->outcome.err < 0, 0))
			return n < 0 ? n : r->outcome.err;
		if (__builtin_expect(r->globals->exiting, 0))
			return 1;
	}
	return 0;
}

static void tell_losses(struct recorded_run *r)
{
	struct outcome *o = &r->outcome;

	outcome_note(o, r->lost_events, "events were lost while the trace was recorded");
	outcome_note(o, r->lost_packets, "packets of the trace are missing");
	outcome_note(o, r->lost_unknown, "times an unknown number of events was lost");
	outcome_note(o, r->backward, "streams of the trace step back in time");
	outcome_note(o, r->cut_ticks,
		     "times there were too many ticks between two events, and they were left out");
}

int recorded_run_finish(struct recorded_run *r, int *ret_status)
{
	struct machine_now *now = r->now;

	if (!r->has_begun)
		begin(r, 0);
	rec_repeats_end(r);
	*now = (struct machine_now){ .ts_ns = now->ts_ns };
	r->names.now = NULL;
	r->globals->exiting = 1;
	run_named(r, "END");
	int e = outcome_show(&r->outcome);
	tell_losses(r);
	return outcome_finish(&r->outcome, e, ret_status);
}
