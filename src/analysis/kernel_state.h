/* SPDX-License-Identifier: MIT */
/** The kernel model's inside: what the rules (kernel_rules.c) do to its state (kernel.c). */
#ifndef ANALYSIS_KERNEL_STATE_H
#define ANALYSIS_KERNEL_STATE_H

#include "analysis/kernel.h"
#include "base/arena.h"
#include "model/bits.h"
#include "model/field.h"
#include "sym/syscall_names.h"

enum { KERNEL_FIELDS_MOST = 8, KERNEL_CALLS_MOST = 4096, KERNEL_NRS_MOST = 1024 };

struct kernel_event;
struct kernel_stream;
typedef void kernel_handle(struct kernel *k, const struct kernel_event *ev,
			   const struct sonde_event *e, struct kernel_cpu *c);

/** What an event does, by all its names, and the names of its fields; the first found wins. */
struct kernel_rule {
	const char *names[4];
	kernel_handle *handle;
	unsigned source; /* enum kernel_source */
	unsigned n_need; /* without the first so many fields it is another's event */
	const char *fields[KERNEL_FIELDS_MOST][2];
};

/** Those of block requests. */
const struct kernel_rule *kernel_io_rules(size_t *ret_n);
/** Takes the names of disks that the trace's environment tells: "254:0=vda 254:1=vda1". */
void kernel_disks_told(struct kernel *k, struct kernel_host *h);

/** Those of locks. */
const struct kernel_rule *kernel_lock_rules(size_t *ret_n);

/** A field of fixed place, for a load without a walk; @len 0: it has none, ask field_int(). */
struct kernel_int {
	uint32_t off; /* bits from the begin of its scope */
	uint8_t len;
	bool is_signed, big_endian;
	bool in_context; /* the stream's event context; else the payload */
};

/** What the model does with one event class; found once. */
struct kernel_event {
	kernel_handle *handle; /* NULL: nothing */
	bool own;	       /* only threads that are followed make such events */
	bool aside;	       /* tells nothing of the CPU that it is of */
	bool echo;	       /* a wake-up that another event has told before */
	struct kernel_host *host;
	struct kernel_int ints[KERNEL_FIELDS_MOST];
	struct kernel_int current_int;
	struct field_ref fields[KERNEL_FIELDS_MOST];
	struct field_ref current; /* the tid of who ran, where each event tells it */
	uint32_t second;	  /* bit per field: found under its second name, ftrace's */
	uint32_t call;		  /* which system call the class is of; 0: its id tells */
	const char *call_name;	  /* its name, lent by the class; NULL: its id tells */
	enum syscall_abi abi;	  /* of that id */
	bool compat;		  /* it is of a program of another ABI than the kernel's */
};

struct kernel {
	const struct kernel_watch *watch;
	void *arg;
	int64_t from_ns, to_ns;	   /* the window */
	int64_t first_ns, last_ns; /* of the events, as far as they are not behind it */
	bool some;
	bool beyond; /* an event behind the window was seen */
	int err;     /* -ENOMEM once there was none */
	unsigned sources;
	struct kernel_doubts doubts;
	struct arena arena; /* threads, CPUs, hosts, events, names */
	struct kernel_event **by_class;
	size_t cap_class;
	struct kernel_host **hosts;
	size_t n_hosts, cap_hosts;
	struct kernel_thread **threads;
	size_t n_threads, cap_threads;
	struct kernel_thread *first_gone, *last_gone; /* oldest first */
	size_t n_gone;
	struct kernel_cpu **cpus;
	size_t n_cpus, cap_cpus;
	const char **calls; /* by call - 1 */
	size_t n_calls, cap_calls;
	uint32_t by_nr[SYSCALL_N_ABIS][KERNEL_NRS_MOST]; /* call of a number, 0: not yet met */
	struct kernel_stream *streams;			 /* owned; by index */
	size_t cap_streams;
};

/** A stream of events. */
struct kernel_stream {
	struct kernel_cpu *cpu; /* which CPU its events were of; NULL: none told anything */
	uint32_t begin;		/* number in the host's .begins, plus 1; 0: not met yet */
};

/** Where [begin] of the packets of @cls and @cpu is in the host's .begins; NULL: not known. */
int64_t *kernel_begin(const struct kernel_host *h, const struct sonde_stream_class *cls,
		      uint32_t cpu);
/** The first event of a stream, or the first of a CPU in it: notes since when there is all. */
void kernel_begin_note(struct kernel *k, struct kernel_host *h, const struct sonde_packet *p,
		       int64_t ts_ns);

/** The integer at @f, or where that has none at @slow. False, *ret untouched: it is not there. */
static inline bool kernel_int(const struct sonde_event *e, const struct kernel_int *f,
			      const struct field_ref *slow, int64_t *ret)
{
	const struct sonde_packet *p = e->u.pkt;
	const uint64_t at = e->at + (f->in_context ? e->context : e->payload) + f->off;

	if (__builtin_expect(!f->len || at + f->len > p->n_bits, 0))
		return field_int(e, slow, ret);
	const uint64_t v = bits_u64(p->data, at, f->len, f->big_endian);
	*ret = f->is_signed ? bits_sign(v, f->len) : (int64_t)v;
	return true;
}

/** What to do with the events of @cls; NULL: out of memory. */
const struct kernel_event *kernel_resolve(struct kernel *k, const struct sonde_event_class *cls);

/** The host of a trace, made when first asked for; NULL: out of memory. */
struct kernel_host *kernel_host(struct kernel *k, const struct sonde_trace *trace);

/** Where the thread of a number is, or NULL; and made where it is not, NULL: out of memory. */
struct kernel_thread **kernel_tid(const struct kernel_host *h, int64_t tid);
struct kernel_thread **kernel_tid_make(struct kernel_host *h, int64_t tid);
void kernel_tids_fini(struct kernel_host *h);

/** A thread by number; tid 0 is @c's. NULL: no room, counted. */
struct kernel_thread *kernel_thread(struct kernel *k, struct kernel_cpu *c, int64_t tid);
/** The same, or NULL if it has not been met. */
struct kernel_thread *kernel_thread_known(struct kernel_host *h, struct kernel_cpu *c, int64_t tid);
/** A new thread of that number; an earlier one is gone. NULL likewise. */
struct kernel_thread *kernel_thread_born(struct kernel *k, struct kernel_host *h, int64_t tid);
/** @t takes over the number @tid, and its former bearer is gone. */
void kernel_thread_renumber(struct kernel *k, struct kernel_thread *t, int64_t tid);

void kernel_thread_set(struct kernel *k, struct kernel_thread *t, enum kernel_state s, int64_t now);
void kernel_thread_name(struct kernel *k, struct kernel_thread *t, struct sonde_span name);
/** @t is of process @pid. */
void kernel_thread_join(struct kernel *k, struct kernel_thread *t, int64_t pid);
/** @parent, or NULL where that is not known, made @t now, which waits for its first wake-up. */
void kernel_thread_made(struct kernel *k, struct kernel_thread *t, struct kernel_thread *parent,
			int64_t now);
void kernel_thread_prio(struct kernel_thread *t, int64_t prio);

/**
 * Nothing has told who ran on @c, and now @e takes @t off it: so @t was there since the packet's
 * begin, or since the first event behind a gap, as every switch is an event.
 */
void kernel_cpu_deduce(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t,
		       const struct sonde_event *e);

/** @t gets the CPU; its former thread is off it already. */
void kernel_cpu_enter(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t, int64_t now);
/** The current thread leaves at @now. */
void kernel_cpu_leave(struct kernel *k, struct kernel_cpu *c, int64_t now);
/** Who runs on @c is not known any more; what was known holds up to @until. */
void kernel_cpu_forget(struct kernel *k, struct kernel_cpu *c, int64_t until);
/** @t (NULL: no memory for it) is on the CPU, to which no event has told that it came. */
void kernel_cpu_correct(struct kernel *k, struct kernel_cpu *c, struct kernel_thread *t,
			int64_t now);
/** Follows a change of current thread, interrupts or softirqs. */
void kernel_cpu_update(struct kernel *k, struct kernel_cpu *c, int64_t now);

/** Handlers of interrupt @nr (-1: unknown) and softirqs come and go; exits alone tell nothing. */
void kernel_irq_enter(struct kernel *k, struct kernel_cpu *c, int32_t nr, int64_t now);
void kernel_irq_leave(struct kernel *k, struct kernel_cpu *c, int32_t nr, int64_t now);
void kernel_softirq_raise(struct kernel_cpu *c, unsigned vec, int64_t now);
void kernel_softirq_enter(struct kernel *k, struct kernel_cpu *c, unsigned vec, int64_t now);
void kernel_softirq_leave(struct kernel *k, struct kernel_cpu *c, unsigned vec, int64_t now);
/** A handler's name, kept once. */
void kernel_irq_name(struct kernel *k, struct kernel_host *h, int32_t nr, struct sonde_span name);

/** Tells the watcher, if that is inside the window. */
void kernel_waking(struct kernel *k, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t now);
void kernel_left(struct kernel *k, const struct kernel_thread *t, int64_t now);
void kernel_woken(struct kernel *k, const struct kernel_thread *t, int64_t now);
void kernel_switched(struct kernel *k, const struct kernel_cpu *c, const struct kernel_thread *prev,
		     const struct kernel_thread *next, int64_t now);
void kernel_migrated(struct kernel *k, const struct kernel_thread *t, int64_t now);
void kernel_called(struct kernel *k, const struct kernel_thread *t, int64_t now, int64_t ret);

/** The number of a call's name; 0 without memory. Beyond KERNEL_CALLS_MOST: that of "other". */
uint32_t kernel_call(struct kernel *k, const char *name);
/** The call of a number. */
uint32_t kernel_call_nr(struct kernel *k, enum syscall_abi abi, int64_t nr);

void kernel_gap(struct kernel *k, const struct sonde_event *e);

#endif
