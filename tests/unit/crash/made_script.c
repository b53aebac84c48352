/* SPDX-License-Identifier: MIT */
/** Runs a script over a dump, as the command does. */
#include "made_script.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "crash/script/dead.h"
#include "lang/gen/compile.h"
#include "lang/syntax/diag.h"
#include "lang/syntax/parse.h"
#include "test.h"

static void note(void *arg, const char *line)
{
	out_fmt(arg, "note: %s\n", line);
}

void made_script(struct crash_core *c, const char *text, enum machine_how how, char *ret,
		 size_t room)
{
	sonde_auto(world_freep) struct world *w = NULL;
	sonde_auto(script_freep) struct script *script = NULL;
	sonde_auto(mem_closep) int fd = memfd_create("out", 0);
	struct arena arena = { 0 };
	struct diag d = { .name = "-e", .text = text, .text_len = strlen(text) };
	struct compile_options options = { 0 };
	struct script_ast ast;
	struct sonde_out out;
	int status = 0;

	EXPECT_EQ(out_init(&out, fd), 0);
	EXPECT_EQ(dead_world_new(c, &w), 0);
	int r = parse_bt(&d, &arena, NULL, 0, &ast);
	if (r == 0)
		r = compile_script(&d, w, &ast, &options, &script);
	if (r == 0)
		r = dead_run(&(struct dead_options){ .world = w,
						     .script = script,
						     .out = &out,
						     .format = PRINT_TEXT,
						     .how = how,
						     .note = note,
						     .note_arg = &out },
			     &status);
	ssize_t n = pread(fd, ret, room - 1, 0);
	ret[n > 0 ? n : 0] = '\0';
	if (r < 0)
		(void)snprintf(ret, room, "%s", strbuf_text(&d.out));
	out_fini(&out);
	diag_fini(&d);
	arena_fini(&arena);
}
