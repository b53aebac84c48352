/* SPDX-License-Identifier: MIT */
/** What a machine and its programs are made of, for the files of this folder and its tests. */
#ifndef BPF_MACHINE_STATE_H
#define BPF_MACHINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/machine.h"
#include "bpf/machine/hash.h"

enum {
	FRAME_LEN = 512,
	FRAMES_MOST = 8,  /* a program, its callbacks, theirs */
	RECORDS_MOST = 4, /* reserved at the same time */
	INSNS_MOST = 1 << 17,
	MAPS_MOST = 4096,
	BUDGET = 1 << 30, /* instructions, as backward jumps and callbacks count them */
};

struct machine_map {
	struct machine *m;
	const struct bpf_map_spec *spec; /* borrowed */
	enum { MAP_ARRAY, MAP_HASH, MAP_RING } kind;
	uint32_t stride;   /* MAP_ARRAY: from a value to the next */
	uint8_t *values;   /* owned; MAP_ARRAY */
	struct hash *hash; /* owned; MAP_HASH */
};

/** Memory of the machine that programs have addresses of. */
struct region {
	uint64_t begin, end;
	const struct machine_map *map; /* values of an array or entries of a hash; NULL: records */
};

/** A record that was reserved and not yet submitted. */
struct record {
	uint8_t *data; /* owned, of machine.record_len bytes */
	size_t len;
};

struct machine {
	// Programs that were compiled reach these by their offsets.
	int32_t budget; /* below 0: the program is being ended */
	uint8_t *fp;	/* behind the frame of the function that runs */
	struct machine_now now;

	struct machine_map *maps; /* owned */
	size_t n_maps;
	const struct machine_ops *ops; /* borrowed */
	void *arg;
	struct region *regions; /* owned; in order */
	size_t n_regions, cap_regions;
	const struct machine_prog *prog; /* that runs; NULL: none does */
	const void *ctx;
	struct record records[RECORDS_MOST];
	uint32_t n_records;
	size_t record_len;
	uint32_t keys[FRAMES_MOST]; /* of arrays, for callbacks: one for each depth */
	uint64_t random, secret[2];
	int32_t budget_most;
	uint64_t cut_off, no_memory;
	uint64_t faults; /* accesses that the interpreter stopped: the verifier was wrong */
	uint8_t stack[FRAMES_MOST * FRAME_LEN] __attribute__((aligned(16)));
};

/** What the verifier found out of an instruction. */
struct insn_note {
	bool reached;
	bool is_entry;	    /* of a function that may be called back */
	bool is_several;    /* @map and @size differ from one way here to another */
	bool is_call_known; /* @map and @size are set */
	int32_t map;	    /* of a call: its first argument; -1 none */
	int32_t size;	    /* of a call: the size that it is given; -1 none, not a constant */
};

/** A function that may be called back; 0 is the program. */
struct prog_fn {
	uint32_t insn;
	int32_t cost; /* the most instructions that it runs without jumping back */
};

typedef uint64_t machine_fn(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
			    struct machine *m);

struct machine_prog {
	struct machine *m;	/* borrowed */
	struct bpf_insn *insns; /* owned; wide constants of maps are addresses, of functions their
				   indexes */
	size_t n_insns;
	struct insn_note *notes; /* owned */
	struct prog_fn *fns;	 /* owned */
	size_t n_fns;
	size_t ctx_len;
	size_t record_len;   /* of the largest record */
	machine_fn **native; /* owned; of each function, or NULL: it is interpreted */
	void *code;	     /* owned; @native's, of @code_len bytes */
	size_t code_len;
};

/** Notes memory that programs may have addresses of. -ENOMEM. */
SONDE_MUST_CHECK int machine_add_region(struct machine *m, const void *data, size_t len,
					const struct machine_map *map);

void machine_drop_region(struct machine *m, const void *data);

/** How many bytes may be read from @addr on, of all that belongs to the program; 0: none. */
size_t machine_readable(const struct machine *m, uint64_t addr);
/** Whether a program may access these bytes: not the space between the values of a map. */
bool machine_may_access(const struct machine *m, uint64_t addr, size_t len, bool write);

/** Calls function @fn of the program that runs, one frame deeper. */
uint64_t machine_call(struct machine *m, uint64_t fn, const uint64_t args[static 5]);

/** machine_fn, but by the interpreter, from instruction @at on. */
uint64_t interp_run(const struct machine_prog *p, uint32_t at, const uint64_t args[static 5],
		    struct machine *m);

#endif
