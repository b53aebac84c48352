/* SPDX-License-Identifier: MIT */
/** Functions that kprobes take: out of texts written here, and the running kernel's. */
#include <errno.h>

#include "base/strbuf.h"
#include "sym/probe/kernel_funcs.h"
#include "test.h"

static struct kernel_funcs *parse(const char *text)
{
	struct kernel_funcs *k = NULL;

	EXPECT_EQ(kernel_funcs_parse(text, strlen(text), &k), 0);
	return k;
}

static int note(void *arg, const struct kernel_func *fn)
{
	strbuf_fmt(arg, *fn->module ? "%s[%s] " : "%s ", fn->name, fn->module);
	return 0;
}

static void check(const struct kernel_funcs *k, const char *module, const char *pattern,
		  const char *wanted)
{
	struct strbuf b = { 0 };

	EXPECT_EQ(kernel_funcs_each(k, module, pattern, note, &b), 0);
	EXPECT_STR(strbuf_text(&b), wanted);
	strbuf_fini(&b);
}

TEST(names_with_modules)
{
	struct kernel_funcs *k =
		parse("vfs_write\nvfs_read\nvfs_read\next4_read [ext4]\n"
		      "__ftrace_invalid_address___16\nread_x [btrfs]\nread_x [ext4]\n");
	size_t n = 0;

	check(k, NULL, "vfs_*", "vfs_read vfs_write ");
	check(k, NULL, "*read*", "ext4_read[ext4] read_x[btrfs] vfs_read ");
	check(k, "ext4", "*", "ext4_read[ext4] read_x[ext4] ");
	check(k, "vmlinux", "*", "vfs_read vfs_write ");
	check(k, NULL, "vfs_read", "vfs_read ");
	check(k, NULL, "none", "");
	(void)kernel_funcs_all(k, &n);
	EXPECT_EQ(n, 6);
	EXPECT(kernel_funcs_find(k, "ext4_read"));
	EXPECT_STR(kernel_funcs_find(k, "ext4_read")->module, "ext4");
	EXPECT(!kernel_funcs_find(k, "ext4"));
	EXPECT_STR(kernel_funcs_near(k, "vfs_raed"), "vfs_read");
	EXPECT(!kernel_funcs_near(k, "zzzzzz"));
	kernel_funcs_free(k);
}

TEST(symbols_of_kallsyms)
{
	struct kernel_funcs *k = parse("ffffffff81000000 T _stext\n"
				       "ffffffff81000010 T vfs_read\n"
				       "ffffffff81000020 t local_one\n"
				       "ffffffff81000030 D some_data\n"
				       "ffffffff81000040 T __pfx_vfs_read\n"
				       "ffffffff81000100 T asm_entry\n"
				       "ffffffff81000100 T __entry_text_start\n"
				       "ffffffff81000180 W weak_one\n"
				       "ffffffff81000200 T __entry_text_end\n"
				       "ffffffff81000200 T after_entry\n"
				       "ffffffffc0000000 t mod_fn\t[ext4]\n"
				       "ffffffffc0001000 t bpf_prog_x\t[bpf]\n"
				       "not a line\n");

	check(k, NULL, "*", "after_entry local_one mod_fn[ext4] vfs_read ");
	kernel_funcs_free(k);
}

TEST(hidden_addresses)
{
	struct kernel_funcs *k = parse("0000000000000000 T vfs_read\n"
				       "0000000000000000 T _sinittext\n"
				       "0000000000000000 T _einittext\n");

	EXPECT(kernel_funcs_find(k, "vfs_read"));
	kernel_funcs_free(k);
	k = parse("");
	check(k, NULL, "*", "");
	kernel_funcs_free(k);
}

static int parse_once(void)
{
	struct kernel_funcs *k = NULL;
	struct strbuf b = { 0 };
	int r = kernel_funcs_parse("a\nb [c]\n", 8, &k);

	if (!r)
		r = kernel_funcs_each(k, NULL, "*", note, &b);
	strbuf_fini(&b);
	kernel_funcs_free(k);
	return r;
}

TEST(out_of_memory)
{
	test_oom(parse_once);
}

TEST(the_running_kernel)
{
	struct kernel_funcs *k = NULL;
	size_t n = 0;
	int r = kernel_funcs_open(&k);

	if (r < 0) {
		test_skip("this kernel's functions cannot be read");
		return;
	}
	(void)kernel_funcs_all(k, &n);
	EXPECT(n > 1000);
	EXPECT(kernel_funcs_find(k, "vfs_read"));
	kernel_funcs_free(k);
}
