/* SPDX-License-Identifier: MIT */
/**
 * What a script does, reckoned from its tree alone: for comparing with what its program does.
 *
 * It knows numbers, strings, tuples, variables, maps, loops and the functions of random_script.h,
 * and nothing of the checker's types. Instead the first letter of a name tells them:
 *
 *	$s1 @s1   signed numbers of 64 bits     $u1 @u1   unsigned ones
 *	$x1 @x1   strings                       $t1 @t1   (signed, string, unsigned)
 *	$i1       the variable of a range       @r @in    results, inputs: signed
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/syntax/ast.h"

enum { REF_PARTS_MOST = 4 };

struct ref_value {
	enum { REF_NONE, REF_NUM, REF_STR, REF_TUPLE } kind;
	uint64_t num;
	const char *text;
	const struct ref_value *parts;
	unsigned n_parts;
};

struct ref_entry {
	struct ref_value key, val; /* key: REF_NONE where the map has none */
	bool deleted;
	struct ref_entry *next;
};

struct ref_map {
	const char *name;
	struct ref_entry *entries;
	struct ref_map *next;
};

struct ref_var;

struct reference {
	struct arena *arena;
	struct ref_map *maps;
	struct ref_var *vars; /* the innermost first */
	unsigned depth;
	uint64_t steps; /* that were taken; too many end it */
	bool broken;	/* something that it does not know, or too many steps */
};

/** Runs the body of the script's first probe. */
void reference_run(struct reference *r, const struct script_ast *s);

/** Map @name, made if need be, and its element for @key, or NULL. */
struct ref_map *reference_map(struct reference *r, const char *name);
const struct ref_entry *reference_find(const struct ref_map *m, const struct ref_value *key);
void reference_set(struct reference *r, const char *name, struct ref_value key,
		   struct ref_value val);

static inline struct ref_value ref_num(uint64_t n)
{
	return (struct ref_value){ .kind = REF_NUM, .num = n };
}
static inline struct ref_value ref_str(const char *text)
{
	return (struct ref_value){ .kind = REF_STR, .text = text };
}

#endif
