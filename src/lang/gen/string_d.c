/* SPDX-License-Identifier: MIT */
/** Functions of D about strings. What goes through a string byte by byte is called back. */
#include <linux/bpf.h>
#include <string.h>

#include "base/check.h"
#include "lang/check/builtin.h"
#include "lang/gen/gen.h"

enum { DIGITS = 24, DIGITS_OF_2 = 72 };

static struct ast *arg(const struct ast *x, unsigned i)
{
	struct ast *a = x->u.call.args;

	while (a && i-- > 0)
		a = a->next;
	return a;
}

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

/* @v, a variable, is at most @most from here on, as a signed number; below 0 it is 0. */
static void clamp(struct gen *g, struct val v, int64_t most)
{
	int l_low = fn_label(g->f), l_fine = fn_label(g->f);

	fn_if(g->f, FN_SGE, v, val_imm(0), l_low);
	fn_mov(g->f, v, val_imm(0));
	fn_place(g->f, l_low);
	fn_if(g->f, FN_LE, v, val_imm(most), l_fine);
	fn_mov(g->f, v, val_imm(most));
	fn_place(g->f, l_fine);
}

static struct val at(struct gen *g, struct val dst, int64_t off)
{
	return dst.kind == VAL_REG ? fn_op(g->f, FN_ADD, dst, val_imm(off)) : val_at(dst, off);
}

/* The length of the string of @size bytes at @from in scratch memory, without its 0. */
static struct val length(struct gen *g, int64_t from, uint32_t size)
{
	const int64_t copy = g->scratch_len;

	(void)gen_scratch(g, size + 8);
	struct val n = own(g, FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, gen_scratch_at(g, copy),
				      val_imm(size + 1), gen_scratch_at(g, from)));
	fn_op_to(g->f, FN_SUB, n, val_imm(1));
	clamp(g, n, size);
	return n;
}

/* @n bytes from @start on of the string at @from in scratch memory; both are variables. */
static void part(struct gen *g, int64_t from, uint32_t size, struct val start, struct val n,
		 struct val dst, int64_t off, const struct type *t)
{
	clamp(g, start, size - 1);
	fn_op_to(g->f, FN_ADD, n, val_imm(1)); // with the 0
	clamp(g, n, t->size);
	fn_zero(g->f, dst, off, t->size, 8);
	struct val p = own(g, gen_scratch_at(g, from));
	fn_op_to(g->f, FN_ADD, p, start);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, at(g, dst, off), n, p);
}

/* --- places of a string in another --- */

struct find {
	struct ast *a, *b, *from; /* @from NULL: anywhere */
	bool last;
	int64_t hay; /* in scratch memory */
};

/* The place of @f->b in @f->a, from 1; 0: it is not there. */
static struct val find(struct gen *g, struct find *f)
{
	sonde_check(f->a && f->b); // the checker has counted them
	const uint32_t places = f->a->type->size;
	struct loop loop;

	f->hay = gen_str_scratch(g, f->a);
	const int64_t needle = gen_str_scratch(g, f->b);
	(void)gen_frame(g);
	const struct home found = gen_shared(g), from = gen_shared(g);
	gen_home_store(g, &found, val_imm(0));
	gen_home_store(g, &from, f->from ? gen_scalar(g, f->from) : val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0), p = fn_reg(g->f);
	int l_look = fn_label(g->f);
	fn_if(g->f, FN_GE, i, val_imm(places), loop.l_break); // never; the verifier wants it
	if (f->from)
		fn_if(g->f, f->last ? FN_SGT : FN_SLT, i, gen_home_load(g, &from),
		      f->last ? loop.l_break : loop.l_continue);
	gen_str_match(g, i, f->hay, places, needle, f->b->type->size, l_look);
	gen_home_store(g, &found, fn_op(g->f, FN_ADD, i, val_imm(1)));
	if (!f->last)
		fn_jump(g->f, loop.l_break);
	fn_place(g->f, l_look);
	fn_mov(g->f, p, gen_scratch_at(g, f->hay));
	fn_op_to(g->f, FN_ADD, p, i);
	fn_if(g->f, FN_EQ, fn_load(g->f, 1, false, p, 0), val_imm(0), loop.l_break);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(places), val_fn(fn), gen_frame(g), val_imm(0));
	return own(g, gen_home_load(g, &found));
}

static struct val index_of(struct gen *g, struct ast *x, bool last)
{
	struct find f = { .a = arg(x, 0), .b = arg(x, 1), .from = arg(x, 2), .last = last };

	return fn_op(g->f, FN_SUB, find(g, &f), val_imm(1));
}

/* strstr(), strchr(), strrchr(): from the place on; "" where there is none. */
static void from_place(struct gen *g, struct ast *x, struct ast *what, bool last, struct val dst,
		       int64_t off, const struct type *t)
{
	struct find f = { .a = arg(x, 0), .b = what, .last = last };
	int l_there = fn_label(g->f), l_end = fn_label(g->f);

	struct val place = find(g, &f), n = own(g, val_imm(t->size));
	fn_if(g->f, FN_NE, place, val_imm(0), l_there);
	fn_zero(g->f, dst, off, t->size, 8);
	fn_jump(g->f, l_end);
	fn_place(g->f, l_there);
	fn_op_to(g->f, FN_SUB, place, val_imm(1));
	part(g, f.hay, f.a->type->size, place, n, dst, off, t);
	fn_place(g->f, l_end);
}

static void from_char(struct gen *g, struct ast *x, bool last, struct val dst, int64_t off,
		      const struct type *t)
{
	int64_t c = 0;

	(void)check_const(g->check, arg(x, 1), &c); // the checker saw that it is
	char *text = arena_alloc(g->arena, 2);
	const struct type *s = type_str(g->arena, 2);
	if (!text || !s) {
		g->failed = true;
		return;
	}
	text[0] = (char)c;
	struct ast what = { .kind = AST_STR, .pos = x->pos, .type = s };
	what.u.str.data = text;
	what.u.str.len = 1;
	from_place(g, x, &what, last, dst, off, t);
}

static void substr(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	struct ast *s = x->u.call.args;
	const uint32_t size = s->type->size;
	const int64_t from = gen_str_scratch(g, s);
	struct val len = length(g, from, size), start = own(g, gen_scalar(g, s->next));
	struct ast *count = arg(x, 2);
	struct val n = own(g, count ? gen_scalar(g, count) : val_imm(size));
	int l_counted = fn_label(g->f), l_positive = fn_label(g->f);

	// A start below 0 counts from the end; so does a length.
	fn_if(g->f, FN_SGE, start, val_imm(0), l_counted);
	fn_op_to(g->f, FN_ADD, start, len);
	fn_place(g->f, l_counted);
	clamp(g, start, size);
	int l_inside = fn_label(g->f);
	fn_if(g->f, FN_LE, start, len, l_inside);
	fn_mov(g->f, start, len);
	fn_place(g->f, l_inside);
	fn_if(g->f, FN_SGE, n, val_imm(0), l_positive);
	fn_op_to(g->f, FN_ADD, n, len);
	fn_op_to(g->f, FN_SUB, n, start);
	fn_place(g->f, l_positive);
	clamp(g, n, size);
	part(g, from, size, start, n, dst, off, t);
}

static void strjoin(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	struct ast *a = x->u.call.args, *b = a->next;
	const uint32_t a_size = a->type->size, b_size = b->type->size;
	const uint32_t whole = (a_size + b_size + 15) & ~7U;
	const int64_t first = gen_str_scratch(g, a), second = gen_str_scratch(g, b);
	const int64_t room = g->scratch_len;

	(void)gen_scratch(g, whole);
	struct val n = own(g, FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, gen_scratch_at(g, room),
				      val_imm(a_size + 1), gen_scratch_at(g, first)));
	fn_op_to(g->f, FN_SUB, n, val_imm(1));
	clamp(g, n, a_size);
	struct val to = own(g, gen_scratch_at(g, room));
	fn_op_to(g->f, FN_ADD, to, n);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, to, val_imm(b_size + 1),
		gen_scratch_at(g, second));
	fn_zero(g->f, dst, off, t->size, 8);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, at(g, dst, off),
		val_imm(t->size < whole ? t->size : whole), gen_scratch_at(g, room));
}

/* The string in scratch memory of @size bytes, all zero behind it. */
static int64_t padded(struct gen *g, struct ast *x, uint32_t size)
{
	const int64_t at = g->scratch_len;

	(void)gen_scratch(g, size);
	fn_zero(g->f, gen_scratch_at(g, at), 0, size, 8);
	gen_into(g, x, gen_scratch_at(g, at), 0, x->type, /* pad= */ true);
	return at;
}

static struct val byte_of(struct gen *g, int64_t text, struct val i)
{
	struct val p = own(g, gen_scratch_at(g, text));

	fn_op_to(g->f, FN_ADD, p, i);
	return fn_load(g->f, 1, false, p, 0);
}

struct val gen_str_order(struct gen *g, struct ast *a, struct ast *b)
{
	const uint32_t most = a->type->size > b->type->size ? a->type->size : b->type->size;
	const uint32_t size = (most + 8) & ~7U;
	struct loop loop;
	const int64_t first = padded(g, a, size), second = padded(g, b, size);

	(void)gen_frame(g);
	const struct home order = gen_shared(g);
	gen_home_store(g, &order, val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0);
	fn_if(g->f, FN_GE, i, val_imm(size), loop.l_break); // never; the verifier wants it
	struct val x = byte_of(g, first, i), y = byte_of(g, second, i);
	int l_same = fn_label(g->f);
	fn_if(g->f, FN_EQ, x, y, l_same);
	gen_home_store(g, &order, fn_op(g->f, FN_SUB, x, y));
	fn_jump(g->f, loop.l_break);
	fn_place(g->f, l_same);
	fn_if(g->f, FN_EQ, x, val_imm(0), loop.l_break);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size), val_fn(fn), gen_frame(g), val_imm(0));
	return own(g, gen_home_load(g, &order));
}

/* toupper(), tolower(): of ASCII. */
static void other_case(struct gen *g, struct ast *x, char from, struct val dst, int64_t off,
		       const struct type *t)
{
	const uint32_t size = arg(x, 0)->type->size;
	const int64_t text = gen_str_scratch(g, arg(x, 0));
	struct loop loop;

	(void)gen_frame(g);
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0);
	fn_if(g->f, FN_GE, i, val_imm(size), loop.l_break); // never; the verifier wants it
	struct val p = own(g, gen_scratch_at(g, text));
	fn_op_to(g->f, FN_ADD, p, i);
	struct val c = fn_load(g->f, 1, false, p, 0);
	fn_if(g->f, FN_EQ, c, val_imm(0), loop.l_break);
	fn_if(g->f, FN_GE, fn_op(g->f, FN_SUB, c, val_imm(from)), val_imm(26), loop.l_continue);
	fn_store(g->f, 1, p, 0, fn_op(g->f, FN_XOR, c, val_imm(0x20)));
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size), val_fn(fn), gen_frame(g), val_imm(0));
	fn_zero(g->f, dst, off, t->size, 8);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, at(g, dst, off),
		val_imm(t->size < size ? t->size : size), gen_scratch_at(g, text));
}

/* The text whose parts are wanted; NULL is the one before. */
static void begin_words(struct gen *g, struct ast *text, const struct type *whole)
{
	struct strtok_state *s = &g->strtok;

	(void)gen_frame(g);
	if (!s->is_used) {
		s->is_used = true;
		s->text = g->scratch_len;
		(void)gen_scratch(g, whole->size);
		s->pos = gen_shared(g); // 0 from the program's begin on, as is the first byte
	}
	if (text->type->kind == TYPE_STR) {
		gen_into(g, text, gen_scratch_at(g, s->text), 0, whole, /* pad= */ true);
		gen_home_store(g, &s->pos, val_imm(0));
	}
}

/* The part of strtok()'s text that comes next: begins at the first byte that is no delimiter. */
static void next_word(struct gen *g, struct ast *x, struct val dst, int64_t off,
		      const struct type *t)
{
	struct strtok_state *s = &g->strtok;
	const uint32_t size = (g->check->max_strlen + 7) & ~7U;
	size_t n_ends;
	const char *ends = check_text(g->check, arg(x, 1), &n_ends);
	const struct type *whole = type_str(g->arena, size);
	struct loop loop;

	if (!whole || !ends) {
		g->failed = true;
		return;
	}
	begin_words(g, arg(x, 0), whole);
	const struct home begin = gen_shared(g), end = gen_shared(g), behind = gen_shared(g);
	gen_home_store(g, &begin, val_imm(-1));
	gen_home_store(g, &behind, val_imm(0));
	gen_home_store(g, &end, gen_home_load(g, &s->pos));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = own(g, fn_op(g->f, FN_ADD, fn_arg(g->f, 0), gen_home_load(g, &s->pos)));
	int l_delimiter = fn_label(g->f);
	fn_if(g->f, FN_GE, i, val_imm(size), loop.l_break);
	gen_home_store(g, &end, i);
	struct val c = byte_of(g, s->text, i);
	fn_if(g->f, FN_EQ, c, val_imm(0), loop.l_break);
	for (size_t k = 0; k < n_ends; k++)
		fn_if(g->f, FN_EQ, c, val_imm((unsigned char)ends[k]), l_delimiter);
	gen_home_store(g, &end, fn_op(g->f, FN_ADD, i, val_imm(1)));
	fn_if(g->f, FN_SGE, gen_home_load(g, &begin), val_imm(0), loop.l_continue);
	gen_home_store(g, &begin, i);
	fn_jump(g->f, loop.l_continue);
	fn_place(g->f, l_delimiter);
	fn_if(g->f, FN_SLT, gen_home_load(g, &begin), val_imm(0), loop.l_continue);
	gen_home_store(g, &behind, val_imm(1)); // the delimiter is used up
	fn_jump(g->f, loop.l_break);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size), val_fn(fn), gen_frame(g), val_imm(0));
	struct val start = own(g, gen_home_load(g, &begin)), n = own(g, gen_home_load(g, &end));
	int l_some = fn_label(g->f);
	gen_home_store(g, &s->pos, fn_op(g->f, FN_ADD, n, gen_home_load(g, &behind)));
	fn_if(g->f, FN_SGE, start, val_imm(0), l_some);
	fn_mov(g->f, start, n); // nothing is left
	fn_place(g->f, l_some);
	fn_op_to(g->f, FN_SUB, n, start);
	part(g, s->text, size, start, n, dst, off, t);
}

/* Goes on with what @c is as a digit, or to @l_end. */
static struct val digit_of(struct gen *g, struct val c, int64_t base, int l_end)
{
	struct val d = own(g, fn_op(g->f, FN_SUB, c, val_imm('0')));
	int l_digit = fn_label(g->f);

	fn_if(g->f, FN_LT, d, val_imm(10), l_digit);
	fn_mov(g->f, d, fn_op(g->f, FN_OR, c, val_imm(0x20)));
	fn_op_to(g->f, FN_SUB, d, val_imm('a'));
	fn_if(g->f, FN_GE, d, val_imm(26), l_end);
	fn_op_to(g->f, FN_ADD, d, val_imm(10));
	fn_place(g->f, l_digit);
	fn_if(g->f, FN_GE, d, val_imm(base), l_end);
	return d;
}

/* strtoll(): blanks, a sign, 0x for base 16, digits. */
static struct val strtoll_of(struct gen *g, struct ast *x)
{
	static const char blank[] = " \t\n";
	const uint32_t size = arg(x, 0)->type->size;
	const int64_t text = gen_str_scratch(g, arg(x, 0));
	struct loop loop;
	int64_t base = 10;

	if (arg(x, 1))
		(void)check_const(g->check, arg(x, 1), &base); // the checker saw that it is
	(void)gen_frame(g);
	const struct home sum = gen_shared(g), sign = gen_shared(g), begun = gen_shared(g);
	gen_home_store(g, &sum, val_imm(0));
	gen_home_store(g, &sign, val_imm(0));
	gen_home_store(g, &begun, val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0);
	int l_digits = fn_label(g->f), l_plus = fn_label(g->f), l_minus = fn_label(g->f);
	fn_if(g->f, FN_GE, i, val_imm(size), loop.l_break); // never; the verifier wants it
	struct val c = byte_of(g, text, i);
	fn_if(g->f, FN_NE, gen_home_load(g, &begun), val_imm(0), l_digits);
	for (size_t k = 0; blank[k]; k++)
		fn_if(g->f, FN_EQ, c, val_imm(blank[k]), loop.l_continue);
	gen_home_store(g, &begun, val_imm(1));
	fn_if(g->f, FN_EQ, c, val_imm('+'), l_plus);
	fn_if(g->f, FN_EQ, c, val_imm('-'), l_minus);
	fn_place(g->f, l_digits);
	if (base == 16) {
		int l_no = fn_label(g->f);
		fn_if(g->f, FN_NE, gen_home_load(g, &sum), val_imm(0), l_no);
		fn_if(g->f, FN_EQ, fn_op(g->f, FN_OR, c, val_imm(0x20)), val_imm('x'),
		      loop.l_continue);
		fn_place(g->f, l_no);
	}
	struct val d = digit_of(g, c, base, loop.l_break);
	struct val more = fn_op(g->f, FN_MUL, gen_home_load(g, &sum), val_imm(base));
	gen_home_store(g, &sum, fn_op(g->f, FN_ADD, more, d));
	fn_jump(g->f, loop.l_continue);
	fn_place(g->f, l_minus);
	gen_home_store(g, &sign, val_imm(1));
	fn_place(g->f, l_plus);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size), val_fn(fn), gen_frame(g), val_imm(0));
	struct val r = own(g, gen_home_load(g, &sum));
	int l_end = fn_label(g->f);
	fn_if(g->f, FN_EQ, gen_home_load(g, &sign), val_imm(0), l_end);
	fn_mov(g->f, r, fn_neg(g->f, r));
	fn_place(g->f, l_end);
	return r;
}

/* --- paths --- */

/* Where the last component begins and ends, and where the one before it ends. */
struct parts {
	struct home start, end, before, slash;
	int64_t path; /* in scratch memory */
};

static void look_through_path(struct gen *g, struct ast *path, struct parts *p)
{
	const uint32_t size = path->type->size;
	struct loop loop;

	p->path = gen_str_scratch(g, path);
	(void)gen_frame(g);
	p->start = gen_shared(g);
	p->end = gen_shared(g);
	p->before = gen_shared(g);
	p->slash = gen_shared(g);
	gen_home_store(g, &p->start, val_imm(0));
	gen_home_store(g, &p->end, val_imm(0));
	gen_home_store(g, &p->before, val_imm(0));
	gen_home_store(g, &p->slash, val_imm(1));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0), b = fn_reg(g->f);
	int l_name = fn_label(g->f), l_inside = fn_label(g->f);
	fn_if(g->f, FN_GE, i, val_imm(size), loop.l_break); // never; the verifier wants it
	fn_mov(g->f, b, gen_scratch_at(g, p->path));
	fn_op_to(g->f, FN_ADD, b, i);
	struct val c = fn_load(g->f, 1, false, b, 0);
	fn_if(g->f, FN_EQ, c, val_imm(0), loop.l_break);
	fn_if(g->f, FN_NE, c, val_imm('/'), l_name);
	gen_home_store(g, &p->slash, val_imm(1));
	fn_jump(g->f, loop.l_continue);
	fn_place(g->f, l_name);
	fn_if(g->f, FN_EQ, gen_home_load(g, &p->slash), val_imm(0), l_inside);
	gen_home_store(g, &p->before, gen_home_load(g, &p->end));
	gen_home_store(g, &p->start, i);
	fn_place(g->f, l_inside);
	gen_home_store(g, &p->slash, val_imm(0));
	gen_home_store(g, &p->end, fn_op(g->f, FN_ADD, i, val_imm(1)));
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size), val_fn(fn), gen_frame(g), val_imm(0));
}

static void basename_of(struct gen *g, struct ast *x, struct val dst, int64_t off,
			const struct type *t)
{
	struct parts p;

	look_through_path(g, arg(x, 0), &p);
	struct val start = own(g, gen_home_load(g, &p.start)), n = own(g, gen_home_load(g, &p.end));
	int l_some = fn_label(g->f);
	fn_op_to(g->f, FN_SUB, n, start);
	fn_if(g->f, FN_NE, n, val_imm(0), l_some);
	fn_mov(g->f, n, val_imm(1)); // "/" alone
	fn_place(g->f, l_some);
	part(g, p.path, arg(x, 0)->type->size, start, n, dst, off, t);
}

static void dirname_of(struct gen *g, struct ast *x, struct val dst, int64_t off,
		       const struct type *t)
{
	struct parts p;

	look_through_path(g, arg(x, 0), &p);
	struct val start = own(g, val_imm(0)), n = own(g, gen_home_load(g, &p.before));
	int l_some = fn_label(g->f), l_end = fn_label(g->f), l_part = fn_label(g->f);
	fn_if(g->f, FN_NE, n, val_imm(0), l_part);
	// The first component: "/" where one is before it, else "."
	struct val c = fn_load(g->f, 1, false, gen_scratch_at(g, p.path), 0);
	fn_mov(g->f, n, val_imm(1));
	fn_if(g->f, FN_EQ, c, val_imm('/'), l_part);
	fn_zero(g->f, dst, off, t->size, 8);
	fn_store(g->f, 1, dst, off, val_imm('.'));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_part);
	fn_place(g->f, l_some);
	part(g, p.path, arg(x, 0)->type->size, start, n, dst, off, t);
	fn_place(g->f, l_end);
}

/* --- numbers --- */

/* Digits from the last to the first, in a loop that is called back. */
static void lltostr(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	static const char digits[64] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const int64_t text = g->scratch_len;
	struct loop loop;
	int64_t base = 10;

	if (arg(x, 1))
		(void)check_const(g->check, arg(x, 1), &base); // the checker saw that it is
	const uint32_t room = base < 8 ? DIGITS_OF_2 : DIGITS;
	(void)gen_scratch(g, room + 8);
	struct val v = own(g, gen_scalar(g, arg(x, 0))), size = own(g, v);
	int l_positive = fn_label(g->f), l_plain = fn_label(g->f);
	if (base == 10) {
		fn_if(g->f, FN_SGE, v, val_imm(0), l_positive);
		fn_mov(g->f, size, fn_neg(g->f, v));
	}
	fn_place(g->f, l_positive);
	fn_zero(g->f, gen_scratch_at(g, text), 0, room + 8, 8);
	(void)gen_frame(g);
	const struct home left = gen_shared(g), first = gen_shared(g);
	gen_home_store(g, &left, size);
	gen_home_store(g, &first, val_imm((int64_t)room - 1));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val n = own(g, gen_home_load(g, &left)), p = fn_reg(g->f);
	struct val place = own(g, fn_op(g->f, FN_SUB, val_imm((int64_t)room - 1), fn_arg(g->f, 0)));
	fn_if(g->f, FN_GE, place, val_imm(room), loop.l_break); // never; the verifier wants it
	struct val digit = fn_op(g->f, FN_MOD, n, val_imm(base));
	fn_mov(g->f, p, gen_rodata_val(g, digits, sizeof(digits)));
	fn_op_to(g->f, FN_ADD, p, fn_op(g->f, FN_AND, digit, val_imm(63)));
	struct val c = fn_load(g->f, 1, false, p, 0);
	fn_mov(g->f, p, gen_scratch_at(g, text));
	fn_op_to(g->f, FN_ADD, p, place);
	fn_store(g->f, 1, p, 0, c);
	gen_home_store(g, &first, place);
	struct val rest = own(g, fn_op(g->f, FN_DIV, n, val_imm(base)));
	gen_home_store(g, &left, rest);
	fn_if(g->f, FN_EQ, rest, val_imm(0), loop.l_break);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm((int64_t)room - 1), val_fn(fn), gen_frame(g),
		val_imm(0));
	struct val start = own(g, gen_home_load(g, &first)), len = own(g, val_imm(room));
	clamp(g, start, (int64_t)room - 1);
	if (base == 10) {
		fn_if(g->f, FN_SGE, v, val_imm(0), l_plain);
		int l_room = fn_label(g->f);
		fn_if(g->f, FN_NE, start, val_imm(0), l_room);
		fn_mov(g->f, start, val_imm(1)); // never
		fn_place(g->f, l_room);
		fn_op_to(g->f, FN_SUB, start, val_imm(1));
		clamp(g, start, (int64_t)room - 1);
		struct val sign = own(g, gen_scratch_at(g, text));
		fn_op_to(g->f, FN_ADD, sign, start);
		fn_store(g->f, 1, sign, 0, val_imm('-'));
	}
	fn_place(g->f, l_plain);
	part(g, text, room, start, len, dst, off, t);
}

void gen_d_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	const struct func *f = x->note;

	switch (f->id) {
	case F_STRJOIN: strjoin(g, x, dst, off, t); break;
	case F_SUBSTR: substr(g, x, dst, off, t); break;
	case F_STRSTR: from_place(g, x, arg(x, 1), false, dst, off, t); break;
	case F_STRCHR: from_char(g, x, false, dst, off, t); break;
	case F_STRRCHR: from_char(g, x, true, dst, off, t); break;
	case F_BASENAME: basename_of(g, x, dst, off, t); break;
	case F_DIRNAME: dirname_of(g, x, dst, off, t); break;
	case F_TOUPPER: other_case(g, x, 'a', dst, off, t); break;
	case F_TOLOWER: other_case(g, x, 'A', dst, off, t); break;
	case F_STRTOK: next_word(g, x, dst, off, t); break;
	case F_LLTOSTR: lltostr(g, x, dst, off, t); break;
	case F_PSARGS: gen_psargs(g, x, dst, off, t); break;
	case F_FILE_PATH:
	case F_FILE_MOUNT:
	case F_D_PATH:
	case F_TASK_DIR: gen_path(g, x, dst, off, t); break;
	case F_STRINGOF: gen_into(g, arg(x, 0), dst, off, t, /* pad= */ true); break;
	default: break;
	}
}

struct val gen_d_scalar(struct gen *g, struct ast *x)
{
	const struct func *f = x->note;

	switch (f->id) {
	case F_INDEX: return index_of(g, x, false);
	case F_RINDEX: return index_of(g, x, true);
	case F_TASK_CPU: return gen_task_cpu(g, gen_scalar(g, arg(x, 0)));
	case F_TASK_PID: return gen_task_pid(g, gen_scalar(g, arg(x, 0)), false);
	case F_TASK_TID: return gen_task_pid(g, gen_scalar(g, arg(x, 0)), true);
	case F_PROGENYOF: return gen_progenyof(g, x);
	case F_STRTOLL: return strtoll_of(g, x);
	case F_UREG: return gen_user_register(g, x->note_n);
	case F_SPECULATION: return gen_speculation(g);
	default: return val_imm(0);
	}
}
