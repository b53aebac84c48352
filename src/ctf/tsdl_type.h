/* SPDX-License-Identifier: MIT */
/** Written types into field types, each built anew at its place. */
#ifndef CTF_TSDL_TYPE_H
#define CTF_TSDL_TYPE_H

#include <sonde/event.h>

#include "ctf/tsdl_lex.h"
#include "ctf/tsdl_scope.h"

enum {
	TSDL_MEMBERS_MAX = 4096,  /* of one structure or variant */
	TSDL_TYPES_MAX = 1 << 20, /* of a trace, all places */
	TSDL_SLOTS_MAX = 4096,	  /* of a trace */
	TSDL_CLOCKS_MAX = 256,	  /* of a trace */
	TSDL_SCOPES = SONDE_SCOPE_PAYLOAD + 1,
};

/** Statements and members looked at, of all places: a second or so. */
#define TSDL_WORK_MAX ((uint64_t)1 << 26)
/** The longest array or structure, in bits, that has a fixed length. */
#define TSDL_BITS_MAX ((int64_t)1 << 48)
/** The largest alignment in bits. */
#define TSDL_ALIGN_MAX ((uint32_t)1 << 20)

/** A structure whose members are being built: they can be referred to. */
struct open_struct {
	const struct open_struct *outer;
	const struct sonde_type *type; /* its n_members grows */
};

/** Slots of references: those of the present event class are counted on their own. */
struct slots {
	uint32_t n_outer, n_local, most_local;
	uint32_t **patches; /* owned: local numbers in types, to be moved behind the outer ones */
	size_t n_patches, cap_patches;
};

/** A description under construction. */
struct build {
	struct lexer *x;     /* borrowed: text, words, memory */
	struct arena *arena; /* borrowed: the description's */
	struct names names;
	struct sonde_trace *trace;
	struct sonde_clock *clocks[TSDL_CLOCKS_MAX];
	uint32_t n_types;
	uint64_t work; /* counts towards TSDL_WORK_MAX */

	// What the type being built may refer to.
	enum sonde_scope scope;
	const struct sonde_type *roots[TSDL_SCOPES]; /* finished scopes; NULL: none */
	const struct open_struct *open;		     /* innermost */
	struct slots slots;
};

/** Builds the type @t, with a declarator's pointers and dimensions, or NULL. */
SONDE_MUST_CHECK int type_build(struct build *b, const struct place *place, struct ast_type *t,
				const struct ast_declarator *d, struct sonde_type **ret);

/** Declares what a typedef, typealias or named type of @it declares. */
SONDE_MUST_CHECK int type_declare(struct build *b, const struct place *place,
				  const struct ast_item *it);

/** A field that a length or tag refers to. */
struct ref {
	struct sonde_type *type;
	enum sonde_scope scope;
};

/** Finds the field that @path names, seen from the type being built. @what wants it. */
SONDE_MUST_CHECK int ref_find(struct build *b, const struct ast_expr *path, const char *what,
			      struct ref *ret);

/** Gives the field a slot if it has none, and writes its number to @slot. */
SONDE_MUST_CHECK int ref_bind(struct build *b, const struct ast_expr *path, const struct ref *ref,
			      uint32_t *slot);

/** Starts the next event class: its local slots are free again. */
void slots_next_event(struct slots *s);
/** Moves local slots behind the outer ones; returns how many there are in all. */
uint32_t slots_finish(struct slots *s);
void slots_fini(struct slots *s);

/** Values of settings; each fails at the setting's place. */
SONDE_MUST_CHECK int value_u64(struct build *b, const struct ast_item *it, uint64_t *ret);
SONDE_MUST_CHECK int value_i64(struct build *b, const struct ast_item *it, int64_t *ret);
SONDE_MUST_CHECK int value_bool(struct build *b, const struct ast_item *it, bool *ret);
/** A string or words; lent by the description's memory. */
SONDE_MUST_CHECK int value_str(struct build *b, const struct ast_item *it, const char **ret);
SONDE_MUST_CHECK int value_byte_order(struct build *b, const struct ast_item *it, bool *ret_big);

#endif
