/* SPDX-License-Identifier: MIT */
/** sonde run --core DUMP: a script over a crash dump. */
#include "cmd/script_core.h"

#include "cmd/command.h"
#include "crash/script/dead.h"

int script_core_run(const struct script_trace *s, const char *kernel, int *ret_status)
{
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	sonde_auto(world_freep) struct world *w = NULL;
	sonde_auto(script_freep) struct script *script = NULL;

	int r = crash_open(s->paths, s->n_paths, kernel, &c);
	if (!r)
		r = dead_world_new(c, &w);
	if (!r)
		r = compile_script(s->diag, w, s->ast, s->how, &script);
	if (r < 0)
		return r;
	s->compiled(s->arg);
	if (s->dump)
		return script_dump(s->out, s->dump, s->ast, script);
	const struct dead_options opt = {
		.world = w,
		.script = script,
		.out = s->out,
		.format = s->format,
		.how = s->interpreter ? MACHINE_INTERPRETER : MACHINE_JIT,
		.note = cmd_note,
	};
	return dead_run(&opt, ret_status);
}
