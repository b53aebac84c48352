/* SPDX-License-Identifier: MIT */
/** Probe descriptions of D: "syscall::read:entry, tick-1s", read from the text itself. */
#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "lang/syntax/d/tree.h"

enum { TEXT_MOST = 4096 };

struct reader {
	struct d_parser *dp;
	struct lexer *x;
	struct strbuf text; /* owned; with macros put in */
	struct pos pos;
};

static void reader_fini(struct reader *r)
{
	strbuf_fini(&r->text);
}

static bool bad(struct reader *r, struct pos pos, const char *words)
{
	(void)diag_error(r->dp->p.d, pos, "D_PDESC_INVAL", "%s", words);
	return false;
}

static bool at_end(const struct lexer *x)
{
	return x->at == x->end || (unsigned char)*x->at <= ' ' || strchr("{/,;", *x->at);
}

/* $1, $target: stands at the '$'. */
static bool macro(struct reader *r)
{
	struct token t = { 0 };
	const char *text;
	bool is_num;

	int err = bt_lex_next(r->x, &t);
	if (err < 0)
		return parser_ok(&r->dp->p, err);
	if (!d_macro(r->dp, &t, &text, &is_num))
		return false;
	strbuf_str(&r->text, text);
	return true;
}

static bool one_char(struct reader *r)
{
	struct lexer *x = r->x;
	const char c = *x->at;

	if (c == '$')
		return macro(r);
	if (!bt_lex_is_word(c) && !strchr(":*?[]!-.+`\\@<>()=&|~^%#", c))
		return bad(r, bt_lex_pos(x, 1), "this character cannot be in the name of a probe");
	strbuf_add(&r->text, x->at++, 1);
	return true;
}

/* Splits the text at its ':'; the last part is the probe's name. */
static struct d_probe *split(struct reader *r)
{
	struct parser *p = &r->dp->p;
	struct d_probe *ret = parser_new(p, struct d_probe);
	char *text = ret && parser_ok(p, strbuf_ok(&r->text))
			     ? arena_strndup(p->arena, strbuf_text(&r->text), r->text.len)
			     : NULL;
	const char *copy = text ? arena_strndup(p->arena, text, r->text.len) : NULL;

	if (!copy) {
		p->r = -ENOMEM;
		return NULL;
	}
	ret->text = copy;
	ret->pos = r->pos;
	for (unsigned i = 0; i < D_PARTS; i++)
		ret->parts[i] = "";
	for (unsigned i = D_NAME;; i--) {
		char *colon = strrchr(text, ':');

		ret->parts[i] = colon ? colon + 1 : text;
		if (!colon)
			break;
		if (i == D_PROVIDER) {
			(void)bad(r, r->pos,
				  "a probe has four parts at most: "
				  "provider:module:function:name");
			return NULL;
		}
		*colon = '\0';
	}
	return ret;
}

static struct d_probe *one(struct d_parser *dp)
{
	sonde_auto(reader_fini) struct reader r = { .dp = dp, .x = &dp->p.pp.lex };
	const char *from = r.x->at;

	r.pos = bt_lex_pos(r.x, 1);
	r.x->is_fresh = false;
	while (!at_end(r.x)) {
		if (!one_char(&r))
			return NULL;
		if (r.text.len > TEXT_MOST) {
			(void)bad(&r, r.pos, "the name of this probe is too long");
			return NULL;
		}
	}
	if (r.x->at == from) {
		(void)bad(&r, r.pos, "a probe is missing, as in 'syscall::read:entry'");
		return NULL;
	}
	r.pos.len = (uint32_t)(r.x->at - from);
	return split(&r);
}

struct d_probe *d_parse_probes(struct d_parser *dp)
{
	struct d_probe *first = NULL, **end = &first;
	struct parser *p = &dp->p;
	struct lexer *x = &p->pp.lex;

	for (;;) {
		if (!parser_ok(p, pp_blank(&p->pp)))
			return NULL;
		*end = one(dp);
		if (!*end)
			return NULL;
		end = &(*end)->next;
		if (!parser_ok(p, pp_blank(&p->pp)))
			return NULL;
		if (x->at == x->end || *x->at != ',')
			return first;
		x->at++;
		// A ',' behind the last one is fine.
		if (!parser_ok(p, pp_blank(&p->pp)))
			return NULL;
		if (x->at == x->end || *x->at == '{' || *x->at == '/')
			return first;
	}
}
