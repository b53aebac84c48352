/* SPDX-License-Identifier: MIT */
/** ELF cores of memory that is made up: of either size, in odd orders, as QEMU and kexec do. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "made_memory.h"

static void put_note(struct made_file *f, const char *name, uint32_t type, const void *data,
		     size_t n)
{
	Elf64_Nhdr h = { .n_namesz = (uint32_t)strlen(name) + 1,
			 .n_descsz = (uint32_t)n,
			 .n_type = type };
	static const char zero[4];

	made_put(f, f->len, &h, sizeof(h));
	made_put(f, f->len, name, h.n_namesz);
	made_put(f, f->len, zero, -h.n_namesz % 4);
	made_put(f, f->len, data, n);
	made_put(f, f->len, zero, -n % 4);
}

static void put_segment(struct made_file *f, const struct made_elf_how *how, uint64_t at,
			const Elf64_Phdr *p)
{
	Elf32_Phdr p32 = { .p_type = p->p_type,
			   .p_offset = (uint32_t)p->p_offset,
			   .p_paddr = (uint32_t)p->p_paddr,
			   .p_filesz = (uint32_t)p->p_filesz,
			   .p_memsz = (uint32_t)p->p_memsz };

	if (how->is_32)
		made_put(f, at, &p32, sizeof(p32));
	else
		made_put(f, at, p, sizeof(*p));
}

static void put_header(struct made_file *f, const struct made_elf_how *how, uint64_t phoff,
		       uint64_t shoff, size_t n)
{
	Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_CORE,
			 .e_machine = how->machine,
			 .e_phoff = phoff,
			 .e_shoff = shoff,
			 .e_ehsize = how->ehsize,
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = how->many ? PN_XNUM : (uint16_t)n };
	Elf32_Ehdr h32 = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			   .e_type = ET_CORE,
			   .e_machine = how->machine,
			   .e_phoff = (uint32_t)phoff,
			   .e_shoff = (uint32_t)shoff,
			   .e_ehsize = how->ehsize,
			   .e_phentsize = sizeof(Elf32_Phdr),
			   .e_phnum = h.e_phnum };
	Elf64_Shdr s = { .sh_info = (uint32_t)n };
	Elf32_Shdr s32 = { .sh_info = (uint32_t)n };

	if (how->is_32) {
		made_put(f, 0, &h32, sizeof(h32));
		made_put(f, shoff, &s32, sizeof(s32));
	} else {
		made_put(f, 0, &h, sizeof(h));
		made_put(f, shoff, &s, sizeof(s));
	}
}

void made_elf(struct made_memory *m, const struct made_elf_how *how, struct made_file *ret)
{
	size_t entry = how->is_32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	size_t n = m->n + (how->vmcoreinfo != NULL);
	uint64_t shoff = how->sections_first ? 64 : 64 + n * entry;
	uint64_t phoff = how->sections_first ? 128 : 64;
	uint64_t at = phoff;

	*ret = (struct made_file){ 0 };
	put_header(ret, how, phoff, shoff, n);
	made_put(ret, phoff + n * entry, "", 1);
	if (how->vmcoreinfo) {
		Elf64_Phdr p = { .p_type = PT_NOTE, .p_offset = ret->len };

		put_note(ret, "CORE", NT_PRSTATUS, "0123456789", 10);
		put_note(ret, "VMCOREINFO", 0, how->vmcoreinfo, strlen(how->vmcoreinfo));
		p.p_filesz = ret->len - p.p_offset;
		put_segment(ret, how, at, &p);
		at += entry;
	}
	for (size_t i = 0; i < m->n; i++, at += entry) {
		Elf64_Phdr p = { .p_type = PT_LOAD,
				 .p_offset = ret->len + made_random(m, 100),
				 .p_paddr = m->ranges[i].pa,
				 .p_filesz = m->ranges[i].len,
				 .p_memsz = m->ranges[i].len + how->tail };
		uint8_t *data = malloc(p.p_filesz);

		made_fill(m, p.p_paddr, data, p.p_filesz);
		made_put(ret, p.p_offset, data, p.p_filesz);
		put_segment(ret, how, at, &p);
		free(data);
	}
}
