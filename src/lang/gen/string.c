/* SPDX-License-Identifier: MIT */
/** Strings compared and searched. */
#include <linux/bpf.h>
#include <string.h>

#include "lang/gen/gen.h"

/* Searches of more steps than this are called back by the kernel, place by place: the verifier
 * follows each step of other loops. */
enum { WORDS_INLINE = 16, STEPS_INLINE = 256 };

/* Goes to @l_no where @n bytes of the two differ; both are readable in whole words of 8 where
 * @wide. */
static void compare_bytes(struct gen *g, const struct place *a, const struct place *b, uint32_t n,
			  int l_no)
{
	for (uint32_t i = 0; i < n;) {
		const bool aligned = (a->off + i) % 8 == 0 && (b->off + i) % 8 == 0;
		const unsigned len = n - i >= 8 && aligned ? 8 : n - i >= 4 && aligned ? 4 : 1;
		struct val x = fn_load(g->f, len, false, a->base, a->off + i);
		struct val y = fn_load(g->f, len, false, b->base, b->off + i);
		fn_if(g->f, FN_NE, x, y, l_no);
		i += len;
	}
}

static void compare_literal(struct gen *g, const struct place *a, const char *text, uint32_t n,
			    int l_no)
{
	for (uint32_t i = 0; i < n;) {
		const bool aligned = (a->off + i) % 8 == 0;
		const unsigned len = n - i >= 8 && aligned   ? 8
				     : n - i >= 4 && aligned ? 4
				     : n - i >= 2 && aligned ? 2
							     : 1;
		uint64_t word = 0;
		memcpy(&word, text + i, len);
		fn_if(g->f, FN_NE, fn_load(g->f, len, false, a->base, a->off + i),
		      val_imm((int64_t)word), l_no);
		i += len;
	}
}

/* A long comparison as a loop over whole words. */
static void compare_loop(struct gen *g, const struct place *a, const struct place *b, uint32_t n,
			 int l_no)
{
	struct val i = fn_reg(g->f);
	int l_again = fn_label(g->f);

	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_again);
	struct val x = fn_reg(g->f), y = fn_reg(g->f);
	fn_mov(g->f, x, a->base);
	fn_mov(g->f, y, b->base);
	fn_op_to(g->f, FN_ADD, x, i);
	fn_op_to(g->f, FN_ADD, y, i);
	fn_if(g->f, FN_NE, fn_load(g->f, 8, false, x, a->off), fn_load(g->f, 8, false, y, b->off),
	      l_no);
	fn_op_to(g->f, FN_ADD, i, val_imm(8));
	fn_if(g->f, FN_LT, i, val_imm(n), l_again);
}

static struct place in_memory(struct gen *g, struct ast *x)
{
	return place_at(SP_BPF, gen_mem(g, x, x->type), 0);
}

/* Both in memory: equal where the whole shorter one is, and the longer one ends there. */
static void compare_both(struct gen *g, struct ast *a, struct ast *b, uint32_t most, int l_no)
{
	const uint32_t size_a = a->type->size, size_b = b->type->size;
	uint32_t n = size_a < size_b ? size_a : size_b;
	struct place x = in_memory(g, a), y = in_memory(g, b);
	const struct place *longer = size_a > size_b ? &x : &y;

	if (most < n)
		n = most;
	if (n > 8 * WORDS_INLINE && n % 8 == 0)
		compare_loop(g, &x, &y, n, l_no);
	else
		compare_bytes(g, &x, &y, n, l_no);
	if (n < most && size_a != size_b)
		fn_if(g->f, FN_NE, fn_load(g->f, 1, false, longer->base, longer->off + n),
		      val_imm(0), l_no);
}

struct val gen_str_equal(struct gen *g, struct ast *a, struct ast *b, uint32_t most)
{
	struct val r = fn_reg(g->f);
	int l_no = fn_label(g->f);
	size_t len = 0, len_a = 0;
	const char *text = check_text(g->check, b, &len), *text_a = check_text(g->check, a, &len_a);

	if (text_a && !text) { // the literal comes second
		struct ast *swap = a;
		a = b;
		b = swap;
		text = text_a;
		len = len_a;
		text_a = NULL;
	}
	if (text_a && text) {
		const size_t n = most < len + 1 ? most : len + 1;
		return val_imm(strncmp(text_a, text, n) == 0);
	}
	fn_mov(g->f, r, val_imm(0));
	if (text) {
		uint32_t n = (uint32_t)len + 1 < a->type->size ? (uint32_t)len + 1 : a->type->size;
		struct place x = in_memory(g, a);
		if (len > a->type->size && most > a->type->size)
			return r; // never as long as that
		compare_literal(g, &x, text, n < most ? n : most, l_no);
	} else {
		compare_both(g, a, b, most, l_no);
	}
	fn_mov(g->f, r, val_imm(1));
	fn_place(g->f, l_no);
	return r;
}

/* Each place of the hay in a loop, the needle's bytes one by one. */
static void search(struct gen *g, struct ast *a, const char *text, uint32_t len, struct val r)
{
	struct place hay = in_memory(g, a);
	struct val i = fn_reg(g->f), at = fn_reg(g->f);
	int l_again = fn_label(g->f), l_next = fn_label(g->f), l_end = fn_label(g->f);

	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_again);
	fn_mov(g->f, at, hay.base);
	fn_op_to(g->f, FN_ADD, at, i);
	for (uint32_t k = 0; k < len; k++)
		fn_if(g->f, FN_NE, fn_load(g->f, 1, false, at, hay.off + k),
		      val_imm((unsigned char)text[k]), l_next);
	fn_mov(g->f, r, val_imm(1));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_next);
	fn_op_to(g->f, FN_ADD, i, val_imm(1));
	fn_if(g->f, FN_LE, i, val_imm((int64_t)a->type->size - len), l_again);
	fn_place(g->f, l_end);
}

/* The same with a needle that is known only then; an empty one is found at once. */
static void search_any(struct gen *g, struct ast *a, struct ast *b, struct val r)
{
	const struct place hay = in_memory(g, a), needle = in_memory(g, b);
	struct val i = fn_reg(g->f), k = fn_reg(g->f), at = fn_reg(g->f), want = fn_reg(g->f);
	int l_again = fn_label(g->f), l_byte = fn_label(g->f), l_next = fn_label(g->f),
	    l_found = fn_label(g->f), l_end = fn_label(g->f);

	fn_mov(g->f, r, val_imm(0));
	fn_mov(g->f, i, val_imm(0));
	fn_place(g->f, l_again);
	fn_mov(g->f, k, val_imm(0));
	fn_place(g->f, l_byte);
	fn_mov(g->f, want, needle.base);
	fn_op_to(g->f, FN_ADD, want, k);
	struct val c = fn_load(g->f, 1, false, want, needle.off);
	fn_if(g->f, FN_EQ, c, val_imm(0), l_found);
	struct val sum = fn_op(g->f, FN_ADD, i, k);
	fn_if(g->f, FN_GE, sum, val_imm(a->type->size), l_next);
	fn_mov(g->f, at, hay.base);
	fn_op_to(g->f, FN_ADD, at, sum);
	fn_if(g->f, FN_NE, fn_load(g->f, 1, false, at, hay.off), c, l_next);
	fn_op_to(g->f, FN_ADD, k, val_imm(1));
	fn_if(g->f, FN_LT, k, val_imm(b->type->size), l_byte);
	fn_place(g->f, l_found);
	fn_mov(g->f, r, val_imm(1));
	fn_jump(g->f, l_end);
	fn_place(g->f, l_next);
	fn_op_to(g->f, FN_ADD, i, val_imm(1));
	fn_if(g->f, FN_LT, i, val_imm(a->type->size), l_again);
	fn_place(g->f, l_end);
}

int64_t gen_str_scratch(struct gen *g, struct ast *x)
{
	const int64_t at = g->scratch_len;

	gen_into(g, x, gen_scratch(g, x->type->size), 0, x->type, /* pad= */ true);
	return at;
}

void gen_str_match(struct gen *g, struct val i, int64_t hay, uint32_t hay_len, int64_t needle,
		   uint32_t len, int l_no)
{
	struct val k = fn_reg(g->f), at = fn_reg(g->f);
	int l_byte = fn_label(g->f), l_found = fn_label(g->f);

	fn_mov(g->f, k, val_imm(0));
	fn_place(g->f, l_byte);
	fn_mov(g->f, at, gen_scratch_at(g, needle));
	fn_op_to(g->f, FN_ADD, at, k);
	struct val c = fn_load(g->f, 1, false, at, 0);
	fn_if(g->f, FN_EQ, c, val_imm(0), l_found);
	struct val sum = fn_op(g->f, FN_ADD, i, k);
	fn_if(g->f, FN_GE, sum, val_imm(hay_len), l_no);
	fn_mov(g->f, at, gen_scratch_at(g, hay));
	fn_op_to(g->f, FN_ADD, at, sum);
	fn_if(g->f, FN_NE, fn_load(g->f, 1, false, at, 0), c, l_no);
	fn_op_to(g->f, FN_ADD, k, val_imm(1));
	fn_if(g->f, FN_LT, k, val_imm(len), l_byte);
	fn_place(g->f, l_found);
}

/* Of long strings: a function that the kernel calls for each place. @text NULL: not known. */
static void search_called(struct gen *g, struct ast *a, struct ast *b, const char *text,
			  uint32_t len, struct val r)
{
	const uint32_t places = text ? a->type->size - len + 1 : a->type->size;
	const int64_t hay = gen_str_scratch(g, a), needle = text ? 0 : gen_str_scratch(g, b);
	struct loop loop;

	(void)gen_frame(g);
	const struct home found = gen_shared(g);
	gen_home_store(g, &found, val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val p = fn_reg(g->f), i = fn_arg(g->f, 0);
	fn_if(g->f, FN_GE, i, val_imm(places), loop.l_break); // never; the verifier wants it
	if (!text) {
		gen_str_match(g, i, hay, a->type->size, needle, b->type->size, loop.l_continue);
	} else {
		fn_mov(g->f, p, gen_scratch_at(g, hay));
		fn_op_to(g->f, FN_ADD, p, i);
		for (uint32_t k = 0; k < len; k++)
			fn_if(g->f, FN_NE, fn_load(g->f, 1, false, p, k),
			      val_imm((unsigned char)text[k]), loop.l_continue);
	}
	gen_home_store(g, &found, val_imm(1));
	fn_jump(g->f, loop.l_break);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(places), val_fn(fn), gen_frame(g), val_imm(0));
	fn_mov(g->f, r, gen_home_load(g, &found));
}

struct val gen_str_contains(struct gen *g, struct ast *a, struct ast *b)
{
	size_t len = 0;
	const char *text = check_text(g->check, b, &len);
	struct val r = fn_reg(g->f);
	const uint64_t size = a->type->size, steps = size * (text ? len : b->type->size);

	fn_mov(g->f, r, val_imm(0));
	if (text && (!len || len > size)) {
		(void)in_memory(g, a); // for its effects
		return val_imm(!len);
	}
	if (steps > STEPS_INLINE)
		search_called(g, a, b, text, (uint32_t)len, r);
	else if (text)
		search(g, a, text, (uint32_t)len, r);
	else
		search_any(g, a, b, r);
	return r;
}
