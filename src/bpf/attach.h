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

/** Attached programs; all go with attachments_free(), in bulk and fast. */
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
/** Lets perf events run; others run from attachments_add() on. */
SONDE_MUST_CHECK int attachments_enable(struct attachments *a);
/** Nothing attached runs after this. */
void attachments_stop(struct attachments *a);
size_t attachments_n(const struct attachments *a);

/** Runs an ATTACH_ITER program over all its objects, to the end; text that it wrote is given to @f.
 */
SONDE_MUST_CHECK int bpf_iter_run(int prog_fd, int (*f)(void *arg, const char *text, size_t len),
				  void *arg);

#endif
