/* SPDX-License-Identifier: MIT */
/** Fills in what only types tell: parents, users, states, times, sizes. */
#include "crash/freebsd/fields.h"

#include <string.h>

/* Numbers of sys/proc.h that have been the same since FreeBSD 8. */
enum {
	KERNEL_PROCESS = 0x4, // p_flag
	STOPPED = 0x20000 | 0x40000,
	ZOMBIE = 2,	     // p_state
	INTERRUPTIBLE = 0x8, // td_flags
	INHIBITED = 1,	     // td_state
	RUNNABLE = 3,
	RUNNING = 4,
	SUSPENDED = 1, // td_inhibitors
	SLEEPING = 2,
	LOCKED = 8,
	WAITS_FOR_INTERRUPT = 16,
};

enum {
	P_PARENT,
	P_PID,
	P_CRED,
	CR_UID,
	P_FLAG,
	P_STATE,
	P_SPACE,
	VM_SIZE,
	VM_RESIDENT,
	P_RUNTIME,
	P_USER_TICKS,
	P_SYSTEM_TICKS,
	P_INTERRUPT_TICKS,
	P_STATS,
	START_S,
	START_US,
	TD_STATE,
	TD_INHIBITORS,
	TD_FLAGS,
	TD_WHY,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[P_PARENT] = { "struct proc", "p_pptr" },
	[P_PID] = { "struct proc", "p_pid" },
	[P_CRED] = { "struct proc", "p_ucred" },
	[CR_UID] = { "struct ucred", "cr_uid" },
	[P_FLAG] = { "struct proc", "p_flag" },
	[P_STATE] = { "struct proc", "p_state" },
	[P_SPACE] = { "struct proc", "p_vmspace" },
	[VM_SIZE] = { "struct vmspace", "vm_map.size" },
	[VM_RESIDENT] = { "struct vmspace", "vm_pmap.pm_stats.resident_count" },
	[P_RUNTIME] = { "struct proc", "p_rux.rux_runtime" },
	[P_USER_TICKS] = { "struct proc", "p_rux.rux_uticks" },
	[P_SYSTEM_TICKS] = { "struct proc", "p_rux.rux_sticks" },
	[P_INTERRUPT_TICKS] = { "struct proc", "p_rux.rux_iticks" },
	[P_STATS] = { "struct proc", "p_stats" },
	[START_S] = { "struct pstats", "p_start.tv_sec" },
	[START_US] = { "struct pstats", "p_start.tv_usec" },
	[TD_STATE] = { "struct thread", "td_state" },
	[TD_INHIBITORS] = { "struct thread", "td_inhibitors" },
	[TD_FLAGS] = { "struct thread", "td_flags" },
	[TD_WHY] = { "struct thread", "td_wmesg" },
};

static const struct kfield *fields(struct freebsd_kernel *k)
{
	if (k->fields)
		return k->fields;
	k->fields = arena_array(&k->core->arena, FIELDS, sizeof(*k->fields));
	if (k->fields)
		kfield_find_all(k->core->system->types(k->core, NULL), wanted, FIELDS, k->fields);
	return k->fields;
}

static void fill_times(struct freebsd_kernel *k, const struct kfield *f, uint64_t p,
		       struct crash_task *t)
{
	uint64_t run, user = 0, system = 0, interrupt = 0, frequency, stats, s, us;

	if (freebsd_field(k, p, &f[P_STATS], &stats) && freebsd_field(k, stats, &f[START_S], &s) &&
	    freebsd_field(k, stats, &f[START_US], &us) && s < (1ull << 32) && us < 1000000)
		t->start_ns = s * 1000000000 + us * 1000;
	if (!freebsd_field(k, p, &f[P_RUNTIME], &run) ||
	    !freebsd_number(k, "cpu_tick_frequency", &frequency) || !frequency ||
	    !freebsd_field(k, p, &f[P_USER_TICKS], &user) ||
	    !freebsd_field(k, p, &f[P_SYSTEM_TICKS], &system))
		return;
	(void)freebsd_field(k, p, &f[P_INTERRUPT_TICKS], &interrupt); // it has been there always
	// Time is exact, its parts are in the ratio of what samples found.
	double ns = (double)run / (double)frequency * 1e9;
	double all = (double)user + (double)system + (double)interrupt;
	double of_user = all > 0 ? ns * ((double)user / all) : 0;

	if (ns < 1e19) {
		t->user_ns = (uint64_t)of_user;
		t->system_ns = (uint64_t)(ns - of_user);
	}
}

void freebsd_fill_process(struct freebsd_kernel *k, uint64_t p, struct crash_task *t)
{
	const struct kfield *f = fields(k);
	uint64_t v;

	if (!f)
		return;
	if (freebsd_field(k, p, &f[P_PARENT], &v) && freebsd_field(k, v, &f[P_PID], &v))
		t->ppid = (int32_t)v;
	if (freebsd_field(k, p, &f[P_CRED], &v) && freebsd_field(k, v, &f[CR_UID], &v))
		t->uid = v;
	if (freebsd_field(k, p, &f[P_FLAG], &v)) {
		t->is_kernel = v & KERNEL_PROCESS;
		t->state = v & STOPPED ? 'T' : t->state;
	}
	if (freebsd_field(k, p, &f[P_STATE], &v) && v == ZOMBIE)
		t->state = 'Z';
	if (!t->is_kernel && freebsd_field(k, p, &f[P_SPACE], &v) && v) {
		t->space = v;
		if (freebsd_field(k, v, &f[VM_SIZE], &t->vsz) &&
		    freebsd_field(k, v, &f[VM_RESIDENT], &t->rss))
			t->rss *= 4096;
	}
	fill_times(k, f, p, t);
}

static void set(struct crash_task *t, char state, const char *name)
{
	t->state = state;
	t->state_name = name;
}

void freebsd_fill_thread(struct freebsd_kernel *k, uint64_t td, struct crash_task *t)
{
	const struct kfield *f = fields(k);
	uint64_t state, why = 0, flags = 0;
	char text[64];

	if (!f || !freebsd_field(k, td, &f[TD_STATE], &state))
		return;
	(void)freebsd_field(k, td, &f[TD_INHIBITORS], &why); // none then
	(void)freebsd_field(k, td, &f[TD_FLAGS], &flags);
	if (t->state == 'Z')
		t->state_name = "zombie";
	else if (t->state == 'T' || why & SUSPENDED)
		set(t, 'T', "stopped");
	else if (t->on_cpu || state == RUNNING)
		set(t, 'R', "running");
	else if (state == RUNNABLE)
		set(t, 'R', "runnable");
	else if (state != INHIBITED)
		set(t, 'I', "idle");
	else if (why & LOCKED)
		set(t, 'D', "waits for a lock");
	else if (why & WAITS_FOR_INTERRUPT)
		set(t, 'I', "waits for an interrupt");
	else if (why & SLEEPING)
		set(t, flags & INTERRUPTIBLE ? 'S' : 'D', "sleeping");
	// What it sleeps at is worth more.
	if (why & SLEEPING && freebsd_field(k, td, &f[TD_WHY], &why) && why &&
	    crash_read_text(k->core, why, text, sizeof(text)) > 0) {
		const char *kept = arena_strndup(&k->core->arena, text, strlen(text));

		t->state_name = kept ? kept : t->state_name;
	}
}
