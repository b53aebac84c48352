/* SPDX-License-Identifier: MIT */
/**
 * A script in D as it is written, and what the front end's files share.
 *
 * Expressions are struct ast with some shapes of their own, which lowering takes away:
 *
 *	x		AST_NAME; "`x" and "mod`x" are symbols of the kernel
 *	self->x		AST_MEMBER of AST_NAME "self"; this->x likewise
 *	x[a, b]		AST_INDEX whose second operand is a list
 *	a = b, a += b	AST_ASSIGN, also inside of expressions
 *	a, b		AST_TUPLE
 *	a ^^ b		AST_BINARY with D_OP_LXOR
 *	xlate <T> (x)	AST_CALL "xlate" whose note is the type
 */
#ifndef LANG_D_TREE_H
#define LANG_D_TREE_H

#include "lang/syntax/d/d.h"
#include "lang/syntax/names.h"
#include "lang/syntax/parser.h"

enum { D_OP_LXOR = OP_POST_DEC + 1 };

enum { D_PROVIDER, D_MODULE, D_FUNCTION, D_NAME, D_PARTS };

/** One probe description; a part that was not written is "". */
struct d_probe {
	struct pos pos;
	const char *text;
	const char *parts[D_PARTS];
	struct d_probe *next;
};

struct d_clause {
	struct pos pos;
	struct d_probe *probes;
	struct ast *pred; /* NULL: none */
	struct ast *body; /* AST_BLOCK */
	uint32_t id;	  /* from 1: `epid` */
	struct d_clause *next;
};

/** inline int X = 3; */
struct d_inline {
	const char *name;
	struct ast *value;
	bool is_busy; /* being put in */
	struct d_inline *next;
};

struct d_tree {
	struct d_clause *clauses;
	struct d_inline *inlines;
	struct names globals; /* variables that something sets or declares; 1 each */
	/** Types of declared variables and of their members, by "x", "self->x", "this->x": a const
	 * struct ast_type * each. */
	struct names types;
	struct names records; /* declared structs, "self->x" and "x", and their members: record.c */
	uint32_t n_clauses;
};

/** The bt parser's state comes first: a struct parser * is a struct d_parser *. */
struct d_parser {
	struct parser p;
	const struct d_options *opt;
	struct d_tree tree;
	struct ast_d d; /* settings */
	bool default_args, has_strsize;
	uint64_t n_keys; /* of aggsize and dynvarsize */
	struct d_clause **clauses_end;
	struct d_inline **inlines_end;
};

static inline struct d_parser *d_of(struct parser *p)
{
	return (struct d_parser *)p;
}

void d_tree_fini(struct d_tree *t);

/* parse_probe.c */
/** Probe descriptions up to '/', '{' or the end, which stay. NULL: told. */
struct d_probe *d_parse_probes(struct d_parser *p);

/* parse_expr.c */
struct ast *d_parse_expr(struct parser *p);	  /* also a, b */
struct ast *d_parse_assignment(struct parser *p); /* without a comma */

/* parse_stmt.c */
struct ast *d_parse_block(struct parser *p);

/** @a, @between and @b behind each other; NULL: -ENOMEM. */
const char *d_joined(struct parser *p, const char *a, const char *between, const char *b);
/** Notes the type of a declared variable; false: -ENOMEM. */
bool d_declare(struct d_parser *dp, const char *path, const struct ast_type *t);

/* record.c */
/** Notes the members of a variable, if it is a struct of the script. @scope: "", "self->",
 * "this->". */
bool d_record_declare(struct d_parser *dp, const char *scope, const char *name,
		      const struct ast_type *t);
/** Whether @x is such a variable, or an element of it. */
bool d_record_is(struct d_parser *dp, const struct ast *x);
/** Makes @x its member, where *@ret_is: it is such a variable. False: told, or out of memory. */
bool d_record_member(struct d_parser *dp, struct ast *x, struct pos pos, const char *member,
		     bool *ret_is);

/* option.c */
/** #pragma D ..., behind the word 'pragma'; arg is a struct d_parser *. */
int d_pragma(void *arg, struct pos pos, const char *text, size_t len);
/** Sets option @name. -EINVAL: told at @pos. */
SONDE_MUST_CHECK int d_option_set(struct d_parser *p, struct pos pos, const char *name,
				  const char *value);

/* macro.c */
/** The text of $1, $target ...; false: told. *@ret_num: it is a number. */
bool d_macro(struct d_parser *p, const struct token *t, const char **ret, bool *ret_is_num);

/* diag_words.c */
const char *d_diag_words(const char *tag, char *words, size_t cap);

/* lower.c */
SONDE_MUST_CHECK int d_lower(struct d_parser *p);

#endif
