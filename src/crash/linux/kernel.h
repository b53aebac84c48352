/* SPDX-License-Identifier: MIT */
/** A dead Linux kernel: its memory, symbols, types, CPUs and modules, all from the dump alone. */
#ifndef CRASH_LINUX_KERNEL_H
#define CRASH_LINUX_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u64map.h"
#include "crash/core.h"
#include "crash/linux/exports.h"
#include "crash/linux/kfield.h"
#include "crash/linux/ksyms.h"
#include "crash/linux/module.h"
#include "crash/linux/orc.h"
#include "crash/linux/vmcoreinfo.h"
#include "crash/space/space.h"
#include "sym/ctype.h"

enum {
	LINUX_CPUS_MOST = 8192,
	LINUX_TASKS_MOST = 1 << 22,
	LINUX_LIST_MOST = 1 << 22, /* members of any list */
};

/** Registers of a CPU as notes have them: x86-64's user_regs_struct, arm64's user_pt_regs. */
enum {
	X86_R15 = 0,
	X86_R14,
	X86_R13,
	X86_R12,
	X86_BP,
	X86_BX,
	X86_R11,
	X86_R10,
	X86_R9,
	X86_R8,
	X86_AX,
	X86_CX,
	X86_DX,
	X86_SI,
	X86_DI,
	X86_ORIG_AX,
	X86_IP,
	X86_CS,
	X86_FLAGS,
	X86_SP,
	X86_SS,
	X86_REGS, /* as far as struct pt_regs has them too */
	ARM_FP = 29,
	ARM_LR = 30,
	ARM_SP = 31,
	ARM_PC = 32,
	ARM_PSTATE = 33,
	LINUX_REGS = 34,
};

struct linux_regs {
	uint64_t r[LINUX_REGS];
};

struct linux_cpu {
	uint64_t offset; /* of its part of per-CPU memory */
	bool has_memory; /* @offset is known */
	bool online, has_regs, crashed;
	uint64_t current; /* the struct of its task; 0: not known */
	struct linux_regs regs;
};

/** Where a thread that does not run keeps how it goes on; found once. */
struct linux_asleep {
	bool found;
	struct kfield sp, pc, fp;
	struct kfield frame_bp, frame_pc; /* x86: of what @sp leads to ... */
	uint64_t frame_size;		  /* ... and its size */
};

struct linux_kernel {
	struct crash_core *core; /* borrowed */
	enum dump_arch arch;
	struct vmcoreinfo info;
	struct space mem;
	struct ksyms syms;
	bool is_code_alone;	/* @syms: they have no data */
	struct exports exports; /* and then these */
	struct space_bytes btf; /* empty: it is read as types are asked for, from ... */
	uint64_t btf_at;	/* ... here */
	struct ctypes *types;	/* owned; NULL: the dump has none */
	char release[80];
	unsigned version;	 /* 0x0601 for 6.1 */
	uint64_t text, text_end; /* of the kernel's code */
	uint64_t init_text, init_text_end, end;
	uint64_t pac_mask;	/* bits of arm64's return addresses that are no address */
	struct linux_cpu *cpus; /* owned */
	size_t n_cpus;
	struct linux_modules modules;
	struct orc orc;
	struct linux_asleep asleep;
	struct u64map symbol_cache; /* index of a symbol, or of what is no symbol: its name */
	const char **names;	    /* owned; in the core's arena */
	struct linux_named {
		uint64_t addr;
		struct crash_symbol symbol;
	} * named; /* owned: what was asked last, by address; NULL: nothing yet */
	size_t n_names, cap_names;
};

static inline struct linux_kernel *linux_of(struct crash_core *c)
{
	return c->state;
}

/** Kernel memory; without words: -EFAULT, -ENODATA. */
SONDE_MUST_CHECK int linux_read(struct linux_kernel *k, uint64_t va, void *ret, size_t n);
SONDE_MUST_CHECK int linux_read_u64(struct linux_kernel *k, uint64_t va, uint64_t *ret);
/** The field of the struct at @base. -ENOENT: this kernel has no such field. */
SONDE_MUST_CHECK int linux_read_field(struct linux_kernel *k, uint64_t base, const struct kfield *f,
				      uint64_t *ret);
/** The same, or @none where it cannot be had. */
uint64_t linux_field_or(struct linux_kernel *k, uint64_t base, const struct kfield *f,
			uint64_t none);

/** The address of a symbol of the kernel itself; false: there is none. */
bool linux_symbol(struct linux_kernel *k, const char *name, uint64_t *ret);
/** Fails with words for a part of the kernel that was not found, as "its interrupts". */
SONDE_MUST_CHECK int linux_fail_place(const struct linux_kernel *k, const char *what);
/** Finds what tells of data where the symbols have code alone. -ENOMEM. */
SONDE_MUST_CHECK int linux_find_exports(struct linux_kernel *k);
/** Of linux_symbol(), where neither symbols nor VMCOREINFO have it. */
bool linux_derived_symbol(struct linux_kernel *k, const char *name, uint64_t *ret);
/** The number in a global variable of @size bytes. -ENOENT, and as linux_read(). */
SONDE_MUST_CHECK int linux_global(struct linux_kernel *k, const char *name, unsigned size,
				  uint64_t *ret);
/** A symbol of the kernel or a module, by address or name. */
bool linux_symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret);
bool linux_symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret);
int linux_each_symbol(struct crash_core *c, int (*f)(void *arg, const struct crash_symbol *s),
		      void *arg);
/** Of struct crash_system: files, and where their parts were put. */
void linux_kernel_image(struct linux_kernel *k, struct crash_image *ret);
bool linux_image(struct crash_core *c, const char *module, struct crash_image *ret);
bool linux_section(struct crash_core *c, const char *module, const char *name, uint64_t *ret);
/** -EINVAL: the file that was named as the kernel's is of another one. */
SONDE_MUST_CHECK int linux_check_file(struct linux_kernel *k);
/** Whether code may lie there: of the kernel or of a module. */
bool linux_is_text(struct linux_kernel *k, uint64_t addr);

/** Fills the CPUs: which there are, their tasks and registers. -ENOMEM. */
SONDE_MUST_CHECK int linux_cpus_load(struct linux_kernel *k);

/** Of struct crash_system. */
int linux_percpu(struct crash_core *c, uint64_t at, unsigned cpu, uint64_t *ret);
int linux_tasks(struct crash_core *c, struct crash_tasks *ret);
int linux_stack(struct crash_core *c, const struct crash_task *t, struct crash_stack *ret);
int linux_read_user(struct crash_core *c, const struct crash_task *t, uint64_t va, void *ret,
		    size_t n);
int linux_log(struct crash_core *c, int (*f)(void *arg, const struct crash_message *m), void *arg);

/**
 * Goes along a list_head in memory: *@at is the head at first, then each member's node. False: the
 * end, or a node that cannot be read, or more than LINUX_LIST_MOST: then *@cut says so.
 */
struct linux_list {
	uint64_t head, at;
	uint64_t seen; /* a member of some steps ago, as Brent's search for loops keeps it */
	size_t n, next_power;
	const char *cut;
};

void linux_list_begin(struct linux_list *l, uint64_t head);
bool linux_list_next(struct linux_kernel *k, struct linux_list *l);

#endif
