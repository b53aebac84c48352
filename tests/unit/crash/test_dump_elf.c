/* SPDX-License-Identifier: MIT */
/** Dumps as ELF cores: made-up ones of all shapes, and damaged ones. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/dump.h"
#include "made_memory.h"
#include "test.h"

static const char info[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";

static const struct made_elf_how kexec = { .machine = EM_X86_64, .ehsize = 64, .vmcoreinfo = info };

static int open_one(const char *path, struct dump **ret)
{
	const char *paths[] = { path };

	return dump_open(paths, 1, ret);
}

TEST(every_byte_comes_back)
{
	static const struct made_elf_how hows[] = {
		{ .machine = EM_X86_64, .ehsize = 64, .vmcoreinfo = info },
		{ .machine = EM_X86_64, .ehsize = 8, .sections_first = true, .vmcoreinfo = info },
		{ .machine = EM_AARCH64, .ehsize = 64, .many = true },
		{ .machine = EM_386, .ehsize = 52, .is_32 = true, .vmcoreinfo = info },
		{ .machine = EM_386, .ehsize = 52, .is_32 = true, .many = true },
		{ .machine = EM_RISCV, .ehsize = 64 },
	};

	for (unsigned seed = 1; seed <= 24; seed++) {
		const struct made_elf_how *how = &hows[seed % MEM_LEN(hows)];
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;

		made_ranges(&m, seed, 1 + seed, 1 << 19, seed % 2);
		made_elf(&m, how, &f);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d)
			continue;
		made_compare(&m, d, 200);
		EXPECT_STR(dump_about(d)->format, "ELF");
		EXPECT(!dump_about(d)->cut);
		EXPECT_EQ(dump_about(d)->n_notes, how->vmcoreinfo ? 2 : 0);
		EXPECT_EQ(dump_about(d)->vmcoreinfo_size, how->vmcoreinfo ? strlen(info) : 0);
		EXPECT_EQ(dump_about(d)->system,
			  how->vmcoreinfo ? DUMP_LINUX : DUMP_SYSTEM_UNKNOWN);
	}
}

static bool in_tail(const struct made_memory *m, uint64_t pa, uint64_t tail)
{
	for (size_t i = 0; i < m->n; i++) {
		if (pa - m->ranges[i].pa - m->ranges[i].len < tail)
			return true;
	}
	return false;
}

TEST(what_segments_had_in_memory_alone_was_left_out)
{
	for (unsigned seed = 1; seed <= 12; seed++) {
		const struct made_elf_how how = { .machine = seed % 2 ? EM_X86_64 : EM_386,
						  .is_32 = seed % 2 == 0,
						  .ehsize = 64,
						  .tail = (uint64_t)seed % 5 * MADE_PAGE };
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;
		uint64_t n = 0;
		uint8_t byte;

		made_ranges(&m, seed, 1 + seed, 1 << 19, true);
		made_elf(&m, &how, &f);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d)
			continue;
		made_compare(&m, d, 50);
		for (uint64_t pa = 0; pa < 1 << 20; pa += MADE_PAGE) {
			const bool has = made_has(&m, pa), tail = in_tail(&m, pa, how.tail);

			EXPECT_EQ(dump_left_out(d, pa + 17), tail && !has);
			n += tail && !has;
			if (has)
				continue;
			EXPECT_EQ(dump_read(d, pa, &byte, 1), -ENODATA);
			EXPECT(strstr(sonde_err_str(), tail ? " was left out when the dump was "
							      "written"
							    : " is not in the dump"));
		}
		EXPECT_EQ(dump_count_left_out(d), n);
		EXPECT(n || !how.tail);
	}
}

/* Ends of segments that no number can have. */
TEST(a_segment_may_lie_about_its_memory)
{
	const uint64_t absurd[] = { UINT64_MAX, UINT64_MAX - 4096, 1ull << 63, 0 };

	for (size_t i = 0; i < MEM_LEN(absurd); i++) {
		sonde_auto(made_fini) struct made_file f;
		sonde_auto(dump_closep) struct dump *d = NULL;
		struct made_memory m;

		made_ranges(&m, 3, 2, 1 << 19, true);
		made_elf(&m, &kexec, &f);
		made_put(&f, 64 + 56 + offsetof(Elf64_Phdr, p_memsz), &absurd[i], 8);
		made_write(&f);
		EXPECT_EQ(open_one(f.path, &d), 0);
		if (!d)
			continue;
		made_compare(&m, d, 50);
		const uint64_t held = dump_about(d)->pages_held;
		EXPECT(dump_count_left_out(d) <= UINT64_MAX / MADE_PAGE - held + 1);
		EXPECT_EQ(dump_left_out(d, 1ull << 40), absurd[i] != 0);
	}
}

TEST(a_cut_file_is_read_as_far_as_it_goes)
{
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;
	size_t whole;

	made_ranges(&m, 7, 9, 1 << 17, true);
	made_elf(&m, &kexec, &f);
	whole = f.len;
	for (size_t len = 0; len < whole; len += len < 2000 ? 1 : 997) {
		struct made_file part = { 0 };
		struct dump *d = NULL;
		uint8_t got[64];

		made_put(&part, 0, f.data, len);
		made_write(&part);
		int r = open_one(part.path, &d);
		if (r && r != -EBADMSG && r != -ENODATA && r != -EINVAL)
			test_failed(__FILE__, __LINE__, "%zu bytes: %s", len, sonde_err_str());
		EXPECT(r < 0 || dump_about(d)->cut);
		for (size_t i = 0; r == 0 && i < m.n; i++) {
			int rr = dump_read(d, m.ranges[i].pa, got, sizeof(got));

			EXPECT(rr == 0 || rr == -ENODATA);
		}
		dump_close(d);
		made_fini(&part);
	}
}

/** As /proc/kcore: larger than all addresses, and it has what is only mapped, too. */
TEST(what_cannot_be_mapped_is_read)
{
	const uint64_t nowhere = UINT64_MAX;
	sonde_auto(mem_closep) int fd = memfd_create("core", MFD_CLOEXEC);
	struct made_file f = { 0 };
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct made_memory m;
	char path[64];

	made_ranges(&m, 5, 7, 1 << 17, true);
	made_elf(&m, &kexec, &f);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT(pwrite(fd, f.data, f.len, 0) == (ssize_t)f.len);
	EXPECT_EQ(ftruncate(fd, (off_t)1 << 60), 0);
	EXPECT_EQ(open_one(path, &d), 0);
	if (d) {
		made_compare(&m, d, 200);
		EXPECT_STR(dump_about(d)->format, "ELF");
		EXPECT(!dump_about(d)->live && !dump_about(d)->cut);
		EXPECT_EQ(dump_about(d)->n_notes, 2);
	}
	// The first part of its memory has no physical address, now.
	const uint64_t held = d ? dump_about(d)->pages_held : 0;
	EXPECT(pwrite(fd, &nowhere, 8, 64 + 56 + offsetof(Elf64_Phdr, p_paddr)) == 8);
	dump_close(d);
	d = NULL;
	EXPECT_EQ(open_one(path, &d), 0);
	EXPECT(d && dump_about(d)->pages_held < held);
	made_fini(&f);
}

/** One field that lies. */
TEST(lies_are_refused)
{
	static const struct {
		size_t off, n;
		uint64_t value;
		const char *words;
	} lies[] = {
		{ EI_CLASS, 1, 3, "ELF class 3, wanted 1 or 2" },
		{ EI_DATA, 1, 2, "is of a big-endian machine, which is not supported" },
		{ offsetof(Elf64_Ehdr, e_type), 2, 2, "is an ELF file of type 2, wanted 4 (core)" },
		{ offsetof(Elf64_Ehdr, e_machine), 2, 21,
		  "is of a machine of ELF's number 21; x86-64, aarch64, i386 and riscv64 can be "
		  "read" },
		{ offsetof(Elf64_Ehdr, e_phentsize), 2, 8,
		  "program headers of 8 bytes, wanted 56" },
		{ offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 20,
		  "program header 0: ends at byte " },
		{ offsetof(Elf64_Ehdr, e_phnum), 2, 0, "has no memory in it" },
		{ 64 + 56 + offsetof(Elf64_Phdr, p_paddr), 8, UINT64_MAX - 2, NULL },
	};
	sonde_auto(made_fini) struct made_file f;
	struct made_memory m;

	made_ranges(&m, 3, 3, 1 << 15, true);
	made_elf(&m, &kexec, &f);
	for (size_t i = 0; i < MEM_LEN(lies); i++) {
		struct made_file lie = { 0 };
		struct dump *d = NULL;

		made_put(&lie, 0, f.data, f.len);
		made_put(&lie, lies[i].off, &lies[i].value, lies[i].n);
		made_write(&lie);
		EXPECT(open_one(lie.path, &d) < 0);
		EXPECT(strstr(sonde_err_str(), lie.path));
		if (lies[i].words && !strstr(sonde_err_str(), lies[i].words))
			EXPECT_STR(sonde_err_str(), lies[i].words);
		dump_close(d);
		made_fini(&lie);
	}
}

TEST(what_is_no_dump_is_named)
{
	sonde_auto(made_fini) struct made_file f = { 0 };
	struct dump *d = NULL;

	made_put(&f, 0, "hello\1", 6);
	made_write(&f);
	EXPECT_EQ(open_one(f.path, &d), -EINVAL);
	EXPECT(strstr(sonde_err_str(), "is no dump that is known here: begins with 'hello\\x01'"));
	made_fini(&f);
	made_put(&f, 0, "PAGEDU64", 8);
	made_write(&f);
	EXPECT_EQ(open_one(f.path, &d), -ENOTSUP);
	EXPECT(strstr(sonde_err_str(), ": is a Windows crash dump, which cannot be read (ELF, "));
	EXPECT_EQ(open_one("/nonexistent/dump", &d), -ENOENT);
	EXPECT_STR(sonde_err_str(), "'/nonexistent/dump': cannot open: No such file or directory");
}

static struct made_file oom_file;

static int open_and_read(void)
{
	sonde_auto(dump_closep) struct dump *d = NULL;
	struct dump_page p;

	int r = open_one(oom_file.path, &d);
	if (r < 0)
		return r;
	uint64_t pa;
	EXPECT(dump_next(d, 0, &pa));
	r = dump_page(d, pa, &p);
	if (r == 0)
		dump_release(d, &p);
	return r;
}

TEST(out_of_memory_is_an_ordinary_failure)
{
	struct made_memory m;

	made_ranges(&m, 3, 3, 1 << 15, true);
	made_elf(&m, &kexec, &oom_file);
	made_write(&oom_file);
	test_oom(open_and_read);
	made_fini(&oom_file);
}
