/* SPDX-License-Identifier: MIT */
/** VMCOREINFO: from the note, from memory, and its lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/linux/vmcoreinfo.h"
#include "crash/thin/thin.h"
#include "made_image.h"
#include "test.h"

static const struct space_layout four = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 };
static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffff81000000\n"
			   "NUMBER(phys_base)=180355072\nNUMBER(low)=-129\nNUMBER(hex)=0x1f\n"
			   "NUMBER(odd)=12x\nKERNELOFFSET=17000000\nSYMBOL(last)=ff";

static void expect_lines(const struct vmcoreinfo *v)
{
	uint64_t u = 0;
	int64_t n = 0;
	char line[8];

	EXPECT(vmcoreinfo_symbol(v, "_stext", &u));
	EXPECT_EQ(u, 0xffffffff81000000);
	EXPECT(vmcoreinfo_symbol(v, "last", &u));
	EXPECT_EQ(u, 0xff);
	EXPECT(vmcoreinfo_number(v, "phys_base", &n));
	EXPECT_EQ(n, 180355072);
	EXPECT(vmcoreinfo_number(v, "low", &n));
	EXPECT_EQ(n, -129);
	EXPECT(vmcoreinfo_number(v, "hex", &n));
	EXPECT_EQ(n, 0x1f);
	EXPECT(!vmcoreinfo_number(v, "odd", &n));
	EXPECT(!vmcoreinfo_number(v, "phys", &n));
	EXPECT(!vmcoreinfo_symbol(v, "stext", &u));
	EXPECT(vmcoreinfo_value(v, "KERNELOFFSET", 16, &u));
	EXPECT_EQ(u, 0x17000000);
	EXPECT(vmcoreinfo_text(v, "OSRELEASE", line, sizeof(line)));
	EXPECT_STR(line, "6.1.0");
	EXPECT(vmcoreinfo_text(v, "KERNELOFFSET", line, sizeof(line)));
	EXPECT_STR(line, "1700000"); // as much as there is room for
}

TEST(from_the_note)
{
	struct made_image m;
	struct vmcoreinfo v = { 0 };
	uint64_t at = 0;

	image_init(&m, &four);
	struct dump *d = image_open(&m, text);
	EXPECT_EQ(vmcoreinfo_find(d, &at, &v), 0);
	EXPECT(!v.owned);
	expect_lines(&v);
	vmcoreinfo_fini(&v);
	dump_close(d);
	image_fini(&m);
}

TEST(from_memory)
{
	struct made_image m;
	struct vmcoreinfo v = { 0 };
	uint64_t at = 0;

	image_init(&m, &four);
	uint64_t pages = image_pages(&m, 9);
	image_put(&m, pages + 4096, "OSRELEASE=6.2\n", 15);	 // only looks like it
	image_put(&m, pages + 5 * 4096 + 8, text, sizeof(text)); // not at the begin of a page
	image_put(&m, pages + 7 * 4096, text, sizeof(text));
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(vmcoreinfo_find(d, &at, &v), 0);
	expect_lines(&v);
	vmcoreinfo_fini(&v);
	dump_close(d);
	image_fini(&m);
}

/* As QEMU writes dumps of arm64: pages of 64 KiB, in which the kernel has smaller ones. */
TEST(from_memory_within_a_page)
{
	struct made_image m;
	struct vmcoreinfo v = { 0 };
	uint64_t at = 0;

	image_init(&m, &four);
	uint64_t pages = image_pages(&m, 64);
	image_put(&m, pages + 37 * 4096, text, sizeof(text));
	struct dump *d = image_open(&m, "OSRELEASE=0\nPAGESIZE=65536\n");
	EXPECT_EQ(dump_about(d)->page_size, 65536);
	((struct dump_about *)dump_about(d))->vmcoreinfo = NULL; // as if there were no note
	EXPECT_EQ(vmcoreinfo_find(d, &at, &v), 0);
	expect_lines(&v);
	vmcoreinfo_fini(&v);
	dump_close(d);
	image_fini(&m);
}

/* A dump whose pages are packed: looks for text of that length, and once more where it was. */
static void expect_packed(size_t len, uint64_t seed)
{
	struct made_image m;
	struct made_memory random = { .seed = seed };
	struct vmcoreinfo v = { 0 };
	struct thin_result result;
	uint64_t numbers[8], at = 0;
	char page[4096] = "", path[128];
	struct dump *packed = NULL;

	image_init(&m, &four);
	uint64_t pages = image_pages(&m, MEM_LEN(numbers));
	memcpy(page, text, sizeof(text) - 1);
	for (size_t i = sizeof(text) - 1; i < len; i++)
		page[i] = (char)('a' + made_random(&random, 20));
	image_put(&m, pages + 2 * 4096, page + 1, sizeof(page) - 1);
	image_put(&m, pages + 6 * 4096, page, sizeof(page));
	struct dump *d = image_open(&m, NULL);
	for (size_t i = 0; i < MEM_LEN(numbers); i++)
		numbers[i] = pages / 4096 + i;
	(void)snprintf(path, sizeof(path), "%s.packed", m.elf.path);
	EXPECT_EQ(thin_write(d, numbers, MEM_LEN(numbers), path, &result), 0);
	dump_close(d);
	EXPECT_EQ(dump_open(&(const char *){ path }, 1, &packed), 0);
	for (int i = 0; packed && i < 2; i++) {
		EXPECT_EQ(vmcoreinfo_find(packed, &at, &v), 0);
		EXPECT_EQ(at, pages + 6 * 4096);
		EXPECT_EQ(v.len, len);
		vmcoreinfo_fini(&v);
	}
	at = pages; // it is not there
	EXPECT_EQ(vmcoreinfo_find(packed, &at, &v), 0);
	EXPECT_EQ(at, pages + 6 * 4096);
	vmcoreinfo_fini(&v);
	dump_close(packed);
	(void)unlink(path);
	image_fini(&m);
}

TEST(from_a_packed_page_of_any_size)
{
	const size_t least = sizeof(text) - 1;

	for (size_t len = least; len < 4096; len += 301)
		expect_packed(len, len);
	expect_packed(4095, 1);
}

TEST(nowhere)
{
	struct made_image m;
	struct vmcoreinfo v = { 0 };
	uint64_t at = 0;

	image_init(&m, &four);
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(vmcoreinfo_find(d, &at, &v), -ENOENT);
	EXPECT_STR(sonde_err_str(), "no VMCOREINFO, neither as a note nor in its memory");
	dump_close(d);
	image_fini(&m);
}
