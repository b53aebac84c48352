/* SPDX-License-Identifier: MIT */
/**
 * An eBPF machine in this process: runs programs that src/bpf/fn.h built over anything that is not
 * the running kernel, as the events of a recorded trace.
 *
 * Instruction set: RFC 9669, without what only the kernel has. Programs are verified when they are
 * loaded: each memory access of a program that was accepted stays inside of what it was given. Then
 * they are interpreted, every access checked once more, or compiled to the processor's own code.
 *
 * One machine is one thread's. Maps have one value where the kernel has one for each CPU.
 */
#ifndef BPF_MACHINE_H
#define BPF_MACHINE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/fn.h"
#include "bpf/map.h"

struct machine;
struct machine_prog;

/**
 * What is now, for the helper functions: whoever runs programs fills it before each run. Programs
 * cannot write it.
 */
struct machine_now {
	uint64_t ts_ns; /* ktime_get_boot_ns and its like */
	uint64_t pid_tgid, uid_gid;
	uint32_t cpu;
	uint32_t place;	   /* where the program is attached, of several places */
	char comm[16];	   /* 0 behind the text */
	const void *event; /* for ops->field() and others: what it is is the caller's business */
	/** Memory that probe_read functions may read besides the program's own: the event's bytes.
	 */
	const uint8_t *mem;
	size_t mem_len;
};

/** Helper functions that the kernel does not have; numbers for fn_call(). */
enum {
	/** u64 (ctx, index): a field of the event as a number; of arrays and texts its address. */
	MACHINE_FIELD = 0x10000,
	/** u64 (ctx, index): bytes or elements of a field. */
	MACHINE_FIELD_LEN,
	/** u64 (ctx, index, at0, at1, at2): the same as MACHINE_FIELD of what lies within a field,
	 * at up to three places that programs choose. */
	MACHINE_PART,
	/** u64 (): which of the places of the program it is. */
	MACHINE_PLACE,
};

enum { MACHINE_PART_PLACES = 3 };

struct machine_ops {
	uint64_t (*field)(void *arg, const struct machine_now *now, uint32_t index);
	uint64_t (*part)(void *arg, const struct machine_now *now, uint32_t index,
			 const uint64_t at[MACHINE_PART_PLACES]);
	uint64_t (*field_len)(void *arg, const struct machine_now *now, uint32_t index);
	/** A record that a program submitted, in the order of submission. */
	void (*record)(void *arg, const void *data, size_t len);
	/** bpf_get_stack: frames into @ret, at most @n; how many bytes, or a negative errno. */
	int64_t (*stack)(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
			 uint64_t flags);
	/** probe_read of an address outside of all that; false: it cannot be read. */
	bool (*read)(void *arg, uint64_t addr, void *ret, size_t len);
};

/** @specs and @ops are borrowed until machine_free(). */
SONDE_MUST_CHECK int machine_new(const struct bpf_map_spec *specs, size_t n,
				 const struct machine_ops *ops, void *arg, struct machine **ret);
void machine_free(struct machine *m);
SONDE_DEFINE_AUTO(struct machine *, machine_free)

struct machine_now *machine_now(struct machine *m);

enum machine_how { MACHINE_JIT, MACHINE_INTERPRETER };

/**
 * Verifies and prepares @code, whose context has at least @ctx_len readable bytes. -EBADMSG:
 * refused;
 * @ret_log (may be NULL) says at which instruction and why. MACHINE_JIT falls back to the
 * interpreter on processors that it does not know.
 */
SONDE_MUST_CHECK int machine_load(struct machine *m, const struct bpf_code *code, size_t ctx_len,
				  enum machine_how how, struct strbuf *ret_log,
				  struct machine_prog **ret);
void machine_prog_free(struct machine_prog *p);
SONDE_DEFINE_AUTO(struct machine_prog *, machine_prog_free)

/** Runs a program to its end; its result, or 0 if it was ended. Not from within machine_ops. */
uint64_t machine_run(struct machine_prog *p, const void *ctx);

/** Programs that ran longer than the budget of instructions and were ended; memory that ran out. */
uint64_t machine_cut_off(const struct machine *m);

/** Maps, as src/bpf/map.h has them. Values are lent until the next change. */
SONDE_MUST_CHECK int machine_map_each(struct machine *m, size_t map,
				      int (*f)(void *arg, const void *key, const void *val),
				      void *arg);
void *machine_map_value(struct machine *m, size_t map); /* of an array map: its first value */
/** The value of @key, lent until the next change; NULL: there is none. */
const void *machine_map_find(struct machine *m, size_t map, const void *key);
/** -E2BIG: full; -ENOMEM. */
SONDE_MUST_CHECK int machine_map_update(struct machine *m, size_t map, const void *key,
					const void *val);
/** -ENOENT; -EINVAL: not of a hash table. */
SONDE_MUST_CHECK int machine_map_delete(struct machine *m, size_t map, const void *key);
/** Removes all entries; of arrays: zeroes their values. May be called while a program runs. */
void machine_map_clear(struct machine *m, size_t map);
/** How many entries there are; of arrays always all. */
size_t machine_map_len(const struct machine *m, size_t map);

#endif
