/* SPDX-License-Identifier: MIT */
/** What calls of helper functions are given, and what they leave. */
#include <errno.h>

#include "base/check.h"
#include "bpf/machine/verify/verifier.h"

enum { RECORD_MOST = 1 << 22, ERRNO_MOST = 4095, LOOPS_MOST = 1 << 23 };

/* A call while it is looked at. */
struct call {
	struct verifier *v;
	struct vstate *s;
	size_t i;
	const struct helper *h;
	const struct machine_map *map;
	int32_t map_index, size; /* -1: none, not a constant */
	int64_t fn;
};

static struct reg *reg_of(const struct call *c, unsigned reg)
{
	return &vstate_top(c->s)->all[reg];
}

static int check_map(struct call *c, unsigned reg, bool is_ring)
{
	const struct reg *r = reg_of(c, reg);

	if (r->kind != REG_MAP)
		return verify_refuse(c->v, c->i, "r%u is no map", reg);
	c->map = &c->v->p->m->maps[r->of];
	c->map_index = (int32_t)r->of;
	if ((c->map->kind == MAP_RING) != is_ring)
		return verify_refuse(c->v, c->i, "bpf_%s does not take map '%s'", c->h->name,
				     c->map->spec->name);
	return 0;
}

static int check_size(struct call *c, unsigned reg)
{
	const bool write = c->h->args[reg - 2] == ARG_OUT;
	const struct reg *size = reg_of(c, reg), *p = reg_of(c, reg - 1);

	int r = verify_is_set(c->v, c->s, c->i, reg);
	if (r < 0)
		return r;
	if (size->kind != REG_NUMBER || size->range.umax > OFFSET_MOST)
		return verify_refuse(c->v, c->i, "r%u may be any number of bytes", reg);
	const int64_t len = (int64_t)size->range.umax;
	c->size = range_is_const(&size->range) ? (int32_t)len : -1;
	if (len == 0)
		return 0;
	r = verify_access(c->v, c->s, c->i, reg - 1, 0, len, write);
	if (r == 0 && write && p->kind == REG_STACK)
		vstate_clobber(c->s, p->frame, p->range.smin, p->range.smax - p->range.smin + len);
	return r;
}

static int check_len(struct call *c, unsigned reg)
{
	const struct reg *r = reg_of(c, reg);

	if (r->kind != REG_NUMBER || !range_is_const(&r->range))
		return verify_refuse(c->v, c->i, "r%u is no constant", reg);
	if (r->range.umin > RECORD_MOST)
		return verify_refuse(c->v, c->i, "a record of %llu bytes, %d is the most",
				     (unsigned long long)r->range.umin, RECORD_MOST);
	c->size = (int32_t)r->range.umin;
	if (c->v->p->record_len < r->range.umin)
		c->v->p->record_len = r->range.umin;
	return 0;
}

static int check_fn(struct call *c, unsigned reg)
{
	const struct reg *r = reg_of(c, reg);

	if (r->kind != REG_FN)
		return verify_refuse(c->v, c->i, "r%u is no function", reg);
	c->fn = r->of;
	return 0;
}

static int check_record(struct call *c, unsigned reg)
{
	struct reg *r = reg_of(c, reg);
	const struct reg none = { 0 };

	if (r->kind != REG_MEM || !(r->flags & REG_RECORD))
		return verify_refuse(c->v, c->i, "r%u is no record", reg);
	if (r->flags & REG_NULL)
		return verify_refuse(c->v, c->i, "r%u may be NULL", reg);
	vstate_set_same(c->s, r, &none);
	return 0;
}

static int check_arg(struct call *c, unsigned reg)
{
	switch (c->h->args[reg - 1]) {
	case ARG_TABLE: return check_map(c, reg, /* is_ring= */ false);
	case ARG_RING: return check_map(c, reg, /* is_ring= */ true);
	case ARG_KEY:
		sonde_check(c->map); // the tables of helpers have it first
		return verify_access(c->v, c->s, c->i, reg, 0, c->map->spec->key_len, false);
	case ARG_VALUE:
		sonde_check(c->map);
		return verify_access(c->v, c->s, c->i, reg, 0, c->map->spec->val_len, false);
	case ARG_SIZE: return check_size(c, reg);
	case ARG_LEN: return check_len(c, reg);
	case ARG_LOOP_FN:
	case ARG_EACH_FN: return check_fn(c, reg);
	case ARG_RECORD: return check_record(c, reg);
	default: return verify_is_set(c->v, c->s, c->i, reg); // _IN, _OUT: by the size behind
	}
}

/* What the function that is called back is given. */
static void set_args(const struct call *c, struct reg args[static 5])
{
	for (int i = 0; i < 5; i++)
		args[i] = (struct reg){ 0 };
	if (c->h->args[1] == ARG_LOOP_FN) {
		const struct range n = range_low32(&reg_of(c, 1)->range);
		const uint64_t most = n.umax < LOOPS_MOST ? n.umax : LOOPS_MOST;
		const bool is_number = reg_of(c, 1)->kind == REG_NUMBER;

		args[0] = reg_number(
			range_signed(0, is_number && most ? (int64_t)most - 1 : LOOPS_MOST));
		args[1] = *reg_of(c, 3);
	} else {
		args[0] = *reg_of(c, 1);
		args[1] = reg_mem(0, c->map->spec->key_len, 0);
		args[2] = reg_mem(0, c->map->spec->val_len, REG_WRITABLE);
		args[3] = *reg_of(c, 3);
	}
	for (int i = 0; i < 5; i++)
		args[i].id = 0; // they stay as they are, whatever the function finds out
}

static struct reg result_of(const struct call *c, uint64_t size_most)
{
	switch (c->h->result) {
	case RESULT_VALUE: return reg_mem(0, c->map->spec->val_len, REG_NULL | REG_WRITABLE);
	case RESULT_RECORD: return reg_mem(0, c->size, REG_NULL | REG_WRITABLE | REG_RECORD);
	case RESULT_LEN: return reg_number(range_signed(-ERRNO_MOST, (int64_t)size_most));
	default: return reg_number(range_any());
	}
}

static void note(const struct call *c)
{
	struct insn_note *n = &c->v->p->notes[c->i];

	if (n->is_call_known && (n->map != c->map_index || n->size != c->size))
		n->is_several = true;
	n->is_call_known = true;
	n->map = c->map_index;
	n->size = c->size;
}

int verify_call(struct verifier *v, struct vstate *s, size_t i, int64_t *ret_fn,
		struct reg args[static 5])
{
	const struct bpf_insn *in = &v->p->insns[i];
	struct call c = { .v = v, .s = s, .i = i, .map_index = -1, .size = -1, .fn = -1 };

	if (in->src_reg)
		return verify_refuse(v, i, "only helper functions can be called");
	c.h = helper_find(in->imm);
	if (!c.h)
		return verify_refuse(v, i, "this machine has no helper function %d", in->imm);
	for (unsigned reg = 1; reg <= 5 && c.h->args[reg - 1] != ARG_NONE; reg++) {
		int r = check_arg(&c, reg);
		if (r < 0)
			return r;
	}
	note(&c);
	if (c.fn >= 0)
		set_args(&c, args);
	const uint64_t most = reg_of(&c, 2)->kind == REG_NUMBER ? reg_of(&c, 2)->range.umax : 0;
	for (unsigned reg = 1; reg <= 5; reg++)
		*reg_of(&c, reg) = (struct reg){ 0 };
	*reg_of(&c, 0) = result_of(&c, most);
	if (c.h->result == RESULT_VALUE || c.h->result == RESULT_RECORD)
		vstate_name(s, reg_of(&c, 0), i);
	*ret_fn = c.fn;
	return 0;
}
