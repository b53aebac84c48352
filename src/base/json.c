/* SPDX-License-Identifier: MIT */
/** Writes JSON (RFC 8259) to an output. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/fmt.h"
#include "base/out.h"
#include "base/utf8.h"

void json_init(struct json *j, struct sonde_out *out)
{
	*j = (struct json){ .out = out };
}

static void write_string(struct sonde_out *o, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	out_add(o, "\"", 1);
	while (*s) {
		size_t n = *s < 0x80 ? 1 : utf8_len((const char *)s);

		if (*s == '"' || *s == '\\')
			out_fmt(o, "\\%c", *s);
		else if (*s == '\n')
			out_str(o, "\\n");
		else if (*s == '\t')
			out_str(o, "\\t");
		else if (*s < 0x20 || *s == 0x7f)
			out_fmt(o, "\\u%04x", *s);
		else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
			out_fmt(o, "\\u%04x", s[1]); // some terminals take these as ESC and more
		else if (!n)
			out_str(o, "\xef\xbf\xbd");
		else
			out_add(o, s, n);
		s += n ? n : 1;
	}
	out_add(o, "\"", 1);
}

/* What stands before an element: comma, line, key. */
static void begin_element(struct json *j, const char *key)
{
	const uint64_t bit = UINT64_C(1) << j->depth;

	if (j->some & bit)
		out_add(j->out, ",", 1);
	if (j->depth && j->depth <= 2)
		out_fmt(j->out, "\n%*s", (int)(2 * j->depth), "");
	else if (j->some & bit)
		out_add(j->out, " ", 1);
	j->some |= bit;
	if (key) {
		write_string(j->out, key);
		out_str(j->out, ": ");
	}
}

static void open_with(struct json *j, const char *key, const char *sign)
{
	begin_element(j, key);
	out_str(j->out, sign);
	sonde_check(j->depth < 63);
	j->depth++;
	j->some &= ~(UINT64_C(1) << j->depth);
}

static void close_with(struct json *j, const char *sign)
{
	const bool some = j->some >> j->depth & 1;

	sonde_check(j->depth);
	if (some && j->depth <= 2)
		out_fmt(j->out, "\n%*s", (int)(2 * (j->depth - 1)), "");
	out_str(j->out, sign);
	if (!--j->depth)
		out_add(j->out, "\n", 1);
}

void json_object(struct json *j, const char *key)
{
	open_with(j, key, "{");
}

void json_array(struct json *j, const char *key)
{
	open_with(j, key, "[");
}

void json_end_object(struct json *j)
{
	close_with(j, "}");
}

void json_end_array(struct json *j)
{
	close_with(j, "]");
}

void json_int(struct json *j, const char *key, int64_t v)
{
	begin_element(j, key);
	out_fmt(j->out, "%" PRId64, v);
}

void json_uint(struct json *j, const char *key, uint64_t v)
{
	begin_element(j, key);
	out_fmt(j->out, "%" PRIu64, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	begin_element(j, key);
	out_str(j->out, v ? "true" : "false");
}

void json_real(struct json *j, const char *key, double v)
{
	char text[FMT_MOST + 1];

	begin_element(j, key);
	if (!isfinite(v)) {
		out_str(j->out, "null");
		return;
	}
	*fmt_shortest(text, v) = '\0';
	out_str(j->out, text);
}

void json_str(struct json *j, const char *key, const char *s)
{
	begin_element(j, key);
	if (s)
		write_string(j->out, s);
	else
		out_str(j->out, "null");
}

void json_text(struct json *j, const char *key, const char *text)
{
	begin_element(j, key);
	out_str(j->out, text);
}

void json_null(struct json *j, const char *key)
{
	begin_element(j, key);
	out_str(j->out, "null");
}
