/* SPDX-License-Identifier: MIT */
/** Makes BTF for functions, and line information that the verifier takes. */
#include "bpf/info.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/fn.h"
#include "bpf/sys.h"

void bpf_info_fini(struct bpf_info *i)
{
	mem_closep(&i->fd);
	free(i->fns);
	free(i->lines);
}

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static int no_memory(void)
{
	return sonde_fail(-ENOMEM, "out of memory");
}

/* A static function: a helper may call it back, and it is verified where it is called. */
static int add_fn(struct btf *btf, size_t index, uint32_t n_args, int num)
{
	char name[32];

	int proto = btf__add_func_proto(btf, num);
	if (proto < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_args; i++) {
		(void)snprintf(name, sizeof(name), "a%u", i);
		if (btf__add_func_param(btf, name, num) < 0)
			return -ENOMEM;
	}
	(void)snprintf(name, sizeof(name), "fn%zu", index);
	return btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
}

static int add_fns(struct bpf_info *i, struct btf *btf, const struct bpf_code *code)
{
	int num = btf__add_int(btf, "u64", 8, 0);

	i->fns = calloc(code->n_fns + 1, sizeof(*i->fns));
	if (!i->fns || num < 0)
		return no_memory();
	for (size_t n = 0; n < code->n_fns; n++) {
		int id = add_fn(btf, n, code->fns[n].n_args, num);
		if (id < 0)
			return no_memory();
		i->fns[n].insn_off = code->fns[n].insn;
		i->fns[n].type_id = (uint32_t)id;
	}
	i->n_fns = code->n_fns;
	return 0;
}

/* Whether @insn is the second half of a load of 64 bits, where no line may begin. */
static bool is_half(const struct bpf_code *code, uint32_t insn)
{
	return insn && code->insns[insn - 1].code == (BPF_LD | BPF_IMM | BPF_DW);
}

static int add_line(struct bpf_info *i, struct btf *btf, uint32_t insn, uint32_t line, uint32_t col)
{
	char text[64];

	if (line)
		(void)snprintf(text, sizeof(text), "line %u, column %u", line, col);
	else
		(void)snprintf(text, sizeof(text), "(of no line)");
	int file = btf__add_str(btf, "script"), off = btf__add_str(btf, text);
	if (file < 0 || off < 0)
		return no_memory();
	// 22 bits of line, 10 of column.
	if (line > 0x3fffff)
		line = 0x3fffff;
	if (col > 0x3ff)
		col = 0x3ff;
	i->lines[i->n_lines++] = (struct bpf_line_info){ .insn_off = insn,
							 .file_name_off = (uint32_t)file,
							 .line_off = (uint32_t)off,
							 .line_col = line << 10 | col };
	return 0;
}

/*
 * The verifier wants lines in order of their instructions, none twice, and one at the begin of each
 * function.
 */
static int add_lines(struct bpf_info *i, struct btf *btf, const struct bpf_code *code)
{
	size_t fn = 0, l = 0;
	int r = 0;

	i->lines = calloc(code->n_lines + code->n_fns + 1, sizeof(*i->lines));
	if (!i->lines)
		return no_memory();
	for (uint32_t insn = 0; insn < code->n_insns && r >= 0; insn++) {
		const struct bpf_line_info_ *at = NULL;

		for (; l < code->n_lines && code->lines[l].insn <= insn; l++)
			at = code->lines[l].insn == insn ? &code->lines[l] : at;
		bool begins = fn < code->n_fns && code->fns[fn].insn == insn;
		fn += begins;
		if ((!at && !begins && insn) || is_half(code, insn))
			continue;
		r = add_line(i, btf, insn, at ? at->line : 0, at ? at->col : 0);
	}
	return r;
}

int info_load_btf(const struct btf *btf, int *ret_fd)
{
	union bpf_attr a = sys_attr();
	uint32_t len;

	a.btf = (uint64_t)(uintptr_t)btf__raw_data(btf, &len);
	if (!a.btf)
		return no_memory();
	a.btf_size = len;
	int fd = sys_bpf(BPF_BTF_LOAD, &a);
	if (fd < 0)
		return sys_bpf_failed(fd, "load types");
	*ret_fd = fd;
	return 0;
}

int bpf_info_make(struct bpf_info *i, const struct bpf_code *code, bool with_lines)
{
	sonde_auto(btf_freep) struct btf *btf = btf__new_empty();

	if (!btf)
		return no_memory();
	int r = add_fns(i, btf, code);
	if (r >= 0 && with_lines)
		r = add_lines(i, btf, code);
	return r < 0 ? r : info_load_btf(btf, &i->fd);
}

void bpf_info_put(const struct bpf_info *i, union bpf_attr *a)
{
	a->prog_btf_fd = (uint32_t)i->fd;
	a->func_info_rec_size = sizeof(*i->fns);
	a->func_info = (uint64_t)(uintptr_t)i->fns;
	a->func_info_cnt = (uint32_t)i->n_fns;
	a->line_info_rec_size = sizeof(*i->lines);
	a->line_info = (uint64_t)(uintptr_t)i->lines;
	a->line_info_cnt = (uint32_t)i->n_lines;
}
