/* SPDX-License-Identifier: MIT */
/** What lies within the fields of recorded events. */
#include "bpf/machine.h"
#include "lang/gen/gen.h"

/*
 * What lies within a field of the event: a number, or where a text is. The numbers of the elements
 * on the way to it, from the field on.
 */
struct val gen_part(struct gen *g, const struct ast *x)
{
	struct val at[MACHINE_PART_PLACES] = { val_imm(0), val_imm(0), val_imm(0) };
	const struct ast *way[MACHINE_PART_PLACES];
	const uint32_t index = x->part->off;
	size_t n = 0;

	for (const struct ast *a = x; a->part && n < MACHINE_PART_PLACES;
	     a = a->kind == AST_INDEX ? a->u.op.a : a->u.member.x)
		if (a->kind == AST_INDEX)
			way[n++] = a;
	for (size_t i = 0; i < n; i++) {
		at[i] = fn_reg(g->f);
		fn_mov(g->f, at[i], gen_scalar(g, way[n - 1 - i]->u.op.b));
	}
	return FN_CALL(g->f, MACHINE_PART, gen_ctx(g), val_imm(index), at[0], at[1], at[2]);
}
