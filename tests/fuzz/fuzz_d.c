/* SPDX-License-Identifier: MIT */
/** Any bytes as a script in D: parsed, lowered, printed as a tree, compiled where it has no errors.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/syntax/d/d.h"
#include "made_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Made once: it takes longer than to compile a script. */
static struct world *the_world(void)
{
	static struct world *world;

	if (!world)
		sonde_check(made_world_new(/* has_types= */ true, &world) == 0);
	return world;
}

static void compile(struct diag *d, struct script_ast *ast)
{
	const struct compile_options how = { .unsafe = true };
	struct script *s = NULL;
	struct strbuf text = { 0 };

	ast_print(ast, &text);
	int r = compile_script(d, the_world(), ast, &how, &s);
	sonde_check((r == 0) == (s != NULL));
	sonde_check(r != -EINVAL || d->n_errors > 0);
	if (s)
		script_print_types(s, &text);
	script_free(s);
	strbuf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const params[] = { "12", "word", "-5x" };
	const struct d_options opt = {
		.params = params,
		.n_params = MEM_LEN(params),
		.script_name = "fuzz.d",
		.world = len % 4 == 3 ? D_RECORDED : D_LIVE,
		.target = len % 2 ? 1 : 0,
		.program = "/bin/made",
		.no_block = len % 8 == 5,
	};
	struct diag d = { .name = "fuzz", .text = (const char *)data, .text_len = len };
	struct arena arena = { 0 };
	struct script_ast ast = { 0 };

	int r = parse_d(&d, &arena, &opt, &ast);
	sonde_check(r == 0 || d.n_errors > 0);
	if (r == 0)
		compile(&d, &ast);
	diag_fini(&d);
	arena_fini(&arena);
	return 0;
}
