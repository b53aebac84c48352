/* SPDX-License-Identifier: MIT */
/**
 * Programs that run once for several events.
 *
 * A program that only counts, by nothing but whose event it is and which, is run for the first such
 * event at once. Those like it that come behind are summed up, and told to the program by
 * script_globals.times when it runs once more: at the end, or when others take their place. What it
 * finds in its maps is then what it made there itself.
 */
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/run.h"

void rec_repeats_look_at(struct recorded_run *r, const struct script_prog *sp)
{
	r->repeats = r->repeats && sp->repeats;
	for (size_t i = 0; i < sp->code.n_insns; i++) {
		const struct bpf_insn *in = &sp->code.insns[i];

		if (in->code != (BPF_JMP | BPF_CALL) || in->src_reg)
			continue;
		switch (in->imm) {
		case BPF_FUNC_get_current_pid_tgid: r->asked_who = UINT64_MAX; break;
		case BPF_FUNC_get_current_comm: r->asked_comm = UINT64_MAX; break;
		case BPF_FUNC_get_smp_processor_id: r->asked_cpu = UINT32_MAX; break;
		case BPF_FUNC_map_lookup_elem:
		case BPF_FUNC_map_update_elem:
		case MACHINE_PLACE: break;
		default: r->repeats = false; // of which nobody knows what it gives
		}
	}
}

int rec_repeats_of(struct recorded_run *r, struct use *u)
{
	if (!r->repeats || !u->first)
		return 0;
	u->repeats = arena_array(&r->arena, REPEATS, sizeof(*u->repeats));
	return u->repeats ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

/* As if so many events of @u came there. */
static void run_times(struct recorded_run *r, const struct use *u, const struct machine_now *whose,
		      uint64_t times)
{
	static const uint64_t none[8];
	struct machine_now *now = r->now;

	*now = *whose;
	r->globals->times = times;
	for (const struct binding *b = u->first; b; b = b->next) {
		now->place = b->place;
		(void)machine_run(b->prog, none); // probes give nothing back
	}
	r->globals->times = 1;
}

static void run(struct recorded_run *r, const struct use *u, struct repeat *x)
{
	struct machine_now whose = { .ts_ns = r->now->ts_ns, .pid_tgid = x->who, .cpu = x->cpu };

	memcpy(whose.comm, x->comm, sizeof(whose.comm));
	if (x->times)
		run_times(r, u, &whose, x->times);
	x->times = 0;
}

void rec_repeat_begin(struct recorded_run *r, const struct use *u, struct repeat *to)
{
	const struct machine_now now = *r->now;

	run(r, u, to);
	*r->now = now;
	to->has_run = true;
	to->who = now.pid_tgid;
	to->cpu = now.cpu;
	to->changes = 0;
	memcpy(to->comm, now.comm, sizeof(to->comm));
}

void rec_repeats_end(struct recorded_run *r)
{
	const struct machine_now now = *r->now;

	for (size_t i = 0; r->repeats && i <= r->n_uses; i++) {
		struct use *u = &r->uses[i];

		for (size_t k = 0; u->repeats && k < REPEATS; k++) {
			run(r, u, &u->repeats[k]);
			u->repeats[k].has_run = false;
		}
	}
	*r->now = now;
}

/* --- of threads that nobody knew in the middle of a trace --- */

enum { PUT_OFF_MOST = 1 << 16, PUT_OFF_NEAR = 16 };

static bool is_put_off(const struct put_off *p, const struct use *u, uint32_t cpu,
		       const struct rec_thread *th)
{
	return p->use == u && p->cpu == cpu && p->thread.tid == th->tid &&
	       p->thread.pid == th->pid && p->thread.guessed == th->guessed;
}

bool rec_put_off(struct recorded_run *r, const struct use *u, const struct sonde_event *e,
		 const struct rec_thread *th)
{
	const uint32_t cpu = e->u.pkt->cpu >= 0 ? (uint32_t)e->u.pkt->cpu : 0;
	size_t i = r->n_put_off;

	if (!r->repeats || !r->asked_comm || !(th->guessed & REC_GUESS_COMM) || th->comm[0] ||
	    th == &u->threads->unknown)
		return false;
	for (; i > 0 && r->n_put_off - i < PUT_OFF_NEAR; i--)
		if (is_put_off(&r->put_off[i - 1], u, cpu, th)) {
			r->put_off[i - 1].times++;
			return true;
		}
	if (r->n_put_off >= PUT_OFF_MOST ||
	    mem_grow(&r->put_off, &r->cap_put_off, r->n_put_off + 1) < 0)
		return false;
	r->put_off[r->n_put_off++] = (struct put_off){ u, cpu, *th, 1 };
	return true;
}

void rec_put_off_end(struct recorded_run *later, const struct rec_threads *real)
{
	for (size_t i = 0; i < later->n_put_off; i++) {
		const struct put_off *p = &later->put_off[i];
		const struct rec_thread th =
			rec_guess_of(&p->thread, &real[p->use->threads - later->hosts]);
		struct machine_now whose = { .ts_ns = later->now->ts_ns,
					     .pid_tgid = (uint64_t)th.pid << 32 | th.tid,
					     .cpu = p->cpu };

		memcpy(whose.comm, th.comm, sizeof(whose.comm));
		run_times(later, p->use, &whose, p->times);
	}
	later->n_put_off = 0;
}
