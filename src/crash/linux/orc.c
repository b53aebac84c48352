/* SPDX-License-Identifier: MIT */
/**
 * Looks up ORC entries where they lie in the dump. A table is two arrays of the same length:
 *
 *     ips      32 bits each: the code's address, from where the number itself lies; sorted
 *     entries  struct orc_entry, whose bit fields differ between kernels: as its types say
 */
#include "crash/linux/orc.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { ENTRY_MOST = 16, LEARN_MOST = 256, SP_IN_7_2 = 3 };

int orc_init(struct orc *o, struct ctypes *types)
{
	static const char type[] = "struct orc_entry";

	*o = (struct orc){ 0 };
	uint64_t size = kfield_sizeof(types, type);
	if (!size || size > ENTRY_MOST || !kfield_find(types, type, "sp_offset", &o->sp_off) ||
	    !kfield_find(types, type, "bp_offset", &o->bp_off) ||
	    !kfield_find(types, type, "sp_reg", &o->sp_reg) ||
	    !kfield_find(types, type, "bp_reg", &o->bp_reg) ||
	    !kfield_find(types, type, "type", &o->type))
		return -ENOENT;
	(void)kfield_find(types, type, "end", &o->end); // until Linux 6.3
	const struct kfield *const all[] = { &o->sp_off, &o->bp_off, &o->sp_reg,
					     &o->bp_reg, &o->type,   &o->end };
	for (size_t i = 0; i < MEM_LEN(all); i++) {
		if (all[i]->off >= size) // types out of a dump may say anything
			return -ENOENT;
	}
	o->size = (uint32_t)size;
	o->three_bits = o->type.bit_size >= 3;
	o->cache = calloc(ORC_CACHE, sizeof(*o->cache));
	return o->cache ? 0 : sonde_fail(-ENOMEM, "ORC: out of memory");
}

void orc_fini(struct orc *o)
{
	free(o->tables);
	free(o->cache);
	*o = (struct orc){ 0 };
}

int orc_add(struct orc *o, const struct orc_table *t)
{
	int r = mem_grow(&o->tables, &o->cap, o->n + 1);

	if (r < 0)
		return r;
	o->tables[o->n++] = *t;
	o->sorted = false;
	return 0;
}

static int by_lo(const void *a, const void *b)
{
	const struct orc_table *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static const struct orc_table *table_of(struct orc *o, uint64_t pc)
{
	size_t lo = 0, hi = o->n;

	if (!o->sorted && o->n)
		qsort(o->tables, o->n, sizeof(*o->tables), by_lo);
	o->sorted = true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->tables[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && pc < o->tables[lo - 1].hi ? &o->tables[lo - 1] : NULL;
}

/* The last entry at or before @pc. */
static bool search(struct space *mem, const struct orc_table *t, uint64_t pc, uint32_t *ret)
{
	uint32_t lo = 0, hi = t->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		uint64_t at = t->ips + mid * 4ull;
		int32_t off;

		if (space_read(mem, at, &off, sizeof(off)) < 0)
			return false;
		if (at + (uint64_t)(int64_t)off <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo - 1;
	return lo;
}

static enum orc_kind kind_of(const struct orc *o, uint64_t type, bool end)
{
	static const enum orc_kind before[] = { ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL, ORC_NONE };
	static const enum orc_kind since_6_4[] = { ORC_NONE, ORC_END, ORC_CALL, ORC_REGS,
						   ORC_REGS_PARTIAL };

	if (end)
		return ORC_END;
	if (o->three_bits)
		return type < MEM_LEN(since_6_4) ? since_6_4[type] : ORC_NONE;
	return type < MEM_LEN(before) ? before[type] : ORC_NONE;
}

/* What a register's number means. */
static enum orc_reg reg_of(const struct orc *o, uint64_t reg)
{
	static const enum orc_reg in_7_2[] = { ORC_UNDEFINED,	ORC_UNDEFINED,	ORC_DX,
					       ORC_SP,		ORC_BP,		ORC_DI,
					       ORC_R10,		ORC_R13,	ORC_PREV_SP,
					       ORC_SP_INDIRECT, ORC_BP_INDIRECT };

	if (!o->sp_is_3)
		return (enum orc_reg)reg;
	return reg < MEM_LEN(in_7_2) ? in_7_2[reg] : ORC_UNDEFINED;
}

static void decode(const struct orc *o, const uint8_t *bytes, struct orc_entry *ret)
{
	bool end = o->end.type && kfield_number(&o->end, bytes + o->end.off);

	*ret = (struct orc_entry){
		.kind = kind_of(o, kfield_number(&o->type, bytes + o->type.off), end),
		.sp_reg = reg_of(o, kfield_number(&o->sp_reg, bytes + o->sp_reg.off)),
		.bp_reg = reg_of(o, kfield_number(&o->bp_reg, bytes + o->bp_reg.off)),
		.sp_off = (int16_t)kfield_number(&o->sp_off, bytes + o->sp_off.off),
		.bp_off = (int16_t)kfield_number(&o->bp_off, bytes + o->bp_off.off),
	};
	// Where nothing is known of the stack, kernels before 6.4 have an entry of zeros.
	if (ret->kind == ORC_CALL && ret->sp_reg == ORC_UNDEFINED)
		ret->kind = ORC_NONE;
}

/* Where functions begin, the caller's stack pointer is 8 above the stack pointer of all kernels. */
void orc_learn(struct orc *o, struct space *mem, const struct orc_table *t)
{
	uint8_t bytes[ENTRY_MOST + 8] = { 0 };
	unsigned begins = 0, threes = 0;

	for (uint32_t i = 0; i < t->n && i < LEARN_MOST; i++) {
		if (space_read(mem, t->entries + (uint64_t)i * o->size, bytes, o->size) < 0)
			return;
		if (kind_of(o, kfield_number(&o->type, bytes + o->type.off), false) != ORC_CALL ||
		    kfield_number(&o->sp_off, bytes + o->sp_off.off) != 8 ||
		    kfield_number(&o->bp_reg, bytes + o->bp_reg.off))
			continue;
		begins++;
		threes += kfield_number(&o->sp_reg, bytes + o->sp_reg.off) == SP_IN_7_2;
	}
	o->sp_is_3 = threes > begins / 2;
}

bool orc_find(struct orc *o, struct space *mem, uint64_t pc, struct orc_entry *ret)
{
	uint8_t bytes[ENTRY_MOST + 8] = { 0 }; // a field's number is read with up to 8
	uint32_t i;

	if (!o->cache || !pc)
		return false;
	struct orc_cached *c = &o->cache[(pc ^ pc >> 12) % ORC_CACHE];
	if (c->pc == pc) {
		*ret = c->entry;
		return ret->kind != ORC_NONE;
	}
	const struct orc_table *t = table_of(o, pc);
	if (!t || !search(mem, t, pc, &i) ||
	    space_read(mem, t->entries + (uint64_t)i * o->size, bytes, o->size) < 0)
		return false;
	decode(o, bytes, &c->entry);
	c->pc = pc;
	*ret = c->entry;
	return ret->kind != ORC_NONE;
}
