/* SPDX-License-Identifier: MIT */
/**
 * Generates programs from a checked tree. One struct gen lives for a whole script; the middle part
 * of it is of the program that is being made.
 *
 * A program:
 *
 *	jump prologue
 *	body:	 predicate, statements
 *	exit:	 return 0
 *	prologue: exit() was called? which system call? scratch memory, the loops' frame; jump body
 *
 * Bodies of loops are functions of their own that the kernel calls back. They are given the address
 * of the frame, a stack object of the program, where they find the context and the scratch memory.
 * In the latter are the variables that they share with the code around them: of what lies on the
 * stack the verifier knows what it may be, and would follow a loop round by round.
 */
#ifndef LANG_GEN_H
#define LANG_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/u64map.h"
#include "bpf/fn.h"
#include "lang/check/check.h"
#include "lang/gen/script.h"

/** Which way memory is read. */
enum space {
	SP_BPF,	    /* the program's own: stack, map values, records */
	SP_CTX,	    /* the context, at a fixed offset */
	SP_TRUSTED, /* kernel memory behind a pointer that the verifier knows */
	SP_KERNEL,
	SP_USER,
	SP_ANY, /* by the address */
};

struct place {
	enum space space;
	struct val base;
	int64_t off;
	bool raw; /* bytes as the kernel has them: behind a string's end is anything */
};

static inline struct place place_at(enum space space, struct val base, int64_t off)
{
	return (struct place){ .space = space, .base = base, .off = off };
}

/** Where a variable is. */
enum home_kind { HOME_NONE, HOME_REG, HOME_SLOT, HOME_SCRATCH };
struct home {
	enum home_kind kind;
	struct val val; /* HOME_REG, HOME_SLOT */
	int64_t off;	/* HOME_SCRATCH */
	int fn;		/* the function that has it */
};

/** What lies in the frame. */
enum { FRAME_CTX = 0, FRAME_SCRATCH = 8, FRAME_LEAVE = 16, FRAME_LEN = 24 };

/** A loop or function that code is inside of. */
struct loop {
	int l_break, l_continue;
	bool is_callback; /* leave by returning 1 and 0 */
};

/** A map that this straight run of statements has moved on to its next buffer. */
struct flipped {
	const struct map_info *map;
	struct val epoch;
	struct flipped *next;
};

/** Where the current thread's value of a STORE_TASK is, or 0 if it was not found so far. */
struct task_value {
	const struct script_map *map;
	struct val at;
	struct task_value *next;
};

/** The record of a clause of D that is being made: what it prints, in one piece. */
struct clause {
	struct site_part *parts; /* owned */
	size_t n_parts, cap_parts;
	uint32_t len;	  /* of the record so far */
	struct val some;  /* a variable: 1 where some part was made */
	struct val exits; /* the same: exit() was called */
	bool is_split;	  /* records go out one by one, and the reader acts on each at once */
	bool speculates;
	struct val spec; /* then: a variable, the mark of the speculation, 0 none */
	int l_none;	 /* the clause's end, where there is no such speculation */
};

/** What a clause of D does where it cannot read memory. */
struct fault {
	int label; /* goes there; -1: nothing does so far */
};

/** What strtok() has of its string in a program. */
struct strtok_state {
	bool is_used;
	int64_t text; /* in scratch memory */
	struct home pos;
};

struct gen {
	struct check *check;
	struct script *script;
	struct diag *diag;
	struct arena *arena; /* the script's */
	size_t cap_sites, cap_bpf_maps, cap_names;
	const char **names;	/* of probes; owned until the end */
	struct u64map by_names; /* their indices, by the hash of their text; likewise */
	struct strbuf rodata;
	int rodata_map; /* index, or -1 */
	int zeros_off;	/* of STR_LEN_MOST.. zeros in rodata; -1: none */
	uint32_t zeros_len;
	bool busy;   /* events may send many records: they need room until the reader is there */
	bool failed; /* out of memory */

	struct unit *unit;
	struct fn *f; /* the function that code goes to */
	const struct ast_probe *probe;
	const struct probe *point;
	const struct ast_attach *attach; /* that named the point */
	uint32_t probe_name;		 /* index */
	int64_t call_table;	/* in rodata: names of system calls' places; -1: none so far */
	int64_t part_tables[5]; /* the same for the parts of D's names, and all of it */
	struct val ctx;		/* of the program itself */
	int l_exit, l_out;	/* gives scratch memory back; leaves as it is */
	int scratch_map;	/* -1: none so far */
	int clause_map;		/* for each CPU a clause's record; -1: none so far */
	uint32_t clause_len;	/* of the longest */
	struct val clause_mem;	/* its address */
	struct clause *clause;	/* NULL: records go out one by one */
	struct fault *fault; /* of the clause that is being made; NULL: what cannot be read is 0 */
	bool may_fault;	     /* the expression that is being made may */
	struct val fault_kind, fault_addr; /* variables: of the last clause's fault */
	uint32_t scratch_len;
	bool shares_cpu;    /* another thread may run the same program on this CPU meanwhile */
	struct val scratch; /* in the program itself */
	bool has_frame;
	struct val frame; /* VAL_SLOT, or a callback's argument */
	struct loop *loop;
	struct flipped *flipped;
	struct task_value *task_values; /* of the program itself */
	bool in_callback;
	struct strtok_state strtok;
	bool repeats;	     /* the program may run once for several events */
	uint32_t n_stmts;    /* made so far */
	struct home nowhere; /* of variables, without memory */
};

/** Adds to the tables of the script; -1 after running out of memory. */
int gen_bpf_map(struct gen *g, const struct bpf_map_spec *spec);
int gen_site(struct gen *g, enum site_kind kind, const struct ast *call);
/** An offset in the read-only data, aligned to 8. */
int64_t gen_rodata(struct gen *g, const void *data, size_t len);
struct val gen_rodata_val(struct gen *g, const void *data, size_t len);
struct val gen_rodata_at(struct gen *g, int64_t off);
/** The index of @name, which is lent, among the names of probes, one for each text; -ENOMEM. */
int gen_probe_name(struct gen *g, const char *name);
/** The address of @len zeros. */
struct val gen_zeros(struct gen *g, uint32_t len);
/** Memory of the program: stack if small, else scratch. Not zeroed. */
struct val gen_temp(struct gen *g, uint32_t len);
/** Memory that is never on the stack. */
struct val gen_scratch(struct gen *g, uint32_t len);
struct val gen_scratch_at(struct gen *g, int64_t off);
/** The frame of this program, made when first needed. */
struct val gen_frame(struct gen *g);
/** The program's context, also inside of loops. */
struct val gen_ctx(struct gen *g);
/** Leaves the program: exit(), return. */
void gen_leave(struct gen *g);
/** One more in a counter of the globals, or what gen_times() says. */
void gen_count(struct gen *g, size_t off);
void gen_count_lost(struct gen *g, int site);

/* speculate.c */
/** speculation(): the number of one that is to be had; 0: none is. */
struct val gen_speculation(struct gen *g);
/** speculate(): what the clause prints belongs to that from here on. */
void gen_speculate(struct gen *g, struct ast *x);
/** commit() and discard(). */
void gen_spec_end(struct gen *g, struct ast *x, enum site_kind kind);

/* repeat.c */
/**
 * Whether a program of @p does the same for all events that have process, thread, CPU, place and
 * name in common, and that is to count.
 */
bool gen_may_repeat(const struct gen *g, const struct ast_probe *p);
/** For how many events it runs. */
struct val gen_times(struct gen *g);

/* syscall.c */
/** Leaves the program for calls that the point does not name. */
void gen_filter_syscalls(struct gen *g, int l_exit);
/** The index of the place's name. */
struct val gen_place_name(struct gen *g);

/** The index of a part of the place's name in D: 0 (provider) to 3, or 4 for all of it. */
struct val gen_place_part(struct gen *g, unsigned part);
/** The index of a text among the names, the same for the same text; -1 after a failure. */
int gen_name(struct gen *g, const char *text, size_t len);

/* clause.c */
void gen_clause(struct gen *g, struct ast *s);
/** Room for a record of @site in the clause's. */
struct val gen_clause_part(struct gen *g, int site);
/** @got was negative: leaves the clause, if the expression that is being made may do that. */
void gen_fault_if_failed(struct gen *g, struct val got, struct val addr);
/** The same where @divisor is 0. */
void gen_fault_if_zero(struct gen *g, struct val divisor);
void gen_clause_exit(struct gen *g, struct ast *status);

/* maps.c */
void gen_maps(struct gen *g);
struct script_map *gen_map(struct gen *g, const struct map_info *m);
/** print() of it goes on to the next buffer: nobody else needs what is in there. */
bool gen_map_flips(const struct map_info *m);
/** The kernel's map to use now: a constant, or what the epoch says (jumps to @l_none without). */
struct val gen_map_now(struct gen *g, const struct script_map *m, int l_none);
/** The key of @x (AST_MAP) in memory. */
struct val gen_key(struct gen *g, const struct script_map *m, struct ast *keys);
/** The value's address or 0 in a variable. */
struct val gen_lookup(struct gen *g, const struct map_info *m, struct ast *keys);
/** The same, but a zeroed value is put in where there is none; goes to @l_full if that fails. */
struct val gen_lookup_make(struct gen *g, const struct map_info *m, struct ast *keys, int l_full);
/** @tell: the result is 1 where the key was there, 0 where it was not; else it means nothing. */
struct val gen_map_delete(struct gen *g, const struct map_info *m, struct ast *keys, bool tell);
/** Of the program's begin: no value of the thread was looked up so far. */
void gen_forget_task_values(struct gen *g);
void gen_map_assign(struct gen *g, struct ast *s);
void gen_map_step(struct gen *g, struct ast *x, struct val *ret);
struct val gen_map_read(struct gen *g, struct ast *x);
struct val gen_map_len(struct gen *g, const struct map_info *m);

/* agg.c */
void gen_agg(struct gen *g, const struct map_info *m, struct ast *keys, struct ast *call);
/** The number of @v's highest bit. */
struct val gen_log2(struct gen *g, struct val v);
/** Adds @by to bucket @i of @n. */
void gen_bucket(struct gen *g, struct val p, struct val i, uint32_t n, struct val by);
struct val gen_agg_read(struct gen *g, const struct map_info *m, struct ast *keys);
/** Sum over CPUs of the key at @key. */
struct val gen_agg_sum(struct gen *g, const struct script_map *m, struct val map, struct val key);

/* agg_d.c: aggregations of D; @p is the value, @v a variable */
void gen_quantize(struct gen *g, const struct type *t, struct val p, struct val v, struct val by);
void gen_llquantize(struct gen *g, const struct type *t, struct val p, struct val v, struct val by);
void gen_stddev(struct gen *g, struct val p, struct val v);

/* expr.c */
struct val gen_scalar(struct gen *g, struct ast *x);
/** Goes to @l_no if @x is 0 (or "", or empty). */
void gen_branch(struct gen *g, struct ast *x, int l_no);

/* value.c */
struct val gen_builtin(struct gen *g, struct ast *x);
struct val gen_call_scalar(struct gen *g, struct ast *x);
void gen_call_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t);
/** The number of the thread, or of its process. */
struct val gen_process_id(struct gen *g, bool thread);

/* stack.c */
void gen_stack(struct gen *g, const struct type *t, struct val dst, int64_t off);
/** The second frame of a stack: who called the function. 0: there is none. */
struct val gen_caller(struct gen *g, bool user);

/* memory.c */
bool type_in_memory(const struct type *t);
/** Where a value in memory is; it is made there if it is nowhere so far. */
struct place gen_place(struct gen *g, struct ast *x);
struct val gen_load_place(struct gen *g, const struct place *p, const struct type *t);
/** A bit field; @p is where the byte of its first bit is. */
struct val gen_load_bits(struct gen *g, const struct place *p, const struct cmember *m,
			 const struct type *t);
/** Writes the value of @x as a @t. Bytes behind strings are zeroed if @pad. */
void gen_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t,
	      bool pad);
/** The same of a value of type @is that lies at @from. */
void gen_convert(struct gen *g, const struct place *from, const struct type *is, struct val dst,
		 int64_t off, const struct type *t);
/** A field of the event that is a number. */
struct val gen_field(struct gen *g, const struct probe_field *f);

/* part.c */
/** What lies within a field of the event: a number, or the address of a text. */
struct val gen_part(struct gen *g, const struct ast *x);
/** It lies so: gen_place() of a number is the number itself. */
static inline bool ast_is_part(const struct ast *x)
{
	return x->part && x->part->place == FIELD_PART;
}
/** Copies @len bytes from anywhere. */
void gen_read(struct gen *g, const struct place *from, struct val dst, int64_t off, uint32_t len);
void gen_store_scalar(struct gen *g, struct val v, struct val dst, int64_t off,
		      const struct type *t);
/** The string at address @addr, of at most @size bytes with the 0; its bytes are zeroed before. */
void gen_read_str(struct gen *g, enum space space, struct val addr, struct val dst, int64_t off,
		  struct val size, uint32_t room);
/** A text as a @t; bytes behind it are zeroed if @pad. */
void gen_str_literal(struct gen *g, const char *text, size_t len, struct val dst, int64_t off,
		     const struct type *t, bool pad);
/** A value's own address in the program's memory, copied there if need be. */
struct val gen_mem(struct gen *g, struct ast *x, const struct type *t);
enum space gen_space(const struct type *ptr);

/* string.c */
struct val gen_str_equal(struct gen *g, struct ast *a, struct ast *b, uint32_t most);
struct val gen_str_contains(struct gen *g, struct ast *a, struct ast *b);

/** @x in scratch memory, where a function that is called back finds it, too: the offset there. */
int64_t gen_str_scratch(struct gen *g, struct ast *x);
/** Goes to @l_no where place @i of the hay is not the begin of the needle at @needle. */
void gen_str_match(struct gen *g, struct val i, int64_t hay, uint32_t hay_len, int64_t needle,
		   uint32_t len, int l_no);

/* string_d.c, task_d.c: functions of D */
/** Below, equal to or above 0, as the one string comes before the other. */
struct val gen_str_order(struct gen *g, struct ast *a, struct ast *b);
struct val gen_d_scalar(struct gen *g, struct ast *x);
void gen_d_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t);
/** The text of a name of the probe, @x of TYPE_PROBE, as a string. */
void gen_name_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t);
void gen_psargs(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t);
/** The path of a file or folder: file_path(), file_mount(), task_dir(). */
void gen_path(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t);
/** The register at @off in the registers of the program. */
struct val gen_user_register(struct gen *g, int64_t off);
struct val gen_task_pid(struct gen *g, struct val task, bool thread);
struct val gen_task_cpu(struct gen *g, struct val task);
struct val gen_progenyof(struct gen *g, struct ast *x);

/* output.c */
void gen_printf(struct gen *g, struct ast *x, enum site_kind kind);
void gen_output_call(struct gen *g, struct ast *x);
/** print(), clear() or zero() of a whole map, told to the reader. */
void gen_map_record(struct gen *g, struct ast *x, enum site_kind kind);
/** skboutput(): a packet's bytes into a record. */
struct val gen_packet(struct gen *g, struct ast *x);
void gen_exit_call(struct gen *g, struct ast *status);
/** Lays out the arguments of @site behind @off bytes of the payload, each aligned to 8. */
void gen_lay_out(struct gen *g, int site, uint32_t off, const struct type *const *types,
		 uint32_t n);
/** Values of an argument that needs memory or may leave are made before there is a record. */
bool gen_comes_first(const struct ast *x);

/* emit.c */
void gen_emit(struct gen *g, struct ast *x);

/* stmt.c */
void gen_stmt(struct gen *g, struct ast *s);
void gen_call_stmt(struct gen *g, struct ast *x);
struct home *gen_home(struct gen *g, struct var *v);
/** Memory for a number that the bodies of loops see, too. */
struct home gen_shared(struct gen *g);
/** A number's value, and a new one. */
struct val gen_home_load(struct gen *g, const struct home *h);
/** @x as @v can hold it, which may have been declared as a small number. */
struct val gen_narrow(struct gen *g, const struct var *v, struct val x);
void gen_home_store(struct gen *g, const struct home *h, struct val v);
/** What ++ adds to a value of @t. */
int64_t gen_step_of(const struct type *t);
/** Gives variables of the whole probe their homes, and zeroes those that may be read first. */
void gen_prepare_vars(struct gen *g);

/* walk.c */
/** Whether evaluating @x changes some variable, or reads @v. */
bool gen_changes(const struct ast *x);
bool gen_reads(const struct ast *x, const struct var *v);

/* loop.c */
/** What must be put back behind a function that the kernel calls back. */
struct outer {
	struct fn *f;
	struct loop *loop;
	struct val frame;
	bool in_callback;
};
/** Code goes to a new function of @n_args arguments from here on; @frame_arg is the frame. */
struct outer gen_enter(struct gen *g, unsigned n_args, unsigned frame_arg, struct loop *loop);
/** Ends it: at l_continue with 0, at l_break with 1, which ends a loop. Returns its index. */
int gen_return(struct gen *g, const struct outer *o, struct loop *loop);
void gen_for(struct gen *g, struct ast *s);
void gen_while(struct gen *g, struct ast *s);

/** Makes the program of one probe for one point, which @ap named. -EINVAL: told; -ENOMEM. */
SONDE_MUST_CHECK int gen_program(struct gen *g, const struct ast_probe *p,
				 const struct ast_attach *ap, const struct probe *point);

#endif
