/* SPDX-License-Identifier: MIT */
/** struct, union, enum and typedef, as C has them. */
#include <errno.h>
#include <string.h>

#include "lang/syntax/parser.h"

static bool is_packed(const struct token *t)
{
	return t->kind == TOK_WORD &&
	       (!strcmp(t->text, "packed") || !strcmp(t->text, "__packed__"));
}

/* '(' ... ')' with all in it. */
static bool skip_parens(struct parser *p, bool *packed)
{
	unsigned depth = 0;

	do {
		const struct token *t = parser_peek(p, 0);

		if (t->kind == TOK_END || parser_at(p, '{') || parser_at(p, '}') ||
		    (!depth && !parser_at(p, '('))) {
			parser_unexpected(p, depth ? "')'" : "'('");
			return false;
		}
		depth += parser_at(p, '(');
		depth -= parser_at(p, ')');
		*packed = *packed || is_packed(t);
		(void)parser_take(p); // looked at
	} while (depth);
	return true;
}

bool parse_attributes(struct parser *p, bool *packed)
{
	while (parser_at_word(p, "__attribute__") || parser_at_word(p, "__attribute") ||
	       parser_at_word(p, "__packed")) {
		if (!strcmp(parser_take(p).text, "__packed"))
			*packed = true;
		else if (!skip_parens(p, packed))
			return false;
	}
	return true;
}

static bool bit_field(struct parser *p, struct ast_field *f)
{
	int64_t bits;
	struct pos pos = parser_peek(p, 0)->pos;

	if (!parse_constant(p, ",;}", &bits))
		return false;
	if (bits < 0 || bits > 64 || (bits == 0 && *f->name)) {
		diag_error(p->d, pos, "bad-type", "a bit field cannot have %lld bits",
			   (long long)bits);
		return false;
	}
	f->bits = (uint32_t)bits;
	return true;
}

/* "(*name)(args)", "(*name)[4]": a pointer to what nobody looks into. */
static bool pointer_declarator(struct parser *p, struct ast_field *f, struct ast_type *t)
{
	bool packed = false;

	(void)parser_take(p); // the '('
	t->name = "void";
	t->n_ptrs = 0;
	if (!parse_stars(p, t))
		return false;
	if (t->n_ptrs == 0 || parser_peek(p, 0)->kind != TOK_WORD) {
		parser_unexpected(p, "'*' and a name");
		return false;
	}
	struct token name = parser_take(p);
	f->name = name.text;
	f->pos = name.pos;
	t->n_ptrs = 1;
	if (!parse_dims(p, t) || !parser_expect(p, ')', "behind the name"))
		return false;
	if (parser_at(p, '('))
		return skip_parens(p, &packed);
	struct ast_type ignored = { 0 };
	return parse_dims(p, &ignored);
}

/* One name behind @base, or none. */
static struct ast_field *declarator(struct parser *p, const struct ast_type *base,
				    const struct ast_def *def)
{
	struct ast_field *f = parser_new(p, struct ast_field);
	struct ast_type *t = f ? parser_new(p, struct ast_type) : NULL;
	bool packed = false;

	if (!t)
		return NULL;
	*t = *base;
	f->name = "";
	f->pos = base->pos;
	f->type = t;
	if (!parse_stars(p, t))
		return NULL;
	if (parser_at(p, '(')) {
		if (!pointer_declarator(p, f, t))
			return NULL;
		return parse_attributes(p, &packed) ? f : NULL;
	}
	f->def = def;
	if (parser_peek(p, 0)->kind == TOK_WORD) {
		struct token name = parser_take(p);

		f->name = name.text;
		f->pos = name.pos;
		if (!parse_dims(p, t))
			return NULL;
	}
	if (parser_accept(p, ':') && !bit_field(p, f))
		return NULL;
	return parse_attributes(p, &packed) ? f : NULL;
}

static void append(struct parser *p, struct ast_def *def)
{
	*p->defs_end = def;
	p->defs_end = &def->next;
}

/*
 * What is defined inside has a scope of its own only where it is nameless: all else becomes a
 * definition of the top level, and a nameless enum's numbers do.
 */
static bool inner_base(struct parser *p, struct ast_type *base, struct ast_def **ret_def)
{
	if (!parse_type_base(p, base, ret_def))
		return false;
	struct ast_def *def = *ret_def;
	if (!def || (!*def->name && def->kind != AST_DEF_ENUM))
		return true;
	if (!*def->name)
		base->name = "unsigned int";
	append(p, def);
	*ret_def = NULL;
	return true;
}

/* A line of fields; nameless ones are structs and bits. *@end: where to append. */
static bool fields(struct parser *p, struct ast_field ***end)
{
	struct ast_type base = { 0 };
	struct ast_def *def = NULL;

	struct ast_def **before = p->defs_end;
	if (!inner_base(p, &base, &def))
		return false;
	if (!def && p->defs_end != before && parser_accept(p, ';'))
		return true; // "struct x { ... };" in a struct is no field
	do {
		bool is_bits = parser_at(p, ':');
		struct ast_field *f = declarator(p, &base, def);

		if (!f)
			return false;
		if (!*f->name && !def && !is_bits) {
			parser_unexpected(p, "a field's name");
			return false;
		}
		**end = f;
		*end = &f->next;
	} while (parser_accept(p, ','));
	return parser_at(p, '}') || parser_expect(p, ';', "behind the field");
}

static bool enumerators(struct parser *p, struct ast_field **end)
{
	int64_t value = 0;

	while (!parser_at(p, '}')) {
		struct ast_field *f = parser_new(p, struct ast_field);

		if (!f)
			return false;
		if (parser_peek(p, 0)->kind != TOK_WORD) {
			parser_unexpected(p, "an enumerator's name");
			return false;
		}
		struct token name = parser_take(p);
		f->name = name.text;
		f->pos = name.pos;
		if (parser_accept(p, '=') && !parse_constant(p, ",;}", &value))
			return false;
		f->value = value;
		value = (int64_t)((uint64_t)value + 1);
		if (!parser_ok(p, names_put(&p->constants, f->name, f->value)))
			return false;
		*end = f;
		end = &f->next;
		if (!parser_accept(p, ','))
			break;
	}
	return true;
}

struct ast_def *parse_def_body(struct parser *p, enum ast_def_kind kind, const char *name)
{
	struct ast_def *def = parser_new(p, struct ast_def);

	if (!def || !parser_enter(p))
		return NULL;
	struct ast_field **end = &def->fields;
	def->kind = kind;
	def->name = name;
	(void)parser_take(p); // the '{'
	bool is_good = true;
	if (kind == AST_DEF_ENUM)
		is_good = enumerators(p, end);
	while (is_good && kind != AST_DEF_ENUM && !parser_at(p, '}'))
		is_good = fields(p, &end);
	parser_leave(p);
	return is_good && parser_expect(p, '}', "behind the fields") ? def : NULL;
}

/* typedef behind the word: one definition for each name. */
static bool type_def(struct parser *p, struct pos pos)
{
	struct ast_type base = { 0 };
	struct ast_def *inner = NULL;

	if (!inner_base(p, &base, &inner))
		return false;
	do {
		struct ast_field *f = declarator(p, &base, inner);
		struct ast_def *def = f ? parser_new(p, struct ast_def) : NULL;

		if (!def)
			return false;
		if (!*f->name || f->bits) {
			parser_unexpected(p, "the new type's name");
			return false;
		}
		def->kind = AST_DEF_TYPEDEF;
		def->pos = pos;
		def->name = f->name;
		def->fields = f;
		f->name = "";
		if (!parser_ok(p, names_put(&p->typedefs, def->name, 1)))
			return false;
		append(p, def);
	} while (parser_accept(p, ','));
	return parser_end(p, "behind the type");
}

/* "x;" behind a definition, as C allows it; a probe goes on in other ways. */
static bool names_variable(const struct token *t, const char *end)
{
	if (t->kind != TOK_WORD || !t->at)
		return false;
	const char *at = t->at + t->len;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at < end && strchr(";=[", *at);
}

bool parse_top_def(struct parser *p)
{
	struct ast_type base = { 0 };
	struct ast_def *def = NULL;
	struct pos pos = parser_peek(p, 0)->pos;

	if (parser_accept_word(p, "typedef"))
		return type_def(p, pos);
	if (!parse_type_base(p, &base, &def))
		return false;
	// "struct x;" says nothing. A definition may do without its ';'.
	if (!def)
		return parser_end(p, "behind the type");
	append(p, def);
	if (parser_at(p, '*') || names_variable(parser_peek(p, 0), p->pp.lex.end)) {
		parser_unexpected(p, "';'");
		return false;
	}
	return true;
}
