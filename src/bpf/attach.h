/* SPDX-License-Identifier: MIT */
/** Programs to events of the kernel. Whatever is attached goes away with its descriptors. */
#ifndef BPF_ATTACH_H
#define BPF_ATTACH_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

enum attach_kind {
	ATTACH_NONE,   /* run by bpf_run_once(): BEGIN, END, self:signal */
	ATTACH_RAW_TP, /* @name: BPF_PROG_TYPE_RAW_TRACEPOINT */
	ATTACH_TP_BTF, /* BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP; its id was given when loading */
	ATTACH_TRACEPOINT, /* @group, @name, by perf: BPF_PROG_TYPE_TRACEPOINT */
	ATTACH_KPROBE,	   /* @name + @off: BPF_PROG_TYPE_KPROBE, by perf */
	ATTACH_KRETPROBE,
	ATTACH_FENTRY, /* BPF_PROG_TYPE_TRACING, as given when loading */
	ATTACH_FEXIT,
	ATTACH_UPROBE, /* @path, @off (a file offset), @ref_ctr_off (of an USDT semaphore), @pid */
	ATTACH_URETPROBE,
	ATTACH_PERF,  /* a perf event: @perf_type, @perf_config, @period or @freq, @cpu, @pid */
	ATTACH_WATCH, /* a hardware breakpoint: @addr, @len, @mode, @pid */
	ATTACH_ITER,  /* BPF_TRACE_ITER: bpf_iter_read() runs it */
};

struct attach_spec {
	enum attach_kind kind;
	const char *group, *name, *path;
	uint64_t off, ref_ctr_off;
	pid_t pid; /* -1: any */
	uint64_t cookie;
	uint32_t perf_type;
	uint64_t perf_config, period, freq;
	int cpu; /* -1: each CPU that is online */
	uint64_t addr;
	uint32_t len;
	const char *mode; /* "r", "w", "rw", "x" */
};

/** Attached programs; all go with attachments_free(), as attachments_stop() says, in bulk and fast.
 */
struct attachments;

SONDE_MUST_CHECK int attachments_new(struct attachments **ret);
void attachments_free(struct attachments *a);
SONDE_DEFINE_AUTO(struct attachments *, attachments_free)

/**
 * Attaches program @prog_fd (borrowed; the kernel keeps its own hold). Perf events start disabled
 * until attachments_enable(). Words of a failure say what is missing: -ENOENT (no such tracepoint,
 * function, file), -EPERM or -EACCES (which right, which sysctl), -ENOTSUP (this kernel cannot).
 */
SONDE_MUST_CHECK int attachments_add(struct attachments *a, int prog_fd,
				     const struct attach_spec *spec);
/** Many places for one program. */
struct attach_many {
	int prog_fd; /* borrowed */
	/** What attach_multi_type() said, and the program was loaded as; 0: as any other. */
	uint32_t multi_type;
	const struct attach_spec *const *specs; /* borrowed; any kinds where @multi_type is 0 */
	size_t n;
	/**
	 * Told of each place that cannot be had, sonde_err_str() says why; a result but 0 ends it
	 * all and is returned. NULL: the first such place ends it.
	 */
	int (*refused)(void *arg, size_t spec, int err);
	void *arg;
};

/**
 * As what (bpf_load.attach_type) a program for probes of @kind is to be loaded, so that
 * attachments_add_multi() needs one link for all places in one file. 0: this kernel has no such
 * thing, or not for this kind. Asks the kernel by trying it: 0.1 ms for uprobes, some 50 ms for
 * kprobes. Such a program is for attachments_add_multi() alone; what it sees is the same.
 */
uint32_t attach_multi_type(enum attach_kind kind);

/**
 * Attaches to all places: those behind each other of one kind, @path and @pid at once where
 * @multi_type allows it. Returns how many could be had.
 */
SONDE_MUST_CHECK int attachments_add_multi(struct attachments *a, const struct attach_many *m);

/** Lets perf events run; others run from attachments_add() on. */
SONDE_MUST_CHECK int attachments_enable(struct attachments *a);

/**
 * Detaches all, and waits for none of it. Raw and typed tracepoints, trampolines and perf events of
 * ATTACH_PERF and ATTACH_WATCH do not run after this. Tracepoints, kprobes and uprobes (all that
 * goes by ATTACH_TRACEPOINT, _KPROBE, _UPROBE ...) may still run for a while, as the kernel lets go
 * of one after the other, some 50 ms each, and after this process has ended: programs must look at
 * a flag of their own that says they are to do nothing any more, and it must stay set.
 */
void attachments_stop(struct attachments *a);
size_t attachments_n(const struct attachments *a);

/** Runs an ATTACH_ITER program over all its objects, to the end; text that it wrote is given to @f.
 */
SONDE_MUST_CHECK int bpf_iter_run(int prog_fd, int (*f)(void *arg, const char *text, size_t len),
				  void *arg);

#endif
