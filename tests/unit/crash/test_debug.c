/* SPDX-License-Identifier: MIT */
/** Lines and inlined calls in stacks of a kernel that lies elsewhere than its file says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "crash/debug/debug.h"
#include "crash/freebsd/symbols.h"
#include "crash/verbs/frame.h"
#include "sym/ctype.h"
#include "test.h"

enum { MOVED = 0x17000000, MODULE = 0x60000000 };

static bool other_build;

static const char *path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", SUBJECTS, name);
	return path;
}

static bool image(struct crash_core *c, const char *module, struct crash_image *ret)
{
	*ret = (struct crash_image){ .moved = module ? 0 : MOVED, .release = "../x" };
	sonde_auto(mem_closep) int fd = open(c->kernel_path, O_RDONLY | O_CLOEXEC);
	if (!module)
		EXPECT(build_id_read(fd, &ret->id));
	if (other_build)
		ret->id = (struct build_id){ .len = 4, .data = { 1, 2, 3, 4 } };
	return true;
}

static bool section(struct crash_core *c, const char *module, const char *name, uint64_t *ret)
{
	(void)c;
	*ret = MODULE;
	return !strcmp(module, "subject_module") && !strcmp(name, ".text");
}

static const struct crash_system made = { .image = image, .section = section };

static uint64_t place(const char *file, const char *name)
{
	struct bsd_symbols s = { 0 };

	EXPECT_EQ(bsd_symbols_open(path_of(file), &s), 0);
	const struct bsd_symbol *found = s.n ? bsd_symbols_named(&s, name) : NULL;
	EXPECT(found);
	uint64_t at = found ? found->start : 0;
	bsd_symbols_fini(&s);
	return at;
}

/* A stack of code in crash_here, called from kernel_main and from the module. */
static int stack_of(struct crash_stack *s)
{
	const struct crash_frame frames[] = {
		{ .pc = MOVED + place("kernel.dwarf5", "here_deepest"),
		  .exact = true,
		  .symbol = { .name = "crash_here", .start = 1 } },
		{ .pc = 0x1234, .exact = true },
		{ .pc = MOVED + place("kernel.dwarf5", "here_caller") + 1,
		  .symbol = { .name = "kernel_main" } },
		{ .pc = MODULE + place("subject-module.ko", "here_middle") + 1,
		  .symbol = { .name = "crash_here", .module = "subject_module" } },
	};

	int r = mem_grow(&s->frames, &s->cap, MEM_LEN(frames));
	if (r < 0)
		return r;
	memcpy(s->frames, frames, sizeof(frames));
	s->n = MEM_LEN(frames);
	return 0;
}

static void fini(struct crash_core *c)
{
	crash_debug_free(c->debug);
	arena_fini(&c->arena);
}

static const char *shown(const struct crash_stack *s)
{
	static char out[1024];
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < s->n && len < sizeof(out); i++) {
		const struct crash_frame *f = &s->frames[i];

		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s %s:%u%s%s\n",
					f->symbol.name ? f->symbol.name : "?",
					f->file ? f->file : "?", f->line, f->inlined ? " in" : "",
					f->symbol.module ? " of a module" : "");
	}
	return out;
}

TEST(frames_are_put_in)
{
	struct crash_core c = { .system = &made, .kernel_path = path_of("kernel.dwarf5") };
	struct crash_stack s = { 0 };
	char *kernel = strdup(c.kernel_path);

	c.kernel_path = kernel;
	c.debug_options.modules = SUBJECTS;
	// The second time all comes out of what was kept.
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(stack_of(&s), 0);
		EXPECT_EQ(crash_debug_expand(&c, &s), 0);
		EXPECT_STR(shown(&s), "deepest include/deep.h:102 in\n"
				      "middle include/middle.h:205 in\n"
				      "crash_here core/main.c:304\n"
				      "? ?:0\n"
				      "kernel_main core/main.c:404\n"
				      "middle include/middle.h:206 in of a module\n"
				      "crash_here core/main.c:304 of a module\n");
		EXPECT(s.n == 7 && s.frames[0].pc == s.frames[2].pc && s.frames[0].exact &&
		       s.frames[2].symbol.start == 1);
	}
	EXPECT(!crash_debug_problem(&c));
	crash_stack_fini(&s);
	fini(&c);
	free(kernel);
}

/* Inlined calls are left out where a stack would become too deep; its own frames are not. */
TEST(deep_stacks)
{
	struct crash_core c = { .system = &made };
	struct crash_stack s = { 0 };
	char *kernel = strdup(path_of("kernel.dwarf4"));

	c.kernel_path = kernel;
	EXPECT_EQ(mem_grow(&s.frames, &s.cap, CRASH_FRAMES_MOST), 0);
	const struct crash_frame f = { .pc = MOVED + place("kernel.dwarf4", "here_deepest"),
				       .exact = true,
				       .symbol = { .name = "crash_here" } };
	for (s.n = 0; s.n < CRASH_FRAMES_MOST - 3; s.n++)
		s.frames[s.n] = f;
	EXPECT_EQ(crash_debug_expand(&c, &s), 0);
	EXPECT_EQ(s.n, CRASH_FRAMES_MOST - 1);
	EXPECT_STR(s.frames[0].file, "core/main.c");
	EXPECT_STR(s.frames[s.n - 3].file, "include/deep.h");
	crash_stack_fini(&s);
	fini(&c);
	free(kernel);
}

TEST(files_of_other_builds)
{
	struct crash_core c = { .system = &made };
	struct crash_stack s = { 0 };
	char *kernel = strdup(path_of("kernel.plain"));

	c.kernel_path = kernel;
	c.debug_options.modules = SUBJECTS;
	other_build = true;
	EXPECT_EQ(stack_of(&s), 0);
	EXPECT_EQ(crash_debug_expand(&c, &s), 0);
	EXPECT_EQ(s.n, 4);
	EXPECT(!s.frames[0].file && !s.frames[3].file);
	EXPECT(crash_debug_problem(&c));
	other_build = false;
	crash_stack_fini(&s);
	fini(&c);
	free(kernel);
}

/* What `print` goes by where a dump has no types of its own. */
TEST(types_of_the_file)
{
	static const char *const files[] = { "kernel.dwarf4", "kernel.packed", "kernel.stripped" };

	for (size_t i = 0; i < MEM_LEN(files); i++) {
		struct ctypes *db = NULL;
		const struct ctype *t = NULL;
		struct cmember m;

		EXPECT_EQ(ctypes_open_dwarf_mapped(path_of(files[i]), &db), 0);
		EXPECT_EQ(db ? ctypes_find(db, "item_t", &t) : -1, 0);
		if (t) {
			EXPECT(ctype_member(t, "kind", &m) && m.bit_size == 5);
			EXPECT(ctype_member(t, "word", &m) && m.bit_off == 32 * 8);
			EXPECT(ctype_member(t, "next", &m) && ctype_elem(m.type) == t);
		}
		ctypes_free(db);
	}
	struct ctypes *none = NULL;
	EXPECT_EQ(ctypes_open_dwarf_mapped(path_of("kernel.plain"), &none), -ENOENT);
	EXPECT(!none);
}

/* In memory there are none of a variable that is not each CPU's own. */
TEST(types_of_variables)
{
	struct crash_core c = { .system = &made };
	const struct ctype *t = NULL;
	struct cmember m;

	EXPECT_EQ(crash_var_type(&c, "first", &t), -ENOENT);
	c.kernel_path = path_of("kernel.dwarf4");
	EXPECT_EQ(crash_var_type(&c, "first", &t), 0);
	EXPECT(t && ctype_member(t, "kind", &m) && m.bit_size == 5);
	EXPECT_EQ(crash_var_type(&c, "nosuch", &t), -ENOENT);
	ctypes_free(c.file_types);
	c.file_types = NULL;
	c.kernel_path = path_of("kernel.plain");
	EXPECT_EQ(crash_var_type(&c, "first", &t), -ENOENT);
	EXPECT(!c.file_types);
}

TEST(frames_as_text)
{
	static const struct {
		struct crash_frame f;
		const char *text;
	} cases[] = {
		{ { .pc = 0x1234 }, "0x0000000000001234 ?" },
		{ { .pc = 0x1234, .symbol = { "f", NULL, 0x1230, 8 } },
		  "0x0000000000001234 f+0x4" },
		{ { .pc = 0x1234,
		    .symbol = { "g", "mod", 0x1234, 0 },
		    .file = "a/b.c",
		    .line = 7,
		    .inlined = true },
		  "0x0000000000001234 g [mod] (a/b.c:7) (inlined)" },
		{ { .pc = 0x1234, .symbol = { "f", NULL, 0x1230, 8 }, .guessed = true },
		  "0x0000000000001234 f+0x4 (found by searching)" },
	};
	char text[CRASH_FRAME_TEXT], name[2 * CRASH_FRAME_TEXT];

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		crash_frame_text(&cases[i].f, text);
		EXPECT_STR(text, cases[i].text);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	const struct crash_frame f = { .symbol = { .name = name, .module = name },
				       .guessed = true };
	crash_frame_text(&f, text);
	EXPECT_EQ(strlen(text), CRASH_FRAME_TEXT - 1);
}

static int expand_once(void)
{
	struct crash_core c = { .system = &made };
	struct crash_stack s = { 0 };
	static char kernel[4096];

	(void)snprintf(kernel, sizeof(kernel), "%s", path_of("kernel.dwarf5"));
	c.kernel_path = kernel;
	c.debug_options.modules = SUBJECTS;
	s.frames = calloc(1, sizeof(*s.frames));
	s.n = s.cap = s.frames ? 1 : 0;
	if (s.frames)
		s.frames[0] = (struct crash_frame){
			.pc = MODULE, .symbol = { .name = "x", .module = "subject_module" }
		};
	int r = s.frames ? crash_debug_expand(&c, &s) : -ENOMEM;
	crash_stack_fini(&s);
	fini(&c);
	return r;
}

TEST(without_memory)
{
	test_oom(expand_once);
}
