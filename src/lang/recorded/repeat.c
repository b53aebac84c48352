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

static void run(struct recorded_run *r, const struct use *u, struct repeat *x)
{
	static const uint64_t none[8];
	struct machine_now *now = r->now;

	if (!x->times)
		return;
	*now = (struct machine_now){ .ts_ns = now->ts_ns, .pid_tgid = x->who, .cpu = x->cpu };
	memcpy(now->comm, x->comm, sizeof(now->comm));
	r->globals->times = x->times;
	for (const struct binding *b = u->first; b; b = b->next) {
		now->place = b->place;
		(void)machine_run(b->prog, none); // probes give nothing back
	}
	r->globals->times = 1;
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
