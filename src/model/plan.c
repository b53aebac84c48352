/* SPDX-License-Identifier: MIT */
/**
 * Compiles types to plans.
 *
 * Fields of fixed size that decide nothing are only counted: their bits wait (pending) for the
 * next op, which skips them first. What is known of a position's alignment is tracked, so that
 * most paddings are counted too, and cost nothing.
 */
#include "model/plan.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/bits.h"
#include "model/header.h"

enum { DEPTH_MOST = 64, HEADER_SCOPE = 3 };

/* No run of fields is this long, and no program: their product is far from overflow. */
#define BITS_MOST (UINT64_C(1) << 40)
#define OPS_MOST  (1u << 20)

/* What is known of a position: it is res behind a multiple of mod, a power of two. */
struct known {
	uint64_t mod, res;
};

struct compile {
	struct plan_op *ops; /* owned */
	size_t n, cap;
	struct arena *arena;
	const char *what; /* for messages */
	uint32_t n_slots;
	bool packet; /* locals are the trace's slots themselves */
	bool header; /* of events: ints called id matter */
	uint64_t pending;
	struct known at;
	unsigned depth;
	unsigned scope; /* being compiled */
	bool own;
	uint32_t n_locals;
	uint32_t slot_of[PLAN_LOCALS_MOST]; /* that a local keeps; 0: a counter */
	uint8_t scope_of[PLAN_LOCALS_MOST]; /* that saves it */
	int err;
};

static void compile_fini(struct compile *c)
{
	free(c->ops);
}

static void fail(struct compile *c, const char *words)
{
	if (!c->err)
		c->err = sonde_fail(-EBADMSG, "%s: %s", c->what, words);
}

/* Adds an op that takes the pending bits along; NULL: failed. */
static struct plan_op *emit(struct compile *c, enum plan_code code)
{
	if (c->n >= OPS_MOST)
		fail(c, "more fields than a plan can hold");
	if (!c->err)
		c->err = mem_grow(&c->ops, &c->cap, c->n + 1);
	if (c->err)
		return NULL;
	struct plan_op *op = &c->ops[c->n++];
	*op = (struct plan_op){ .code = (uint8_t)code, .hot = (uint8_t)code, .pre = c->pending };
	c->pending = 0;
	return op;
}

static void skip(struct compile *c, uint64_t bits)
{
	if (bits > BITS_MOST || c->pending > BITS_MOST - bits) {
		(void)emit(c, PLAN_BROKEN);
		return;
	}
	c->pending += bits;
	c->at.res = (c->at.res + bits) & (c->at.mod - 1);
}

static void align(struct compile *c, uint64_t to)
{
	if (to <= 1)
		return;
	if (to <= c->at.mod) {
		skip(c, -c->at.res & (to - 1));
		return;
	}
	struct plan_op *op = emit(c, PLAN_ALIGN);
	if (op)
		op->n = to;
	c->at = (struct known){ to, 0 };
}

/* What is known where two ways meet. */
static struct known known_join(struct known a, struct known b)
{
	uint64_t mod = a.mod < b.mod ? a.mod : b.mod;

	while (mod > 1 && ((a.res ^ b.res) & (mod - 1)))
		mod /= 2;
	return (struct known){ mod, a.res & (mod - 1) };
}

/* What is known after some multiple of @stride. */
static struct known known_after(struct known k, uint64_t stride)
{
	uint64_t low = stride & -stride;

	if (low && low < k.mod)
		k = (struct known){ low, k.res & (low - 1) };
	return k;
}

static uint64_t type_align(const struct sonde_type *t)
{
	return t->kind == SONDE_VARIANT ? 1 : t->align;
}

static bool is_int(const struct sonde_type *t)
{
	return t->kind == SONDE_INT || t->kind == SONDE_ENUM;
}

/* Does the value of anything in @t matter to a walk? */
static bool matters(const struct sonde_type *t)
{
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return t->save || (t->u.integer.clock && !t->u.integer.is_signed);
	case SONDE_STRUCT:
		for (size_t i = 0; i < t->u.structure.n_members; i++) {
			if (matters(t->u.structure.members[i].type))
				return true;
		}
		return false;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: return matters(t->u.array.elem);
	case SONDE_VARIANT: return true;
	default: return false;
	}
}

static uint32_t new_local(struct compile *c, uint32_t slot)
{
	if (c->packet)
		return slot ? slot : c->n_locals++;
	if (c->n_locals >= PLAN_LOCALS_MOST) {
		fail(c, "more lengths and tags than a plan can keep");
		return 0;
	}
	c->slot_of[c->n_locals] = slot;
	c->scope_of[c->n_locals] = (uint8_t)c->scope;
	return c->n_locals++;
}

/* The local that keeps @slot, or 0. */
static uint32_t find_local(const struct compile *c, uint32_t slot)
{
	for (uint32_t i = c->n_locals; i-- > 1;) {
		if (c->slot_of[i] == slot)
			return i;
	}
	return 0;
}

static uint32_t save_local(struct compile *c, uint32_t slot)
{
	if (!slot)
		return 0;
	if (slot > c->n_slots) {
		fail(c, "a slot is out of range");
		return 0;
	}
	uint32_t local = c->packet ? slot : find_local(c, slot);
	if (!local)
		return new_local(c, slot);
	if (!c->packet)
		c->scope_of[local] = (uint8_t)c->scope;
	return local;
}

static void set_ref(struct compile *c, struct plan_op *op, uint32_t slot)
{
	if (!slot || slot > c->n_slots) {
		fail(c, "a length or tag is nowhere");
		return;
	}
	op->slot = c->packet ? slot : find_local(c, slot);
	if (!op->slot) {
		op->slot = slot;
		op->packet = true;
	} else if (!c->packet && c->scope_of[op->slot] != c->scope) {
		c->own = false;
	}
}

static enum plan_code int_code(const struct compile *c, const struct sonde_int *t)
{
	bool whole = c->at.mod >= 8 && c->at.res % 8 == 0;
	bool swap = t->big_endian == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	if (!whole || t->is_signed || (swap && t->len != 8))
		return PLAN_INT;
	switch (t->len) {
	case 8: return PLAN_U8;
	case 16: return PLAN_U16;
	case 32: return PLAN_U32;
	case 64: return PLAN_U64;
	default: return PLAN_INT;
	}
}

static void compile_int(struct compile *c, const struct sonde_type *t, bool is_id, bool no_clock)
{
	const struct sonde_int *integer = &t->u.integer;
	bool clock = integer->clock && !integer->is_signed && !no_clock;

	if (!t->save && !clock && !is_id) {
		skip(c, integer->len);
		return;
	}
	enum plan_code code = is_id ? PLAN_ID : clock ? PLAN_CLOCK : int_code(c, integer);
	struct plan_op *op = emit(c, code);
	if (!op)
		return;
	op->u.integer = integer;
	op->slot = save_local(c, t->save);
	c->at.res = (c->at.res + integer->len) & (c->at.mod - 1);
}

static void compile_type(struct compile *c, const struct sonde_type *t);

/* Elements of any size, one after the other. */
static void compile_loop(struct compile *c, const struct sonde_type *t)
{
	const struct known before = c->at;
	size_t begin = c->n;
	struct plan_op *op = emit(c, t->kind == SONDE_ARRAY ? PLAN_LOOP_N : PLAN_LOOP);

	if (!op)
		return;
	op->n = t->u.array.n;
	if (t->kind == SONDE_SEQUENCE)
		set_ref(c, op, t->ref);
	uint32_t local = new_local(c, 0);
	(void)new_local(c, 0);
	c->ops[begin].local = local;

	c->at = (struct known){ 1, 0 };
	compile_type(c, t->u.array.elem);
	op = emit(c, PLAN_NEXT);
	if (!op)
		return;
	op->local = local;
	op->jump = (uint32_t)begin + 1;
	c->ops[begin].jump = (uint32_t)c->n;
	c->at = known_join(before, (struct known){ 1, 0 });
}

static void compile_array(struct compile *c, const struct sonde_type *t)
{
	const struct sonde_type *elem = t->u.array.elem;

	if (elem->fixed_len < 0 || matters(elem)) {
		compile_loop(c, t);
		return;
	}
	uint64_t last = (uint64_t)elem->fixed_len;
	if (last > BITS_MOST) {
		(void)emit(c, PLAN_BROKEN);
		return;
	}
	uint64_t stride = bits_align(last, type_align(elem)), total;
	if (!stride)
		return; // however many, they take no room
	if (t->kind == SONDE_ARRAY) {
		if (__builtin_mul_overflow(stride, t->u.array.n, &total))
			total = UINT64_MAX;
		skip(c, t->u.array.n ? total - (stride - last) : 0);
		return;
	}
	struct plan_op *op = emit(c, PLAN_REPEAT);
	if (!op)
		return;
	set_ref(c, op, t->ref);
	op->n = stride;
	op->last = last;
	// The last one has no padding behind it.
	c->at = known_join(known_after(c->at, stride),
			   known_after((struct known){ c->at.mod, c->at.res + last }, stride));
	c->at.res &= c->at.mod - 1;
}

static void compile_variant(struct compile *c, const struct sonde_type *t)
{
	size_t n = t->u.variant.n_choices, n_options = t->u.variant.n_options, begin = c->n;
	struct plan_jump *jumps = arena_array(c->arena, n, sizeof(*jumps));
	struct plan_op *op = emit(c, PLAN_VARIANT);

	if (!jumps && !c->err)
		c->err = -ENOMEM;
	if (c->err)
		return;
	op->tag_signed = t->u.variant.tag_signed;
	op->u.jumps = jumps;
	op->n_jumps = (uint32_t)n;
	set_ref(c, op, t->ref);
	for (size_t i = 0; i < n; i++)
		jumps[i] = (struct plan_jump){ .lo = t->u.variant.choices[i].lo,
					       .hi = t->u.variant.choices[i].hi,
					       .op = UINT32_MAX };

	const struct known before = c->at;
	struct known after = before;
	for (size_t k = 0; k < n_options && !c->err; k++) {
		for (size_t i = 0; i < n; i++) {
			if (t->u.variant.choices[i].option == k)
				jumps[i].op = (uint32_t)c->n;
		}
		c->at = before;
		compile_type(c, t->u.variant.options[k].type);
		after = k ? known_join(after, c->at) : c->at;
		(void)emit(c, PLAN_JUMP);
		c->ops[c->n ? c->n - 1 : 0].jump = 0; // patched below
		c->ops[c->n ? c->n - 1 : 0].n = begin;
	}
	for (size_t i = begin; i < c->n && !c->err; i++) {
		if (c->ops[i].code == PLAN_JUMP && !c->ops[i].jump && c->ops[i].n == begin)
			c->ops[i].jump = (uint32_t)c->n;
	}
	for (size_t i = 0; i < n; i++) {
		if (jumps[i].op == UINT32_MAX)
			fail(c, "a variant's choice has no option");
	}
	c->at = after;
}

/* Is the member called @name, at this place of an event header, the class id? */
static bool is_id(const struct compile *c, const char *name)
{
	return c->header && (c->depth == 1 || c->depth == 3) && !strcmp(name, "id");
}

static void compile_members(struct compile *c, const struct sonde_type *t, const char *tail,
			    struct plan_at *ret_at)
{
	for (size_t i = 0; i < t->u.structure.n_members && !c->err; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];

		if (ret_at)
			ret_at[i] = (struct plan_at){ (uint32_t)c->n, c->pending };
		if (!is_int(m->type)) {
			compile_type(c, m->type);
			continue;
		}
		align(c, m->type->align);
		compile_int(c, m->type, is_id(c, m->shown), tail && !strcmp(m->shown, tail));
	}
}

static void compile_type(struct compile *c, const struct sonde_type *t)
{
	if (c->depth >= DEPTH_MOST) {
		fail(c, "types are nested too deep");
		return;
	}
	align(c, type_align(t));
	if (t->fixed_len >= 0 && !c->header && !matters(t)) {
		skip(c, (uint64_t)t->fixed_len);
		return;
	}
	c->depth++;
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: compile_int(c, t, false, false); break;
	case SONDE_FLOAT: skip(c, t->u.real.len); break;
	case SONDE_STRING:
		align(c, 8);
		(void)emit(c, PLAN_STRING);
		c->at = (struct known){ 8, 0 };
		break;
	case SONDE_STRUCT: compile_members(c, t, NULL, NULL); break;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: compile_array(c, t); break;
	case SONDE_VARIANT: compile_variant(c, t); break;
	}
	c->depth--;
}

/* One scope, at its aligned begin. */
static void compile_scope(struct compile *c, const struct sonde_type *t, const char *tail,
			  struct plan_scope *ret)
{
	struct plan_at *at = arena_array(c->arena, t->u.structure.n_members + 1, sizeof(*at));

	if (!at && !c->err)
		c->err = -ENOMEM;
	if (c->err)
		return;
	*ret = (struct plan_scope){ .at = at, .first = (uint32_t)c->n, .before = c->pending };
	c->own = true;
	c->depth = 1;
	compile_members(c, t, tail, at);
	c->depth = 0;
	ret->own = c->own;
}

/* A length and the elements behind it are done in one go. */
static void fuse(struct plan_op *op, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (op[i + 1].code != PLAN_REPEAT || op[i + 1].packet || op[i + 1].pre ||
		    op[i + 1].slot != op[i].slot || op[i + 1].n != op[i + 1].last)
			continue;
		switch (op[i].code) {
		case PLAN_U8: op[i].hot = PLAN_U8_REPEAT; break;
		case PLAN_U16: op[i].hot = PLAN_U16_REPEAT; break;
		case PLAN_U32: op[i].hot = PLAN_U32_REPEAT; break;
		case PLAN_U64: op[i].hot = PLAN_U64_REPEAT; break;
		default: break;
		}
	}
}

/* Ends the program; its ops move to the arena. */
static int compile_end(struct compile *c, const struct plan_op **ret, uint32_t *ret_n)
{
	(void)emit(c, PLAN_END);
	struct plan_op *ops = c->err ? NULL : arena_array(c->arena, c->n, sizeof(*ops));
	if (!c->err && !ops)
		c->err = -ENOMEM;
	if (c->err)
		return c->err;
	memcpy(ops, c->ops, c->n * sizeof(*ops));
	fuse(ops, c->n);
	*ret_n = (uint32_t)c->n;
	c->n = 0;
	*ret = ops;
	return 0;
}

static void class_scope(struct compile *c, struct plan *p, unsigned scope,
			const struct sonde_type *t, uint32_t *mask)
{
	*mask |= 1u << scope;
	if (!t && scope < 2)
		return; // begins where the next one does
	if (t)
		align(c, t->align);
	for (unsigned i = 0; i < 3; i++) {
		if (!(*mask >> i & 1))
			continue;
		p->marked[i] = c->n > 0 || c->pending > UINT32_MAX;
		p->mark[i] = p->marked[i] ? 0 : (uint32_t)c->pending;
	}
	if (p->marked[scope]) {
		struct plan_op *op = emit(c, PLAN_MARK);
		if (op)
			op->slot = *mask;
	}
	*mask = 0;
	c->scope = scope;
	if (t)
		compile_scope(c, t, NULL, &p->scope[scope]);
}

static int compile_class(struct compile *c, const struct plan_header *h,
			 struct sonde_event_class *cls)
{
	struct plan *p = arena_new(c->arena, struct plan);
	uint32_t mask = 0;

	if (!p)
		return -ENOMEM;
	p->header = h;
	class_scope(c, p, 0, h->cls->event_context, &mask);
	class_scope(c, p, 1, cls->context, &mask);
	class_scope(c, p, 2, cls->payload, &mask);
	p->fixed = c->n ? -1 : (int64_t)c->pending;
	if (compile_end(c, &p->ops, &p->n_ops) < 0)
		return sonde_wrap(c->err, "event class '%s'", cls->name);
	p->n_locals = c->n_locals;
	cls->plan = p;
	return 0;
}

int plan_stream_class(struct arena *arena, const struct sonde_trace *trace,
		      struct sonde_stream_class *cls, struct plan_header **ret)
{
	sonde_auto(compile_fini) struct compile c = {
		.arena = arena,
		.what = "event header",
		.n_slots = trace->n_slots,
		.header = true,
		.n_locals = 1,
		.scope = HEADER_SCOPE,
		.at = { 1, 0 },
	};
	struct plan_header *h = arena_new(arena, struct plan_header);
	if (!h)
		return -ENOMEM;
	h->cls = cls;
	h->align = cls->event_header ? cls->event_header->align : 1;
	c.at.mod = h->align;
	if (cls->event_header)
		compile_scope(&c, cls->event_header, NULL, &h->scope);
	uint32_t n_ops;
	int r = compile_end(&c, &h->ops, &n_ops);
	if (r < 0)
		return r;
	header_recognise(h);
	r = header_index(arena, h);

	const struct known at = c.at;
	const uint32_t n_locals = c.n_locals;
	c.header = false;
	c.what = "fields";
	for (size_t i = 0; r >= 0 && i < cls->n_events; i++) {
		c.at = at;
		c.n_locals = n_locals;
		r = compile_class(&c, h, cls->events[i]);
	}
	if (r >= 0)
		r = header_hot(arena, h);
	if (r < 0)
		return r;
	*ret = h;
	return 0;
}

int plan_packet(struct arena *arena, const struct sonde_trace *trace, const struct sonde_type *type,
		const char *tail, struct plan_packet **ret)
{
	sonde_auto(compile_fini) struct compile c = {
		.arena = arena,
		.what = "packet",
		.n_slots = trace->n_slots,
		.packet = true,
		.n_locals = trace->n_slots + 1,
		.at = { 1, 0 },
	};
	struct plan_packet *p = arena_new(arena, struct plan_packet);
	if (!p)
		return -ENOMEM;
	p->type = type;
	if (type) {
		c.at.mod = type->align;
		compile_scope(&c, type, tail, &p->scope);
	}
	uint32_t n_ops;
	int r = compile_end(&c, &p->ops, &n_ops);
	if (r < 0)
		return r;
	p->n_locals = c.n_locals;
	*ret = p;
	return 0;
}
