/* SPDX-License-Identifier: MIT */
/** Macro variables of D: $1, $$1, $target, $pid and their like. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "lang/syntax/d/tree.h"

static const char *number(struct parser *p, long long n)
{
	struct strbuf b = { 0 };
	const char *ret = NULL;

	strbuf_fmt(&b, "%lld", n);
	if (parser_ok(p, strbuf_ok(&b)))
		ret = arena_strndup(p->arena, b.data, b.len);
	strbuf_fini(&b);
	if (!ret)
		p->r = -ENOMEM;
	return ret;
}

static bool is_number(const char *text)
{
	char *end;

	errno = 0;
	(void)strtoull(*text == '-' ? text + 1 : text, &end, 0); // only where it ends
	return !errno && *text && end != text && !*end && *text != ' ' && *text != '+';
}

static bool positional(struct d_parser *dp, const struct token *t, const char **ret)
{
	if (t->num >= 1 && t->num <= dp->opt->n_params) {
		*ret = dp->opt->params[t->num - 1];
		return true;
	}
	if (dp->default_args) {
		*ret = t->is_text ? "" : "0";
		return true;
	}
	(void)diag_error(dp->p.d, t->pos, "D_MACRO_UNDEF",
			 "this wants parameter $%llu, but %zu %s given", (unsigned long long)t->num,
			 dp->opt->n_params, dp->opt->n_params == 1 ? "was" : "were");
	return false;
}

static bool named(struct d_parser *dp, const struct token *t, long long *ret)
{
	const struct {
		const char *name;
		long long n;
	} all[] = {
		{ "pid", getpid() },   { "ppid", getppid() }, { "uid", getuid() },
		{ "euid", geteuid() }, { "gid", getgid() },   { "egid", getegid() },
		{ "sid", getsid(0) },  { "pgid", getpgrp() }, { "projid", 0 },
		{ "taskid", 0 },       { "zoneid", 0 },
	};

	if (!strcmp(t->text, "target")) {
		if (!dp->opt->target) {
			(void)diag_error(dp->p.d, t->pos, "D_MACRO_UNDEF",
					 "there is no $target without -c or -p");
			return false;
		}
		*ret = dp->opt->target;
		return true;
	}
	for (size_t i = 0; i < MEM_LEN(all); i++) {
		if (!strcmp(all[i].name, t->text)) {
			*ret = all[i].n;
			return true;
		}
	}
	(void)diag_error(dp->p.d, t->pos, "D_MACRO_UNDEF", "there is no macro variable '%s'",
			 t->text);
	return false;
}

bool d_macro(struct d_parser *dp, const struct token *t, const char **ret, bool *ret_is_num)
{
	long long n;

	if (t->kind == TOK_VAR) {
		if (!named(dp, t, &n))
			return false;
		*ret = number(&dp->p, n);
		*ret_is_num = true;
		return *ret != NULL;
	}
	if (t->kind != TOK_PARAM || !t->num) {
		(void)diag_error(dp->p.d, t->pos, "syntax", "this is no macro variable");
		return false;
	}
	if (!positional(dp, t, ret))
		return false;
	*ret_is_num = !t->is_text && is_number(*ret);
	return true;
}
