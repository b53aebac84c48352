/* SPDX-License-Identifier: MIT */
/** Formats of printf() and its like against their arguments. */
#ifndef LANG_FORMAT_H
#define LANG_FORMAT_H

struct check;
struct ast;
struct type;

/** Checks the arguments (a list) of the call @x against @fmt. */
void format_check(struct check *c, struct ast *x, const char *fmt, struct ast *args);

/** The same in D, whose conversions are others. */
void format_check_d(struct check *c, struct ast *x, const char *fmt, struct ast *args);
/** printa(): conversions for parts of @key, and those with '@' for the aggregations @maps. */
void format_check_printa(struct check *c, struct ast *x, const char *fmt, const struct type *key,
			 const struct ast *maps);

#endif
