/* SPDX-License-Identifier: MIT */
/** Goes through a script's probes: which events, samples and names they need. */
#include "lang/recorded/needs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/recorded/parts.h"
#include "lang/syntax/ast_walk.h"

enum { FIELDS_MOST = 256 };

struct finding {
	struct diag *d;
	struct arena *arena;
	struct recorded_needs *out;
	bool kernel_stack, user_stack; /* that the probe's body asks for */
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

/* --- attach points --- */

static int add_event(struct finding *f, const struct ast_attach *ap)
{
	const char *group = ap->n_parts > 2 ? ap->parts[1] : "*";
	const char *name = ap->parts[ap->n_parts - 1];
	const size_t len = strlen(group) + strlen(name) + 2;
	char *glob = arena_alloc(f->arena, len);

	if (!glob)
		return -ENOMEM;
	(void)snprintf(glob, len, "%s:%s", group, name);
	f->out->events[f->out->n_events++] =
		(struct recorded_event){ glob, group, name, f->kernel_stack, f->user_stack };
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

static int look_at_attach(struct finding *f, const struct ast_attach *ap)
{
	static const char *const of_kernel[] = { "tracepoint", "rawtracepoint", "event" };
	const char *provider = rec_provider(ap->parts[0]);

	// What is not of these is no event, or cannot be had: then the compiler tells.
	if (!provider || ap->n_parts < 2)
		return 0;
	if (!strcmp(provider, "profile"))
		return add_samples(f, ap);
	for (size_t i = 0; i < MEM_LEN(of_kernel); i++)
		if (!strcmp(provider, of_kernel[i]))
			return add_event(f, ap);
	return 0;
}

static int look_at_probe(struct finding *f, const struct ast_probe *p)
{
	f->kernel_stack = f->user_stack = false;
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
	for (const struct ast_setting *s = ast->settings; s; s = s->next)
		if (strstr(s->name, "strlen") || strstr(s->name, "STRLEN"))
			ret->strlen_of = s->value;
	for (const struct ast_probe *p = ast->probes; p && !r; p = p->next)
		r = look_at_probe(&f, p);
	return r < 0 ? r : d->n_errors ? -EINVAL : 0;
}
