/* SPDX-License-Identifier: MIT */
/** Tests the kernel's functions: ends of texts, modules, hidden addresses. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "sym/kallsyms.h"
#include "test.h"

static const char symbols[] = "ffffffff81000000 T _stext\n"
			      "ffffffff81000000 T startup\n"
			      "ffffffff81000040 t helper\n"
			      "ffffffff81000050 T __alias\n"
			      "ffffffff81000050 T alias\n"
			      "ffffffff81000100 T last_one\n"
			      "ffffffff81000200 T _etext\n"
			      "ffffffff81300000 D some_data\n"
			      "ffffffff81400000 T beyond\n"
			      "ffffffff83000000 T _sinittext\n"
			      "ffffffff83000010 t init_me\n"
			      "ffffffff83000020 T _einittext\n"
			      "not a line\n"
			      "ffffffffc0001000 t mod_a\t[one]\n"
			      "ffffffffc0001080 t mod_b\t[one]\n"
			      "ffffffffc0009000 t bpf_prog_1234\t[bpf]\n";
static const char modules[] = "one 8192 0 - Live 0xffffffffc0000000\n";

static int load(const char *text, const char *mods, struct symtab *t)
{
	FILE *s = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	FILE *m = mods ? fmemopen((void *)(uintptr_t)mods, strlen(mods), "r") : NULL;
	int r = s ? kallsyms_read(s, m, t) : -ENOMEM;

	if (s)
		fclose(s);
	if (m)
		fclose(m);
	return r;
}

TEST(names_end_where_they_should)
{
	static const struct {
		uint64_t addr;
		const char *name;
	} want[] = {
		{ 0xffffffff80ffffff, "-" },
		{ 0xffffffff81000000, "startup" },
		{ 0xffffffff8100003f, "startup" },
		{ 0xffffffff81000040, "helper" },
		{ 0xffffffff81000050, "alias" },
		{ 0xffffffff810001ff, "last_one" },
		{ 0xffffffff81000200, "-" },
		{ 0xffffffff81300000, "-" },
		{ 0xffffffff81400000, "-" },
		{ 0xffffffff83000010, "init_me" },
		{ 0xffffffff83000020, "-" },
		{ 0xffffffffc0000fff, "-" },
		{ 0xffffffffc0001000, "mod_a [one]" },
		{ 0xffffffffc0001fff, "mod_b [one]" },
		{ 0xffffffffc0002000, "-" },
		{ 0xffffffffc0009fff, "bpf_prog_1234 [bpf]" },
		{ 0xffffffffc000a000, "-" },
	};
	struct symtab t = { 0 };

	EXPECT_EQ(load(symbols, modules, &t), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct sym *s = symtab_find(&t, want[i].addr);

		EXPECT_STR(s ? symtab_name(&t, s) : "-", want[i].name);
	}
	symtab_fini(&t);
}

TEST(hidden_addresses_are_said)
{
	struct symtab t = { 0 };

	EXPECT_EQ(load("0000000000000000 T _stext\n0000000000000000 T a\n", NULL, &t), -EPERM);
	EXPECT(strstr(sonde_err_str(), "kptr_restrict"));
	symtab_fini(&t);
}
