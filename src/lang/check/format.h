/* SPDX-License-Identifier: MIT */
/** Formats of printf() and its like against their arguments. */
#ifndef LANG_FORMAT_H
#define LANG_FORMAT_H

struct check;
struct ast;

/** Checks the arguments (a list) of the call @x against @fmt. */
void format_check(struct check *c, struct ast *x, const char *fmt, struct ast *args);

#endif
