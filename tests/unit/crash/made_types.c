/* SPDX-License-Identifier: MIT */
/** Types as BTF, from a table. */
#include "made_types.h"

#include <bpf/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* Without @of a struct of @at bytes begins; else one of its fields, at byte @at, or bit of bits. */
struct row {
	const char *name, *of;
	unsigned at;
};

static const struct row rows[] = {
	{ "list_head", NULL, 16 },
	{ "next", "u64", 0 },
	{ "prev", "u64", 8 },
	{ "cpu_context", NULL, 24 },
	{ "fp", "u64", 0 },
	{ "sp", "u64", 8 },
	{ "pc", "u64", 16 },
	{ "thread_struct", NULL, 32 },
	{ "cpu_context", "cpu_context", 0 },
	{ "sp", "u64", 24 },
	{ "task_struct", NULL, TASK_SIZE },
	{ "tasks", "list_head", 0 },
	{ "pid", "u32", TASK_PID },
	{ "tgid", "u32", TASK_PID + 4 },
	{ "comm", "char[16]", TASK_COMM },
	{ "__state", "u32", TASK_STATE },
	{ "exit_state", "u32", TASK_STATE + 4 },
	{ "flags", "u32", TASK_FLAGS },
	{ "cpu", "u32", TASK_CPU },
	{ "on_cpu", "u32", TASK_CPU + 4 },
	{ "real_parent", "u64", TASK_PARENT },
	{ "signal", "u64", TASK_SIGNAL },
	{ "thread_node", "list_head", TASK_THREAD_NODE },
	{ "mm", "u64", TASK_MM },
	{ "thread", "thread_struct", TASK_THREAD },
	{ "signal_struct", NULL, 16 },
	{ "thread_head", "list_head", 0 },
	{ "mm_struct", NULL, 16 },
	{ "pgd", "u64", 0 },
	{ "total_vm", "u64", 8 },
	{ "rq", NULL, 16 },
	{ "curr", "u64", 0 },
	{ "idle", "u64", 8 },
	{ "inactive_task_frame", NULL, 16 },
	{ "bp", "u64", 0 },
	{ "ret_addr", "u64", 8 },
	{ "pt_regs", NULL, 320 },
	{ "regs", "u64[34]", 0 },
	{ "stackframe", "u64[2]", REGS_FRAME },
	{ "orc_entry", NULL, 6 },
	{ "sp_offset", "s16", 0 },
	{ "bp_offset", "s16", 2 },
	{ "sp_reg", "4 bits", 32 },
	{ "bp_reg", "4 bits", 36 },
	{ "type", "3 bits", 40 },
	{ "prb_desc_ring", NULL, 40 },
	{ "count_bits", "u32", 0 },
	{ "descs", "u64", 8 },
	{ "infos", "u64", 16 },
	{ "head_id", "u64", 24 },
	{ "tail_id", "u64", 32 },
	{ "prb_data_ring", NULL, 16 },
	{ "size_bits", "u32", 0 },
	{ "data", "u64", 8 },
	{ "printk_ringbuffer", NULL, 56 },
	{ "desc_ring", "prb_desc_ring", 0 },
	{ "text_data_ring", "prb_data_ring", 40 },
	{ "prb_data_blk_lpos", NULL, 16 },
	{ "begin", "u64", 0 },
	{ "next", "u64", 8 },
	{ "prb_desc", NULL, 24 },
	{ "state_var", "u64", 0 },
	{ "text_blk_lpos", "prb_data_blk_lpos", 8 },
	{ "printk_info", NULL, 16 },
	{ "ts_nsec", "u64", 0 },
	{ "text_len", "u16", 8 },
	{ "level", "u16", 10 },
	{ "module_memory", NULL, 16 },
	{ "base", "u64", 0 },
	{ "size", "u32", 8 },
	{ "mod_kallsyms", NULL, 24 },
	{ "symtab", "u64", 0 },
	{ "num_symtab", "u32", 8 },
	{ "strtab", "u64", 16 },
	{ "module", NULL, MODULE_SIZE },
	{ "list", "list_head", 0 },
	{ "name", "char[56]", MODULE_NAME },
	{ "state", "u32", 72 },
	{ "refcnt", "u32", 76 },
	{ "taints", "u64", 80 },
	{ "mem", "module_memory[7]", MODULE_MEM },
	{ "kallsyms", "u64", MODULE_KALLSYMS },
	{ "btf", NULL, 16 },
	{ "data", "u64", 0 },
	{ "data_size", "u32", 8 },
	{ "btf_module", NULL, 32 },
	{ "list", "list_head", 0 },
	{ "module", "u64", 16 },
	{ "btf", "u64", 24 },
};

static const struct row meta_rows[] = {
	{ "frame_record", NULL, 16 },
	{ "fp", "u64", 0 },
	{ "lr", "u64", 8 },
	{ "frame_record_meta", NULL, 24 },
	{ "record", "frame_record", 0 },
	{ "type", "u64", 16 },
};

/* 0: it is of whole bytes. */
static unsigned bits_of(const char *of)
{
	unsigned n = 0;

	return strstr(of, " bits") && sscanf(of, "%u", &n) == 1 ? n : 0;
}

static int type_of(struct btf *b, const char *name)
{
	char base[32];
	unsigned n;

	if (bits_of(name))
		name = "u32";
	if (sscanf(name, "%31[^[][%u]", base, &n) == 2)
		return btf__add_array(b, btf__find_by_name(b, "u32"), type_of(b, base), n);
	int id = btf__find_by_name(b, name);
	sonde_check(id > 0);
	return id;
}

/* Of a struct that was begun no other type may be added before its last field. */
static void add_struct(struct btf *b, const struct row *r, size_t n)
{
	int of[32];

	sonde_check(n <= MEM_LEN(of));
	for (size_t i = 1; i < n; i++)
		of[i] = type_of(b, r[i].of);
	sonde_check(btf__add_struct(b, r->name, r->at) > 0);
	for (size_t i = 1; i < n; i++) {
		unsigned bits = bits_of(r[i].of);

		sonde_check(
			!btf__add_field(b, r[i].name, of[i], bits ? r[i].at : r[i].at * 8, bits));
	}
}

static void add(struct btf *b, const struct row *r, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && r[end].of; end++)
			;
		add_struct(b, r + i, end - i);
	}
}

struct btf *made_types(bool meta)
{
	struct btf *b = btf__new_empty();

	sonde_check(b);
	sonde_check(btf__add_int(b, "char", 1, BTF_INT_CHAR) > 0);
	sonde_check(btf__add_int(b, "u16", 2, 0) > 0);
	sonde_check(btf__add_int(b, "s16", 2, BTF_INT_SIGNED) > 0);
	sonde_check(btf__add_int(b, "u32", 4, 0) > 0);
	sonde_check(btf__add_int(b, "u64", 8, 0) > 0);
	add(b, rows, MEM_LEN(rows));
	if (meta)
		add(b, meta_rows, MEM_LEN(meta_rows));
	return b;
}

struct btf *made_module_types(struct btf *kernel)
{
	struct btf *b = btf__new_empty_split(kernel);

	sonde_check(b);
	int owner = btf__add_ptr(b, btf__find_by_name(b, "task_struct"));
	int name = btf__add_ptr(b, btf__find_by_name(b, "char"));
	sonde_check(owner > 0 && name > 0 && btf__add_struct(b, "made_thing", 24) > 0 &&
		    !btf__add_field(b, "owner", owner, 0, 0) &&
		    !btf__add_field(b, "name", name, 64, 0) &&
		    !btf__add_field(b, "number", btf__find_by_name(b, "u32"), 128, 0));
	return b;
}
