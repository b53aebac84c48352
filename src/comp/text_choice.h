/* SPDX-License-Identifier: MIT */
/** Which names and fields the text shows: babeltrace2's --names and --fields. */
#ifndef COMP_TEXT_CHOICE_H
#define COMP_TEXT_CHOICE_H

#include <stdbool.h>

#include <sonde/def.h>

enum text_name { NAME_PAYLOAD, NAME_CONTEXT, NAME_SCOPE, NAME_HEADER, TEXT_NAMES };

enum text_field {
	FIELD_TRACE,
	FIELD_HOSTNAME,
	FIELD_DOMAIN,
	FIELD_PROCNAME,
	FIELD_VPID,
	FIELD_LOGLEVEL,
	FIELD_EMF,
	FIELD_CALLSITE, /* is known, and shows nothing */
	TEXT_FIELDS,
};

/** What is shown; all zero and text_choice_init() give the defaults. */
struct text_choice {
	bool names[TEXT_NAMES];
	bool fields[TEXT_FIELDS];
	bool own_names[TEXT_NAMES], own_fields[TEXT_FIELDS]; /* were in a list */
};

/** The defaults. */
void text_choice_init(struct text_choice *c);

/**
 * Takes a list "a,b" as of --names or --fields. More than one list adds up, but what is in none of
 * them follows the last. -EINVAL (sonde_fail()): an unknown word.
 */
SONDE_MUST_CHECK int text_choice_names(struct text_choice *c, const char *list);
SONDE_MUST_CHECK int text_choice_fields(struct text_choice *c, const char *list);

#endif
