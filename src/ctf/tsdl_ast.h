/* SPDX-License-Identifier: MIT */
/** A TSDL text's syntax tree: what is written, nothing looked up yet. Lives in an arena. */
#ifndef CTF_TSDL_AST_H
#define CTF_TSDL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sonde_mapping;

enum ast_expr_kind { AST_INT_VALUE = 1, AST_STR_VALUE, AST_PATH };

/** A value: an integer, a literal string, or words with dots between. */
struct ast_expr {
	enum ast_expr_kind kind;
	uint32_t pos;
	bool negative; /* AST_INT_VALUE: -num */
	uint64_t num;
	const char *str;    /* AST_STR_VALUE; AST_PATH: the words joined by dots */
	const char **words; /* AST_PATH: each word, kept once */
	size_t n_words;
};

/** `[expr]` behind a name: elements, or the path of a length. */
struct ast_dim {
	struct ast_dim *next; /* the one to the right */
	struct ast_expr len;
};

/** A declared name with its pointers and dimensions; name NULL: abstract. */
struct ast_declarator {
	struct ast_declarator *next;
	uint32_t pos;
	unsigned n_pointers;
	const char *name;
	struct ast_dim *dims;
};

struct ast_enumerator {
	struct ast_enumerator *next;
	uint32_t pos;
	const char *label; /* kept once, also where written as a string */
	bool has_lo, has_hi;
	struct ast_expr lo, hi;
};

enum ast_type_kind {
	AST_INTEGER = 1,
	AST_FLOATING,
	AST_STRING,
	AST_STRUCT,
	AST_VARIANT,
	AST_ENUM,
	AST_NAMED, /* an alias */
};

/** A type as it is written. */
struct ast_type {
	enum ast_type_kind kind;
	uint32_t pos;
	const char *name; /* of a struct, variant, enum or alias; kept once; or NULL */
	const char *bare; /* AST_NAMED: @name without its `const`s */
	bool has_body;
	struct ast_item *items; /* attributes, or members and declarations */
	size_t n_items;		/* counted when first built */
	bool has_align;
	struct ast_expr align; /* struct */
	bool has_tag;
	struct ast_expr tag;	    /* variant */
	struct ast_type *container; /* enum: or NULL */
	struct ast_enumerator *enumerators;
	// Filled when the enumeration is first built: all its places have the same ranges.
	const struct sonde_mapping *maps;
	size_t n_maps;
	bool checked; /* its members' names are all different */
};

enum ast_item_kind {
	AST_VALUE = 1, /* path = expr; */
	AST_TYPE,      /* path := type; */
	AST_FIELD,     /* type declarators; or only a type */
	AST_TYPEDEF,   /* typedef type declarators; */
	AST_ALIAS,     /* typealias type := name; */
};

/** One statement of a block or of a type's body. */
struct ast_item {
	struct ast_item *next;
	enum ast_item_kind kind;
	uint32_t pos;
	const char *path; /* AST_VALUE, AST_TYPE: what is set */
	struct ast_expr value;
	struct ast_type *type;
	struct ast_declarator *declarators; /* AST_ALIAS, AST_TYPE: one, abstract */
	const char *alias;		    /* AST_ALIAS */
};

enum ast_block_kind {
	AST_TRACE = 1,
	AST_ENV,
	AST_CLOCK,
	AST_STREAM,
	AST_EVENT,
	AST_CALLSITE,
	AST_ROOT, /* a lone declaration: one item */
};

struct ast_block {
	struct ast_block *next;
	enum ast_block_kind kind;
	uint32_t pos;
	struct ast_item *items;
};

#endif
