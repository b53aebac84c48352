/* SPDX-License-Identifier: MIT */
/** What instructions read and whether they can be left out. */
#include "bpf/fn/ins.h"

static unsigned use(struct val *v, struct val **ret, unsigned n)
{
	if (v->kind == VAL_REG)
		ret[n++] = v;
	return n;
}

unsigned ins_uses(struct fn *f, struct ins *in, struct val *ret[static FN_USES_MOST])
{
	unsigned n = 0;

	switch ((enum ins_kind)in->kind) {
	case INS_NONE:
	case INS_ENTRY:
	case INS_LABEL:
	case INS_JUMP: break;
	case INS_CMPXCHG: n = use(&in->c, ret, n); __attribute__((fallthrough));
	case INS_OP:
	case INS_STORE:
	case INS_ATOMIC:
	case INS_IF: n = use(&in->b, ret, n); __attribute__((fallthrough));
	case INS_MOV:
	case INS_NEG:
	case INS_EXTEND:
	case INS_SWAP:
	case INS_LOAD:
	case INS_EXIT: n = use(&in->a, ret, n); break;
	case INS_CALL:
		for (unsigned i = 0; i < in->len; i++)
			n = use(&f->vals[in->args + i], ret, n);
		break;
	}
	return n;
}

bool ins_reads_late(const struct ins *in, const struct val *use)
{
	switch ((enum ins_kind)in->kind) {
	case INS_OP:
		// dst becomes a first; where the two can be swapped, dst may be b at once.
		return use == &in->b && (!op_commutes(in->op) || in->a.kind != VAL_REG);
	case INS_ATOMIC: return in->flag && use == &in->a;
	case INS_CMPXCHG: return use != &in->b;
	default: return false;
	}
}

bool ins_is_pure(const struct ins *in)
{
	switch ((enum ins_kind)in->kind) {
	case INS_MOV:
	case INS_OP:
	case INS_NEG:
	case INS_EXTEND:
	case INS_SWAP:
	case INS_LOAD: return true;
	default: return false;
	}
}
