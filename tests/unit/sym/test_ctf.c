/* SPDX-License-Identifier: MIT */
/** Types out of CTF, of both versions, packed and not. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "made_ctf.h"
#include "sym/ctype.h"
#include "test.h"

static uint8_t bytes[MADE_CTF_MOST];
static struct made_ctf made;

static size_t make(bool is_v3, bool packed)
{
	made_ctf_init(&made, is_v3);
	made_ctf_world(&made);
	return made_ctf_finish(&made, packed, bytes);
}

static const char *text(const struct ctype *t)
{
	static char out[256];
	struct strbuf b = { 0 };

	ctype_print(t, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
}

static const struct {
	const char *name;
	uint64_t bit_off;
	uint32_t bit_size;
	const char *type;
} members[] = {
	{ "tid", 0, 0, "int" },
	{ "name", 32, 0, "char[12]" },
	{ "next", 128, 0, "struct thread *" },
	{ "lo", 192, 3, "unsigned int" },
	{ "hi", 195, 5, "int" },
	{ "c", 224, 0, "enum colour" },
	{ "words", 256, 0, "unsigned long[4]" },
	{ "word", 512, 0, "unsigned long" },
	{ "half", 512, 0, "int" },
};

static void expect_world(struct ctypes *db, bool is_v3)
{
	const struct ctype *t = NULL, *same = NULL;
	struct cmember m;
	int64_t v = 0;

	EXPECT_EQ(ctypes_find(db, "struct thread", &t), 0);
	EXPECT_EQ(ctypes_find(db, "thread_t", &same), 0);
	if (!t)
		return;
	EXPECT(t == same && t->size == 80 && t->kind == CT_STRUCT);
	for (size_t i = 0; i < MEM_LEN(members); i++) {
		EXPECT(ctype_member(t, members[i].name, &m));
		EXPECT_EQ(m.bit_off, members[i].bit_off);
		EXPECT_EQ(m.bit_size, members[i].bit_size);
		EXPECT_STR(text(m.type), members[i].type);
	}
	EXPECT(ctype_member(t, "next", &m) && ctype_elem(m.type) == t && m.type->size == 8);
	EXPECT(ctype_member(t, "hi", &m) && m.type->is_signed);
	EXPECT(ctypes_enumerator(db, "BLUE", &v) && v == -7);
	EXPECT_EQ(ctypes_find(db, "struct large", &t), 0);
	EXPECT_EQ(t->size, is_v3 ? 1ll << 33 : 1 << 17);
	EXPECT(ctype_member(t, "last", &m));
	EXPECT_EQ(m.bit_off, (t->size - 4) * 8);
	EXPECT(ctype_member(t, "call", &m));
	EXPECT_STR(text(m.type), "int (*)(struct thread *, unsigned long)");
	EXPECT_EQ(ctypes_find(db, "struct nothing", &t), -ENOENT);
	EXPECT_EQ(ctypes_find(db, "union thread", &t), -ENOENT);
}

TEST(both_versions)
{
	for (unsigned i = 0; i < 4; i++) {
		struct ctypes *db = NULL;
		size_t len = make(i & 1, i & 2);

		int r = ctypes_open_ctf_lent((struct sonde_span){ bytes, len }, &db);
		EXPECT_EQ(r, 0);
		if (r == 0)
			expect_world(db, i & 1);
		else
			printf("# %s\n", sonde_err_str());
		ctypes_free(db);
	}
}

/* An ELF file with a section of them, as a kernel's. */
TEST(from_a_kernels_file)
{
	static const char names[] = "\0.SUNW_ctf\0.shstrtab";
	size_t len = make(true, true), at = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Shdr);
	const Elf64_Ehdr h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_ehsize = sizeof(h),
		.e_shoff = sizeof(h),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};
	const Elf64_Shdr s[3] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = at, .sh_size = len },
		{ .sh_name = 11,
		  .sh_type = SHT_STRTAB,
		  .sh_offset = at + len,
		  .sh_size = sizeof(names) },
	};
	struct ctypes *db = NULL;
	char path[64];

	sonde_auto(mem_closep) int fd = memfd_create("kernel", 0);
	EXPECT(pwrite(fd, &h, sizeof(h), 0) == sizeof(h));
	EXPECT(pwrite(fd, s, sizeof(s), sizeof(h)) == sizeof(s));
	EXPECT(pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len);
	EXPECT(pwrite(fd, names, sizeof(names), (off_t)(at + len)) == sizeof(names));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(ctypes_open_ctf(path, &db), 0);
	if (db)
		expect_world(db, true);
	ctypes_free(db);
}

/* Whatever the bytes become, all types of what opens can be gone through. */
static void use_all(struct ctypes *db)
{
	const struct ctype *t;
	size_t n;

	for (uint64_t id = 0; id < 40; id++) {
		if (ctypes_by_id(db, id, &t) < 0)
			continue;
		(void)ctype_members(t, &n);
		(void)ctype_elem(t);
		(void)text(t);
	}
}

TEST(bytes_that_lie)
{
	for (unsigned i = 0; i < 4; i++) {
		size_t len = make(i & 1, i & 2);
		sonde_auto(mem_freep) uint8_t *copy = malloc(len);

		for (size_t cut = 0; copy && cut < len; cut++) {
			struct ctypes *db = NULL;

			memcpy(copy, bytes, len);
			copy[cut] ^= 0xff;
			if (ctypes_open_ctf_lent((struct sonde_span){ copy, len }, &db) == 0)
				use_all(db);
			ctypes_free(db);
			db = NULL;
			EXPECT(ctypes_open_ctf_lent((struct sonde_span){ bytes, cut }, &db) < 0);
		}
	}
}

static int open_once(void)
{
	struct ctypes *db = NULL;
	const struct ctype *t;
	struct cmember m;
	size_t len = make(true, true);

	int r = ctypes_open_ctf_lent((struct sonde_span){ bytes, len }, &db);
	if (r == 0)
		r = ctypes_find(db, "struct thread", &t);
	if (r == 0 && !ctype_member(t, "tid", &m))
		r = -ENOMEM;
	ctypes_free(db);
	return r;
}

TEST(without_memory)
{
	test_oom(open_once);
}

TEST(refused)
{
	struct ctypes *db = NULL;
	size_t len = make(true, false);

	bytes[2] = 1;
	EXPECT_EQ(ctypes_open_ctf_lent((struct sonde_span){ bytes, len }, &db), -ENOTSUP);
	EXPECT_STR(sonde_err_str(), "CTF of version 1; 2 and 3 are read");
	bytes[2] = 3;
	bytes[4] = 1;
	EXPECT_EQ(ctypes_open_ctf_lent((struct sonde_span){ bytes, len }, &db), -ENOTSUP);
	EXPECT_EQ(ctypes_open_ctf("/bin/true", &db), -ENOENT);
	EXPECT(!db);
}
