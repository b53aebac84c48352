/* SPDX-License-Identifier: MIT */
/** A minidump of amd64, version 1, with the segments of a kernel's file as its pages. */
#include "made_freebsd.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define KERNBASE UINT64_C(0xffffffff80000000)
enum { FIRST_PAGE = 16, HEADER = MADE_PAGE };

static void put32(struct made_file *f, uint64_t off, uint32_t v)
{
	made_put(f, off, &v, sizeof(v));
}

static uint64_t padded(uint64_t n)
{
	return (n + MADE_PAGE - 1) & -(uint64_t)MADE_PAGE;
}

/* The kernel's first and last page, as numbers from KERNBASE on. */
static void find_pages(const Elf64_Ehdr *h, const Elf64_Phdr *p, uint64_t *ret_first,
		       uint64_t *ret_end)
{
	*ret_first = UINT64_MAX;
	*ret_end = 0;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD)
			continue;
		uint64_t first = (p[i].p_vaddr - KERNBASE) / MADE_PAGE;
		uint64_t end = padded(p[i].p_vaddr - KERNBASE + p[i].p_memsz) / MADE_PAGE;

		*ret_first = first < *ret_first ? first : *ret_first;
		*ret_end = end > *ret_end ? end : *ret_end;
	}
	sonde_check(*ret_first < *ret_end && *ret_end < 1 << 16);
}

/* Header, bitmap and page map; physical pages follow one another. Returns where pages begin. */
static uint64_t put_front(struct made_file *f, uint64_t first, uint64_t end)
{
	static const char magic[] = "minidump FreeBSD/amd64";
	uint64_t kernbase = KERNBASE, bits = padded((FIRST_PAGE + end - first + 63) / 64 * 8);
	uint64_t map = HEADER + bits;

	made_put(f, 0, magic, sizeof(magic));
	put32(f, 24, 1);
	put32(f, 32, (uint32_t)bits);
	put32(f, 36, (uint32_t)(8 * end));
	made_put(f, 40, &kernbase, sizeof(kernbase));
	made_put(f, map + padded(8 * end) - 1, "", 1);
	for (uint64_t page = first; page < end; page++) {
		uint64_t pfn = FIRST_PAGE + page - first, entry = pfn << 12 | 3;

		f->data[HEADER + pfn / 8] |= (uint8_t)(1 << pfn % 8);
		made_put(f, map + 8 * page, &entry, sizeof(entry));
	}
	return map + padded(8 * end);
}

void made_freebsd(const char *path, struct made_file *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t first, end;
	struct stat st;

	sonde_check(fd >= 0 && fstat(fd, &st) == 0);
	const uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	sonde_check(file != MAP_FAILED);
	const Elf64_Ehdr *h = (const void *)file;
	const Elf64_Phdr *p = (const void *)(file + h->e_phoff);

	*ret = (struct made_file){ 0 };
	find_pages(h, p, &first, &end);
	uint64_t pages = put_front(ret, first, end);
	made_put(ret, pages + (end - first) * MADE_PAGE - 1, "", 1);
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD)
			made_put(ret, pages + (p[i].p_vaddr - KERNBASE) - first * MADE_PAGE,
				 file + p[i].p_offset, p[i].p_filesz);
	}
	munmap((void *)(uintptr_t)file, (size_t)st.st_size);
	close(fd);
}
