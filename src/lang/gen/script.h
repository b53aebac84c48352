/* SPDX-License-Identifier: MIT */
/**
 * A compiled script: what the generator makes, a world loads and the run-time prints.
 *
 * Records travel in one ring, in the order in which they were reserved:
 *
 *	struct record_head | payload, as the site describes it
 *
 * Every record comes from a site: one call of printf(), print(), exit() ... in the script.
 */
#ifndef LANG_SCRIPT_H
#define LANG_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "bpf/fn.h"
#include "bpf/map.h"
#include "lang/check/type.h"
#include "lang/syntax/ast.h"

enum site_kind {
	SITE_PRINTF, /* @fmt, @args */
	SITE_ERRORF, /* the same, to standard error, "ERROR: " and place before it */
	SITE_WARNF,
	SITE_PRINT,	/* print(value): @args[0] */
	SITE_PRINT_MAP, /* print(@x), print(@x, top, div): @map, @top, @div; u32 epoch in the
			   payload */
	/** print(@x[k]): key then value are @args[0] and @args[1]; of a map without keys only the
	   value. */
	SITE_PRINT_ELEM,
	SITE_CLEAR, /* @map; u32 epoch in the payload */
	SITE_ZERO,
	SITE_TIME,     /* time(@fmt): u64 ns since boot as @args[0] */
	SITE_JOIN,     /* @args: TYPE_STR each, empty ones are left out; @fmt the delimiter */
	SITE_CAT,      /* prints the file that @fmt with @args names */
	SITE_SYSTEM,   /* runs the command that @fmt with @args is */
	SITE_EXIT,     /* @args[0]: the exit status */
	SITE_EMIT,     /* an event @fmt with fields @fields; struct emit_head begins the payload */
	SITE_SKB,      /* skboutput(): @fmt is the path; TYPE_BUF as @args[0] */
	SITE_LOST_MAP, /* never sent: counts updates that @map had no room for */
	/* never sent: those of them that were lost as the kernel had no memory at hand */
	SITE_LOST_MEMORY,
	/* of D alone */
	SITE_CLAUSE,	  /* what a clause printed: @parts; u32 CPU, u32 name in the payload */
	SITE_CLAUSE_END,  /* where the reader acts on each record at once: ends the line of a
			     SITE_CLAUSE */
	SITE_FAULT,	  /* a struct fault_record: a clause has ended early */
	SITE_TRACE,	  /* trace(): @args[0] */
	SITE_TRACEMEM,	  /* TYPE_BUF as @args[0] */
	SITE_PRINTA,	  /* @fmt or NULL, of @maps; a u32 epoch for each in the payload */
	SITE_TRUNC,	  /* @map; u32 epoch as @args[0], s64 how many stay as @args[1] */
	SITE_NORMALIZE,	  /* @map; u64 what values are divided by as @args[0] */
	SITE_DENORMALIZE, /* @map */
	SITE_FREOPEN,	  /* goes on in the file that @fmt with @args names; "": as it was */
	SITE_COMMIT,	  /* the mark of a speculation as @args[0]: what it holds is shown */
	SITE_DISCARD,	  /* the same: it is forgotten */
};

/** Kinds of faults, as DTrace has them. */
enum { FAULT_ADDRESS = 1, FAULT_DIVISION = 4 };

struct fault_record {
	uint32_t name; /* of the probe */
	uint32_t id;   /* of the clause */
	uint64_t kind, addr;
};

/** Where in the payload of a SITE_CLAUSE the record of another site is: a struct record_head, whose
 * ts_ns is 0 where it was not made, and the payload. */
struct site_part {
	uint32_t site, off;
};

struct site {
	enum site_kind kind;
	struct pos pos;
	const char *name; /* of the function in the script, for reports of losses */
	const char *fmt;
	const struct type_field *args; /* offsets from the begin of the payload */
	uint32_t n_args;
	uint32_t payload_len;
	int map;		   /* index in script.maps, or -1 */
	int64_t top, div;	   /* 0: not given */
	const char *const *fields; /* SITE_EMIT: names of @args */
	/* of D alone */
	bool is_d;	      /* @fmt is D's */
	bool has_line;	      /* SITE_CLAUSE: begins with the CPU and the probe's name */
	const uint32_t *maps; /* indexes in script.maps */
	uint32_t n_maps;
	bool is_whole; /* SITE_CLAUSE: it has all that the clause printed, in @parts */
	const struct site_part *parts;
	uint32_t n_parts;
};

/** Before each payload; 16 bytes. */
struct record_head {
	uint32_t site;
	uint32_t probe; /* index in script.probe_names */
	/** CLOCK_BOOTTIME of a SITE_SKB and SITE_TIME, CLOCK_MONOTONIC of a SITE_EMIT; the mark of
	 * a speculation, of a SITE_CLAUSE that belongs to one; else 0. */
	uint64_t ts_ns;
};

/** Before the fields of an event. */
struct emit_head {
	uint32_t cpu;
	uint32_t pid, tid; /* the machine's own numbers */
	uint32_t pad;
	uint64_t lost; /* events of this CPU that found no room before this one */
	char comm[16];
};

/**
 * A speculation as records name it: its number as the script has it, from 1, and how often that
 * number was given away before, so that a late record is not taken for one of the next.
 */
static inline uint32_t spec_number(uint64_t mark)
{
	return (uint32_t)mark;
}
static inline uint32_t spec_round(uint64_t mark)
{
	return (uint32_t)(mark >> 32);
}

/** How a script's map is kept in the kernel. */
enum store {
	STORE_SCALAR,	   /* an array of one: struct { u64 is_set; value } */
	STORE_HASH,	   /* key -> value */
	STORE_PERCPU,	   /* an array of one, for each CPU: the aggregation; all zero: not set */
	STORE_PERCPU_HASH, /* key -> aggregation, for each CPU */
	STORE_TASK,	   /* task storage: @x[tid] */
};

enum { EPOCHS_MOST = 4 };

struct script_map {
	const char *name;	/* without @; "" for @ */
	const struct type *key; /* &type_none: no keys */
	const struct type *val;
	enum store store;
	uint32_t max_entries;
	/** How many buffers it has; print() and clear() go on to the next one. 1: they do not. */
	uint32_t n_epochs;
	/** Index of the kernel's map; of the first of @n_epochs buffers where there are several. */
	int bpf_map;
	int outer;	  /* index of the ARRAY_OF_MAPS over the buffers, or -1 */
	int site;	  /* SITE_LOST_MAP */
	int site_memory;  /* SITE_LOST_MEMORY, or -1: its memory is there from the begin */
	bool is_declared; /* with its own size */
};

/**
 * The globals: map 0, an array of one value that is mapped into this process and that each program
 * reaches by address.
 *
 *	struct script_globals | struct epoch_state[n_maps] | u64 emit_lost[n_emit_cpus] |
 *	u32 specs[n_specs] | u64 lost[n_sites]
 *
 * script.epochs_off, script.emit_lost_off, script.specs_off and script.lost_off say where the
 * latter four begin. A spec is odd while it is in use, and one more each time that this changes.
 */
enum { TICKS_MOST = 16 };
/** A probe that comes once in a period, whichever of several clocks gives it. */
struct tick_state {
	uint64_t base_ns; /* when it came first; 0: it has not */
	uint64_t last;	  /* number of the period that it came in last, from 1 */
};
struct script_globals {
	uint32_t exiting; /* set by exit(): all probes are silent from now on */
	uint32_t exit_status;
	uint32_t pid;	     /* of this process */
	uint32_t target_pid; /* of -p and -c, 0 none */
	uint64_t start_ns;   /* CLOCK_BOOTTIME at the begin, for elapsed */
	uint64_t loops;	     /* while loops that were cut off */
	uint64_t nested;     /* events that found no scratch memory */
	uint64_t stacks;     /* stacks that there was no room for */
	uint64_t faults;     /* reads of memory that failed, where the script could not know */
	struct tick_state ticks[TICKS_MOST];
	int64_t wall_off; /* ns that the time of day is ahead of CLOCK_BOOTTIME */
	uint64_t times;	  /* for how many events script_prog.repeats runs */
	uint64_t no_spec; /* calls of speculation() that found all in use */
};
struct epoch_state {
	uint32_t epoch; /* buffers that the kernel has begun, less 1; it writes epoch % n_epochs */
	uint32_t drained; /* buffers that the reader has read and emptied */
	uint64_t late;	  /* flips that did not happen, as no buffer was free */
};

enum { GLOBALS_MAP = 0, RING_MAP = 1 };

/**
 * In the epoch of a record: that buffer still is the one in use. The reader prints what it has and
 * what is in there now, without emptying it; clear() empties it as it is.
 */
#define EPOCH_OPEN 0x80000000U

/** One program, to be loaded for one kind of attach point. */
struct script_prog {
	const char *name;		 /* for the kernel: at most 15 characters */
	struct bpf_code code;		 /* owned */
	const struct probe *probe;	 /* what it attaches to: lang/world.h */
	const struct ast_attach *attach; /* that named it; borrowed from the tree */
	/**
	 * It runs once in a period even if clocks of several CPUs call it. The kernel leaves out
	 * events that come while bpf(2) is at work on a map on the same CPU; so one clock is not
	 * enough.
	 */
	bool is_tick;
	/** It does the same for all events that have process, thread, CPU, place and name in
	 * common: counts script_globals.times of them. */
	bool repeats;
};

struct script {
	struct arena arena;
	const char *name;
	const struct ast_d *d; /* NULL: it is in bt; borrowed from the tree */
	struct script_map *maps;
	size_t n_maps;
	struct site *sites;
	size_t n_sites;
	struct bpf_map_spec *bpf_maps;
	size_t n_bpf_maps;
	struct script_prog *progs;
	size_t n_progs, cap_progs;
	const char *const *probe_names;
	size_t n_probe_names;
	uint32_t n_matched;	       /* in D: probes, for each clause */
	uint32_t epochs_off, lost_off; /* in the globals */
	/** In the globals, where there is emit(): u64 for each of @n_emit_cpus, a power of two, of
	 * events that found no room; CPU n has that of n % @n_emit_cpus. */
	uint32_t emit_lost_off, n_emit_cpus;
	uint32_t specs_off, n_specs; /* of speculations, in the globals */
	uint32_t n_ticks;
	uint32_t ring_len; /* bytes of the ring */
	int stack_map;	   /* index of the map of stacks: u64 id -> u64 frames[STACK_MOST], or -1 */
	/** Settings of `config` that the run-time follows. */
	bool print_maps_on_exit;
};

#endif
