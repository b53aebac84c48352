/* SPDX-License-Identifier: MIT */
/** What the verifier wrote of a program that it refused: the reason, its place, the last lines. */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/def.h>

struct bpf_code;
struct strbuf;

struct verdict {
	struct strbuf *log; /* borrowed; gets the last lines */
	char reason[256];   /* "" where the log gives none */
	uint32_t line;	    /* of the script; 0: not known */
	bool lacks;	    /* the kernel has no such helper, function or feature */
};

/** Reads the verifier's @log of @code. 0, or -ENOMEM. */
SONDE_MUST_CHECK int verdict_read(const char *log, const struct bpf_code *code,
				  struct verdict *ret);

#endif
