/* SPDX-License-Identifier: MIT */
/** A dead FreeBSD kernel: its memory, symbols of its file, and what it tells of its own structs. */
#ifndef CRASH_FREEBSD_KERNEL_H
#define CRASH_FREEBSD_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/core.h"
#include "crash/freebsd/header.h"
#include "crash/freebsd/symbols.h"
#include "crash/space/space.h"

struct kfield;

/**
 * Places inside of structs that the kernel exports as numbers, so that its debugger needs no
 * types: "proc_off_p_pid" is where struct proc has its p_pid.
 */
enum freebsd_offset {
	PROC_PID,
	PROC_COMM,
	PROC_LIST,
	PROC_THREADS,
	THREAD_TID,
	THREAD_NAME,
	THREAD_ONCPU,
	THREAD_PCB,
	THREAD_PLIST,
	PCB_SIZE,
	FREEBSD_OFFSETS,
};

struct freebsd_kernel {
	struct crash_core *core; /* borrowed */
	bool minidump, has_symbols, foreign;
	unsigned pointer; /* bytes */
	struct bsd_symbols syms;
	struct space space;   /* of a full dump */
	struct ctypes *types; /* owned; NULL: the file has none, or was not asked */
	bool types_sought;
	uint32_t offset[FREEBSD_OFFSETS];
	const char *missing; /* name of an offset that is not known, or NULL */
	struct bsd_dump_header header;
	uint64_t spent;	       /* see freebsd_spend() */
	struct kfield *fields; /* of fields.c, in the core's arena; NULL: not asked yet */
};

static inline struct freebsd_kernel *freebsd_of(struct crash_core *c)
{
	return c->state;
}

/** Kernel memory, and one pointer. Without words: -EFAULT, -ENODATA. */
SONDE_MUST_CHECK int freebsd_read(struct crash_core *c, uint64_t va, void *ret, size_t n);
SONDE_MUST_CHECK int freebsd_pointer(struct freebsd_kernel *k, uint64_t va, uint64_t *ret);
/** The address of a symbol; false: there is none. */
bool freebsd_symbol(const struct freebsd_kernel *k, const char *name, uint64_t *ret);
/** An int of 32 bits that is a global variable. -ENOENT, and as freebsd_read(). */
SONDE_MUST_CHECK int freebsd_int(struct freebsd_kernel *k, const char *name, int32_t *ret);

/** Of struct crash_system. */
int freebsd_tasks(struct crash_core *c, struct crash_tasks *ret);
int freebsd_stack(struct crash_core *c, const struct crash_task *t, struct crash_stack *ret);
int freebsd_log(struct crash_core *c, int (*f)(void *arg, const struct crash_message *m),
		void *arg);
bool freebsd_symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret);

#endif
