/* SPDX-License-Identifier: MIT */
/** Names of system calls to numbers and back. */
#include <stdio.h>

#include "base/mem.h"
#include "sym/syscall_args.h"
#include "sym/syscall_names.h"
#include "test.h"

TEST(arguments_have_names)
{
	static const struct {
		const char *event;
		unsigned n, at;
		const char *name;
		bool is_ptr, is_text;
		unsigned signed_len;
	} cases[] = {
		{ "accept", 3, 1, "upeer_sockaddr", true, false, 0 }, /* the first row */
		{ "writev", 3, 2, "vlen", false, false, 0 },	      /* the last one */
		{ "openat", 4, 0, "dfd", false, false, 4 },
		{ "openat", 4, 1, "filename", true, true, 0 },
		{ "openat", 4, 3, "mode", false, false, 0 },
		{ "open", 3, 0, "filename", true, true, 0 },
		{ "exit", 1, 0, "error_code", false, false, 4 },
		{ "pread64", 4, 3, "pos", false, false, 8 },
		{ "mmap", 6, 5, "off", false, false, 0 },
		{ "newstat", 2, 1, "statbuf", true, false, 0 },
	};
	static const char *const none[] = { "", "opena", "openatt", "getpid", "zzz", "openat dfd" };
	struct syscall_arg args[SYSCALL_ARGS_MOST];

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		EXPECT_EQ(syscall_args(cases[i].event, args), cases[i].n);
		EXPECT_STR(args[cases[i].at].name, cases[i].name);
		EXPECT_EQ(args[cases[i].at].is_ptr, cases[i].is_ptr);
		EXPECT_EQ(args[cases[i].at].is_text, cases[i].is_text);
		EXPECT_EQ(args[cases[i].at].signed_len, cases[i].signed_len);
	}
	for (size_t i = 0; i < MEM_LEN(none); i++)
		EXPECT_EQ(syscall_args(none[i], args), 0);
}

TEST(calls_have_events)
{
	EXPECT_STR(syscall_event("stat"), "newstat");
	EXPECT_STR(syscall_event("openat"), "openat");
}

TEST(events_have_numbers)
{
	static const struct {
		enum syscall_abi abi;
		const char *event;
		int64_t nr; /* -1: none */
	} cases[] = {
		{ SYSCALL_ABI_X86_64, "read", 0 },
		{ SYSCALL_ABI_X86_64, "openat", 257 },
		{ SYSCALL_ABI_X86_64, "newstat", 4 },
		{ SYSCALL_ABI_X86_64, "newfstat", 5 },
		{ SYSCALL_ABI_X86_64, "newfstatat", 262 },
		{ SYSCALL_ABI_X86_64, "sendfile64", 40 },
		{ SYSCALL_ABI_X86_64, "umount", 166 },
		{ SYSCALL_ABI_X86_64, "uprobe", 336 },
		{ SYSCALL_ABI_X86_64, "openat2", 437 },
		{ SYSCALL_ABI_X86_64, "rea", -1 },
		{ SYSCALL_ABI_X86_64, "reads", -1 },
		{ SYSCALL_ABI_X86_64, "", -1 },
		{ SYSCALL_ABI_X86_64, "-", -1 },
		{ SYSCALL_ABI_X86_64, "read write", -1 },
		{ SYSCALL_ABI_I386, "sendfile64", 239 },
		{ SYSCALL_ABI_I386, "rseq", 386 },
		{ SYSCALL_ABI_GENERIC, "newfstat", 80 },
		{ SYSCALL_ABI_GENERIC, "fadvise64_64", 223 },
		{ SYSCALL_ABI_GENERIC, "fstatfs", 44 },
		{ SYSCALL_ABI_GENERIC, "newstat", -1 },
		{ SYSCALL_ABI_UNKNOWN, "read", -1 },
		{ SYSCALL_ABI_UNKNOWN, "clone3", 435 },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		uint32_t nr = 0;
		bool found = syscall_number(cases[i].abi, cases[i].event, &nr);
		if (found != (cases[i].nr >= 0) || (found && nr != cases[i].nr))
			test_failed(__FILE__, __LINE__, "'%s': %d %u", cases[i].event, found, nr);
	}
}

TEST(each_name_leads_back_to_its_number)
{
	for (int abi = SYSCALL_ABI_X86_64; abi < SYSCALL_N_ABIS; abi++) {
		for (int64_t nr = 0; nr < 600; nr++) {
			char name[SYSCALL_NAME_MOST];
			uint32_t back = 0;
			if (!syscall_name(abi, nr, name))
				continue;
			if (!syscall_number(abi, name, &back) || back != nr)
				test_failed(__FILE__, __LINE__, "%d: '%s' %u", abi, name, back);
		}
	}
}
