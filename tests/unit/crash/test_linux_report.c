/* SPDX-License-Identifier: MIT */
/** What is shown of a Linux kernel that was never alive, all of whose numbers are known here. */
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/linux/kernel.h"
#include "made_linux.h"
#include "made_shown.h"
#include "test.h"

static struct made_file core;

static const struct {
	const char *verb, *wanted;
} verbs[] = {
	{ "report", "Host        made?[2J (x86_64)\n" },
	{ "report", "Panic       Kernel panic - not syncing: ?\n" },
	{ "report", "Crashed     CPU 0 in 0 swapper/0\n" },
	{ "report", "Stack of the crash\n  ends here: it was running, and its registers are not" },
	{ "ps", "1.000 ms    0 ns  120.0 KiB  3.9 MiB  sh?]0;x\n" },
	{ "bt", "1 sh?]0;x: sleeping\n  #0  0xffffffff81001005 schedule+0x5\n" },
	{ "log", "[    1.234567] Kernel panic - not syncing: \\x1b\n" },
	{ "mods", "  made?[m  64 B        1  live   " },
	{ "mem", "  made-128  40.0 KiB      320       128     10        1\n" },
	{ "irq", "    5     77  made-chip  timer?c\n" },
	{ "files", "    1   2  rw    file     42  /made?[1m\n" },
	{ "files", "    1   3  rw    socket    0  / tcp LISTEN 127.0.0.1:22 -> 0.0.0.0:*\n" },
	{ "mount", "  /     ext4  /dev/vda?1\n" },
	{ "net", "      1  lo?[1m     up     65536  127.0.0.1/8  -        42\n" },
	{ "net", "      7  other?[1m  down    1500  -            -        43\n" },
	{ "net", "  NAMESPACE  PID  PROCESS  THREADS\n         42    1  sh?]0;x        1\n"
		 "         43    -  -              0\n" },
	{ "net", "  tcp    LISTEN           3     128  127.0.0.1:22   0.0.0.0:*       1   0  "
		 "sh?]0;x (and 1 more)      -\n" },
	{ "net", "  tcp    TIME-WAIT        0       0  127.0.0.1:22   127.0.0.2:80    -   -  - " },
	{ "net", "  tcp    FIN-WAIT-2       0       0  127.0.0.1:22   127.0.0.3:80    -   -  - " },
	{ "net",
	  "  u_dgr  UNCONN           0       0  /run/made?[1m  *               1   1  sh?]0;x " },
};

TEST(verbs)
{
	made_linux(MADE_LINUX, &core);
	made_write(&core);
	for (size_t i = 0; i < MEM_LEN(verbs); i++) {
		if (made_show(core.path, NULL, verbs[i].verb, CRASH_TEXT) < 0)
			test_failed(__FILE__, __LINE__, "%s: %s", verbs[i].verb, sonde_err_str());
		else if (!strstr(shown, verbs[i].wanted))
			test_failed(__FILE__, __LINE__, "%s: no '%s' in:\n%s", verbs[i].verb,
				    verbs[i].wanted, shown);
		expect_shown_is_safe(verbs[i].verb);
		EXPECT_EQ(made_show(core.path, NULL, verbs[i].verb, CRASH_JSON), 0);
		expect_shown_is_safe(verbs[i].verb);
	}
	EXPECT_EQ(made_show(core.path, NULL, "ps", CRASH_HTML), 0);
	EXPECT(strstr(shown, "<td>sh?]0;x\n") != NULL);
	EXPECT_EQ(made_show(core.path, NULL, "help", CRASH_TEXT), 0);
	EXPECT(strstr(shown, "  ps [PID]...             Tasks: states") != NULL);
	EXPECT(strstr(shown, "  net [PID]               Network") != NULL);
	made_fini(&core);
}

/* Two sockets, each of which says that the other is the next. */
TEST(sockets_that_go_round)
{
	made_linux(MADE_LINUX, &core);
	made_write(&core);
	EXPECT_EQ(made_show(core.path, NULL, "net", CRASH_TEXT), 0);
	EXPECT_STR(noted, "a chain of sockets goes round");
	made_fini(&core);
}

/* Broken lists are left after some steps, not after all that there may be. */
TEST(lists_that_go_round)
{
	sonde_auto(crash_closep) struct crash_core *c = NULL;
	struct linux_list list = { 0 };
	uint64_t head;

	made_linux(MADE_LINUX, &core);
	made_write(&core);
	const char *paths[] = { core.path };
	EXPECT_EQ(crash_open(paths, 1, NULL, &c), 0);
	if (c && linux_symbol(linux_of(c), "broken_list", &head)) {
		linux_list_begin(&list, head);
		while (linux_list_next(linux_of(c), &list))
			EXPECT(list.n < 20);
		EXPECT(list.cut && list.n >= 4);
	}
	EXPECT(c && list.cut);
	made_fini(&core);
}

/* What the report tells of one kernel, and does not tell of the other. */
TEST(oddities)
{
	static const char *const told[] = {
		"  CPU 0: 5 tasks want to run\n",
		"  1 sh?]0;x: blocked for 99 s in ?\n",
		"  10 waiter: blocked for 99 s in rwsem_down_write_slowpath\n",
		"  4 tasks blocked (D)\n",
		"  3 tasks wait for a lock in rwsem_down_write_slowpath, called by schedule\n",
		"  less than 1 % of memory was free\n",
		"  the slab made-128 takes 12 % of memory: 256000 objects of 128 bytes, which are "
		"not "
		"reclaimed\n",
		"  1 I/O errors in the messages\n",
	};

	made_linux(MADE_ODD, &core);
	made_write(&core);
	EXPECT_EQ(made_show(core.path, NULL, "report", CRASH_TEXT), 0);
	for (size_t i = 0; i < MEM_LEN(told); i++) {
		if (!strstr(shown, told[i]))
			test_failed(__FILE__, __LINE__, "no '%s' in:\n%s", told[i], shown);
	}
	expect_shown_is_safe("report");
	made_fini(&core);
	made_linux(MADE_LINUX, &core);
	made_write(&core);
	EXPECT_EQ(made_show(core.path, NULL, "report", CRASH_TEXT), 0);
	EXPECT(strstr(shown, "\nOddities\n  none\n\n"));
	made_fini(&core);
}

static int show_all(void)
{
	int r = 0;

	for (size_t i = 0; !r && i < MEM_LEN(verbs); i++) {
		r = made_show(core.path, NULL, verbs[i].verb, CRASH_TEXT);
		// What is shown without a failure is all there.
		if (!r && !strstr(shown, verbs[i].wanted))
			test_failed(__FILE__, __LINE__, "%s: no '%s' in:\n%s", verbs[i].verb,
				    verbs[i].wanted, shown);
	}
	return r;
}

/* No field is taken for one that the kernel does not have. */
TEST(without_memory)
{
	made_linux(MADE_LINUX, &core);
	made_write(&core);
	test_oom(show_all);
	made_fini(&core);
}
