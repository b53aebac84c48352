/* SPDX-License-Identifier: MIT */
/** config = { name = value; }: settings of a script. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "lang/check/check.h"

enum { KEYS_MOST = 1 << 24, RING_LEAST = 1 << 16, RING_MOST = 1 << 30 };

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
	char *end;

	errno = 0;
	const unsigned long long v = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || v < least || v > most)
		return false;
	*ret = v;
	return true;
}

static bool truth(const char *text, bool *ret)
{
	if (!strcmp(text, "1") || !strcasecmp(text, "true")) {
		*ret = true;
		return true;
	}
	*ret = false;
	return !strcmp(text, "0") || !strcasecmp(text, "false");
}

static bool set_strlen(struct check *c, struct script *s, const char *v)
{
	uint64_t n;

	(void)s;
	if (!number(v, 1, STR_LEN_MOST, &n))
		return false;
	c->max_strlen = (uint32_t)n;
	return true;
}

static bool set_keys(struct check *c, struct script *s, const char *v)
{
	uint64_t n;

	(void)s;
	if (!number(v, 1, KEYS_MOST, &n))
		return false;
	c->max_map_keys = (uint32_t)n;
	return true;
}

static bool set_stack(struct check *c, struct script *s, const char *v)
{
	(void)s;
	if (!strcmp(v, "perf"))
		c->stack_mode = STACK_PERF;
	else if (!strcmp(v, "raw"))
		c->stack_mode = STACK_RAW;
	else if (!strcmp(v, "bpftrace"))
		c->stack_mode = STACK_BPFTRACE;
	else
		return false;
	return true;
}

static bool set_print(struct check *c, struct script *s, const char *v)
{
	(void)c;
	return truth(v, &s->print_maps_on_exit);
}

static bool set_ring(struct check *c, struct script *s, const char *v)
{
	uint64_t n;

	(void)c;
	if (!number(v, RING_LEAST, RING_MOST, &n) || (n & (n - 1)))
		return false;
	s->ring_len = (uint32_t)n;
	return true;
}

static bool set_missing(struct check *c, struct script *s, const char *v)
{
	(void)s;
	if (!strcmp(v, "error"))
		c->missing_probes = MISSING_ERROR;
	else if (!strcmp(v, "warn"))
		c->missing_probes = MISSING_WARN;
	else if (!strcmp(v, "ignore"))
		c->missing_probes = MISSING_IGNORE;
	else
		return false;
	return true;
}

/* Known elsewhere, and of no meaning here. */
static bool set_nothing(struct check *c, struct script *s, const char *v)
{
	(void)c;
	(void)s;
	(void)v;
	return true;
}

static const struct {
	const char *name;
	bool (*set)(struct check *c, struct script *s, const char *v);
	const char *wants;
} settings[] = {
	{ "max_strlen", set_strlen, "1 to 1024" },
	{ "max_map_keys", set_keys, "1 to 16777216" },
	{ "stack_mode", set_stack, "bpftrace, perf or raw" },
	{ "print_maps_on_exit", set_print, "true or false" },
	{ "missing_probes", set_missing, "error, warn or ignore" },
	{ "ring_len", set_ring, "a power of two of 65536 bytes or more" },
	{ "max_bpf_progs", set_nothing, "" },
	{ "max_probes", set_nothing, "" },
	{ "max_cat_bytes", set_nothing, "" },
	{ "max_ast_nodes", set_nothing, "" },
	{ "max_type_res_iterations", set_nothing, "" },
	{ "log_size", set_nothing, "" },
	{ "perf_rb_pages", set_nothing, "" },
	{ "on_stack_limit", set_nothing, "" },
	{ "cpp_demangle", set_nothing, "" },
	{ "lazy_symbolication", set_nothing, "" },
	{ "license", set_nothing, "" },
	{ "cache_user_symbols", set_nothing, "" },
	{ "show_debug_info", set_nothing, "" },
	{ "str_trunc_trailer", set_nothing, "" },
	{ "use_blazesym", set_nothing, "" },
	{ "unstable_map_decl", set_nothing, "" },
	{ "unstable_import", set_nothing, "" },
	{ "unstable_macro", set_nothing, "" },
};

static const char *near_setting(const char *name)
{
	const char *best = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < MEM_LEN(settings); i++) {
		const unsigned d = near_distance(name, settings[i].name);
		if (d < least) {
			least = d;
			best = settings[i].name;
		}
	}
	return best;
}

/* BPFTRACE_MAX_MAP_KEYS and max_map_keys are the same. */
static const char *plain_name(const char *name, char *low, size_t cap)
{
	if (!strncmp(name, "BPFTRACE_", 9))
		name += 9;
	size_t i = 0;
	for (; name[i] && i + 1 < cap; i++)
		low[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 'a' - 'A') : name[i];
	low[i] = '\0';
	return low;
}

static void set_one(struct check *c, struct script *s, const struct ast_setting *a)
{
	char low[64];
	const char *name = plain_name(a->name, low, sizeof(low));

	for (size_t i = 0; i < MEM_LEN(settings); i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		if (!settings[i].set(c, s, a->value))
			(void)diag_error(c->diag, a->pos, "bad-setting",
					 "'%s' must be %s, not '%s'", a->name, settings[i].wants,
					 a->value);
		return;
	}
	const char *near = near_setting(name);
	if (near)
		(void)diag_error(c->diag, a->pos, "unknown-setting",
				 "unknown setting '%s'; did you mean '%s'?", a->name, near);
	else
		(void)diag_error(c->diag, a->pos, "unknown-setting", "unknown setting '%s'",
				 a->name);
}

int check_settings(struct check *c, struct script *s)
{
	for (const struct ast_setting *a = c->ast->settings; a; a = a->next)
		set_one(c, s, a);
	return c->diag->n_errors ? -EINVAL : 0;
}
