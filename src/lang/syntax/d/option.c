/* SPDX-License-Identifier: MIT */
/** Options of D: #pragma D option, and -x. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/near.h"
#include "lang/syntax/d/tree.h"

/* A number with k, m, g or t behind. */
static bool size_of(const char *text, uint64_t *ret)
{
	static const char units[] = "kmgt";
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 0);
	if (errno || end == text || *text == '-')
		return false;
	const char *unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (*end && (!unit || end[1]))
		return false;
	for (long i = unit ? unit - units + 1 : 0; i > 0; i--)
		if (__builtin_mul_overflow(n, 1024ULL, &n))
			return false;
	*ret = n;
	return true;
}

/* Hands it on to the compiler, as a setting of its own. */
static int setting_text(struct d_parser *dp, struct pos pos, const char *name, const char *text)
{
	struct parser *p = &dp->p;
	struct ast_setting *s = parser_new(p, struct ast_setting);

	if (s)
		s->value = arena_strndup(p->arena, text, strlen(text));
	if (!s || !s->value)
		return -ENOMEM;
	s->pos = pos;
	s->name = name;
	*p->settings_end = s;
	p->settings_end = &s->next;
	return 0;
}

static int setting(struct d_parser *dp, struct pos pos, const char *name, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return setting_text(dp, pos, name, text);
}

static bool is_on(const char *value)
{
	return !value || !strcmp(value, "1") || !strcmp(value, "on") || !strcmp(value, "true") ||
	       !strcmp(value, "enable") || !strcmp(value, "set") || !strcmp(value, "yes");
}

static int bad_value(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	return diag_error(dp->p.d, pos, "D_PRAGMA_OPTSET", "option '%s' cannot be '%s'", name,
			  value ? value : "");
}

static int set_quiet(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	(void)pos;
	(void)name;
	dp->d.quiet = is_on(value);
	return 0;
}

static int set_flow(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	(void)pos;
	(void)name;
	dp->d.flowindent = is_on(value);
	return 0;
}

static int set_destructive(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	(void)pos;
	(void)name;
	dp->d.destructive = is_on(value);
	return 0;
}

static int set_default_args(struct d_parser *dp, struct pos pos, const char *name,
			    const char *value)
{
	(void)pos;
	(void)name;
	dp->default_args = is_on(value);
	return 0;
}

static int set_zero(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	(void)name;
	dp->d.zero_probes = is_on(value);
	return dp->d.zero_probes ? setting_text(dp, pos, "missing_probes", "ignore") : 0;
}

static int set_sort(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	uint64_t n;

	if (!strcmp(name, "aggsortrev")) {
		dp->d.sort_rev = is_on(value);
		return 0;
	}
	if (!strcmp(name, "aggsortkey")) {
		dp->d.sort_key = is_on(value);
		return 0;
	}
	if (!value || !size_of(value, &n) || n > 64)
		return bad_value(dp, pos, name, value);
	if (!strcmp(name, "aggsortpos"))
		dp->d.sort_pos = (uint32_t)n;
	else
		dp->d.sort_key_pos = (uint32_t)n;
	return 0;
}

static int set_strsize(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	uint64_t n;

	if (!value || !size_of(value, &n) || n < 1)
		return bad_value(dp, pos, name, value);
	dp->has_strsize = true;
	return setting(dp, pos, "max_strlen", n > 1024 ? 1024 : n);
}

static int set_frames(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	uint64_t n;

	if (!value || !size_of(value, &n) || n < 1 || n > 127)
		return bad_value(dp, pos, name, value);
	if (*name == 'u')
		dp->d.ustack_frames = (uint32_t)n;
	else
		dp->d.stack_frames = (uint32_t)n;
	return 0;
}

/* The next power of two that the buffer of records takes. */
static int set_bufsize(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	uint64_t n, len = 1 << 16;

	if (!value || !size_of(value, &n))
		return bad_value(dp, pos, name, value);
	while (len < n && len < 1 << 28)
		len *= 2;
	return n > 1 << 22 ? setting(dp, pos, "ring_len", len) : 0; // never less than without
}

/* Keys that maps may have, each of some 64 bytes. */
static int set_keys(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	enum { KEY_SIZE = 64, LEAST = 4096, MOST = 1 << 20 };
	uint64_t n;

	if (!value || !size_of(value, &n))
		return bad_value(dp, pos, name, value);
	n /= KEY_SIZE;
	if (n > LEAST && n > dp->n_keys) {
		dp->n_keys = n > MOST ? MOST : n;
		return setting(dp, pos, "max_map_keys", dp->n_keys);
	}
	return 0;
}

static int set_speculation(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	enum { SPECS_MOST = 4096 };
	const bool is_number = !strcmp(name, "nspec");
	uint64_t n;

	if (!value || !size_of(value, &n) || n < 1 || (is_number && n > SPECS_MOST))
		return bad_value(dp, pos, name, value);
	if (is_number)
		dp->d.n_specs = (uint32_t)n;
	else
		dp->d.spec_len = n;
	return 0;
}

/* Known to DTrace, and of no meaning here: buffers are drained as they fill. */
static int set_nothing(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	(void)dp;
	(void)pos;
	(void)name;
	(void)value;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct d_parser *dp, struct pos pos, const char *name, const char *value);
} options[] = {
	{ "quiet", set_quiet },
	{ "flowindent", set_flow },
	{ "destructive", set_destructive },
	{ "defaultargs", set_default_args },
	{ "zdefs", set_zero },
	{ "aggsortrev", set_sort },
	{ "aggsortkey", set_sort },
	{ "aggsortpos", set_sort },
	{ "aggsortkeypos", set_sort },
	{ "strsize", set_strsize },
	{ "stackframes", set_frames },
	{ "ustackframes", set_frames },
	{ "bufsize", set_bufsize },
	{ "aggrate", set_nothing },
	{ "aggsize", set_keys },
	{ "bufpolicy", set_nothing },
	{ "bufresize", set_nothing },
	{ "cleanrate", set_nothing },
	{ "cpu", set_nothing },
	{ "cpp", set_nothing },
	{ "dynvarsize", set_keys },
	{ "grabanon", set_nothing },
	{ "jstackframes", set_nothing },
	{ "jstackstrsize", set_nothing },
	{ "nspec", set_speculation },
	{ "nusymlibs", set_nothing },
	{ "rawbytes", set_nothing },
	{ "specsize", set_speculation },
	{ "stackindent", set_nothing },
	{ "statusrate", set_nothing },
	{ "switchrate", set_nothing },
	{ "version", set_nothing },
};

int d_option_set(struct d_parser *dp, struct pos pos, const char *name, const char *value)
{
	const char *near = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < MEM_LEN(options); i++) {
		if (!strcmp(options[i].name, name))
			return options[i].set(dp, pos, options[i].name, value);
		const unsigned d = near_distance(name, options[i].name);
		if (d < least) {
			least = d;
			near = options[i].name;
		}
	}
	return diag_error(dp->p.d, pos, "D_PRAGMA_OPTSET", "unknown option '%s'%s%s%s", name,
			  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The next word of @text, up to @ends. */
static char *take(struct parser *p, const char **text, const char *end, const char *ends)
{
	const char *from = *text;

	while (from < end && (*from == ' ' || *from == '\t'))
		from++;
	const char *to = from;
	while (to < end && !strchr(ends, *to))
		to++;
	*text = to;
	return arena_strndup(p->arena, from, (size_t)(to - from));
}

int d_pragma(void *arg, struct pos pos, const char *text, size_t len)
{
	struct d_parser *dp = arg;
	struct parser *p = &dp->p;
	const char *end = text + len;
	const char *who = take(p, &text, end, " \t"), *what = take(p, &text, end, " \t");

	if (!who || !what)
		return -ENOMEM;
	if (strcmp(who, "D") != 0)
		return 0; // of other compilers
	if (!strcmp(what, "attributes") || !strcmp(what, "depends_on") ||
	    !strcmp(what, "binding") || !strcmp(what, "error") || !strcmp(what, "line"))
		return 0;
	if (strcmp(what, "option") != 0)
		return diag_error(p->d, pos, "D_PRAGMA_INVAL", "unknown pragma 'D %s'", what) ==
				       -ENOMEM
			       ? -ENOMEM
			       : 0;
	const char *name = take(p, &text, end, " \t="), *value = NULL;
	if (!name)
		return -ENOMEM;
	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	if (text < end && *text == '=') {
		text++;
		value = take(p, &text, end, " \t");
		if (!value)
			return -ENOMEM;
	}
	const int r = d_option_set(dp, pos, name, value);
	return r == -ENOMEM ? r : 0;
}
