/* SPDX-License-Identifier: MIT */
/** What walks of all machines share: frames and their names, and where a thread's walk begins. */
#include "crash/linux/unwind.h"

#include <errno.h>

#include <sonde/err.h>

bool unwind_is_user(const struct linux_kernel *k, const struct linux_regs *r)
{
	if (k->arch == DUMP_AARCH64)
		return (r->r[ARM_PSTATE] & 0xf) == 0;
	return (r->r[X86_CS] & 3) == 3;
}

struct unwind_start unwind_from_regs(const struct linux_kernel *k, const struct linux_regs *r)
{
	bool arm = k->arch == DUMP_AARCH64;

	return (struct unwind_start){
		.pc = r->r[arm ? ARM_PC : X86_IP],
		.sp = r->r[arm ? ARM_SP : X86_SP],
		.fp = r->r[arm ? ARM_FP : X86_BP],
		.exact = true,
		.regs = r,
	};
}

bool unwind_frame(struct linux_kernel *k, struct crash_stack *s, const struct crash_frame *f,
		  int *ret_err)
{
	if (s->n >= CRASH_FRAMES_MOST) {
		s->cut = "it is too deep";
		return false;
	}
	*ret_err = mem_grow(&s->frames, &s->cap, s->n + 1);
	if (*ret_err < 0)
		return false;
	struct crash_frame *to = &s->frames[s->n++];
	*to = *f;
	// A call that never comes back is the last instruction: its return address is behind it.
	if (!linux_symbol_at(k->core, f->exact ? f->pc : f->pc - 1, &to->symbol))
		to->symbol = (struct crash_symbol){ 0 };
	return true;
}

int unwind_stack(struct linux_kernel *k, const struct unwind_start *from, struct crash_stack *ret)
{
	return k->arch == DUMP_AARCH64 ? unwind_arm64(k, from, ret) : unwind_x86(k, from, ret);
}

static void find_asleep(struct linux_kernel *k)
{
	struct linux_asleep *a = &k->asleep;
	const bool arm = k->arch == DUMP_AARCH64;
	const struct {
		const char *type, *path;
		struct kfield *ret;
	} want[] = {
		{ "struct task_struct", arm ? "thread.cpu_context.sp" : "thread.sp", &a->sp },
		{ "struct task_struct", "thread.cpu_context.pc", &a->pc },
		{ "struct task_struct", "thread.cpu_context.fp", &a->fp },
		{ "struct inactive_task_frame", "bp", &a->frame_bp },
		{ "struct inactive_task_frame", "ret_addr", &a->frame_pc },
	};

	// What is not there is not read: then no stack is shown.
	for (size_t i = 0; i < MEM_LEN(want); i++) {
		if (!kfield_find(k->types, want[i].type, want[i].path, want[i].ret))
			*want[i].ret = (struct kfield){ 0 };
	}
	a->frame_size = kfield_sizeof(k->types, "struct inactive_task_frame");
	a->found = true;
}

/* Where a thread that does not run goes on when it is switched to. */
static int start_sleeping(struct linux_kernel *k, uint64_t task, struct unwind_start *ret)
{
	const struct linux_asleep *a = &k->asleep;

	if (!a->found)
		find_asleep(k);
	*ret = (struct unwind_start){ 0 };
	int r = linux_read_field(k, task, &a->sp, &ret->sp);
	if (k->arch == DUMP_AARCH64) {
		r = r ? r : linux_read_field(k, task, &a->pc, &ret->pc);
		return r ? r : linux_read_field(k, task, &a->fp, &ret->fp);
	}
	r = r ? r : linux_read_field(k, ret->sp, &a->frame_bp, &ret->fp);
	r = r ? r : linux_read_field(k, ret->sp, &a->frame_pc, &ret->pc);
	ret->sp += a->frame_size;
	return r;
}

static const struct linux_cpu *cpu_of(const struct linux_kernel *k, uint64_t task)
{
	for (size_t i = 0; i < k->n_cpus; i++) {
		if (k->cpus[i].current == task)
			return &k->cpus[i];
	}
	return NULL;
}

int linux_stack(struct crash_core *c, const struct crash_task *t, struct crash_stack *ret)
{
	struct linux_kernel *k = linux_of(c);
	const struct linux_cpu *cpu = t->on_cpu ? cpu_of(k, t->addr) : NULL;
	struct unwind_start from;

	ret->n = 0;
	ret->cut = NULL;
	ret->user_pc = 0;
	ret->user_fp = 0;
	if (cpu && !cpu->has_regs) {
		ret->cut = c->about->live ? "it runs"
					  : "it was running, and its registers are not in the dump";
		return 0;
	}
	if (!cpu) {
		if (start_sleeping(k, t->addr, &from) < 0) {
			ret->cut = "where it sleeps is not in the dump";
			return 0;
		}
		return unwind_stack(k, &from, ret);
	}
	from = unwind_from_regs(k, &cpu->regs);
	if (unwind_is_user(k, &cpu->regs)) {
		ret->user_pc = from.pc;
		ret->user_fp = from.fp;
		return 0;
	}
	return unwind_stack(k, &from, ret);
}
