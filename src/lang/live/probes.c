/* SPDX-License-Identifier: MIT */
/** Attach points to places: what is the same for all kinds of probes. */
#include "lang/live/probes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/near.h"

int lookup_failed(struct lookup *l, int err, const char *tag)
{
	return err == -ENOMEM ? err : lookup_error(l, tag, "%s", sonde_err_str());
}

const char *lookup_text(struct lookup *l, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n < sizeof(text))
		return arena_strndup(l->arena, text, (size_t)n);
	// Paths and C++ names may be longer.
	char *s = arena_alloc(l->arena, (size_t)n + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

int lookup_add(struct lookup *l, const struct probe *p)
{
	struct probe *copy = arena_new(l->arena, struct probe);

	if (!copy)
		return -ENOMEM;
	*copy = *p;
	copy->same = copy->next = NULL;
	l->n_places++;
	if (l->last)
		l->last->next = copy;
	else
		l->first = copy;
	l->last = copy;
	return 0;
}

static bool same_field(const struct probe_field *a, const struct probe_field *b)
{
	struct strbuf at = { 0 }, bt = { 0 };

	if (a->off != b->off || a->len != b->len || a->is_signed != b->is_signed ||
	    a->place != b->place)
		return false;
	if (a->type == b->type)
		return true;
	// Each format has types of its own.
	ctype_print(a->type, &at);
	ctype_print(b->type, &bt);
	bool same = !at.failed && !bt.failed && !strcmp(strbuf_text(&at), strbuf_text(&bt));
	strbuf_fini(&at);
	strbuf_fini(&bt);
	return same;
}

static const struct probe_field *field_named(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++) {
		if (!strcmp(p->fields[i].name, name))
			return &p->fields[i];
	}
	return NULL;
}

bool lookup_same_fields(const struct lookup *l, const struct probe *a, const struct probe *b)
{
	const struct probe_wants *w = l->wants;

	if (!w->fields)
		return true;
	for (size_t i = 0; i < w->n_field_names; i++) {
		const struct probe_field *f = field_named(a, w->field_names[i]);
		const struct probe_field *g = field_named(b, w->field_names[i]);
		if (!f || !g || !same_field(f, g))
			return false;
	}
	if (w->n_field_names)
		return true;
	if (a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++) {
		if (strcmp(a->fields[i].name, b->fields[i].name) ||
		    !same_field(&a->fields[i], &b->fields[i]))
			return false;
	}
	return true;
}

static bool same_syscalls(const struct probe *a, const struct probe *b)
{
	if (a->n_syscalls != b->n_syscalls || !a->syscalls || !b->syscalls)
		return a->n_syscalls == b->n_syscalls && a->syscalls == b->syscalls;
	return !memcmp(a->syscalls, b->syscalls, a->n_syscalls * sizeof(a->syscalls[0]));
}

static bool same_usdt(const struct usdt_arg *a, const struct usdt_arg *b)
{
	return a->len == b->len && a->kind == b->kind && a->reg == b->reg && a->index == b->index &&
	       a->scale == b->scale && a->shift == b->shift && a->n == b->n;
}

static bool same_regs(const struct lookup *l, const struct probe *a, const struct probe *b)
{
	if (!l->wants->regs && !l->wants->fields)
		return true;
	for (size_t i = 0; a->n_usdt == b->n_usdt && i < a->n_usdt; i++) {
		if (!same_usdt(&a->usdt[i], &b->usdt[i]))
			return false;
	}
	return a->proto == b->proto && a->types == b->types && a->n_usdt == b->n_usdt;
}

/* Whether one program may be attached to both. */
static bool same_program(const struct lookup *l, const struct probe *a, const struct probe *b)
{
	return a->prog_type == b->prog_type && a->attach_type == b->attach_type &&
	       a->attach.kind == b->attach.kind && a->args == b->args &&
	       a->is_return == b->is_return && a->is_syscall_exit == b->is_syscall_exit &&
	       a->sleepable == b->sleepable && a->btf_id == b->btf_id && a->btf_fd == b->btf_fd &&
	       same_syscalls(a, b) && same_regs(l, a, b) && lookup_same_fields(l, a, b);
}

int lookup_add_same(struct lookup *l, const struct probe *p)
{
	enum { LAST = 256 }; // to share is no duty: 60,000 functions are not all compared
	struct lookup_group *g = NULL;

	for (size_t i = l->n_groups > LAST ? l->n_groups - LAST : 0; i < l->n_groups && !g; i++) {
		const struct probe *head = l->groups[i].head;
		if ((!l->wants->name || !strcmp(head->name, p->name)) && same_program(l, head, p))
			g = &l->groups[i];
	}
	if (g) {
		struct probe *copy = arena_new(l->arena, struct probe);
		if (!copy)
			return -ENOMEM;
		*copy = *p;
		copy->same = copy->next = NULL;
		l->n_places++;
		if (g->tail)
			g->tail->next = copy;
		else
			g->head->same = copy;
		g->tail = copy;
		return 0;
	}
	int r = lookup_add(l, p);
	if (r >= 0)
		r = mem_grow(&l->groups, &l->cap_groups, l->n_groups + 1);
	if (r >= 0)
		l->groups[l->n_groups++] = (struct lookup_group){ .head = l->last };
	return r;
}

void nearest_see(struct nearest *n, const char *name)
{
	const unsigned d = near_distance(n->word, name);

	if (d == NEAR_NOT || (n->distance && d >= n->distance) || strlen(name) >= sizeof(n->name))
		return;
	n->distance = d ? d : 1;
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
}

const char *nearest_words(struct nearest *n)
{
	if (!n->distance)
		return "";
	(void)snprintf(n->words, sizeof(n->words), "; did you mean '%s'?", n->name);
	return n->words;
}

static int unknown_provider(struct lookup *l)
{
	const char *name = l->ap->parts[0];
	struct nearest n = { .word = name };

	return lookup_error(l, "unknown-probe-type", "unknown kind of probe '%s'%s", name,
			    provider_nearest(&n));
}

static int find(struct lookup *l)
{
	const struct ast_attach *ap = l->ap;

	if (!ap->n_parts)
		return lookup_error(l, "bad-attach-point", "a probe needs an attach point");
	l->provider = provider_find(ap->parts[0]);
	if (!l->provider)
		return unknown_provider(l);
	if (ap->n_parts - 1 < l->provider->min || ap->n_parts - 1 > l->provider->max)
		return lookup_error(l, "bad-attach-point", "'%s' is not of the form %s%s", ap->text,
				    l->provider->usage,
				    strstr(ap->text, "::") && !strchr(ap->text, '"')
					    ? "; a name with ':' in it wants quotes"
					    : "");
	return l->provider->find(l);
}

int live_probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
		const struct probe_wants *wants, const struct probe **ret)
{
	static const struct probe_wants all = { .fields = true, .regs = true };
	const unsigned n_said = d->n_errors + d->n_warnings;
	struct lookup l = {
		.live = (struct live *)w,
		.d = d,
		.arena = arena,
		.ap = ap,
		.wants = wants ? wants : &all,
		.is_first = !wants,
	};

	int r = find(&l);
	free(l.groups);
	if (r < 0 && r != -ENOMEM && d->n_errors + d->n_warnings == n_said)
		return lookup_failed(&l, r, r == -EPERM || r == -EACCES ? "no-rights" : "no-probe");
	if (r < 0)
		return r;
	if (!l.first)
		return lookup_error(&l, "no-match", "nothing matches '%s'", ap->text);
	*ret = l.first;
	return 0;
}
