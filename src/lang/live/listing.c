/* SPDX-License-Identifier: MIT */
/** What `sonde list` shows: all places of all providers, or those that a pattern matches. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/live/live.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "lang/syntax/diag.h"
#include "sym/probe/elf_funcs.h"

/* Resolves the place as if a script had named it; without result where it cannot be. */
static int give_details(struct listing *l, struct live_place *place, const char *const *parts,
			size_t n_parts)
{
	struct arena arena = { 0 };
	struct diag d = { .name = "", .text = "" };
	const struct ast_attach ap = { .text = place->name, .parts = parts, .n_parts = n_parts };

	int r = live_probes(&l->live->world, &d, &arena, &ap, NULL, &place->probe);
	if (r != -ENOMEM)
		r = l->f(l->arg, place);
	diag_fini(&d);
	arena_fini(&arena);
	return r;
}

int listing_give(struct listing *l, const char *a, const char *b, const char *c)
{
	const char *const parts[] = { l->provider->name, a, b, c };
	char name[2048];
	size_t n_parts = 2;

	n_parts += b != NULL;
	n_parts += b && c;
	int n = snprintf(name, sizeof(name), "%s:%s%s%s%s%s", l->provider->name, a, b ? ":" : "",
			 b ? b : "", b && c ? ":" : "", b && c ? c : "");
	if (n < 0 || (size_t)n >= sizeof(name) || !glob_match(strbuf_text(&l->pattern), name))
		return 0;
	struct live_place place = { .name = name };
	l->n_given++;
	return l->details ? give_details(l, &place, parts, n_parts) : l->f(l->arg, &place);
}

static int unknown_kind(const char *name)
{
	struct nearest n = { .word = name };

	return sonde_fail(-EINVAL, "unknown kind of probe '%s'%s", name, provider_nearest(&n));
}

static int give_usage(struct listing *l)
{
	const struct live_place place = { .name = l->provider->usage, .help = l->provider->help };

	if (!glob_match(strbuf_text(&l->pattern), place.name))
		return 0;
	l->n_given++;
	return l->f(l->arg, &place);
}

/* Splits at colons, in place. */
static size_t split(char *text, const char **parts, size_t most)
{
	size_t n = 0;

	for (char *p = text; p && n < most; n++) {
		parts[n] = p;
		p = n + 1 < most ? strchr(p, ':') : NULL;
		if (p)
			*p++ = '\0';
	}
	return n;
}

/* The pattern of whole names that is meant: "t:sched:*" is "tracepoint:sched:*", "sched" is
 * "*sched*". */
static void whole_pattern(const char *pattern, const struct provider *p, struct strbuf *ret)
{
	const char *colon = strchr(pattern, ':');

	if (p && colon)
		strbuf_fmt(ret, "%s%s", p->name, colon);
	else if (p)
		strbuf_fmt(ret, "%s*", p->name);
	else if (colon || glob_is(pattern))
		strbuf_str(ret, pattern);
	else
		strbuf_fmt(ret, "*%s*", pattern);
}

int listing_program(struct listing *l, struct live_file **ret)
{
	sonde_auto(mem_freep) char *path = NULL;

	if (glob_is(l->parts[0]))
		return sonde_fail(-EINVAL, "'%s': a list needs the name of one program",
				  l->parts[0]);
	int r = program_find(l->parts[0], l->live->opt.pid, &path);
	if (r >= 0)
		r = live_file(l->live, path, ret);
	if (r < 0)
		return r;
	// Names have the program's whole path.
	strbuf_fini(&l->pattern);
	strbuf_fmt(&l->pattern, "%s:%s:%s%s%s", l->provider->name, path,
		   l->n_parts > 1 ? l->parts[1] : "*", l->n_parts > 2 ? ":" : "",
		   l->n_parts > 2 ? l->parts[2] : "");
	return strbuf_ok(&l->pattern);
}

/* One provider's places; @named: the pattern is of this provider alone. */
static int each_of(struct listing *l, bool named)
{
	const struct provider *p = l->provider;

	if (!named && p->when != LIST_ALWAYS)
		return 0;
	if (!p->list)
		return give_usage(l);
	// Without a path there are only the markers of the target.
	if (p->when == LIST_PATH && (!l->n_parts || !*l->parts[0]) &&
	    (p->list != list_usdt || l->live->opt.pid <= 0))
		return give_usage(l);
	int r = p->list(l);
	if (named || r >= 0 || r == -ENOMEM)
		return r;
	// What this kernel has not is left out; what it only does not show is told at the end.
	if ((r == -EPERM || r == -EACCES) && !l->err) {
		l->err = r;
		(void)snprintf(l->why, sizeof(l->why), "%s", sonde_err_str());
	}
	return 0;
}

static int each_provider(struct listing *l, const struct provider *only)
{
	int r = 0;

	for (const struct provider *p = providers; p->name && !r; p++) {
		l->provider = p;
		if (!only || only == p)
			r = each_of(l, only != NULL);
	}
	return r;
}

/* Why a name without wildcards is none: in the words that a script would get. */
static int explain(struct live *live, const char *pattern, const char *const *parts, size_t n)
{
	static const char head[] = "error: ";
	struct arena arena = { 0 };
	struct diag d = { .name = "", .text = "" };
	const struct ast_attach ap = { .text = pattern, .parts = parts, .n_parts = n };
	const struct probe *probe = NULL;

	int r = live_probes(&live->world, &d, &arena, &ap, NULL, &probe);
	const char *text = strbuf_text(&d.out), *words = strstr(text, head);
	if (r == -EINVAL && words) {
		words += sizeof(head) - 1;
		const char *tag = strstr(words, " [");
		r = sonde_fail(-ENOENT, "%.*s", (int)(tag ? (size_t)(tag - words) : strlen(words)),
			       words);
	}
	diag_fini(&d);
	arena_fini(&arena);
	return r == -EINVAL ? -ENOENT : r;
}

int live_each_place(struct world *live, const char *pattern, bool details,
		    int (*f)(void *arg, const struct live_place *place), void *arg)
{
	const char *parts[4];
	struct listing l = {
		.live = (struct live *)live,
		.parts = parts + 1,
		.details = details,
		.f = f,
		.arg = arg,
	};

	if (!pattern)
		pattern = "*";
	sonde_auto(mem_freep) char *copy = strdup(pattern);
	if (!copy)
		return sonde_fail(-ENOMEM, "list: out of memory");
	const size_t n = split(copy, parts, MEM_LEN(parts));
	const struct provider *p = provider_find(parts[0]);
	if (!p && n > 1 && !glob_is(parts[0]))
		return unknown_kind(parts[0]);
	l.n_parts = p ? n - 1 : 0;
	whole_pattern(pattern, p, &l.pattern);
	int r = strbuf_ok(&l.pattern);
	if (r >= 0)
		r = each_provider(&l, p);
	if (!r && !l.n_given && p && n > 1 && !glob_is(pattern))
		r = explain(l.live, pattern, parts, n);
	if (!r && l.err)
		r = sonde_fail(l.err, "some are left out: %s", l.why);
	strbuf_fini(&l.pattern);
	return r;
}
