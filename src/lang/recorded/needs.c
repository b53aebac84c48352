/* SPDX-License-Identifier: MIT */
/** Goes through a script's probes: which events, samples and names they need. */
#include "lang/recorded/needs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/recorded/context.h"
#include "lang/recorded/parts.h"
#include "lang/syntax/ast_walk.h"

enum { FIELDS_MOST = 256, CONTEXTS_MOST = 60 };

struct finding {
	struct diag *d;
	struct arena *arena;
	struct recorded_needs *out;
	/* What the probe's body asks for: */
	bool kernel_stack, user_stack;
	const struct ast_context **contexts; /* where the kernel has an event; where it has none */
	size_t n_contexts;
	bool is_own; /* looking at the probe as one of which it has none */
	bool is_much;
	const struct ast_probe *probe;
};

/* --- what a body asks of its event --- */

static bool is_named(const struct ast *x, const char *const *names)
{
	const char *name = x->kind == AST_NAME	 ? x->u.name
			   : x->kind == AST_CALL ? x->u.call.name
						 : "";

	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static const char *const kernel_stacks[] = { "kstack", "caller", NULL };
static const char *const user_stacks[] = { "ustack", "ucaller", NULL };
/* Names that events themselves do not tell, and what needs to know the process. */
static const char *const about_threads[] = { "pid", "comm", "ustack", "ucaller", "usym", NULL };
static const char *const texts[] = { "str", NULL };

static void note_name(const char **names, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(names[i], name))
			return;
	if (*n < FIELDS_MOST)
		names[(*n)++] = name;
}

/* args.NAME, or NULL */
static const char *field_of(const struct ast *x)
{
	return x && x->kind == AST_MEMBER && x->u.member.x->kind == AST_NAME &&
			       !strcmp(x->u.member.x->u.name, "args")
		       ? x->u.member.name
		       : NULL;
}

static bool look_at(void *arg, const struct ast *x)
{
	struct finding *f = arg;

	f->out->threads |= is_named(x, about_threads);
	f->out->texts |= is_named(x, texts);
	f->kernel_stack |= is_named(x, kernel_stacks);
	f->user_stack |= is_named(x, user_stacks);
	const bool joins = x->kind == AST_CALL && !strcmp(x->u.call.name, "join");
	const char *array = joins ? field_of(x->u.call.args) : NULL;
	if (array)
		note_name(f->out->joins, &f->out->n_joins, array);
	if (field_of(x))
		note_name(f->out->fields, &f->out->n_fields, field_of(x));
	return false;
}

/* --- what it asks of the system --- */

static bool is_wanted(const struct finding *f, const struct ast_context *k)
{
	return f->is_own || !k->is_plain;
}

static bool look_for_context(void *arg, const struct ast *x)
{
	struct finding *f = arg;
	const struct ast_context *k = x->context;

	if (!k || !is_wanted(f, k))
		return false;
	for (const struct ast_context *o = k->outer; o; o = o->outer)
		if (is_wanted(f, o))
			return false; // told as a part of that
	for (size_t i = 0; i < f->n_contexts; i++)
		if (!strcmp(f->contexts[i]->name, k->name))
			return false;
	if (f->n_contexts < CONTEXTS_MOST)
		f->contexts[f->n_contexts++] = k;
	else
		f->is_much = true;
	return false;
}

/* What the probe asks the system for, at a place where the kernel has an event or has none. */
static int look_for_contexts(struct finding *f, bool is_own)
{
	f->contexts = arena_array(f->arena, CONTEXTS_MOST, sizeof(struct ast_context *));
	if (!f->contexts)
		return sonde_fail(-ENOMEM, "out of memory");
	f->n_contexts = 0;
	f->is_own = is_own;
	(void)ast_walk(f->probe->pred, look_for_context, f);
	(void)ast_walk(f->probe->body, look_for_context, f);
	return 0;
}

/* --- attach points --- */

static struct recorded_event *new_event(struct finding *f)
{
	struct recorded_event *e = &f->out->events[f->out->n_events++];

	*e = (struct recorded_event){ .kernel_stack = f->kernel_stack,
				      .user_stack = f->user_stack,
				      .contexts = f->contexts,
				      .n_contexts = f->n_contexts };
	return e;
}

static int add_event(struct finding *f, const struct ast_attach *ap)
{
	const char *group = ap->n_parts > 2 ? ap->parts[1] : "*";
	const char *name = ap->parts[ap->n_parts - 1];
	const size_t len = strlen(group) + strlen(name) + 2;
	char *glob = arena_alloc(f->arena, len);

	if (!glob || look_for_contexts(f, /* is_own= */ false) < 0)
		return -ENOMEM;
	(void)snprintf(glob, len, "%s:%s", group, name);
	struct recorded_event *e = new_event(f);
	e->glob = glob;
	e->group = group;
	e->name = name;
	return 0;
}

/* Where the kernel has no event of its own, the script's is made. */
static int add_own(struct finding *f, const struct ast_attach *ap)
{
	const char *name = recorded_own_name(f->arena, ap);

	if (!name || look_for_contexts(f, /* is_own= */ true) < 0)
		return -ENOMEM;
	struct recorded_event *e = new_event(f);
	e->glob = e->name = name;
	e->group = "";
	e->attach = ap->text;
	return 0;
}

static int add_samples(struct finding *f, const struct ast_attach *ap)
{
	struct recorded_needs *out = f->out;
	uint64_t ns;

	if (!rec_period(ap, &ns))
		return diag_error(f->d, ap->pos, "bad-attach-point",
				  "'%s' is not of the form profile:UNIT:N", ap->text);
	if (out->sample_ns && out->sample_ns != ns)
		return diag_error(
			f->d, ap->pos, "not-recorded",
			"samples are recorded at one rate, and that of line %u is another",
			out->sample_pos.line);
	out->sample_ns = ns;
	out->sample_pos = ap->pos;
	return 0;
}

/* Whether a probe asks for more than samples or the kernel's own events have. */
static int asks_more(struct finding *f, bool is_own, bool *ret)
{
	int r = look_for_contexts(f, is_own);

	*ret = f->n_contexts > 0;
	return r;
}

static int look_at_attach(struct finding *f, const struct ast_attach *ap)
{
	static const char *const of_kernel[] = { "tracepoint", "event" };
	static const char *const no_events[] = { "BEGIN", "END", "self" };
	const char *provider = rec_provider(ap->parts[0]);
	bool more = false;

	if (ap->n_parts < 2)
		return 0;
	provider = provider ? provider : ap->parts[0];
	// What cannot be had the compiler tells.
	for (size_t i = 0; i < MEM_LEN(no_events); i++)
		if (!strcmp(provider, no_events[i]))
			return 0;
	for (size_t i = 0; i < MEM_LEN(of_kernel); i++)
		if (!strcmp(provider, of_kernel[i]))
			return add_event(f, ap);
	int r = 0;
	if (!strcmp(provider, "profile") || !strcmp(provider, "interval"))
		r = asks_more(f, /* is_own= */ false, &more);
	else if (!strcmp(provider, "rawtracepoint"))
		r = asks_more(f, /* is_own= */ true, &more);
	else
		more = true;
	if (r < 0 || more)
		return r < 0 ? r : add_own(f, ap);
	if (*provider == 'i')
		return 0; // time goes on by itself
	return *provider == 'p' ? add_samples(f, ap) : add_event(f, ap);
}

static int look_at_probe(struct finding *f, const struct ast_probe *p)
{
	f->kernel_stack = f->user_stack = false;
	f->probe = p;
	(void)ast_walk(p->pred, look_at, f);
	(void)ast_walk(p->body, look_at, f);
	for (const struct ast_attach *ap = p->attach; ap; ap = ap->next)
		if (look_at_attach(f, ap) == -ENOMEM)
			return sonde_fail(-ENOMEM, "out of memory");
	return 0;
}

int recorded_needs(struct diag *d, struct arena *arena, const struct script_ast *ast,
		   struct recorded_needs *ret)
{
	struct finding f = { .d = d, .arena = arena, .out = ret };
	size_t n = 0;
	int r = 0;

	*ret = (struct recorded_needs){ 0 };
	for (const struct ast_probe *p = ast->probes; p; p = p->next)
		for (const struct ast_attach *ap = p->attach; ap; ap = ap->next)
			n++;
	ret->events = arena_array(arena, n + 1, sizeof(*ret->events));
	ret->fields = arena_array(arena, FIELDS_MOST, sizeof(*ret->fields));
	ret->joins = arena_array(arena, FIELDS_MOST, sizeof(*ret->joins));
	if (!ret->events || !ret->fields || !ret->joins)
		return sonde_fail(-ENOMEM, "out of memory");
	ret->defs = ast->defs;
	for (const struct ast_setting *s = ast->settings; s; s = s->next)
		if (strstr(s->name, "strlen") || strstr(s->name, "STRLEN"))
			ret->strlen_of = s->value;
	for (const struct ast_probe *p = ast->probes; p && !r; p = p->next)
		r = look_at_probe(&f, p);
	if (!r && f.is_much)
		return sonde_fail(-E2BIG, "a probe asks for more than %d values that no event has",
				  CONTEXTS_MOST);
	return r < 0 ? r : d->n_errors ? -EINVAL : 0;
}
