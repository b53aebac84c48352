/* SPDX-License-Identifier: MIT */
/** A thin dump as an ELF core: a segment for each run of memory. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/thin/file.h"

/*
 *   header | where there are too many segments for it: a section that has their number
 *          | program headers: notes, memory | notes | memory, each run at a multiple of 4,096
 */

enum { ALIGN = 4096, PIECE = 1 << 16 };

struct run {
	uint64_t pa, len;
};

struct runs {
	struct run *all; /* owned */
	size_t n, cap;
};

static bool can(const struct thin_file *f)
{
	(void)f;
	return true;
}

static int add_run(struct runs *runs, uint64_t pa, uint64_t len)
{
	struct run *last = runs->n ? &runs->all[runs->n - 1] : NULL;

	if (last && last->pa + last->len == pa) {
		last->len += len;
		return 0;
	}
	int r = mem_grow(&runs->all, &runs->cap, runs->n + 1);
	if (r == 0)
		runs->all[runs->n++] = (struct run){ pa, len };
	return r;
}

/* Of pages that are there in part, that part. */
static int find_runs(const struct thin_file *f, struct runs *ret)
{
	for (size_t i = 0; i < f->n_pages; i++) {
		uint64_t at = f->pages[i] * f->page_size, end = at + f->page_size, len;

		while (at < end && (len = dump_next(f->dump, at, &at)) != 0 && at < end) {
			len = len < end - at ? len : end - at;
			int r = add_run(ret, at, len);
			if (r < 0)
				return r;
			at += len;
		}
	}
	return 0;
}

static void fill_header(const struct dump_about *a, size_t n_segments, Elf64_Ehdr *h)
{
	static const uint16_t machines[] = { [DUMP_X86_64] = EM_X86_64,
					     [DUMP_AARCH64] = EM_AARCH64,
					     [DUMP_I386] = EM_386,
					     [DUMP_RISCV64] = EM_RISCV };
	bool many = n_segments >= PN_XNUM;

	*h = (Elf64_Ehdr){ .e_type = ET_CORE,
			   .e_machine = machines[a->arch],
			   .e_version = EV_CURRENT,
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = many ? PN_XNUM : (uint16_t)n_segments,
			   .e_phoff = sizeof(Elf64_Ehdr) + (many ? sizeof(Elf64_Shdr) : 0) };
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	if (a->system == DUMP_FREEBSD)
		h->e_ident[EI_OSABI] = ELFOSABI_FREEBSD;
	if (!many)
		return;
	h->e_shoff = sizeof(Elf64_Ehdr);
	h->e_shentsize = sizeof(Elf64_Shdr);
	h->e_shnum = 1;
}

static int put_run(struct thin_file *f, const struct run *run, uint64_t off)
{
	uint8_t bytes[PIECE];

	for (uint64_t at = 0; at < run->len;) {
		size_t n = run->len - at < PIECE ? (size_t)(run->len - at) : PIECE;

		int r = dump_read(f->dump, run->pa + at, bytes, n);
		if (r == 0)
			r = thin_put(f, off + at, bytes, n);
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}

static int put_all(struct thin_file *f, const struct runs *runs, const struct strbuf *notes)
{
	Elf64_Ehdr h;
	const Elf64_Shdr section = { .sh_info = (uint32_t)(runs->n + 1) };

	fill_header(dump_about(f->dump), runs->n + 1, &h);
	uint64_t at = h.e_phoff + (runs->n + 1) * sizeof(Elf64_Phdr), phdr = h.e_phoff;
	Elf64_Phdr p = { .p_type = PT_NOTE,
			 .p_offset = at,
			 .p_filesz = notes->len,
			 .p_memsz = notes->len,
			 .p_align = 4 };
	int r = thin_put(f, 0, &h, sizeof(h));
	if (r == 0 && h.e_shnum)
		r = thin_put(f, h.e_shoff, &section, sizeof(section));
	if (r == 0)
		r = thin_put(f, phdr, &p, sizeof(p));
	if (r == 0)
		r = thin_put(f, at, notes->data, notes->len);
	at += notes->len;
	for (size_t i = 0; r == 0 && i < runs->n; i++) {
		const struct run *run = &runs->all[i];

		at = (at + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
		phdr += sizeof(p);
		p = (Elf64_Phdr){ .p_type = PT_LOAD,
				  .p_flags = PF_R | PF_W | PF_X,
				  .p_offset = at,
				  .p_paddr = run->pa,
				  .p_filesz = run->len,
				  .p_memsz = run->len };
		r = thin_put(f, phdr, &p, sizeof(p));
		if (r == 0)
			r = put_run(f, run, at);
		at += run->len;
	}
	return r;
}

static int write_elf(struct thin_file *f)
{
	struct runs runs = { 0 };
	struct strbuf notes = { 0 };

	int r = find_runs(f, &runs);
	if (r == 0)
		r = thin_notes(f->dump, &notes);
	if (r == 0)
		r = put_all(f, &runs, &notes);
	strbuf_fini(&notes);
	free(runs.all);
	return r;
}

const struct thin_format thin_elf = {
	.name = "ELF",
	.can = can,
	.write = write_elf,
};
