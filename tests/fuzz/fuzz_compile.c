/* SPDX-License-Identifier: MIT */
/**
 * Any bytes as a script, compiled against the world that is made for tests: probes of each kind,
 * and types of a kernel. What has no errors becomes programs.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/syntax/parse.h"
#include "made_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Made once: it takes longer than to compile a script. */
static struct world *the_world(bool has_types)
{
	static struct world *worlds[2];

	if (!worlds[has_types])
		sonde_check(made_world_new(has_types, &worlds[has_types]) == 0);
	return worlds[has_types];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const params[] = { "12", "text" };
	const struct compile_options how = { .params = params,
					     .n_params = MEM_LEN(params),
					     .unsafe = true };
	struct diag d = { .name = "fuzz", .text = (const char *)data, .text_len = len };
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };
	struct script *s = NULL;
	struct strbuf types = { 0 };

	if (parse_bt(&d, &arena, params, MEM_LEN(params), &ast) == 0) {
		// One of several lengths has no types.
		int r = compile_script(&d, the_world(len % 8 != 7), &ast, &how, &s);

		sonde_check((r == 0) == (s != NULL));
		sonde_check(r != -EINVAL || d.n_errors > 0);
		sonde_check(r == 0 || r == -EINVAL || r == -E2BIG);
		if (s)
			script_print_types(s, &types);
	}
	script_free(s);
	strbuf_fini(&types);
	diag_fini(&d);
	arena_fini(&arena);
	return 0;
}
