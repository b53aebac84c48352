/* SPDX-License-Identifier: MIT */
/** Loads programs that were written by hand. */
#include "asm.h"

#include <stdio.h>
#include <unistd.h>

#include <sonde/err.h>

#include "test.h"

struct bpf_code asm_code(struct bpf_insn *insns, size_t n)
{
	static struct bpf_reloc relocs[32];
	size_t n_relocs = 0;

	for (size_t i = 0; i < n && n_relocs < MEM_LEN(relocs); i++) {
		bool is_map = insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) &&
			      (insns[i].src_reg == BPF_PSEUDO_MAP_FD ||
			       insns[i].src_reg == BPF_PSEUDO_MAP_VALUE);
		if (is_map)
			relocs[n_relocs++] =
				(struct bpf_reloc){ (uint32_t)i, (uint32_t)insns[i].imm };
	}
	return (struct bpf_code){
		.insns = insns, .n_insns = n, .relocs = relocs, .n_relocs = n_relocs
	};
}

int asm_load(enum bpf_prog_type type, enum bpf_attach_type attach, uint32_t btf_id,
	     const struct bpf_code *code, const struct bpf_maps *maps)
{
	const struct bpf_load how = {
		.name = "asm test", .type = type, .attach_type = attach, .attach_btf_id = btf_id
	};
	struct strbuf log = { 0 };
	uint32_t line = 0;
	int fd = -1;

	int r = bpf_load(&how, code, maps, &log, &line, &fd);
	if (r < 0) {
		test_failed(__FILE__, __LINE__, "%d: %s", r, sonde_err_str());
		printf("# %s\n", strbuf_text(&log));
	}
	strbuf_fini(&log);
	return r < 0 ? -1 : fd;
}

bool asm_may(void)
{
	if (geteuid() == 0)
		return true;
	test_skip("needs root");
	return false;
}
