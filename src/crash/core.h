/* SPDX-License-Identifier: MIT */
/**
 * A dead kernel, whichever it was: its memory, symbols, types, threads, stacks and messages.
 *
 * What a system must be able to do is struct crash_system; one for each is in all.c. Names, and all
 * else that a result points to, are lent until crash_close().
 */
#ifndef CRASH_CORE_H
#define CRASH_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "crash/dump/dump.h"
#include "sym/build_id.h"

struct crash_core;
struct crash_debug;
struct crash_verb;
struct ctype;
struct ctypes;

/** What an address is called. */
struct crash_symbol {
	const char *name;
	const char *module; /* NULL: the kernel itself */
	uint64_t start, size;
};

/** A number that the dump does not tell. */
#define CRASH_UNKNOWN UINT64_MAX

/** One thread. A process is the threads of one @pid; where threads are tasks, @tid is the task's.
 */
struct crash_task {
	uint64_t addr;		/* of its struct */
	int64_t pid, tid, ppid; /* @ppid -1: not known */
	const char *comm;	/* of the thread */
	char state;		/* a letter as ps(1) shows it */
	const char *state_name; /* "running", "sleeping" ... */
	int cpu;		/* where it runs or ran last; -1: not known */
	bool on_cpu;		/* it was running when the system died */
	bool is_kernel, is_idle;
	bool crashed;			       /* its CPU is the one that crashed */
	uint64_t user_ns, system_ns, start_ns; /* @start_ns since boot; or CRASH_UNKNOWN */
	uint64_t uid;			       /* or CRASH_UNKNOWN */
	uint64_t rss, vsz;		       /* bytes */
	uint64_t space; /* of its user address space, for crash_read_user(); 0: none */
};

/** Sorted by tid; @cut says why there may be more, or is NULL. */
struct crash_tasks {
	struct crash_task *all; /* owned */
	size_t n, cap;
	const char *cut;
};

void crash_tasks_fini(struct crash_tasks *t);

struct crash_frame {
	uint64_t pc, sp;
	struct crash_symbol symbol; /* .name NULL: none */
	const char *file;	    /* with a debug file; or NULL */
	unsigned line;
	bool inlined; /* it has the pc of the frame around it */
	bool exact;   /* @pc is where it was interrupted, not a return address */
	bool guessed; /* found by searching the stack */
};

enum { CRASH_FRAMES_MOST = 512 };

/** @frames are of the kernel, the innermost first. */
struct crash_stack {
	struct crash_frame *frames; /* owned */
	size_t n, cap;
	uint64_t user_pc; /* where user code goes on; 0: not known, or none */
	uint64_t user_fp; /* its frame pointer then; 0: not known */
	const char *cut;  /* why it ends early, or NULL */
};

void crash_stack_fini(struct crash_stack *s);

/** One line of the kernel's messages; @text is not ended. */
struct crash_message {
	uint64_t ns; /* since boot */
	bool has_ns;
	unsigned level; /* 0 .. 7, as syslog's */
	const char *text;
	size_t len;
};

/** The file that a kernel or a module was loaded from. */
struct crash_image {
	struct build_id id;  /* none: not known */
	uint64_t moved;	     /* how far a kernel lies from where its file says */
	const char *release; /* of the kernel, as its files are named; or NULL */
};

/** Where debug files may be taken from beside the usual places. */
struct crash_debug_options {
	const char *modules; /* a folder with those of modules; or NULL */
	bool may_fetch;	     /* from the servers of DEBUGINFOD_URLS */
};

struct crash_system {
	enum dump_system kind;
	const char *name;

	/** Whether the dump may be of this system when its format does not tell. @at: where open()
	 * is to look first for what was found; it starts as 0. */
	bool (*looks_like)(struct dump *d, uint64_t *at);
	/** Fills @c->state. @c->kernel_path: of the kernel's file, or NULL. */
	int (*open)(struct crash_core *c);
	void (*close)(struct crash_core *c);

	/** Kernel memory. -EFAULT: not mapped, without words; -ENODATA: not in the dump, whose
	 * words are dump_read()'s or of their kind. See crash_fail_read(). */
	int (*read)(struct crash_core *c, uint64_t va, void *ret, size_t n);
	/** Memory of a process. The same. */
	int (*read_user)(struct crash_core *c, const struct crash_task *t, uint64_t va, void *ret,
			 size_t n);
	/** False: there is none. */
	bool (*symbol_at)(struct crash_core *c, uint64_t addr, struct crash_symbol *ret);
	bool (*symbol_named)(struct crash_core *c, const char *name, struct crash_symbol *ret);
	/** Calls @f for each symbol until it returns other than 0, which is returned. */
	int (*each_symbol)(struct crash_core *c, int (*f)(void *arg, const struct crash_symbol *s),
			   void *arg);
	/** Of the kernel (@module NULL) or a module. False: nothing is known, and no file is
	 * sought. */
	bool (*image)(struct crash_core *c, const char *module, struct crash_image *ret);
	/** Where a section of a module was put; NULL: not known of any. */
	bool (*section)(struct crash_core *c, const char *module, const char *name, uint64_t *ret);
	/** The types of the kernel (@module NULL) or of a module; NULL: none are known. */
	struct ctypes *(*types)(struct crash_core *c, const char *module);
	/** The name of the @i-th module; NULL: there are no more. NULL itself: none are known. */
	const char *(*module)(struct crash_core *c, size_t i);

	/** Where CPU @cpu has its part of what lies at @at of per-CPU memory. -ENOENT: there is no
	 * such CPU, or that is no place in such memory; -ENODATA: not known. NULL: there is none.
	 */
	int (*percpu)(struct crash_core *c, uint64_t at, unsigned cpu, uint64_t *ret);

	int (*tasks)(struct crash_core *c, struct crash_tasks *ret);
	/** @ret is all zero or of an earlier call, whose memory is used again. */
	int (*stack)(struct crash_core *c, const struct crash_task *t, struct crash_stack *ret);
	/** Where user code of a thread was, the innermost first: at most @n addresses, of which it
	 * returns the number. -ENODATA: not known, without words. NULL: dumps have none. */
	int (*user_stack)(struct crash_core *c, const struct crash_task *t, uint64_t *ret,
			  size_t n);
	/** The file that a process has at an address, and where in it: "/bin/sh+0x1234". False:
	 * none is known. NULL likewise. */
	bool (*user_name)(struct crash_core *c, const struct crash_task *t, uint64_t addr,
			  struct strbuf *ret);
	/** Messages, the oldest first, until @f returns other than 0, which is returned. */
	int (*log)(struct crash_core *c, int (*f)(void *arg, const struct crash_message *m),
		   void *arg);

	/** What only this system can show, and what it shows its own way; ends with NULL. */
	const struct crash_verb *const *verbs;
};

struct crash_core {
	struct dump *dump; /* owned, unless @lent */
	bool lent;
	const struct dump_about *about;
	const struct crash_system *system;
	const char *kernel_path; /* borrowed; NULL: none was given */
	const char *path;	 /* of the dump's first file; borrowed likewise */
	void *state;		 /* the system's */
	uint64_t found_at; /* where in memory the system found itself; 0: not there, or not yet */
	struct crash_debug_options debug_options; /* text is borrowed */
	struct crash_debug *debug;		  /* owned; NULL: not asked yet */
	struct ctypes *types;			  /* owned: of all parts; NULL: not asked yet */
	struct ctypes *file_types;		  /* owned: of @kernel_path's DWARF, the same */
	struct arena arena;			  /* of names */
	bool ran_out; /* of memory, where that could not be told: something is missing */
};

/** All systems; ends with NULL. */
extern const struct crash_system *const crash_systems[];

/**
 * Opens the dump @paths (several: parts of one), with the kernel's file @kernel or NULL. -EBADMSG:
 * it is no dump, or its system is not understood; then words say what was found.
 */
SONDE_MUST_CHECK int crash_open(const char *const *paths, size_t n_paths, const char *kernel,
				struct crash_core **ret);

/** Opens the system of @c once more, over its dump, which is lent: nothing was read yet. */
SONDE_MUST_CHECK int crash_open_again(const struct crash_core *c, struct crash_core **ret);
void crash_close(struct crash_core *c);
SONDE_DEFINE_AUTO(struct crash_core *, crash_close)

/** Words for @r, that reading the memory at @va gave: that it is not mapped, or why it is not in
 * the dump. Others are left as they are. Returns @r. */
int crash_fail_read(int r, uint64_t va);

/** All types: the kernel's, and what it does not know its modules are asked. NULL: none are known.
 */
struct ctypes *crash_types(struct crash_core *c);
/** The type of a variable, by the file of the kernel too where one was given; -ENOENT. */
SONDE_MUST_CHECK int crash_var_type(struct crash_core *c, const char *name,
				    const struct ctype **ret);

/** Shorthands for kernel memory: numbers of 1, 2, 4 or 8 bytes, and text. As crash_system.read. */
SONDE_MUST_CHECK int crash_read_uint(struct crash_core *c, uint64_t va, unsigned size,
				     uint64_t *ret);
/** Of at most @cap - 1 bytes, always ended. Returns the length. */
SONDE_MUST_CHECK int crash_read_text(struct crash_core *c, uint64_t va, char *ret, size_t cap);

#endif
