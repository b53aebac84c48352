/* SPDX-License-Identifier: MIT */
/** Macros: their tokens wait in frames, the newest on top, in front of the text. */
#include "lang/syntax/pp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"

static const struct token token_one = { .kind = TOK_INT, .num = 1, .text = "1", .len = 1 };

int pp_define(struct pp *pp, struct pp_macro *m)
{
	int r = mem_grow(&pp->macros, &pp->macros_cap, pp->n_macros + 1);

	if (r == 0)
		r = names_put(&pp->names, m->name, (int64_t)pp->n_macros);
	if (r == 0)
		pp->macros[pp->n_macros++] = m;
	return r;
}

struct pp_macro *pp_find(const struct pp *pp, const char *name)
{
	int64_t i;

	if (!names_get(&pp->names, name, &i) || pp->macros[i]->is_gone)
		return NULL;
	return pp->macros[i];
}

int pp_init(struct pp *pp, struct diag *d, struct arena *arena)
{
	*pp = (struct pp){ .includes_end = NULL };
	bt_lex_init(&pp->lex, d, arena);

	// Types come from BTF: what scripts guard by this is never needed.
	struct pp_macro *m = arena_new(arena, struct pp_macro);
	if (!m)
		return -ENOMEM;
	*m = (struct pp_macro){
		.name = "BPFTRACE_HAVE_BTF",
		.body = &token_one,
		.n_body = 1,
	};
	return pp_define(pp, m);
}

void pp_fini(struct pp *pp)
{
	free(pp->macros);
	names_fini(&pp->names);
}

bool pp_is_plain(const struct pp *pp)
{
	for (unsigned i = 0; i < pp->n_frames; i++) {
		if (pp->frames[i].at < pp->frames[i].n)
			return false;
	}
	return !pp->has_back;
}

static void pop(struct pp *pp)
{
	pp->frames[--pp->n_frames].macro->is_active = false;
}

void pp_drop(struct pp *pp)
{
	while (pp->n_frames)
		pop(pp);
	pp->has_back = false;
}

void pp_finish(struct pp *pp)
{
	while (pp->n_conds) {
		pp->n_conds--;
		diag_error(pp->lex.d, pp->conds[pp->n_conds].pos, "bad-directive",
			   "this has no '#endif'");
	}
}

int pp_blank(struct pp *pp)
{
	struct lexer *x = &pp->lex;

	for (;;) {
		bt_lex_blank(x);
		if (x->at == x->end || *x->at != '#' || !x->is_fresh)
			return 0;
		x->at++;
		x->is_fresh = false;
		int r = pp_directive(pp);
		if (r < 0)
			return r;
	}
}

/* The next token, not looked at for macros. */
static int raw(struct pp *pp, struct token *ret)
{
	if (pp->has_back) {
		pp->has_back = false;
		*ret = pp->back;
		return 0;
	}
	while (pp->n_frames) {
		struct pp_frame *f = &pp->frames[pp->n_frames - 1];

		if (f->at < f->n) {
			*ret = f->tokens[f->at++];
			return 0;
		}
		pop(pp);
	}
	int r = pp_blank(pp);
	return r < 0 ? r : bt_lex_next(&pp->lex, ret);
}

static bool is_punct(const struct token *t, uint32_t punct)
{
	return t->kind == TOK_PUNCT && t->punct == punct;
}

/* Arguments of a call, one list of tokens each. */
struct args {
	struct token *tokens; /* owned */
	size_t n, cap;
	size_t ends[PP_PARAMS_MOST];
	unsigned n_args;
};

static void args_fini(struct args *a)
{
	free(a->tokens);
}

static int args_end(struct pp *pp, struct args *a, const struct pp_macro *m, struct pos pos)
{
	if (a->n_args >= m->n_params || a->n_args >= PP_PARAMS_MOST)
		return diag_error(pp->lex.d, pos, "bad-macro", "too many arguments for '%s'",
				  m->name);
	a->ends[a->n_args++] = a->n;
	return 0;
}

/* Behind the '('; up to and with the ')'. */
static int gather(struct pp *pp, const struct pp_macro *m, struct pos pos, struct args *a)
{
	unsigned parens = 0;

	for (;;) {
		struct token t;
		int r = pp_next(pp, &t);

		if (r < 0)
			return r;
		if (t.kind == TOK_END)
			return diag_error(pp->lex.d, pos, "bad-macro",
					  "the call of '%s' has no end", m->name);
		if (parens == 0 && is_punct(&t, ')'))
			break;
		if (parens == 0 && is_punct(&t, ',')) {
			r = args_end(pp, a, m, t.pos);
			if (r < 0)
				return r;
			continue;
		}
		parens += is_punct(&t, '(');
		parens -= is_punct(&t, ')');
		r = mem_grow(&a->tokens, &a->cap, a->n + 1);
		if (r < 0)
			return r;
		a->tokens[a->n++] = t;
		if (a->n > PP_TOKENS_MOST)
			return diag_error(pp->lex.d, pos, "bad-macro", "too long a call of '%s'",
					  m->name);
	}
	if (m->n_params == 0 && a->n_args == 0 && a->n == 0)
		return 0;
	int r = args_end(pp, a, m, pos);
	if (r == 0 && a->n_args < m->n_params)
		return diag_error(pp->lex.d, pos, "bad-macro", "too few arguments for '%s'",
				  m->name);
	return r;
}

static size_t arg_begin(const struct args *a, uint64_t i)
{
	return i ? a->ends[i - 1] : 0;
}

/* Puts the tokens of @m in front; all of them stand where it is used. */
static int push(struct pp *pp, struct pp_macro *m, const struct token *use, const struct args *a)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_body; i++) {
		const struct token *t = &m->body[i];

		n += t->kind == TOK_PARAM && t->is_painted ? a->ends[t->num] - arg_begin(a, t->num)
							   : 1;
	}
	if (pp->is_full)
		return -EINVAL; // told once
	pp->n_made += n;
	if (pp->n_made > PP_TOKENS_MOST || pp->n_frames == PP_NESTING_MOST) {
		pp->is_full = true;
		return diag_error(pp->lex.d, use->pos, "bad-macro", "'%s' becomes too long",
				  m->name);
	}

	struct token *tokens = arena_array(pp->lex.arena, n, sizeof(*tokens));
	if (!tokens)
		return -ENOMEM;
	size_t at = 0;
	for (size_t i = 0; i < m->n_body; i++) {
		const struct token *t = &m->body[i];

		if (t->kind == TOK_PARAM && t->is_painted) {
			for (size_t k = arg_begin(a, t->num); k < a->ends[t->num]; k++) {
				sonde_dcheck(a->tokens);
				tokens[at++] = a->tokens[k];
			}
			continue;
		}
		tokens[at] = *t;
		tokens[at].at = NULL;
		tokens[at++].pos = use->pos;
	}
	m->is_active = true;
	pp->frames[pp->n_frames++] = (struct pp_frame){ .tokens = tokens, .n = n, .macro = m };
	return 0;
}

/* 1: it stays a word; 0: its tokens wait; -EINVAL: told. */
static int expand(struct pp *pp, struct pp_macro *m, const struct token *use)
{
	sonde_auto(args_fini) struct args a = { 0 };
	struct token t;

	if (!m->is_function)
		return push(pp, m, use, &a);
	int r = raw(pp, &t);
	if (r < 0)
		return r;
	if (!is_punct(&t, '(')) {
		pp->back = t;
		pp->has_back = true;
		return 1;
	}
	if (pp->nesting == PP_NESTING_MOST)
		return diag_error(pp->lex.d, use->pos, "bad-macro", "macros are nested too deeply");
	pp->nesting++;
	r = gather(pp, m, use->pos, &a);
	pp->nesting--;
	return r < 0 ? r : push(pp, m, use, &a);
}

int pp_next(struct pp *pp, struct token *ret)
{
	for (;;) {
		int r = raw(pp, ret);
		if (r < 0 || ret->kind != TOK_WORD || ret->is_painted)
			return r;

		struct pp_macro *m = pp_find(pp, ret->text);
		if (!m)
			return 0;
		if (m->is_active) {
			ret->is_painted = true;
			return 0;
		}
		r = expand(pp, m, ret);
		if (r == -EINVAL) // told; as a plain word it does no further harm
			r = 1;
		if (r)
			return r < 0 ? r : 0;
	}
}
