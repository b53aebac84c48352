/* SPDX-License-Identifier: MIT */
/** Formats of printf() and its like against their arguments. */
#include "lang/check/format.h"

#include <string.h>

#include "lang/check/check.h"

/* Behind flags, width, precision and length; *ret is the conversion's letter. */
static const char *conversion(const char *p, char *ret)
{
	p += strspn(p, "-+ 0#'");
	p += strspn(p, "0123456789");
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	p += strspn(p, "hljztL");
	*ret = *p;
	if (*p == 'r' && (p[1] == 'x' || p[1] == 'h'))
		p++; // %rx, %rh: other ways to show bytes
	return *p ? p + 1 : p;
}

static bool fits(char conv, const struct type *t)
{
	switch (conv) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
	case 'c':
	case 'p': return type_is_scalar(t);
	case 'r': return t->kind == TYPE_BUF || t->kind == TYPE_STR;
	case 's': // enumerators have names
		return t->kind != TYPE_INT ? type_is_value(t) : t->c && t->c->kind == CT_ENUM;
	default: return false;
	}
}

static void check_arg(struct check *c, char conv, const struct ast *a)
{
	const struct type *t = a->type;

	if (!t || fits(conv, t))
		return;
	struct strbuf words = { 0 };
	type_print(t, &words);
	check_error(
		c, a->pos, "format-mismatch", "'%%%c' does not fit %s%s", conv, strbuf_text(&words),
		conv == 's' && t->kind == TYPE_INT ? "; str() reads a string at an address" : "");
	strbuf_fini(&words);
}

void format_check(struct check *c, struct ast *x, const char *fmt, struct ast *args)
{
	size_t wanted = 0, given = 0;
	struct ast *a = args;

	if (c->ast->d) {
		format_check_d(c, x, fmt, args);
		return;
	}
	for (const struct ast *n = args; n; n = n->next)
		given++;
	for (const char *p = strchr(fmt, '%'); p; p = strchr(p, '%')) {
		char conv;

		if (p[1] == '%') {
			p += 2;
			continue;
		}
		p = conversion(p + 1, &conv);
		if (!conv || !strchr("diuxXocpsr", conv)) {
			if (conv)
				check_error(c, x->u.call.args->pos, "bad-format",
					    "unknown conversion '%%%c'", conv);
			else
				check_error(c, x->u.call.args->pos, "bad-format",
					    "the format ends within a conversion");
			return;
		}
		wanted++;
		if (a) {
			check_arg(c, conv, a);
			a = a->next;
		}
	}
	if (wanted != given)
		check_error(c, x->pos, "format-count",
			    "the format wants %zu argument%s, but %zu %s given", wanted,
			    wanted == 1 ? "" : "s", given, given == 1 ? "is" : "are");
}
