/* SPDX-License-Identifier: MIT */
/**
 * printf formats.
 *
 * A format becomes steps: text that is copied, and after it a conversion with its argument. What is
 * no conversion ("%y") is text. Conversions are C's, but without a length integers are as wide as
 * they are, 32 bits at least.
 */
#include "lang/out/format.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <sonde/err.h>

#include "base/fmt.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"
#include "lang/out/value.h"

enum conv {
	CONV_NONE, /* text alone */
	CONV_INT,
	CONV_UINT,
	CONV_HEX,
	CONV_UPPER_HEX,
	CONV_OCTAL,
	CONV_CHAR,
	CONV_PTR,
	CONV_STR,
	CONV_BUF,
	CONV_BUF_ESCAPED, /* %rx: \x61\x62 */
	CONV_BUF_HEX,	  /* %rh: 61 62 */
	/* of D alone */
	CONV_D_STR,	 /* %S: with escapes */
	CONV_D_TIME,	 /* %Y: 2005 Aug  2 12:34:56 */
	CONV_D_TIME_822, /* %T */
	CONV_D_SYM,	 /* %a %A */
	CONV_D_STACK,	 /* %k */
};

/* FLAG_GROUP means nothing, as no language is chosen. */
enum {
	FLAG_LEFT = 1,
	FLAG_PLUS = 2,
	FLAG_BLANK = 4,
	FLAG_ALT = 8,
	FLAG_ZERO = 16,
	FLAG_GROUP = 32,
};
enum { WIDTH_MOST = 65535, ADDRESS_WIDTH = 16 };

struct step {
	const char *text;
	uint32_t text_len;
	uint8_t conv, flags;
	uint8_t size; /* bytes that count of an integer */
	bool plain;   /* no width, precision or flags */
	bool star_width, star_precision;
	int8_t agg;		  /* %@d: which of the aggregations; -1: none */
	int32_t width, precision; /* -1: none */
	const struct type_field *arg, *width_arg, *precision_arg;
};

struct format {
	size_t n, need; /* @need: bytes of payload that the arguments want */
	bool lacks_args;
	struct step steps[];
};

void format_free(struct format *f)
{
	free(f);
}

static uint8_t flag_of(char c)
{
	switch (c) {
	case '-': return FLAG_LEFT;
	case '+': return FLAG_PLUS;
	case ' ': return FLAG_BLANK;
	case '#': return FLAG_ALT;
	case '0': return FLAG_ZERO;
	default: return 0;
	}
}

static int32_t take_number(const char **p)
{
	int32_t n = 0;

	for (; **p >= '0' && **p <= '9'; ++*p)
		if (n < WIDTH_MOST)
			n = n * 10 + (**p - '0');
	return n < WIDTH_MOST ? n : WIDTH_MOST;
}

static int32_t take_width(const char **p, bool *ret_star)
{
	if (**p == '*') {
		++*p;
		*ret_star = true;
		return -1;
	}
	return take_number(p);
}

static uint8_t take_size(const char **p)
{
	switch (**p) {
	case 'h':
		++*p;
		if (**p != 'h')
			return 2;
		++*p;
		return 1;
	case 'l':
		++*p;
		*p += **p == 'l';
		return 8;
	case 'j':
	case 'z':
	case 't':
	case 'L':
	case 'q': ++*p; return 8;
	default: return 4;
	}
}

static enum conv take_conv(const char **p)
{
	switch (*(*p)++) {
	case 'd':
	case 'i': return CONV_INT;
	case 'u': return CONV_UINT;
	case 'x': return CONV_HEX;
	case 'X': return CONV_UPPER_HEX;
	case 'o': return CONV_OCTAL;
	case 'c': return CONV_CHAR;
	case 'p': return CONV_PTR;
	case 's': return CONV_STR;
	case 'r':
		if (**p == 'x' || **p == 'h')
			return *(*p)++ == 'x' ? CONV_BUF_ESCAPED : CONV_BUF_HEX;
		return CONV_BUF;
	default: return CONV_NONE;
	}
}

/* D's letters, in place of bt's 'r'. */
static enum conv take_conv_d(const char **p)
{
	switch (**p) {
	case 'S': ++*p; return CONV_D_STR;
	case 'Y': ++*p; return CONV_D_TIME;
	case 'T': ++*p; return CONV_D_TIME_822;
	case 'a':
	case 'A': ++*p; return CONV_D_SYM;
	case 'k': ++*p; return CONV_D_STACK;
	case 'C': ++*p; return CONV_CHAR;
	case 'p': ++*p; return CONV_HEX;
	case 'r': return CONV_NONE;
	default: return take_conv(p);
	}
}

/* What stands behind a '%', up to the end of the conversion. False: it is none. */
static bool parse_conv(const char **at, bool is_d, struct step *ret)
{
	const char *p = *at;

	ret->agg = -1;
	ret->width = ret->precision = -1;
	for (;; p++) {
		const uint8_t flag = flag_of(*p);

		ret->flags |= flag;
		if (is_d && *p == '@')
			ret->agg = 0;
		else if (is_d && *p == '?')
			ret->width = ADDRESS_WIDTH;
		else if (is_d && *p == '\'')
			continue; // groups of digits, of which the C locale makes none
		else if (!flag)
			break;
	}
	if (*p == '*' || (*p >= '1' && *p <= '9'))
		ret->width = take_width(&p, &ret->star_width);
	if (*p == '.') {
		p++;
		ret->precision = take_width(&p, &ret->star_precision);
	}
	if (is_d && *p == '@') {
		p++;
		ret->agg = 0;
	}
	p += is_d && *p == 'w'; // wide letters, which D has none of
	ret->size = take_size(&p);
	ret->conv = (uint8_t)(is_d ? take_conv_d(&p) : take_conv(&p));
	if (ret->conv == CONV_NONE)
		return false;
	if (ret->conv == CONV_PTR)
		ret->size = 8;
	ret->plain = ret->width < 0 && ret->precision < 0 && !ret->flags && !ret->star_width &&
		     !ret->star_precision;
	*at = p;
	return true;
}

struct parse {
	const struct site *site;
	struct format *f;
	uint32_t next; /* argument */
	uint32_t aggs; /* so far */
};

static const struct type_field *next_arg(struct parse *ps, bool wanted)
{
	if (!wanted)
		return NULL;
	if (ps->next == ps->site->n_args) {
		ps->f->lacks_args = true;
		return NULL;
	}
	return &ps->site->args[ps->next++];
}

/* The argument of %@d: those of the aggregations come last; the last one may come again. */
static const struct type_field *next_agg(struct parse *ps, struct step *s)
{
	const struct site *site = ps->site;

	if (!site->n_maps || site->n_maps > site->n_args) {
		ps->f->lacks_args = true;
		return NULL;
	}
	s->agg = (int8_t)(ps->aggs < site->n_maps ? ps->aggs++ : site->n_maps - 1);
	return &site->args[site->n_args - site->n_maps + s->agg];
}

/* In D the width of a number is that of its type. */
static void size_of_type(struct step *s)
{
	const struct type *t = s->arg->type;
	const uint32_t size = t->kind == TYPE_INT && t->shown ? t->shown : t->size;

	s->size = size == 1 || size == 2 || size == 4 ? (uint8_t)size : 8;
}

static void add_step(struct parse *ps, struct step *s, const char *text, const char *end)
{
	s->text = text;
	s->text_len = (uint32_t)(end - text);
	s->width_arg = next_arg(ps, s->star_width);
	s->precision_arg = next_arg(ps, s->star_precision);
	s->arg = s->agg >= 0 && s->conv != CONV_NONE ? next_agg(ps, s)
						     : next_arg(ps, s->conv != CONV_NONE);
	if (s->arg && ps->site->is_d)
		size_of_type(s);
	// C would cut a number of 64 bits without a length, and nobody means that.
	if (s->arg && s->size == 4 && s->arg->type->size == 8)
		s->size = 8;
	ps->f->steps[ps->f->n++] = *s;
}

static void parse(struct parse *ps, const char *fmt)
{
	const char *text = fmt, *p;

	while ((p = strchr(fmt, '%'))) {
		struct step s = { .agg = -1 };

		fmt = p + 1;
		if (*fmt == '%') { // the first of both belongs to the text
			add_step(ps, &s, text, fmt);
			text = ++fmt;
			continue;
		}
		if (!parse_conv(&fmt, ps->site->is_d, &s))
			continue;
		add_step(ps, &s, text, p);
		text = fmt;
	}
	add_step(ps, &(struct step){ .agg = -1 }, text, text + strlen(text));
}

int format_new(const struct site *site, struct format **ret)
{
	const char *fmt = site->fmt ? site->fmt : "";
	size_t n = 1;

	for (const char *p = fmt; (p = strchr(p, '%')); p++)
		n++;
	struct format *f = calloc(1, sizeof(*f) + n * sizeof(f->steps[0]));
	if (!f)
		return sonde_fail(-ENOMEM, "out of memory for a format");

	parse(&(struct parse){ site, f, 0, 0 }, fmt);
	for (uint32_t i = 0; i < site->n_args; i++) {
		const size_t end = (size_t)site->args[i].off + site->args[i].type->size;

		if (end > f->need)
			f->need = end;
	}
	*ret = f;
	return 0;
}

static void add_repeated(struct strbuf *ret, char c, int32_t n)
{
	char block[64];

	memset(block, c, sizeof(block));
	for (; n > 0; n -= (int32_t)sizeof(block))
		strbuf_add(ret, block, n < (int32_t)sizeof(block) ? (size_t)n : sizeof(block));
}

/* @text with the precision (if @cut) and the width of @s. */
static void add_padded(const struct step *s, bool cut, const char *text, size_t len,
		       struct strbuf *ret)
{
	if (cut && s->precision >= 0 && len > (size_t)s->precision)
		len = (size_t)s->precision;
	const int32_t pad = len < WIDTH_MOST ? s->width - (int32_t)len : 0;

	if (!(s->flags & FLAG_LEFT))
		add_repeated(ret, ' ', pad);
	strbuf_add(ret, text, len);
	if (s->flags & FLAG_LEFT)
		add_repeated(ret, ' ', pad);
}

/* Digits of @v into @p, and what stands before them into @prefix, of 3 bytes. */
static size_t put_digits(const struct step *s, uint64_t v, char *p, char *prefix)
{
	const bool is_negative = s->conv == CONV_INT && (int64_t)v < 0;
	const char *before = "";
	char *end = p;

	if (is_negative)
		before = "-";
	else if (s->conv == CONV_INT && (s->flags & (FLAG_PLUS | FLAG_BLANK)))
		before = s->flags & FLAG_PLUS ? "+" : " ";
	else if (s->conv == CONV_PTR || (v && s->conv == CONV_HEX && (s->flags & FLAG_ALT)))
		before = "0x";
	else if (v && s->conv == CONV_UPPER_HEX && (s->flags & FLAG_ALT))
		before = "0X";
	memcpy(prefix, before, strlen(before) + 1);

	if (s->conv == CONV_OCTAL && v && (s->flags & FLAG_ALT))
		*end++ = '0';
	if (!v && s->precision == 0 && !(s->conv == CONV_OCTAL && (s->flags & FLAG_ALT)))
		return 0;
	if (s->conv == CONV_OCTAL)
		end = fmt_octal(end, v);
	else if (s->conv == CONV_UPPER_HEX)
		end = fmt_hex_upper(end, v);
	else if (s->conv == CONV_HEX || s->conv == CONV_PTR)
		end = fmt_hex(end, v);
	else
		end = fmt_u64(end, is_negative ? 0 - v : v);
	return (size_t)(end - p);
}

static void add_int(const struct step *s, uint64_t v, struct strbuf *ret)
{
	char digits[FMT_MOST + 1], prefix[3];

	if (s->size < 8) {
		const unsigned up = 64 - 8 * (unsigned)s->size;

		v <<= up;
		v = s->conv == CONV_INT ? (uint64_t)((int64_t)v >> up) : v >> up;
	}
	if (s->plain && s->conv == CONV_INT) {
		value_add_i64(ret, (int64_t)v);
		return;
	}
	if (s->plain && s->conv == CONV_UINT) {
		value_add_u64(ret, v);
		return;
	}
	if (s->conv == CONV_PTR && !v) {
		add_padded(s, false, "(nil)", 5, ret);
		return;
	}

	const int32_t n = (int32_t)put_digits(s, v, digits, prefix);
	const int32_t before = (int32_t)strlen(prefix);
	int32_t zeros = s->precision > n ? s->precision - n : 0;
	int32_t pad = s->width - before - zeros - n;
	if (pad > 0 && (s->flags & FLAG_ZERO) && !(s->flags & FLAG_LEFT) && s->precision < 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(s->flags & FLAG_LEFT))
		add_repeated(ret, ' ', pad);
	strbuf_add(ret, prefix, (size_t)before);
	add_repeated(ret, '0', zeros);
	strbuf_add(ret, digits, (size_t)n);
	if (s->flags & FLAG_LEFT)
		add_repeated(ret, ' ', pad);
}

/* A 0 byte ends the text in bpftrace; of a character it leaves the blanks. */
static void add_char(const struct step *s, uint64_t v, struct strbuf *ret)
{
	const char c = (char)v;

	if (c) {
		add_padded(s, false, &c, 1, ret);
		return;
	}
	if (!(s->flags & FLAG_LEFT))
		add_repeated(ret, ' ', s->width - 1);
}

static void add_bytes(const struct step *s, const uint8_t *bytes, size_t len, struct strbuf *ret)
{
	static const char hex[] = "0123456789abcdef";

	if (s->conv == CONV_BUF) {
		value_add_buf(ret, bytes, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		const char escaped[4] = { '\\', 'x', hex[bytes[i] >> 4], hex[bytes[i] & 15] };
		const char bare[3] = { ' ', escaped[2], escaped[3] };

		if (s->conv == CONV_BUF_ESCAPED)
			strbuf_add(ret, escaped, sizeof(escaped));
		else
			strbuf_add(ret, i ? bare : bare + 1, i ? 3 : 2);
	}
}

/* Through a pointer, as compilers want to see the formats of strftime(). */
static size_t (*const format_day)(char *, size_t, const char *, const struct tm *) = strftime;

static void add_escaped(struct strbuf *ret, const char *s, size_t len)
{
	static const char plain[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";

	for (size_t i = 0; i < len; i++) {
		const char *at = s[i] ? strchr(plain, s[i]) : NULL;

		if (at)
			strbuf_fmt(ret, "\\%c", letters[at - plain]);
		else if (s[i] == '"' || s[i] == '\\')
			strbuf_fmt(ret, "\\%c", s[i]);
		else if ((unsigned char)s[i] < ' ' || (unsigned char)s[i] > '~')
			strbuf_fmt(ret, "\\%03o", (unsigned char)s[i]);
		else
			strbuf_add(ret, &s[i], 1);
	}
}

/* The time of day that @v is: ns since 1970. */
static void add_day(const char *fmt, uint64_t v, struct strbuf *ret)
{
	const time_t s = (time_t)((int64_t)v / 1000000000);
	struct tm tm;
	char text[64];

	if (localtime_r(&s, &tm))
		strbuf_add(ret, text, format_day(text, sizeof(text), fmt, &tm));
}

/* What D alone has. False: it is shown in the common way. */
static bool add_d_text(const struct step *s, const struct value_how *how, const uint8_t *bytes,
		       struct strbuf *ret)
{
	const struct type *t = s->arg->type;
	uint64_t v = 0;

	switch (s->conv) {
	case CONV_D_STR:
		if (t->kind != TYPE_STR)
			return false;
		add_escaped(ret, (const char *)bytes, strnlen((const char *)bytes, t->size));
		return true;
	case CONV_D_TIME:
	case CONV_D_TIME_822:
		if (!value_number(t, bytes, &v))
			return false;
		add_day(s->conv == CONV_D_TIME ? "%Y %b %e %T" : "%a, %d %b %Y %T %z", v, ret);
		return true;
	case CONV_D_SYM:
		if (t->kind == TYPE_USYM || t->kind == TYPE_KSYM) {
			d_symbol_add(how->p, t, bytes, true, ret);
			return true;
		}
		if (!value_number(t, bytes, &v))
			return false;
		d_ksym_add(how->p, v, true, ret);
		return true;
	default: return false;
	}
}

/* Any other value: where it is padded, its text is made aside. */
static void add_text(const struct step *s, const struct value_how *how, const uint8_t *bytes,
		     struct strbuf *ret)
{
	const struct type *t = s->arg->type;
	struct strbuf *const text = s->plain ? ret : &how->p->quoted;
	const uint8_t *data = NULL;

	if (!s->plain)
		text->len = 0;
	if (s->conv >= CONV_D_STR) {
		if (!add_d_text(s, how, bytes, text))
			value_add_word(how, t, bytes, text);
	} else if (s->conv < CONV_BUF || (t->kind != TYPE_BUF && t->kind != TYPE_STR)) {
		value_add_word(how, t, bytes, text);
	} else {
		size_t len = t->kind == TYPE_BUF ? value_buf(t, bytes, &data)
						 : strnlen((const char *)bytes, t->size);

		if (s->conv == CONV_BUF_ESCAPED && s->precision >= 0 && len > (size_t)s->precision)
			len = (size_t)s->precision;
		add_bytes(s, data ? data : bytes, len, text);
	}
	if (s->plain)
		return;
	if (text->failed)
		ret->failed = true;
	else
		add_padded(s, true, strbuf_text(text), text->len, ret);
}

/* A value of an aggregation, divided as normalize() said. */
static void add_agg(const struct step *s, const struct value_how *how, const uint8_t *bytes,
		    struct strbuf *ret)
{
	const struct type *t = s->arg->type;
	struct value_how own = *how;
	uint64_t v;

	own.div = how->p->normals ? (int64_t)how->p->normals[s->agg] : 1;
	if (t->kind == TYPE_STDDEV)
		add_int(s, d_deviation_of(bytes, (uint64_t)own.div), ret);
	else if (value_number(t, bytes, &v))
		add_int(s, own.div > 1 ? (uint64_t)((int64_t)v / own.div) : v, ret);
	else
		value_add(&own, t, bytes, ret);
}

static void add_arg(const struct step *s, const struct value_how *how, const uint8_t *payload,
		    struct strbuf *ret)
{
	const struct type *t = s->arg->type;
	const uint8_t *bytes = payload + s->arg->off;
	uint64_t v;

	if (s->agg >= 0)
		add_agg(s, how, bytes, ret);
	else if (s->conv == CONV_STR && t->kind == TYPE_STR)
		add_padded(s, true, (const char *)bytes, strnlen((const char *)bytes, t->size),
			   ret);
	else if (s->conv >= CONV_STR || !value_number(t, bytes, &v))
		add_text(s, how, bytes, ret);
	else if (s->conv == CONV_CHAR)
		add_char(s, v, ret);
	else
		add_int(s, v, ret);
}

/* A width or precision from an argument; negative: none, of a width to the left. */
static int32_t star(const struct type_field *arg, const uint8_t *payload)
{
	uint64_t v = 0;

	(void)value_number(arg->type, payload + arg->off, &v); // else 0
	const int32_t n = (int32_t)v;
	return n > WIDTH_MOST ? WIDTH_MOST : n < -WIDTH_MOST ? -WIDTH_MOST : n;
}

static void add_with_stars(struct step s, const struct value_how *how, const uint8_t *payload,
			   struct strbuf *ret)
{
	if (s.star_width)
		s.width = star(s.width_arg, payload);
	if (s.width < -1) {
		s.width = -s.width;
		s.flags |= FLAG_LEFT;
	}
	if (s.star_precision)
		s.precision = star(s.precision_arg, payload);
	add_arg(&s, how, payload, ret);
}

int format_add(const struct format *f, struct printer *p, const uint8_t *payload, size_t len,
	       struct strbuf *ret)
{
	const struct value_how how = { .p = p, .div = 1 };

	if (len < f->need)
		return sonde_fail(-EBADMSG, "a record of %zu bytes, wanted %zu", len, f->need);
	if (f->lacks_args)
		return sonde_fail(-EBADMSG, "a format wants more arguments than there are");
	for (size_t i = 0; i < f->n; i++) {
		const struct step *s = &f->steps[i];

		if (s->text_len)
			strbuf_add(ret, s->text, s->text_len);
		if (s->conv == CONV_NONE)
			continue;
		if (s->star_width || s->star_precision)
			add_with_stars(*s, &how, payload, ret);
		else
			add_arg(s, &how, payload, ret);
	}
	return strbuf_ok(ret);
}
