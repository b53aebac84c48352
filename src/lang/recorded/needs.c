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

struct finding {
	struct diag *d;
	struct arena *arena;
	const struct ast_probe *probe;
	struct recorded_needs *out;
	bool has_events; /* of @probe: others than samples */
};

/* --- what a body asks of its event --- */

static bool is_stack(const struct ast *x)
{
	const char *name = x->kind == AST_NAME	 ? x->u.name
			   : x->kind == AST_CALL ? x->u.call.name
						 : "";

	return !strcmp(name, "kstack") || !strcmp(name, "ustack");
}

/* Names that events themselves do not tell, and functions that need to know the process. */
static bool is_about_threads(const struct ast *x)
{
	static const char *const names[] = { "pid", "comm", "ustack", "usym" };
	const char *name = x->kind == AST_NAME	 ? x->u.name
			   : x->kind == AST_CALL ? x->u.call.name
						 : "";

	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool look_at(void *arg, const struct ast *x)
{
	struct finding *f = arg;

	f->out->threads = f->out->threads || is_about_threads(x);
	if (f->has_events && is_stack(x))
		(void)diag_error(f->d, x->pos, "not-recorded",
				 "stacks are recorded with samples only, that is of 'profile'");
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
	f->out->events[f->out->n_events++] = (struct recorded_event){ glob, ap->pos };
	f->has_events = true;
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

int recorded_needs(struct diag *d, struct arena *arena, const struct script_ast *ast,
		   struct recorded_needs *ret)
{
	struct finding f = { .d = d, .arena = arena, .out = ret };
	size_t n = 0;

	*ret = (struct recorded_needs){ 0 };
	for (const struct ast_probe *p = ast->probes; p; p = p->next)
		for (const struct ast_attach *ap = p->attach; ap; ap = ap->next)
			n++;
	ret->events = arena_array(arena, n + 1, sizeof(*ret->events));
	if (!ret->events)
		return sonde_fail(-ENOMEM, "out of memory");
	for (const struct ast_probe *p = ast->probes; p; p = p->next) {
		f.probe = p;
		f.has_events = false;
		for (const struct ast_attach *ap = p->attach; ap; ap = ap->next)
			if (look_at_attach(&f, ap) == -ENOMEM)
				return sonde_fail(-ENOMEM, "out of memory");
		(void)ast_walk(p->pred, look_at, &f);
		(void)ast_walk(p->body, look_at, &f);
	}
	return d->n_errors ? -EINVAL : 0;
}
