/* SPDX-License-Identifier: MIT */
/** Any bytes as a script; what parses must print, parse again, and print the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/syntax/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const params[] = { "/bin/x", "2" };

static void again(const struct strbuf *first)
{
	struct diag d = { .name = "printed", .text = strbuf_text(first), .text_len = first->len };
	struct arena arena = { 0 };
	struct strbuf second = { 0 };
	struct script_ast s = { 0 };

	sonde_check(parse_bt(&d, &arena, params, MEM_LEN(params), &s) == 0);
	ast_print(&s, &second);
	sonde_check(second.len == first->len && !memcmp(first->data, second.data, first->len));
	strbuf_fini(&second);
	diag_fini(&d);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct diag d = { .name = "fuzz", .text = (const char *)data, .text_len = len };
	struct arena arena = { 0 };
	struct strbuf text = { 0 };
	struct script_ast s = { 0 };

	int r = parse_bt(&d, &arena, params, MEM_LEN(params), &s);
	sonde_check(r == 0 || d.n_errors > 0);
	if (r == 0)
		ast_print(&s, &text);
	// Printed, macros take more room than in the script.
	if (text.len && text.len <= PARSE_BYTES_MOST)
		again(&text);
	strbuf_fini(&text);
	diag_fini(&d);
	arena_fini(&arena);
	return 0;
}
