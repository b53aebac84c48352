/* SPDX-License-Identifier: MIT */
/** Which names and fields the text shows. */
#include "comp/text_choice.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

struct word {
	const char *text;
	int value; /* of the enum; ALL or NONE */
};

enum { ALL = -1, NONE = -2, UNKNOWN = -3 };

static const struct word name_words[] = {
	{ "payload", NAME_PAYLOAD }, { "args", NAME_PAYLOAD }, { "arg", NAME_PAYLOAD },
	{ "context", NAME_CONTEXT }, { "ctx", NAME_CONTEXT },  { "scope", NAME_SCOPE },
	{ "header", NAME_HEADER },   { "all", ALL },	       { "none", NONE },
};

static const struct word field_words[] = {
	{ "trace", FIELD_TRACE },
	{ "trace:hostname", FIELD_HOSTNAME },
	{ "trace:domain", FIELD_DOMAIN },
	{ "trace:procname", FIELD_PROCNAME },
	{ "trace:vpid", FIELD_VPID },
	{ "loglevel", FIELD_LOGLEVEL },
	{ "emf", FIELD_EMF },
	{ "callsite", FIELD_CALLSITE },
	{ "all", ALL },
};

void text_choice_init(struct text_choice *c)
{
	*c = (struct text_choice){
		.names = { [NAME_PAYLOAD] = true, [NAME_CONTEXT] = true },
		.fields = { [FIELD_HOSTNAME] = true, [FIELD_PROCNAME] = true, [FIELD_VPID] = true },
	};
}

static int find_word(const struct word *words, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i].text) == len && !memcmp(words[i].text, s, len))
			return words[i].value;
	}
	return UNKNOWN;
}

/* What a list is of. */
struct kind {
	const char *what;
	const struct word *words;
	size_t n_words;
	bool *own; /* by value: was in a list */
};

/* Reads a list: 1: something was in it; 0: it is empty; -EINVAL. */
static int read_list(const struct kind *k, const char *list, bool *ret_all)
{
	bool all = false, none = false, some = false;

	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ", ");
		int value = len ? find_word(k->words, k->n_words, s, len) : NONE;

		if (value == UNKNOWN)
			return sonde_fail(-EINVAL, "unknown %s '%.*s'", k->what, (int)len, s);
		all |= len && value == ALL;
		none |= len && value == NONE;
		if (value >= 0)
			k->own[value] = true;
		some |= len > 0;
		s += len + (s[len] != '\0');
	}
	if (all && none)
		return sonde_fail(-EINVAL, "'all' and 'none' in one list of %ss", k->what);
	*ret_all = all;
	return some;
}

int text_choice_names(struct text_choice *c, const char *list)
{
	const struct kind kind = { "name", name_words, MEM_LEN(name_words), c->own_names };
	bool all;
	int r = read_list(&kind, list, &all);

	for (size_t i = 0; r > 0 && i < TEXT_NAMES; i++)
		c->names[i] = all || c->own_names[i];
	return r < 0 ? r : 0;
}

int text_choice_fields(struct text_choice *c, const char *list)
{
	const struct kind kind = { "field", field_words, MEM_LEN(field_words), c->own_fields };
	bool all;
	int r = read_list(&kind, list, &all);

	for (size_t i = 0; r > 0 && i < TEXT_FIELDS; i++)
		c->fields[i] = all || c->own_fields[i];
	return r < 0 ? r : 0;
}
