/* SPDX-License-Identifier: MIT */
/** Writes some events as a kernel would describe them. */
#include "fake_tracefs.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tracefs.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

static char top[] = "/tmp/sonde-live-XXXXXX";

void fake_file(const char *dir, const char *name, const char *text)
{
	char path[512];

	for (const char *slash = strchr(dir, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(path, sizeof(path), "%s/%.*s", top, (int)(slash - dir), dir);
		(void)mkdir(path, 0700);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", top, dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", top, dir, name);
	sonde_auto(mem_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

void fake_event(const char *group, const char *name, const char *fields)
{
	static unsigned id = 300;
	char dir[256], text[4096];

	(void)snprintf(dir, sizeof(dir), "events/%s/%s", group, name);
	(void)snprintf(
		text, sizeof(text),
		"name: %s\nID: %u\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
		"%s\nprint fmt: \"\"\n",
		name, id++, fields);
	fake_file(dir, "format", text);
	fake_file(dir, "enable", "0\n");
	(void)snprintf(text, sizeof(text), "%u\n", id);
	fake_file(dir, "id", text);
}

#define FIELD(decl, off, size, sign) \
	"\tfield:" decl ";\toffset:" #off ";\tsize:" #size ";\tsigned:" #sign ";\n"
#define NR  FIELD("int __syscall_nr", 8, 4, 1)
#define RET NR FIELD("long ret", 16, 8, 1)

const char *fake_tracefs(void)
{
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	EXPECT(mkdtemp(top));
	fake_event("sched", "sched_switch",
		   FIELD("char prev_comm[16]", 8, 16, 0) FIELD("pid_t prev_pid", 24, 4, 1)
			   FIELD("long prev_state", 32, 8, 1));
	fake_event("sched", "sched_wakeup",
		   FIELD("char comm[16]", 8, 16, 0) FIELD("pid_t pid", 24, 4, 1));
	fake_event("sched", "sched_waking",
		   FIELD("char comm[16]", 8, 16, 0) FIELD("pid_t pid", 24, 4, 1)
			   FIELD("int target_cpu", 32, 4, 1));
	fake_event("sched", "sched_other", FIELD("int pid", 8, 4, 1));
	fake_event("block", "block_name",
		   FIELD("__data_loc char[] name", 8, 4, 0)
			   FIELD("__rel_loc char[] rel", 12, 4, 0));
	fake_event("mine", "sched_switch", FIELD("int x", 8, 4, 1));
	fake_event("syscalls", "sys_enter_read",
		   NR FIELD("unsigned int fd", 16, 8, 0) FIELD("char * buf", 24, 8, 0)
			   FIELD("size_t count", 32, 8, 0));
	fake_event("syscalls", "sys_enter_write",
		   NR FIELD("unsigned int fd", 16, 8, 0) FIELD("const char * buf", 24, 8, 0)
			   FIELD("size_t count", 32, 8, 0));
	fake_event("syscalls", "sys_enter_openat",
		   NR FIELD("int dfd", 16, 8, 0) FIELD("const char * filename", 24, 8, 0));
	fake_event("syscalls", "sys_enter_newstat", NR FIELD("const char * filename", 16, 8, 0));
	fake_event("syscalls", "sys_enter_unheard_of", NR FIELD("int x", 16, 8, 0));
	fake_event("syscalls", "sys_exit_read", RET);
	fake_event("syscalls", "sys_exit_openat", RET);
	fake_file("", "available_events",
		  "block:block_name\nmine:sched_switch\nsched:sched_other\nsched:sched_switch\n"
		  "sched:sched_wakeup\nsched:sched_waking\nsyscalls:sys_enter_newstat\n"
		  "syscalls:sys_enter_openat\nsyscalls:sys_enter_read\nsyscalls:sys_enter_unheard_"
		  "of\n"
		  "syscalls:sys_enter_write\nsyscalls:sys_exit_openat\nsyscalls:sys_exit_read\n");
	fake_file("", "dynamic_events",
		  "p:other/block_name do_x\np:mine/sched_switch do_y a=%di\n");
	fake_file("devices/software", "type", "1\n");
	(void)tracefs_set_tracing_dir(top);
	return top;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void fake_tracefs_remove(void)
{
	(void)tracefs_set_tracing_dir(NULL);
	EXPECT_EQ(nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
