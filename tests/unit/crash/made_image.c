/* SPDX-License-Identifier: MIT */
/** Page tables of x86-64 and arm64, and the core around them. */
#include "made_image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void image_init(struct made_image *m, const struct space_layout *layout)
{
	*m = (struct made_image){ .layout = *layout, .next = IMAGE_BASE, .machine = EM_X86_64 };
	if (layout->tables == SPACE_ARM64)
		m->machine = EM_AARCH64;
	m->layout.root = image_pages(m, 1);
}

void image_fini(struct made_image *m)
{
	made_fini(&m->memory);
	made_fini(&m->elf);
}

void image_put(struct made_image *m, uint64_t pa, const void *data, size_t n)
{
	sonde_check(pa >= IMAGE_BASE);
	made_put(&m->memory, pa - IMAGE_BASE, data, n);
}

void image_put64(struct made_image *m, uint64_t pa, uint64_t v)
{
	image_put(m, pa, &v, sizeof(v));
}

uint64_t image_get64(const struct made_image *m, uint64_t pa)
{
	uint64_t v;

	memcpy(&v, m->memory.data + (pa - IMAGE_BASE), sizeof(v));
	return v;
}

uint64_t image_pages(struct made_image *m, size_t n)
{
	const uint64_t size = 1ull << m->layout.page_bits;
	uint64_t pa = (m->next + size - 1) & ~(size - 1);

	m->next = pa + n * size;
	made_put(&m->memory, m->next - IMAGE_BASE, NULL, 0);
	return pa;
}

static uint64_t entry(const struct made_image *m, uint64_t pa, bool table, bool last)
{
	if (m->layout.tables == SPACE_X86_64)
		return pa | 1 | 1ull << 63 | (!table && !last ? 1 << 7 : 0);
	uint64_t e = pa | 1 | (table || last ? 2 : 0);
	if (m->layout.pa_52 && m->layout.page_bits == 16)
		e = (e & ~(0xfull << 48)) | (pa >> 48 & 0xf) << 12;
	else if (m->layout.pa_52)
		e = (e & ~(3ull << 50)) | (pa >> 50 & 3) << 8;
	return e;
}

void image_map(struct made_image *m, uint64_t va, uint64_t pa, unsigned shift)
{
	const unsigned bits = m->layout.page_bits, step = bits - 3;
	unsigned level = (m->layout.va_bits - bits + step - 1) / step - 1;
	uint64_t table = m->layout.root;

	va &= (1ull << m->layout.va_bits) - 1;
	for (;; level--) {
		unsigned at = bits + level * step;
		uint64_t slot = table + (va >> at & ((1ull << step) - 1)) * 8, e;

		if (at == shift) {
			image_put64(m, slot, entry(m, pa, false, at == bits));
			return;
		}
		e = image_get64(m, slot);
		if (!e) {
			uint64_t next = image_pages(m, 1);

			e = entry(m, next, true, false);
			image_put64(m, slot, e);
			table = next;
		} else {
			table = e & 0x0000fffffffff000ull & ~((1ull << bits) - 1);
		}
	}
}

struct dump *image_open(struct made_image *m, const char *vmcoreinfo)
{
	const size_t len = vmcoreinfo ? strlen(vmcoreinfo) : 0;
	const Elf64_Nhdr note = { .n_namesz = 11, .n_descsz = (uint32_t)len };
	const Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			       .e_type = ET_CORE,
			       .e_machine = m->machine,
			       .e_phoff = sizeof(h),
			       .e_ehsize = sizeof(h),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = vmcoreinfo ? 2 : 1 };
	const Elf64_Phdr load = { .p_type = PT_LOAD,
				  .p_offset = 65536,
				  .p_paddr = IMAGE_BASE,
				  .p_filesz = m->memory.len,
				  .p_memsz = m->memory.len };
	const Elf64_Phdr notes = { .p_type = PT_NOTE,
				   .p_offset = 4096,
				   .p_filesz =
					   sizeof(note) + 12 + ((len + 3) & ~3ul) + m->notes_len };
	struct dump *d = NULL;

	made_fini(&m->elf);
	m->elf = (struct made_file){ 0 };
	made_put(&m->elf, 0, &h, sizeof(h));
	made_put(&m->elf, 64, &load, sizeof(load));
	made_put(&m->elf, 64 + sizeof(load), &notes, sizeof(notes));
	made_put(&m->elf, 4096, &note, sizeof(note));
	made_put(&m->elf, 4096 + sizeof(note), "VMCOREINFO\0", 12);
	made_put(&m->elf, 4096 + sizeof(note) + 12, vmcoreinfo, len);
	if (m->notes_len)
		made_put(&m->elf, 4096 + notes.p_filesz - m->notes_len, m->notes, m->notes_len);
	made_put(&m->elf, 65536, m->memory.data, m->memory.len);
	made_write(&m->elf);
	const char *path = m->elf.path;
	sonde_check(!dump_open(&path, 1, &d));
	return d;
}
