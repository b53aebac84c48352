/* SPDX-License-Identifier: MIT */
/** sonde crash CORE sym: names and addresses of symbols. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/json.h"
#include "crash/verbs/all.h"

enum { MATCHES = 1000 };

struct listing {
	struct crash_run *run;
	const char *pattern;
	struct json *json; /* NULL: text */
	size_t n, most;
};

static void show(struct listing *l, const struct crash_symbol *s, uint64_t addr)
{
	struct sonde_out *o = l->run->out;
	char text[24];

	l->n++;
	if (l->json) {
		(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)addr);
		json_object(l->json, NULL);
		json_str(l->json, "addr", text);
		json_str(l->json, "symbol", s->name);
		json_uint(l->json, "offset", addr - s->start);
		json_uint(l->json, "size", s->size);
		json_str(l->json, "module", s->module);
		json_end_object(l->json);
		return;
	}
	out_fmt(o, "0x%016llx ", (unsigned long long)addr);
	out_safe(o, s->name);
	if (addr != s->start)
		out_fmt(o, "+0x%llx", (unsigned long long)(addr - s->start));
	if (s->size)
		out_fmt(o, "/0x%llx", (unsigned long long)s->size);
	if (s->module) {
		out_str(o, " [");
		out_safe(o, s->module);
		out_str(o, "]");
	}
	out_str(o, "\n");
}

static int look(void *arg, const struct crash_symbol *s)
{
	struct listing *l = arg;

	if (glob_match(l->pattern, s->name))
		show(l, s, s->start);
	return l->n >= l->most;
}

static int one(struct listing *l, const char *word)
{
	struct crash_core *c = l->run->core;
	struct crash_symbol s;
	uint64_t addr = 0;

	if (glob_is(word)) {
		l->pattern = word;
		l->n = 0;
		int r = c->system->each_symbol(c, look, l);
		if (r > 0 && !l->run->args->limit)
			l->run->note("there are more; --limit N shows N");
		return r < 0 ? r : 0;
	}
	if (c->system->symbol_named(c, word, &s)) {
		show(l, &s, s.start);
		return 0;
	}
	int r = crash_address(c, word, &addr);
	if (r < 0)
		return r;
	if (!c->system->symbol_at(c, addr, &s))
		return sonde_fail(-ENOENT, "0x%llx has no name", (unsigned long long)addr);
	show(l, &s, addr);
	return 0;
}

static int run(struct crash_run *r)
{
	struct json j;
	struct listing l = { .run = r, .most = r->args->limit ? r->args->limit : MATCHES };
	int err = 0;

	if (!r->argc)
		return sonde_fail(-EINVAL, "sym wants a name, an address or a pattern");
	if (r->args->format == CRASH_JSON) {
		json_init(&j, r->out);
		json_array(&j, NULL);
		l.json = &j;
	}
	for (int i = 0; !err && i < r->argc; i++)
		err = one(&l, r->argv[i]);
	if (l.json)
		json_end_array(&j);
	return err;
}

const struct crash_verb crash_sym = {
	.name = "sym",
	.args = "NAME|ADDR|PATTERN",
	.summary = "Symbols by name, by address, or all that match a pattern",
	.run = run,
};
