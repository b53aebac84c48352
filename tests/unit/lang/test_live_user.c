/* SPDX-License-Identifier: MIT */
/** Places in programs: this test is the program. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "show_probe.h"
#include "test.h"

int live_target_one(int a, const char *b);
int live_target_two(int a);

/* As compilers call the part of a function that is seldom needed. */
__asm__(".pushsection .text\n.type live_target_far.cold, %function\n"
	"live_target_far.cold: .byte 0, 0, 0, 0\n.size live_target_far.cold, 4\n.popsection\n");

/* Instructions of known lengths: nop, 4 bytes of mov, ret. */
__asm__(".pushsection .text\n.type live_coded, %function\nlive_coded: nop\n"
#if defined(__x86_64__)
	".byte 0x8b, 0x44, 0x24, 0x08\n"
#endif
	"ret\n.size live_coded, . - live_coded\n.popsection\n");

__attribute__((noinline)) int live_target_one(int a, const char *b)
{
	__asm__ volatile("");
	return a + (int)strlen(b);
}

#if defined(__x86_64__)
/*
 * A marker, as <sys/sdt.h> writes it: a nop, and a note with its address, that of the section
 * .stapsdt.base, that of a counter, and names and arguments.
 */
#define HAS_MARKERS true
#define MARKER(name, args, counter)                                       \
	__asm__ volatile("990: nop\n"                                     \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"     \
			 ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"    \
			 "991: .asciz \"stapsdt\"\n992: .balign 4\n"      \
			 "993: .8byte 990b, live_sdt_base, " counter "\n" \
			 ".asciz \"sonde\"\n.asciz \"" name "\"\n"        \
			 ".asciz \"" args "\"\n994: .balign 4\n"          \
			 ".popsection\n");
__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
	".weak live_sdt_base\n.hidden live_sdt_base\nlive_sdt_base: .space 1\n"
	".size live_sdt_base, 1\n.popsection\n"
	".pushsection .probes,\"aw\",\"progbits\"\n.balign 2\n"
	"live_sdt_counter: .2byte 0\n.popsection\n");
#else
#define HAS_MARKERS false
#define MARKER(name, args, counter)
#endif

__attribute__((noinline)) int live_target_two(int a)
{
	MARKER("plain", "", "0");
	MARKER("twice", "-4@%edi 8@$7", "live_sdt_counter");
	int n = a * 3 + live_target_one(a, "two");
	MARKER("twice", "-4@%eax 8@$8", "live_sdt_counter");
	return n;
}

/* This program's path, in @ret. */
static const char *self(char ret[PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	ret[n < 0 ? 0 : n] = '\0';
	return ret;
}

/* Compares what "PROVIDER:this program:REST" finds with @want, where '$' is this program. */
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

static char *show_of(const struct live_options *opt, const char *provider, const char *rest,
		     const struct probe_wants *wants)
{
	char path[PATH_MAX], attach[PATH_MAX + 128];

	(void)snprintf(attach, sizeof(attach), "%s:%s:%s", provider, self(path), rest);
	return show_attach(opt, attach, wants);
}

static const struct live_options any = { 0 };
static const struct probe_wants none, regs = { .regs = true }, name = { .name = true };

TEST(functions)
{
	EXPECT(live_target_two(1));
	expect_of(&any, "u", "live_target_one", &none,
		  "uprobe:$:live_target_one: regs, kprobe, uprobe $\n");
	expect_of(&any, "ur", "live_target_*", &regs,
		  "uretprobe:$:live_target_one: regs return, kprobe, uretprobe $\n"
		  "+ uretprobe:$:live_target_two: regs return, kprobe, uretprobe $\n");
	expect_of(&any, "ur", "live_target_*", &name,
		  "uretprobe:$:live_target_one: regs return, kprobe, uretprobe $\n"
		  "uretprobe:$:live_target_two: regs return, kprobe, uretprobe $\n");
	expect_of(&any, "u", "cpp:live_target_one", &none,
		  "uprobe:$:cpp:live_target_one: regs, kprobe, uprobe $\n");
	const struct live_options one = { .pid = getpid() };
	expect_of(&one, "u", "live_target_one", &none,
		  "uprobe:$:live_target_one: regs, kprobe, uprobe $ of one process\n");
}

#if defined(__x86_64__)
#define SECOND "1"
#else
#define SECOND "4"
#endif
#define INSIDE "2"

TEST(arguments_by_name)
{
	const struct probe_wants fields = { .fields = true };

	expect_of(&any, "u", "live_target_one", &fields,
		  "uprobe:$:live_target_one: regs, kprobe, uprobe $\n"
		  "\tint a at 0, 4 bytes signed\n"
		  "\tchar * b at 1, 8 bytes\n");
	// Behind the entry and at the return registers hold other things.
	expect_of(&any, "u", "live_coded+" SECOND, &fields,
		  "uprobe:$:live_coded+" SECOND ": regs, kprobe, uprobe $\n");
	expect_of(&any, "ur", "live_target_two", &fields,
		  "uretprobe:$:live_target_two: regs return, kprobe, uretprobe $\n");
}

TEST(places_inside_of_functions)
{
	expect_of(&any, "uprobe", "live_coded+" SECOND, &none,
		  "uprobe:$:live_coded+" SECOND ": regs, kprobe, uprobe $\n");
	expect_of(&any, "uprobe", "live_coded+0", &none,
		  "uprobe:$:live_coded: regs, kprobe, uprobe $\n");
	sonde_auto(mem_freep) char *got = show_of(&any, "u", "live_coded+" INSIDE, &none);
	EXPECT(got &&
	       strstr(got, "live_coded+" INSIDE "' is inside of an instruction, which begins "
			   "at 'live_coded+"));
}

TEST(libraries_that_became_part_of_libc)
{
	sonde_auto(mem_freep) char *got = show_attach(&any, "u:libpthread:pthread_create", &none);

	if (got && strstr(got, "no such library"))
		test_skip("there is no libpthread here");
	else
		EXPECT(got && !strncmp(got, "uprobe:/", 8) &&
		       strstr(got, ":pthread_create: regs, kprobe, uprobe /"));
}

TEST(mistakes)
{
	expect_of(&any, "u", "live_target_oen", &none,
		  "no function 'live_target_oen' in '$'; did you mean 'live_target_one'? "
		  "[unknown-function]");
	expect_of(&any, "u", "nothing_like_it*", &none,
		  "no function of '$' matches 'nothing_like_it*' [no-match]");
	expect_of(&any, "u", "live_target_one+9999", &none,
		  "'live_target_one+9999' is behind the function's end [bad-attach-point]");
	expect_of(&any, "ur", "live_target_one+1", &none,
		  "'ur:$:live_target_one+1': an offset needs the entry of one function "
		  "[bad-attach-point]");
	expect_of(&any, "ur", "0x1000", &none,
		  "'ur:$:0x1000': a function's return needs the function's name "
		  "[bad-attach-point]");
	expect_of(&any, "u", "0", &none, "'0' is not in the code of '$' [bad-attach-point]");
	expect_of(&any, "u", "rust:main", &none,
		  "unknown language 'rust': there is cpp [bad-attach-point]");
	sonde_auto(mem_freep) char *got = show_attach(&any, "u:/nonexistent/x:main", &none);
	EXPECT_STR(got, "there is no file '/nonexistent/x' [no-file]");
}

/* The address of a function of this file, as the file has it, leads to the same place. */
TEST(addresses)
{
	char path[PATH_MAX], attach[PATH_MAX + 64];
	struct world *w = NULL;

	EXPECT_EQ(live_world_new(&(struct live_options){ .pid = getpid() }, &w), 0);
	if (!w)
		return;
	EXPECT_EQ(w->ops->address(w, self(path), "live_target_one"), (uintptr_t)live_target_one);
	EXPECT_EQ(w->ops->address(w, self(path), "live_target_none"), 0);
	world_free(w);
	extern const char __executable_start[];
	(void)snprintf(
		attach, sizeof(attach), "u:%s:%#llx", path,
		(unsigned long long)((uintptr_t)live_target_one - (uintptr_t)__executable_start));
	sonde_auto(mem_freep) char *got = show_attach(&any, attach, &none);
	EXPECT(got && strstr(got, ": regs, kprobe, uprobe "));
}

TEST(markers)
{
	if (!HAS_MARKERS) {
		test_skip("the markers of this test are x86-64's");
		return;
	}
	expect_of(&any, "usdt", "plain", &none, "usdt:$:sonde:plain: usdt, kprobe, uprobe $\n");
	// Places that read nothing share a program; with arguments each has its own way to them.
	expect_of(&any, "U", "sonde:twice", &none,
		  "usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n"
		  "+ usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n");
	expect_of(&any, "usdt", "so*:tw*", &regs,
		  "usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n"
		  "usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n");
	// One name: to tell it needs no program for each place.
	expect_of(&any, "usdt", "twice", &name,
		  "usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n"
		  "+ usdt:$:sonde:twice: usdt, kprobe, uprobe $ with a semaphore, 2 arguments\n");
	expect_of(&any, "usdt", "twise", &none,
		  "no marker 'twise' in '$'; did you mean 'twice'? [unknown-marker]");
	expect_of(&any, "usdt", "other:twice", &none,
		  "no marker 'twice' in '$'; did you mean 'twice'? [unknown-marker]");
	expect_of(&any, "usdt", "x*", &none, "no marker of '$' matches 'x*' [no-match]");
	// With a process the program may be left out.
	const struct live_options one = { .pid = getpid() };
	sonde_auto(mem_freep) char *got = show_attach(&one, "usdt:plain", &none);
	EXPECT(got && strstr(got, ":sonde:plain: usdt, kprobe, uprobe /proc/") &&
	       strstr(got, " of one process"));
	sonde_auto(mem_freep) char *bad = show_attach(&any, "usdt:plain", &none);
	EXPECT_STR(bad, "'usdt:plain' is not of the form usdt:PROGRAM:[PROVIDER:]MARKER "
			"[bad-attach-point]");
}
