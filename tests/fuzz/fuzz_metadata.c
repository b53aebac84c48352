/* SPDX-License-Identifier: MIT */
/** Any bytes as metadata; what parses must print, parse again, and print the same. */
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "ctf/metadata.h"
#include "ctf/tsdl_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void again(const struct strbuf *first)
{
	struct arena arena = { 0 };
	struct strbuf second = { 0 };
	struct sonde_trace *t = NULL;
	const struct sonde_span text = { (const uint8_t *)strbuf_text(first), first->len };

	sonde_check(ctf_metadata_parse("printed", text, &arena, &t) == 0);
	sonde_check(tsdl_print(t, &second) == 0);
	sonde_check(second.len == first->len && !memcmp(first->data, second.data, first->len));
	strbuf_fini(&second);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena = { 0 };
	struct strbuf text = { 0 };
	struct sonde_trace *t = NULL;

	if (ctf_metadata_parse("fuzz", (struct sonde_span){ data, len }, &arena, &t) == 0 &&
	    tsdl_print(t, &text) == 0)
		again(&text);
	strbuf_fini(&text);
	arena_fini(&arena);
	return 0;
}
