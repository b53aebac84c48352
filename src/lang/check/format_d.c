/* SPDX-License-Identifier: MIT */
/** Formats of D's printf() and printa() against their arguments. */
#include <string.h>

#include "base/check.h"
#include "lang/check/check.h"
#include "lang/check/format.h"

/** One conversion of a format. */
struct conv {
	char letter; /* 0: the format ends within it */
	bool is_agg; /* %@d */
	bool star_width, star_precision;
};

/* Behind the '%'; the width of numbers says nothing in D. */
static const char *take(const char *p, struct conv *ret)
{
	*ret = (struct conv){ 0 };
	for (; *p && strchr("-+ 0#'@?", *p); p++) // '?' is the width of an address
		ret->is_agg = ret->is_agg || *p == '@';
	ret->star_width = *p == '*';
	p += ret->star_width ? 1 : strspn(p, "0123456789");
	if (*p == '.') {
		p++;
		ret->star_precision = *p == '*';
		p += ret->star_precision ? 1 : strspn(p, "0123456789");
	}
	if (*p == '@') {
		ret->is_agg = true;
		p++;
	}
	p += strspn(p, "hljztLqw");
	ret->letter = *p;
	return *p ? p + 1 : p;
}

static const char letters[] = "diuxXocCpsSaAYTkf";

static bool fits(char letter, const struct type *t)
{
	switch (letter) {
	case 's': return t->kind != TYPE_INT && type_is_value(t);
	case 'S': return t->kind == TYPE_STR || t->kind == TYPE_PROBE;
	case 'a':
	case 'A': return type_is_scalar(t) || t->kind == TYPE_USYM;
	case 'k': return t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK;
	default: return type_is_scalar(t) && t->kind != TYPE_PROBE;
	}
}

static void check_one(struct check *c, struct pos pos, char letter, const struct type *t)
{
	if (!t || fits(letter, t))
		return;
	struct strbuf words = { 0 };
	type_print(t, &words);
	check_error(c, pos, "format-mismatch", "'%%%c' does not fit %s%s", letter,
		    strbuf_text(&words),
		    letter == 's' && t->kind == TYPE_INT
			    ? "; stringof() and copyinstr() read strings at addresses"
			    : "");
	strbuf_fini(&words);
}

/* False: told, and the format makes no sense any more. */
static bool check_letter(struct check *c, struct pos pos, const struct conv *v)
{
	if (!v->letter) {
		check_error(c, pos, "bad-format", "the format ends within a conversion");
		return false;
	}
	if (strchr(letters, v->letter))
		return true;
	check_error(c, pos, "bad-format", "unknown conversion '%%%c'", v->letter);
	return false;
}

void format_check_d(struct check *c, struct ast *x, const char *fmt, struct ast *args)
{
	const struct pos pos = x->u.call.args->pos;
	size_t wanted = 0, given = 0;
	const struct ast *a = args;

	for (const struct ast *n = args; n; n = n->next)
		given++;
	for (const char *p = strchr(fmt, '%'); p; p = strchr(p, '%')) {
		struct conv v;

		if (p[1] == '%') {
			p += 2;
			continue;
		}
		p = take(p + 1, &v);
		if (!check_letter(c, pos, &v))
			return;
		if (v.is_agg)
			check_error(c, pos, "D_PRINTF_AGG_CONV", "'%%@%c' is for printa()",
				    v.letter);
		for (unsigned star = v.star_width + v.star_precision; star; star--) {
			wanted++;
			if (a && a->type && !type_is_scalar(a->type))
				check_error(c, a->pos, "D_PRINTF_DYN_TYPE",
					    "a width must be a number");
			a = a ? a->next : NULL;
		}
		wanted++;
		if (a)
			check_one(c, a->pos, v.letter, a->type);
		a = a ? a->next : NULL;
	}
	if (wanted != given)
		check_error(c, x->pos, wanted < given ? "D_PRINTF_ARG_EXTRA" : "format-count",
			    "the format wants %zu argument%s, but %zu %s given", wanted,
			    wanted == 1 ? "" : "s", given, given == 1 ? "is" : "are");
}

void format_check_printa(struct check *c, struct ast *x, const char *fmt, const struct type *key,
			 const struct ast *maps)
{
	const struct pos pos = x->u.call.args->pos;
	const uint32_t n_keys = key->kind == TYPE_NONE ? 0 : key->kind == TYPE_TUPLE ? key->n : 1;
	uint32_t n = 0;

	sonde_check(maps);
	for (const char *p = strchr(fmt, '%'); p; p = strchr(p, '%')) {
		struct conv v;

		if (p[1] == '%') {
			p += 2;
			continue;
		}
		p = take(p + 1, &v);
		if (!check_letter(c, pos, &v))
			return;
		if (v.star_width || v.star_precision) {
			check_error(c, pos, "D_PRINTF_DYN_PROTO", "printa() has no '*'");
			return;
		}
		if (v.is_agg)
			continue; // each has its own, those too many the last one
		if (n < n_keys)
			check_one(c, pos, v.letter,
				  key->kind == TYPE_TUPLE ? key->fields[n].type : key);
		n++;
	}
	if (n > n_keys)
		check_error(c, pos, "D_PRINTF_ARG_PROTO",
			    "the format wants %u keys, but '@%s' has %u", n, maps->u.map.name,
			    n_keys);
}
