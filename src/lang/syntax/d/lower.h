/* SPDX-License-Identifier: MIT */
/** Clauses of D to probes of the language: what the files of lowering share. */
#ifndef LANG_D_LOWER_H
#define LANG_D_LOWER_H

#include "base/u64map.h"
#include "lang/syntax/d/tree.h"

/**
 * Whose thread a probe is about: the one that runs, or the one that will; or the one that runs and
 * has just begun a program.
 */
enum d_about { D_CURRENT, D_NEXT, D_NEW_IMAGE };

/** A member of args[]: its type, what a translator takes it from, and text in bt. */
struct d_arg {
	const char *type;    /* "psinfo_t", "int" ...; NULL: there are no more */
	const char *from[2]; /* of a translated type: "task", "request" ... */
	const char *expr[2];
};

/** What a probe of D is in bt; the columns are those of enum d_world. */
struct d_row {
	const char *provider, *name;
	const char *attach[2]; /* NULL: cannot be had */
	const char *pred[2];   /* NULL: each event counts */
	enum d_about about;
	struct d_arg args[5];
	/** Special ways, by provider. */
	enum d_how {
		D_HOW_TABLE, /* all is in the row */
		D_HOW_SYSCALL_ENTRY,
		D_HOW_SYSCALL_RETURN,
		D_HOW_FBT_ENTRY,
		D_HOW_FBT_RETURN,
		D_HOW_PID_ENTRY,
		D_HOW_PID_RETURN,
		D_HOW_USDT,
		D_HOW_TIMER,
		D_HOW_BEGIN,
		D_HOW_ERROR,
	} how;
};

/** A place that a probe description names, and the clauses that are for it, in their order. */
struct d_place {
	const struct d_row *row;
	const struct d_probe *probe; /* that named it first */
	const char *attach;	     /* bt's text */
	struct ast_d_names names;
	const struct d_clause **clauses; /* in the arena */
	size_t n_clauses, cap_clauses;
	pid_t process; /* it is about this one alone; 0: about all */
	bool is_done;
	struct d_place *next;
};

/** What a clause has done already, as it may not do all in any order. */
struct d_spec {
	bool records;	 /* something is printed */
	bool speculates; /* by speculate(): what comes is held back */
	bool commits;
};

struct d_lower {
	struct d_parser *dp;
	struct parser *p;
	enum d_world world;
	struct d_place *places, **places_end;
	struct names typed; /* maps that get more than the number 0 somewhere; 1 each */
	/** Variables that something sets, "x", "self->x", "this->x": 2 as a whole, 1 by elements.
	 */
	struct names set;
	struct names own;	     /* maps of self->x, without those of arrays; 1 each */
	bool has_next;		     /* some probe is about the thread that will run */
	const struct d_place *error; /* dtrace:::ERROR; NULL: no clause is for it */
	bool has_error;		     /* its clauses are somewhere in the tree */
	struct u64map told;	     /* places of mistakes */
	/** Of the clause that is being made, for one row. */
	const struct d_row *row;
	const struct d_clause *clause;
	const struct d_clause *faulted; /* of a clause for ERROR: behind which it is */
	bool may_fault;			/* some expression of the clause may */
	bool speculates;		/* it calls speculate() somewhere */
	bool uses_args;			/* args[] of a function: its types are wanted */
	struct ast **pre;		/* where statements go that an expression wants before it */
	bool is_conditional;		/* inside of && || ?: */
	unsigned n_actions;		/* what prints */
	struct d_spec spec;		/* up to here */
	unsigned inline_depth;		/* inlines within inlines */
};

/** Whether no mistake was told at @pos so far. */
bool d_is_new_error(struct d_lower *l, struct pos pos);

/** Tells a mistake at @pos; only once for a clause that is made for several rows. */
#define d_error(l, pos, tag, ...)                               \
	((void)((l)->p->r == 0 && d_is_new_error((l), (pos)) && \
		diag_error((l)->p->d, (pos), (tag), __VA_ARGS__)))

/* probes.c */
/** The places that all clauses name, in order. */
SONDE_MUST_CHECK int d_find_places(struct d_lower *l);
/** The attach point of a place. NULL: -ENOMEM in the parser. */
struct ast_attach *d_attach(struct d_lower *l, const struct d_place *place);

/* rows.c */
/** Ends with .provider == NULL. */
extern const struct d_row d_rows[];

/* translate.c */
/** The member @name of a value of the D type @type, made of the @from @subject; NULL: told. */
struct ast *d_translate(struct d_lower *l, struct pos pos, const char *type, const char *from,
			const struct ast *subject, const char *name);
/** "psinfo_t" for "psinfo_t", "struct psinfo" ...; NULL: no translated type. */
const char *d_translated_type(const char *name);

/* snippet.c */
/** Text in bt as a tree at @pos; "$_" in it is a copy of @subject. NULL: told, or out of memory. */
struct ast *d_snippet(struct d_lower *l, struct pos pos, const char *text,
		      const struct ast *subject);
struct ast *d_copy(struct d_lower *l, const struct ast *x);

/* names.c */
/** A variable that D has: NULL: it has none of that name, or it was told (*@ret_known). */
struct ast *d_builtin(struct d_lower *l, const struct ast *x, bool *ret_known);
/** uregs[N]; NULL: told. */
struct ast *d_user_register(struct d_lower *l, const struct ast *x);
/** Whether D has a variable of that name, which scripts cannot set. */
bool d_is_builtin(const char *name);
/** The thread's number here: the key of self->x. */
struct ast *d_thread(struct d_lower *l, struct pos pos);
/** The thread's task, as text in bt; NULL: the world has none. */
const char *d_task(const struct d_lower *l);

/* lower_expr.c */
/** NULL: told. */
struct ast *d_lower_expr(struct d_lower *l, const struct ast *x);
/** probefunc and its like as strings; others as d_lower_expr(). */
struct ast *d_lower_text(struct d_lower *l, const struct ast *x);
/** Notes that @x may fault; NULL stays NULL. */
struct ast *d_faulting(struct d_lower *l, struct ast *x);
/** A list, each element lowered; false: told. */
bool d_lower_list(struct d_lower *l, const struct ast *x, struct ast **ret);
/** Whether @x can be set: a variable of D. */
bool d_is_variable(const struct d_lower *l, const struct ast *x);
/** A variable as AST_MAP or AST_VAR; NULL: told. */
struct ast *d_lower_variable(struct d_lower *l, const struct ast *x);
/** "x", "self->x", "this->x" of a variable or an element of it; NULL: -ENOMEM in the parser. */
const char *d_variable_path(struct d_lower *l, const struct ast *x);
/** Whether something sets it, and not only elements of it. */
bool d_is_set_whole(struct d_lower *l, const struct ast *x);
/** The type that it was declared with; NULL: it was not. */
const struct ast_type *d_declared(struct d_lower *l, const struct ast *x);
/** The name of the map of a variable; NULL: it is this->x, or none. */
const char *d_map_name(struct d_lower *l, const struct ast *x);
/** Whether it is C's, or of a fixed width: int, uint64_t ... */
bool d_is_integer(const struct ast_type *t);
const struct ast_type *d_lower_type(struct d_lower *l, const struct ast_type *t);
struct ast *d_new(struct d_lower *l, enum ast_kind kind, struct pos pos);
struct ast *d_new_name(struct d_lower *l, struct pos pos, const char *name);
struct ast *d_new_int(struct d_lower *l, struct pos pos, uint64_t n);
/** args[N] of a function or call: by its place among the typed arguments. */
struct ast *d_typed_arg(struct d_lower *l, struct pos pos, unsigned n);
struct ast *d_new_call(struct d_lower *l, struct pos pos, const char *name, struct ast *args);

/* lower_call.c */
struct ast *d_lower_call(struct d_lower *l, const struct ast *x);
/** As a statement: actions too. Appended at *@end, which moves on. */
void d_lower_action(struct d_lower *l, const struct ast *x, struct ast ***end);
/** Whether @x = f() may stand here. */
bool d_may_aggregate(struct d_lower *l, struct pos pos);
/** The right side of @x = f(); NULL: told. */
struct ast *d_lower_agg(struct d_lower *l, const struct ast *x);

/* lower_stmt.c */
/** The clause as AST_CLAUSE; NULL: told. */
struct ast *d_lower_clause(struct d_lower *l, const struct d_clause *c);
/** Notes what the statements of all clauses set. */
SONDE_MUST_CHECK int d_scan(struct d_lower *l);

#endif
