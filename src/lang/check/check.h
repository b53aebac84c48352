/* SPDX-License-Identifier: MIT */
/**
 * Names and types: what each expression of a script is.
 *
 * Probes are checked again and again until the types of maps and variables stay, as a map may be
 * read by an earlier probe than the one that sets it; then once more to tell what is wrong. Before
 * a program is generated, its probe is checked a last time, for the one attach point that it is
 * for: `args` may differ between the points of one probe.
 */
#ifndef LANG_CHECK_H
#define LANG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/check/type.h"
#include "lang/gen/compile.h"
#include "lang/gen/script.h"
#include "lang/syntax/ast.h"
#include "lang/syntax/diag.h"
#include "lang/world.h"

enum { MAP_KEYS_USUAL = 4096 }; /* of a map that is not declared */

/** What is known of one of the script's maps. */
struct map_info {
	const char *name;
	const struct type *key;	     /* NULL: not known so far; &type_none: no keys */
	const struct type *val;	     /* NULL: not known so far */
	struct pos key_pos, val_pos; /* where they were first seen */
	const struct ast_map_decl *decl;
	uint32_t index; /* in script.maps */
	/** What is done with it, outside of END and BEGIN where it says live. */
	bool read, printed_live, cleared_live, cleared_end, deleted, looped, counted, whole;
	bool written, stepped; /* at all; by ++, += and their like */
	bool other_key;	       /* some key is not `tid` alone */
	struct map_info *next;
};

/** A variable of one probe. */
struct var {
	const char *name;
	const struct type *type; /* NULL: not known so far */
	struct pos pos;
	unsigned depth; /* of the block that declared it; 0: the whole probe's */
	unsigned loop;	/* the number of the loop that it was made in; 0: in none */
	bool declared;	/* by let, or as the variable of a loop */
	bool in_memory; /* shared with the body of a loop */
	bool gone;	/* its block has ended */
	bool set_first; /* a first statement sets it as a whole: no need to zero it */
	bool used;
	const struct type *narrow; /* said by let: a number of less than 8 bytes; else NULL */
	int64_t place;		   /* the generator's */
	void *home;		   /* the generator's */
	struct var *next;
};

/** Terms of an expression within each other: "a + b + c" is two. */
enum { CHECK_DEPTH_MOST = 2000 };

/** A variable of D, this->x, which has one type in all of the script. */
struct shared_var {
	const char *name;
	const struct type *type;
	struct shared_var *next;
};

/** An event of emit(), as the place has it that was checked first. */
struct emit_event {
	const char *name;
	struct pos pos;
	uint32_t n; /* fields */
	const struct ast_arg_name *names;
	const struct type *const *types;
	struct emit_event *next;
};

struct builtin;
struct func;

/** One of the script's own structs, unions or enums, laid out. */
struct own_type {
	const struct ast_def *def;
	const struct ctype *type;
	uint64_t align;
	bool ready; /* false while its fields are looked at */
};

/** A named C constant of headers that no type information knows. */
bool constant_find(const char *name, int64_t *ret);

struct check {
	struct diag *diag;
	struct arena *arena;
	struct world *world;
	const struct compile_options *opt;
	struct script_ast *ast;
	struct map_info *maps;
	size_t n_maps;
	struct ctypes *kernel; /* opened when first needed; NULL: not so far, or there are none */
	bool kernel_tried;
	const char *types_why; /* that there are none */
	struct own_type *own;  /* owned */
	size_t n_own, cap_own;
	unsigned type_nest; /* types that are within each other */
	struct emit_event *events;
	uint32_t max_strlen, max_map_keys;
	/** What becomes of points that are not there: a warning where there are others beside. */
	enum { MISSING_USUAL, MISSING_ERROR, MISSING_WARN, MISSING_IGNORE } missing_probes;
	enum stack_mode stack_mode;
	bool quiet;	   /* types are still being found: say nothing */
	bool is_partial;   /* some probes have no places, and were told: not all is looked at */
	bool guesses;	   /* what is calculated with, and nothing tells what it is, is a number */
	bool changed;	   /* a map's type is other than before */
	bool vars_changed; /* a variable's, or where it lies */
	bool no_memory;
	/** Of the probe being checked. */
	const struct ast_probe *probe;
	const struct probe *point;
	struct var *vars;
	struct shared_var *shared; /* of all probes, of scripts in D */
	unsigned depth, loops, nest;
	unsigned loop, n_loops; /* number of the innermost loop; how many there were */
	unsigned body_depth;	/* of the innermost loop's body */
	bool in_begin, in_end;	/* BEGIN, END: no events come meanwhile */
	bool set_only;		/* the expression is only written to */
	bool ctx_fine;		/* a member is taken of what is checked next */
};

SONDE_MUST_CHECK int check_init(struct check *c, struct diag *d, struct arena *a, struct world *w,
				struct script_ast *ast, const struct compile_options *opt);
void check_fini(struct check *c);

/** Settings of config = { }. 0 or -EINVAL. */
SONDE_MUST_CHECK int check_settings(struct check *c, struct script *s);

/** Notes which of the probe's arguments and names a body uses. */
SONDE_MUST_CHECK int check_wants(struct check *c, const struct ast_probe *p,
				 struct probe_wants *ret);

/** Checks one probe for one point: types into the tree, maps and variables into @c. */
void check_probe(struct check *c, const struct ast_probe *p, const struct probe *point);

/* --- between the checker's files --- */

/** Tells a mistake, unless types are still being found. */
#define check_error(c, pos, tag, ...) \
	((c)->quiet ? (void)0 : (void)diag_error((c)->diag, (pos), (tag), __VA_ARGS__))
#define check_warn(c, pos, tag, ...) \
	((c)->quiet ? (void)0 : (void)diag_warn((c)->diag, (pos), (tag), __VA_ARGS__))

/** The type of an expression (also kept in it); NULL: not known so far, or it was told. */
const struct type *check_expr(struct check *c, struct ast *x);
/** @to_map: what it gives is assigned to a map. */
void check_call(struct check *c, struct ast *x, bool to_map);
/** Whether @x is one of D's actions about aggregations: then it is checked. */
bool check_agg_action(struct check *c, struct ast *x, const struct func *f);
/** emit(): its arguments were checked as expressions. */
void check_emit(struct check *c, struct ast *x);
/** Whether what happens at @p is of the process that is found there. */
bool emit_has_process(const struct probe *p);
/** Whether a field of an event has another one beside it that says how long it is. */
bool emit_has_length(const struct type *t);
/** join() where nothing lies behind addresses: its array becomes a tuple of fields. */
void check_join_parts(struct check *c, struct ast *x);
enum { JOIN_MOST = 16 /* texts of an array that join() shows */ };
void check_member(struct check *c, struct ast *x);
void check_index(struct check *c, struct ast *x);
void check_name(struct check *c, struct ast *x);
void check_stmt(struct check *c, struct ast *x);
void check_block(struct check *c, struct ast *list);

struct map_info *check_map(struct check *c, const char *name);
/** Checks the keys of an AST_MAP and merges them into what is known of the map. */
struct map_info *check_map_keys(struct check *c, struct ast *x);
/** Tells if nothing ever sets the map. */
void check_map_known(struct check *c, const struct map_info *m, struct pos pos);
/** The map's values have also type @t; tells where they differ. */
void check_map_val(struct check *c, struct map_info *m, const struct type *t, struct pos pos);
struct var *check_var_find(struct check *c, const char *name);
struct var *check_var_add(struct check *c, const char *name, struct pos pos);
/** One that another probe sets, zero in this one; NULL: none does. */
struct var *check_var_elsewhere(struct check *c, const char *name, struct pos pos);
/** The variable also gets values of @t. */
void check_var_type(struct check *c, struct var *v, const struct type *t, struct pos pos);
/**
 * The same, but a small number stays one as long as it is given nothing else: bswap() goes by its
 * size.
 */
void check_var_narrow(struct check *c, struct var *v, const struct type *t, struct pos pos);

/** The kernel's types, opened now; NULL: there are none. */
struct ctypes *check_kernel_types(struct check *c);
/** Why this program cannot have a built-in or function; NULL: it can. */
/** The type in C of what lies in memory at @x, a checked expression; NULL: nothing does. */
const struct ctype *check_in_memory(const struct ast *x, bool *ret_user);
/** Whether a place's context has the registers of a program. */
static inline bool check_is_in_program(const struct probe *p)
{
	return p->args == ARGS_USDT || p->attach.kind == ATTACH_UPROBE ||
	       p->attach.kind == ATTACH_URETPROBE;
}
const char *check_lacks(const struct check *c, const char *name);
/** Whether memory can be read at any address; if not, it is told. */
bool check_memory(struct check *c, struct pos pos);
/** A C type's values as a script sees them. NULL: out of memory. */
const struct type *check_of_c(struct check *c, const struct ctype *ct, bool is_user);
/** What a type's name in the script means; NULL: it was told. */
const struct type *check_type_name(struct check *c, const struct ast_type *t, bool is_user);
const struct ctype *check_ctype_name(struct check *c, const struct ast_type *t);
/** Types behind a name that may be in the probe's program, the script or the kernel. */
bool check_find_ctype(struct check *c, const char *name, const struct ctype **ret);
bool check_in_user(const struct check *c);
/** Whether an operation on @x's both operands, of types @a and @b, works with signed numbers. */
bool check_both_signed(const struct check *c, const struct ast *x, const struct type *a,
		       const struct type *b);
/** An expression's value when the compiler knows it. */
bool check_const(const struct check *c, const struct ast *x, int64_t *ret);
/** The text of a literal or a positional parameter; NULL: it is none. */
const char *check_text(const struct check *c, const struct ast *x, size_t *ret_len);
/** The type in which a map, key or tuple keeps values of @t: numbers have 8 bytes there. */
const struct type *check_kept(struct check *c, const struct type *t);
/** The type that holds values of both; NULL: there is none. */
const struct type *check_join(struct check *c, const struct type *a, const struct type *b);
const struct type *check_made(struct check *c, const struct type *t); /* NULL: notes no memory */

static inline bool type_is_number(const struct type *t)
{
	return t->kind == TYPE_INT || t->kind == TYPE_PTR;
}

/** A value of at most 8 bytes that is no bytes in memory: a number, or a symbol, a time ... */
static inline bool type_is_scalar(const struct type *t)
{
	switch (t->kind) {
	case TYPE_KSYM:
	case TYPE_TIME:
	case TYPE_CGROUP:
	case TYPE_USER:
	case TYPE_PROBE:
	case TYPE_ERRNO:
	case TYPE_SIGNAL: return true;
	default: return type_is_number(t);
	}
}

/** What a map, variable or record can hold. Arrays with an open end, for example, it is not. */
static inline bool type_is_value(const struct type *t)
{
	return t->kind != TYPE_NONE && t->size > 0 && !t->is_ctx;
}

/** What a condition can be made of. */
static inline bool type_has_truth(const struct type *t)
{
	return type_is_scalar(t) || t->kind == TYPE_STR;
}

#endif
