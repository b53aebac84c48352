/* SPDX-License-Identifier: MIT */
/** Places in programs: this test is the program. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "show_probe.h"
#include "test.h"

int live_target_one(int a, const char *b);
int live_target_two(int a);

__attribute__((noinline)) int live_target_one(int a, const char *b)
{
	__asm__ volatile("");
	return a + (int)strlen(b);
}

__attribute__((noinline)) int live_target_two(int a)
{
	__asm__ volatile("");
	return a * 3 + live_target_one(a, "two");
}

/* This program's path, in @ret. */
static const char *self(char ret[PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	ret[n < 0 ? 0 : n] = '\0';
	return ret;
}

/* Finds "PROVIDER:this program:REST", and compares with @want, where '$' is this program. */
static void expect_of(const struct live_options *opt, const char *provider, const char *rest,
		      const struct probe_wants *wants, const char *want)
{
	char path[PATH_MAX], attach[PATH_MAX + 128];
	struct strbuf whole = { 0 };

	(void)snprintf(attach, sizeof(attach), "%s:%s:%s", provider, self(path), rest);
	for (const char *p = want; *p; p++) {
		if (*p == '$')
			strbuf_str(&whole, path);
		else
			strbuf_add(&whole, p, 1);
	}
	sonde_auto(mem_freep) char *got = show_attach(opt, attach, wants);
	EXPECT_STR(got, strbuf_text(&whole));
	strbuf_fini(&whole);
}

TEST(empty_so_far)
{
	EXPECT(live_target_two(1));
	expect_of(&(struct live_options){ 0 }, "u", "live_target_one", &(struct probe_wants){ 0 },
		  "uprobe:$:live_target_one: regs, kprobe, uprobe $\n");
}
