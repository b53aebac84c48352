/* SPDX-License-Identifier: MIT */
/** Refuses programs that could leave their memory; notes what it found out of the others. */
#ifndef BPF_VERIFY_VERIFY_H
#define BPF_VERIFY_VERIFY_H

#include "bpf/machine/state.h"

/**
 * Verifies @code for @p, whose machine and ctx_len are set; sets its instructions, notes and
 * functions, record_len. -EBADMSG: refused, with words that are also in @log (may be NULL).
 */
SONDE_MUST_CHECK int verify(struct machine_prog *p, const struct bpf_code *code,
			    struct strbuf *log);

#endif
