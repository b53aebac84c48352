/* SPDX-License-Identifier: MIT */
/**
 * Attach points: read from the text itself, as "/bin/x:f*" are no tokens. A '/' in the place of
 * a path belongs to it; elsewhere, and behind a blank, it begins the predicate.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "lang/syntax/parser.h"

enum { PARTS_MOST = 16, ATTACH_BYTES_MOST = 4096 };

/* One attach point being read. */
struct reader {
	struct parser *p;
	struct lexer *x;
	struct strbuf part; /* owned */
	const char *parts[PARTS_MOST];
	size_t n;
	bool in_bracket, is_path;
	bool has_quote; /* or a parameter: the part may be empty */
	struct pos pos;
};

static void reader_fini(struct reader *r)
{
	strbuf_fini(&r->part);
}

static bool bad(struct reader *r, struct pos pos, const char *words)
{
	diag_error(r->p->d, pos, "bad-attach", "%s", words);
	return false;
}

/* Providers whose first part is a path. */
static bool has_path(const char *provider)
{
	static const char *const names[] = { "uprobe", "u", "uretprobe", "ur", "usdt", "U" };

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(names[i], provider))
			return true;
	}
	return false;
}

static bool end_part(struct reader *r)
{
	if (r->n == PARTS_MOST)
		return bad(r, r->pos, "too many ':' in this attach point");
	if (!parser_ok(r->p, strbuf_ok(&r->part)))
		return false;
	r->parts[r->n] = arena_strndup(r->p->arena, strbuf_text(&r->part), r->part.len);
	if (!r->parts[r->n])
		return parser_ok(r->p, -ENOMEM);
	r->n++;
	r->part.len = 0;
	r->is_path = r->n == 1 && has_path(r->parts[0]);
	r->has_quote = false;
	return true;
}

/* One byte of a name; ':' ends it, unless in a bracket. */
static bool put(struct reader *r, char c)
{
	if (c == ':' && !r->in_bracket)
		return end_part(r);
	if (c == '/' && r->part.len == 0)
		r->is_path = true;
	r->in_bracket = (r->in_bracket || c == '[') && c != ']';
	strbuf_add(&r->part, &c, 1);
	return true;
}

/* $1: what was given for it, which may be a whole attach point. Stands at the '$'. */
static bool param(struct reader *r)
{
	struct lexer *x = r->x;
	struct pos pos = bt_lex_pos(x, 2);
	uint64_t n = 0;

	x->at++;
	if (*x->at == '#') {
		x->at++;
		strbuf_fmt(&r->part, "%zu", r->p->n_params);
		return true;
	}
	for (; x->at < x->end && *x->at >= '0' && *x->at <= '9'; x->at++) {
		if (n < UINT32_MAX)
			n = n * 10 + (uint64_t)(*x->at - '0');
	}
	if (n == 0)
		return bad(r, pos, "parameters count from $1");
	if (n > r->p->n_params) {
		diag_error(r->p->d, pos, "no-parameter",
			   "this wants parameter $%llu, but %zu %s given", (unsigned long long)n,
			   r->p->n_params, r->p->n_params == 1 ? "was" : "were");
		return false;
	}
	for (const char *text = r->p->params[n - 1]; *text; text++) {
		if (!put(r, *text))
			return false;
	}
	r->has_quote = true;
	return true;
}

/* Stands at the '"'. */
static bool quoted(struct reader *r)
{
	struct lexer *x = r->x;
	struct pos pos = bt_lex_pos(x, 1);

	r->has_quote = true;
	for (x->at++; x->at < x->end && *x->at != '\n'; x->at++) {
		if (*x->at == '"') {
			x->at++;
			return true;
		}
		if (*x->at == '\\' && x->end - x->at > 1 && (x->at[1] == '"' || x->at[1] == '\\'))
			x->at++;
		if (!*x->at)
			return bad(r, pos, "a 0 byte cannot be in a name");
		strbuf_add(&r->part, x->at, 1);
	}
	return bad(r, pos, "this name has no closing '\"'");
}

/* What ends an attach point. */
static bool at_end(const struct reader *r)
{
	const struct lexer *x = r->x;

	if (x->at == x->end || (unsigned char)*x->at <= ' ' || *x->at == '{')
		return true;
	if (*x->at == ',')
		return !r->in_bracket;
	if (*x->at != '/')
		return false;
	// Right behind ':' there is no predicate: it would be an empty part.
	return !r->is_path && (r->n == 0 || r->part.len || r->has_quote);
}

static bool one_char(struct reader *r)
{
	struct lexer *x = r->x;
	char c = *x->at;
	bool has_next = x->end - x->at > 1;

	if (c == '"')
		return quoted(r);
	if (c == '$' && has_next && ((x->at[1] >= '0' && x->at[1] <= '9') || x->at[1] == '#'))
		return param(r);
	if (strchr(";()=}<>|&'", c) || c == 0x7f)
		return bad(r, bt_lex_pos(x, 1),
			   "this character cannot be in an attach point; put the name in '\"'");
	x->at++;
	if (c != '\\' || !has_next || !*x->at || *x->at == '\n')
		return put(r, c);
	strbuf_add(&r->part, x->at++, 1);
	return true;
}

static struct ast_attach *finish(struct reader *r, const char *from)
{
	struct ast_attach *a = parser_new(r->p, struct ast_attach);
	const char **parts = a ? parser_alloc(r->p, r->n * sizeof(*parts)) : NULL;

	if (!parts)
		return NULL;
	memcpy(parts, r->parts, r->n * sizeof(*parts));
	a->parts = parts;
	a->n_parts = r->n;
	a->pos = r->pos;
	a->pos.len = (uint32_t)(r->x->at - from);
	a->text = arena_strndup(r->p->arena, from, a->pos.len);
	if (!a->text)
		r->p->r = -ENOMEM;
	return a->text ? a : NULL;
}

static struct ast_attach *one(struct parser *p)
{
	sonde_auto(reader_fini) struct reader r = { .p = p, .x = &p->pp.lex };
	const char *from = r.x->at;

	r.pos = bt_lex_pos(r.x, 1);
	r.x->is_fresh = false;
	if (at_end(&r)) {
		bad(&r, r.pos, "an attach point is missing, as in 'kprobe:vfs_read'");
		return NULL;
	}
	while (!at_end(&r)) {
		if (!one_char(&r))
			return NULL;
		if (r.x->at - from > ATTACH_BYTES_MOST || r.part.len > ATTACH_BYTES_MOST) {
			bad(&r, r.pos, "this attach point is too long");
			return NULL;
		}
	}
	return end_part(&r) ? finish(&r, from) : NULL;
}

struct ast_attach *parse_attach(struct parser *p)
{
	struct ast_attach *first = NULL, **end = &first;
	struct lexer *x = &p->pp.lex;

	for (;;) {
		if (!parser_ok(p, pp_blank(&p->pp)))
			return NULL;
		*end = one(p);
		if (!*end)
			return NULL;
		end = &(*end)->next;
		if (!parser_ok(p, pp_blank(&p->pp)))
			return NULL;
		if (x->at == x->end || *x->at != ',')
			break;
		x->at++;
	}
	if (x->at < x->end && (*x->at == '{' || *x->at == '/'))
		return first;
	if (x->at == x->end)
		diag_error(p->d, first->pos, "bad-attach", "this probe has no block");
	else
		diag_error(p->d, bt_lex_pos(x, 1), "bad-attach",
			   "',', a predicate or '{' expected behind the attach point");
	return NULL;
}
