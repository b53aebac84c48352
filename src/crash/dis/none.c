/* SPDX-License-Identifier: MIT */
/** Built without a disassembler. */
#include <errno.h>

#include <sonde/err.h>

#include "crash/dis/dis.h"

int dis_open(enum dump_arch arch, struct dis **ret)
{
	(void)arch, (void)ret;
	return sonde_fail(-ENOTSUP, "built without a disassembler (Capstone, libcapstone-dev)");
}

void dis_close(struct dis *d)
{
	(void)d;
}

void dis_next(struct dis *d, const uint8_t *bytes, size_t n, uint64_t addr, struct dis_insn *ret)
{
	(void)d, (void)bytes, (void)n, (void)addr;
	*ret = (struct dis_insn){ .len = 1 };
}
