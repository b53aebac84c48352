/* SPDX-License-Identifier: MIT */
/** What the verifier wants to know of a program's functions and lines: a small BTF of our own. */
#ifndef BPF_INFO_H
#define BPF_INFO_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <sonde/def.h>

struct bpf_code;
struct btf;

struct bpf_info {
	int fd;			   /* of the BTF; -1: none */
	struct bpf_func_info *fns; /* owned */
	size_t n_fns;
	struct bpf_line_info *lines; /* owned */
	size_t n_lines;
};

void bpf_info_fini(struct bpf_info *i);

/** Describes the functions of @code and, @with_lines, where their instructions come from. */
SONDE_MUST_CHECK int bpf_info_make(struct bpf_info *i, const struct bpf_code *code,
				   bool with_lines);

/** Lends it to a BPF_PROG_LOAD. */
void bpf_info_put(const struct bpf_info *i, union bpf_attr *a);

/** Gives types to the kernel; the caller owns the descriptor. */
SONDE_MUST_CHECK int info_load_btf(const struct btf *btf, int *ret_fd);

#endif
