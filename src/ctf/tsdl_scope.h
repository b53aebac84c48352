/* SPDX-License-Identifier: MIT */
/** Which type names are visible where (CTF 1.8.3, section 7.3.1). */
#ifndef CTF_TSDL_SCOPE_H
#define CTF_TSDL_SCOPE_H

#include <sonde/def.h>

#include "base/arena.h"
#include "ctf/tsdl_ast.h"

/** A region of names: the text's, a block's or a compound type's. */
struct scope {
	const struct scope *parent; /* NULL: the text's */
	uint32_t parent_limit;	    /* names of outer scopes count only if declared before it */
	uint32_t id;
};

/** Where a type is built: what is visible, and how deep it is nested. */
struct place {
	const struct scope *scope;
	uint32_t limit; /* names of @scope count only if declared before it */
	unsigned depth;
};

enum name_kind { NAME_ALIAS = 1, NAME_STRUCT, NAME_VARIANT, NAME_ENUM };

/** A declared type name. */
struct named_type {
	const char *name;
	enum name_kind kind;
	uint32_t scope_id;
	uint32_t seq; /* declared as the how-manyth */
	struct ast_type *type;
	const struct ast_declarator *declarator; /* dimensions and pointers, or NULL */
	struct place place;			 /* where it was declared */
};

/** All declared type names of a text. */
struct names {
	struct arena *scratch;	   /* borrowed */
	struct named_type **slots; /* in @scratch */
	size_t n, cap;
	uint32_t n_scopes;
};

/** A scope inside @parent; NULL: the text's. Returns NULL (-ENOMEM) when there is no memory. */
struct scope *scope_new(struct names *names, const struct place *parent);

/**
 * Declares a name at @place->scope. Returns 1; 0 when that scope has one like it already;
 * -ENOMEM.
 */
SONDE_MUST_CHECK int names_add(struct names *names, const struct named_type *type);

/** The innermost visible declaration of the word @name, or NULL. */
const struct named_type *names_find(const struct names *names, const struct place *place,
				    enum name_kind kind, const char *name);

/** The name that is written most like @name, or NULL where none is near. */
const char *names_near(const struct names *names, enum name_kind kind, const char *name);

#endif
