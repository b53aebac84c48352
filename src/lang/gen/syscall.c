/* SPDX-License-Identifier: MIT */
/** Programs that many system calls share: which call it is, and whether it counts. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "lang/gen/gen.h"
#include "lang/gen/regs.h"
#include "lang/syntax/d/d.h"

enum { NUMBERS = PROBE_CALLS_MOST }; /* a power of two */

static void one_syscall(struct gen *g, struct val nr, int l_exit)
{
	const struct probe *p = g->point;
	int l_fine = fn_label(g->f);

	for (size_t i = 0; i < p->n_syscalls; i++)
		fn_if(g->f, FN_EQ, nr, val_imm(p->syscalls[i]), l_fine);
	fn_jump(g->f, l_exit);
	fn_place(g->f, l_fine);
}

/* More than a few: a bit for each number. */
static void many_syscalls(struct gen *g, struct val nr, int l_exit)
{
	const struct probe *p = g->point;
	uint64_t bits[NUMBERS / 64] = { 0 };

	for (size_t i = 0; i < p->n_syscalls; i++)
		if (p->syscalls[i] < NUMBERS)
			bits[p->syscalls[i] / 64] |= 1ULL << (p->syscalls[i] % 64);
	struct val table = gen_rodata_val(g, bits, sizeof(bits)), at = fn_reg(g->f);
	fn_if(g->f, FN_GE, nr, val_imm(NUMBERS), l_exit);
	fn_mov(g->f, at, table);
	fn_op_to(g->f, FN_ADD, at,
		 fn_op(g->f, FN_LSH, fn_op(g->f, FN_RSH, nr, val_imm(6)), val_imm(3)));
	struct val word = fn_load(g->f, 8, false, at, 0);
	struct val bit = fn_op(g->f, FN_RSH, word, fn_op(g->f, FN_AND, nr, val_imm(63)));
	fn_if(g->f, FN_EQ, fn_op(g->f, FN_AND, bit, val_imm(1)), val_imm(0), l_exit);
}

/* Calls of 32-bit programs have other numbers: tracefs shows none of them as syscalls:sys_enter_.
 */
static void skip_compat(struct gen *g, int l_exit)
{
	const struct world *w = g->check->world;
	int cs_off;
	int64_t cs;

	if (!regs_compat(&cs_off, &cs) || !w->ops->has_helper ||
	    !w->ops->has_helper(g->check->world, BPF_FUNC_task_pt_regs))
		return;
	struct val regs = fn_load(g->f, 8, false, g->ctx, 0);
	if (g->point->prog_type != BPF_PROG_TYPE_TRACING) {
		// Here the verifier does not know them: it does those of the task.
		struct val task = FN_CALL0(g->f, BPF_FUNC_get_current_task_btf);
		regs = FN_CALL(g->f, BPF_FUNC_task_pt_regs, task);
	}
	fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, regs, cs_off), val_imm(cs), l_exit);
}

/* The call's number, of the program's context. */
static struct val call_number(struct gen *g, struct val ctx)
{
	static const struct type word = { .kind = TYPE_INT, .size = 8, .align = 8 };
	const struct probe *p = g->point;

	if (!p->is_syscall_exit)
		return fn_load(g->f, 8, false, ctx, 8);
	const bool typed = p->prog_type == BPF_PROG_TYPE_TRACING;
	struct val regs = fn_load(g->f, 8, false, ctx, 0);
	const struct place at = place_at(typed ? SP_TRUSTED : SP_KERNEL, regs, regs_syscall_nr());
	return gen_load_place(g, &at, &word);
}

/* The number that decides which place it is. */
static struct val place_number(struct gen *g)
{
	const struct probe *p = g->point;

	if (p->nr_call)
		return FN_CALL0(g->f, p->nr_call);
	return p->nr_field ? gen_field(g, p->nr_field) : call_number(g, gen_ctx(g));
}

void gen_filter_syscalls(struct gen *g, int l_exit)
{
	const struct probe *p = g->point;

	if ((p->args != ARGS_SYSCALL && !p->nr_field) || !p->syscalls)
		return;
	struct val nr = fn_reg(g->f);
	fn_mov(g->f, nr, p->nr_field ? gen_field(g, p->nr_field) : call_number(g, g->ctx));
	if (!p->nr_field)
		skip_compat(g, l_exit);
	if (p->n_syscalls <= 4)
		one_syscall(g, nr, l_exit);
	else
		many_syscalls(g, nr, l_exit);
}

enum { WHOLE = 4 };

/* The index of the name of the place @name in D, or of a part of it. */
static int part_name(struct gen *g, const char *name, unsigned part)
{
	const char *full = d_probe_name(g->arena, g->attach, name);
	size_t len = 0;

	if (!full) {
		g->failed = true;
		return -1;
	}
	if (part == WHOLE)
		return gen_name(g, full, strlen(full));
	const char *text = d_name_part(full, part, &len);
	return gen_name(g, text, len);
}

/* The same, or that of the place itself, where the script is not one of D. */
static int name_of(struct gen *g, const char *name, unsigned part)
{
	return g->attach->d ? part_name(g, name, part) : gen_probe_name(g, name);
}

/* For each number of a call, the index of the place's name; in D of a @part, if that is not -1. */
static int64_t make_table(struct gen *g, int part)
{
	const struct probe *p = g->point;
	uint32_t names[NUMBERS] = { 0 };

	for (size_t i = 0; i < p->n_syscalls; i++) {
		const int n = part < 0 ? gen_probe_name(g, p->syscall_names[i])
				       : part_name(g, p->syscall_names[i], (unsigned)part);
		if (n < 0)
			g->failed = true;
		else if (p->syscalls[i] < NUMBERS)
			names[p->syscalls[i]] = (uint32_t)n;
	}
	return gen_rodata(g, names, sizeof(names));
}

/* What the table at @off in the read-only data has for the call that is made. */
static struct val look_up(struct gen *g, int64_t off)
{
	struct val nr = fn_reg(g->f), at = fn_reg(g->f);
	fn_mov(g->f, nr, place_number(g));
	// No other numbers come here; the verifier wants to see it.
	fn_op_to(g->f, FN_AND, nr, val_imm(NUMBERS - 1));
	fn_mov(g->f, at, gen_rodata_at(g, off));
	fn_op_to(g->f, FN_ADD, at, fn_op(g->f, FN_LSH, nr, val_imm(2)));
	return fn_load(g->f, 4, false, at, 0);
}

struct val gen_place_name(struct gen *g)
{
	if (!g->point->syscall_names)
		return val_imm(g->probe_name);
	if (g->call_table < 0)
		g->call_table = make_table(g, -1);
	return look_up(g, g->call_table);
}

struct val gen_place_part(struct gen *g, unsigned part)
{
	const bool varies = part == WHOLE || (part == 2 && !g->attach->d->function) ||
			    (part == 3 && !g->attach->d->name);

	if (!g->point->syscall_names || !varies)
		return val_imm(part_name(g, g->point->name, part));
	if (g->part_tables[part] < 0)
		g->part_tables[part] = make_table(g, (int)part);
	return look_up(g, g->part_tables[part]);
}

/* A table of the texts, for the number of the call that is made. */
static void copy_name(struct gen *g, unsigned part, struct val dst, int64_t off,
		      const struct type *t)
{
	const struct probe *p = g->point;
	char(*names)[PROBE_NAME_SIZE] = arena_array(g->arena, NUMBERS, PROBE_NAME_SIZE);
	struct val nr = fn_reg(g->f), from = fn_reg(g->f);

	if (!names) {
		g->failed = true;
		return;
	}
	for (size_t i = 0; i < p->n_syscalls; i++) {
		const int n = name_of(g, p->syscall_names[i], part);
		if (n >= 0 && p->syscalls[i] < NUMBERS)
			(void)snprintf(names[p->syscalls[i]], PROBE_NAME_SIZE, "%s", g->names[n]);
	}
	fn_mov(g->f, nr, place_number(g));
	fn_op_to(g->f, FN_AND, nr, val_imm(NUMBERS - 1));
	fn_mov(g->f, from, gen_rodata_val(g, names, (size_t)NUMBERS * PROBE_NAME_SIZE));
	fn_op_to(g->f, FN_ADD, from, fn_op(g->f, FN_LSH, nr, val_imm(6)));
	fn_zero(g->f, dst, off, t->size, 8);
	fn_copy(g->f, dst, off, from, 0, t->size < PROBE_NAME_SIZE ? t->size : PROBE_NAME_SIZE, 8);
}

void gen_name_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	const unsigned part = (unsigned)x->note_n & 3;

	if (x->kind != AST_NAME) {
		(void)diag_error(g->diag, x->pos, "not-supported",
				 "the name of a probe in a variable cannot become another string");
		return;
	}
	if (g->point->syscall_names) {
		copy_name(g, part, dst, off, t);
		return;
	}
	const int n = name_of(g, g->point->name, part);
	if (n >= 0)
		gen_str_literal(g, g->names[n], strlen(g->names[n]), dst, off, t, /* pad= */ true);
}
