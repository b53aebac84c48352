/* SPDX-License-Identifier: MIT */
/** The values of expressions, for reference.c. */
#ifndef REFERENCE_EXPR_H
#define REFERENCE_EXPR_H

#include "reference.h"

/** How wide a number is, and whether it has a sign. */
struct ref_type {
	unsigned size;
	bool is_signed;
};

struct ref_value ref_eval(struct reference *r, const struct ast *x);
bool ref_truth(struct reference *r, const struct ast *x);
struct ref_value ref_tuple(struct reference *r, const struct ast *list);
/** Of an expression that is a number. */
struct ref_type ref_type_of(const struct ast *x);
bool ref_both_signed(const struct ast *a, const struct ast *b);
/** @left: the type of the left operand, for shifts. */
uint64_t ref_arith(enum op op, uint64_t a, uint64_t b, struct ref_type left, bool is_signed);

/* reference.c */
void *ref_alloc(struct reference *r, size_t len);
bool ref_same(const struct ref_value *a, const struct ref_value *b);
struct ref_value ref_key(struct reference *r, const struct ast *keys);
struct ref_value ref_map_read(struct reference *r, const char *name, const struct ref_value *key);
bool ref_map_delete(struct reference *r, const char *name, const struct ref_value *key);
struct ref_value ref_var_read(struct reference *r, const char *name);
void ref_var_write(struct reference *r, const char *name, struct ref_value val);

#endif
