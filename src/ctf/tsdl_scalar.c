/* SPDX-License-Identifier: MIT */
/** Integers, reals and strings (CTF 1.8.3, sections 4.1 and 4.2). */
#include "ctf/tsdl_scalar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"

static int set_align(struct build *b, const struct ast_item *it, uint32_t *ret)
{
	uint64_t v = 0;
	int r = value_u64(b, it, &v);
	if (r < 0)
		return r;
	return align_check(b, &it->value, v, ret);
}

int align_check(struct build *b, const struct ast_expr *at, uint64_t v, uint32_t *ret)
{
	if (!v || v & (v - 1) || v > TSDL_ALIGN_MAX)
		return tsdl_error(&b->x->text, at->pos,
				  "alignment %llu, wanted a power of two up to %u",
				  (unsigned long long)v, TSDL_ALIGN_MAX);
	*ret = (uint32_t)v;
	return 0;
}

static int set_base(struct build *b, const struct ast_item *it, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t base;
	} names[] = {
		{ "decimal", 10 }, { "dec", 10 },	  { "d", 10 },	  { "i", 10 },
		{ "u", 10 },	   { "hexadecimal", 16 }, { "hex", 16 },  { "x", 16 },
		{ "X", 16 },	   { "p", 16 },		  { "octal", 8 }, { "oct", 8 },
		{ "o", 8 },	   { "binary", 2 },	  { "bin", 2 },	  { "b", 2 },
	};
	const struct ast_expr *e = &it->value;

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (e->kind == AST_INT_VALUE && !e->str
			    ? !e->negative && e->num == names[i].base
			    : e->str && !strcmp(e->str, names[i].name)) {
			*ret = names[i].base;
			return 0;
		}
	}
	return tsdl_error(&b->x->text, e->pos ? e->pos : it->pos,
			  "base is none of 2, 8, 10, 16 or their names");
}

static int set_encoding(struct build *b, const struct ast_item *it, enum sonde_encoding *ret)
{
	static const struct {
		const char *name;
		enum sonde_encoding encoding;
	} names[] = {
		{ "none", SONDE_ENC_NONE },   { "UTF8", SONDE_ENC_UTF8 },
		{ "utf8", SONDE_ENC_UTF8 },   { "UTF-8", SONDE_ENC_UTF8 },
		{ "utf-8", SONDE_ENC_UTF8 },  { "ASCII", SONDE_ENC_ASCII },
		{ "ascii", SONDE_ENC_ASCII },
	};
	const char *s = NULL;
	int r = value_str(b, it, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(s, names[i].name)) {
			*ret = names[i].encoding;
			return 0;
		}
	}
	return tsdl_error(&b->x->text, it->value.pos, "encoding '%s', wanted none, UTF8 or ASCII",
			  s);
}

static int unknown_clock(struct build *b, const struct ast_expr *e)
{
	const char *near = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < b->trace->n_clocks; i++) {
		unsigned d = near_distance(e->words[1], b->clocks[i]->name);

		if (d < least) {
			least = d;
			near = b->clocks[i]->name;
		}
	}
	return tsdl_error(&b->x->text, e->pos, "no clock '%s'%s%s%s", e->words[1],
			  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/** `map = clock.NAME.value` */
static int set_clock(struct build *b, const struct ast_item *it, const struct sonde_clock **ret)
{
	const struct ast_expr *e = &it->value;

	if (it->kind != AST_VALUE || e->kind != AST_PATH || e->n_words < 2 || e->n_words > 3 ||
	    strcmp(e->words[0], "clock") != 0 ||
	    (e->n_words == 3 && strcmp(e->words[2], "value") != 0))
		return tsdl_error(&b->x->text, e->pos ? e->pos : it->pos,
				  "'map' wants clock.NAME.value");

	b->work += b->trace->n_clocks;
	for (size_t i = 0; i < b->trace->n_clocks; i++) {
		if (!strcmp(b->clocks[i]->name, e->words[1])) {
			*ret = b->clocks[i];
			return 0;
		}
	}
	return unknown_clock(b, e);
}

/** Which setting of a table @it is, or @n. A setting said twice fails: -EBADMSG. */
static int setting_find(struct build *b, const char *const *names, size_t n,
			const struct ast_item *it, unsigned *said, size_t *ret)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], it->path) != 0)
		i++;
	*ret = i;
	if (i == n)
		return 0; // unknown settings are for other readers
	if (*said & 1u << i)
		return tsdl_error(&b->x->text, it->pos, "'%s' is set twice", it->path);
	*said |= 1u << i;
	return 0;
}

static int set_small(struct build *b, const struct ast_item *it, uint64_t most, uint8_t *ret)
{
	uint64_t v = 0;
	int r = value_u64(b, it, &v);
	if (r < 0)
		return r;
	if (!v || v > most)
		return tsdl_error(&b->x->text, it->value.pos, "'%s' is %llu, wanted 1 to %llu",
				  it->path, (unsigned long long)v, (unsigned long long)most);
	*ret = (uint8_t)v;
	return 0;
}

int integer_fill(struct build *b, const struct ast_type *t, struct sonde_type *ret)
{
	static const char *const names[] = { "size", "align",	 "signed", "byte_order",
					     "base", "encoding", "map" };
	enum { SIZE, ALIGN, SIGNED, ORDER, BASE, ENCODING, MAP };
	struct sonde_int *i = &ret->u.integer;
	unsigned said = 0;

	ret->kind = SONDE_INT;
	i->base = 10;
	i->big_endian = b->trace->big_endian;
	for (const struct ast_item *it = t->items; it; it = it->next) {
		size_t which;
		int r = setting_find(b, names, MEM_LEN(names), it, &said, &which);
		if (r < 0)
			return r;
		switch (which) {
		case SIZE: r = set_small(b, it, 64, &i->len); break;
		case ALIGN: r = set_align(b, it, &ret->align); break;
		case SIGNED: r = value_bool(b, it, &i->is_signed); break;
		case ORDER: r = value_byte_order(b, it, &i->big_endian); break;
		case BASE: r = set_base(b, it, &i->base); break;
		case ENCODING: r = set_encoding(b, it, &i->encoding); break;
		case MAP: r = set_clock(b, it, &i->clock); break;
		default: break;
		}
		if (r < 0)
			return r;
	}
	if (!i->len)
		return tsdl_error(&b->x->text, t->pos, "integer without a 'size'");
	if (!ret->align)
		ret->align = i->len % 8 ? 1 : 8;
	ret->fixed_len = i->len;
	return 0;
}

int floating_fill(struct build *b, const struct ast_type *t, struct sonde_type *ret)
{
	static const char *const names[] = { "exp_dig", "mant_dig", "align", "byte_order" };
	enum { EXP_DIG, MANT_DIG, ALIGN, ORDER };
	unsigned said = 0;

	ret->kind = SONDE_FLOAT;
	ret->u.real.big_endian = b->trace->big_endian;
	for (const struct ast_item *it = t->items; it; it = it->next) {
		size_t which;
		int r = setting_find(b, names, MEM_LEN(names), it, &said, &which);
		if (r < 0)
			return r;
		switch (which) {
		case EXP_DIG: r = set_small(b, it, 63, &ret->u.real.exp_dig); break;
		case MANT_DIG: r = set_small(b, it, 128, &ret->u.real.mant_dig); break;
		case ALIGN: r = set_align(b, it, &ret->align); break;
		case ORDER: r = value_byte_order(b, it, &ret->u.real.big_endian); break;
		default: break;
		}
		if (r < 0)
			return r;
	}
	if (!ret->u.real.exp_dig || !ret->u.real.mant_dig)
		return tsdl_error(&b->x->text, t->pos,
				  "floating_point without 'exp_dig' or 'mant_dig'");
	// The sign's bit counts as one of the mantissa's.
	ret->u.real.len = (uint8_t)(ret->u.real.exp_dig + ret->u.real.mant_dig);
	if (!ret->align)
		ret->align = ret->u.real.len % 8 ? 1 : 8;
	ret->fixed_len = ret->u.real.len;
	return 0;
}

int string_fill(struct build *b, const struct ast_type *t, struct sonde_type *ret)
{
	static const char *const names[] = { "encoding" };
	unsigned said = 0;

	ret->kind = SONDE_STRING;
	ret->align = 8;
	ret->fixed_len = -1;
	ret->u.string.encoding = SONDE_ENC_UTF8;
	for (const struct ast_item *it = t->items; it; it = it->next) {
		size_t which;
		int r = setting_find(b, names, MEM_LEN(names), it, &said, &which);
		if (r == 0 && which == 0)
			r = set_encoding(b, it, &ret->u.string.encoding);
		if (r < 0)
			return r;
	}
	return 0;
}
