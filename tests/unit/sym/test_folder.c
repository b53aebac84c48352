/* SPDX-License-Identifier: MIT */
/** Tests the symbol folder: what is printed is read back; what makes no sense is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "sym/folder.h"
#include "sym/naming.h"
#include "test.h"

static const struct dso by_id = { .path = "/bin/prog", .id = { .len = 2, .data = { 0xab, 0xcd } } };
static const struct dso by_inode = {
	.path = "/tmp/no id", .maj = 8, .min = 1, .ino = 77, .gen = 5
};

static const char *name_at(const struct symtab *t, uint64_t addr)
{
	const struct sym *s = t ? symtab_find(t, addr) : NULL;

	return s ? symtab_name(t, s) : "-";
}

static int there_and_back(void)
{
	struct folder head = { .hidden = true, .release = "6.1", .boot_id = "boot" }, f = { 0 };
	struct strbuf kernel = { 0 }, user = { 0 };

	folder_print_kernel_head(&kernel, &head);
	folder_print_function(&kernel, 0xffffffff81000000, 0x40, "start me [mod]");
	folder_print_user_head(&user);
	folder_print_file(&user, &by_id, "found");
	folder_print_function(&user, 0x1000, 0x10, "line\nbreak");
	folder_print_file(&user, &by_inode, "gone");
	folder_print_function(&user, 0x2000, 0x10, "other");
	int r = strbuf_ok(&kernel);
	if (!r)
		r = strbuf_ok(&user);
	if (!r)
		r = folder_parse(&f, "kernel",
				 (struct sonde_span){ (uint8_t *)kernel.data, kernel.len });
	if (!r)
		r = folder_parse(&f, "user", (struct sonde_span){ (uint8_t *)user.data, user.len });
	if (!r)
		r = folder_finish(&f);
	if (!r) {
		EXPECT(f.hidden && f.has_kernel && f.has_user);
		EXPECT_STR(f.release, "6.1");
		EXPECT_STR(f.boot_id, "boot");
		EXPECT_STR(name_at(&f.kernel, 0xffffffff8100003f), "start me [mod]");
		EXPECT_STR(name_at(&f.kernel, 0xffffffff81000040), "-");
		EXPECT_STR(name_at(folder_functions(&f, &by_id), 0x100f), "line?break");
		EXPECT_STR(name_at(folder_functions(&f, &by_inode), 0x2000), "other");

		struct dso moved = by_id, other = by_id, reused = by_inode;
		moved.path = "/elsewhere";
		other.id.data[0]++;
		reused.gen++;
		EXPECT(folder_functions(&f, &moved));
		EXPECT(!folder_functions(&f, &other));
		EXPECT(!folder_functions(&f, &reused));
	}
	folder_fini(&f);
	strbuf_fini(&kernel);
	strbuf_fini(&user);
	return r;
}

TEST(what_is_printed_is_read)
{
	EXPECT_EQ(there_and_back(), 0);
	test_oom(there_and_back);
}

TEST(nonsense_is_refused)
{
	static const struct {
		const char *text, *words; /* NULL: it is taken */
	} cases[] = {
		{ "sonde user 1\n", NULL },
		{ "sonde user 1\nlater says more\n", NULL },
		{ "sonde user 1\nfile - 0:0:1:0 gone /a\nf 0 1 x", NULL },
		{ "sonde kernel 1\nf ffffffffffffffff 1 x\n", NULL },
		{ "sonde user 2\n", "version" },
		{ "\n", "version" },
		{ "sonde user 1\nf 0 1 x\n", "before its file" },
		{ "sonde kernel 1\nf 0 0 x\n", "wanted 'f" },
		{ "sonde kernel 1\nf 0 1\n", "wanted 'f" },
		{ "sonde kernel 1\nf 0 1 \n", "wanted 'f" },
		{ "sonde kernel 1\nf g 1 x\n", "wanted 'f" },
		{ "sonde kernel 1\nf 10000000000000000 1 x\n", "wanted 'f" },
		{ "sonde user 1\nfile\n", "wanted 'file" },
		{ "sonde user 1\nfile - 1:2:3 gone /a\n", "wanted 'file" },
		{ "sonde user 1\nfile - 1:2:3:4 gone \n", "wanted 'file" },
		{ "sonde user 1\nfile - 4294967296:2:3:4 gone /a\n", "wanted 'file" },
		{ "sonde user 1\nfile xyz 1:2:3:4 gone /a\n", "build-id" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct folder f = { 0 };
		struct sonde_span s = { (const uint8_t *)cases[i].text, strlen(cases[i].text) };

		EXPECT_EQ(folder_parse(&f, "F", s), cases[i].words ? -EBADMSG : 0);
		EXPECT(!cases[i].words || strstr(sonde_err_str(), cases[i].words));
		EXPECT_EQ(folder_finish(&f), 0);
		folder_fini(&f);
	}
}

/* Names come from the folder; where it knows none, from no other file of that path. */
TEST(naming)
{
	char dir[] = "/tmp/test_folder.XXXXXX", path[64];
	struct strbuf b = { 0 }, name = { 0 };
	struct naming *n = NULL;
	struct map map = { .start = 0x400000, .end = 0x500000, .off = 0x1000 };
	struct dso shell = { .path = "/bin/sh", .id = { .len = 2, .data = { 1, 2 } } };

	EXPECT(mkdtemp(dir));
	folder_print_user_head(&b);
	folder_print_file(&b, &by_id, "found");
	folder_print_function(&b, 0x1000, 0x10, "_ZN1a1bEv");
	EXPECT_EQ(folder_save(dir, FOLDER_USER, &b), 0);
	EXPECT_EQ(naming_new(dir, &n), 0);

	EXPECT_EQ(dsos_intern(naming_dsos(n), &by_id, strlen(by_id.path), &map.dso), 0);
	EXPECT_EQ(naming_user(n, &map, 0x40000f, &name), 0);
	EXPECT(!strcmp(strbuf_text(&name), "a::b") || !strcmp(strbuf_text(&name), "_ZN1a1bEv"));
	name.len = 0;
	EXPECT_EQ(naming_user(n, &map, 0x400010, &name), 0);
	EXPECT_STR(strbuf_text(&name), "prog+0x1010");

	// There is a shell here, but of another build.
	EXPECT_EQ(dsos_intern(naming_dsos(n), &shell, 7, &map.dso), 0);
	name.len = 0;
	EXPECT_EQ(naming_user(n, &map, 0x400010, &name), 0);
	EXPECT_STR(strbuf_text(&name), "sh+0x1010");

	// Another boot's kernel addresses mean nothing.
	name.len = 0;
	EXPECT_EQ(naming_kernel(n, 0xffffffff81000000, &name), 0);
	EXPECT_STR(strbuf_text(&name), "[kernel]");

	naming_free(n);
	strbuf_fini(&b);
	strbuf_fini(&name);
	(void)snprintf(path, sizeof(path), "%s/sonde/user", dir);
	EXPECT_EQ(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/sonde", dir);
	EXPECT_EQ(rmdir(path), 0);
	EXPECT_EQ(rmdir(dir), 0);
}
