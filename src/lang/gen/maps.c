/* SPDX-License-Identifier: MIT */
/** The script's maps as maps of the kernel: which kinds, and how they are read and written. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/arith.h"
#include "lang/gen/gen.h"

enum { KEY_MOST = 512, VAL_MOST = 32 << 10 };

/*
 * What a map may take before there is anything in it, beyond which memory comes with the entries.
 * Values for each CPU come some thirty times slower so, and not at all while many are made: where
 * the script asks for many keys it gets them.
 */
enum { PREALLOC_MOST = 8 << 20, PREALLOC_ASKED_MOST = 256 << 20 };

static bool flips(const struct map_info *m)
{
	const bool agg = m->val && type_is_agg(m->val);

	return agg && !m->read && !m->deleted && !m->looped && !m->counted;
}

/*
 * What a thread carries goes with it: only where nobody would miss that. Either the map is never
 * shown (D's variables) or empty at the end, or it holds what threads are at (@start[tid] = nsecs,
 * and delete() when it is done).
 */
static bool is_task_storage(const struct map_info *m)
{
	return m->key->kind == TYPE_INT && !m->other_key && !m->whole && !m->looped && !m->decl &&
	       type_is_number(m->val) &&
	       (m->name[0] == '.' || m->cleared_end || (m->deleted && !m->stepped));
}

static enum store store_of(const struct gen *g, const struct map_info *m)
{
	const bool agg = type_is_agg(m->val);

	if (m->key->kind == TYPE_NONE)
		return agg ? STORE_PERCPU : STORE_SCALAR;
	if (agg)
		return STORE_PERCPU_HASH;
	const struct world *w = g->check->world;
	return is_task_storage(m) && !w->is_synchronous && !w->pid_ns_ino ? STORE_TASK : STORE_HASH;
}

static uint32_t kernel_type(const struct script_map *m, const struct map_info *info)
{
	const char *kind = info->decl ? info->decl->kind : "";
	const bool lru = strstr(kind, "lru") != NULL;

	switch (m->store) {
	case STORE_SCALAR: return BPF_MAP_TYPE_ARRAY;
	case STORE_PERCPU: return BPF_MAP_TYPE_PERCPU_ARRAY;
	case STORE_PERCPU_HASH:
		return lru ? BPF_MAP_TYPE_LRU_PERCPU_HASH : BPF_MAP_TYPE_PERCPU_HASH;
	case STORE_TASK: return BPF_MAP_TYPE_TASK_STORAGE;
	default: return lru ? BPF_MAP_TYPE_LRU_HASH : BPF_MAP_TYPE_HASH;
	}
}

static struct bpf_map_spec spec_of(const struct script_map *m, const struct map_info *info,
				   bool keys_are_set)
{
	struct bpf_map_spec s = {
		.name = m->name,
		.type = kernel_type(m, info),
		.key_len = m->key->kind == TYPE_NONE ? 4 : m->key->size,
		.val_len = (m->val->size + 7) & ~7U,
		.max_entries = m->max_entries,
		.inner = -1,
	};

	if (m->store == STORE_SCALAR)
		s.val_len += 8;
	if (m->store == STORE_SCALAR || m->store == STORE_PERCPU)
		s.max_entries = 1;
	if (m->store == STORE_TASK) {
		s.key_len = 4;
		s.max_entries = 0;
		s.flags = BPF_F_NO_PREALLOC;
		s.task_storage = true;
	}
	const uint64_t per =
		(s.key_len + 64ULL + s.val_len * (m->store == STORE_PERCPU_HASH ? 4 : 1));
	const bool hash = s.type == BPF_MAP_TYPE_HASH || s.type == BPF_MAP_TYPE_PERCPU_HASH;
	const bool asked = s.type == BPF_MAP_TYPE_PERCPU_HASH && (m->is_declared || keys_are_set);
	if (hash &&
	    per * s.max_entries * m->n_epochs > (asked ? PREALLOC_ASKED_MOST : PREALLOC_MOST))
		s.flags |= BPF_F_NO_PREALLOC;
	return s;
}

static void make_kernel_maps(struct gen *g, struct script_map *m, const struct map_info *info)
{
	struct bpf_map_spec spec = spec_of(m, info, g->check->max_map_keys != MAP_KEYS_USUAL);

	m->bpf_map = gen_bpf_map(g, &spec);
	m->outer = -1;
	for (uint32_t i = 1; i < m->n_epochs; i++)
		(void)gen_bpf_map(g, &spec); // a failure is kept
	if (m->n_epochs > 1) {
		const struct bpf_map_spec outer = {
			.name = "epochs",
			.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
			.key_len = 4,
			.val_len = 4,
			.max_entries = m->n_epochs,
			.inner = m->bpf_map,
			.n_inner = (int)m->n_epochs,
		};
		m->outer = gen_bpf_map(g, &outer);
	}
	m->site = gen_site(g, SITE_LOST_MAP, NULL);
	if (m->site >= 0)
		g->script->sites[m->site].map = (int)(m - g->script->maps);
	m->site_memory = -1;
	if (m->store == STORE_TASK || !(spec.flags & BPF_F_NO_PREALLOC))
		return;
	m->site_memory = gen_site(g, SITE_LOST_MEMORY, NULL);
}

static void check_sizes(struct gen *g, const struct map_info *m)
{
	const struct pos pos = m->key_pos.line ? m->key_pos : m->val_pos;

	if (m->key->size > KEY_MOST)
		(void)diag_error(g->diag, pos, "key-too-large",
				 "the key of '@%s' has %u bytes; the kernel takes %d", m->name,
				 m->key->size, KEY_MOST);
	if (m->val->size > VAL_MOST)
		(void)diag_error(g->diag, pos, "value-too-large",
				 "a value of '@%s' has %u bytes; the most is %d", m->name,
				 m->val->size, VAL_MOST);
}

void gen_maps(struct gen *g)
{
	for (struct map_info *info = g->check->maps; info; info = info->next) {
		struct script_map *m = &g->script->maps[info->index];

		if (!info->val)
			info->val = &type_i64; // only ever printed or cleared
		if (!info->key)
			info->key = &type_none;
		check_sizes(g, info);
		m->name = info->name;
		m->key = info->key;
		m->val = info->val;
		m->store = store_of(g, info);
		m->is_declared = info->decl && info->decl->max_entries;
		m->max_entries =
			m->is_declared ? (uint32_t)info->decl->max_entries : g->check->max_map_keys;
		m->n_epochs = 1;
		if (m->store != STORE_SCALAR && m->store != STORE_TASK &&
		    !g->check->world->is_synchronous &&
		    ((flips(info) && info->printed_live) || info->cleared_live))
			m->n_epochs = EPOCHS_MOST;
		make_kernel_maps(g, m, info);
	}
}

struct script_map *gen_map(struct gen *g, const struct map_info *m)
{
	return &g->script->maps[m->index];
}

bool gen_map_flips(const struct map_info *m)
{
	return flips(m);
}

struct val gen_map_now(struct gen *g, const struct script_map *m, int l_none)
{
	if (m->n_epochs <= 1)
		return val_map(m->bpf_map);
	const int64_t at =
		g->script->epochs_off + (int64_t)sizeof(struct epoch_state) * (m - g->script->maps);
	struct val epoch = fn_load(g->f, 4, false, val_map_value(GLOBALS_MAP, at), 0);
	struct val i = fn_op(g->f, FN_AND, epoch, val_imm(m->n_epochs - 1));
	struct val slot = fn_slot(g->f, 8);
	fn_store(g->f, 4, slot, 0, i);
	struct val inner = FN_CALL(g->f, BPF_FUNC_map_lookup_elem, val_map(m->outer), slot);
	fn_if(g->f, FN_EQ, inner, val_imm(0), l_none);
	return inner;
}

struct val gen_key(struct gen *g, const struct script_map *m, struct ast *keys)
{
	if (m->key->kind == TYPE_NONE) {
		struct val slot = fn_slot(g->f, 8);
		fn_store(g->f, 4, slot, 0, val_imm(0));
		return slot;
	}
	if (!keys->next)
		return gen_mem(g, keys, m->key);
	struct ast tuple = { .kind = AST_TUPLE, .type = m->key };
	tuple.u.list.first = keys;
	struct val key = gen_temp(g, m->key->size);
	gen_into(g, &tuple, key, 0, m->key, /* pad= */ true);
	return key;
}

static struct val current_task(struct gen *g)
{
	return FN_CALL0(g->f, BPF_FUNC_get_current_task_btf);
}

/* The variable for the address of the thread's value, which starts as 0; NULL: none. */
static struct task_value *task_value(struct gen *g, const struct script_map *m)
{
	struct task_value *v = g->task_values;

	while (v && v->map != m)
		v = v->next;
	if (v || g->in_callback) // that is a function of its own
		return g->in_callback ? NULL : v;
	v = arena_new(g->arena, struct task_value);
	if (!v) {
		g->failed = true;
		return NULL;
	}
	*v = (struct task_value){ m, fn_reg(g->f), g->task_values };
	g->task_values = v;
	return v;
}

void gen_forget_task_values(struct gen *g)
{
	for (struct task_value *v = g->task_values; v; v = v->next)
		fn_mov(g->f, v->at, val_imm(0));
}

/* Looked up once in each run of a program: the value stays where it is. */
static struct val find_task_value(struct gen *g, const struct script_map *m, int64_t flags)
{
	const struct task_value *v = task_value(g, m);
	int l_known = fn_label(g->f);

	if (v)
		fn_if(g->f, FN_NE, v->at, val_imm(0), l_known);
	struct val p = FN_CALL(g->f, BPF_FUNC_task_storage_get, val_map(m->bpf_map),
			       current_task(g), val_imm(0), val_imm(flags));
	if (v)
		fn_mov(g->f, v->at, p);
	fn_place(g->f, l_known);
	return v ? v->at : p;
}

/* The address of the value of a map without keys. */
static struct val scalar_value(const struct script_map *m)
{
	return val_map_value(m->bpf_map, 8);
}

struct val gen_lookup(struct gen *g, const struct map_info *info, struct ast *keys)
{
	const struct script_map *m = gen_map(g, info);

	if (m->store == STORE_SCALAR)
		return scalar_value(m);
	if (m->store == STORE_TASK)
		return find_task_value(g, m, 0);
	struct val r = fn_reg(g->f);
	int l_none = fn_label(g->f);
	struct val key = gen_key(g, m, keys);
	if (m->n_epochs > 1)
		fn_mov(g->f, r, val_imm(0));
	struct val map = gen_map_now(g, m, l_none);
	fn_mov(g->f, r, FN_CALL(g->f, BPF_FUNC_map_lookup_elem, map, key));
	fn_place(g->f, l_none);
	return r;
}

/* An entry that was not made for want of memory, not of room. */
static void count_no_memory(struct gen *g, const struct script_map *m, struct val made)
{
	int l_other = fn_label(g->f);

	if (m->site_memory < 0)
		return;
	fn_if(g->f, FN_NE, made, val_imm(-ENOMEM), l_other);
	gen_count_lost(g, m->site_memory);
	fn_place(g->f, l_other);
}

struct val gen_lookup_make(struct gen *g, const struct map_info *info, struct ast *keys, int l_full)
{
	const struct script_map *m = gen_map(g, info);

	if (m->store == STORE_SCALAR) {
		fn_store(g->f, 8, val_map_value(m->bpf_map, 0), 0, val_imm(1));
		return scalar_value(m);
	}
	if (m->store == STORE_TASK) {
		struct val v = find_task_value(g, m, BPF_LOCAL_STORAGE_GET_F_CREATE);
		fn_if(g->f, FN_EQ, v, val_imm(0), l_full);
		return v;
	}
	struct val key = gen_key(g, m, keys), r = fn_reg(g->f);
	struct val map = gen_map_now(g, m, l_full);
	int l_there = fn_label(g->f);
	fn_mov(g->f, r, FN_CALL(g->f, BPF_FUNC_map_lookup_elem, map, key));
	if (m->store == STORE_PERCPU) {
		fn_if(g->f, FN_EQ, r, val_imm(0), l_full);
		return r;
	}
	fn_if(g->f, FN_NE, r, val_imm(0), l_there);
	// Another CPU may be as fast: then its value is found.
	struct val made = FN_CALL(g->f, BPF_FUNC_map_update_elem, map, key,
				  gen_zeros(g, m->val->size), val_imm(BPF_NOEXIST));
	count_no_memory(g, m, made);
	fn_mov(g->f, r, FN_CALL(g->f, BPF_FUNC_map_lookup_elem, map, key));
	fn_if(g->f, FN_EQ, r, val_imm(0), l_full);
	fn_place(g->f, l_there);
	return r;
}

struct val gen_map_delete(struct gen *g, const struct map_info *info, struct ast *keys, bool tell)
{
	const struct script_map *m = gen_map(g, info);
	struct val was = fn_reg(g->f);

	fn_mov(g->f, was, val_imm(0));

	switch (m->store) {
	case STORE_TASK: {
		// The memory stays with the thread, which most likely comes again: 0 is as good as
		// nothing.
		int l_none = fn_label(g->f);
		struct val p = gen_lookup(g, info, keys);
		fn_if(g->f, FN_EQ, p, val_imm(0), l_none);
		if (tell) {
			fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, p, 0), val_imm(0), l_none);
			fn_mov(g->f, was, val_imm(1));
		}
		fn_store(g->f, 8, p, 0, val_imm(0));
		fn_place(g->f, l_none);
		break;
	}
	case STORE_SCALAR:
		if (tell)
			fn_mov(g->f, was, fn_load(g->f, 8, false, val_map_value(m->bpf_map, 0), 0));
		fn_store(g->f, 8, val_map_value(m->bpf_map, 0), 0, val_imm(0));
		fn_zero(g->f, scalar_value(m), 0, (m->val->size + 7) & ~7U, 8);
		break;
	default: {
		int l_none = fn_label(g->f);
		struct val key = gen_key(g, m, keys);
		struct val map = gen_map_now(g, m, l_none);
		struct val r = FN_CALL(g->f, BPF_FUNC_map_delete_elem, map, key);
		if (tell) {
			fn_if(g->f, FN_NE, r, val_imm(0), l_none);
			fn_mov(g->f, was, val_imm(1));
		}
		fn_place(g->f, l_none);
	}
	}
	return was;
}

struct val gen_map_read(struct gen *g, struct ast *x)
{
	const struct map_info *m = x->note;

	if (type_is_agg(m->val))
		return gen_agg_read(g, m, x->u.map.keys);
	struct val p = gen_lookup(g, m, x->u.map.keys), r = fn_reg(g->f);
	int l_none = fn_label(g->f);
	if (p.kind != VAL_REG)
		return fn_load(g->f, m->val->size, m->val->is_signed, p, 0);
	fn_mov(g->f, r, val_imm(0));
	fn_if(g->f, FN_EQ, p, val_imm(0), l_none);
	fn_mov(g->f, r, fn_load(g->f, m->val->size, m->val->is_signed, p, 0));
	fn_place(g->f, l_none);
	return r;
}

/* Sets the whole value at once, as readers may look at any time. */
static void update(struct gen *g, const struct script_map *m, struct ast *keys, struct val val)
{
	int l_none = fn_label(g->f), l_fine = fn_label(g->f);
	struct val key = gen_key(g, m, keys);
	struct val map = gen_map_now(g, m, l_none);
	struct val r = FN_CALL(g->f, BPF_FUNC_map_update_elem, map, key, val, val_imm(BPF_ANY));

	fn_if(g->f, FN_EQ, r, val_imm(0), l_fine);
	count_no_memory(g, m, r);
	fn_place(g->f, l_none);
	gen_count_lost(g, m->site);
	fn_place(g->f, l_fine);
}

static void assign_number(struct gen *g, const struct map_info *info, struct ast *keys,
			  struct val v)
{
	const struct script_map *m = gen_map(g, info);

	if (m->store == STORE_SCALAR || m->store == STORE_TASK) {
		int l_full = fn_label(g->f), l_end = fn_label(g->f);
		struct val p = gen_lookup_make(g, info, keys, l_full);
		fn_store(g->f, m->val->size, p, 0, v);
		if (m->store == STORE_TASK) {
			fn_jump(g->f, l_end);
			fn_place(g->f, l_full);
			gen_count_lost(g, m->site);
		} else {
			fn_place(g->f, l_full);
		}
		fn_place(g->f, l_end);
		return;
	}
	struct val slot = fn_slot(g->f, 8);
	fn_store(g->f, 8, slot, 0, v);
	update(g, m, keys, slot);
}

static struct val owned(struct gen *g, struct val v)
{
	if (v.kind == VAL_IMM)
		return v;
	struct val r = fn_reg(g->f);
	fn_mov(g->f, r, v);
	return r;
}

/* @x[k] += v: exact on any number of CPUs where it is an addition. */
static void change(struct gen *g, struct ast *s, const struct map_info *m)
{
	struct ast *keys = s->u.op.a->u.map.keys;
	struct val v = owned(g, gen_scalar(g, s->u.op.b));
	const int64_t by = gen_step_of(m->val);
	int l_full = fn_label(g->f), l_end = fn_label(g->f);
	const enum op op = s->u.op.op;
	if (by != 1)
		v = fn_op(g->f, FN_MUL, v, val_imm(by));
	struct val p = gen_lookup_make(g, m, keys, l_full);

	if (op == OP_ADD || op == OP_SUB) {
		(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, op == OP_ADD ? v : fn_neg(g->f, v),
				false);
	} else if (op == OP_OR || op == OP_AND || op == OP_XOR) {
		const enum fn_atomic how = op == OP_OR	  ? FN_ATOMIC_OR
					   : op == OP_AND ? FN_ATOMIC_AND
							  : FN_ATOMIC_XOR;
		(void)fn_atomic(g->f, how, 8, p, 0, v, false);
	} else {
		struct val old = fn_load(g->f, 8, m->val->is_signed, p, 0);
		const bool is_signed = op == OP_SHR ? m->val->is_signed : s->note_n != 0;
		fn_store(g->f, 8, p, 0, gen_arith(g, op, old, v, is_signed));
	}
	fn_jump(g->f, l_end);
	fn_place(g->f, l_full);
	gen_count_lost(g, gen_map(g, m)->site);
	fn_place(g->f, l_end);
}

void gen_map_assign(struct gen *g, struct ast *s)
{
	struct ast *x = s->u.op.a, *value = s->u.op.b;
	const struct map_info *info = x->note;
	const struct script_map *m = gen_map(g, info);
	const struct func *f = value->kind == AST_CALL ? value->note : NULL;

	if (f && f->is_agg) {
		gen_agg(g, info, x->u.map.keys, value);
	} else if (s->u.op.op != OP_NONE) {
		change(g, s, info);
	} else if (!type_in_memory(m->val)) {
		assign_number(g, info, x->u.map.keys, owned(g, gen_scalar(g, value)));
	} else if (m->store == STORE_SCALAR) {
		struct val p = gen_mem(g, value, m->val);
		fn_copy(g->f, scalar_value(m), 0, p, 0, m->val->size, 8);
		fn_store(g->f, 8, val_map_value(m->bpf_map, 0), 0, val_imm(1));
	} else {
		update(g, m, x->u.map.keys, gen_mem(g, value, m->val));
	}
}

void gen_map_step(struct gen *g, struct ast *x, struct val *ret)
{
	const struct map_info *m = x->u.op.a->note;
	const enum op op = x->u.op.op;
	const bool down = op == OP_PRE_DEC || op == OP_POST_DEC;
	const int64_t by = down ? -gen_step_of(m->val) : gen_step_of(m->val);
	int l_full = fn_label(g->f), l_end = fn_label(g->f);
	struct val r = fn_reg(g->f);

	g->flipped = NULL; // what comes now belongs to the new buffer

	fn_mov(g->f, r, val_imm(0));
	struct val p = gen_lookup_make(g, m, x->u.op.a->u.map.keys, l_full);
	// As a statement nobody wants the earlier value, and it costs less without.
	if (!ret) {
		(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, val_imm(by), false);
	} else {
		struct val old = fn_atomic(g->f, FN_ATOMIC_ADD, 8, p, 0, val_imm(by), true);
		fn_mov(g->f, r, old);
		if (op == OP_PRE_INC || op == OP_PRE_DEC)
			fn_op_to(g->f, FN_ADD, r, val_imm(by));
		*ret = r;
	}
	fn_jump(g->f, l_end);
	fn_place(g->f, l_full);
	gen_count_lost(g, gen_map(g, m)->site);
	fn_place(g->f, l_end);
}
