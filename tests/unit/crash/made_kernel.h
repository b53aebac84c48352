/* SPDX-License-Identifier: MIT */
/** A dead Linux that is made up: symbols, types, two CPUs, tasks with stacks, messages, a module.
 */
#ifndef MADE_KERNEL_H
#define MADE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "crash/core.h"
#include "made_image.h"

struct btf;

enum { KERNEL_TASKS = 7, KERNEL_SYMS = 64, KERNEL_INFO = 2048, KERNEL_MESSAGES = 5 };

/** Functions, each of FUNCTION_SIZE bytes, from the first address of the code on. */
enum {
	F_OUTER, /* "outer", what all stacks begin with */
	F_MIDDLE,
	F_INNER,
	F_COLD, /* "inner.cold", a part of it */
	F_LEAF,
	F_VECTOR, /* where interrupts come in */
	F_FUNCTIONS,
	FUNCTION_SIZE = 0x100,
};

/** The tasks: the two that idle, one that sleeps and its thread, one of the kernel, and two more.
 */
enum { T_IDLE, T_IDLE_1, T_INIT, T_THREAD, T_KTHREAD, T_RUNS, T_NEW };

struct made_kernel_how {
	struct space_layout layout; /* says which machine it is of, too */
	bool meta;		    /* arm64: stacks say which frames they have, as since 6.14 */
	uint64_t pac_mask;	    /* arm64: return addresses are signed */
	const char *more_info;	    /* lines of VMCOREINFO; or NULL */
	uint64_t online, active;    /* CPUs, one bit each; 0: both */
};

struct made_kernel {
	struct made_kernel_how how;
	struct made_image image;
	struct btf *btf;
	uint64_t va, pa, used; /* the kernel's memory: where it begins, what is taken of it */
	struct {
		uint64_t va;
		const char *name;
	} syms[KERNEL_SYMS];
	size_t n_syms;
	char info[KERNEL_INFO];
	uint64_t tasks[KERNEL_TASKS]; /* of their structs */
	uint64_t stacks[KERNEL_TASKS], signals[KERNEL_TASKS];
	uint64_t ring, module, user_page;
};

void made_kernel_init(struct made_kernel *k, const struct made_kernel_how *how);
void made_kernel_fini(struct made_kernel *k);

/** Takes @n bytes of the kernel's memory, zeros. */
uint64_t made_kernel_take(struct made_kernel *k, uint64_t n);
void made_kernel_put(struct made_kernel *k, uint64_t va, const void *data, size_t n);
void made_kernel_put64(struct made_kernel *k, uint64_t va, uint64_t v);
void made_kernel_put32(struct made_kernel *k, uint64_t va, uint32_t v);

/** The address @off bytes into function @f; as a call of arm64 leaves it, signed if wanted. */
uint64_t made_kernel_code(const struct made_kernel *k, unsigned f, unsigned off);
uint64_t made_kernel_signed(const struct made_kernel *k, uint64_t pc);

/** Where a task that sleeps goes on, by the struct of the machine. */
void made_kernel_sleep(struct made_kernel *k, unsigned task, uint64_t pc, uint64_t sp, uint64_t fp);
/** The registers of a CPU, in the notes that a dying kernel leaves; 34 words of arm64, or as
 * linux_regs. */
void made_kernel_regs(struct made_kernel *k, unsigned cpu, const uint64_t *regs);

/** Writes the dump: its file is image.elf. Once. */
void made_kernel_write(struct made_kernel *k);
/** Writes and opens it; ends the test where that fails. */
struct crash_core *made_kernel_open(struct made_kernel *k);

#endif
