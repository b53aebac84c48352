/* SPDX-License-Identifier: MIT */
/** Records into the ring: printf(), print(), exit() and all that people see. */
#include <linux/bpf.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/gen.h"

enum { JOIN_LEN = 1024, PACKET_MOST = 2048, HEAD = sizeof(struct record_head) };

static struct ast *arg(const struct ast *x, unsigned i)
{
	struct ast *a = x->u.call.args;

	while (a && i-- > 0)
		a = a->next;
	return a;
}

static bool is_literal(struct gen *g, const struct ast *x, const char **ret)
{
	size_t len;
	const char *text = x ? check_text(g->check, x, &len) : NULL;

	*ret = text;
	return text != NULL;
}

void gen_lay_out(struct gen *g, int site, uint32_t off, const struct type *const *types, uint32_t n)
{
	struct type_field *f = arena_array(g->arena, n ? n : 1, sizeof(*f));

	if (!f || site < 0) {
		g->failed = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		f[i] = (struct type_field){ types[i], off };
		off = (off + types[i]->size + 7) & ~7U;
	}
	g->script->sites[site].args = f;
	g->script->sites[site].n_args = n;
	g->script->sites[site].payload_len = off;
}

static void lay_out(struct gen *g, int site, const struct type *const *types, uint32_t n)
{
	gen_lay_out(g, site, 0, types, n);
}

/* Room for a record of @site with its head filled; goes to @l_lost without. */
static struct val reserve(struct gen *g, int site, int l_lost)
{
	if (g->clause && !g->clause->is_split)
		return gen_clause_part(g, site);
	const uint32_t len = HEAD + g->script->sites[site].payload_len;
	struct val now = val_imm(0);

	// The clock costs as much as all the rest of a short record.
	const enum site_kind kind = g->script->sites[site].kind;
	if (kind == SITE_SKB || kind == SITE_TIME)
		now = FN_CALL0(g->f, BPF_FUNC_ktime_get_boot_ns);
	struct val r = FN_CALL(g->f, BPF_FUNC_ringbuf_reserve, val_map(RING_MAP), val_imm(len),
			       val_imm(0));

	fn_if(g->f, FN_EQ, r, val_imm(0), l_lost);
	fn_store(g->f, 4, r, offsetof(struct record_head, site), val_imm(site));
	fn_store(g->f, 4, r, offsetof(struct record_head, probe), val_imm(g->probe_name));
	fn_store(g->f, 8, r, offsetof(struct record_head, ts_ns), now);
	return r;
}

static void submit(struct gen *g, struct val r, int site, int l_lost)
{
	int l_end = fn_label(g->f);

	if (g->clause && !g->clause->is_split) { // goes out with it
		fn_place(g->f, l_lost);
		fn_place(g->f, l_end);
		return;
	}
	// The kernel wakes the reader if it has read all before this record; it reads a moment
	// later, until when others come without a wake-up.
	FN_CALL(g->f, BPF_FUNC_ringbuf_submit, r, val_imm(0));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_lost);
	gen_count_lost(g, site);
	fn_place(g->f, l_end);
}

bool gen_comes_first(const struct ast *x)
{
	return x->kind == AST_MAP && type_in_memory(x->type);
}

static void send(struct gen *g, int site, struct ast *args, const struct type *const *types,
		 uint32_t n)
{
	int l_lost = fn_label(g->f);
	struct val first[64] = { 0 };
	uint32_t i = 0;

	if (site < 0)
		return;
	for (struct ast *a = args; a && i < n; a = a->next, i++)
		if (gen_comes_first(a))
			first[i] = gen_mem(g, a, a->type);
	struct val r = reserve(g, site, l_lost);
	i = 0;
	for (struct ast *a = args; a && i < n; a = a->next, i++) {
		const int64_t off = HEAD + g->script->sites[site].args[i].off;
		if (gen_comes_first(a) && type_same(a->type, types[i]))
			fn_copy(g->f, r, off, first[i], 0, types[i]->size, 8);
		else
			gen_into(g, a, r, off, types[i], /* pad= */ false);
	}
	submit(g, r, site, l_lost);
}

/* Which conversion takes argument @n; *ret_long: with a length of 64 bits. */
static char conversion_of(const char *fmt, uint32_t n, bool *ret_long)
{
	for (const char *p = strchr(fmt, '%'); p; p = strchr(p, '%')) {
		if (p[1] == '%') {
			p += 2;
			continue;
		}
		p += 1 + strcspn(p + 1, "diuxXocpsr");
		*ret_long = p[-1] == 'l';
		if (!*p || n-- == 0)
			return *p;
	}
	return '\0';
}

/* What came in a register, where an int fills the lower half only. */
static bool is_raw(const struct ast *x)
{
	const struct ast *own = x->context ? x->context->own : x;
	int64_t n;
	const struct builtin *b =
		own->kind == AST_NAME ? builtin_find(own->u.name, /* is_d= */ false, &n) : NULL;

	return b && (b->id == B_ARG || b->id == B_SARG || b->id == B_RETVAL) &&
	       x->type->kind == TYPE_INT && x->type->size == 8 && !x->type->is_signed;
}

static const struct type *printf_type(struct gen *g, const char *fmt, uint32_t i,
				      const struct ast *x)
{
	bool is_long = false;

	if (g->script->d)
		return x->type;
	const char conv = conversion_of(fmt, i, &is_long);

	if (x->type->kind == TYPE_PTR && conv == 's') {
		const struct type *s = type_str(g->arena, (g->check->max_strlen + 7) & ~7U);
		g->failed = g->failed || !s;
		return s ? s : x->type;
	}
	if ((conv == 'd' || conv == 'i') && !is_long && is_raw(x))
		return &type_i32;
	return x->type;
}

void gen_printf(struct gen *g, struct ast *x, enum site_kind kind)
{
	const struct type *types[64];
	const char *fmt;
	uint32_t n = 0;
	const int site = gen_site(g, kind, x);

	if (site < 0 || !is_literal(g, x->u.call.args, &fmt))
		return;
	g->script->sites[site].fmt = fmt;
	g->script->sites[site].is_d = g->script->d != NULL;
	for (struct ast *a = x->u.call.args->next; a && n < MEM_LEN(types); a = a->next, n++)
		types[n] = printf_type(g, fmt, n, a);
	lay_out(g, site, types, n);
	if (!g->failed)
		send(g, site, x->u.call.args->next, types, n);
}

/* --- print, clear, zero of whole maps --- */

static struct flipped *find_flipped(struct gen *g, const struct map_info *m)
{
	for (struct flipped *f = g->flipped; f; f = f->next)
		if (f->map == m)
			return f;
	return NULL;
}

static void remember_flip(struct gen *g, const struct map_info *m, struct val epoch)
{
	struct flipped *f = arena_new(g->arena, struct flipped);

	if (!f) {
		g->failed = true;
		return;
	}
	*f = (struct flipped){ m, epoch, g->flipped };
	g->flipped = f;
}

/*
 * Goes on to the next buffer, if the reader has emptied one. The result is the epoch that ends
 * here, or the present one with EPOCH_OPEN where there is no buffer.
 */
static struct val flip(struct gen *g, const struct script_map *m)
{
	const int64_t at =
		g->script->epochs_off + (int64_t)sizeof(struct epoch_state) * (m - g->script->maps);
	struct val globals = val_map_value(GLOBALS_MAP, at);
	struct val r = fn_reg(g->f);
	int l_late = fn_label(g->f), l_end = fn_label(g->f);

	fn_mov(g->f, r, fn_load(g->f, 4, false, globals, offsetof(struct epoch_state, epoch)));
	struct val drained =
		fn_load(g->f, 4, false, globals, offsetof(struct epoch_state, drained));
	struct val ahead = fn_extend(g->f, fn_op(g->f, FN_SUB, r, drained), 4, false);
	fn_if(g->f, FN_GE, ahead, val_imm(m->n_epochs - 1), l_late);
	struct val next = fn_op(g->f, FN_ADD, r, val_imm(1));
	// Another program may end the same epoch now: one of the two does.
	struct val was = fn_cmpxchg(g->f, 4, globals, offsetof(struct epoch_state, epoch), r, next);
	fn_if(g->f, FN_EQ, was, r, l_end);
	fn_place(g->f, l_late);
	(void)fn_atomic(g->f, FN_ATOMIC_ADD, 8, globals, offsetof(struct epoch_state, late),
			val_imm(1), false);
	fn_op_to(g->f, FN_OR, r, val_imm(EPOCH_OPEN));
	fn_place(g->f, l_end);
	return r;
}

static struct val epoch_now(struct gen *g, const struct script_map *m)
{
	const int64_t at =
		g->script->epochs_off + (int64_t)sizeof(struct epoch_state) * (m - g->script->maps);
	struct val e = fn_load(g->f, 4, false, val_map_value(GLOBALS_MAP, at), 0);

	return fn_op(g->f, FN_OR, e, val_imm(EPOCH_OPEN));
}

static struct val map_epoch(struct gen *g, const struct map_info *info, enum site_kind kind)
{
	const struct script_map *m = gen_map(g, info);
	const struct flipped *f = find_flipped(g, info);

	if (m->n_epochs <= 1)
		return val_imm(0);
	if (f)
		return f->epoch; // print(@x); clear(@x): one and the same moment
	if (kind == SITE_PRINT_MAP && !gen_map_flips(info))
		return epoch_now(g, m);
	struct val e = flip(g, m);
	remember_flip(g, info, e);
	return e;
}

static void take_top(struct gen *g, struct ast *x, struct site *s)
{
	if (arg(x, 1))
		(void)check_const(g->check, arg(x, 1), &s->top); // the checker saw that they are
	if (arg(x, 1) && arg(x, 2))
		(void)check_const(g->check, arg(x, 2), &s->div);
}

void gen_map_record(struct gen *g, struct ast *x, enum site_kind kind)
{
	const struct map_info *info = arg(x, 0)->note;
	const struct type *types[1] = { &type_u32 };
	const int site = gen_site(g, kind, x);
	int l_lost = fn_label(g->f);

	if (site < 0)
		return;
	lay_out(g, site, types, 1);
	if (g->failed)
		return;
	struct site *s = &g->script->sites[site];
	s->map = (int)info->index;
	take_top(g, x, s);
	struct val epoch = map_epoch(g, info, kind);
	struct val r = reserve(g, site, l_lost);
	fn_store(g->f, 4, r, HEAD, epoch);
	submit(g, r, site, l_lost);
}

/* printa(): one or several aggregations, each as it is at this moment. */
static void printa(struct gen *g, struct ast *x)
{
	const struct type *types[16] = { NULL };
	struct val epochs[16];
	struct ast *a = arg(x, 0);
	const char *fmt = NULL;
	uint32_t n = 0;
	const int site = gen_site(g, SITE_PRINTA, x);
	int l_lost = fn_label(g->f);

	if (a->kind != AST_MAP) {
		(void)is_literal(g, a, &fmt);
		a = a->next;
	}
	uint32_t *maps = arena_array(g->arena, MEM_LEN(types), sizeof(*maps));
	if (site < 0 || !maps) {
		g->failed = true;
		return;
	}
	for (; a && n < MEM_LEN(types); a = a->next, n++) {
		const struct map_info *info = a->note;
		maps[n] = info->index;
		types[n] = &type_u32;
		epochs[n] = map_epoch(g, info, SITE_PRINT_MAP);
	}
	lay_out(g, site, types, n);
	if (g->failed)
		return;
	struct site *s = &g->script->sites[site];
	s->fmt = fmt;
	s->is_d = true;
	s->maps = maps;
	s->n_maps = n;
	struct val r = reserve(g, site, l_lost);
	for (uint32_t i = 0; i < n; i++)
		fn_store(g->f, 4, r, HEAD + g->script->sites[site].args[i].off, epochs[i]);
	submit(g, r, site, l_lost);
}

/* trunc(), normalize(), denormalize(): for the reader to do. */
static void agg_action(struct gen *g, struct ast *x, enum site_kind kind)
{
	const struct map_info *info = arg(x, 0)->note;
	const struct type *types[2] = { &type_u32, &type_i64 };
	const int site = gen_site(g, kind, x);
	int l_lost = fn_label(g->f);

	if (site < 0)
		return;
	lay_out(g, site, types, kind == SITE_TRUNC ? 2 : 1);
	if (kind == SITE_NORMALIZE)
		lay_out(g, site, types + 1, 1);
	if (g->failed)
		return;
	g->script->sites[site].map = (int)info->index;
	struct val n = val_imm(0), epoch = val_imm(0);
	if (arg(x, 1)) {
		n = fn_reg(g->f);
		fn_mov(g->f, n, gen_scalar(g, arg(x, 1)));
	}
	if (kind == SITE_TRUNC)
		epoch = map_epoch(g, info, SITE_CLEAR);
	struct val r = reserve(g, site, l_lost);
	if (kind != SITE_NORMALIZE)
		fn_store(g->f, 4, r, HEAD, epoch);
	if (kind != SITE_DENORMALIZE)
		fn_store(g->f, 8, r, HEAD + (kind == SITE_TRUNC ? 8 : 0), n);
	submit(g, r, site, l_lost);
}

/* tracemem(): the bytes at an address, of which a third argument may want less. */
static void tracemem(struct gen *g, struct ast *x)
{
	struct ast *address = arg(x, 0), *most = arg(x, 1), *want = arg(x, 2);
	int64_t n = 0;
	const int site = gen_site(g, SITE_TRACEMEM, x);

	(void)check_const(g->check, most, &n); // the checker saw that it is
	const struct type *t = type_new(g->arena, TYPE_BUF, (uint32_t)((n + 4 + 7) & ~7), 8);
	struct ast *len = arena_new(g->arena, struct ast);
	struct ast *call = arena_new(g->arena, struct ast);
	if (!t || !len || !call || site < 0) {
		g->failed = true;
		return;
	}
	*len = want ? *want : *most;
	len->next = NULL;
	struct ast from = *address;
	if (!type_is_scalar(address->type)) { // an array
		from = (struct ast){ .kind = AST_UNARY, .pos = x->pos, .type = &type_u64 };
		from.u.op.op = OP_ADDR;
		from.u.op.a = address;
	}
	from.next = len;
	*call = (struct ast){ .kind = AST_CALL, .pos = x->pos, .type = t };
	call->note = func_find("buf", false);
	call->u.call.args = &from;
	call->u.call.n_args = 2;
	lay_out(g, site, &t, 1);
	if (!g->failed)
		send(g, site, call, &t, 1);
}

static void trace(struct gen *g, struct ast *x)
{
	const struct type *t = arg(x, 0)->type;
	const int site = gen_site(g, SITE_TRACE, x);

	if (site < 0)
		return;
	lay_out(g, site, &t, 1);
	g->script->sites[site].is_d = true;
	if (!g->failed)
		send(g, site, arg(x, 0), &t, 1);
}

/* print(@x) of a map without keys: its value as it is now. */
static void print_scalar_map(struct gen *g, struct ast *x)
{
	const struct map_info *info = arg(x, 0)->note;
	const struct script_map *m = gen_map(g, info);
	const int site = gen_site(g, SITE_PRINT_ELEM, x);
	int l_lost = fn_label(g->f), l_unset = fn_label(g->f);

	if (site < 0)
		return;
	lay_out(g, site, &m->val, 1);
	if (g->failed)
		return;
	g->script->sites[site].map = (int)info->index;
	take_top(g, x, &g->script->sites[site]);
	fn_if(g->f, FN_EQ, fn_load(g->f, 8, false, val_map_value(m->bpf_map, 0), 0), val_imm(0),
	      l_unset);
	struct val r = reserve(g, site, l_lost);
	fn_copy(g->f, r, HEAD, val_map_value(m->bpf_map, 8), 0, m->val->size, 8);
	submit(g, r, site, l_lost);
	fn_place(g->f, l_unset);
}

/* clear(@x) of a map without keys, done here and now. */
static void clear_scalar_map(struct gen *g, const struct map_info *info, bool keep)
{
	const struct script_map *m = gen_map(g, info);

	if (!keep)
		fn_store(g->f, 8, val_map_value(m->bpf_map, 0), 0, val_imm(0));
	fn_zero(g->f, val_map_value(m->bpf_map, 8), 0, (m->val->size + 7) & ~7U, 8);
}

static void whole_map(struct gen *g, struct ast *x, const struct func *f)
{
	const struct map_info *info = arg(x, 0)->note;
	const enum store store = gen_map(g, info)->store;

	if (store == STORE_SCALAR && f->id == F_PRINT)
		print_scalar_map(g, x);
	else if (store == STORE_SCALAR)
		clear_scalar_map(g, info, f->id == F_ZERO);
	else
		gen_map_record(g, x,
			       f->id == F_PRINT	  ? SITE_PRINT_MAP
			       : f->id == F_CLEAR ? SITE_CLEAR
						  : SITE_ZERO);
}

/* print(@x[k]): with its key. */
static void print_element(struct gen *g, struct ast *x)
{
	struct ast *a = arg(x, 0);
	const struct map_info *info = a->note;
	const struct script_map *m = gen_map(g, info);
	const struct type *types[2] = { m->key, type_is_agg(m->val) ? a->type : m->val };
	const int site = gen_site(g, SITE_PRINT_ELEM, x);
	int l_lost = fn_label(g->f);

	if (site < 0)
		return;
	lay_out(g, site, types, 2);
	if (g->failed)
		return;
	g->script->sites[site].map = (int)info->index;
	struct val key = gen_key(g, m, a->u.map.keys);
	struct val v = type_in_memory(a->type) ? gen_mem(g, a, a->type) : gen_scalar(g, a);
	struct val r = reserve(g, site, l_lost);
	fn_copy(g->f, r, HEAD, key, 0, m->key->size, 8);
	const int64_t off = HEAD + g->script->sites[site].args[1].off;
	if (type_in_memory(a->type))
		fn_copy(g->f, r, off, v, 0, types[1]->size, 8);
	else
		fn_store(g->f, types[1]->size, r, off, v);
	submit(g, r, site, l_lost);
}

static void print_value_of(struct gen *g, struct ast *x)
{
	struct ast *a = arg(x, 0);

	if (a->kind == AST_MAP && a->u.map.keys) {
		print_element(g, x);
		return;
	}
	const struct type *t = a->type;
	const int site = gen_site(g, SITE_PRINT, x);
	if (site < 0)
		return;
	lay_out(g, site, &t, 1);
	if (!g->failed)
		send(g, site, a, &t, 1);
}

/* --- the others --- */

static void join_call(struct gen *g, struct ast *x)
{
	static const struct type pointer = { .kind = TYPE_INT, .size = 8, .align = 8 };
	const struct type *types[JOIN_MOST], *str = type_str(g->arena, JOIN_LEN);
	const int site = gen_site(g, SITE_JOIN, x);
	const char *delimiter = " ";
	int l_lost = fn_label(g->f);

	if (!str || site < 0) {
		g->failed = true;
		return;
	}
	for (int i = 0; i < JOIN_MOST; i++)
		types[i] = str;
	lay_out(g, site, types, JOIN_MOST);
	if (g->failed)
		return;
	if (arg(x, 1))
		(void)is_literal(g, arg(x, 1), &delimiter);
	g->script->sites[site].fmt = delimiter;
	if (arg(x, 0)->kind == AST_TUPLE) { // of a trace
		struct ast *parts = arg(x, 0)->u.list.first;
		uint32_t n = 0;
		for (const struct ast *a = parts; a; a = a->next)
			n++;
		lay_out(g, site, types, n);
		if (!g->failed)
			send(g, site, parts, types, n);
		return;
	}
	struct val base = fn_reg(g->f);
	fn_mov(g->f, base, gen_scalar(g, arg(x, 0)));
	const enum space space = gen_space(arg(x, 0)->type);
	struct val r = reserve(g, site, l_lost);
	int l_end = fn_label(g->f);
	for (int i = 0; i < JOIN_MOST; i++)
		fn_store(g->f, 1, r, HEAD + (int64_t)i * JOIN_LEN, val_imm(0));
	for (int i = 0; i < JOIN_MOST; i++) {
		const struct place at = place_at(space, base, 8LL * i);
		struct val p = gen_load_place(g, &at, &pointer);
		fn_if(g->f, FN_EQ, p, val_imm(0), l_end);
		gen_read_str(g, space, p, r, HEAD + (int64_t)i * JOIN_LEN, val_imm(JOIN_LEN),
			     JOIN_LEN);
	}
	fn_place(g->f, l_end);
	submit(g, r, site, l_lost);
}

/* A number in the packet's struct sk_buff. */
static struct val skb_member(struct gen *g, struct val skb, const char *name)
{
	const struct ctype *ct;
	struct cmember m;

	if (!check_find_ctype(g->check, "struct sk_buff", &ct) || !ctype_member(ct, name, &m))
		return val_imm(0);
	const struct type t = { .kind = TYPE_INT, .size = (uint32_t)m.type->size, .align = 8 };
	const struct place p = place_at(SP_KERNEL, skb, (int64_t)(m.bit_off / 8));
	return gen_load_place(g, &p, &t);
}

static void at_most(struct gen *g, struct val v, struct val most)
{
	int l_fine = fn_label(g->f);

	fn_if(g->f, FN_LE, v, most, l_fine);
	fn_mov(g->f, v, most);
	fn_place(g->f, l_fine);
}

/* Bytes that there are behind @off: those that lie in one piece. */
static struct val packet_len(struct gen *g, struct val skb, struct val len, struct val off)
{
	struct val n = fn_reg(g->f), have = fn_reg(g->f);
	int l_some = fn_label(g->f);

	fn_mov(g->f, have,
	       fn_op(g->f, FN_SUB, skb_member(g, skb, "len"), skb_member(g, skb, "data_len")));
	fn_op_to(g->f, FN_SUB, have, off);
	fn_if(g->f, FN_SGE, have, val_imm(0), l_some);
	fn_mov(g->f, have, val_imm(0));
	fn_place(g->f, l_some);
	fn_mov(g->f, n, len);
	at_most(g, n, have);
	at_most(g, n, val_imm(PACKET_MOST));
	return n;
}

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

struct val gen_packet(struct gen *g, struct ast *x)
{
	const struct type *t = type_new(g->arena, TYPE_BUF, 8 + PACKET_MOST, 8);
	const int site = gen_site(g, SITE_SKB, x);
	int l_lost = fn_label(g->f), l_empty = fn_label(g->f);
	const char *path;

	if (!t || site < 0 || !is_literal(g, arg(x, 0), &path)) {
		g->failed = g->failed || !t;
		return val_imm(0);
	}
	lay_out(g, site, &t, 1);
	if (g->failed)
		return val_imm(0);
	g->script->sites[site].fmt = path;
	struct val skb = own(g, gen_scalar(g, arg(x, 1)));
	struct val len = own(g, gen_scalar(g, arg(x, 2))), off = own(g, gen_scalar(g, arg(x, 3)));
	struct val n = packet_len(g, skb, len, off);
	struct val data = own(g, fn_op(g->f, FN_ADD, skb_member(g, skb, "data"), off));
	struct val r = reserve(g, site, l_lost);
	fn_store(g->f, 4, r, HEAD, n);
	fn_if(g->f, FN_EQ, n, val_imm(0), l_empty);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel, fn_op(g->f, FN_ADD, r, val_imm(HEAD + 4)), n,
		data);
	fn_place(g->f, l_empty);
	submit(g, r, site, l_lost);
	return val_imm(0);
}

static void time_call(struct gen *g, struct ast *x)
{
	const struct type *t = &type_u64;
	const int site = gen_site(g, SITE_TIME, x);
	const char *fmt = "%H:%M:%S\n";
	int l_lost = fn_label(g->f);

	if (arg(x, 0))
		(void)is_literal(g, arg(x, 0), &fmt);
	if (site < 0)
		return;
	lay_out(g, site, &t, 1);
	if (g->failed)
		return;
	g->script->sites[site].fmt = fmt;
	struct val r = reserve(g, site, l_lost);
	fn_store(g->f, 8, r, HEAD, fn_load(g->f, 8, false, r, offsetof(struct record_head, ts_ns)));
	submit(g, r, site, l_lost);
}

void gen_exit_call(struct gen *g, struct ast *status)
{
	const struct type *t = &type_i64;
	const int site = gen_site(g, SITE_EXIT, NULL);
	int l_lost = fn_label(g->f);

	if (site < 0)
		return;
	lay_out(g, site, &t, 1);
	if (g->failed)
		return;
	struct val v = status ? gen_scalar(g, status) : val_imm(0);
	const struct val globals = val_map_value(GLOBALS_MAP, 0);
	if (v.kind != VAL_IMM) {
		struct val own = fn_reg(g->f);
		fn_mov(g->f, own, v);
		v = own;
	}
	// All probes are silent from here on; the status is there even if the record is lost.
	fn_store(g->f, 4, globals, offsetof(struct script_globals, exit_status), v);
	fn_store(g->f, 4, globals, offsetof(struct script_globals, exiting), val_imm(1));
	struct val r = reserve(g, site, l_lost);
	fn_store(g->f, 8, r, HEAD, v);
	submit(g, r, site, l_lost);
	gen_leave(g);
}

static void assert_call(struct gen *g, struct ast *x)
{
	const char *text;
	int l_bad = fn_label(g->f), l_fine = fn_label(g->f);
	const int site = gen_site(g, SITE_ERRORF, x);

	if (site < 0 || !is_literal(g, arg(x, 1), &text))
		return;
	g->script->sites[site].fmt = "assertion failed: %s\n";
	const struct type *t = type_str(g->arena, ((uint32_t)strlen(text) + 8) & ~7U);
	if (!t) {
		g->failed = true;
		return;
	}
	lay_out(g, site, &t, 1);
	gen_branch(g, arg(x, 0), l_bad);
	fn_jump(g->f, l_fine);
	fn_place(g->f, l_bad);
	if (!g->failed)
		send(g, site, arg(x, 1), &t, 1);
	struct ast one = { .kind = AST_INT, .type = &type_i64, .u.num = 1 };
	gen_exit_call(g, &one);
	fn_place(g->f, l_fine);
}

void gen_output_call(struct gen *g, struct ast *x)
{
	const struct func *f = x->note;

	switch (f->id) {
	case F_PRINTF: gen_printf(g, x, SITE_PRINTF); break;
	case F_ERRORF: gen_printf(g, x, SITE_ERRORF); break;
	case F_WARNF: gen_printf(g, x, SITE_WARNF); break;
	case F_CAT: gen_printf(g, x, SITE_CAT); break;
	case F_SYSTEM: gen_printf(g, x, SITE_SYSTEM); break;
	case F_PRINT:
		if (arg(x, 0)->kind == AST_MAP && !arg(x, 0)->u.map.keys)
			whole_map(g, x, f);
		else
			print_value_of(g, x);
		break;
	case F_CLEAR:
	case F_ZERO: whole_map(g, x, f); break;
	case F_JOIN: join_call(g, x); break;
	case F_TIME: time_call(g, x); break;
	case F_EXIT:
		if (g->clause)
			gen_clause_exit(g, arg(x, 0));
		else
			gen_exit_call(g, arg(x, 0));
		break;
	case F_ASSERT: assert_call(g, x); break;
	case F_EMIT: gen_emit(g, x); break;
	case F_TRACE: trace(g, x); break;
	case F_TRACEMEM: tracemem(g, x); break;
	case F_PRINTA: printa(g, x); break;
	case F_TRUNC: agg_action(g, x, SITE_TRUNC); break;
	case F_NORMALIZE: agg_action(g, x, SITE_NORMALIZE); break;
	case F_DENORMALIZE: agg_action(g, x, SITE_DENORMALIZE); break;
	case F_FREOPEN: gen_printf(g, x, SITE_FREOPEN); break;
	case F_SPECULATE: gen_speculate(g, x); break;
	case F_COMMIT: gen_spec_end(g, x, SITE_COMMIT); break;
	case F_DISCARD: gen_spec_end(g, x, SITE_DISCARD); break;
	default: break;
	}
}
