/* SPDX-License-Identifier: MIT */
/**
 * Spilled variables: their place on the stack always holds what they are, so that a part or a tiny
 * variable may begin anywhere by reading it, and end anywhere.
 *
 * A part goes on over branches to code that nothing else leads to.
 *
 * What a kernel's verifier learns of a number from a branch, it carries over to the number's copy
 * on the stack only since 6.8. So the copy is stored anew behind a branch; where nobody reads it,
 * the next look at the lives of variables removes the store.
 */
#include "bpf/fn/spill.h"

#include <string.h>

#include "base/arena.h"
#include "bpf/fn/ins.h"

enum { CACHED_MOST = 24 };

/* What spilled variables are in which part at the instruction at work. */
struct cached {
	int var, part;
};
struct cache {
	struct cached all[CACHED_MOST];
	unsigned n;
};

/* A jump to a label that no other one leads to. */
struct edge {
	struct cache cache;
	struct cached compared; /* part: -1, none */
};

struct rewrite {
	struct fn *f;
	struct vars *v;
	bool makes_parts;
	struct arena arena;
	struct val *again; /* per variable: what a VAR_AGAIN is */
	struct cache now;
	struct edge **edges; /* per label; or NULL */
	uint32_t *refs;	     /* jumps to each label */
	struct ins *out;     /* owned */
	size_t n, cap;
};

int vars_grow(struct vars *v, const struct fn *f)
{
	size_t n = (size_t)f->n_vars;

	int r = mem_grow(&v->all, &v->cap, n + 1);
	if (r < 0)
		return r;
	for (; v->n < n; v->n++)
		v->all[v->n] = (struct var){ VAR_REG, -1 };
	return 0;
}

static int put(struct rewrite *w, const struct ins *in)
{
	int r = mem_grow(&w->out, &w->cap, w->n + 1);

	if (r == 0)
		w->out[w->n++] = *in;
	return r;
}

static int put_mov(struct rewrite *w, const struct ins *at, int dst, struct val a)
{
	return put(w,
		   &(struct ins){
			   .kind = INS_MOV, .dst = dst, .a = a, .line = at->line, .col = at->col });
}

static struct val reg_val(int var)
{
	return (struct val){ VAL_REG, var, 0 };
}

static bool is_kind(const struct rewrite *w, int var, enum var_kind kind)
{
	return var >= 0 && w->v->all[var].kind == kind;
}

static void forget(struct rewrite *w, int var)
{
	struct cache *c = &w->now;

	for (unsigned i = 0; i < c->n; i++) {
		if (c->all[i].var == var) {
			c->all[i] = c->all[--c->n];
			return;
		}
	}
}

static void remember(struct rewrite *w, int var, int part)
{
	struct cache *c = &w->now;

	forget(w, var);
	if (c->n == CACHED_MOST)
		memmove(c->all, c->all + 1, --c->n * sizeof(c->all[0]));
	c->all[c->n++] = (struct cached){ var, part };
}

static int recall(const struct rewrite *w, int var)
{
	for (unsigned i = 0; i < w->now.n; i++) {
		if (w->now.all[i].var == var)
			return w->now.all[i].part;
	}
	return -1;
}

/* A new variable for (a part of) the life of @var. */
static int new_part(struct rewrite *w, int var, int *ret)
{
	bool is_part = w->makes_parts && w->v->all[var].home < 0;

	*ret = w->f->n_vars++;
	int r = vars_grow(w->v, w->f);
	if (r < 0)
		return r;
	w->v->all[*ret] = (struct var){ is_part ? VAR_PART : VAR_TINY, is_part ? var : -1 };
	if (is_part)
		remember(w, var, *ret);
	return 0;
}

/* Whether the instruction itself can read from the stack, or make constants. */
static bool takes_all(const struct rewrite *w, const struct ins *in)
{
	if (in->kind == INS_MOV)
		return !is_kind(w, in->dst, VAR_STACK);
	return in->kind == INS_CALL || in->kind == INS_EXIT;
}

static int rewrite_use(struct rewrite *w, const struct ins *in, struct val *use)
{
	int var = use->id;

	if (!is_kind(w, var, VAR_AGAIN) && !is_kind(w, var, VAR_STACK))
		return 0;
	int part = recall(w, var);
	if (part >= 0) {
		use->id = part;
		return 0;
	}
	struct val from = is_kind(w, var, VAR_AGAIN) ? w->again[var] : reg_val(var);
	if (takes_all(w, in)) {
		*use = from;
		return 0;
	}
	int r = new_part(w, var, &part);
	if (r < 0)
		return r;
	use->id = part;
	return put_mov(w, in, part, from);
}

/* A variable that is read twice gets one new variable. */
static int rewrite_uses(struct rewrite *w, struct ins *in)
{
	struct val *uses[FN_USES_MOST];
	int old[FN_USES_MOST];
	unsigned n = ins_uses(w->f, in, uses);

	for (unsigned i = 0; i < n; i++)
		old[i] = uses[i]->id;
	for (unsigned i = 0; i < n; i++) {
		unsigned same = 0;
		while (old[same] != old[i])
			same++;
		int r = 0;
		if (same < i && uses[same]->kind == VAL_REG)
			uses[i]->id = uses[same]->id;
		else
			r = rewrite_use(w, in, uses[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The variable on the stack that @in sets, itself or by its spilled part; or -1. */
static int stack_of(const struct rewrite *w, const struct ins *in)
{
	if (is_kind(w, in->dst, VAR_STACK))
		return in->dst;
	return is_kind(w, in->dst, VAR_AGAIN) ? w->v->all[in->dst].home : -1;
}

/* What need not be done: making or reading what is had again, storing what was stored. */
static bool is_needless(const struct rewrite *w, const struct ins *in)
{
	if (in->kind == INS_NONE)
		return true;
	if (in->kind != INS_MOV)
		return false;
	if (is_kind(w, in->dst, VAR_AGAIN))
		return w->again[in->dst].kind != VAL_REG ||
		       (in->a.kind == VAL_REG && in->a.id == w->v->all[in->dst].home);
	return in->a.kind == VAL_REG && is_kind(w, in->a.id, VAR_AGAIN) &&
	       w->v->all[in->a.id].home == in->dst;
}

static int rewrite_set(struct rewrite *w, struct ins *in)
{
	int var = stack_of(w, in), t;

	if (var < 0)
		return put(w, in);
	bool is_plain_mov = in->kind == INS_MOV && in->a.kind == VAL_REG && in->dst == var;
	if (is_plain_mov) {
		// Not for a part's own store, which changes nothing.
		if (recall(w, var) != in->a.id)
			forget(w, var);
		return put(w, in);
	}
	int r = new_part(w, in->dst, &t);
	if (r < 0)
		return r;
	in->dst = t;
	r = put(w, in);
	return r < 0 ? r : put_mov(w, in, var, reg_val(t));
}

/* Parts end where others may come from, and at calls, as these leave few registers. */
static int follow(struct rewrite *w, const struct ins *in, struct cached compared)
{
	switch (in->kind) {
	case INS_JUMP:
	case INS_IF:
		if (w->refs[in->to] != 1)
			break;
		w->edges[in->to] = arena_new(&w->arena, struct edge);
		if (!w->edges[in->to])
			return -ENOMEM;
		*w->edges[in->to] = (struct edge){ w->now, compared };
		break;
	case INS_LABEL: w->now.n = 0; break;
	case INS_CALL: w->now.n = 0; break;
	default: break;
	}
	return 0;
}

/* Which variable on the stack a branch compares, that @was its first operand before. */
static struct cached compared_by(const struct rewrite *w, const struct ins *in, int was)
{
	bool is_order = in->kind == INS_IF && in->op >= FN_LT && in->op <= FN_SGE;

	if (is_order && in->a.id != was && is_kind(w, was, VAR_STACK))
		return (struct cached){ was, in->a.id };
	if (is_order && in->a.id != was && is_kind(w, w->v->all[was].home, VAR_STACK))
		return (struct cached){ w->v->all[was].home, in->a.id };
	return (struct cached){ -1, -1 };
}

static int put_compared(struct rewrite *w, const struct ins *at, struct cached c)
{
	return c.part < 0 ? 0 : put_mov(w, at, c.var, reg_val(c.part));
}

/* A label that only one jump leads to goes on from there. */
static int rewrite_label(struct rewrite *w, const struct ins *in)
{
	const struct edge *edge = w->edges[in->to];
	uint8_t last = w->out[w->n - 1].kind; // INS_ENTRY at least

	int r = put(w, in);
	if (r < 0 || !edge || (last != INS_JUMP && last != INS_EXIT))
		return r;
	w->now = edge->cache;
	return put_compared(w, in, edge->compared);
}

static int rewrite_ins(struct rewrite *w, struct ins in)
{
	int was = in.kind == INS_IF ? in.a.id : -1;

	if (is_needless(w, &in))
		return 0;
	int r = rewrite_uses(w, &in);
	struct cached compared = compared_by(w, &in, was);
	if (r == 0)
		r = follow(w, &in, compared);
	if (r == 0 && in.kind == INS_LABEL)
		return rewrite_label(w, &in);
	if (r == 0)
		r = rewrite_set(w, &in);
	return r == 0 ? put_compared(w, &in, compared) : r;
}

static bool is_const(const struct rewrite *w, int var, uint32_t sets)
{
	enum val_kind kind = w->again[var].kind;

	return sets == 1 && kind != VAL_NONE && kind != VAL_REG;
}

/* Spilled variables that are set once, to what can be had again at any time; and parts. */
static int find_again(struct rewrite *w)
{
	struct fn *f = w->f;
	uint32_t *sets = arena_array(&w->arena, (size_t)f->n_vars + 1, sizeof(*sets));
	if (!sets)
		return -ENOMEM;

	for (unsigned i = 0; i < f->n_args; i++)
		sets[i]++;
	for (size_t i = 0; i < f->n; i++) {
		const struct ins *in = &f->ins[i];
		if (in->dst < 0 || in->kind == INS_NONE)
			continue;
		sets[in->dst]++;
		if (in->kind == INS_MOV)
			w->again[in->dst] = in->a;
	}
	for (int v = 0; v < f->n_vars; v++) {
		struct var *var = &w->v->all[v];
		if (var->kind != VAR_SPILL)
			continue;
		var->kind = is_const(w, v, sets[v]) ? VAR_AGAIN : VAR_STACK;
		if (is_kind(w, var->home, VAR_STACK)) {
			w->again[v] = reg_val(var->home);
			var->kind = VAR_AGAIN;
		}
	}
	return 0;
}

static int begin(struct rewrite *w)
{
	struct fn *f = w->f;
	size_t n_labels = (size_t)f->n_labels + 1;

	w->again = arena_array(&w->arena, (size_t)f->n_vars + 1, sizeof(*w->again));
	w->refs = arena_array(&w->arena, n_labels, sizeof(*w->refs));
	w->edges = (struct edge **)arena_array(&w->arena, n_labels, sizeof(*w->edges));
	if (!w->again || !w->refs || !w->edges)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		if (f->ins[i].kind == INS_JUMP || f->ins[i].kind == INS_IF)
			w->refs[f->ins[i].to]++;
	}
	return find_again(w);
}

static void replace(struct rewrite *w)
{
	free(w->f->ins);
	w->f->ins = sonde_take(w->out);
	w->f->n = w->n;
	w->f->cap = w->cap;
}

int fn_spill(struct fn *f, struct vars *v, bool makes_parts)
{
	struct rewrite w = { .f = f, .v = v, .makes_parts = makes_parts };
	int r = begin(&w);

	for (size_t i = 0; i < f->n && r == 0; i++)
		r = rewrite_ins(&w, f->ins[i]);
	if (r == 0)
		replace(&w);
	arena_fini(&w.arena);
	free(w.out);
	return r;
}

int fn_set_unset(struct fn *f, const int *vars, size_t n)
{
	struct rewrite w = { .f = f };
	int r = put(&w, &f->ins[0]);

	for (size_t i = 0; i < n && r == 0; i++)
		r = put_mov(&w, &f->ins[0], vars[i], val_imm(0));
	for (size_t i = 1; i < f->n && r == 0; i++)
		r = put(&w, &f->ins[i]);
	if (r == 0)
		replace(&w);
	free(w.out);
	return r;
}
