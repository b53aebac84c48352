/* SPDX-License-Identifier: MIT */
/** Lengths of instructions, against those that a disassembler gives. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sym/probe/insn.h"
#include "test.h"

TEST(lengths)
{
	static const struct {
		const char *hex;
		size_t len; /* 0: not known */
	} cases[] = {
		{ "c3", 1 },
		{ "f3 0f 1e fa", 4 },		  // endbr64
		{ "55", 1 },			  // push %rbp
		{ "48 89 e5", 3 },		  // mov %rsp,%rbp
		{ "48 8b 04 25 28 00 00 00", 8 }, // mov 0x28,%rax: no base
		{ "64 48 8b 04 25 28 00 00 00", 9 },
		{ "8b 05 11 22 33 44", 6 },		 // mov from %rip
		{ "8b 44 24 08", 4 },			 // mov 8(%rsp)
		{ "8b 84 24 00 01 00 00", 7 },		 // mov 0x100(%rsp)
		{ "8b 45 00", 3 },			 // mov (%rbp)
		{ "48 b8 11 22 33 44 55 66 77 88", 10 }, // movabs
		{ "b8 11 22 33 44", 5 },
		{ "66 b8 11 22", 4 },
		{ "48 a1 11 22 33 44 55 66 77 88", 10 },
		{ "67 a1 11 22 33 44", 6 },
		{ "f6 05 11 22 33 44 55", 7 }, // testb $x, from %rip
		{ "f7 c7 11 22 33 44", 6 },    // test $x,%edi
		{ "66 f7 c7 11 22", 5 },
		{ "f7 d8", 2 },			  // neg %eax
		{ "c8 10 00 01", 4 },		  // enter
		{ "0f 84 11 22 33 44", 6 },	  // je
		{ "0f 1f 84 00 00 00 00 00", 8 }, // nop
		{ "66 2e 0f 1f 84 00 00 00 00 00", 10 },
		{ "0f 3a 0f c1 08", 5 }, // palignr
		{ "66 0f 38 00 c1", 5 }, // pshufb
		{ "c5 f8 77", 3 },	 // vzeroupper
		{ "c5 f9 70 c1 00", 5 }, // vpshufd
		{ "c5 fc 10 07", 4 },
		{ "c4 e2 7d 18 07", 5 },
		{ "c4 e3 7d 19 c1 01", 6 },
		{ "62 f1 7c 48 10 07", 6 },
		{ "62 f3 fd 48 1b c1 01", 7 },
		{ "62 f1 7c 48 10 44 24 01", 8 },
		{ "e8 11 22 33 44", 5 },
		{ "eb 05", 2 },
		{ "f0 48 0f b1 0d 11 22 33 44", 9 }, // lock cmpxchg
		{ "06", 0 },
		{ "0f 04", 0 },
		{ "62", 0 },
		{ "48", 0 },
		{ "", 0 },
		{ "8b 84 24 00 01 00", 0 }, // cut off
		{ "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", 0 },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		uint8_t code[32];
		size_t n = 0;
		char *end;
		for (const char *p = cases[i].hex; *p && n < sizeof(code); p = end)
			code[n++] = (uint8_t)strtoul(p, &end, 16);
		const size_t len = insn_len(EM_X86_64, code, n);
		if (len != cases[i].len)
			test_failed(__FILE__, __LINE__, "'%s': %zu, wanted %zu", cases[i].hex, len,
				    cases[i].len);
	}
}

/* Whatever the bytes are, no more of them are taken than there are. */
TEST(random_bytes)
{
	uint64_t seed = 0x2545f4914f6cdd1d;

	for (int i = 0; i < 200000; i++) {
		uint8_t code[16];
		for (size_t k = 0; k < sizeof(code); k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			code[k] = (uint8_t)seed;
		}
		const size_t most = seed % (sizeof(code) + 1);
		const size_t len = insn_len(EM_X86_64, code, most);
		EXPECT(len <= most && len <= INSN_MOST);
		// What is behind an instruction does not matter.
		EXPECT(!len || insn_len(EM_X86_64, code, len) == len);
	}
}

TEST(other_machines)
{
	const uint8_t code[4] = { 0 };

	EXPECT_EQ(insn_len(EM_AARCH64, code, 4), 4);
	EXPECT_EQ(insn_len(EM_AARCH64, code, 3), 0);
	EXPECT_EQ(insn_len(EM_S390, code, 4), 0);
}
