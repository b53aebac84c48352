/* SPDX-License-Identifier: MIT */
/** Programs into the kernel: load, and why it was refused. */
#ifndef BPF_LOAD_H
#define BPF_LOAD_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "bpf/fn.h"
#include "bpf/map.h"

struct bpf_load {
	const char *name; /* 15 characters at most are kept */
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type; /* BPF_TRACE_RAW_TP, _FENTRY, _FEXIT, _ITER ...; else 0 */
	uint32_t attach_btf_id;		  /* of BPF_PROG_TYPE_TRACING; else 0 */
	int attach_btf_fd;		  /* of a module's BTF; 0: vmlinux */
	bool sleepable;
};

/**
 * Loads @code with the descriptors of @maps put in; the caller owns the descriptor in *@ret_fd.
 *
 * When the kernel's verifier refuses it, it is loaded once more with line information, and
 * *@ret_log gets the verifier's last lines, *@ret_line the script's line that they belong to (0:
 * not known). -EPERM: words say which right is missing (CAP_BPF, CAP_PERFMON,
 * kernel.unprivileged_bpf_disabled, lockdown); -ENOTSUP: this kernel has no such program type or
 * function; -EINVAL, -E2BIG ...: refused.
 */
SONDE_MUST_CHECK int bpf_load(const struct bpf_load *how, const struct bpf_code *code,
			      const struct bpf_maps *maps, struct strbuf *ret_log,
			      uint32_t *ret_line, int *ret_fd);

/** Runs a BPF_PROG_TYPE_RAW_TRACEPOINT program once, here and now, with @n numbers as context. */
SONDE_MUST_CHECK int bpf_run_once(int prog_fd, const uint64_t *ctx, size_t n, uint32_t *ret);

/** How often the kernel left the program out, as it or another one was running already. */
SONDE_MUST_CHECK int bpf_prog_missed(int prog_fd, uint64_t *ret);

#endif
