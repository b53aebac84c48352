/* SPDX-License-Identifier: MIT */
/**
 * The state of a Linux kernel over time, from its trace: who ran where, who waited, who was in
 * which system call.
 *
 * Reads LTTng's events of any age and ftrace's. What no event has told yet is unknown; lost events
 * make unknown what they may have changed.
 */
#ifndef ANALYSIS_KERNEL_H
#define ANALYSIS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>

#include "base/u64map.h"

/** What a thread does. */
enum kernel_state {
	KERNEL_UNKNOWN,
	KERNEL_USER,	    /* runs, no system call is open */
	KERNEL_SYSCALL,	    /* runs in a system call */
	KERNEL_INTERRUPTED, /* is a CPU's current thread while that is in an interrupt or softirq */
	KERNEL_BLOCKED,
	KERNEL_WAIT_CPU,  /* could run */
	KERNEL_WAIT_FORK, /* was made and not yet woken */
	KERNEL_WAIT,	  /* waits for something else: stopped, traced, parked */
	KERNEL_GONE,
	KERNEL_N_STATES,
};

/** What a CPU does. */
enum kernel_cpu_state {
	KERNEL_CPU_UNKNOWN,
	KERNEL_CPU_IDLE,
	KERNEL_CPU_BUSY, /* runs its current thread */
	KERNEL_CPU_SOFTIRQ,
	KERNEL_CPU_IRQ,
	KERNEL_CPU_N_STATES,
};

#define KERNEL_NO_TIME INT64_MIN

enum {
	KERNEL_NAME_MOST = 16,
	KERNEL_CPUS_MOST = 1 << 14,
	KERNEL_THREADS_MOST = 1 << 20,
	KERNEL_IRQS_NESTED = 8, /* times of more are not told */
	KERNEL_VECTORS = 32,
};

struct kernel;
struct kernel_host;
struct kernel_cpu;

/** One thread; TID 0 is one a CPU. A number that is used again is another thread. */
struct kernel_thread {
	struct kernel_host *host;
	struct kernel_cpu *on;	/* runs there now; NULL: nowhere that is known */
	uint32_t index;		/* dense over all threads of the model */
	uint32_t gap;		/* the host's number of gaps when its state was last known */
	int64_t tid, pid, ppid; /* pid: of the process; -1: unknown */
	int32_t last_cpu;	/* ran there last; -1: unknown */
	int32_t prio, prio_least, prio_most;
	bool has_prio;
	bool followed; /* of a trace of some processes only: it is one of them */
	bool exiting;
	bool deep; /* when it was last blocked, that was uninterruptible */
	enum kernel_state state;
	int64_t since_ns;    /* of its state */
	uint32_t state_call; /* the call that was open when its state began; 0: none known */
	int64_t woken_ns;    /* first waking since it ran; or KERNEL_NO_TIME */
	uint32_t call;	     /* the open system call; 0: none known */
	int64_t call_ns;     /* its entry */
	int32_t wait_cpu;    /* KERNEL_WAIT_CPU: there; -1: unknown */
	struct kernel_thread *parent; /* whose call made it; NULL: unknown */
	uint32_t parent_life;	      /* that one's .life then */
	uint32_t life;		      /* which thread this is in the memory of one that is gone */
	bool is_gone;		      /* it is in the list of these .. */
	struct kernel_thread *next_gone; /* .. and who follows it */
	int64_t begin_ns, end_ns;	 /* made, and gone; or KERNEL_NO_TIME */
	char name[KERNEL_NAME_MOST];
};

struct kernel_cpu {
	struct kernel_host *host;
	uint32_t cpu;
	uint32_t index;		       /* dense over all CPUs of the model */
	struct kernel_thread *current; /* NULL: unknown */
	int64_t current_ns;	       /* since then */
	int64_t told_ns;	       /* who ran is told up to here */
	int64_t last_ns;	       /* latest event seen */
	bool behind;		       /* its events went back behind that */
	int64_t open_ns;	       /* first event since its current thread is unknown */
	bool after_gap;		       /* that was known once */
	uint32_t irqs;		       /* handlers running, one in the other */
	uint32_t softirqs, raised;     /* bit per vector: running, and raised but not yet run */
	int64_t irq_ns[KERNEL_IRQS_NESTED]; /* entries of @irqs, the outermost first */
	int32_t irq_nr[KERNEL_IRQS_NESTED]; /* -1: unknown */
	int64_t softirq_ns[KERNEL_VECTORS]; /* entries of @softirqs */
	int64_t raised_ns[KERNEL_VECTORS];  /* of @raised */
	int64_t entered_ns[KERNEL_VECTORS]; /* when what runs was raised; or KERNEL_NO_TIME */
	enum kernel_cpu_state state;
	int64_t since_ns;
	struct kernel_thread *idle; /* its TID 0 */
};

/** The handlers of one interrupt line. */
struct kernel_irq {
	int32_t nr;
	char names[60]; /* of all of them: "ahci, ens33"; empty where no event tells */
};

enum { KERNEL_DISK_MOST = 32 };

struct kernel_disk {
	uint32_t dev;
	char name[KERNEL_DISK_MOST]; /* with a 0 behind */
};

enum kernel_io_step { KERNEL_IO_INSERT, KERNEL_IO_ISSUE, KERNEL_IO_COMPLETE };
enum kernel_io_op {
	KERNEL_IO_READ,
	KERNEL_IO_WRITE,
	KERNEL_IO_DISCARD,
	KERNEL_IO_FLUSH,
	KERNEL_IO_OTHER,
	KERNEL_IO_N_OPS,
};

/** One step of a block request. */
struct kernel_io {
	enum kernel_io_step step;
	enum kernel_io_op op;
	uint32_t dev;
	int64_t sector, n_sectors, bytes;
	int64_t at_ns;
	const struct kernel_thread
		*thread; /* who did it; or whom a completion interrupts; or NULL */
};

/** One step of a wait for a lock of the kernel. */
struct kernel_lock {
	bool is_end;
	uint64_t addr;
	uint32_t flags; /* at the begin: lock_flags of the kernel's trace/events/lock.h */
	int64_t ret;	/* at the end: 0, or a negative errno where it was not taken */
};

/** One kernel: that of one trace. */
struct kernel_host {
	const struct sonde_trace *trace;
	struct kernel_cpu **cpus; /* owned array, NULL where a CPU has shown nothing */
	size_t n_cpus, cap_cpus;
	struct kernel_thread ***pages;	  /* owned: threads by tid; NULL where there are none */
	struct u64map odd;		  /* tids that no kernel gives -> number of .. */
	struct kernel_thread **odd_slots; /* owned */
	size_t n_odd, cap_odd;
	struct u64map begin_of; /* class of streams and CPU -> .. */
	int64_t *begins;	/* owned: since when there is all of these, or KERNEL_NO_TIME */
	size_t n_begins, cap_begins;
	bool begins_late;	 /* gaps of CPUs that were not known yet: none of these holds */
	uint32_t gap;		 /* how many gaps touched it */
	int64_t first_ns;	 /* first event of its trace; KERNEL_NO_TIME: none yet */
	int64_t last_ns;	 /* latest event of its trace */
	bool partial;		 /* only some processes were recorded: of others nothing is told */
	bool has_migrate;	 /* its trace tells migrations by events of their own */
	bool calls_own;		 /* events of calls tell the thread that made them */
	int abi;		 /* whose system call numbers; enum syscall_abi */
	struct kernel_irq *irqs; /* owned */
	size_t n_irqs, cap_irqs;
	struct kernel_disk *disks; /* owned: those that have a name */
	size_t n_disks, cap_disks;
};

/**
 * What an analysis wants to hear; any may be NULL. Times are cut to the window; a call, wait or
 * migration counts where it ends.
 */
struct kernel_watch {
	/**
	 * Nobody asks for threads that are gone: their memory and .index become others', so that
	 * memory does not grow with the trace. kernel_parent() tells whether a .parent is still it.
	 */
	bool forgets;
	/** @t, also an idle thread, was @c's current one all of that time. */
	void (*ran)(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		    int64_t begin_ns, int64_t end_ns);
	void (*cpu)(void *arg, const struct kernel_cpu *c, enum kernel_cpu_state state,
		    int64_t begin_ns, int64_t end_ns);
	void (*state)(void *arg, const struct kernel_thread *t, enum kernel_state state,
		      int64_t begin_ns, int64_t end_ns);
	/** @t left a CPU at @at_ns, in state KERNEL_WAIT_CPU if it could have gone on. */
	void (*left)(void *arg, const struct kernel_thread *t, int64_t at_ns);
	/** @t was woken at @begin_ns and got its CPU at @end_ns. */
	void (*woken)(void *arg, const struct kernel_thread *t, int64_t begin_ns, int64_t end_ns);
	void (*migrated)(void *arg, const struct kernel_thread *t, int64_t at_ns);
	void (*call)(void *arg, const struct kernel_thread *t, uint32_t call, int64_t begin_ns,
		     int64_t end_ns, int64_t ret);
	/**
	 * @t, which waited, could run again from @at_ns on; told once until it runs. What runs on
	 * @c did that: its interrupt or softirq, or else its current thread.
	 */
	void (*waking)(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		       int64_t at_ns);
	/**
	 * @next gets @c from @prev (NULL: unknown). @prev's .state is what it is from now on,
	 * @next's what it was, as it was .since_ns.
	 */
	void (*switched)(void *arg, const struct kernel_cpu *c, const struct kernel_thread *prev,
			 const struct kernel_thread *next, int64_t at_ns);
	/** A handler of interrupt @nr ran on @c. */
	void (*irq)(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		    int64_t end_ns);
	/** A softirq ran; raised at @raised_ns, or KERNEL_NO_TIME. */
	void (*softirq)(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
			int64_t begin_ns, int64_t end_ns);
	/**
	 * The next five are of any time, and told of what events say alone: also where that does
	 * not agree with what is known of the thread. @e: what tells it, with fields of its own.
	 *
	 * @t makes @call; some recordings have two events for that.
	 */
	void (*entered)(void *arg, const struct kernel_thread *t, uint32_t call,
			const struct sonde_event *e);
	/** @t comes back from its call; @call is 0 where the event does not say from which. */
	void (*returned)(void *arg, const struct kernel_thread *t, uint32_t call, int64_t ret,
			 const struct sonde_event *e);
	/** @t is taken off its CPU; its .state is what it is from now on. */
	void (*off)(void *arg, const struct kernel_thread *t, const struct sonde_event *e);
	/** What runs on @c wakes @t: sched_waking, or where the trace has none, sched_wakeup. */
	void (*roused)(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		       const struct sonde_event *e);
	/** @t, which waits for a lock of the kernel, begins to do so, or ended that. */
	void (*lock)(void *arg, const struct kernel_thread *t, const struct kernel_lock *l,
		     const struct sonde_event *e);
	/** A block request goes on. Of any time. */
	void (*io)(void *arg, const struct kernel_cpu *c, const struct kernel_io *io);
	/** @t was made: its .parent is who did that. Of any time. */
	void (*born)(void *arg, const struct kernel_thread *t, int64_t at_ns);
	/** @t's .pid is known, or another one. Of any time. */
	void (*joined)(void *arg, const struct kernel_thread *t);
	/** @t has another .name, or its first. Of any time. */
	void (*named)(void *arg, const struct kernel_thread *t, int64_t at_ns);
	/** @t is not any more. Of any time. */
	void (*gone)(void *arg, const struct kernel_thread *t, int64_t at_ns);
};

/** What was missing or did not fit. */
struct kernel_doubts {
	uint64_t lost_events, lost_packets; /* counts where the gaps told them */
	uint64_t gaps;			    /* that touched a state */
	uint64_t backward;		    /* steps back in time */
	uint64_t mismatches;   /* a CPU's events contradicted its state: something is missing */
	uint64_t calls_broken; /* exits of another call than the open one */
	uint64_t calls_open;   /* open at the end; from kernel_finish() on */
	uint64_t no_cpu;       /* events whose packets name no CPU */
	uint64_t threads_over; /* beyond KERNEL_THREADS_MOST */
};

/** @watch and @arg are borrowed. Only [from_ns, to_ns] is told; what is before sets states. */
SONDE_MUST_CHECK int kernel_new(const struct kernel_watch *watch, void *arg, int64_t from_ns,
				int64_t to_ns, struct kernel **ret);
void kernel_free(struct kernel *k);

/** Takes events in order of time. 1: they are behind the window; or -ENOMEM. */
SONDE_MUST_CHECK int kernel_consume(struct kernel *k, const struct sonde_batch *b);

/** Tells what is still going on, up to the window's end. */
void kernel_finish(struct kernel *k);

/** The part of the window that has events. -ENODATA: none has. */
SONDE_MUST_CHECK int kernel_span(const struct kernel *k, int64_t *ret_begin_ns,
				 int64_t *ret_end_ns);

const struct kernel_doubts *kernel_doubts(const struct kernel *k);

/** Who made @t; NULL: unknown, or forgotten. */
static inline const struct kernel_thread *kernel_parent(const struct kernel_thread *t)
{
	return t->parent && t->parent->life == t->parent_life ? t->parent : NULL;
}

/** Whether any event of the traces told of such a thing. */
enum kernel_source {
	KERNEL_HAS_SWITCH = 1,
	KERNEL_HAS_WAKING = 2,
	KERNEL_HAS_CALLS = 4,
	KERNEL_HAS_IRQ = 8,
	KERNEL_HAS_SOFTIRQ = 16,
	KERNEL_HAS_RAISE = 32,
	KERNEL_HAS_IO = 64,
	KERNEL_HAS_LOCK = 128,
};
unsigned kernel_sources(const struct kernel *k);
/** The same, and of what the traces were made to tell, whether or not it ever happened. */
unsigned kernel_recorded(const struct kernel *k);

/**
 * The thread @tid of @trace's host, met or made, for events that no rule is of; @pid, if that is
 * not negative, is its process. NULL: the number is none, or there is no room.
 */
const struct kernel_thread *kernel_thread_met(struct kernel *k, const struct sonde_trace *trace,
					      int64_t tid, int64_t pid);

/** All threads by index, and all CPUs; lent until the next kernel_consume(). */
size_t kernel_threads(const struct kernel *k, struct kernel_thread *const **ret);
size_t kernel_cpus(const struct kernel *k, struct kernel_cpu *const **ret);
size_t kernel_hosts(const struct kernel *k, struct kernel_host *const **ret);

/** The names of an interrupt's handlers; "" where nothing told them. Lent likewise. */
const char *kernel_irq_names(const struct kernel_host *h, int32_t nr);

/** "sda", or the numbers of what has no name: "8:0". */
void kernel_disk_name(const struct kernel_host *h, uint32_t dev, char ret[KERNEL_DISK_MOST]);

/** System calls are numbered from 1 as they are met; of all hosts together, by name. */
size_t kernel_n_calls(const struct kernel *k);
const char *kernel_call_name(const struct kernel *k, uint32_t call);

#endif
