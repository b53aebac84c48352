/* SPDX-License-Identifier: MIT */
/** Bytes, text, tokens, tree, description: one way, each stage its own file. */
#include "ctf/metadata.h"

#include <errno.h>

#include <sonde/err.h>

#include "ctf/tsdl_build.h"
#include "ctf/tsdl_parse.h"

/** Most memory for the syntax tree, and for the description. */
#define SCRATCH_MAX ((size_t)256 << 20)
#define TRACE_MAX   ((size_t)256 << 20)

static int parse(const char *path, struct sonde_span bytes, struct arena *scratch,
		 struct arena *arena, struct sonde_trace **ret)
{
	struct tsdl_text text;
	struct lexer x;
	struct ast_block *blocks = NULL;

	int r = tsdl_text_open(path, bytes, scratch, &text);
	if (r == 0)
		r = lex_init(&x, text, scratch, arena);
	if (r == 0)
		r = tsdl_parse(&x, &blocks);
	if (r < 0)
		return r;

	struct sonde_trace *trace = arena_new(arena, struct sonde_trace);
	struct build *b = arena_new(scratch, struct build);
	if (!trace || !b)
		return -ENOMEM;
	b->x = &x;
	b->arena = arena;
	b->names.scratch = scratch;
	b->trace = trace;
	r = tsdl_build(b, blocks);
	slots_fini(&b->slots);
	if (r == 0)
		*ret = trace;
	return r;
}

int ctf_metadata_parse(const char *path, struct sonde_span bytes, struct arena *arena,
		       struct sonde_trace **ret)
{
	const size_t limit = arena->limit, used = arena->used;
	struct arena scratch = { .limit = SCRATCH_MAX };

	if (!limit || limit - used > TRACE_MAX)
		arena->limit = used + TRACE_MAX;
	int r = parse(path, bytes, &scratch, arena, ret);
	// Near a limit of ours it is the text that asks for too much.
	if (r == -ENOMEM && (arena->used - used > TRACE_MAX / 2 || scratch.used > SCRATCH_MAX / 2))
		r = sonde_fail(-EBADMSG, "%s: describing it takes more than %zu MiB of memory",
			       path, TRACE_MAX >> 20);
	arena->limit = limit;
	arena_fini(&scratch);
	return r < 0 && r != -EBADMSG ? sonde_wrap(r, "%s", path) : r;
}
