/* SPDX-License-Identifier: MIT */
/** A program that counts events of this process, wherever it is attached. */
#ifndef TESTS_LIVE_BPF_COUNTER_H
#define TESTS_LIVE_BPF_COUNTER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/map.h"

enum { HITS = 100 };

struct counter {
	struct bpf_maps *maps; /* owned */
	uint64_t *n;	       /* [0]: hits of this process, [1]: sum of cookies, [2]: its id */
};

/** false, and a failed test: it cannot be had. */
bool counter_init(struct counter *c);
void counter_fini(struct counter *c);
uint64_t counter_hits(const struct counter *c);

/** Loads the program: n[0]++, with @cookie n[1] += the cookie. */
int counter_load(const struct counter *c, enum bpf_prog_type type, enum bpf_attach_type attach,
		 uint32_t btf_id, bool cookie);

/** Where in this program's file @p lies. */
uint64_t file_offset(const void *p);

#endif
