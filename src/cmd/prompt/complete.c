/* SPDX-License-Identifier: MIT */
/** What may stand where a line of the crash prompt ends: by what the help says of its verb. */
#include "cmd/prompt/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/verbs/words.h"
#include "sym/ctype.h"

enum { TOKEN = 64, NAME = 256, NESTED = 8 };

static void add_verbs(const struct complete *c, struct choices *ret)
{
	for (size_t i = 0; crash_verbs[i]; i++)
		choices_add(ret, crash_verbs[i]->name);
	for (size_t i = 0; c->core->system->verbs[i]; i++)
		choices_add(ret, c->core->system->verbs[i]->name);
	for (size_t i = 0; c->more[i]; i++)
		choices_add(ret, c->more[i]->name);
}

static const struct crash_verb *find_verb(const struct complete *c, const char *name)
{
	for (size_t i = 0; c->more[i]; i++) {
		if (!strcmp(c->more[i]->name, name))
			return c->more[i];
	}
	return crash_verb_find(c->core->system, name);
}

static int add_symbol(void *arg, const struct crash_symbol *s)
{
	choices_add(arg, s->name);
	return 0;
}

static int add_type(void *arg, const char *name)
{
	choices_add(arg, name);
	return 0;
}

static void add_pids(const struct complete *c, struct choices *ret)
{
	struct crash_tasks tasks = { 0 };
	char text[24];

	if (c->core->system->tasks(c->core, &tasks) < 0)
		return;
	for (size_t i = 0; i < tasks.n; i++) {
		(void)snprintf(text, sizeof(text), "%lld", (long long)tasks.all[i].tid);
		choices_add(ret, text);
	}
	crash_tasks_fini(&tasks);
}

/* Members behind @n letters of what was typed; those of nameless structs too. */
static void add_named(const struct ctype *t, int n, unsigned depth, struct choices *ret)
{
	char name[NAME];
	size_t n_members = 0;

	if ((t->kind != CT_STRUCT && t->kind != CT_UNION) || depth > NESTED)
		return;
	const struct cmember *m = ctype_members(t, &n_members);
	for (size_t i = 0; i < n_members; i++) {
		(void)snprintf(name, sizeof(name), "%.*s%s", n, ret->typed, m[i].name);
		if (*m[i].name)
			choices_add(ret, name);
		else
			add_named(m[i].type, n, depth + 1, ret);
	}
}

/* Members of the type that @typed's path leads to, behind its last dot or arrow. */
static void add_members(struct ctypes *types, const char *type, struct choices *ret)
{
	const struct ctype *t = NULL;
	const char *p = ret->typed, *last = p;
	struct cmember m;
	char name[NAME];

	if (!types || ctypes_find(types, type, &t) < 0)
		return;
	for (size_t len; p[len = strcspn(p, ".-[")]; p = last) {
		if (len >= sizeof(name))
			return;
		memcpy(name, p, len);
		name[len] = '\0';
		if (!ctype_member(t, name, &m))
			return;
		t = m.type;
		for (p += len; *p == '['; p += strcspn(p, "]") + (strchr(p, ']') != NULL))
			t = t->kind == CT_ARRAY ? ctype_elem(t) : t;
		if (t->kind == CT_PTR)
			t = ctype_elem(t);
		last = p + strspn(p, ".->");
		if (last == p)
			return;
	}
	add_named(t, (int)(last - ret->typed), 0, ret);
	ret->part = true;
}

/* The @at-th of what a verb takes, as its help has it: "[PID]..." stands for all that follow. */
static void take_token(const char *args, size_t at, char *ret)
{
	*ret = '\0';
	for (size_t len; *args; args += len + strspn(args + len, " ")) {
		len = strcspn(args, " ");
		bool is_last = len > 3 && !strncmp(args + len - 3, "...", 3);

		if (at && !is_last) {
			at--;
			continue;
		}
		(void)snprintf(ret, TOKEN, "%.*s", (int)len, args);
		return;
	}
}

static bool is_tag(const char *word)
{
	return !strcmp(word, "struct") || !strcmp(word, "union") || !strcmp(word, "enum");
}

/* Goes over the words before the last; leaves what is wanted now in @token. */
static const char *walk_words(const struct crash_verb *v, const struct crash_words *w,
			      const struct complete *c, char *token)
{
	const char *type = NULL;
	size_t at = 0;

	for (size_t i = 1; i < w->n; i++) {
		const char *word = w->all[i];
		const struct cmd_option *o = c->options;

		take_token(v->args, at, token);
		for (; *word == '-' && o->name; o++) {
			bool is = word[1] == '-' ? !strcmp(word + 2, o->name)
						 : o->key < 256 && word[1] == o->key && !word[2];
			if (!is || !o->arg)
				continue;
			if (i + 1 < w->n) {
				i++; // its value
				break;
			}
			(void)snprintf(token, TOKEN, "%s", o->arg);
			return type;
		}
		if (*word == '-' || is_tag(word))
			continue;
		if (strstr(token, "TYPE"))
			type = word;
		at++;
	}
	take_token(v->args, at, token);
	return type;
}

static void add_options(const struct complete *c, struct choices *ret)
{
	char name[TOKEN];

	for (const struct cmd_option *o = c->options; o->name; o++) {
		(void)snprintf(name, sizeof(name), "--%s", o->name);
		choices_add(ret, name);
	}
}

static void add_for(const struct complete *c, const struct crash_words *w, struct choices *ret)
{
	const struct crash_verb *v = find_verb(c, w->all[0]);
	struct ctypes *types = crash_types(c->core);
	char token[TOKEN] = "";

	if (!v)
		return;
	const char *type = walk_words(v, w, c, token);
	if (*ret->typed == '-')
		add_options(c, ret);
	else if (strstr(token, "PID"))
		add_pids(c, ret);
	else if (strstr(token, "VERB"))
		add_verbs(c, ret);
	else if (strstr(token, "TYPE") && types)
		(void)!ctypes_each_struct(types, add_type, ret); // what there is
	else if ((strstr(token, "MEMBER") || strstr(token, "PATH")) && type)
		add_members(types, type, ret);
	else if (strstr(token, "ADDR") || strstr(token, "NAME") || strstr(token, "HEAD") ||
		 strstr(token, "ROOT"))
		(void)!c->core->system->each_symbol(c->core, add_symbol, ret); // likewise
}

void complete_line(const struct complete *c, const char *line, struct choices *ret)
{
	const char *last = strrchr(line, ' ');
	struct crash_words words = { 0 };

	ret->typed = last ? last + 1 : line;
	for (const char *p = line; *p; p++) {
		if (*p == '|' || *p == '!' || (*p == '>' && (p == line || p[-1] != '-')))
			return; // the shell's
	}
	char *before = strndup(line, (size_t)(ret->typed - line));
	if (before && crash_words_split(before, &words) == 0) {
		if (words.n) {
			add_for(c, &words, ret);
		} else {
			add_verbs(c, ret);
			choices_add(ret, "quit");
		}
	}
	crash_words_fini(&words);
	free(before);
}
