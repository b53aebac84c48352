/* SPDX-License-Identifier: MIT */
/** Messages of the parts that both front ends share, with D's tags and D's names. */
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/d/tree.h"

static const struct {
	const char *tag, *d;
} tags[] = {
	{ "syntax", "D_SYNTAX" },
	{ "bad-character", "D_SYNTAX" },
	{ "unterminated-comment", "D_SYNTAX" },
	{ "unterminated-string", "D_STR_NL" },
	{ "bad-escape", "D_SYNTAX" },
	{ "bad-number", "D_INT_OFLOW" },
	{ "bad-parameter", "D_MACRO_UNDEF" },
	{ "bad-directive", "D_PRAGCTL_INVAL" },
	{ "bad-macro", "D_PRAGCTL_INVAL" },
	{ "bad-constant", "D_DECL_ARRSUB" },
	{ "bad-type", "D_DECL_COMBO" },
	{ "bad-struct", "D_DECL_INCOMPLETE" },
	{ "bad-setting", "D_PRAGMA_OPTSET" },
	{ "unknown-name", "D_IDENT_UNDEF" },
	{ "undefined-variable", "D_IDENT_UNDEF" },
	{ "undefined-map", "D_IDENT_UNDEF" },
	{ "unknown-function", "D_FUNC_UNDEF" },
	{ "unknown-type", "D_TYPE_ERR" },
	{ "unknown-field", "D_TYPE_MEMBER" },
	{ "unknown-symbol", "D_IDENT_UNDEF" },
	{ "no-struct", "D_OP_SOU" },
	{ "argument-count", "D_PROTO_LEN" },
	{ "bad-argument", "D_PROTO_ARG" },
	{ "not-constant", "D_PROTO_ARG" },
	{ "no-argument", "D_ARGS_IDX" },
	{ "no-arguments", "D_ARGS_NONE" },
	{ "no-retval", "D_ARGS_NONE" },
	{ "format-mismatch", "D_PRINTF_ARG_TYPE" },
	{ "format-count", "D_PRINTF_ARG_PROTO" },
	{ "bad-format", "D_PRINTF_ARG_FMT" },
	{ "type-mismatch", "D_OP_INCOMPAT" },
	{ "key-mismatch", "D_PROTO_LEN" },
	{ "bad-key", "D_KEY_TYPE" },
	{ "bad-operand", "D_OP_INT" },
	{ "bad-condition", "D_OP_SCALAR" },
	{ "bad-predicate", "D_PRED_SCALAR" },
	{ "bad-assignment", "D_AGG_REDEF" },
	{ "bad-assign", "D_OP_LVAL" },
	{ "bad-cast", "D_CAST_INVAL" },
	{ "bad-index", "D_ARR_BADREF" },
	{ "bad-expression", "D_SYNTAX" },
	{ "bad-size", "D_DECL_ARRBIG" },
	{ "no-value", "D_OP_DYN" },
	{ "division-by-zero", "D_DIV_ZERO" },
	{ "no-map", "D_AGG_NULL" },
	{ "unsafe", "D_ACT_DESTRUCTIVE" },
	{ "unknown-event", "D_PDESC_ZERO" },
	{ "no-match", "D_PDESC_ZERO" },
	{ "no-probe", "D_PDESC_ZERO" },
	{ "no-probes", "D_PDESC_ZERO" },
	{ "unknown-probe-type", "D_PDESC_ZERO" },
	{ "bad-attach-point", "D_PDESC_INVAL" },
	{ "no-file", "D_PROC_LIB" },
};

/* "@.self->x" is self->x, "@.x" is x; "$x" is this->x. */
static void rename_variables(char *words, size_t cap)
{
	static const char own[] = "this->";
	const size_t own_len = sizeof(own) - 1;

	for (char *p = words; *p; p++) {
		if (p[0] == '@' && p[1] == '.') {
			memmove(p, p + 2, strlen(p + 2) + 1);
		} else if (p[0] == '$' && p > words && p[-1] == '\'' &&
			   bt_lex_is_word_start(p[1])) {
			const size_t len = strlen(p + 1);
			if ((size_t)(p - words) + own_len + len + 1 > cap)
				return;
			memmove(p + own_len, p + 1, len + 1);
			memcpy(p, own, own_len);
		}
	}
}

const char *d_diag_words(const char *tag, char *words, size_t cap)
{
	rename_variables(words, cap);
	for (size_t i = 0; i < MEM_LEN(tags); i++)
		if (!strcmp(tags[i].tag, tag))
			return tags[i].d;
	return tag;
}
