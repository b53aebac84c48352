/* SPDX-License-Identifier: MIT */
/** A program that counts, and a map to see what it counted. */
#include "counter.h"

#include <stdio.h>
#include <unistd.h>

#include "asm.h"
#include "test.h"

void counter_fini(struct counter *c)
{
	bpf_maps_free(c->maps);
}

bool counter_init(struct counter *c)
{
	static const struct bpf_map_spec spec = { .name = "count",
						  .type = BPF_MAP_TYPE_ARRAY,
						  .key_len = 4,
						  .val_len = 24,
						  .max_entries = 1,
						  .flags = BPF_F_MMAPABLE,
						  .inner = -1 };
	void *p = NULL;

	EXPECT_EQ(bpf_maps_new(&spec, 1, &c->maps), 0);
	if (!c->maps)
		return false;
	EXPECT_EQ(bpf_maps_mapped(c->maps, 0, &p), 0);
	if (!p)
		return false;
	c->n = p;
	c->n[2] = (uint64_t)getpid();
	return true;
}

uint64_t counter_hits(const struct counter *c)
{
	return __atomic_load_n(&c->n[0], __ATOMIC_ACQUIRE);
}

int counter_load(const struct counter *c, enum bpf_prog_type type, enum bpf_attach_type attach,
		 uint32_t btf_id, bool cookie)
{
	struct bpf_insn in[] = {
		I_MOV_REG(6, 1),
		I_CALL(BPF_FUNC_get_current_pid_tgid),
		I_ALU(BPF_RSH, 0, 32),
		I_VALUE(7, 0, 0),
		I_LDX(BPF_DW, 1, 7, 16),
		I_ALU_REG(BPF_SUB, 1, 0),
		I_IF(BPF_JNE, 1, 0, cookie ? 5 : 2),
		I_MOV(1, 1),
		I_ATOMIC_ADD(7, 0, 1),
		I_MOV(0, 0),
		I_EXIT,
		I_MOV(0, 0),
	};
	struct bpf_insn with[] = {
		I_MOV_REG(6, 1),
		I_CALL(BPF_FUNC_get_current_pid_tgid),
		I_ALU(BPF_RSH, 0, 32),
		I_VALUE(7, 0, 0),
		I_LDX(BPF_DW, 1, 7, 16),
		I_ALU_REG(BPF_SUB, 1, 0),
		I_IF(BPF_JNE, 1, 0, 5),
		I_MOV(1, 1),
		I_ATOMIC_ADD(7, 0, 1),
		I_MOV_REG(1, 6),
		I_CALL(BPF_FUNC_get_attach_cookie),
		I_ATOMIC_ADD(7, 8, 0),
		I_MOV(0, 0),
		I_EXIT,
	};
	struct bpf_code code = cookie ? ASM(with) : asm_code(in, MEM_LEN(in) - 1);

	return asm_load(type, attach, btf_id, &code, c->maps);
}

uint64_t file_offset(const void *p)
{
	uint64_t begin, end, off, at = (uint64_t)(uintptr_t)p;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &begin, &end, &off) == 3 && at >= begin &&
		    at < end) {
			fclose(f);
			return at - begin + off;
		}
	}
	if (f)
		fclose(f);
	test_failed(__FILE__, __LINE__, "%p is not mapped", p);
	return 0;
}
