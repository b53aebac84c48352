/* SPDX-License-Identifier: MIT */
/** What is shown of a FreeBSD kernel with types, all of whose numbers are known here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/core.h"
#include "crash/freebsd/header.h"
#include "made_freebsd.h"
#include "made_shown.h"
#include "test.h"

static struct made_file core;

static void expect_text(const char *const *wanted)
{
	for (; *wanted; wanted++) {
		if (!strstr(shown, *wanted))
			test_failed(__FILE__, __LINE__, "no '%s'", *wanted);
	}
}

static const char *const report[] = {
	"Kernel      FreeBSD 14.0-RELEASE #0: made     root@build:/usr/obj",
	"Compiler    clang version 16\n",
	"Host        bsd.example (amd64)\n",
	"Uptime      0 d 00:01:40\n",
	"Panic       page fault ?[31m\n",
	"CPUs        2\n",
	"Load        0.50 1.00 1.50\n",
	"Memory      1024 MiB\n",
	"Threads     2, 1 on a CPU\n",
	"Crashed     CPU 1 in thread 100002 of 2 sh?[7m\n",
	" panic+0x0\n",
	"Threads (ps -axlww)\n",
	"  pages free                      1,500\n",
	"  pages active                       22\n",
	"  context switches                1,234\n",
	"  traps                              11\n",
	"  bytes of a page                 4,096\n",
	"  dev?[2Jbuf      11  67.9 KiB        14\n",
	"  mbuf   256  1,024   110   335       162       3\n",
	"  irq1: atkbd0  12,345  123 /s\n  cpu0:timer       400    4 /s\n",
	"  open files     7  5,000\n",
	"  vnodes       123  4,567\n",
	"  ada0p3  2.0 GiB  4.0 MiB\n",
	"  100001    1     -     -    -  wait         0 ns      0 ns  init\n",
	"  100002    2     1  1001    1  running  3.000  s  1.000  s  sh?[7m\n",
	"  udp       opackets      7\n",
	"  tcp4           500      60  10.0.0.1.22   10.0.0.2.80  established\n",
	"  tcp6             -       -  *.22          *.*          listen\n",
	"  dgram          500      60  /var/run/log",
	"  tcp6      *.22         7           3   128\n",
	"  em0        up             1500     1,500       0      9   222       0           0     "
	" 0\n",
	"  lo0        up, loopback  16384",
	"  em0        02:00:00:ab:01:02\n",
	"  em0        10.0.0.1/24\n",
	"  em0        fe80::1%3/64\n",
	"  default      10.0.0.254  UGS    em0        1500\n",
	"  10.0.0.0/24  link#3      U      em0           -\n",
	"  client  calls: read        66\n",
	"  server  srvrpccnt[9]       99\n",
	"Terminals   44 characters came in, 5555 went out\n",
	"  system           60   3.00 %\n",
	"  ada?[m1    300  1.0 MiB     200  2.0 MiB  3.500  s\n",
	"  memory  shmmax  536,870,912\n",
	"    2  sh?[7m    0  file    r     /usr/bin/sh\n",
	"    2  sh?[7m    2  socket  rw    -\n",
	"    2  sh?[7m    3  file    rw    ?\n",
	"  memory      1  0x0052e2c1   70  600   65,536  bytes\n",
	"  panic: page fault\n  cpuid = 1\n  x?[1m?2J\n",
	"  options SCHED_ULE\n  device em\n",
	"  db> show all\n  ?]0;owned?end\n",
	"Not shown\n  dump header: no info file lies beside the dump, and it does not begin with "
	"one\n",
	NULL,
};

TEST(all_sections_with_types)
{
	made_freebsd(MADE_FREEBSD, &core);
	made_write(&core);
	EXPECT_EQ(made_show(core.path, MADE_FREEBSD, "report", CRASH_TEXT), 0);
	expect_text(report);
	expect_shown_is_safe("report");
	EXPECT_EQ(made_show(core.path, MADE_FREEBSD, "report", CRASH_JSON), 0);
	EXPECT(strstr(shown, "\"panic\": \"page fault \\u001b[31m\""));
	EXPECT(strstr(shown, "\"dev\\u001b[2Jbuf\", \"in_use\": 11, \"bytes\": 69500,"));
	EXPECT_EQ(made_show(core.path, MADE_FREEBSD, "report", CRASH_HTML), 0);
	EXPECT(strstr(shown, "<td>mbuf<td class=n>256"));
	made_fini(&core);
}

/* Each verb that shows a part of it. */
TEST(parts)
{
	static const char *const parts[][2] = {
		{ "mem", "Zones (vmstat -z)" }, { "irq", "cpu0:timer" }, { "files", "/usr/bin/sh" },
		{ "net", "established" },	{ "disks", "cd0" },	 { "ipc", "0x0052e2c1" },
		{ "config", "device em" }
	};

	made_freebsd(MADE_FREEBSD, &core);
	made_write(&core);
	for (size_t i = 0; i < MEM_LEN(parts); i++) {
		EXPECT_EQ(made_show(core.path, MADE_FREEBSD, parts[i][0], CRASH_TEXT), 0);
		EXPECT(strstr(shown, parts[i][1]));
		EXPECT(!strstr(shown, "Not shown"));
	}
	made_fini(&core);
}

/* Names in a dump are anybody's. */
TEST(no_verb_orders_the_terminal)
{
	static const char *const verbs[] = { "ps", "bt", "log", "mem", "files", "net", "report" };

	made_freebsd(MADE_FREEBSD, &core);
	made_write(&core);
	for (size_t i = 0; i < 3 * MEM_LEN(verbs); i++) {
		const enum crash_format format = (enum crash_format)(i % 3);
		const bool has_it =
			format != CRASH_HTML || crash_verb_find(NULL, verbs[i / 3])->has_html;

		EXPECT_EQ(made_show(core.path, MADE_FREEBSD, verbs[i / 3], format),
			  has_it ? 0 : -EINVAL);
		expect_shown_is_safe(verbs[i / 3]);
	}
	made_fini(&core);
}

TEST(without_the_kernel_it_says_what_is_missing)
{
	made_freebsd(MADE_FREEBSD, &core);
	made_write(&core);
	EXPECT_EQ(made_show(core.path, NULL, "report", CRASH_TEXT), 0);
	EXPECT(strstr(shown, "Dump        FreeBSD minidump v1"));
	EXPECT(strstr(shown, "Not shown\n  all that is found by symbols: name the kernel's file"));
	made_fini(&core);
}

static const char info[] = "Dump header from device: /dev/da0p3\n"
			   "  Architecture: amd64\n"
			   "  Dump Length: 101685248\n"
			   "  Hostname: bsd.example\n"
			   "  Magic: FreeBSD Kernel Dump\n"
			   "  Version String: FreeBSD 14.0-RELEASE #0: made\n"
			   "    root@build:/usr/obj\n"
			   "  Panic String: page fault\n"
			   "  Dump Status: good\n";

static void write_file(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "w");

	EXPECT(f && fwrite(data, 1, len, f) == len);
	if (f)
		fclose(f);
}

/* What savecore(8) keeps beside a dump. */
TEST(info_files)
{
	char folder[] = "/tmp/sonde-info-XXXXXX", path[64], dump[64];
	struct bsd_dump_header h = { 0 };

	EXPECT(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/info.3", folder);
	(void)snprintf(dump, sizeof(dump), "%s/vmcore.3.zst", folder);
	write_file(path, info, sizeof(info) - 1);
	EXPECT_EQ(bsd_dump_header_beside(dump, &h), 0);
	EXPECT_STR(h.hostname, "bsd.example");
	EXPECT_STR(h.version, "FreeBSD 14.0-RELEASE #0: made");
	EXPECT_STR(h.panic, "page fault");
	EXPECT_EQ(h.text.len, sizeof(info) - 1);
	bsd_dump_header_fini(&h);

	// Others that are not meant, or are something else.
	h = (struct bsd_dump_header){ 0 };
	(void)snprintf(dump, sizeof(dump), "%s/vmcore.4", folder);
	EXPECT_EQ(bsd_dump_header_beside(dump, &h), 0);
	(void)snprintf(dump, sizeof(dump), "%s/dump.3", folder);
	EXPECT_EQ(bsd_dump_header_beside(dump, &h), 0);
	(void)snprintf(dump, sizeof(dump), "%s/vmcore.3", folder);
	for (size_t len = 0; len < 20; len++) {
		write_file(path, info, len);
		EXPECT_EQ(bsd_dump_header_beside(dump, &h), 0);
	}
	EXPECT_EQ(h.text.len, 0);
	unlink(path);
	rmdir(folder);
}

static int report_again(void)
{
	// Without memory for the types it is as without types: sections say that they need some.
	return made_show(core.path, MADE_FREEBSD, "report", CRASH_TEXT);
}

TEST(without_memory)
{
	made_freebsd(MADE_FREEBSD, &core);
	made_write(&core);
	test_oom(report_again);
	made_fini(&core);
}
