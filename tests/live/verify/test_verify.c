/* SPDX-License-Identifier: MIT */
/** Each script of scripts.c compiles for this kernel, and its verifier takes the programs. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "lang/live/live.h"
#include "made_run.h"
#include "made_world.h"
#include "scripts.h"
#include "test.h"

enum { SHOWN = 1500 };

static int load(struct world *w, const char *text, bool say)
{
	static const char *const params[] = { "3", "text" };
	const struct compile_options how = { .params = params, .n_params = 2, .unsafe = true };
	struct made_run run = { 0 };
	struct made m;

	made_compile(&m, w, text, &how);
	int r = m.r ? m.r : made_run_load(&run, m.script);
	if (r < 0 && say) {
		const char *log = strbuf_text(&run.log);
		const size_t len = strlen(log);

		test_failed(__FILE__, __LINE__, "%s\n%s%s\n%s", text, strbuf_text(&m.diag.out),
			    sonde_err_str(), len > SHOWN ? log + len - SHOWN : log);
	}
	made_run_fini(&run);
	made_fini(&m);
	return r;
}

/* @first: what must be possible at all for the others. */
static void load_all(const char *const *scripts, const char *first)
{
	const struct live_options opt = { 0 };
	sonde_auto(world_freep) struct world *w = NULL;

	EXPECT_EQ(live_world_new(&opt, &w), 0);
	if (!w || !made_run_can()) {
		test_skip("no right to load programs");
		return;
	}
	if (first && load(w, first, /* say= */ false) < 0) {
		test_skip("this kernel has no such probes");
		return;
	}
	for (; *scripts; scripts++)
		EXPECT_EQ(load(w, *scripts, /* say= */ true), 0);
}

TEST(builtins)
{
	load_all(scripts_builtins, NULL);
}

TEST(arguments)
{
	load_all(scripts_arguments, NULL);
}

TEST(functions)
{
	load_all(scripts_functions, NULL);
}

TEST(strings)
{
	load_all(scripts_strings, NULL);
}

TEST(aggregations)
{
	load_all(scripts_aggregations, NULL);
}

TEST(maps)
{
	load_all(scripts_maps, NULL);
}

TEST(statements)
{
	load_all(scripts_statements, NULL);
}

TEST(output)
{
	load_all(scripts_output, NULL);
}

TEST(large)
{
	load_all(scripts_large, NULL);
}

TEST(kprobes)
{
	load_all(scripts_kprobe, "kprobe:vfs_read { @ = count(); }");
}

TEST(fentries)
{
	load_all(scripts_fentry, "fentry:vfs_read { @ = count(); }");
}
