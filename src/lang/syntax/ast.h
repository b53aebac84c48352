/* SPDX-License-Identifier: MIT */
/**
 * What a script says, as a tree. Front ends (bt, D) make it, the checker adds types to it,
 * the generator reads it. All of it lies in one arena.
 */
#ifndef LANG_AST_H
#define LANG_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct type;	    /* lang/check/type.h */
struct probe_field; /* lang/world.h */

/** A place in the script: line and column count from 1, @len in bytes. */
struct pos {
	uint32_t line, col, len;
};

enum ast_kind {
	/* expressions */
	AST_INT,	/* u.num */
	AST_STR,	/* u.str: escapes are resolved, may hold 0 bytes */
	AST_NAME,	/* u.name: a built-in, an enumerator, a type's name inside sizeof() */
	AST_VAR,	/* u.name: $x, without the $ */
	AST_MAP,	/* u.map: @x, @x[a, b] */
	AST_POSITIONAL, /* u.num: $1 is 1; $# is 0 */
	AST_CALL,	/* u.call */
	AST_UNARY,	/* u.op: - ! ~ * (dereference) & (address); ++ -- before and behind */
	AST_BINARY,	/* u.op; also && || */
	AST_TERNARY,	/* u.cond */
	AST_CAST,	/* u.cast */
	AST_MEMBER,	/* u.member: x.y, x->y, x.0 */
	AST_INDEX,	/* u.op: a[b] */
	AST_TUPLE,	/* u.list.first */
	AST_SIZEOF,	/* u.cast: of @type, else of @x */
	AST_OFFSETOF,	/* u.cast: @type (or @x) and @field, "a.b.c" */
	/* statements */
	AST_EXPR,   /* u.op.a: for its effect */
	AST_ASSIGN, /* u.op: @a = @b, or @a OP= @b where @op is not OP_NONE */
	AST_DECL,   /* u.decl: let $x; let $x: uint8; let $x = 1 */
	AST_IF,	    /* u.cond */
	AST_WHILE,  /* u.loop */
	AST_UNROLL, /* u.loop: @cond is the count */
	AST_FOR,    /* u.foreach: for ($kv : @map) { } ; for ($i : 0..10) { } */
	AST_BREAK,
	AST_CONTINUE,
	AST_RETURN, /* u.op.a or NULL */
	AST_BLOCK,  /* u.list.first */
	AST_CLAUSE, /* u.clause: of D; what it prints is one record */
};

enum op {
	OP_NONE,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_AND,
	OP_OR,
	OP_XOR,
	OP_SHL,
	OP_SHR,
	OP_LAND,
	OP_LOR,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_NEG,
	OP_NOT /* ! */,
	OP_INV /* ~ */,
	OP_DEREF,
	OP_ADDR,
	OP_PRE_INC,
	OP_PRE_DEC,
	OP_POST_INC,
	OP_POST_DEC,
};

/** The name of an argument: "fd" in emit("open", fd = $fd). */
struct ast_arg_name {
	struct pos pos;
	const char *name;
	struct ast_arg_name *next;
};

/** A type as the script writes it: "uint64", "struct sock *", "string[16]", "uint8[4]". */
struct ast_type {
	struct pos pos;
	/** "struct sock", "uint64", "int64", "string", "size_t" ...: one blank between words,
	 * without const and volatile. C's integers always as "unsigned char", "short", "unsigned
	 * long long", "long" ...; "struct", "union" and "enum" alone: nameless, see ast_field.def
	 */
	const char *name;
	unsigned n_ptrs;  /* stars */
	uint64_t dims[4]; /* "int[2][3]": 2, 3; also the size of "string[64]"; 0: "int[]" */
	unsigned n_dims;
};

/** How an event of a trace may tell what an expression asks the running system for. */
struct ast_context {
	const char *text;	       /* the expression by itself, without variables */
	const char *name;	       /* of the event's field */
	const struct ast *own, *field; /* it, and what stands for it where events have that field */
	/** Of probes of the kernel's own tracepoints, the event as it is tells it. */
	bool is_plain;
	const char *arg;		 /* the argument that it is an element of; or NULL */
	const struct ast_context *outer; /* of what it is a part of; or NULL */
};

struct ast {
	enum ast_kind kind;
	struct pos pos;
	struct ast *next; /* the following argument, key, element or statement */
	/** Levels of the expression, with this one: at most PARSE_HEIGHT_MOST. */
	uint32_t height;
	/** In D: reads memory, or divides; where it cannot, the clause ends and ERROR comes. */
	bool may_fault;
	/** Set by the checker, for expressions. */
	const struct type *type;
	/** The checker's notes for the generator; what they are depends on the kind. */
	const void *note;
	int64_t note_n;
	/** Of a member or element: the field of the event that it is; NULL: none that has parts. */
	const struct probe_field *part;
	/** Set before it is checked; NULL: nothing is known, or asked. */
	const struct ast_context *context;
	union {
		uint64_t num;
		struct {
			const char *data;
			size_t len;
		} str;
		const char *name;
		struct {
			const char *name; /* "" for @ */
			struct ast *keys; /* a list; NULL: none */
		} map;
		struct {
			const char *name;
			struct ast *args; /* a list */
			size_t n_args;
			/** Of emit(): of all arguments but the first; else NULL. */
			const struct ast_arg_name *names;
			/** Of emit(), made by the checker: only where this is not 0; or NULL. */
			struct ast *when;
		} call;
		struct {
			enum op op;
			struct ast *a, *b;
		} op;
		struct {
			struct ast *cond, *yes, *no; /* @no may be NULL in AST_IF */
		} cond;
		struct {
			const struct ast_type
				*type; /* NULL in AST_SIZEOF and _OFFSETOF of an expression */
			struct ast *x;
			const char *field;
		} cast;
		struct {
			struct ast *x;
			const char *name; /* a number as text for tuples */
			bool arrow;
		} member;
		struct {
			struct ast *first;
		} list;
		struct {
			const char *name;
			const struct ast_type *type; /* NULL: as @init */
			struct ast *init;	     /* NULL: zero */
		} decl;
		struct {
			struct ast *cond, *body;
		} loop;
		struct {
			const char *var,
				*var2;	 /* $kv; @var2: of for (($k, $v) : @map), else NULL */
			struct ast *map; /* AST_MAP without keys; NULL: a range */
			struct ast *begin, *end; /* of begin..end */
			struct ast *body;
		} foreach;
		struct {
			struct ast *pred;  /* NULL: none */
			struct ast *first; /* statements */
			/** It prints, so that its line begins with the CPU and the probe's name. */
			bool has_line;
			bool may_fault;	 /* some expression in it may */
			bool is_error;	 /* of dtrace:::ERROR: behind a clause that may fault */
			bool speculates; /* it calls speculate() */
			uint32_t id;	 /* the built-in `epid` */
		} clause;
	} u;
};

/** The four names of a probe of D; what is NULL comes from the name of the place. */
struct ast_d_names {
	const char *provider, *module, *function, *name;
};

/** One attach point as written: "uprobe:/bin/bash:readline" has the parts uprobe, /bin/bash,
 * readline. */
struct ast_attach {
	struct pos pos;
	const char *text;
	const char *const *parts; /* without quotes; positional parameters are put in */
	size_t n_parts;
	const struct ast_d_names *d; /* NULL: not of a script in D */
	struct ast_attach *next;
};

struct ast_probe {
	struct pos pos;
	struct ast_attach *attach; /* a list */
	struct ast *pred;	   /* NULL: none */
	struct ast *body;	   /* AST_BLOCK */
	struct ast_probe *next;
};

/**
 * struct, union or enum as the script defines it; also "typedef" of one. What is defined inside of
 * another and has a name, and every enum, is in script_ast.defs, too: before the outer one.
 */
struct ast_field {
	struct pos pos;
	/** "" for a nameless struct inside, and for bits that only fill up: @def is NULL there, and
	 * @bits 0 means up to the next unit of @type. */
	const char *name;
	const struct ast_type *type;
	const struct ast_def *def; /* of a nameless struct or union: its layout; else NULL */
	uint32_t bits;		   /* of a bit field, else 0 */
	int64_t value;		   /* of an enumerator */
	struct ast_field *next;
};

enum ast_def_kind { AST_DEF_STRUCT, AST_DEF_UNION, AST_DEF_ENUM, AST_DEF_TYPEDEF };

struct ast_def {
	enum ast_def_kind kind;
	struct pos pos;
	const char *name;	  /* "" where it has none */
	struct ast_field *fields; /* of a typedef: the one type */
	bool packed;
	struct ast_def *next;
};

/** config = { name = value; } */
struct ast_setting {
	struct pos pos;
	const char *name;
	const char *value; /* as text: "1024", "true" */
	struct ast_setting *next;
};

/** let @x = hash(100); : a declared map. */
struct ast_map_decl {
	struct pos pos;
	const char *name, *kind; /* "hash", "percpuhash", "lruhash" ... */
	uint64_t max_entries;
	struct ast_map_decl *next;
};

/** #include <path>: only remembered, as types come from BTF and DWARF. */
struct ast_include {
	struct pos pos;
	const char *path;
	struct ast_include *next;
};

/**
 * How a script in D prints. Its variables are maps whose names begin with a '.', which no output
 * shows: ".x" is x, ".self->x" is self->x.
 */
struct ast_d {
	bool quiet;
	bool flowindent;
	bool sort_rev, sort_key; /* aggregations: largest first; by key */
	bool zero_probes;	 /* a probe may match nothing */
	bool destructive;	 /* it may change the system, as it says itself */
	uint32_t sort_pos, sort_key_pos;
	uint32_t stack_frames, ustack_frames; /* of stack() and ustack() without a number */
	uint32_t n_error_clauses;	      /* of dtrace:::ERROR */
	uint32_t n_specs;		      /* speculations that there may be at once */
	uint64_t spec_len;		      /* bytes that one may hold */
};

/** Names of maps that are the compiler's own begin so. */
#define AST_OWN_MAP "__sonde_"

static inline bool ast_map_is_hidden(const char *name)
{
	return name[0] == '.' || !__builtin_strncmp(name, AST_OWN_MAP, sizeof(AST_OWN_MAP) - 1);
}

struct script_ast {
	const struct ast_d *d; /* NULL: it is in bt */
	struct ast_include *includes;
	struct ast_setting *settings;
	struct ast_def *defs;
	struct ast_map_decl *maps;
	struct ast_probe *probes;
};

struct strbuf;
/** The script as text again: parse(print(ast)) == ast. For -d ast and tests. */
void ast_print(const struct script_ast *s, struct strbuf *ret);

#endif
