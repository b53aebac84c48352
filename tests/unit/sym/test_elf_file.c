/* SPDX-License-Identifier: MIT */
/** Tests ELF files: this program itself, and the vdso with bytes changed at random. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "sym/elf_file.h"
#include "test.h"

/* The file offset of an address of this program, by its maps. */
static bool offset_in_self(uint64_t addr, uint64_t *ret)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		uint64_t a, b, off;

		if (sscanf(line, "%lx-%lx %*s %lx", &a, &b, &off) == 3 && addr >= a && addr < b) {
			*ret = addr - a + off;
			found = true;
		}
	}
	if (f)
		fclose(f);
	return found;
}

__attribute__((noinline)) static int a_function_of_mine(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

static int find_self(void)
{
	struct elf_file *f = NULL;
	const struct symtab *t;
	uint64_t off = 0, vaddr;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	int r = elf_file_open(fd, "self", &f);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = elf_file_functions(f, &t);
	if (!r) {
		EXPECT(offset_in_self((uintptr_t)a_function_of_mine, &off));
		const struct sym *s = symtab_find(t, off);
		EXPECT_STR(s ? symtab_name(t, s) : "-", "a_function_of_mine");
		EXPECT(elf_file_vaddr(f, off, &vaddr));
		EXPECT(!elf_file_vaddr(f, UINT64_MAX, &vaddr));
	}
	elf_file_free(f);
	return r;
}

TEST(finds_its_own_function)
{
	EXPECT_EQ(a_function_of_mine(1), 2);
	EXPECT_EQ(find_self(), 0);
}

TEST(not_an_elf_file)
{
	struct elf_file *f = NULL;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	EXPECT_EQ(elf_file_open(fd, "maps", &f), -EBADMSG);
	EXPECT(!f);
	close(fd);
	EXPECT_EQ(elf_file_open_bytes((struct sonde_span){ (const uint8_t *)"\177ELF", 4 }, &f),
		  -EBADMSG);
}

static size_t functions_of(const uint8_t *bytes, size_t len)
{
	struct elf_file *f = NULL;
	const struct symtab *t = NULL;
	uint64_t vaddr;

	if (elf_file_open_bytes((struct sonde_span){ bytes, len }, &f) < 0)
		return 0;
	EXPECT_EQ(elf_file_functions(f, &t), 0);
	for (size_t i = 0; i < t->n; i++)
		EXPECT(strlen(symtab_name(t, &t->syms[i])) > 0);
	(void)elf_file_vaddr(f, 0, &vaddr);
	size_t n = t->n;
	elf_file_free(f);
	return n;
}

TEST(hostile_bytes)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	uint32_t seed = 99;
	Elf64_Ehdr h;

	if (!vdso) {
		test_skip("no vdso");
		return;
	}
	memcpy(&h, vdso, sizeof(h));
	const size_t len = h.e_shoff + (size_t)h.e_shnum * h.e_shentsize;
	uint8_t *copy = malloc(len);
	memcpy(copy, vdso, len);
	EXPECT(functions_of(copy, len) > 2);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, vdso, len);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			// The headers at both ends more often than the rest.
			size_t at = (seed >> 4) % ((seed & 3) ? 1024 : len);
			copy[(seed & 1) ? at : len - 1 - at] = (uint8_t)(seed >> 24);
		}
		(void)functions_of(copy, len);
	}
	free(copy);
}
