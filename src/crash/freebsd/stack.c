/* SPDX-License-Identifier: MIT */
/** FreeBSD's kernel stacks: chains of frame pointers, over the frames of traps. */
#include <errno.h>
#include <string.h>

#include "crash/freebsd/kernel.h"

/** Where a walk stands. */
struct at {
	uint64_t pc, fp, sp;
	bool exact; /* pc is where it was stopped, not a return address */
};

/** What differs between architectures. */
struct machine {
	unsigned pointer;
	unsigned pcb_pc, pcb_fp, pcb_sp;    /* offsets in struct pcb */
	int frame_next, frame_return;	    /* from the frame pointer */
	unsigned trap_pc, trap_fp, trap_cs; /* in struct trapframe; trap_cs 0: none is looked for */
};

static const struct machine x86_64 = { 8, 56, 32, 40, 0, 8, 152, 64, 160 };
static const struct machine i386 = { 4, 20, 8, 12, 0, 4, 0, 0, 0 };
static const struct machine riscv = { 8, 0, 32, 8, -16, -8, 0, 0, 0 };
/* Since FreeBSD 14 only what calls keep is saved: x19 to x30, then sp; before that all registers.
 */
static const struct machine arm64 = { 8, 11 * 8, 10 * 8, 13 * 8, 0, 8, 0, 0, 0 };
static const struct machine arm64_old = { 8, 30 * 8, 29 * 8, 32 * 8, 0, 8, 0, 0, 0 };

static int read_number(struct freebsd_kernel *k, const struct machine *m, uint64_t va,
		       uint64_t *ret)
{
	return crash_read_uint(k->core, va, m->pointer, ret);
}

/* Whether it may be an address of the kernel's: the upper half, or what i386 has of it. */
static bool is_kernel(const struct machine *m, uint64_t va)
{
	return m->pointer == 4 ? va >= 0x1000 : va >> 47 != 0;
}

static int read_pcb(struct freebsd_kernel *k, const struct machine *m, uint64_t pcb, struct at *ret)
{
	struct at a = { .exact = true };

	int r = read_number(k, m, pcb + m->pcb_pc, &a.pc);
	if (r == 0)
		r = read_number(k, m, pcb + m->pcb_fp, &a.fp);
	if (r == 0)
		r = read_number(k, m, pcb + m->pcb_sp, &a.sp);
	if (r == 0)
		*ret = a;
	return r;
}

static const struct machine *machine_of(struct freebsd_kernel *k, uint64_t pcb)
{
	struct at a = { 0 };

	switch (k->core->about->arch) {
	case DUMP_X86_64: return &x86_64;
	case DUMP_I386: return &i386;
	case DUMP_RISCV64: return &riscv;
	case DUMP_AARCH64: break;
	}
	if (read_pcb(k, &arm64, pcb, &a) == 0 && is_kernel(&arm64, a.pc) && is_kernel(&arm64, a.fp))
		return &arm64;
	return &arm64_old;
}

/*
 * Where a thread's registers are: of the one that made the dump, of those that other CPUs were
 * stopped in, of those that wait. Newer kernels have a pointer to the CPUs' ones, older an array.
 */
static int find_pcb(struct freebsd_kernel *k, const struct crash_task *t, uint64_t *ret)
{
	const struct bsd_symbol *s = bsd_symbols_named(&k->syms, "stoppcbs");
	uint64_t base;

	if (t->crashed && freebsd_symbol(k, "dumppcb", ret))
		return 0;
	if (!t->on_cpu || !s)
		return freebsd_pointer(k, t->addr + k->offset[THREAD_PCB], ret);
	base = s->start;
	if (s->size == k->pointer) {
		int r = freebsd_pointer(k, s->start, &base);
		if (r < 0)
			return r;
	}
	*ret = base + (uint64_t)t->cpu * k->offset[PCB_SIZE];
	return 0;
}

static int add_frame(struct crash_stack *s, struct freebsd_kernel *k, const struct at *a)
{
	struct crash_frame f = { .pc = a->pc, .sp = a->sp, .exact = a->exact };

	// A call that is a function's last instruction returns behind the function.
	(void)freebsd_symbol_at(k->core, a->exact ? a->pc : a->pc - 1, &f.symbol);
	int r = mem_grow(&s->frames, &s->cap, s->n + 1);
	if (r == 0)
		s->frames[s->n++] = f;
	return r;
}

/** Code that the processor enters by itself, with a frame of all registers above its stack. */
static bool is_trap(const char *name)
{
	static const char *const names[] = { "calltrap", "nmi_calltrap", "mchk_calltrap",
					     "fast_syscall_common", "trap_common" };

	if (!name)
		return false;
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return name[0] == 'X' && name[1] && name[1] != '_';
}

/** One frame outwards. 1: there it is; 0: the stack ends; negative: it cannot be read. */
static int step(struct freebsd_kernel *k, const struct machine *m, const struct crash_frame *f,
		struct at *a, uint64_t *ret_user)
{
	uint64_t cs = 0, pc = 0, fp = 0;

	if (m->trap_cs && is_trap(f->symbol.name)) {
		int r = read_number(k, m, a->sp + m->trap_cs, &cs);
		if (r == 0)
			r = read_number(k, m, a->sp + m->trap_pc, &pc);
		if (r == 0)
			r = read_number(k, m, a->sp + m->trap_fp, &fp);
		if (r < 0)
			return r;
		if (cs & 3)
			*ret_user = pc;
		*a = (struct at){ pc, fp, a->sp + m->trap_cs, true };
		return !(cs & 3);
	}
	if (!is_kernel(m, a->fp))
		return 0;
	int r = read_number(k, m, a->fp + (uint64_t)(int64_t)m->frame_return, &pc);
	if (r == 0)
		r = read_number(k, m, a->fp + (uint64_t)(int64_t)m->frame_next, &fp);
	if (r < 0)
		return r;
	if (!is_kernel(m, pc))
		return 0;
	*a = (struct at){ pc, fp, a->fp + (m->frame_return > 0 ? 2 * m->pointer : 0), false };
	return 1;
}

/* From @a outwards, as far as frames go. */
static int follow(struct freebsd_kernel *k, const struct machine *m, struct at a,
		  struct crash_stack *s)
{
	for (int more = 1; more > 0;) {
		uint64_t sp = a.sp;

		int r = add_frame(s, k, &a);
		if (r < 0)
			return r;
		if (s->n >= CRASH_FRAMES_MOST) {
			s->cut = "it has more frames";
			return 0;
		}
		more = step(k, m, &s->frames[s->n - 1], &a, &s->user_pc);
		if (more < 0)
			s->cut = "the frame outside is not in the dump";
		// An interrupt goes on another stack; one stack only grows downwards.
		if (more > 0 && s->n > 1 && a.sp <= sp && !a.exact && a.sp + (64 << 20) > sp) {
			s->cut = "its chain of frames goes backwards";
			return 0;
		}
	}
	return 0;
}

int freebsd_stack(struct crash_core *c, const struct crash_task *t, struct crash_stack *ret)
{
	struct freebsd_kernel *k = freebsd_of(c);
	struct at a = { 0 };
	uint64_t pcb;

	ret->n = 0;
	ret->user_pc = 0;
	ret->cut = "its registers are not in the dump";
	if (find_pcb(k, t, &pcb) < 0)
		return 0;
	const struct machine *m = machine_of(k, pcb);
	if (read_pcb(k, m, pcb, &a) < 0)
		return 0;
	ret->cut = NULL;
	return follow(k, m, a, ret);
}
